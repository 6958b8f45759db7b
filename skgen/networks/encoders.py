"""Networks around networks: encoders in the units of data, and networks that users bring along."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skgen.networks.convolutional import as_rows

__all__ = ["InUnits", "Means", "ToRows", "custom_network", "described", "n_outputs"]


class InUnits(nn.Module):
    """An encoder that takes rows in the units of data, in any layout.

    Parameters
    ----------
    encoder : torch.nn.Module
        From flat rows in network units. A copy is made of it.

    offset : array-like of shape (n_features,)
        What is subtracted from rows.

    scale : float
        What they are divided by.

    hidden_layers : sequence of str
        Names of the encoder's hidden layers.

    head : torch.nn.Module, default=None
        What makes codes of what the encoder gives, if it does not give codes.

    Attributes
    ----------
    layers : list of str
        Names of the encoder's hidden layers, and of its last.
    """

    offset: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        offset: Any,
        scale: float,
        hidden_layers: Sequence[str] = (),
        head: nn.Module | None = None,
    ):
        super().__init__()
        self.encoder = copy.deepcopy(encoder)
        self.head = nn.Identity() if head is None else head
        *_, last = ["", *dict(encoder.named_children())]
        self.layers = [*hidden_layers, last]
        device = next((weight.device for weight in encoder.parameters()), None)
        self.register_buffer("offset", torch.as_tensor(offset, dtype=torch.float32, device=device))
        self.scale = scale
        self.eval()

    def forward(self, x: Tensor) -> Tensor:  # (batch, ...) -> (batch, n_components)
        """Return the codes of rows."""
        rows = (x.flatten(1).to(self.offset) - self.offset) / self.scale
        codes: Tensor = self.head(self.encoder(rows))
        return codes


class Means(nn.Module):
    """The first half of what an encoder of distributions gives: their means."""

    def forward(self, x: Tensor) -> Tensor:  # (batch, 2 * n_components) -> (batch, n_components)
        """Return the first half of the columns."""
        return x.chunk(2, dim=1)[0]


def custom_network(
    name: str, given: nn.Module | Callable[[Any], nn.Module], shape: Sequence[int]
) -> nn.Module:
    """Return a network of the user's own: a copy of a module, or what a callable makes for a shape.

    Raises
    ------
    ValueError
        If a callable returns something else.
    """
    try:
        module = copy.deepcopy(given) if isinstance(given, nn.Module) else given(tuple(shape))
    except TypeError as error:
        raise TypeError(
            f"{name} has to be a module, or take the shape of a row, {tuple(shape)}, and return "
            f"one: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise ValueError(f"{name} has to return a torch.nn.Module, got {module!r}.")
    return module


def described(shape: Sequence[int]) -> str:
    """Return what a network gets, in words, from the shape of a row without the batch."""
    if len(shape) < 3:
        return f"rows of {shape[0]} numbers"
    return f"images of {shape[1]} x {shape[2]} pixels, channels first: (batch, {shape[0]}, ...)"


def n_outputs(name: str, module: nn.Module, n_features: int | Sequence[int], kind: str) -> int:
    """Return how many numbers a network makes of a row: a flat one of so many, or of that shape.

    Raises
    ------
    ValueError
        If the network does not work on rows of that kind, or makes no row of numbers of each.
    """
    training = module.training
    try:
        with torch.no_grad():
            row = (n_features,) if isinstance(n_features, int) else n_features
            made: Any = module.eval()(torch.zeros(2, *row))
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        raise ValueError(
            f"The layers of {name} do not work on {kind}, which is what they get: {error}. Change "
            "them, or bring X to a size that they take."
        ) from error
    finally:
        module.train(training)
    shape = tuple(getattr(made, "shape", ()))
    if len(shape) != 2 or shape[0] != 2 or shape[1] == 0:
        raise ValueError(f"{name} has to make one thing of every row, got {shape} of 2 {kind}.")
    return shape[1]


class ToRows(nn.Module):
    """Flattens what a network gives: images (batch, channels, height, width) as flat images are."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one flat row for every entry of the batch."""
        return as_rows(x) if x.ndim == 4 else x.flatten(1)
