"""Ways to distort rows that a model learns to undo, or not to see.

Every corruption acts on a batch in the units the network sees, in which each column has mean 0
and the columns together have standard deviation 1, so a level means the same on any data. Where an
output activation bounds the decoder, X is mapped into its range instead: levels are then shares of
that range, and what is masked is set to 0 in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from skgen._sklearn import Interval, StrOptions
from skgen.networks.convolutional import as_images, as_rows
from skgen.parameters import COUNT, NOT_NEGATIVE, SHARE, Component, parameter, resolve

__all__ = [
    "CORRUPTION",
    "CORRUPTIONS",
    "Brightness",
    "Compose",
    "Contrast",
    "Corruption",
    "Crop",
    "Dropout",
    "ErasedPatches",
    "Flip",
    "Gaussian",
    "GeometricCorruption",
    "ImageCorruption",
    "Inversion",
    "MaskedPixels",
    "Masking",
    "OnImages",
    "Rotate",
    "SaltAndPepper",
    "Shift",
    "Swap",
    "corruption_at",
    "on_rows",
    "resolve_corruption",
]

_RATE = [Interval(Real, 0, 1, closed="both")]


class Corruption(Component, ABC):
    """Base class of the corruptions: call it with a batch to get a distorted copy."""

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""


class Gaussian(Corruption):
    r"""Add independent Gaussian noise to every cell.

    .. math:: \tilde x = x + \text{level} \cdot \varepsilon, \quad \varepsilon \sim N(0, I)

    References
    ----------
    .. [1] P. Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3.

    Examples
    --------
    >>> from skgen.corruptions import Gaussian
    >>> Gaussian(level=0.3)
    Gaussian(level=0.3)
    """

    level: float = parameter(
        0.5,
        NOT_NEGATIVE,
        """Standard deviation of the noise, in units of the overall standard deviation of X.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        return torch.randn_like(x).mul_(self.level).add_(x)


class Masking(Corruption):
    r"""Replace each cell, with probability `level`, by the mean of its column.

    .. math:: \tilde x = m \odot x, \quad m_j \sim \text{Bernoulli}(1 - \text{level})

    for centered `x`: 0 is the mean of a column. On a code, and on an X that is mapped into the
    range of a bounded output activation, it is just 0.

    References
    ----------
    .. [1] P. Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3.
    """

    level: float = parameter(0.3, SHARE, """Share of the cells that are masked.""", positional=True)

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        return torch.empty_like(x).bernoulli_(1 - self.level).mul_(x)


