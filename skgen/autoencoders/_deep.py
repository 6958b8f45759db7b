"""The base of the autoencoders that are made of two networks, an encoder and a decoder."""

import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from skgen.autoencoders._base import BaseAutoencoder, Reconstruction, RowFunction
from skgen.corruptions import Corruption, Gaussian, on_rows
from skgen.losses import LOSSES, BinaryCrossEntropy, Loss
from skgen.networks.dense import ACTIVATIONS
from skgen.parameters import parameter, resolve
from skgen.penalties import KL, Penalty
from skgen.scaling import Scaling
from skgen.turns import Turn

__all__ = ["BaseDeepAutoencoder"]

# What X is mapped into for a decoder that ends in that activation.
_OUTPUT_RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, 1.0),
    "softplus": (0.0, 1.0),
}


class BaseDeepAutoencoder(BaseAutoencoder, ABC):
    """Base class of the autoencoders with networks: the hooks say how the code is regularised.

    A kind of network is one `_new_module`.
    """

    activation: str = parameter(
        "silu",
        [StrOptions(set(ACTIVATIONS))],
        "str",
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
    )
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
        `skgen.losses`. ``"binary_cross_entropy"`` needs X in [0, 1]; the range of pictures is
        mapped to it.""",
    )
    output_activation: str | None = parameter(
        None,
        [StrOptions(set(ACTIVATIONS)), None],
        "str or None",
        """Activation of the decoder's output. With ``"sigmoid"`` or ``"tanh"``, X is mapped into
        its range in place of standardised, and reconstructions never leave the range of the
        training data; with ``"relu"`` or ``"softplus"`` they never fall below it.""",
    )
    features: str = parameter(
        "code",
        [StrOptions({"code", "hidden"})],
        "{'code', 'hidden'}",
        """What `transform` returns: the code, or the activations of all hidden layers of the
        encoder, side by side. These are many, and often feed trees better; they have no way
        back.""",
    )

    @abstractmethod
    def _new_module(self, n_features: int) -> nn.Module:
        """Return the networks, with an `encoder` and a `decoder` of rows."""

    @abstractmethod
    def _n_hidden_features(self) -> int:
        """Return the number of columns of ``features="hidden"``."""

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

    def _n_active(self, n_components: int) -> int | None:
        """Return how many units of the code may be active at once, if that is limited."""
        return None

    _ways_to_bound_the_code: ClassVar[str] = 'Bound it (code_activation="tanh")'

    def _can_scale(self) -> bool:
        """Whether the code can grow at no cost, the decoder shrinking as much."""
        return self._code_activation() not in {"sigmoid", "tanh"}

    def _checked_sizes(self, name: str) -> list[int]:
        """Return a parameter that lists numbers of units."""
        sizes = list(getattr(self, name))
        if any(not isinstance(size, int | np.integer) or size < 1 for size in sizes):
            raise ValueError(f"{name} must hold integers of at least 1, got {sizes}.")
        return [int(size) for size in sizes]

    def _code_picture_shape(self) -> tuple[int, int, int] | None:
        """Return height, width and channels of a code that is itself a picture."""
        return None

    def _code_size_was_chosen(self) -> bool:
        """Whether the user said how large the code should be."""
        return self.n_components is not None

    def _value_range(self) -> tuple[float, float] | None:
        """Return the range that all values lie in, if one is known."""
        return None

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
            self._loss().in_units(self.scaling_, self._picture_shape(), self._value_range()),
            on_rows(self._corruption(), self._picture_shape()),
            on_rows(self._code_noise(), self._code_picture_shape()),
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
            low, high = self._value_range() or (0.0, 1.0)
            return Scaling(Scaling.fit(X).mean, np.full(X.shape[1], low), (high - low) or 1.0)
        return Scaling.fit(X, _OUTPUT_RANGES.get(self.output_activation or ""))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "activation": self.activation,
            "code_activation": self._code_activation(),
            "output_activation": self._last_activation(),
        }

    def _module(self, n_features: int) -> nn.Module:
        module = self._new_module(n_features)
        for penalty in self._penalties():
            penalty.initialise(module)
        return module

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        self._last_activation()  # so that a bad combination is named before anything about X
        X = super()._learn(X, partial=partial)
        regularised = (
            self._corruption()
            or self._code_noise()
            or self._penalties()
            or self._n_active(self.n_components_)
        )
        expands = self._code_size_was_chosen() and self.n_components_ >= self.n_features_in_
        if expands and not regularised:
            warnings.warn(
                f"A code of n_components={self.n_components_} for {self.n_features_in_} features, "
                "without regularisation, can learn to copy its input. Distort the input "
                "(corruption), put noise on the code (code_noise), or penalise it (penalty); or "
                "choose a smaller code.",
                stacklevel=4,
            )
        noise, penalties = self._code_noise(), self._penalties()
        if isinstance(noise, Gaussian) and self._can_scale() and not (penalties or partial):
            warnings.warn(
                "Gaussian noise on an unbounded code has little effect, since the code can grow "
                f"until the noise does not matter. {self._ways_to_bound_the_code}, or use dropout "
                "in place of the noise.",
                stacklevel=4,
            )
        return X

    def _maps(self, dtype: np.dtype) -> tuple[RowFunction, RowFunction]:
        network: Any = self._network(dtype)
        scaling, value_range = self.scaling_, self._value_range()

        def decode(code: Tensor) -> Tensor:
            x = scaling.undo(network.decoder(code))
            return x if value_range is None else x.clamp_(*value_range)

        return lambda x: network.encoder(scaling.apply(x)), decode

    def _check_trainable(self, X: NDArray) -> None:
        if not isinstance(self._loss(), BinaryCrossEntropy):
            return
        low, high = self._value_range() or (0.0, 1.0)
        if X.min() < low or X.max() > high:
            raise ValueError(
                f'loss="binary_cross_entropy" needs X in [{low:g}, {high:g}], got values from '
                f"{X.min()} to {X.max()}. Scale X, with MinMaxScaler for one, or use another loss."
            )

    def _features(self, dtype: np.dtype) -> RowFunction:
        if self.features == "code":
            return super()._features(dtype)
        network: Any = self._network(dtype)
        return lambda x: network.hidden(self.scaling_.apply(x))

    @property
    def _n_features_out(self) -> int:
        return self.n_components_ if self.features == "code" else self._n_hidden_features()

    def _check_invertible(self) -> None:
        if self.features == "hidden":
            raise ValueError(
                'With features="hidden", transform returns activations on the way to the code, and '
                'the decoder starts from the code. Set features="code" to decode.'
            )
