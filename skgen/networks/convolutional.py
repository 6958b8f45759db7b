"""Convolutional encoders and decoders, of images that come as flat rows."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.dense import ACTIVATIONS

__all__ = ["ConvolutionalAutoencoder", "ResizeConv", "as_images", "as_rows"]


def as_images(rows: Tensor, shape: Sequence[int]) -> Tensor:
    """View flat rows as images: (batch, height * width * channels) to (batch, channels, ...).

    Rows hold the channels of a pixel side by side, which is the layout that torch calls
    channels-last, and the faster one for convolutions. So nothing is copied.
    """
    return rows.view(-1, *shape).permute(0, 3, 1, 2)


def as_rows(images: Tensor) -> Tensor:
    """Undo `as_images`."""
    return images.permute(0, 2, 3, 1).flatten(1)


class UnflattenImages(nn.Module):
    """`as_images` as a layer."""

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the rows as images."""
        return as_images(rows, self.shape)


class FlattenImages(nn.Module):
    """`as_rows` as a layer."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the images as rows."""
        return as_rows(images)


class HalvingConv(nn.Conv2d):
    """A 3x3 convolution that halves height and width, rounding up; sides of 1 stay as they are."""

    def __init__(self, n_in: int, n_out: int, size: Sequence[int]):
        high, wide = (int(side > 1) for side in size)
        super().__init__(
            n_in,
            n_out,
            kernel_size=(1 + 2 * high, 1 + 2 * wide),
            stride=(1 + high, 1 + wide),
            padding=(high, wide),
        )


class ResizeConv(nn.Module):
    """Double height and width by repeating pixels, and convolve with a 3x3 kernel.

    Unlike a transposed convolution, that treats all pixels alike, so that no checkerboard shows
    [1]_. The two steps are linear: together they are the transposed convolution of stride 2 whose
    4x4 kernel is the 3x3 one summed over windows of 2x2. Computed as such, it takes 4/9 of the
    products, and no large image in between. An odd size loses a line at the top or the left, and
    a side of 1 stays as it is.

    Parameters
    ----------
    n_in, n_out : int
        Channels before and after.

    size : sequence of int
        Height and width of the result.

    References
    ----------
    .. [1] A. Odena, V. Dumoulin, C. Olah, "Deconvolution and checkerboard artifacts", Distill,
       2016.
    """

    def __init__(self, n_in: int, n_out: int, size: Sequence[int]):
        super().__init__()
        high, wide = self.doubled = tuple(int(side > 1) for side in size)
        odd = size[0] % 2 * high, size[1] % 2 * wide
        self.stride = (1 + high, 1 + wide)
        self.padding = (high + odd[0], wide + odd[1])
        self.output_padding = odd
        kernel = nn.Conv2d(n_in, n_out, kernel_size=(1 + 2 * high, 1 + 2 * wide))
        self.weight = nn.Parameter(kernel.weight.detach().transpose(0, 1).contiguous())
        self.bias = kernel.bias

    def forward(self, x: Tensor) -> Tensor:  # (batch, n_in, h, w) -> (batch, n_out, 2h, 2w)
        """Return the convolved images of twice the size."""
        kernel = functional.avg_pool2d(  # the sums over windows
            self.weight, self.stride, stride=1, padding=self.doubled, divisor_override=1
        )
        return functional.conv_transpose2d(
            x, kernel, self.bias, self.stride, self.padding, self.output_padding
        )


class ConvolutionalAutoencoder(nn.Module):
    """An encoder that halves images level by level, and a decoder that doubles them again.

    Parameters
    ----------
    shape : sequence of int
        Height, width and channels of an image.

    n_filters : sequence of int
        Channels of the levels, input side first. Every level halves height and width.

    code_shape : sequence of int
        One number for a dense code of that size; or height, width and channels, the first two as
        the last level has them, for a code that is itself an image of features.

    activation, code_activation, output_activation : str or None
        Names in `ACTIVATIONS`.

    code_heads : int
        What the encoder gives for every number of the code: one number, or a distribution's two.
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_filters: Sequence[int],
        code_shape: Sequence[int],
        *,
        activation: str = "silu",
        code_activation: str | None = None,
        output_activation: str | None = None,
        code_heads: int = 1,
    ):
        super().__init__()
        act = ACTIVATIONS[activation]
        encoder: list[nn.Module] = downwards(shape, n_filters, activation)
        self.hidden_layers = [str(n + 1) for n in range(len(n_filters))]
        *_, last = n_filters
        features = (*halved(shape, len(n_filters))[-1], last)
        if len(code_shape) == 1:
            n_features, (n_code,) = features[0] * features[1] * last, code_shape
            encoder += [FlattenImages(), nn.Linear(n_features, code_heads * n_code)]
            decoder: list[nn.Module] = [
                nn.Linear(n_code, n_features),
                UnflattenImages(features),
                act(),
            ]
        else:
            n_code = code_shape[2]
            encoder += [nn.Conv2d(last, code_heads * n_code, 1), FlattenImages()]
            decoder = [UnflattenImages(code_shape), nn.Conv2d(n_code, last, 1), act()]
        if code_activation is not None:
            encoder.append(ACTIVATIONS[code_activation]())
        decoder += upwards(shape, n_filters, activation, output_activation)
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, rows: Tensor) -> Tensor:  # (batch, n_features) -> (batch, n_features)
        """Return the reconstruction of rows."""
        return self.decoder(self.encoder(rows))

    def hidden(self, rows: Tensor) -> Tensor:  # (batch, n_features) -> (batch, sum of channels)
        """Return the activations of the encoder's levels, averaged over the image."""
        x = self.encoder[0](rows)
        means = []
        for name in self.hidden_layers:
            x = self.encoder.get_submodule(name)(x)
            means.append(x.mean(dim=(2, 3)))
        return torch.cat(means, dim=1)


def downwards(shape: Sequence[int], n_filters: Sequence[int], activation: str) -> list[nn.Module]:
    """Return layers from rows through levels that halve images, the first making them such."""
    layers: list[nn.Module] = [UnflattenImages(shape)]
    sizes = halved(shape, len(n_filters))
    for (n_in, n_out), size in zip(itertools.pairwise([shape[2], *n_filters]), sizes, strict=False):
        layers.append(nn.Sequential(HalvingConv(n_in, n_out, size), ACTIVATIONS[activation]()))
    return layers


def upwards(
    shape: Sequence[int],
    n_filters: Sequence[int],
    activation: str,
    output_activation: str | None,
) -> list[nn.Module]:
    """Return layers from images of the last level to rows, mirroring `downwards`."""
    layers: list[nn.Module] = []
    widths, sizes = [shape[2], *n_filters][::-1], halved(shape, len(n_filters))
    for (n_in, n_out), size in zip(itertools.pairwise(widths), sizes[-2::-1], strict=True):
        layers += [ResizeConv(n_in, n_out, size), ACTIVATIONS[activation]()]
    layers[-1] = ACTIVATIONS[output_activation or "identity"]()
    return [*layers, FlattenImages()]


def halved(shape: Sequence[int], n_levels: int) -> list[tuple[int, int]]:
    """Return height and width at every level, the image's own first."""
    sizes = [(shape[0], shape[1])]
    for _ in range(n_levels):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes
