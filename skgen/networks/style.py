"""What style transfer trains: a canvas, or a decoder of feature maps."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.convolutional import ResizeConv
from skgen.networks.features import FeatureMaps

__all__ = ["Canvas", "Decoder", "Restyler", "factor_of", "padded", "pyramid", "shrunk"]


def enlarged(images: Tensor, size: Sequence[int]) -> Tensor:
    """Return images (batch, channels, ...) at a larger size, smoothly."""
    if images.shape[-2:] == tuple(size):
        return images
    return functional.interpolate(images, size=list(size), mode="bilinear")


def shrunk(images: Tensor, size: Sequence[int]) -> Tensor:
    """Return images at a smaller size, without what that cannot show."""
    if images.shape[-2:] == tuple(size):
        return images
    return functional.interpolate(images, size=list(size), mode="bilinear", antialias=True)


def pyramid(images: Tensor, n_scales: int, least_side: int) -> list[Tensor]:
    """Return images at several sizes, each half the one before, the full one first.

    There are fewer where a side would be shorter than `least_side`.
    """
    height, width = images.shape[-2:]
    sizes = [(-(-height // 2**n), -(-width // 2**n)) for n in range(n_scales)]
    return [shrunk(images, size) for size in sizes if min(size) >= least_side or size == sizes[0]]


class Layer(nn.Module):
    """What a scale adds to the picture of the scale before it."""

    def __init__(self, pixels: Tensor):
        super().__init__()
        self.pixels = nn.Parameter(pixels.clone())


class Canvas(nn.Module):
    """A picture, as what every scale adds to the one before it, enlarged: a Laplacian pyramid.

    So what is painted at a coarse scale is beneath what is painted at a finer one, and what the
    first picture shows of details stays there to begin with.

    Parameters
    ----------
    scales : sequence of Tensor
        The picture to begin with at all sizes, as `pyramid` gives them.

    features : torch.nn.Module
        What looks at the picture. It is not trained.
    """

    def __init__(self, scales: Sequence[Tensor], features: nn.Module):
        super().__init__()
        self.features = features
        coarse_first = list(scales)[::-1]
        self.layers = nn.ModuleList([Layer(coarse_first[0])])
        for before, image in itertools.pairwise(coarse_first):
            self.layers.append(Layer(image - enlarged(before, image.shape[-2:])))

    def beneath(self, number: int) -> Tensor:
        """Return the picture that a layer is added to, at the layer's size."""
        pixels = self._pixels(number)
        if number == 0:
            return torch.zeros_like(pixels)
        return enlarged(self.picture(number - 1), pixels.shape[-2:])

    def _pixels(self, number: int) -> Tensor:
        layer: Any = self.layers[number]
        pixels: Tensor = layer.pixels
        return pixels

    def picture(self, number: int = -1) -> Tensor:  # (1, 3, height, width)
        """Return the picture at a scale, the coarsest being number 0."""
        number %= len(self.layers)
        return self.beneath(number) + self._pixels(number)

    @torch.no_grad()
    def clamp(self, number: int) -> None:
        """Have a layer keep colors between 0 and 1."""
        beneath = self.beneath(number)
        pixels = self._pixels(number)
        pixels.copy_((beneath + pixels).clamp_(0, 1).sub_(beneath))


