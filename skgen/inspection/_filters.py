"""What the units of a model look for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skgen.inspection._drawing import checked_shape, draw_mosaic, figure_and_axes, shape_of
from skgen.inspection._preferred import preferred_rows

__all__ = ["FilterDisplay"]


class FilterDisplay:
    """What units look for: the weights of a first layer, or what a deeper unit likes best.

    Gray is no weight, or the mean image; every filter is scaled by its own largest weight, so
    that brightness does not compare between them.

    Parameters
    ----------
    filters : array-like of shape (n_filters, n_features)
        Weights of one unit a row.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the patches that the filters see; None
        stands for a square.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the filters were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import SparseAutoencoder
    >>> from skgen.inspection import FilterDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = SparseAutoencoder(100, max_epochs=5, random_state=0).fit(X)
    >>> display = FilterDisplay.from_estimator(model, n_filters=25)
    >>> display.filters.shape
    (25, 64)
    """

    def __init__(self, filters: ArrayLike, *, image_shape: Sequence[int] | None = None):
        self.filters = filters
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        layer: str | None = None,
        image_shape: Sequence[int] | None = None,
        n_filters: int = 100,
        n_steps: int = 200,
        smoothness: float = 1.0,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> "FilterDisplay":
        """Draw a fitted model's first layer, or what its deeper units like best.

        Parameters
        ----------
        estimator : estimator instance
            A fitted autoencoder, or any estimator with `components_`, such as `PCA`.

        layer : str, default=None
            None draws the weights of the first layer. A name out of the encoder's layers, such as
            ``"2"``, draws for each of that layer's units the input that it responds to most among
            those of the size of an average row: found by gradient ascent from noise [1]_. Of a
            convolutional layer a unit is a channel, in the middle of the image.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the patches that the filters see. None
            stands for what a model of images knows, and else for a square.

        n_filters : int, default=100
            How many to draw at most: of weights the largest, of units the first. At least 1.

        n_steps : int, default=200
            Steps of the ascent.

        smoothness : float, default=1.0
            How much differences between neighboring pixels cost in the ascent. Without it, the
            images that deep units like best are mostly noise.

        random_state : int, RandomState instance or None, default=0
            Seeds the noise that the ascent starts from.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : FilterDisplay
            The drawn display.

        References
        ----------
        .. [1] D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing higher-layer features of
           a deep network", technical report 1341, University of Montreal, 2009.
        """
        check_is_fitted(estimator)
        if n_filters < 1:
            raise ValueError(f"n_filters has to be at least 1, got {n_filters}.")
        if layer is not None:
            shape = checked_shape(shape_of(estimator, image_shape), estimator.n_features_in_)
            filters = preferred_rows(
                estimator,
                layer,
                n_filters,
                n_steps=n_steps,
                smoothness=smoothness,
                image_shape=shape,
                random_state=random_state,
            )
            return cls(filters, image_shape=shape).plot(ax=ax)
        if hasattr(estimator, "components_"):
            filters, seen = np.asarray(estimator.components_), None
        else:
            filters, seen = _first_layer(estimator)
        strength = np.linalg.norm(filters, axis=1)
        largest = np.argsort(-strength.round(6), kind="stable")[:n_filters]
        return cls(filters[largest], image_shape=image_shape or seen).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "FilterDisplay":
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of weights for gray images.

        Returns
        -------
        display : FilterDisplay
            The display itself.
        """
        filters = np.asarray(self.filters)
        shape = checked_shape(self.image_shape, filters.shape[1])
        largest = np.abs(filters).max(axis=1, keepdims=True)
        grays = 0.5 + 0.5 * filters / np.where(largest == 0, 1, largest)
        n_columns = int(np.ceil(np.sqrt(len(grays))))
        n_rows = -(-len(grays) // n_columns)
        grid = np.full((n_rows * n_columns, grays.shape[1]), np.nan)
        grid[: len(grays)] = grays
        self.figure_, self.ax_ = figure_and_axes(ax)
        draw_mosaic(self.ax_, grid.reshape(n_rows, n_columns, *shape), cmap)
        return self


def _first_layer(estimator: Any) -> tuple[NDArray, tuple[int, ...] | None]:
    """Return the weights of a model's first layer, and the shape of what its units see."""
    known = hasattr(estimator, "encoder_module")
    layers = (estimator.encoder_module() if known else nn.Identity()).modules()
    first: Any = next((one for one in layers if isinstance(one, nn.Linear | nn.Conv2d)), None)
    if first is None:
        raise ValueError(
            f"{estimator} has neither components_ nor an encoder of dense or convolutional layers. "
            "Pass its filters to FilterDisplay(filters) yourself."
        )
    weight = first.weight.detach().cpu().numpy()
    if weight.ndim == 2:
        return weight, None
    weight = weight.transpose(0, 2, 3, 1)  # channels last
    shape = weight.shape[1:3] if weight.shape[3] == 1 else weight.shape[1:]
    return weight.reshape(len(weight), -1), shape
