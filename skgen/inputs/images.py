"""Images as input: from arrays of any layout to flat rows, and back; and models that take them."""

import copy
from abc import ABC
from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, log, log2, prod
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from skgen.engine import Column
from skgen.exceptions import warn
from skgen.inputs.rows import RowInput
from skgen.inputs.scaling import ScaledColumn, Units
from skgen.parameters import SIZES, Declared, checked_sizes, override, parameter

__all__ = [
    "FILTERS",
    "ImageInput",
    "ImageTarget",
    "RowsOrImages",
    "TakesImages",
    "filters_for",
    "stacked_images",
]

# Images that are looked at for their range, and numbers of them, at most.
_N_LOOKED_AT, _SIZE_LOOKED_AT = 100, 1 << 22

# Filters of the levels of images of up to 64 x 64 pixels. Larger ones have more levels, until the
# last has no more than 8 x 8 places, from fewer filters on.
FILTERS = (32, 64, 128)
_FILTERS_OF_LARGE = (16, 32, 64, 128, 256)
_N_PLACES = 64


class ImageInput(RowInput):
    """Images of one size, in arrays of any layout or as flat rows.

    Networks see an image as a flat row: line by line, the channels of a pixel side by side. So
    there is one validation for rows and images, and nothing is copied where memory is laid out
    that way.

    Parameters
    ----------
    image_shape : sequence of int or None
        What the user says of flat rows: ``(height, width)`` or ``(height, width, channels)``.

    rows, images : Units
        The network units of flat rows that are not said to be images, and of images.

    as_lines : bool, default=False
        Whether such rows are images of one line.

    Attributes
    ----------
    given_shape : tuple of int
        Shape of an image, as X or `image_shape` has it.

    row_shape : tuple of int
        Shape of a row of X.
    """

    def __init__(
        self,
        image_shape: Sequence[int] | None,
        rows: Units,
        images: Units,
        *,
        as_lines: bool = False,
    ):
        super().__init__(rows)
        self.said = None if image_shape is None else _checked(image_shape)
        self.units_of_images = images
        self.as_lines = as_lines

    @property
    def holds_images(self) -> bool:
        """Whether X was said to hold images."""
        return self.value_range is not None

    def _validated(self, X: Any, estimator: Any, *, reset: bool) -> NDArray:
        images = stacked_images(X, self.given)
        if reset:
            self.given_shape = self._shape_of(images)
        else:
            self._check_shape(X if images is None else images, estimator)
        flat = X if images is None else images.reshape(len(images), prod(images.shape[1:]))
        rows = super()._validated(flat, estimator, reset=reset)
        if reset:
            self.row_shape = rows.shape[1:] if images is None else images.shape[1:]
        elif self.holds_images:
            self._warn_of_another_range(rows)
        return rows

    def _learn_layout(self, rows: NDArray) -> None:
        super()._learn_layout(rows)
        shape, (n_features,) = self.given_shape, self.shape
        if shape is not None and prod(shape) != n_features:
            raise ValueError(
                f"image_shape={shape} stands for {prod(shape)} numbers an image, but {self.given} "
                f"has {n_features} columns."
            )
        if shape is not None:
            self.value_range = _value_range(rows)
            self.units = self.units_of_images
            self.kind_seen = _kind(rows.dtype)
            largest = _largest_of_each(rows)
            self.largest_seen = float(largest.max())
            _warn_of_mixed_ranges(largest, self.given)
        self.given_shape = shape or (1, n_features)
        if shape is not None or self.as_lines:
            height, width, channels = (*(self.given_shape or ()), 1)[:3]
            self.image_shape = height, width, channels
            self.shape = channels, height, width
            self.batch_bytes = 1 << 20  # since convolutions make several times as much of them

    def _shape_of(self, images: NDArray | None) -> tuple[int, ...] | None:
        """Return the shape of an image, or None if nothing says."""
        said = self.said
        if images is None:
            if said is not None and _looks_channels_first(said):
                n, height, width = said
                gray = f"say image_shape={said[1:]}, since they are gray"
                shaped = f"{self.given}.reshape(-1, {n}, {height}, {width})"
                colors = f"turn them, {shaped}.transpose(0, 2, 3, 1)"
                raise ValueError(
                    f"image_shape={said} stands for a height of {n}, a width of {height} and "
                    f"{width} channels, and looks as if channels came first. If so, "
                    f"{gray if n == 1 else colors}; if not, pass {shaped} and the same image_shape."
                )
            return said
        shape = images.shape[1:]
        if len(shape) > 3:
            raise ValueError(
                f"{self.given} has {images.ndim} dimensions. Images come as (n_samples, height, "
                "width), (n_samples, height, width, channels), or as rows with image_shape."
            )
        if said is not None and (*said, 1)[:3] != (*shape, 1)[:3]:
            raise ValueError(
                f"image_shape={said}, but the images of {self.given} are of shape {shape}."
            )
        if said is None and _looks_channels_first(shape):
            raise ValueError(
                f"The images of {self.given}, of shape {shape}, look as if their channels came "
                f"first. Put them last, {self.given}.transpose(0, 2, 3, 1) for an array; or say "
                f"image_shape={shape} if these are height, width and channels."
            )
        if said is None and _looks_like_a_film(shape):
            raise ValueError(
                f"The images of {self.given}, of shape {shape}, look like gray films, frames "
                "first. Take frames for images of their own, "
                f"{self.given}.reshape(-1, {shape[1]}, {shape[2]}), or for channels, "
                f"{self.given}.transpose(0, 2, 3, 1); or say "
                f"image_shape={shape} if these are height, width and channels."
            )
        return shape

    def _check_shape(self, X: Any, estimator: Any) -> None:
        """Raise an error if images are unlike those seen in `fit`."""
        shape = getattr(X, "shape", ())
        n_features = prod(self.shape)
        if len(shape) > 1 and shape == self.row_shape and prod(shape[1:]) != n_features:
            raise ValueError(
                f"{self.given} is a single image, of shape {shape}. Pass an array of images: "
                f"{self.given}[np.newaxis]"
            )
        if len(shape) > 2 and (*shape, 1)[1:4] != (*(self.given_shape or ()), 1)[:3]:
            raise ValueError(
                f"The images of {self.given} are of shape {shape[1:]}, but "
                f"{type(estimator).__name__} was fitted on images of shape {self.given_shape}."
            )

    def _warn_of_another_range(self, rows: NDArray) -> None:
        """Say so where images look as if they were divided by 255, and those of `fit` not."""
        now, before = float(_largest_of_each(rows).max()), self.largest_seen
        other = _kind(rows.dtype) != self.kind_seen
        factor = _factor_between(now, before, of_other_numbers=other)
        if factor is not None:
            warn(
                f"The images of {self.given} go up to {now:g}, and those that fit saw up to "
                f"{before:g}. They have to be in one range: if that is the reason, {self.given} "
                f"{'*' if now < before else '/'} {factor:g} is in that of fit.",
                UserWarning,
            )

    def restore(self, values: NDArray) -> NDArray:
        """Return rows in the layout in which `fit` got its images."""
        return values.reshape(len(values), *self.row_shape)

    def widened(self, columns: dict[str, Column]) -> RowInput:
        """Return an input whose range of values holds those of a later chunk, too."""
        column, wider = columns[self.name], super().widened(columns)
        if not (self.holds_images and isinstance(column, ScaledColumn)):
            return wider
        wider = copy.copy(wider)
        assert isinstance(wider, ImageInput) and isinstance(column.X, np.ndarray)
        wider.largest_seen = max(self.largest_seen, float(_largest_of_each(column.X).max()))
        return wider


