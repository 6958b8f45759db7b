"""The base of the autoencoders made of fully connected layers."""

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from torch import nn

from skgen.autoencoders._deep import BaseDeepAutoencoder
from skgen.autoencoders._stacked import turns_of_layers
from skgen.engine import Batches, Phase, Turn
from skgen.inputs import RowInput
from skgen.networks.dense import DenseAutoencoder
from skgen.parameters import SIZES, checked_sizes, parameter

__all__ = ["BaseDenseAutoencoder"]


class BaseDenseAutoencoder(BaseDeepAutoencoder, ABC):
    """Base class of the dense autoencoders."""

    hidden_layer_sizes: Sequence[int] = parameter(
        (512, 256),
        SIZES,
        """Sizes of the encoder's hidden layers, input side first. The decoder mirrors them. Empty
        for a single layer.""",
    )
    tied_weights: bool = parameter(
        False,
        ["boolean"],
        """Whether the decoder's weights are the encoder's, transposed: half the weights to
        learn.""",
    )
    stacked: bool = parameter(
        False,
        ["boolean"],
        """Whether layers are trained one after the other, from that of the input on: each learns to
        give back what the layer below makes of clean rows, from a distorted version of it
        (Vincent et al., JMLR 11, 2010). `max_epochs` are those of every layer, and the history has
        a loss for each: ``"layer_1"`` and so on.""",
    )

    _ways_to_bound_the_code: ClassVar[str] = (
        f"{BaseDeepAutoencoder._ways_to_bound_the_code}, tie the weights (tied_weights=True)"
    )

    def _input(self) -> RowInput:
        return RowInput(self._units())

    def _can_scale(self) -> bool:
        return super()._can_scale() and not self.tied_weights

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "hidden_layer_sizes": self._hidden_layer_sizes(),
            "n_nonzero": self._n_nonzero(self._code_size(self.n_features_in_)),
            "tied_weights": self.tied_weights,
        }

    def _phases(
        self, turns: Sequence[Turn], batches: Batches, n_epochs: int, validation: Batches | None
    ) -> list[Phase]:
        if not self.stacked:
            return super()._phases(turns, batches, n_epochs, validation)
        if self.tied_weights or self.encoder is not None or self.decoder is not None:
            raise ValueError(
                "stacked=True trains the layers of skgen's own encoder and decoder one by one: set "
                "tied_weights=False, and leave encoder and decoder out."
            )
        if self._penalties() or self._code_noise() is not None:
            raise ValueError(
                "stacked=True trains layers by reconstruction alone, without penalties and noise "
                "on the code. Leave these out, or set stacked=False."
            )
        layers = turns_of_layers(
            len(self._hidden_layer_sizes()) + 1,
            self._loss().in_units(self.input_),
            self._corruption(),
        )
        return [Phase(batches, [turn], n_epochs, validation) for turn in layers]

    def _new_module(self) -> nn.Module:
        n_features = self.n_features_in_
        n_components = self._code_size(n_features)
        return DenseAutoencoder(
            n_features,
            self._hidden_layer_sizes(),
            n_components,
            activation=self.activation,
            code_activation=self._code_activation(),
            n_nonzero=self._n_nonzero(n_components),
            output_activation=self._last_activation(),
            tied_weights=self.tied_weights,
        )

    def _hidden_layer_sizes(self) -> list[int]:
        if self.features == "hidden" and not len(self.hidden_layer_sizes):
            raise ValueError('features="hidden" needs at least one hidden layer, got none.')
        return checked_sizes(self, "hidden_layer_sizes")

    def _n_hidden_features(self) -> int:
        network: Any = self.net_.module_
        return sum(layer.out_features for layer in network.encoder[: 2 * network.n_hidden : 2])
