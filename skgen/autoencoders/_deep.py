"""The base of the autoencoders whose encoder and decoder minimize a loss of your choice."""

from abc import ABC
from typing import Any, ClassVar

from torch import nn

from skgen._sklearn import StrOptions
from skgen.autoencoders._base import Reconstruction
from skgen.autoencoders._networks import BaseNetworkAutoencoder
from skgen.corruptions import Corruption, Gaussian, on_rows
from skgen.engine import Column, Turn
from skgen.exceptions import warn
from skgen.inputs import Units
from skgen.losses import LOSSES, BinaryCrossEntropy, Loss
from skgen.networks.dense import ACTIVATIONS
from skgen.parameters import parameter, resolve
from skgen.penalties import KL, Penalty

__all__ = ["BaseDeepAutoencoder"]

# What X is mapped into for a decoder that ends in that activation.
_OUTPUT_RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, 1.0),
    "softplus": (0.0, 1.0),
}


class BaseDeepAutoencoder(BaseNetworkAutoencoder, ABC):
    """Base class of these autoencoders: the hooks say how the code is regularized."""

    code_activation: str | None = parameter(
        None,
        [StrOptions(set(ACTIVATIONS)), None],
        """Activation of the code, one of those for `activation`. None leaves it linear and
        unbounded.""",
        kind="str or None",
    )
    loss: str | Loss = parameter(
        "squared_error",
        [StrOptions(set(LOSSES)), Loss],
        f"""How far a reconstruction is from its row: {", ".join(LOSSES)}, or an object of
        `skgen.losses`. ``"binary_cross_entropy"`` needs X in [0, 1]; the range of images is
        mapped to it.""",
        kind="str or Loss",
    )
    output_activation: str | None = parameter(
        None,
        [StrOptions(set(ACTIVATIONS)), None],
        """Activation of the decoder's output. With ``"sigmoid"`` or ``"tanh"``, X is mapped into
        its range in place of standardized, and reconstructions never leave the range of the
        training data; with ``"relu"`` or ``"softplus"`` they never fall below it.""",
        kind="str or None",
    )

    def _corruption(self) -> Corruption | None:
        """Return what distorts the input in training."""
        return None

    def _code_noise(self) -> Corruption | None:
        """Return what distorts the code in training."""
        return None

    def _penalties(self) -> list[Penalty]:
        """Return what is added to the loss."""
        return []

    def _code_activation(self) -> str | None:
        return self.code_activation

    _ways_to_bound_the_code: ClassVar[str] = 'Bound it (code_activation="tanh")'

    def _can_scale(self) -> bool:
        """Whether the code can grow at no cost, the decoder shrinking as much."""
        return self._code_activation() not in {"sigmoid", "tanh"}

    def _code_image_shape(self) -> tuple[int, int, int] | None:
        """Return height, width and channels of a code that is itself an image."""
        return None

    def _code_size_was_chosen(self) -> bool:
        """Whether the user said how large the code should be."""
        return self.n_components is not None

    def _loss(self) -> Loss:
        loss = resolve(self.loss, LOSSES)
        assert loss is not None  # the parameter's constraint
        return loss

    def _turns(self) -> list[Turn]:
        activation = self._code_activation()
        if activation != "sigmoid" and any(isinstance(one, KL) for one in self._penalties()):
            raise ValueError(
                "The KL penalty compares rates of activation, so it needs a code in [0, 1]: set "
                f'code_activation="sigmoid", got {activation!r}.'
            )
        objective = Reconstruction(
            self._loss().in_units(self.input_),
            on_rows(self._corruption(), self.input_.image_shape),
            on_rows(self._code_noise(), self._code_image_shape()),
            self._penalties(),
        )
        return [Turn(("encoder", "decoder"), objective)]

    def _last_activation(self) -> str | None:
        if not isinstance(self._loss(), BinaryCrossEntropy):
            return self.output_activation
        if self.output_activation not in {None, "sigmoid"}:
            raise ValueError(
                'loss="binary_cross_entropy" needs outputs in [0, 1], so output_activation has to '
                f'be None or "sigmoid", got {self.output_activation!r}.'
            )
        return "sigmoid"

    def _units(self) -> Units:
        """Return the network units that suit the loss and the decoder's output."""
        self._last_activation()  # so that a bad combination is named before anything about X
        if isinstance(self._loss(), BinaryCrossEntropy):  # which is about values in [0, 1]
            return Units((0.0, 1.0), by_value_range=True, needed_by='loss="binary_cross_entropy"')
        return Units(_OUTPUT_RANGES.get(self.output_activation or ""))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "code_activation": self._code_activation(),
            "output_activation": self._last_activation(),
        }

    def _module(self) -> nn.Module:
        module = super()._module()
        for penalty in self._penalties():
            penalty.initialize(module)
        return module

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        regularized = (
            self._corruption()
            or self._code_noise()
            or self._penalties()
            or self._n_nonzero(self.n_components_)
        )
        expands = self._code_size_was_chosen() and self.n_components_ >= self.n_features_in_
        if expands and not regularized:
            warn(
                f"A code of n_components={self.n_components_} for {self.n_features_in_} features, "
                "without regularization, can learn to copy its input. Distort the input "
                "(corruption), put noise on the code (code_noise), or penalize it (penalty); or "
                "choose a smaller code.",
                UserWarning,
            )
        noise, penalties = self._code_noise(), self._penalties()
        going_on = options.get("partial", False)
        if isinstance(noise, Gaussian) and self._can_scale() and not (penalties or going_on):
            warn(
                "Gaussian noise on an unbounded code has little effect, since the code can grow "
                f"until the noise does not matter. {self._ways_to_bound_the_code}, or use dropout "
                "in place of the noise.",
                UserWarning,
            )
        return columns
