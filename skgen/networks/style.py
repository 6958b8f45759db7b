"""What style transfer trains: a canvas, or a decoder of feature maps."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.convolutional import ResizeConv
from skgen.networks.features import FeatureMaps

__all__ = ["Canvas", "Decoder", "Restyler", "factors_of", "padded", "pyramid", "shrunk"]


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

    layers : sequence of str
        The layers whose maps are decoded, the deepest last.

    means, deviations : sequence of Tensor of shape (n_channels,)
        What the maps of every layer are standardized by before that.

    Attributes
    ----------
    factors : list of int
        How many times smaller the maps of every layer are than images.

    reach : int or None
        How many pixels away a pixel changes the result. None if all the image.

    pixel_bytes : int
        Memory that it takes to encode and to decode, by pixel, about.
    """

    def __init__(
        self,
        features: FeatureMaps,
        layers: Sequence[str],
        means: Sequence[Tensor],
        deviations: Sequence[Tensor],
    ):
        super().__init__()
        self.features = features
        self.encoder = features.of(*layers)
        self.factors = factors_of(self.encoder)
        self.decoder = Decoder([n.bit_length() - 1 for n in self.factors], means, deviations)
        self.reach, self.pixel_bytes = self._measured()

    @property
    def factor(self) -> int:
        """What sides of images have to be multiples of."""
        return self.factors[-1]

    def encode(self, images: Tensor) -> list[Tensor]:
        """Return the layers' maps, of images whose sides are multiples of `factor`."""
        maps: list[Tensor] = self.encoder(images)
        return maps

    def forward(self, images: Tensor, maps: Sequence[Tensor], aims: Sequence[Tensor]) -> Tensor:
        """Return images whose maps were to be others, (batch, 3, height, width).

        Parameters
        ----------
        images : Tensor of shape (batch, 3, height, width)
            The images, whose sides are multiples of `factor`.

        maps, aims : sequence of Tensor
            The maps that they have, by layer, and those that they are to have.
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
        kept = sum(one.nbytes for one in maps)
        return None if everywhere else reach, 2 * (largest + kept) // (side * side)


def factors_of(encoder: FeatureMaps) -> list[int]:
    """Return how many times smaller the maps of every layer are than images: powers of 2."""
    side, factors = 128, []
    with torch.no_grad():
        seen = encoder(encoder.mean.new_zeros(1, 3, side, side))
    for layer, maps in zip(encoder.outputs.layers, seen, strict=True):
        sides = tuple(maps.shape[2:])
        factor = side // sides[0] if len(sides) == 2 and sides[0] else 0
        if sides != (factor and side // factor,) * 2 or factor & (factor - 1):
            raise ValueError(
                f"Layer {layer!r} makes {tuple(maps.shape[1:])} of an image of {side} x {side} "
                "pixels. What is decoded has to be maps whose sides are 1, 2, 4, 8, ... times "
                "shorter than the image's: name such a layer."
            )
        factors.append(factor)
    if factors != sorted(factors):
        raise ValueError(
            f"The layers {encoder.outputs.layers} make maps {factors} times shorter than images. "
            "Name the deepest last."
        )
    return factors


def padded(images: Tensor, factor: int) -> Tensor:
    """Return images whose last lines are repeated until their sides are multiples of a factor."""
    height, width = images.shape[-2:]
    missing = (0, -width % factor, 0, -height % factor)
    return functional.pad(images, missing, mode="replicate") if any(missing) else images


class Decoder(nn.Module):
    """From maps of features to changes of colors, by convolutions that repeat borders.

    It begins with the smallest maps, and doubles height and width. Larger maps join where they are
    as large. It gives nothing but zeros before it is trained.

    Parameters
    ----------
    n_doublings : sequence of int
        How often the maps of every layer are to be doubled, the most last.

    means, deviations : sequence of Tensor of shape (n_channels,)
        What the maps of every layer are standardized by, channel by channel. The first convolution
        leaves a quarter of the last layer's channels, and every doubling half of those, 16 at
        least.
    """

    def __init__(
        self,
        n_doublings: Sequence[int],
        means: Sequence[Tensor],
        deviations: Sequence[Tensor],
    ):
        super().__init__()
        deepest = n_doublings[-1]
        widths = [max(16, len(means[-1]) // 4 // 2**level) for level in range(deepest + 1)]
        self.entries = nn.ModuleList()
        self.levels = [deepest - one for one in n_doublings]  # at which each joins
        for level, mean, deviation in zip(self.levels, means, deviations, strict=True):
            self.entries.append(_Entry(widths[level], mean, deviation, 1 if level else 3))
        self.doublings = nn.ModuleList()
        self.convolutions = nn.ModuleList()
        for n_in, n_out in itertools.pairwise(widths):
            self.doublings.append(_Doubling(n_in, n_out, (2, 2)))
            self.convolutions.append(_convolution(n_out, n_out))
        self.last = _convolution(widths[-1], 3)
        nn.init.zeros_(self.last.weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, maps: Sequence[Tensor]) -> Tensor:  # (batch, n, h, w) -> (batch, 3, H, W)
        """Return changes of colors, up to a constant."""
        x = self._joined(0, maps)
        for level, (double, convolve) in enumerate(
            zip(self.doublings, self.convolutions, strict=True), start=1
        ):
            x = convolve(self._joined(level, maps, double(x))).relu_()
        changes: Tensor = self.last(x)
        return changes

    def _joined(self, level: int, maps: Sequence[Tensor], x: Tensor | None = None) -> Tensor:
        """Return what there is at a level, with the maps that are as large, rectified."""
        for at, enter, one in zip(self.levels, self.entries, maps, strict=True):
            if at == level:
                x = enter(one) if x is None else x + enter(one)
        assert x is not None
        return x.relu()


class _Entry(nn.Module):
    """A convolution of standardized maps."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_out: int, mean: Tensor, deviation: Tensor, kernel_size: int):
        super().__init__()
        self.register_buffer("mean", mean.clone().view(-1, 1, 1))
        self.register_buffer("deviation", deviation.clone().view(-1, 1, 1))
        self.convolution = _convolution(len(mean), n_out, kernel_size)

    def forward(self, maps: Tensor) -> Tensor:
        """Return what a decoder takes of them."""
        taken: Tensor = self.convolution((maps - self.mean) / self.deviation)
        return taken


class _Doubling(ResizeConv):
    """A `ResizeConv` of images of even sizes that repeats their border."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolved images of twice the size."""
        wider = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        return super().forward(wider)[..., 2:-2, 2:-2]


def _convolution(n_in: int, n_out: int, kernel_size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, kernel_size, padding=kernel_size // 2, padding_mode="replicate")
