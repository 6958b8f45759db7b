"""Morphs, step by step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skgen.inspection._drawing import (
    checked_shape,
    draw_mosaic,
    figure_and_axes,
    flat,
    shades,
    shape_of,
)
from skgen.latent import as_pairs, interpolate

__all__ = ["MorphDisplay"]


class MorphDisplay:
    """Images that turn into others, a pair each line, with the images themselves at the ends.

    Parameters
    ----------
    start, stop : array-like of shape (n_pairs, n_features), or images
        What is morphed, and into what.

    morphs : array-like of shape (n_pairs, n_steps, n_features), or images
        The steps in between, the decoded ends among them.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the images; None stands for a square.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the images were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import Autoencoder
    >>> from skgen.inspection import MorphDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = Autoencoder(8, max_epochs=5, random_state=0).fit(X)
    >>> display = MorphDisplay.from_estimator(model, X[:3], X[3:6], n_steps=7)
    >>> display.morphs.shape
    (3, 7, 64)
    """

    def __init__(
        self,
        start: ArrayLike,
        stop: ArrayLike,
        morphs: ArrayLike,
        *,
        image_shape: Sequence[int] | None = None,
    ):
        self.start = start
        self.stop = stop
        self.morphs = morphs
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        start: ArrayLike,
        stop: ArrayLike,
        *,
        n_steps: int = 9,
        method: str = "linear",
        image_shape: Sequence[int] | None = None,
        ax: Any = None,
    ) -> "MorphDisplay":
        """Morph images with a fitted model, and draw the steps.

        Parameters
        ----------
        estimator : estimator instance
            A fitted transformer with `transform` and `inverse_transform`.

        start, stop : array-like of shape (n_pairs, n_features), or images
            What to morph, and into what: a line of the image for each pair.

        n_steps : int, default=9
            Steps, both ends among them.

        method : {'linear', 'spherical'}, default='linear'
            The way between two codes, as in :func:`skgen.latent.interpolate`.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the images. None stands for what a
            model of images knows, and else for a square.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : MorphDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        start, stop = (as_pairs(estimator, ends)[0] for ends in (start, stop))
        morphs = interpolate(estimator, start, stop, n_steps, method=method)
        shape = shape_of(estimator, image_shape)
        return cls(start, stop, morphs, image_shape=shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "MorphDisplay":
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colors of gray images.

        Returns
        -------
        display : MorphDisplay
            The display itself.
        """
        ends = [flat(self.start), flat(self.stop)]
        steps = np.asarray(self.morphs)
        steps = steps.reshape(*steps.shape[:2], -1)
        shape = checked_shape(self.image_shape, steps.shape[2])
        line = np.concatenate([ends[0][:, None], steps, ends[1][:, None]], axis=1)
        images = shades(line.astype(float), np.stack(ends))
        self.figure_, self.ax_ = figure_and_axes(ax)
        draw_mosaic(self.ax_, images.reshape(*line.shape[:2], *shape), cmap)
        width = shape[1] + 1
        total = width * line.shape[1]
        for edge in (width, total - width):  # between the images and their codes
            self.ax_.axvline(edge, color="white", linewidth=4)
        middles = [1 + (shape[1] - 1) / 2, total / 2, total - width / 2]
        self.ax_.set(xticks=middles, xticklabels=["from", "steps", "to"])
        return self
