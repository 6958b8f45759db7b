"""The parameters by which an autoencoder is regularized in any combination."""

from abc import ABC
from collections.abc import Sequence

from skgen.corruptions import CORRUPTION, CORRUPTIONS, Corruption, resolve_corruption
from skgen.parameters import Declared, parameter, resolve_all
from skgen.penalties import Penalty

__all__ = ["Regularized"]


class Regularized(Declared, ABC):
    """Mixed into a deep autoencoder, fills its hooks with what the user passes."""

    corruption: str | Corruption | Sequence[str | Corruption] | None = parameter(
        None,
        [*CORRUPTION, None],
        f"""Distorts the input in training, while the target stays clean: {", ".join(CORRUPTIONS)},
        an object of `skgen.corruptions`, or a list of these, done one after the other.""",
        kind="str, Corruption, list of these, or None",
    )
    code_noise: str | Corruption | Sequence[str | Corruption] | None = parameter(
        None,
        [*CORRUPTION, None],
        """Distorts the code in training.""",
        kind="str, Corruption, list of these, or None",
    )
    penalty: Penalty | Sequence[Penalty] | None = parameter(
        None,
        [Penalty, list, tuple, None],
        """Added to the loss: objects of `skgen.penalties`.""",
        kind="Penalty, list of Penalty, or None",
    )

    def _corruption(self) -> Corruption | None:
        return resolve_corruption(self.corruption)

    def _code_noise(self) -> Corruption | None:
        return resolve_corruption(self.code_noise)

    def _penalties(self) -> list[Penalty]:
        return resolve_all(self.penalty)
