"""The parameters by which an autoencoder is regularized in any combination."""

from abc import ABC
from collections.abc import Sequence

from sklearn.utils._param_validation import StrOptions

from skgen.corruptions import CORRUPTIONS, Corruption
from skgen.parameters import Declared, parameter, resolve
from skgen.penalties import Penalty

__all__ = ["Regularized"]

_CORRUPTION = [StrOptions(set(CORRUPTIONS)), Corruption, None]


class Regularized(Declared, ABC):
    """Mixed into a deep autoencoder, fills its hooks with what the user passes."""

    corruption: str | Corruption | None = parameter(
        None,
        _CORRUPTION,
        "str, Corruption or None",
        f"""Distorts the input in training, while the target stays clean: {", ".join(CORRUPTIONS)},
        or an object of `skgen.corruptions`.""",
    )
    code_noise: str | Corruption | None = parameter(
        None,
        _CORRUPTION,
        "str, Corruption or None",
        """Distorts the code in training.""",
    )
    penalty: Penalty | Sequence[Penalty] | None = parameter(
        None,
        [Penalty, list, tuple, None],
        "Penalty, list of Penalty, or None",
        """Added to the loss: objects of `skgen.penalties`.""",
    )

    def _corruption(self) -> Corruption | None:
        return resolve(self.corruption, CORRUPTIONS)

    def _code_noise(self) -> Corruption | None:
        return resolve(self.code_noise, CORRUPTIONS)

    def _penalties(self) -> list[Penalty]:
        several = self.penalty if isinstance(self.penalty, list | tuple) else [self.penalty]
        return [penalty for one in several if (penalty := resolve(one, {})) is not None]