class Restyler(nn.Module):
    """Changes images by as much as decoded maps of features change.

    Parameters
    ----------
    features : FeatureMaps
        What looks at images. It is not trained.

    layer : str
        The layer whose maps are decoded.

    mean, deviation : Tensor of shape (n_channels,)
        What its maps are standardized by before that.

    Attributes
    ----------
    factor : int
        How many times smaller maps are than images.

    reach : int or None
        How many pixels away a pixel changes the result. None if all the image.

    pixel_bytes : int
        Memory that it takes to encode and to decode, by pixel, about.
    """

    def __init__(self, features: FeatureMaps, layer: str, mean: Tensor, deviation: Tensor):
        super().__init__()
        self.features = features
        self.encoder = features.of(layer)
        self.factor = factor_of(self.encoder, layer)
        n_doublings = self.factor.bit_length() - 1
        self.decoder = Decoder(len(mean), n_doublings, mean, deviation)
        self.reach, self.pixel_bytes = self._measured()

    def encode(self, images: Tensor) -> Tensor:
        """Return the layer's maps, of images whose sides are multiples of `factor`."""
        (maps,) = self.encoder(images)
        return maps

    def forward(self, images: Tensor, maps: Tensor, aims: Tensor) -> Tensor:
        """Return images whose maps were to be others, (batch, 3, height, width).

        Parameters
        ----------
        images : Tensor of shape (batch, 3, height, width)
            The images, whose sides are multiples of `factor`.

        maps, aims : Tensor of shape (batch, n_channels, height / factor, width / factor)
            The maps that they have, and those that they are to have.
        """
        changed: Tensor = images + self.decoder(aims) - self.decoder(maps)
        return changed

    @torch.no_grad()
    def _measured(self) -> tuple[int | None, int]:
        """Return how far a number that is none spreads, and what the largest layers take."""
        middle, side = 128 - 128 % self.factor, 256 + self.factor
        images = self.encoder.mean.new_zeros(1, 3, side, side)
        images[..., middle : middle + self.factor, middle : middle + self.factor] = torch.nan
        largest = 0

        def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal largest
            largest = max(largest, sum(one.nbytes for one in (*inputs, output)))

        leaves = [one for one in self.modules() if not any(one.children())]
        hooks = [one.register_forward_hook(note) for one in leaves]
        self.to(images.device)
        maps = self.encode(images)
        spread = self(images, maps, maps).isnan().any(dim=1)[0]
        for hook in hooks:
            hook.remove()
        lines = torch.cat([spread.any(dim=n).nonzero().flatten() for n in (0, 1)])
        first, last = int(lines.min()), int(lines.max())
        everywhere = first == 0 or last == side - 1
        reach = max(middle - first, last - middle - self.factor + 1)
        return None if everywhere else reach, 2 * largest // (side * side)


def factor_of(encoder: FeatureMaps, layer: str) -> int:
    """Return how many times smaller the maps of a layer are than images: a power of 2."""
    side = 128
    with torch.no_grad():
        (maps,) = encoder(encoder.mean.new_zeros(1, 3, side, side))
    sides = tuple(maps.shape[2:])
    factor = side // sides[0] if len(sides) == 2 and sides[0] else 0
    if sides != (factor and side // factor,) * 2 or factor & (factor - 1):
        raise ValueError(
            f"Layer {layer!r} makes {tuple(maps.shape[1:])} of an image of {side} x {side} pixels. "
            "What is decoded has to be maps whose sides are 1, 2, 4, 8, ... times shorter than the "
            "image's: name such a layer."
        )
    return factor


def padded(images: Tensor, factor: int) -> Tensor:
    """Return images whose last lines are repeated until their sides are multiples of a factor."""
    height, width = images.shape[-2:]
    missing = (0, -width % factor, 0, -height % factor)
    return functional.pad(images, missing, mode="replicate") if any(missing) else images


class Decoder(nn.Module):
    """From maps of features to changes of colors, by convolutions that repeat borders.

    It gives nothing but zeros before it is trained.

    Parameters
    ----------
    n_channels : int
        Channels of the maps. The first convolution leaves a quarter of them, and every doubling of
        height and width half of those, 16 at least.

    n_doublings : int
        How often height and width are doubled.

    mean, deviation : Tensor of shape (n_channels,)
        What maps are standardized by, channel by channel.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_channels: int, n_doublings: int, mean: Tensor, deviation: Tensor):
        super().__init__()
        self.register_buffer("mean", mean.clone().view(-1, 1, 1))
        self.register_buffer("deviation", deviation.clone().view(-1, 1, 1))
        widths = [max(16, n_channels // 4 // 2**level) for level in range(n_doublings + 1)]
        layers: list[nn.Module] = [_convolution(n_channels, widths[0]), nn.ReLU(inplace=True)]
        for n_in, n_out in itertools.pairwise(widths):
            layers += [_Doubling(n_in, n_out, (2, 2)), nn.ReLU(inplace=True)]
            layers += [_convolution(n_out, n_out), nn.ReLU(inplace=True)]
        last = _convolution(widths[-1], 3)
        nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(*layers, last)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, maps: Tensor) -> Tensor:  # (batch, n_channels, h, w) -> (batch, 3, H, W)
        """Return changes of colors, up to a constant."""
        changes: Tensor = self.layers((maps - self.mean) / self.deviation)
        return changes


class _Doubling(ResizeConv):
    """A `ResizeConv` of images of even sizes that repeats their border."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolved images of twice the size."""
        wider = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        return super().forward(wider)[..., 2:-2, 2:-2]


def _convolution(n_in: int, n_out: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 3, padding=1, padding_mode="replicate")
