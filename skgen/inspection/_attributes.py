"""Images along one of their attributes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skgen.inputs.mixed import Angle, Category, MixedInput, Number, single_row
from skgen.inspection._drawing import checked_shape, draw_mosaic, figure_and_axes, shades, shape_of
from skgen.parameters import checked_count

__all__ = ["AttributeDisplay"]


class AttributeDisplay:
    """Strips of images in which one attribute changes, over real images if there are such.

    Parameters
    ----------
    images : array-like of shape (n_strips, n_steps, n_features), or images
        What is drawn, strip by strip.

    attribute : str
        The name of what changes.

    values : array-like of shape (n_steps,)
        Its values.

    real : array-like like `images`, default=None
        Real images of the same attributes, which stand below each strip. Those that there are not
        may be NaN.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, channels)`` of the images; None stands for a
        square.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the images were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import ImageRegressor
    >>> from skgen.inspection import AttributeDisplay
    >>> angles = np.arange(0, 360, 10)
    >>> line = np.linspace(-1, 1, 16)
    >>> y = np.array([np.abs(np.outer(line, np.cos(a)) + np.sin(a) * line) < 0.3
    ...               for a in np.deg2rad(angles)]).astype(float)
    >>> X = {"angle": angles}
    >>> model = ImageRegressor(periods={"angle": 180}, max_epochs=20, random_state=0).fit(X, y)
    >>> display = AttributeDisplay.from_estimator(model, {"angle": 0}, "angle", n_steps=6)
    >>> display.images.shape, display.values.tolist()
    ((1, 6, 16, 16), [0.0, 30.0, 60.0, 90.0, 120.0, 150.0])
    """

    def __init__(
        self,
        images: ArrayLike,
        attribute: str,
        values: ArrayLike,
        *,
        real: ArrayLike | None = None,
        image_shape: Sequence[int] | None = None,
    ):
        self.images = images
        self.attribute = attribute
        self.values = values
        self.real = real
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        attribute: str,
        values: ArrayLike | None = None,
        *,
        n_steps: int = 9,
        real: ArrayLike | None = None,
        ax: Any = None,
    ) -> "AttributeDisplay":
        """Draw rows with other and other values of one attribute.

        Parameters
        ----------
        estimator : ImageRegressor
            Fitted.

        X : object
            Attributes as in `fit`, a strip for every row; or a single row.

        attribute : str
            The name of the attribute that changes; of arrays, its number.

        values : array-like of shape (n_steps,), default=None
            Its values. None stands for a whole turn of an angle, for even steps between the least
            and the largest number that was trained on, and for the first categories.

        n_steps : int, default=9
            How many values None stands for.

        real : array-like of shape (n_strips, n_steps, ...), default=None
            Real images of the same attributes. Those that there are not may be NaN.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : AttributeDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        taken: MixedInput = estimator.input_
        names = [one.name for one in taken.attributes]
        if str(attribute) not in names:
            raise ValueError(
                f"X has no attribute {attribute!r}. It has {', '.join(map(repr, names))}."
            )
        place = names.index(str(attribute))
        if values is None:
            values = _usual_values(taken, place, checked_count("n_steps", n_steps))
        chosen = np.atleast_1d(values)
        x: Any = taken.columns(single_row(X)[0], estimator)["x"]
        rows = {
            name: np.repeat(one.values(column), len(chosen))
            for name, one, column in zip(names, taken.attributes, x.tensor.numpy().T, strict=True)
        }
        rows[names[place]] = np.tile(chosen, len(x))
        images = estimator.predict(rows)
        strips = images.reshape(len(x), len(chosen), *images.shape[1:])
        shape = shape_of(estimator, None)
        return cls(strips, str(attribute), chosen, real=real, image_shape=shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "AttributeDisplay":
        """Draw the strips.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of gray images.

        Returns
        -------
        display : AttributeDisplay
            The display itself.
        """
        strips = _flat(self.images)
        shape = checked_shape(self.image_shape, strips.shape[2])
        lines, names = [strips], ["drawn"]
        if self.real is not None:
            real = _flat(self.real)
            if real.shape != strips.shape:
                raise ValueError(
                    f"real has images of shape {np.shape(self.real)}, but those drawn are of shape "
                    f"{np.shape(self.images)}."
                )
            lines, names = [strips, real], ["drawn", "real"]
        together = np.stack(lines, axis=1).reshape(-1, *strips.shape[1:])
        shown = shades(together, together[np.isfinite(together)])
        self.figure_, self.ax_ = figure_and_axes(ax)
        values = np.asarray(self.values)
        numeric = values.dtype.kind in "fiu"
        draw_mosaic(
            self.ax_,
            shown.reshape(*together.shape[:2], *shape),
            cmap,
            rows=names * len(strips),
            columns=[f"{one:g}" for one in values] if numeric else values.tolist(),
        )
        self.ax_.set(xlabel=self.attribute)
        if not numeric:
            self.ax_.tick_params(axis="x", labelrotation=30)
        return self


def _flat(images: ArrayLike) -> NDArray[np.float64]:
    """Return images of strips as rows of strips."""
    values = np.asarray(images, dtype=np.float64)
    return values.reshape(*values.shape[:2], -1)


def _usual_values(taken: MixedInput, place: int, n_steps: int) -> NDArray:
    """Return values along an attribute that show what there is."""
    attribute = taken.attributes[place]
    if isinstance(attribute, Category):
        return attribute.values(np.arange(min(n_steps, len(attribute.known))))
    if isinstance(attribute, Angle) and attribute.is_signed:
        seen = attribute.values(taken.seen[:, place])
        return np.linspace(seen.min(), seen.max(), n_steps)
    if isinstance(attribute, Angle):
        return np.arange(n_steps) * (attribute.period / n_steps)
    assert isinstance(attribute, Number)
    ends = attribute.values(np.array([taken.least[place], taken.largest[place]]))
    return np.linspace(ends[0], ends[1], n_steps)
