"""The codes of rows, as points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skgen.inspection._drawing import (
    checked_shape,
    figure_and_axes,
    flat,
    mosaic,
    pyplot,
    shades,
    shape_of,
)

__all__ = ["LatentDisplay"]


class LatentDisplay:
    """Codes as points in two dimensions, over what the decoder makes of the places in between.

    Parameters
    ----------
    codes : array-like of shape (n_samples, 2)
        Codes, or a projection of them.

    labels : array-like of shape (n_samples,), default=None
        Colors the points, with a legend for up to 20 values and a color bar for more numbers.

    grid : array-like of shape (n_lines, n_columns, n_features), default=None
        Images decoded along a regular grid over the codes, the first line at the top.

    grid_limits : tuple of float, default=None
        Codes at the middle of the outermost images: left, right, bottom, top. Needed with `grid`.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the images; None stands for a square.

    axis_names : tuple of str, default=("code 0", "code 1")
        What the two dimensions are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the codes were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import Autoencoder
    >>> from skgen.inspection import LatentDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = Autoencoder(2, max_epochs=5, random_state=0).fit(X)
    >>> display = LatentDisplay.from_estimator(model, X, y, image_shape=(8, 8))
    >>> display.codes.shape, display.grid.shape
    ((1797, 2), (15, 15, 64))
    """

    def __init__(
        self,
        codes: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        grid: ArrayLike | None = None,
        grid_limits: tuple[float, float, float, float] | None = None,
        image_shape: Sequence[int] | None = None,
        axis_names: tuple[str, str] = ("code 0", "code 1"),
    ):
        self.codes = codes
        self.labels = labels
        self.grid = grid
        self.grid_limits = grid_limits
        self.image_shape = image_shape
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        projection: Any = None,
        n_images: int = 15,
        image_shape: Sequence[int] | None = None,
        ax: Any = None,
    ) -> "LatentDisplay":
        """Encode rows and draw their codes.

        Parameters
        ----------
        estimator : estimator instance
            A fitted transformer.

        X : array-like of shape (n_samples, n_features), or images
            Rows to encode.

        y : array-like of shape (n_samples,), default=None
            Labels or numbers that color the points.

        projection : estimator instance, default=None
            A transformer to two dimensions, such as `TSNE`, a clone of which is fitted on codes of
            more than two. None stands for principal components.

        n_images : int, default=15
            Images along each side of the grid that is decoded where codes have two dimensions,
            rows are images, and the estimator has `inverse_transform`. The grid covers the middle
            98% of the codes. 0 draws none.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the images. None stands for what a
            model of images knows; if the model knows of none, nothing is decoded.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LatentDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        if y is not None:
            check_consistent_length(X, y)
        codes = np.asarray(estimator.transform(X))
        shape = shape_of(estimator, image_shape)
        if codes.shape[1] != 2:
            projection = PCA(2) if projection is None else clone(projection)
            return cls(
                _projected(codes, projection),
                y,
                axis_names=("first projection", "second projection")
                if not isinstance(projection, PCA)
                else ("first component of the code", "second component of the code"),
            ).plot(ax=ax)
        if shape is None or n_images == 0 or not hasattr(estimator, "inverse_transform"):
            return cls(codes, y).plot(ax=ax)
        (left, bottom), (right, top) = np.quantile(codes, [0.01, 0.99], axis=0)
        across, up = np.linspace(left, right, n_images), np.linspace(top, bottom, n_images)
        places = np.stack(np.meshgrid(across, up), axis=2).reshape(-1, 2).astype(codes.dtype)
        grid = flat(estimator.inverse_transform(places)).reshape(n_images, n_images, -1)
        limits = (left, right, bottom, top)
        return cls(codes, y, grid=grid, grid_limits=limits, image_shape=shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray", **scatter_kwargs: Any) -> "LatentDisplay":
        """Draw the codes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of gray images.

        **scatter_kwargs : dict
            Passed on to matplotlib's `scatter`.

        Returns
        -------
        display : LatentDisplay
            The display itself.
        """
        codes = np.asarray(self.codes)
        self.figure_, self.ax_ = figure_and_axes(ax)
        style = {"s": 4 if len(codes) > 500 else 16, "linewidths": 0, **scatter_kwargs}
        if self.grid is not None:
            self._plot_grid(cmap)
        if self.labels is None:
            self.ax_.scatter(*codes.T, **style)
        else:
            self._plot_by_label(codes, np.asarray(self.labels), style)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        return self

    def _plot_grid(self, cmap: str) -> None:
        if self.grid_limits is None:
            raise ValueError("A grid of images needs grid_limits: left, right, bottom, top.")
        grid = np.asarray(self.grid, dtype=float)
        shape = checked_shape(self.image_shape, grid.shape[2])
        images = shades(grid, grid).reshape(*grid.shape[:2], *shape)
        left, right, bottom, top = self.grid_limits
        margin_x = (right - left) / max(1, grid.shape[1] - 1) / 2
        margin_y = (top - bottom) / max(1, grid.shape[0] - 1) / 2
        extent = (left - margin_x, right + margin_x, bottom - margin_y, top + margin_y)
        faded = 0.45 + 0.55 * mosaic(images)  # for the points to show on
        self.ax_.imshow(faded, extent=extent, aspect="auto", cmap=cmap, vmin=0, vmax=1)

    def _plot_by_label(self, codes: NDArray, labels: NDArray, style: dict[str, Any]) -> None:
        values = np.unique(labels)
        if labels.dtype.kind in "fiu" and len(values) > 20:
            points = self.ax_.scatter(*codes.T, c=labels, **style)
            self.figure_.colorbar(points, ax=self.ax_)
            return
        palette = "tab10" if len(values) <= 10 else "tab20" if len(values) <= 20 else "turbo"
        colors = pyplot().get_cmap(palette, len(values) if palette == "turbo" else None)
        for number, value in enumerate(values):
            chosen = {"color": colors(number), "label": str(value), **style}
            self.ax_.scatter(*codes[labels == value].T, **chosen)
        if len(values) <= 20:
            self.ax_.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=3, frameon=False)


def _projected(codes: NDArray, projection: Any) -> NDArray:
    """Return codes in two dimensions; those of one dimension beside a line of zeros."""
    if codes.shape[1] == 1:
        return np.column_stack([codes[:, 0], np.zeros(len(codes))])
    projected: NDArray = np.asarray(projection.fit_transform(codes))
    if projected.shape[1] != 2:
        raise ValueError(
            f"{projection} gives {projected.shape[1]} dimensions; two are needed to draw."
        )
    return projected
