"""The parameters by which an autoencoder is regularized in any combination."""

from abc import ABC
from collections.abc import Sequence

from skgen._sklearn import StrOptions
from skgen.corruptions import CORRUPTIONS, Corruption
from skgen.parameters import Declared, parameter, resolve, resolve_all
from skgen.penalties import Penalty

__all__ = ["Regularized"]

_CORRUPTION = [StrOptions(set(CORRUPTIONS)), Corruption, None]


class Regularized(Declared, ABC):
    """Mixed into a deep autoencoder, fills its hooks with what the user passes."""

    corruption: str | Corruption | None = parameter(
        None,
        _CORRUPTION,
        f"""Distorts the input in training, while the target stays clean: {", ".join(CORRUPTIONS)},
        or an object of `skgen.corruptions`.""",
        kind="str, Corruption or None",
    )
    code_noise: str | Corruption | None = parameter(
        None,
        _CORRUPTION,
        """Distorts the code in training.""",
        kind="str, Corruption or None",
    )
    penalty: Penalty | Sequence[Penalty] | None = parameter(
        None,
        [Penalty, list, tuple, None],
        """Added to the loss: objects of `skgen.penalties`.""",
        kind="Penalty, list of Penalty, or None",
    )

    def _corruption(self) -> Corruption | None:
        return resolve(self.corruption, CORRUPTIONS)

    def _code_noise(self) -> Corruption | None:
        return resolve(self.code_noise, CORRUPTIONS)

    def _penalties(self) -> list[Penalty]:
        return resolve_all(self.penalty)