class Dropout(Corruption):
    r"""Mask each cell with probability `level`, and scale up the rest, so that the mean stays.

    .. math:: \tilde x = \frac{m \odot x}{1 - \text{level}},
              \quad m_j \sim \text{Bernoulli}(1 - \text{level})

    What the next layer adds up has the same mean in training as it has later, when nothing is
    dropped. That holds for rows as for codes.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a
       simple way to prevent neural networks from overfitting", JMLR 15, 2014, section 10.
    """

    level: float = parameter(
        0.3,
        [Interval(Real, 0, 1, closed="left")],
        """Share of the cells that are masked.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        kept = 1 - self.level
        return (torch.rand_like(x) < kept).to(x).div_(kept).mul_(x)


class SaltAndPepper(Corruption):
    """Replace each cell, with probability `level`, by an extreme of its column.

    The extremes are the smallest and the largest value in the batch; a coin decides which.

    References
    ----------
    .. [1] P. Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3.
    """

    level: float = parameter(
        0.2, SHARE, """Share of the cells that are replaced.""", positional=True
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        draw = torch.rand_like(x)
        low, high = torch.aminmax(x, dim=0)
        distorted = torch.where(draw < self.level / 2, low, x)
        return torch.where(draw > 1 - self.level / 2, high, distorted)


class Swap(Corruption):
    """Replace each cell, with probability `level`, by the same column's value in another row.

    Every replaced cell draws its own row out of the batch, so columns keep their distribution and
    lose their dependence. Fits tables, in which adding noise to a category means nothing.

    References
    ----------
    .. [1] M. Jahrer, 1st place solution of Porto Seguro's Safe Driver Prediction, Kaggle, 2017.
    """

    level: float = parameter(
        0.15, SHARE, """Share of the cells that are replaced.""", positional=True
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        donors = torch.randint(len(x), x.shape, device=x.device)
        swapped = torch.rand(x.shape, device=x.device) < self.level
        return torch.where(swapped, x.gather(0, donors), x)


class Inversion(Corruption):
    r"""Turn whole rows into their negative, with probability `level`.

    .. math:: \tilde x = s x, \quad s = -1 \text{ with probability level, else } 1

    for `x` in network units. Where a model maps images to [-1, 1], as classifiers that adapt do,
    that is the photographic negative; elsewhere the row is mirrored at the mean.

    Examples
    --------
    >>> from skgen import DomainAdversarialClassifier
    >>> from skgen.corruptions import Inversion
    >>> model = DomainAdversarialClassifier(corruption=Inversion())
    """

    level: float = parameter(
        0.5, SHARE, """Share of the rows that are inverted.""", positional=True
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        draw = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device)
        return torch.where(draw < self.level, -x, x)


class ImageCorruption(Corruption, ABC):
    """Base class of the corruptions that have to know where a pixel is.

    They are called with images, (batch, channels, height, width), and need a model of images.
    """


class ErasedPatches(ImageCorruption):
    r"""Erase rectangles, all channels of them, for the model to fill in.

    .. math:: \tilde x = m \odot x

    with a mask :math:`m` that is 0 in `n_patches` rectangles of an image, each with sides of a
    share `size` of the image's and one pixel at least, anywhere in it with equal odds;
    rectangles may overlap. What is erased is 0 in network units: the mean image, where neither
    the loss nor the output's activation says otherwise.

    References
    ----------
    .. [1] D. Pathak, P. Krahenbuhl, J. Donahue, T. Darrell, A. Efros, "Context encoders: feature
       learning by inpainting", CVPR 2016.

    Examples
    --------
    >>> from skgen import ConvAutoencoder
    >>> from skgen.corruptions import ErasedPatches
    >>> model = ConvAutoencoder(32, corruption=ErasedPatches(0.4))
    """

    size: float = parameter(
        0.4,
        SHARE,
        """Sides of a rectangle, as shares of the image's height and width.""",
        positional=True,
    )
    n_patches: int = parameter(
        1,
        COUNT,
        """Rectangles erased in every image.""",
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        kept = torch.ones(len(x), 1, *x.shape[2:], dtype=torch.bool, device=x.device)
        for _ in range(self.n_patches):
            rows, columns = (self._inside(len(x), side, x) for side in x.shape[2:])
            kept &= ~(rows[:, None, :, None] & columns[:, None, None, :])
        return x * kept

    def _inside(self, n: int, side: int, x: Tensor) -> Tensor:
        """Draw where intervals lie along a side: (n, side), whether a place is inside."""
        length = max(1, round(self.size * side)) if self.size else 0
        start = torch.randint(side - length + 1, (n, 1), device=x.device)
        places = torch.arange(side, device=x.device)
        return (places >= start) & (places < start + length)


class MaskedPixels(ImageCorruption):
    r"""Drop whole pixels, all channels of them, and scale up the rest, so that the mean stays.

    .. math:: \tilde x = \frac{m \odot x}{1 - \text{level}}, \quad m_j \sim
              \text{Bernoulli}(1 - \text{level})

    for pixels :math:`j`. On gray images it is `Dropout`; on images in color, `Dropout` leaves
    two channels to guess the third from.
    """

    level: float = parameter(
        0.3,
        [Interval(Real, 0, 1, closed="left")],
        """Share of the pixels that are dropped.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        kept = 1 - self.level
        draw = torch.rand(len(x), 1, *x.shape[2:], device=x.device)
        return (draw < kept).to(x).div_(kept) * x


class Brightness(ImageCorruption):
    r"""Make whole images lighter or darker.

    .. math:: \tilde x = x + \text{level} \cdot u, \quad u \sim U(-1, 1)

    with one draw for an image. What would leave the range of X is not cut off.
    """

    level: float = parameter(
        0.2,
        NOT_NEGATIVE,
        """The most that is added, in network units.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        return x + _between(-self.level, self.level, x)


class Contrast(ImageCorruption):
    r"""Draw the pixels of an image together at its mean, or apart.

    .. math:: \tilde x = \bar x + (1 + \text{level} \cdot u)(x - \bar x), \quad u \sim U(-1, 1)

    with one draw for an image and the mean :math:`\bar x` of all its pixels.
    """

    level: float = parameter(
        0.3,
        SHARE,
        """The most by which the distances from the mean change, as a share of them.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        return torch.lerp(mean, x, 1 + _between(-self.level, self.level, x))


class GeometricCorruption(ImageCorruption, ABC):
    r"""Base class of the corruptions that move pixels, each image by an affine map of its own.

    .. math:: \tilde x(p) = x(A p + t)

    for places :math:`p` with coordinates from -1 to 1 across the image, interpolated between
    pixels. What comes in from outside is the nearest pixel of the edge, which continues any
    background; 0 would draw a frame wherever the background is not 0. A subclass draws :math:`A`
    and :math:`t`. `Compose` multiplies the maps of neighbors, so that pixels are interpolated once.
    """

    @abstractmethod
    def maps(self, x: Tensor) -> Tensor:
        """Draw an affine map for every image: (batch, 3, 3), the last line 0, 0, 1."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        return _moved(x, self.maps(x))


class Shift(GeometricCorruption):
    """Shift images by up to a share of their height and of their width, in any direction.

    Examples
    --------
    >>> from skgen import ConvAutoencoder
    >>> from skgen.corruptions import Shift
    >>> model = ConvAutoencoder(32, corruption=Shift(0.1))
    """

    level: float = parameter(
        0.1,
        SHARE,
        """The longest shift, as a share of the image's height and width.""",
        positional=True,
    )

    def maps(self, x: Tensor) -> Tensor:
        """Draw an affine map for every image: (batch, 3, 3), the last line 0, 0, 1."""
        maps = _identities(x)
        maps[:, :2, 2] = _shifts(self.level, x)
        return maps


class Crop(GeometricCorruption):
    """Look at a part of the image, or at more than it, resized to the image's size.

    The window has sides of `scale` times the image's, with one factor for both, and lies up to
    `shift` off the middle. A scale below 1 enlarges; one above 1 shows what is beyond the edge.

    References
    ----------
    .. [1] C. Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6; without its
       change of the aspect ratio.
    """

    scale: Sequence[float] = parameter(
        (0.75, 1.1),
        ["array-like"],
        """The least and the largest factor.""",
        kind="tuple of float",
        positional=True,
    )
    shift: float = parameter(
        0.1,
        SHARE,
        """The longest shift, as a share of the image's height and width.""",
    )

    def maps(self, x: Tensor) -> Tensor:
        """Draw an affine map for every image: (batch, 3, 3), the last line 0, 0, 1."""
        low, high = self.scale
        maps = _identities(x)
        maps[:, :2, 2] = _shifts(self.shift, x)
        maps[:, [0, 1], [0, 1]] = _between(low, high, x).view(-1, 1)
        return maps

    def _validate_params(self) -> None:
        super()._validate_params()
        scale = tuple(self.scale)
        if len(scale) != 2 or not 0 < scale[0] <= scale[1]:
            raise ValueError(
                "scale of Crop has to be the least and the largest factor, both above 0, such as "
                f"(0.75, 1.1), got {self.scale!r}."
            )


class Rotate(GeometricCorruption):
    """Turn images about their middle, by up to an angle in either direction."""

    degrees: float = parameter(
        15.0,
        NOT_NEGATIVE,
        """The largest angle.""",
        positional=True,
    )

    def maps(self, x: Tensor) -> Tensor:
        """Draw an affine map for every image: (batch, 3, 3), the last line 0, 0, 1."""
        height, width = x.shape[2:]
        angle = torch.deg2rad(_between(-self.degrees, self.degrees, x).view(-1))
        cos, sin = angle.cos(), angle.sin()
        maps = _identities(x)
        maps[:, 0, 0] = maps[:, 1, 1] = cos
        maps[:, 0, 1], maps[:, 1, 0] = -sin * height / width, sin * width / height
        return maps


class Flip(GeometricCorruption):
    """Mirror images, left for right, with probability `level`.

    Not for what has a direction, such as digits and letters.
    """

    level: float = parameter(
        0.5, SHARE, """Share of the images that are mirrored.""", positional=True
    )

    def maps(self, x: Tensor) -> Tensor:
        """Draw an affine map for every image: (batch, 3, 3), the last line 0, 0, 1."""
        maps = _identities(x)
        maps[:, 0, 0] -= 2.0 * (torch.rand(len(x), device=x.device) < self.level)
        return maps


class Compose(ImageCorruption):
    """Several corruptions, one after the other; of images, if one of them is.

    Wherever a model takes a corruption, a list of them, or of their names, stands for this.
    Corruptions that move pixels and follow each other are done at once.

    Examples
    --------
    >>> from skgen.corruptions import Compose, Crop, ErasedPatches, Flip
    >>> Compose([Flip(), Crop(), ErasedPatches(0.3)])
    Compose(corruptions=[Flip(), Crop(), ErasedPatches(size=0.3)])
    """

    corruptions: Sequence[Corruption] = parameter(
        (),
        [list, tuple],
        """What is done, in this order.""",
        kind="list of Corruption",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        pending: Tensor | None = None
        for one in self.corruptions:
            if isinstance(one, GeometricCorruption):
                _check_images(one, x)
                drawn = one.maps(x)
                pending = drawn if pending is None else pending @ drawn
                continue
            if pending is not None:
                x, pending = _moved(x, pending), None
            x = one(x)
        return x.clone() if pending is None else _moved(x, pending)

    def _validate_params(self) -> None:
        super()._validate_params()
        for one in self.corruptions:
            if not isinstance(one, Corruption):
                raise ValueError(f"Compose takes objects of skgen.corruptions, got {one!r}.")
            one._validate_params()


def _between(low: float, high: float, x: Tensor) -> Tensor:
    """Draw a number for every image, to be broadcast over it."""
    return torch.empty(len(x), 1, 1, 1, device=x.device).uniform_(low, high)


def _shifts(level: float, x: Tensor) -> Tensor:
    """Draw two shifts for every image, up to a share of its sides: of 2, in coordinates."""
    return 2 * level * torch.empty(len(x), 2, device=x.device).uniform_(-1, 1)


def _identities(x: Tensor) -> Tensor:
    """Return the map that moves nothing, once for every image."""
    return torch.eye(3, device=x.device).repeat(len(x), 1, 1)


def _moved(x: Tensor, maps: Tensor) -> Tensor:
    """Return images whose every place shows what was where its map leads."""
    grid = functional.affine_grid(maps[:, :2].to(x), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _check_images(corruption: Corruption, x: Tensor) -> None:
    if x.ndim != 4:
        raise ValueError(
            f"{corruption} needs images, and got rows of {x.shape[1]} numbers. Use it on what "
            "goes into a ConvAutoencoder, or on its code if that is an image; or take a "
            "corruption that works on rows, such as Dropout."
        )


@dataclass(frozen=True)
class OnImages:
    """Applies a corruption of images to flat rows that hold images of that shape."""

    corruption: Corruption
    shape: tuple[int, int, int]

    def __call__(self, rows: Tensor) -> Tensor:
        """Return a distorted copy of the rows."""
        return as_rows(self.corruption(as_images(rows, self.shape)))


def on_rows(
    corruption: Corruption | None, image_shape: tuple[int, int, int] | None
) -> Corruption | OnImages | None:
    """Return a corruption as one of rows, which hold images of that shape, if they do."""
    if isinstance(corruption, ImageCorruption) and image_shape is not None:
        return OnImages(corruption, image_shape)
    return corruption


CORRUPTIONS: Mapping[str, type[Corruption]] = {
    "dropout": Dropout,
    "gaussian": Gaussian,
    "masking": Masking,
    "salt_and_pepper": SaltAndPepper,
    "swap": Swap,
}

# What a parameter takes that `resolve_corruption` makes a corruption of.
CORRUPTION = [StrOptions(set(CORRUPTIONS)), Corruption, list, tuple]


def corruption_at(
    corruption: str | Corruption | Sequence[str | Corruption], level: float | None
) -> Corruption:
    """Return a corruption of that name at that level, None for its default; or what is given."""
    if level is not None and not isinstance(corruption, str):
        raise ValueError(
            f"{corruption} has a level of its own: leave out the level {level} beside it."
        )
    if level is not None and isinstance(corruption, str):
        corruption = CORRUPTIONS[corruption](level)
    resolved = resolve_corruption(corruption)
    assert resolved is not None
    return resolved


def resolve_corruption(
    given: str | Corruption | Sequence[str | Corruption] | None,
) -> Corruption | None:
    """Return a validated corruption for a name, an object, or a list of either.

    A list of one stands for that one, so that both give the same noise.
    """
    spec: Any = given
    if isinstance(given, list | tuple):
        several = [resolve(one, CORRUPTIONS) if isinstance(one, str) else one for one in given]
        compose: Any = Compose
        spec = compose(several)
        spec._validate_params()  # before what is no corruption is cloned
        spec = several[0] if len(several) == 1 else spec
    return resolve(spec, CORRUPTIONS)


def usual_views(*, of_images: bool) -> list[Corruption]:
    """Return what makes a row another one of the same meaning, where nothing is known of it."""
    parts: list[tuple[Any, dict[str, float]]] = [(Swap, {"level": 0.3})]
    if of_images:
        parts = [(Crop, {}), (Brightness, {"level": 0.3}), (ErasedPatches, {"size": 0.3})]
    return [make(**settings) for make, settings in parts]
