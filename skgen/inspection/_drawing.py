"""What all displays draw with: axes, and mosaics of images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "checked_shape",
    "draw_mosaic",
    "figure_and_axes",
    "flat",
    "mosaic",
    "pyplot",
    "shades",
    "shape_of",
]


def pyplot() -> Any:
    """Return matplotlib's interface, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Drawing needs matplotlib: pip install 'scikit-gen[plot]'") from error
    return plt


def figure_and_axes(ax: Any) -> tuple[Any, Any]:
    """Return the axes to draw into, new ones if there are none, and their figure."""
    if ax is None:
        _, ax = pyplot().subplots(layout="constrained")
    return ax.figure, ax


def shape_of(estimator: Any, image_shape: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return the shape of an image, as said or as the estimator knows it, or None."""
    known = getattr(estimator, "image_shape_", (1,)) if image_shape is None else tuple(image_shape)
    if image_shape is None and known[0] == 1:  # rows, or images that are lines
        return None
    return known[:2] if known[2:] == (1,) else known


def checked_shape(image_shape: Sequence[int] | None, n_features: int) -> tuple[int, ...]:
    """Return the shape of an image of so many features."""
    if image_shape is None:
        side = round(n_features**0.5)
        shape: tuple[int, ...] = (side, side)
        problem = f"{n_features} features make no square"
    else:
        shape = tuple(image_shape)
        problem = f"image_shape={shape} does not hold {n_features} features"
    if len(shape) not in (2, 3):
        problem = f"image_shape={shape} is neither that of a gray image nor of one in color"
    elif np.prod(shape) == n_features:
        return shape
    raise ValueError(f"{problem}. Pass image_shape=(height, width) or (height, width, 3).")


def flat(X: ArrayLike) -> NDArray:
    """Return rows or images as rows."""
    values = np.asarray(X)
    return values.reshape(len(values), -1) if values.ndim > 2 else values


def shades(images: NDArray, like: NDArray) -> NDArray:
    """Map images to [0, 1], the range of others, and what lies beyond to its ends."""
    low, high = like.min(), like.max()
    return np.clip((images - low) / ((high - low) or 1), 0, 1)


def mosaic(images: NDArray) -> NDArray:  # (rows, columns, height, width[, 3])
    """Put images with values in [0, 1] side by side, white lines between them.

    Images with a fourth channel, transparency, are drawn over white; of any other number of
    channels the mean is drawn.
    """
    if images.ndim == 5 and images.shape[4] == 4:
        colors, alpha = images[..., :3], images[..., 3:]
        images = colors * alpha + (1 - alpha)
    elif images.ndim == 5 and images.shape[4] != 3:
        images = images.mean(axis=4)
    n_rows, n_columns, height, width, *channels = images.shape
    framed = np.ones((n_rows, n_columns, height + 1, width + 1, *channels))
    framed[:, :, 1:, 1:] = np.where(np.isnan(images), 1, images)
    return framed.swapaxes(1, 2).reshape(n_rows * (height + 1), n_columns * (width + 1), *channels)


def draw_mosaic(
    ax: Any,
    images: NDArray,  # (rows, columns, height, width[, channels])
    cmap: str,
    *,
    rows: Sequence[Any] = (),
    columns: Sequence[Any] = (),
) -> None:
    """Draw images with values in [0, 1] side by side, and name their rows and columns."""
    ax.imshow(mosaic(images), cmap=cmap, vmin=0, vmax=1)
    ax.set(
        xticks=_middles(len(columns), images.shape[3]),
        xticklabels=columns,
        yticks=_middles(len(rows), images.shape[2]),
        yticklabels=rows,
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _middles(n: int, size: int) -> NDArray:
    """Return where the middles of images of that size are, behind their white lines."""
    return 1 + (size + 1) * np.arange(n) + (size - 1) / 2
