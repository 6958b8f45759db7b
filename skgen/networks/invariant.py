"""Encoders whose codes are compared: of rows, of images, and what is read off their levels."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.convolutional import UnflattenImages
from skgen.networks.dense import dense_levels

__all__ = [
    "CenterDistances",
    "InvariantNetwork",
    "Pooled",
    "conv_levels",
    "encoder_of",
    "projector",
]


class Pooled(nn.Module):
    """Means over the positions of images, (batch, channels, height, width); rows stay as is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one row of numbers for every entry of the batch."""
        return x.flatten(2).mean(dim=2) if x.ndim > 2 else x


def conv_levels(shape: Sequence[int], n_filters: Sequence[int]) -> list[nn.Module]:
    """Return levels of convolution, batch normalization and rectifier, of images of that shape.

    The first has a kernel of 5x5 pixels and the others of 3x3. A large image is halved by every
    level. A small one is halved as often as leaves a side of 2, by levels that are spread evenly
    from the last on.

    Parameters
    ----------
    shape : sequence of int
        Height, width and channels of an image.

    n_filters : sequence of int
        Channels of the levels.
    """
    height, width, n_in = shape
    levels: list[nn.Module] = []
    n_halved = min(len(n_filters), _halvings(max(height, width)))
    for number, n_out in enumerate(n_filters):
        n_before, n_after = (k * n_halved // len(n_filters) for k in (number, number + 1))
        reach = 1 if number else 2
        padding = [min(reach, side - 1) for side in (height, width)]
        stride = [2 if n_after > n_before and side > 1 else 1 for side in (height, width)]
        convolution = nn.Conv2d(
            n_in,
            n_out,
            kernel_size=(1 + 2 * padding[0], 1 + 2 * padding[1]),
            stride=(stride[0], stride[1]),
            padding=(padding[0], padding[1]),
            bias=False,
        )
        levels.append(nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU()))
        height, width = (-(-side // by) for side, by in zip((height, width), stride, strict=True))
        n_in = n_out
    return levels


def _halvings(side: int) -> int:
    """Return how often a side can be halved, rounding up, until it is 2."""
    return 0 if side <= 2 else 1 + _halvings(-(-side // 2))


def projector(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers with batch normalization and rectifiers between them."""
    *hidden, last = sizes
    return nn.Sequential(
        *dense_levels(hidden, "relu", batch_norm=True), nn.Linear(hidden[-1], last)
    )


class InvariantNetwork(nn.Module):
    """An encoder, whose last level's means are the code, and a projector that training looks at.

    Parameters
    ----------
    encoder : torch.nn.Sequential
        From flat rows to codes.

    projector : torch.nn.Module
        From codes to what views are compared by.

    hidden_layers : sequence of str
        Names of the encoder's levels.
    """

    def __init__(self, encoder: nn.Sequential, projector: nn.Module, hidden_layers: Sequence[str]):
        super().__init__()
        self.encoder = encoder
        self.projector = projector
        self.hidden_layers = list(hidden_layers)

    def forward(self, rows: Tensor) -> Tensor:  # (batch, n_features) -> (batch, n_outputs)
        """Return what views are compared by."""
        projected: Tensor = self.projector(self.encoder(rows))
        return projected

    def looked_into(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes, and what all levels say: of images means and maxima over positions."""
        x, seen = rows, []
        for name, layer in self.encoder.named_children():
            x = layer(x)
            if name in self.hidden_layers:
                seen += [x] if x.ndim == 2 else [x.mean(dim=(2, 3)), x.amax(dim=(2, 3))]
        return x, torch.cat(seen, dim=1) if seen else x


class CenterDistances(nn.Module):
    r"""Distances of codes to centers, on the sphere of whitened codes.

    .. math:: \left\| \frac{W^\top (z - \mu)}{\|W^\top (z - \mu)\|} - c_k \right\|

    Parameters
    ----------
    mean : Tensor of shape (n_components,)
        The mean code.

    whitening : Tensor of shape (n_components, n_kept)
        What brings centered codes to uncorrelated columns of variance 1.

    centers : Tensor of shape (n_centers, n_kept)
        The centers.
    """

    mean: Tensor
    whitening: Tensor
    centers: Tensor

    def __init__(self, mean: Tensor, whitening: Tensor, centers: Tensor):
        super().__init__()
        for name, tensor in (("mean", mean), ("whitening", whitening), ("centers", centers)):
            self.register_buffer(name, tensor.float())

    def on_sphere(self, codes: Tensor) -> Tensor:  # (batch, n_components) -> (batch, n_kept)
        """Return whitened codes of length 1."""
        return functional.normalize((codes - self.mean) @ self.whitening, dim=1)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, n_components) -> (batch, n_centers)
        """Return the distances of codes to all centers."""
        squares = 1 + self.centers.square().sum(dim=1) - 2 * self.on_sphere(codes) @ self.centers.T
        return squares.clamp_min(0).sqrt()


def encoder_of(levels: Sequence[nn.Module], shape: Sequence[int] | None) -> nn.Sequential:
    """Return levels as an encoder of flat rows, which hold images of that shape, if any."""
    first = [] if shape is None else [UnflattenImages(shape)]
    return nn.Sequential(*itertools.chain(first, levels), Pooled())
