"""Chairs of boxes, from all sides, rendered on the spot."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from skgen._sklearn import Interval, validate_params

__all__ = ["make_chairs"]

# What the edge of an image is away from its middle, in heights of a chair; where the middle is; and
# rays along the side of a pixel.
_EXTENT = 0.66
_MIDDLE = np.array([0.0, 0.0, 0.46])
_N_RAYS = 2

# Wood, and paint.
_COLORS = np.array(
    [(165, 112, 72), (222, 184, 135), (120, 80, 55), (205, 70, 60), (75, 125, 185), (105, 155, 90)]
)


@validate_params(
    {
        "n_chairs": [Interval(Integral, 1, None, closed="left")],
        "n_azimuths": [Interval(Integral, 1, None, closed="left")],
        "elevations": ["array-like"],
        "size": [Interval(Integral, 8, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_chairs(
    n_chairs: int = 12,
    *,
    n_azimuths: int = 24,
    elevations: Sequence[float] = (10, 30),
    size: int = 32,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Render chairs of boxes from all sides, each with legs, a seat, a back, and some with arms.

    The sizes of their parts and their colors are drawn by chance. A thousand images of 32 x 32
    pixels take some seconds.

    Parameters
    ----------
    n_chairs : int, default=12
        Number of chairs.

    n_azimuths : int, default=24
        Views around a chair, evenly spaced from 0 degrees, the front, on.

    elevations : sequence of float, default=(10, 30)
        Heights from which each is looked at, in degrees above the floor.

    size : int, default=32
        Height and width of an image, in pixels.

    random_state : int, RandomState instance or None, default=None
        Seeds the chairs.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with these attributes:

        images : ndarray of shape (n_samples, size, size, 4), dtype uint8
            Colors, and how much of a pixel is covered: RGBA.
        attributes : dict of str to ndarray of shape (n_samples,)
            `chair`, strings; `azimuth` and `elevation` in degrees. ``pandas.DataFrame`` makes a
            frame of it.

    Examples
    --------
    >>> from skgen.datasets import make_chairs
    >>> data = make_chairs(2, n_azimuths=8, random_state=0)
    >>> data.images.shape, data.attributes["azimuth"][:4].tolist()
    ((32, 32, 32, 4), [0.0, 45.0, 90.0, 135.0])
    """
    heights = np.asarray(elevations, dtype=np.float64)
    if heights.ndim != 1 or not len(heights) or not (np.abs(heights) <= 90).all():
        raise ValueError(
            f"elevations has to hold degrees from -90 to 90, one at least, got {elevations!r}."
        )
    random = check_random_state(random_state)
    azimuths = np.arange(n_azimuths) * (360 / n_azimuths)
    made = [_chair(random) for _ in range(n_chairs)]
    images = [
        _rendered(boxes, color, azimuth, elevation, size)
        for boxes, color in made
        for elevation in heights
        for azimuth in azimuths
    ]
    n_views = n_azimuths * len(heights)
    names = [f"chair {number}" for number in range(n_chairs)]
    attributes: dict[str, Any] = {
        "chair": np.repeat(names, n_views),
        "azimuth": np.tile(azimuths, n_chairs * len(heights)),
        "elevation": np.tile(np.repeat(heights, n_azimuths), n_chairs),
    }
    return Bunch(images=np.stack(images), attributes=attributes)


def _chair(random: np.random.RandomState) -> tuple[NDArray, NDArray]:
    """Return boxes (n_boxes, 2, 3), each from its least corner to its largest, and a color."""
    width, depth = random.uniform(0.4, 0.65, size=2)
    seat, back = random.uniform(0.3, 0.5), random.uniform(0.7, 1.0)
    thick, leg = random.uniform(0.04, 0.1), random.uniform(0.04, 0.08)
    x, y = width / 2, depth / 2
    boxes = [((-x, -y, seat), (x, y, seat + thick))]
    for right in (-x, x - leg):
        for behind in (-y, y - leg):
            boxes.append(((right, behind, 0), (right + leg, behind + leg, seat)))
    if random.uniform() < 0.5:  # a back of one piece, or of rails
        boxes.append(((-x, y - leg, seat + thick), (x, y, back)))
    else:
        for right in (-x, -leg / 2, x - leg):
            boxes.append(((right, y - leg, seat + thick), (right + leg, y, back)))
        boxes.append(((-x, y - leg, back - 0.12), (x, y, back)))
    if random.uniform() < 0.4:
        arm = seat + thick + random.uniform(0.12, 0.2)
        for right in (-x, x - leg):
            boxes.append(((right, -y, seat + thick), (right + leg, -y + leg, arm)))
            boxes.append(((right, -y, arm), (right + leg, y, arm + leg)))
    color = _COLORS[random.randint(len(_COLORS))] / 255 * random.uniform(0.8, 1.1)
    return np.array(boxes), np.clip(color, 0, 1)


def _rendered(
    boxes: NDArray, color: NDArray, azimuth: float, elevation: float, size: int
) -> NDArray[np.uint8]:
    """Return an image (size, size, 4) by following parallel rays to the first box that they hit."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    ahead = np.array([-np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), -np.sin(e)])
    right = np.array([np.cos(a), np.sin(a), 0.0])
    up = np.cross(right, ahead)
    n = _N_RAYS * size
    line = (np.arange(n) + 0.5) * (2 * _EXTENT / n) - _EXTENT
    starts = _MIDDLE + line[None, :, None] * right - line[:, None, None] * up - 5 * ahead
    slope = np.where(np.abs(ahead) < 1e-9, 1e-9, ahead)
    # A ray is within a box between the last entry into a pair of its planes and the first exit.
    there = (starts / slope).transpose(2, 0, 1).astype(np.float32)  # (3, n, n)
    planes = (np.sort(boxes / slope, axis=1)).astype(np.float32)[..., None, None]
    entries = [planes[:, 0, axis] - there[axis] for axis in range(3)]  # (n_boxes, n, n) each
    exits = [planes[:, 1, axis] - there[axis] for axis in range(3)]
    entry = np.maximum(np.maximum(entries[0], entries[1]), entries[2])
    leaves = np.minimum(np.minimum(exits[0], exits[1]), exits[2])
    entry = np.where(entry < leaves, entry, np.inf)
    first = entry.argmin(axis=0)[None]
    hit = np.isfinite(np.take_along_axis(entry, first, axis=0)[0])
    side = np.argmax([np.take_along_axis(one, first, axis=0)[0] for one in entries], axis=0)
    light = right * -0.35 + up * 0.75 - ahead * 0.55
    shade = 0.35 + 0.65 * np.clip(-np.sign(slope) * light, 0, 1)
    colors = color * shade[side][..., None] * hit[..., None]
    covered = _pixels(hit[..., None].astype(float), size)
    seen = _pixels(colors, size) / np.where(covered > 0, covered, 1)
    image = 255 * np.concatenate([seen, covered], axis=2)
    return image.round().astype(np.uint8)


def _pixels(rays: NDArray, size: int) -> NDArray:
    """Return the means of the rays of each pixel."""
    means: NDArray = rays.reshape(size, _N_RAYS, size, _N_RAYS, -1).mean(axis=(1, 3))
    return means
