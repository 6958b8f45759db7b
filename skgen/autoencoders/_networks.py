"""The base of the autoencoders that are made of two networks, an encoder and a decoder."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from skgen.autoencoders._base import BaseAutoencoder, RowFunction
from skgen.inputs.scaling import Scaling
from skgen.networks.dense import ACTIVATIONS
from skgen.parameters import parameter

__all__ = ["BaseNetworkAutoencoder"]


class BaseNetworkAutoencoder(BaseAutoencoder, ABC):
    """Base class of the autoencoders with networks. A kind of network is one `_new_module`."""

    activation: str = parameter(
        "silu",
        [StrOptions(set(ACTIVATIONS))],
        "str",
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
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

    def _value_range(self) -> tuple[float, float] | None:
        """Return the range that all values lie in, if one is known."""
        return None

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "activation": self.activation}

    def _module(self, n_features: int) -> nn.Module:
        return self._new_module(n_features)

    def _unit_scaling(self, X: NDArray) -> Scaling:
        """Return the map of the range of images to [0, 1], and of what lies there to itself."""
        low, high = self._value_range() or (0.0, 1.0)
        return Scaling(Scaling.fit(X).mean, np.full(X.shape[1], low), (high - low) or 1.0)

    def _check_unit_range(self, X: NDArray, needed_by: str) -> None:
        """Raise an error if X has values that `_unit_scaling` maps out of [0, 1]."""
        low, high = self._value_range() or (0.0, 1.0)
        if X.min() < low or X.max() > high:
            raise ValueError(
                f"{needed_by} needs X in [{low:g}, {high:g}], got values from {X.min()} to "
                f"{X.max()}. Scale X, with MinMaxScaler for one, or use another."
            )

    def _maps(self, dtype: np.dtype) -> tuple[RowFunction, RowFunction]:
        network: Any = self._network(dtype)
        scaling = self.scaling_
        return (
            lambda x: network.encoder(scaling.apply(x)),
            lambda code: self._in_range(scaling.undo(network.decoder(code))),
        )

    def _in_range(self, x: Tensor) -> Tensor:
        """Clip rows to the range of values, where one is known."""
        value_range = self._value_range()
        return x if value_range is None else x.clamp_(*value_range)

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
