"""Fully connected encoders and decoders."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ACTIVATIONS", "DenseAutoencoder", "TopK", "dense_levels"]

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
}


def dense(sizes: Sequence[int], activation: str, last_activation: str | None) -> nn.Sequential:
    """Return linear layers of the given sizes with activations between them and after the last."""
    layers: list[nn.Module] = []
    for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=2):
        layers.append(nn.Linear(n_in, n_out))
        name = activation if number < len(sizes) else last_activation
        if name is not None:
            layers.append(ACTIVATIONS[name]())
    return nn.Sequential(*layers)


def dense_levels(
    sizes: Sequence[int], activation: str, *, batch_norm: bool = False
) -> list[nn.Module]:
    """Return linear layers of the given sizes, each together with its activation."""
    levels: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        norms = [nn.BatchNorm1d(n_out)] if batch_norm else []
        levels.append(nn.Sequential(nn.Linear(n_in, n_out), *norms, ACTIVATIONS[activation]()))
    return levels


class TopK(nn.Module):
    """Keep the `n_nonzero` largest activations of every row, and set the others to 0."""

    def __init__(self, n_nonzero: int):
        super().__init__()
        self.n_nonzero = n_nonzero

    def forward(self, code: Tensor) -> Tensor:  # (batch, n_components) -> (batch, n_components)
        """Return the code with all but its largest entries set to 0."""
        kept, units = code.topk(self.n_nonzero, dim=1, sorted=False)
        return torch.zeros_like(code).scatter(1, units, kept)


class TiedDecoder(nn.Module):
    """A decoder whose weights are the encoder's, transposed, with biases of its own."""

    def __init__(self, encoder: nn.Sequential, activation: str, last_activation: str | None):
        super().__init__()
        layers = [layer for layer in encoder if isinstance(layer, nn.Linear)]
        # In a tuple torch does not register them, so every weight has one owner and one name.
        self._layers = tuple(reversed(layers))
        self.biases = nn.ParameterList(torch.zeros(layer.in_features) for layer in self._layers)
        self.activation = ACTIVATIONS[activation]()
        self.last_activation = ACTIVATIONS[last_activation or "identity"]()

    def forward(self, code: Tensor) -> Tensor:  # (batch, n_components) -> (batch, n_features)
        """Return the reconstruction of rows from their codes."""
        for number, (layer, bias) in enumerate(zip(self._layers, self.biases, strict=True), 1):
            code = functional.linear(code, layer.weight.T, bias)
            code = self.activation(code) if number < len(self._layers) else code
        return self.last_activation(code)


class DenseAutoencoder(nn.Module):
    """An encoder of the given layer sizes and a decoder that mirrors it."""

    def __init__(
        self,
        n_features: int,
        hidden_layer_sizes: Sequence[int],
        n_components: int,
        *,
        activation: str = "silu",
        code_activation: str | None = None,
        n_nonzero: int | None = None,
        output_activation: str | None = None,
        tied_weights: bool = False,
        code_heads: int = 1,
    ):
        super().__init__()
        sizes = [n_features, *hidden_layer_sizes, n_components]
        # Linear layers and activations take turns.
        self.hidden_layers = [str(2 * n + 1) for n in range(len(hidden_layer_sizes))]
        heads = [*sizes[:-1], code_heads * n_components]  # of a distribution's numbers
        self.encoder = dense(heads, activation, code_activation)
        if n_nonzero is not None:
            self.encoder.append(TopK(n_nonzero))
        self.decoder: nn.Module = (
            TiedDecoder(self.encoder, activation, output_activation)
            if tied_weights
            else dense(sizes[::-1], activation, output_activation)
        )

    def forward(self, x: Tensor) -> Tensor:  # (batch, n_features) -> (batch, n_features)
        """Return the reconstruction of rows."""
        return self.decoder(self.encoder(x))

    def hidden(self, x: Tensor) -> Tensor:  # (batch, n_features) -> (batch, sum of hidden sizes)
        """Return the activations of the encoder's hidden layers, side by side."""
        activations = []
        for name, layer in itertools.islice(self.encoder.named_children(), 2 * self.n_hidden):
            x = layer(x)
            if name in self.hidden_layers:
                activations.append(x)
        return torch.cat(activations, dim=1)

    @property
    def n_hidden(self) -> int:
        """The number of hidden layers of the encoder."""
        return len(self.hidden_layers)
