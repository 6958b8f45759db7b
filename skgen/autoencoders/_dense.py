"""The base of the autoencoders made of fully connected layers."""

import warnings
from abc import ABC
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import StrOptions
from torch import nn

from skgen.autoencoders._base import BaseAutoencoder, Reconstruction, RowFunction
from skgen.corruptions import Corruption, Gaussian
from skgen.losses import LOSSES, BinaryCrossEntropy, Loss
from skgen.networks.dense import ACTIVATIONS, DenseAutoencoder
from skgen.parameters import parameter, resolve
from skgen.penalties import KL, Penalty
from skgen.scaling import Scaling
from skgen.turns import Turn

__all__ = ["BaseDenseAutoencoder"]

# What X is mapped into for a decoder that ends in that activation.
_OUTPUT_RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, 1.0),
    "softplus": (0.0, 1.0),
}

_NOTHING_HIDDEN = 'features="hidden" needs at least one hidden layer, got none.'


class BaseDenseAutoencoder(BaseAutoencoder, ABC):
    """Base class of the dense autoencoders: the hooks say how the code is regularised."""

    hidden_layer_sizes: Sequence[int] = parameter(
        (512, 256),
        ["array-like"],
        "sequence of int",
        """Sizes of the encoder's hidden layers, input side first. The decoder mirrors them. Empty
        for a single layer.""",
    )
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
        `skgen.losses`. ``"binary_cross_entropy"`` needs X in [0, 1].""",
    )
    output_activation: str | None = parameter(
        None,
        [StrOptions(set(ACTIVATIONS)), None],
        "str or None",
        """Activation of the decoder's output. With ``"sigmoid"`` or ``"tanh"``, X is mapped into
        its range in place of standardised, and reconstructions never leave the range of the
        training data; with ``"relu"`` or ``"softplus"`` they never fall below it.""",
    )
    tied_weights: bool = parameter(
        False,
        ["boolean"],
        "bool",
        """Whether the decoder's weights are the encoder's, transposed: half the weights to
        learn.""",
    )
    features: str = parameter(
        "code",
        [StrOptions({"code", "hidden"})],
        "{'code', 'hidden'}",
        """What `transform` returns: the code, or the activations of all hidden layers of the
        encoder, side by side. These are many, and often feed trees better; they have no way
        back.""",
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

    def _n_active(self, n_components: int) -> int | None:
        """Return how many units of the code may be active at once, if that is limited."""
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
            self._loss(), self._corruption(), self._code_noise(), self._penalties()
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
        if isinstance(self._loss(), BinaryCrossEntropy):  # which is about X as it is
            return Scaling(Scaling.fit(X).mean, np.zeros(X.shape[1]), 1.0)
        return Scaling.fit(X, _OUTPUT_RANGES.get(self.output_activation or ""))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "hidden_layer_sizes": self._hidden_layer_sizes(),
            "activation": self.activation,
            "code_activation": self._code_activation(),
            "n_active": self._n_active(self._code_size(self.n_features_in_)),
            "output_activation": self._last_activation(),
            "tied_weights": self.tied_weights,
        }

    def _module(self, n_features: int) -> nn.Module:
        n_components = self._code_size(n_features)
        module = DenseAutoencoder(
            n_features,
            self._hidden_layer_sizes(),
            n_components,
            activation=self.activation,
            code_activation=self._code_activation(),
            n_active=self._n_active(n_components),
            output_activation=self._last_activation(),
            tied_weights=self.tied_weights,
        )
        for penalty in self._penalties():
            penalty.initialise(module)
        return module

    def _hidden_layer_sizes(self) -> list[int]:
        sizes = list(self.hidden_layer_sizes)
        if any(not isinstance(size, int | np.integer) or size < 1 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must hold integers of at least 1, got {sizes}.")
        if self.features == "hidden" and not sizes:
            raise ValueError(_NOTHING_HIDDEN)
        return [int(size) for size in sizes]

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        self._last_activation()  # so that a bad combination is named before anything about X
        X = super()._learn(X, partial=partial)
        regularised = (
            self._corruption()
            or self._code_noise()
            or self._penalties()
            or self._n_active(self.n_components_)
        )
        expands = self.n_components is not None and self.n_components >= self.n_features_in_
        if expands and not regularised:
            warnings.warn(
                f"A code of n_components={self.n_components} for {self.n_features_in_} features, "
                "without regularisation, can learn to copy its input. Distort the input "
                "(corruption), put noise on the code (code_noise), or penalise it (penalty); or "
                "choose a smaller code.",
                stacklevel=4,
            )
        scalable = self._code_activation() not in {"sigmoid", "tanh"} and not self.tied_weights
        noise, penalties = self._code_noise(), self._penalties()
        if isinstance(noise, Gaussian) and scalable and not (penalties or partial):
            warnings.warn(
                "Gaussian noise on an unbounded code has little effect, since the code can grow "
                'until the noise does not matter. Bound it (code_activation="tanh"), tie the '
                "weights (tied_weights=True), or use dropout in place of the noise.",
                stacklevel=4,
            )
        return X

    def _maps(self, dtype: np.dtype) -> tuple[RowFunction, RowFunction]:
        network: Any = self._network(dtype)
        scaling = self.scaling_
        return (
            lambda x: network.encoder(scaling.apply(x)),
            lambda code: scaling.undo(network.decoder(code)),
        )

    def _check_trainable(self, X: NDArray) -> None:
        if isinstance(self._loss(), BinaryCrossEntropy) and (X.min() < 0 or X.max() > 1):
            raise ValueError(
                'loss="binary_cross_entropy" needs X in [0, 1], got values from '
                f"{X.min()} to {X.max()}. Scale X, with MinMaxScaler for one, or use another loss."
            )

    def _features(self, dtype: np.dtype) -> RowFunction:
        if self.features == "code":
            return super()._features(dtype)
        network: Any = self._network(dtype)
        if network.n_hidden == 0:
            raise ValueError(_NOTHING_HIDDEN)
        return lambda x: network.hidden(self.scaling_.apply(x))

    @property
    def _n_features_out(self) -> int:
        if self.features == "code":
            return self.n_components_
        network: Any = self.net_.module_
        return sum(layer.out_features for layer in network.encoder[: 2 * network.n_hidden : 2])

    def _check_invertible(self) -> None:
        if self.features == "hidden":
            raise ValueError(
                'With features="hidden", transform returns activations on the way to the code, and '
                'the decoder starts from the code. Set features="code" to decode.'
            )
