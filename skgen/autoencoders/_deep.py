"""The base of the autoencoders whose encoder and decoder minimize a loss of your choice."""

from abc import ABC
from typing import Any, ClassVar

from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import StrOptions
from torch import nn

from skgen.autoencoders._base import Reconstruction
from skgen.autoencoders._networks import BaseNetworkAutoencoder
from skgen.corruptions import Corruption, Gaussian, on_rows
from skgen.engine import Turn
from skgen.inputs.scaling import Scaling
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
        "str or None",
        """Activation of the code, one of those for `activation`. None leaves it linear and
        unbounded.""",
    )
    loss: str | Loss = parameter(
        "squared_error",
        [StrOptions(set(LOSSES)), Loss],
        "str or Loss",
        f"""How far a reconstruction is from its row: {", ".join(LOSSES)}, or an object of
        `skgen.losses`. ``"binary_cross_entropy"`` needs X in [0, 1]; the range of images is
        mapped to it.""",
    )
    output_activation: str | None = parameter(
        None,
        [StrOptions(set(ACTIVATIONS)), None],
        "str or None",
        """Activation of the decoder's output. With ``"sigmoid"`` or ``"tanh"``, X is mapped into
        its range in place of standardized, and reconstructions never leave the range of the
        training data; with ``"relu"`` or ``"softplus"`` they never fall below it.""",
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
        """Return the activation of the code."""
        return self.code_activation

    def _n_nonzero(self, n_components: int) -> int | None:
        """Return how many units of the code may be active at once, if that is limited."""
        return None

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
            self._loss().in_units(self.scaling_, self._image_shape(), self._value_range()),
            on_rows(self._corruption(), self._image_shape()),
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

    def _scaling(self, X: NDArray) -> Scaling:
        if isinstance(self._loss(), BinaryCrossEntropy):  # which is about values in [0, 1]
            return self._unit_scaling(X)
        return Scaling.fit(X, _OUTPUT_RANGES.get(self.output_activation or ""))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "code_activation": self._code_activation(),
            "output_activation": self._last_activation(),
        }

    def _module(self, n_features: int) -> nn.Module:
        module = super()._module(n_features)
        for penalty in self._penalties():
            penalty.initialize(module)
        return module

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        self._last_activation()  # so that a bad combination is named before anything about X
        X = super()._learn(X, partial=partial)
        regularized = (
            self._corruption()
            or self._code_noise()
            or self._penalties()
            or self._n_nonzero(self.n_components_)
        )
        expands = self._code_size_was_chosen() and self.n_components_ >= self.n_features_in_
        if expands and not regularized:
            self._complaints.append(
                f"A code of n_components={self.n_components_} for {self.n_features_in_} features, "
                "without regularization, can learn to copy its input. Distort the input "
                "(corruption), put noise on the code (code_noise), or penalize it (penalty); or "
                "choose a smaller code."
            )
        noise, penalties = self._code_noise(), self._penalties()
        if isinstance(noise, Gaussian) and self._can_scale() and not (penalties or partial):
            self._complaints.append(
                "Gaussian noise on an unbounded code has little effect, since the code can grow "
                f"until the noise does not matter. {self._ways_to_bound_the_code}, or use dropout "
                "in place of the noise."
            )
        return X

    def _check_trainable(self, X: NDArray) -> None:
        if isinstance(self._loss(), BinaryCrossEntropy):
            self._check_unit_range(X, 'loss="binary_cross_entropy"')
