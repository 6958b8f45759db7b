"""Images as input: from arrays of any layout to flat rows, and back."""

from abc import ABC
from collections.abc import Mapping, Sequence
from math import prod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags

from skgen.parameters import Declared, parameter

__all__ = ["ImageInput"]

# Channels of gray images, of colors, and with transparency; signals may come in pairs.
_FIRST = {(1,), (3,), (4,)}
_LAST = {(), (1,), (2,), (3,), (4,)}


class ImageInput(Declared, ABC):
    """Mixed into a model, has it take images, and give them back as they came.

    Inside, an image is a flat row: line by line, the channels of a pixel side by side. So there is
    one validation for rows and images, and nothing is copied where memory is laid out that way.
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        "image_shape_ : tuple of int": """Shape of an image, as X or `image_shape` has it:
            ``(height, width)`` or ``(height, width, channels)``; ``(1, n_features)`` if neither
            says.""",
        "value_range_ : tuple of float or None": """What `inverse_transform` keeps to: 0 to 255 for
            bytes; 0 to 1 for other numbers that lie in between; otherwise the range of X. None for
            rows that were not said to be images.""",
    }

    image_shape: Sequence[int] | None = parameter(
        None,
        ["array-like", None],
        "tuple of int or None",
        """``(height, width)`` or ``(height, width, channels)`` of images that come as flat rows.
        Arrays of three or four dimensions say it themselves. With None, flat rows are images of
        one line: signals.""",
    )

    def _validate(self, X: ArrayLike, *, reset: bool) -> NDArray:
        images = _images(X)
        if reset:
            shape = self._shape_of(images)
        else:
            self._check_shape(X if images is None else images)
        flat = X if images is None else images.reshape(len(images), prod(images.shape[1:]))
        rows: NDArray = super()._validate(flat, reset=reset)
        if reset:
            n_features = rows.shape[1]
            if shape and prod(shape) != n_features:
                raise ValueError(
                    f"image_shape={shape} stands for {prod(shape)} numbers an image, but X has "
                    f"{n_features} columns."
                )
            self.image_shape_ = shape or (1, n_features)
            self._row_shape = rows.shape[1:] if images is None else images.shape[1:]
            self.value_range_ = _value_range(rows) if shape else None
        return rows

    def _shape_of(self, images: NDArray | None) -> tuple[int, ...] | None:
        """Return the shape of an image, or None if nothing says."""
        said = None if self.image_shape is None else tuple(self.image_shape)
        if said is not None:
            sizes = all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in said)
            if len(said) not in (2, 3) or not sizes:
                raise ValueError(
                    "image_shape has to be (height, width) or (height, width, channels), all of "
                    f"them at least 1, got {said}."
                )
            said = tuple(int(n) for n in said)
        if images is None:
            return said
        shape = images.shape[1:]
        if len(shape) > 3:
            raise ValueError(
                f"X has {images.ndim} dimensions. Images come as (n_samples, height, width), "
                "(n_samples, height, width, channels), or as rows with image_shape."
            )
        if said is not None and (*said, 1)[:3] != (*shape, 1)[:3]:
            raise ValueError(f"image_shape={said}, but the images of X are of shape {shape}.")
        if said is None and shape[:1] in _FIRST and shape[2:] not in _LAST:
            raise ValueError(
                f"The images of X, of shape {shape}, look as if their channels came first. Put "
                "them last, X.transpose(0, 2, 3, 1) for an array; or say "
                f"image_shape={shape} if these are height, width and channels."
            )
        return shape

    def _check_shape(self, X: Any) -> None:
        """Raise an error if images are unlike those seen in `fit`."""
        shape = getattr(X, "shape", ())
        if len(shape) > 1 and shape == self._row_shape and prod(shape[1:]) != self.n_features_in_:
            raise ValueError(
                f"X is a single image, of shape {shape}. Pass an array of images: X[np.newaxis]"
            )
        if len(shape) > 2 and (*shape, 1)[1:4] != self._image_shape():
            raise ValueError(
                f"The images of X are of shape {shape[1:]}, but {type(self).__name__} was fitted "
                f"on images of shape {self.image_shape_}."
            )

    def _as_given(self, rows: NDArray) -> NDArray:
        """Return rows in the layout in which `fit` got its images."""
        return rows.reshape(len(rows), *self._row_shape)

    def _image_shape(self) -> tuple[int, int, int]:
        """Return height, width and channels."""
        height, width, channels = (*self.image_shape_, 1)[:3]
        return height, width, channels

    def _value_range(self) -> tuple[float, float] | None:
        return self.value_range_

    def _widen_value_range(self, X: NDArray) -> None:
        """Take a later chunk of rows into account."""
        if self.value_range_ is not None:
            low, high = self.value_range_
            self.value_range_ = min(low, float(X.min())), max(high, float(X.max()))

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _images(X: Any) -> NDArray | None:
    """Return an array of images, or None for a table."""
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    listed = isinstance(X, list | tuple) or (kind == "O" and X.ndim == 1)
    if listed and len(X) and np.asarray(next(iter(X))).ndim > 1:
        images = [np.asarray(one) for one in X]
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            some = ", ".join(map(str, sorted(shapes)[:3]))
            raise ValueError(
                f"The images of X differ in size: {some}. Resize or crop them to one size."
            )
        return np.stack(images)
    return np.asarray(X) if len(getattr(X, "shape", ())) > 2 else None


def _value_range(rows: NDArray) -> tuple[float, float]:
    if rows.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(rows.min()), float(rows.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
