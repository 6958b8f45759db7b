"""Ways to distort rows that a model learns to undo.

Every corruption acts on a batch in the units the network sees, in which each column has mean 0
and the columns together have standard deviation 1, so a level means the same on any data. Where an
output activation bounds the decoder, X is mapped into its range instead: levels are then shares of
that range, and what is masked is set to 0 in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skgen.networks.convolutional import as_images, as_rows
from skgen.parameters import Component, parameter, resolve

__all__ = [
    "CORRUPTIONS",
    "Corruption",
    "Dropout",
    "ErasedPatches",
    "Gaussian",
    "Inversion",
    "MaskedPixels",
    "Masking",
    "OnImages",
    "ImageCorruption",
    "SaltAndPepper",
    "Swap",
    "corruption_at",
    "on_rows",
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
        [Interval(Real, 0, None, closed="left")],
        "float",
        """Standard deviation of the noise, in units of the overall standard deviation of X.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        return torch.randn_like(x).mul_(self.level).add_(x)


class Masking(Corruption):
    r"""Replace each cell, with probability `level`, by the mean of its column.

    .. math:: \tilde x = m \odot x, \quad m_j \sim \text{Bernoulli}(1 - \text{level})

    for centered `x`: 0 is the mean of a column. On a code, and on an X that is mapped into the range
    of a bounded output activation, it is just 0.

    References
    ----------
    .. [1] P. Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3.
    """

    level: float = parameter(
        0.3, _RATE, "float", """Share of the cells that are masked.""", positional=True
    )

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
        "float",
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
        0.2, _RATE, "float", """Share of the cells that are replaced.""", positional=True
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
        0.15, _RATE, "float", """Share of the cells that are replaced.""", positional=True
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
        0.5, _RATE, "float", """Share of the rows that are inverted.""", positional=True
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
        _RATE,
        "float",
        """Sides of a rectangle, as shares of the image's height and width.""",
        positional=True,
    )
    n_patches: int = parameter(
        1,
        [Interval(Integral, 1, None, closed="left")],
        "int",
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
        "float",
        """Share of the pixels that are dropped.""",
        positional=True,
    )

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of `x`, of the same shape."""
        _check_images(self, x)
        kept = 1 - self.level
        draw = torch.rand(len(x), 1, *x.shape[2:], device=x.device)
        return (draw < kept).to(x).div_(kept) * x


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


def corruption_at(name: str, level: float | None) -> Corruption:
    """Return the corruption of that name, at that level or, with None, at its default one."""
    kind = CORRUPTIONS[name]
    corruption = resolve(kind() if level is None else kind(level), CORRUPTIONS)
    assert corruption is not None
    return corruption
