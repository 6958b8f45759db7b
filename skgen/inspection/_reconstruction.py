"""Rows beside what a model makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skgen.corruptions import Corruption, on_rows
from skgen.engine import drawing
from skgen.inputs.scaling import tensor_of
from skgen.inspection._drawing import (
    checked_shape,
    draw_mosaic,
    figure_and_axes,
    flat,
    shades,
    shape_of,
)

__all__ = ["ReconstructionDisplay"]


class ReconstructionDisplay:
    """Rows, what was done to them, and what a model makes of that.

    Rows that are images are drawn as images, one column each; others as curves over the
    features, one above the other.

    Parameters
    ----------
    inputs : array-like of shape (n_rows, n_features)
        Clean rows, all of which are drawn.

    reconstructions : array-like of shape (n_rows, n_features)
        What the model restored.

    distorted : array-like of shape (n_rows, n_features), default=None
        What the model saw, if not the clean rows.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the images; None draws curves.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the rows were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import DenoisingAutoencoder
    >>> from skgen.corruptions import Masking
    >>> from skgen.inspection import ReconstructionDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = DenoisingAutoencoder(16, max_epochs=5, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(
    ...     model, X[:10], distorted=Masking(0.5), image_shape=(8, 8)
    ... )
    >>> display.distorted.shape
    (10, 64)
    """

    def __init__(
        self,
        inputs: ArrayLike,
        reconstructions: ArrayLike,
        *,
        distorted: ArrayLike | None = None,
        image_shape: Sequence[int] | None = None,
    ):
        self.inputs = inputs
        self.reconstructions = reconstructions
        self.distorted = distorted
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        distorted: ArrayLike | Corruption | None = None,
        image_shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> "ReconstructionDisplay":
        """Restore rows and draw them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted transformer with `transform` and `inverse_transform`.

        X : array-like of shape (n_rows, n_features), or images
            Clean rows, all of which are drawn: ten or so make a good image.

        distorted : array-like like X, or Corruption, default=None
            What the model gets to see in their place. A `Corruption` is applied in network units,
            as in training, and takes a model of skgen. Those that take values from other rows need
            several to choose from.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the images. None stands for what a
            model of images knows; and for curves, if the model knows of none.

        random_state : int, RandomState instance or None, default=0
            Seeds a `Corruption`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        clean = check_array(flat(X))
        seen = X if distorted is None else distorted  # a frame keeps the names of its columns
        if isinstance(distorted, Corruption):
            if not hasattr(estimator, "scaling_"):
                raise ValueError(
                    f"{distorted} acts in the units of a model of skgen, and {estimator} is none. "
                    "Pass distorted rows."
                )
            scaling = estimator.scaling_
            with drawing(random_state), torch.no_grad():
                units = scaling.apply(tensor_of(clean, np.dtype(np.float64)))
                distort: Any = on_rows(distorted, estimator.input_.image_shape)
                drawn: NDArray = scaling.undo(distort(units)).numpy()
            named: Any = X
            distorted = seen = drawn
            if hasattr(named, "columns"):
                seen = type(named)(dict(zip(named.columns, drawn.T, strict=True)))
        elif isinstance(distorted, str):
            raise ValueError(
                f"distorted={distorted!r} has to be rows, or an object of skgen.corruptions."
            )
        restored = estimator.inverse_transform(estimator.transform(seen))
        shape = shape_of(estimator, image_shape)
        return cls(clean, restored, distorted=distorted, image_shape=shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "ReconstructionDisplay":
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of gray images.

        Returns
        -------
        display : ReconstructionDisplay
            The display itself.
        """
        kinds = {"input": self.inputs, "distorted": self.distorted}
        kinds["reconstruction"] = self.reconstructions
        rows = {name: flat(kind).astype(float) for name, kind in kinds.items() if kind is not None}
        shapes = {name: values.shape for name, values in rows.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"All have to have one shape, got {shapes}.")
        self.figure_, self.ax_ = figure_and_axes(ax)
        if self.image_shape is None:
            self._plot_curves(rows)
        else:
            self._plot_images(rows, cmap)
        return self

    def _plot_images(self, rows: Mapping[str, NDArray], cmap: str) -> None:
        shape = checked_shape(self.image_shape, rows["input"].shape[1])
        images = np.stack(list(rows.values())).reshape(len(rows), -1, *shape)
        draw_mosaic(self.ax_, shades(images, rows["input"]), cmap, rows=list(rows))

    def _plot_curves(self, rows: Mapping[str, NDArray]) -> None:
        styles = {
            "input": {"color": "0.6", "linewidth": 2.5},
            "distorted": {"color": "tab:orange", "linewidth": 0.8, "alpha": 0.8},
            "reconstruction": {"color": "tab:blue", "linewidth": 1.2},
        }
        offsets = 1.1 * np.ptp(rows["input"]) * np.arange(len(rows["input"]))[::-1]
        for name, values in rows.items():
            lines = self.ax_.plot((values + offsets[:, None]).T, **styles[name])
            lines[0].set_label(name)
        self.ax_.set(xlabel="feature", yticks=[])
        self.ax_.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(rows), frameon=False)
