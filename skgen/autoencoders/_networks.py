"""The base of the autoencoders that are made of two networks, an encoder and a decoder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import nn

from skgen._sklearn import StrOptions
from skgen.autoencoders._base import BaseAutoencoder, RowFunction
from skgen.networks.convolutional import UnflattenImages
from skgen.networks.dense import ACTIVATIONS, TopK
from skgen.networks.encoders import ToRows, custom_network, described, n_outputs
from skgen.parameters import NETWORK, parameter

__all__ = ["BaseNetworkAutoencoder"]

_NETWORK = [nn.Module, callable, None]


class BaseNetworkAutoencoder(BaseAutoencoder, ABC):
    """Base class of the autoencoders with networks. A kind of network is one `_new_module`."""

    activation: str = parameter(
        "silu",
        [StrOptions(set(ACTIVATIONS))],
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
        kind="str",
    )
    features: str = parameter(
        "code",
        [StrOptions({"code", "hidden"})],
        """What `transform` returns: the code, or the activations of all hidden layers of the
        encoder, side by side. These are many, and often feed trees better; they have no way
        back.""",
    )
    encoder: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the encoder's hidden ones: from rows, or from images
        (batch, channels, height, width), in network units, to anything; a linear layer to the code
        follows. A module is copied, and training starts from its weights. A callable gets the shape
        of a row without the batch, and returns a new module.""",
    )
    decoder: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the decoder: from codes to rows, or to images (batch,
        channels, height, width). A callable gets ``(n_components,)``.""",
    )

    # Numbers that the encoder gives for every number of the code.
    _code_heads: ClassVar[int] = 1

    @abstractmethod
    def _new_module(self) -> nn.Module:
        """Return the networks, with an `encoder` and a `decoder` of rows."""

    @abstractmethod
    def _n_hidden_features(self) -> int:
        """Return the number of columns of ``features="hidden"``."""

    def _code_activation(self) -> str | None:
        """Return the activation of the code."""
        return None

    def _last_activation(self) -> str | None:
        """Return the activation of the decoder's output."""
        return None

    def _n_nonzero(self, n_components: int) -> int | None:
        """Return how many units of the code may be other than 0, if that is limited."""
        return None

    def _built_with(self) -> dict[str, Any]:
        own = {"activation": self.activation, "encoder": self.encoder, "decoder": self.decoder}
        return {**super()._built_with(), **own}

    def _module(self) -> nn.Module:
        module: Any = self._new_module()
        if self.encoder is not None:
            if self.features == "hidden" or getattr(self, "tied_weights", False):
                raise ValueError(
                    'features="hidden" and tied_weights=True are about the hidden layers of '
                    'skgen\'s own encoder, and encoder= takes their place. Set features="code" and '
                    "tied_weights=False, or leave encoder out."
                )
            module.encoder, module.hidden_layers = self._own_encoder(self.encoder), []
        if self.decoder is not None:
            module.decoder = self._own_decoder(self.decoder)
        return module

    def _own_encoder(self, given: Any) -> nn.Module:
        """Return the user's layers, and a layer to the code."""
        taken, n_code = self.input_, self._code_size(self.n_features_in_)
        first = [UnflattenImages(taken.image_shape)] if taken.image_shape else []
        body = nn.Sequential(*first, custom_network("encoder", given, taken.shape), ToRows())
        n_last = n_outputs("encoder", body, self.n_features_in_, described(taken.shape))
        body.append(nn.Linear(n_last, self._code_heads * n_code))
        activation, n_nonzero = self._code_activation(), self._n_nonzero(n_code)
        if activation is not None:
            body.append(ACTIVATIONS[activation]())
        if n_nonzero is not None:
            body.append(TopK(n_nonzero))
        return body

    def _own_decoder(self, given: Any) -> nn.Module:
        """Return the user's layers, and the activation of the output."""
        n_code, n_features = self._code_size(self.n_features_in_), self.n_features_in_
        body = nn.Sequential(custom_network("decoder", given, (n_code,)), ToRows())
        n_made = n_outputs("decoder", body, n_code, f"codes ({n_code},)")
        if n_made != n_features:
            raise ValueError(
                f"decoder makes {n_made} numbers of a code, but a row of X has {n_features}."
            )
        last = self._last_activation()
        return body if last is None else body.append(ACTIVATIONS[last]())

    def _maps(self) -> tuple[RowFunction, RowFunction]:
        network = self._network()
        return network.encoder, network.decoder

    def _encoder(self) -> nn.Module:
        encoder: nn.Module = self._network().encoder
        return encoder

    def _hidden_layers(self) -> Sequence[str]:
        names: Sequence[str] = self._network().hidden_layers
        return names

    def _features(self) -> RowFunction:
        if self.features == "code":
            return super()._features()
        hidden: RowFunction = self._network().hidden
        return hidden

    @property
    def _n_features_out(self) -> int:
        return self.n_components_ if self.features == "code" else self._n_hidden_features()

    def _check_invertible(self) -> None:
        if self.features == "hidden":
            raise ValueError(
                'With features="hidden", transform returns activations on the way to the code, and '
                'the decoder starts from the code. Set features="code" to decode.'
            )
