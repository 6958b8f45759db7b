"""What style transfer trains: a canvas, or a decoder of feature maps."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

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
        pixels = self.layers[number].pixels
        if number == 0:
            return torch.zeros_like(pixels)
        return enlarged(self.picture(number - 1), pixels.shape[-2:])

    def picture(self, number: int = -1) -> Tensor:  # (1, 3, height, width)
        """Return the picture at a scale, the coarsest being number 0."""
        number %= len(self.layers)
        return self.beneath(number) + self.layers[number].pixels

    @torch.no_grad()
    def clamp(self, number: int) -> None:
        """Have a layer keep colors between 0 and 1."""
        beneath = self.beneath(number)
        pixels = self.layers[number].pixels
        pixels.copy_((beneath + pixels).clamp_(0, 1).sub_(beneath))


class Restyler(nn.Module):
    """Encodes images by a layer of a frozen network, and decodes maps of that layer.

    Parameters
    ----------
    features : FeatureMaps
        What looks at images. It is not trained.

    layer : str
        The layer that is decoded.

    mean, deviation : Tensor of shape (n_channels,)
        What its maps are standardized by before they are decoded.

    Attributes
    ----------
    factor : int
        How many times smaller maps are than images.

    reach : int or None
        How many pixels away a pixel changes what is decoded of it. None if all the image.

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

    def decode(self, maps: Tensor) -> Tensor:
        """Return images of maps."""
        images: Tensor = self.decoder(maps)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Return what the decoder makes of images as they are."""
        return self.decode(self.encode(images))

    @torch.no_grad()
    def _measured(self) -> tuple[int | None, int]:
        """Return how far a number that is none spreads, and what the largest layers take."""
        middle, side = 128 - 128 % self.factor, 256 + self.factor
        device = self.encoder.mean.device
        images = torch.zeros(1, 3, side, side, device=device)
        images[..., middle : middle + self.factor, middle : middle + self.factor] = torch.nan
        largest = 0

        def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal largest
            largest = max(largest, sum(one.nbytes for one in (*inputs, output)))

        leaves = [one for one in self.modules() if not any(one.children())]
        hooks = [one.register_forward_hook(note) for one in leaves]
        spread = self.to(device)(images).isnan().any(dim=1)[0]
        for hook in hooks:
            hook.remove()
        lines = torch.cat([spread.any(dim=n).nonzero().flatten() for n in (0, 1)])
        first, last = int(lines.min()), int(lines.max())
        everywhere = first == 0 or last == side - 1
        reach = max(middle - first, last - middle - self.factor + 1)
        return None if everywhere else reach, 2 * largest // (side * side)


def factor_of(encoder: nn.Module, layer: str) -> int:
    """Return how many times smaller the maps of a layer are than images: a power of 2."""
    side = 128
    with torch.no_grad():
        (maps,) = encoder(torch.zeros(1, 3, side, side, device=encoder.mean.device))
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
    """From feature maps back to images, by convolutions that repeat borders, and repeated pixels.

    Features are standardized channel by channel before the first convolution.

    Parameters
    ----------
    n_channels : int
        Channels of the feature maps. Every doubling of height and width halves them, down to 16.

    n_doublings : int
        How often height and width are doubled.

    mean, deviation : Tensor of shape (n_channels,)
        What features are standardized by.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_channels: int, n_doublings: int, mean: Tensor, deviation: Tensor):
        super().__init__()
        self.register_buffer("mean", mean.clone().view(-1, 1, 1))
        self.register_buffer("deviation", deviation.clone().view(-1, 1, 1))
        layers: list[nn.Module] = []
        width = n_channels
        for _ in range(n_doublings):
            narrower = max(16, width // 2)
            layers += [
                _convolution(width, narrower),
                nn.ReLU(inplace=True),
                nn.Upsample(scale_factor=2),
            ]
            layers += [_convolution(narrower, narrower), nn.ReLU(inplace=True)]
            width = narrower
        layers.append(_convolution(width, 3))
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:  # (batch, n_channels, h, w) -> (batch, 3, H, W)
        """Return the images, whose colors lie from 0 to 1 for the most part."""
        images: Tensor = self.layers((maps - self.mean) / self.deviation)
        return images + 0.5


def _convolution(n_in: int, n_out: int) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 3, padding=1, padding_mode="replicate")
