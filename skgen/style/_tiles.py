"""Painting by one pass of a network, tile by tile where memory asks for that."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from sklearn import get_config
from torch import Tensor

from skgen.networks.style import Restyler, padded
from skgen.statistics import Matching, Moments, mapped, mixed_map, moments, pooled

__all__ = ["Painter"]

_MIB = 1 << 20

# Pixels along the side of the smallest tile.
_LEAST_TILE = 64


class Painter:
    """Gives images the style of a mix of paintings.

    Parameters
    ----------
    network : Restyler
        The trained networks.

    matching : Matching
        How features get the statistics of a painting.

    colors : Moments
        Those of the colors of all paintings.

    features : sequence of Moments
        Those of their features, by layer.

    shares : Tensor of shape (n_paintings,)
        How much each counts, summing to 1.

    alpha : float
        How far to go to the style.

    working_memory : float or None
        MiB that an image may take at once; None for scikit-learn's setting.
    """

    def __init__(
        self,
        network: Restyler,
        matching: Matching,
        colors: Moments,
        features: Sequence[Moments],
        shares: Tensor,
        *,
        alpha: float = 1.0,
        working_memory: float | None = None,
    ):
        self.network = network
        self.matching = matching
        self.colors = colors
        self.features = features
        self.shares = shares
        self.alpha = alpha
        setting = get_config()["working_memory"] if working_memory is None else working_memory
        self.budget = setting * _MIB

    def __call__(self, images: Tensor) -> list[Tensor]:  # (1, 3, height, width)
        """Return pictures (height, width, 3) with colors from 0 to 1."""
        network, (height, width) = self.network, images.shape[-2:]
        recolored = mapped(images, *self._mixed(moments(images), self.colors))
        images = padded(recolored, network.factor)
        tiles = self._tiles(*images.shape[-2:])
        whole = network.encode(images) if len(tiles) == 1 else None
        pairs = zip(self._moments(images, tiles, whole), self.features, strict=True)
        maps_to_style = [self._mixed(*pair) for pair in pairs]
        picture = torch.empty_like(images)
        for rows, columns in tiles:
            part = _cut(images, rows, columns)
            maps = network.encode(part) if whole is None else whole
            aims = [mapped(one, *to) for one, to in zip(maps, maps_to_style, strict=True)]
            made = network(part, maps, aims)
            picture[..., rows.place, columns.place] = made[..., rows.inner(), columns.inner()]
        return list(picture[..., :height, :width].clamp_(0, 1).permute(0, 2, 3, 1))

    def _moments(
        self,
        images: Tensor,
        tiles: Sequence[tuple["_Span", "_Span"]],
        whole: Sequence[Tensor] | None,
    ) -> list[Moments]:
        """Return the moments of an image's features, by layer."""
        if whole is not None:
            return [moments(maps) for maps in whole]
        factors = self.network.factors
        parts: list[list[Moments]] = [[] for _ in factors]
        sizes = []
        for rows, columns in tiles:
            seen = self.network.encode(_cut(images, rows, columns))
            for part, maps, factor in zip(parts, seen, factors, strict=True):
                part.append(moments(maps[..., rows.inner(factor), columns.inner(factor)]))
            sizes.append((rows.stop - rows.start) * (columns.stop - columns.start))
        return [pooled(part, sizes) for part in parts]

    def _mixed(self, content: Moments, styles: Moments) -> tuple[Tensor, Tensor]:
        return mixed_map(self.matching, content, styles, self.shares, self.alpha)

    def _tiles(self, height: int, width: int) -> list[tuple["_Span", "_Span"]]:
        """Return the tiles that an image is painted in: one, if there is memory for it."""
        network, budget = self.network, self.budget
        if height * width * network.pixel_bytes <= budget or network.reach is None:
            return [(_Span(0, height, 0, height), _Span(0, width, 0, width))]
        factor = network.factor
        margin = -(-network.reach // factor) * factor
        side = int((budget / network.pixel_bytes) ** 0.5) - 2 * margin
        side -= side % factor
        if side < _LEAST_TILE:
            least = (_LEAST_TILE + factor + 2 * margin) ** 2 * network.pixel_bytes / _MIB
            raise ValueError(
                f"working_memory={budget / _MIB:g} MiB holds no tile of an image: {_LEAST_TILE} "
                f"pixels a side, and {margin} around them that the networks see, take "
                f"{math.ceil(least)} MiB. Raise it to that."
            )
        return list(itertools.product(_spans(height, side, margin), _spans(width, side, margin)))


class _Span(NamedTuple):
    """One side of a tile: what is painted, and what has to be seen for that."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def place(self) -> slice:
        """What is painted, within the image."""
        return slice(self.start, self.stop)

    @property
    def outer(self) -> slice:
        """What is seen, within the image."""
        return slice(self.first, self.last)

    def inner(self, factor: int = 1) -> slice:
        """Return what is painted, within what is seen, at a size so many times smaller."""
        return slice((self.start - self.first) // factor, (self.stop - self.first) // factor)


def _spans(length: int, side: int, margin: int) -> list[_Span]:
    """Cut a length into sides of tiles."""
    starts = range(0, length, side)
    ends = [min(start + side, length) for start in starts]
    return [
        _Span(start, stop, max(0, start - margin), min(length, stop + margin))
        for start, stop in zip(starts, ends, strict=True)
    ]


def _cut(images: Tensor, rows: _Span, columns: _Span) -> Tensor:
    return images[..., rows.outer, columns.outer]
