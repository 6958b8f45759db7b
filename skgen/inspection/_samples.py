"""What a model generates."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_array, check_is_fitted

from skgen.inspection._drawing import (
    checked_shape,
    draw_mosaic,
    figure_and_axes,
    flat,
    shades,
    shape_of,
)

__all__ = ["SamplesDisplay"]


class SamplesDisplay:
    """Samples: images as a grid, rows as points in two dimensions.

    Parameters
    ----------
    samples : array-like of shape (n_samples, n_features), or images
        What a model made.

    X : array-like like `samples`, default=None
        Rows to compare with. Points are drawn below those of samples, in the plane of the first
        two principal components of X if there are more than two columns. The range of images'
        values is taken from X.

    labels : sequence, default=None
        What the samples are, in equal parts and in this order: lines of a grid of images, or
        colors of points.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the images; None draws points.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the samples were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import VariationalAutoencoder
    >>> from skgen.inspection import SamplesDisplay
    >>> images = load_digits().images
    >>> model = VariationalAutoencoder(8, max_epochs=5, random_state=0).fit(images)
    >>> display = SamplesDisplay.from_estimator(model, 20)
    >>> display.samples.shape
    (20, 8, 8)
    """

    def __init__(
        self,
        samples: ArrayLike,
        *,
        X: ArrayLike | None = None,
        labels: Sequence[Any] | None = None,
        image_shape: Sequence[int] | None = None,
    ):
        self.samples = samples
        self.X = X
        self.labels = labels
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        n_samples: int | None = None,
        *,
        X: ArrayLike | None = None,
        y: Sequence[Any] | None = None,
        image_shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> "SamplesDisplay":
        """Draw samples from a model, and draw them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted model with a method `sample`.

        n_samples : int, default=None
            How many; for every entry of `y`, if there is one. None stands for 64 images, or 8 for
            every entry of `y`; and for 1,000 points, or 200 for every entry.

        X : array-like of shape (n_rows, n_features), default=None
            Rows to compare with.

        y : sequence, default=None
            Classes, or what else a conditional model takes, an entry for each line of images or
            color of points. None stands for the classes of a model that has such.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of images in flat rows. None stands for
            what the model knows; and for points, if it knows of none.

        random_state : int, RandomState instance or None, default=0
            Seeds the draw. An integer draws the same noise for every entry of `y`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SamplesDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "sample"):
            raise ValueError(f"{estimator} has no method `sample`.")
        shape = shape_of(estimator, image_shape)
        labels = getattr(estimator, "classes_", None) if y is None else y
        if y is not None and "y" not in inspect.signature(estimator.sample).parameters:
            raise ValueError(f"{type(estimator).__name__} takes no y: it is not conditional.")
        if y is not None and (isinstance(y, str) or not np.iterable(y)):
            labels = [y]
        if labels is None:
            usual = 1000 if shape is None else 64
            n_samples = usual if n_samples is None else n_samples
            samples = estimator.sample(n_samples, random_state=random_state)
        else:
            usual = 200 if shape is None else 8
            n_samples = usual if n_samples is None else n_samples
            parts = [
                estimator.sample(n_samples, y=label, random_state=random_state) for label in labels
            ]
            samples = np.concatenate(parts)
        return cls(samples, X=X, labels=labels, image_shape=shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "SamplesDisplay":
        """Draw the samples.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of gray images.

        Returns
        -------
        display : SamplesDisplay
            The display itself.
        """
        samples = flat(self.samples).astype(float)
        rows = None if self.X is None else check_array(flat(self.X), dtype=float)
        if rows is not None and rows.shape[1] != samples.shape[1]:
            raise ValueError(
                f"X has {rows.shape[1]} columns, but samples have {samples.shape[1]}. They have to "
                "be of one kind."
            )
        if self.labels is not None and len(samples) % len(self.labels):
            raise ValueError(
                f"{len(samples)} samples are no equal parts of {len(self.labels)} labels."
            )
        self.figure_, self.ax_ = figure_and_axes(ax)
        if self.image_shape is None:
            self._plot_points(samples, rows)
        else:
            self._plot_images(samples, rows, cmap)
        return self

    def _plot_images(self, samples: NDArray, rows: NDArray | None, cmap: str) -> None:
        shape = checked_shape(self.image_shape, samples.shape[1])
        n_samples = len(samples)
        if self.labels is None:
            n_columns = int(np.ceil(np.sqrt(n_samples)))
        else:
            n_columns = -(-n_samples // len(self.labels))
        n_lines = -(-n_samples // n_columns)
        images = np.full((n_lines * n_columns, samples.shape[1]), np.nan)
        images[:n_samples] = shades(samples, samples if rows is None else rows)
        labels = () if self.labels is None else [str(label) for label in self.labels]
        draw_mosaic(self.ax_, images.reshape(n_lines, n_columns, *shape), cmap, rows=labels)

    def _plot_points(self, samples: NDArray, rows: NDArray | None) -> None:
        names = "column 0", "column 1"
        if samples.shape[1] == 1:
            both = [samples] if rows is None else [rows, samples]
            bins = np.histogram_bin_edges(np.concatenate(both), 50)
            if rows is not None:
                self.ax_.hist(rows[:, 0], bins, density=True, color="0.75", label="rows")
            self.ax_.hist(
                samples[:, 0], bins, density=True, histtype="step", color="C0", label="samples"
            )
            self.ax_.set(xlabel=names[0], ylabel="density")
            self.ax_.legend()
            return
        if samples.shape[1] > 2:
            plane = PCA(2).fit(samples if rows is None else rows)
            samples = plane.transform(samples)
            rows = None if rows is None else plane.transform(rows)
            names = "principal component 0", "principal component 1"
        style = {"s": 6, "linewidths": 0}
        if rows is not None:
            self.ax_.scatter(*rows.T, color="0.75", label="rows", **style)
        parts = {"samples": samples}
        if self.labels is not None:
            names_of_parts = [str(label) for label in self.labels]
            equal = np.split(samples, len(names_of_parts))
            parts = dict(zip(names_of_parts, equal, strict=True))
        for name, part in parts.items():
            self.ax_.scatter(*part.T, alpha=0.5, label=name, **style)
        self.ax_.set(xlabel=names[0], ylabel=names[1])
        self.ax_.legend(markerscale=2)
