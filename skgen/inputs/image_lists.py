"""Images of any sizes as input: what each of them holds, and the way back to that."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from skgen.engine import Column
from skgen.inputs.base import Input

__all__ = ["Crops", "ImageColumn", "ImageListInput", "SizedImage"]

_REMEDY = {
    "float": "Floats have to lie between 0 and 1: divide bytes by 255.",
    "int": "Integers of other types than uint8 and uint16 have to lie between 0 and 255.",
}


@dataclass(frozen=True)
class SizedImage:
    """An image of a size of its own.

    Attributes
    ----------
    colors : ndarray of shape (height, width, 3)
        Its pixels as they came, those of a gray image repeated.

    alpha : ndarray of shape (height, width) or None
        How opaque its pixels are, if it says.

    largest : float
        What stands for full brightness: 255 for bytes, 65535 for 16 bits, 1 for floats.
    """

    colors: NDArray
    alpha: NDArray | None
    largest: float

    def tensor(self) -> Tensor:  # (3, height, width)
        """Return its colors from 0 to 1."""
        pixels = np.array(self.colors, dtype=np.float32)
        return torch.from_numpy(pixels).permute(2, 0, 1).div_(self.largest)

    def restored(self, picture: NDArray) -> NDArray:
        """Return another picture of its size, with colors from 0 to 1, in its type of numbers."""
        dtype = self.colors.dtype
        if dtype.kind == "b":
            dtype = np.dtype(np.float32)
        values = picture * np.float32(self.largest)
        if dtype.kind in "iu":
            values = np.rint(values)
        colors = values.astype(dtype)
        if self.alpha is None:
            return colors
        return np.concatenate([colors, self.alpha[..., None].astype(dtype)], axis=-1)


class ImageColumn(Column):
    """Images of any sizes, one at a time or several of one size.

    Parameters
    ----------
    images : sequence of SizedImage
        The images.

    stacked : bool, default=False
        Whether they came in one array.
    """

    device = "cpu"

    def __init__(self, images: Sequence[SizedImage], *, stacked: bool = False):
        self.images = list(images)
        self.stacked = stacked

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: slice | Tensor) -> Tensor:
        """Return some images with colors from 0 to 1, (batch, 3, height, width)."""
        numbers = range(len(self))[index] if isinstance(index, slice) else index.tolist()
        taken = torch.stack([self._tensor(self.images[number]) for number in numbers])
        return taken.to(self.device)

    def on(self, device: str) -> "ImageColumn":
        """Return the same images, from which tensors are made on that device."""
        there = copy.copy(self)
        there.device = device
        return there

    def _tensor(self, image: SizedImage) -> Tensor:
        return image.tensor()

    def restored(self, pictures: Sequence[NDArray]) -> Any:
        """Return as many pictures, (height, width, 3), in types and containers of the images."""
        made = [one.restored(made) for one, made in zip(self.images, pictures, strict=True)]
        return np.stack(made) if self.stacked else made


class Crops(ImageColumn):
    """Squares cut out of images at random places and sizes, shrunk to one, and mirrored at random.

    So they show parts of images as well as all of them. Images that are smaller are enlarged. It is
    torch's generator that draws.

    Parameters
    ----------
    images : sequence of SizedImage
        The images.

    side : int
        Pixels that a square is high and wide.

    at_random : bool, default=True
        Whether to draw, or else to take the largest square in the middle.
    """

    def __init__(self, images: Sequence[SizedImage], side: int, *, at_random: bool = True):
        super().__init__([_at_least(one, side) for one in images])
        self.side = side
        self.at_random = at_random

    def _tensor(self, image: SizedImage) -> Tensor:
        """Return a square of an image."""
        drawn = torch.rand(4).tolist() if self.at_random else [1.0, 0.5, 0.5, 1.0]
        lengths = image.colors.shape[:2]
        part = self.side + int(drawn[0] * (min(lengths) - self.side))
        top, left = (
            int(share * (n - part + 1)) for share, n in zip(drawn[1:3], lengths, strict=True)
        )
        colors = image.colors[top : top + part, left : left + part]
        if drawn[3] < 0.5:
            colors = colors[:, ::-1]
        square = replace(image, colors=colors).tensor()
        if part == self.side:
            return square
        size = [self.side, self.side]
        smaller = functional.interpolate(square[None], size=size, mode="bilinear", antialias=True)
        return smaller[0]


def _at_least(image: SizedImage, side: int) -> SizedImage:
    """Return an image whose shorter side is no shorter than that."""
    height, width = image.colors.shape[:2]
    if min(height, width) >= side:
        return image
    factor = side / min(height, width)
    size = [max(side, round(one * factor)) for one in (height, width)]
    larger = functional.interpolate(image.tensor()[None], size=size, mode="bilinear")[0]
    return SizedImage(larger.permute(1, 2, 0).numpy(), None, 1.0)


class ImageListInput(Input):
    """Lists of images of any sizes, gray or in color, of bytes, 16 bits or floats.

    Every image is taken as it is, and nothing is learned of them.

    Parameters
    ----------
    least_side : int, default=1
        Pixels that an image has to be high and wide.
    """

    # A row is an image of any size, so that inference goes through them one by one.
    row_bytes = 1 << 40

    def __init__(self, least_side: int = 1):
        self.least_side = least_side

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check X and return its column."""
        return self.columns(X, estimator)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check X and return its column."""
        return {"x": self.column(X)}

    def column(self, X: Any, what: str = "X") -> ImageColumn:
        """Return images as a column, or say which of them is wrong, and how to mend it."""
        _check_is_list(X, what)
        images = [self._read(one, f"Image {n} of {what}") for n, one in enumerate(X)]
        return ImageColumn(images, stacked=hasattr(X, "shape") and len(X.shape) > 1)

    def _read(self, given: Any, which: str) -> SizedImage:
        pixels = _pixels(given, which)
        height, width, n_channels = pixels.shape
        if min(height, width) < self.least_side:
            raise ValueError(
                f"{which} is {height} pixels high and {width} wide. Both have to be "
                f"{self.least_side} at least: enlarge or leave out smaller ones."
            )
        alpha = pixels[..., -1] if n_channels in (2, 4) else None
        colors = pixels[..., : 1 if n_channels < 3 else 3]
        largest = _largest(pixels, which)
        return SizedImage(np.broadcast_to(colors, (height, width, 3)), alpha, largest)


def _check_is_list(X: Any, what: str) -> None:
    """Raise an error if X is a single image, or nothing that holds images."""
    shape = tuple(getattr(X, "shape", ()))
    listed = isinstance(X, list | tuple) or len(shape) in (1, 3, 4)
    alone = hasattr(X, "getbands") or len(shape) == 2 or (len(shape) == 3 and shape[2] <= 4)
    if alone:
        raise ValueError(
            f"{what} is a single image, or a table, of shape {shape}; pass a list: [image]."
        )
    if not listed:
        raise ValueError(f"{what} has to be a list of images, got {type(X).__name__}.")
    if len(X) == 0:
        raise ValueError(f"{what} holds no image: 0 of them, where at least 1 is needed.")


def _pixels(given: Any, which: str) -> NDArray:
    """Return an image as an array (height, width, channels)."""
    if isinstance(given, Tensor):
        given = given.detach().cpu()
    elif hasattr(given, "getbands"):
        given = _upright(given)
    pixels = np.asarray(given)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.size == 0:
        raise ValueError(
            f"{which} is of shape {np.shape(given)}, of type {type(given).__name__}. Images are "
            "arrays of shape (height, width) or (height, width, channels), or those of Pillow. "
            "Read files by PIL.Image.open."
        )
    if pixels.shape[2] > 4:
        first = pixels.shape[0] <= 4
        remedy = "Put channels last: image.transpose(1, 2, 0)." if first else ""
        raise ValueError(
            f"{which} has {pixels.shape[2]} channels, of shape {pixels.shape}; there can be 1 "
            f"(gray), 3 (colors), and one more for opacity. {remedy}".rstrip()
        )
    return pixels


def _upright(image: Any) -> Any:
    """Return an image of Pillow as one looks at it: turned as a camera noted, and in plain colors.

    The note would be lost with the file's other data, and the picture lie on its side.
    """
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode not in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return image
    seen_through = image.mode == "PA" or "transparency" in image.info
    return image.convert("RGBA" if seen_through else "RGB")


def _largest(pixels: NDArray, which: str) -> float:
    """Return what stands for full brightness."""
    kind = pixels.dtype.kind
    if kind == "u" and pixels.dtype.itemsize <= 2:  # of either order of bytes
        return float(np.iinfo(pixels.dtype).max)
    if kind not in "biuf":
        raise ValueError(f"{which} holds {pixels.dtype}, which are no numbers.")
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{which} contains NaN or infinity.")
    largest = 255.0 if kind in "iu" else 1.0
    if low < -1e-6 * largest or high > largest * (1 + 1e-6):
        remedy = _REMEDY["int" if kind in "iu" else "float"]
        if kind in "iu" and low >= 0 and high <= 65535:
            remedy += " For 16 bits, make it uint16: np.asarray(image).astype(np.uint16)."
        raise ValueError(f"{which} has values from {low:g} to {high:g}. {remedy}")
    return largest