class ImageTarget(ImageInput):
    """Images as y, the column ``y``; or flat rows, or a single number for each row of X."""

    name = "y"

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check y, measure it, and return its column."""
        columns: dict[str, Any] = super().fit(X, estimator)
        if self.image_shape is not None and self.image_shape[2] == 4:
            given = columns[self.name].X
            mask = given[:, 3::4]
            largest = float(mask.max()), float(given.max())
            if 0 < largest[0] <= 1 and largest[1] > 8:
                warn(
                    f"The fourth channel of y, which says where color counts, goes up to "
                    f"{largest[0]:g}, and colors up to {largest[1]:g}: they nearly nowhere count. "
                    "Bring both to one range.",
                    UserWarning,
                )
            n_empty = int((mask.max(axis=1) <= self.value_range[0]).sum())  # type: ignore[index]
            if n_empty:
                warn(
                    f"{n_empty} of {len(mask)} images of y are transparent everywhere, so nothing "
                    "is learned of their colors.",
                    UserWarning,
                )
        return columns

    def _validated(self, X: Any, estimator: Any, *, reset: bool) -> NDArray:
        if X is None:
            raise ValueError(
                f"{type(estimator).__name__} requires y to be passed, but the target y is None."
            )
        is_single = stacked_images(X, self.given) is None and np.asarray(X).ndim == 1
        given = np.asarray(X).reshape(-1, 1) if is_single else X
        rows = super()._validated(given, estimator, reset=reset)
        if reset and is_single:
            self.row_shape = ()
        return rows


class TakesImages(Declared, ABC):
    """Mixed into a model, declares what is to be said of images, and of them alone."""

    _fitted: ClassVar[Mapping[str, str]] = {
        "image_shape_ : tuple of int": """Shape of an image, as X or `image_shape` has it:
            ``(height, width)`` or ``(height, width, channels)``; ``(1, n_features)`` if neither
            says.""",
        "value_range_ : tuple of float or None": """What images that are made keep to: 0 to 255 for
            bytes; 0 to 1 for other numbers that lie in between; otherwise the range of X. None for
            rows that were not said to be images.""",
    }

    image_shape: Sequence[int] | None = parameter(
        None,
        ["array-like", None],
        """``(height, width)`` or ``(height, width, channels)`` of images that come as flat rows.
        Arrays of three or four dimensions say it themselves. With None, flat rows are images of
        one line: signals.""",
        kind="tuple of int or None",
    )

    if TYPE_CHECKING:
        input_: ImageInput

    @property
    def _images(self) -> ImageInput:
        """The fitted input of the images: of X, unless a model takes them as y."""
        return self.input_

    @property
    def image_shape_(self) -> tuple[int, ...]:
        """Shape of an image, as X or `image_shape` has it."""
        shape = self._images.given_shape
        assert shape is not None  # of a fitted input
        return shape

    @property
    def value_range_(self) -> tuple[float, float] | None:
        """What images that are made keep to."""
        return self._images.value_range

    def _built_with(self) -> dict[str, Any]:
        said = None if self.image_shape is None else tuple(self.image_shape)
        return {**super()._built_with(), "image_shape": said}

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class RowsOrImages(TakesImages, ABC):
    """Mixed into a model, has it build dense networks for rows, and convolutional ones for images.

    Arrays of three or four dimensions, and flat rows with `image_shape`, are images.
    """

    image_shape: Sequence[int] | None = override(
        None,
        """``(height, width)`` or ``(height, width, channels)`` of images that come as flat rows.
        Arrays of three or four dimensions say it themselves. With None, flat rows are no images,
        and get dense networks.""",
    )
    hidden_layer_sizes: Sequence[int] = parameter(
        (512, 256),
        SIZES,
        """For flat rows: sizes of the hidden layers, on the side of X first.""",
    )
    n_filters: Sequence[int] | None = parameter(
        None,
        [*SIZES, None],
        """For images: filters of the levels, on the side of X first, each of which halves height
        and width. None stands for ``(32, 64, 128)``, and for 16, 32, 64, 128, 256, 256, ... of
        images with more pixels than 64 x 64: as many levels as leave 8 x 8 places at most.""",
        kind="sequence of int or None",
    )

    def _input(self) -> ImageInput:
        units = self._units(of_images=False), self._units(of_images=True)
        return ImageInput(self.image_shape, *units)

    def _units(self, *, of_images: bool) -> Units:
        """Return the network units of rows, or of images."""
        return Units()

    @property
    def _sized_by(self) -> str:
        """The parameter that sizes the networks."""
        return "n_filters" if self._images.holds_images else "hidden_layer_sizes"

    def _layer_sizes(self) -> list[int]:
        """Return the parameter that sizes the networks, checked."""
        shape = self._images.image_shape
        if shape is not None and getattr(self, self._sized_by) is None:
            return filters_for(shape)
        return checked_sizes(self, self._sized_by, at_least=1)

    def _n_hidden_features(self) -> int:
        """Return the number of hidden units, or of filters of all levels."""
        n_features: int = sum(self.net_.built_with_[self._sized_by])
        return n_features

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), self._sized_by: self._layer_sizes()}


def _checked(image_shape: Sequence[int]) -> tuple[int, ...]:
    """Return what the user says of the shape of an image."""
    said = tuple(image_shape)
    sizes = all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in said)
    if len(said) not in (2, 3) or not sizes:
        raise ValueError(
            "image_shape has to be (height, width) or (height, width, channels), all of them at "
            f"least 1, got {said}."
        )
    return tuple(int(n) for n in said)


def filters_for(shape: Sequence[int]) -> list[int]:
    """Return the filters of levels that suit images of that height and width."""
    height, width = shape[:2]
    if height * width <= _N_PLACES * 4 ** len(FILTERS):
        return list(FILTERS)
    filters: list[int] = []
    while height * width > _N_PLACES:
        height, width = ceil(height / 2), ceil(width / 2)
        filters.append(_FILTERS_OF_LARGE[min(len(filters), len(_FILTERS_OF_LARGE) - 1)])
    return filters


def _looks_channels_first(shape: Sequence[int]) -> bool:
    """Whether an image has as many rows as others have channels, and too many channels.

    The rest has to look like an image then. Signals are lines, and longer than they have channels;
    what is gray or in colors is known by that.
    """
    n, height, width = (*shape, 1, 1)[:3]
    if n > 16 or width <= 4 or 2 * n > min(height, width):
        return False
    if n == 1:
        return height < 4 * width or width > 128
    if n in (3, 4):
        return width > 16 or max(height, width) <= 2 * min(height, width)
    return max(height, width) <= 2 * min(height, width) and (width > 16 or height == width)


def _looks_like_a_film(shape: Sequence[int]) -> bool:
    """Whether there are too many channels, and these fit better beside the width than the height.

    So (30, 64, 64) are 30 frames, and (64, 48, 100) is an image of 100 bands.
    """
    n, height, width = (*shape, 1, 1)[:3]
    frame, image = abs(log(height / width)), abs(log(n / height))
    return width > 16 and height > 16 and frame < min(image, log(2))


def stacked_images(X: Any, given: str = "X") -> NDArray | None:
    """Return an array of images, or None for a table; errors speak of `given`."""
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    listed = isinstance(X, list | tuple) or (kind == "O" and X.ndim == 1)
    if not listed:
        return np.asarray(X) if len(getattr(X, "shape", ())) > 2 else None
    if not len(X) or np.asarray(next(iter(X))).ndim < 2:
        return None
    _check_modes(X, given)
    images = [np.asarray(one) for one in X]
    _check_alike(
        [
            "" if isinstance(one, list | tuple) else _kind(image.dtype)
            for one, image in zip(X, images, strict=True)
        ],
        given,
        "are of different kinds of numbers",
        "Bring them to one kind and range: bytes / 255 are floats from 0 to 1, and 16 bits // 257 "
        "are bytes.",
    )
    _check_alike(
        [_channels(image.shape) for image in images],
        given,
        "differ in channels",
        'Make them alike: one.convert("RGB") of Pillow\'s, or of arrays '
        "np.stack([one] * 3, axis=-1) to color gray ones and one[..., :3] to leave transparency.",
    )
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        some = ", ".join(map(str, sorted(shapes)[:3]))
        raise ValueError(
            f"The images of {given} differ in size: {some}. Resize or crop them to one size."
        )
    return np.stack(images)


def _check_modes(X: Any, given: str) -> None:
    """Raise an error if images of Pillow are of several modes, or numbers of colors."""
    found = [getattr(one, "mode", None) for one in X]
    modes = [mode if isinstance(mode, str) else "" for mode in found]  # a tensor's is a method
    remedy = 'Make them alike: [one.convert("RGB") for one in X], or "L" for gray.'
    named = [mode and f"mode {mode!r}" for mode in modes]
    _check_alike(named, given, "are of different modes", remedy)
    palettes = sorted({*modes} & {"P", "PA"})
    if palettes:
        raise ValueError(
            f"The images of {given} are of mode {palettes[0]!r}: their numbers are places in a "
            f"list of colors, and no brightness. {remedy}"
        )


def _check_alike(kinds: Sequence[str], given: str, differ: str, remedy: str) -> None:
    """Raise an error if images are of several kinds; those of none take part in no comparison."""
    counts = Counter(filter(None, kinds))
    if len(counts) > 1:
        found = ", ".join(
            f"{n} of {kind} (the first is number {kinds.index(kind)})" for kind, n in counts.items()
        )
        raise ValueError(f"The images of {given} {differ}: {found}. {remedy}")


def _kind(dtype: np.dtype) -> str:
    """Return what kind of numbers there are: of one range, as far as the dtype tells."""
    if dtype.kind == "f":
        return "floats"
    return str(dtype) if dtype.kind == "b" or dtype.itemsize < 4 else "integers"


def _channels(shape: Sequence[int]) -> str:
    if len(shape) == 2:
        return "gray images (height, width)"
    if len(shape) > 3:
        return f"{len(shape)} dimensions"
    return f"images of {shape[2]} channel{'s' if shape[2] > 1 else ''}"


def _value_range(rows: NDArray) -> tuple[float, float]:
    if rows.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(rows.min()), float(rows.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


# Ranges that do not go together


def _largest_of_each(rows: NDArray) -> NDArray[np.float64]:
    """Return the largest absolute values of some rows, so few that a look at them takes no time."""
    n = min(len(rows), _N_LOOKED_AT, max(4, _SIZE_LOOKED_AT // max(1, rows.shape[1])))
    some = rows[np.linspace(0, len(rows) - 1, n, dtype=int)]
    ends = [end.astype(np.float64) for end in (some.min(axis=1), some.max(axis=1))]
    largest: NDArray[np.float64] = np.abs(ends).max(axis=0)
    return largest


def _factor_between(now: float, before: float, *, of_other_numbers: bool) -> float | None:
    """Return the factor by which images seem to have been divided, or None.

    Small values may be those of dark images. They are what was divided if they reach 1 and no more,
    or if they are bytes beside 16 bits, which only the kinds of numbers tell.
    """
    small, large = sorted((now, before))
    if not (small > 0 and np.isfinite(now + before)):
        return None
    factor = large / small
    if small <= 1.05:
        if small < 0.3 or large < 8:
            return None
    elif not (of_other_numbers and small <= 256 and 100 < factor < 700):
        return None
    usual = min((255.0, 257.0, 65535.0), key=lambda one: abs(log2(factor / one)))
    return usual if abs(log2(factor / usual)) <= 1 else factor


def _warn_of_mixed_ranges(largest: NDArray[np.float64], given: str) -> None:
    """Say so where some images go up to 1 and others to 255, with nothing in between."""
    ends = np.sort(largest[largest > 0])
    if len(ends) < 2:
        return
    cut = int(np.argmax(ends[1:] / ends[:-1])) + 1
    small, large, few = float(ends[cut - 1]), float(ends[cut]), len(largest) // 20
    factor = _factor_between(small, large, of_other_numbers=True)
    if factor is not None and min(cut, len(ends) - cut) >= few:
        warn(
            f"Of {len(largest)} images of {given} that were looked at, {cut} go up to {small:g} "
            f"and {len(ends) - cut} up to {ends[-1]:g}, with none in between, as if the latter "
            f"were to be divided by {factor:g}. Bring all images to one range.",
            UserWarning,
        )
