"""The losses of a run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skgen.inspection._drawing import figure_and_axes

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """The loss of every epoch.

    Parameters
    ----------
    curves : mapping of str to array-like of shape (n_epochs,)
        Losses by name. NaN where there is none, as after epochs without rows set aside.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the curves were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    lines_ : list of matplotlib Line2D
        The curves.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import Autoencoder
    >>> from skgen.inspection import LossCurveDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = Autoencoder(8, early_stopping=True, max_epochs=5, random_state=0).fit(X)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> sorted(display.curves)
    ['training', 'validation']
    """

    def __init__(self, curves: Mapping[str, ArrayLike]):
        self.curves = curves

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, **line_kwargs: Any
    ) -> "LossCurveDisplay":
        """Draw the losses of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            A fitted model with a `loss_curve_`: skgen's, or scikit-learn's `MLPRegressor`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise ValueError(
                f"{estimator} has no loss_curve_: it was not trained epoch by epoch. Pass a model "
                "that was, or the last step of a pipeline."
            )
        losses = estimator.loss_curve_
        curves = dict(losses) if isinstance(losses, Mapping) else {"training": losses}
        net = getattr(estimator, "net_", None)
        history = [] if net is None else net.history
        validation = [epoch.get("valid_loss", np.nan) for epoch in history]
        comparable = getattr(net, "validation_loss", None) is None  # the loss that is trained
        if comparable and not np.isnan(validation).all():
            curves["validation"] = validation
        return cls(curves).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> "LossCurveDisplay":
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        self.figure_, self.ax_ = figure_and_axes(ax)
        self.lines_ = []
        for name, curve in self.curves.items():
            losses = np.asarray(curve, dtype=float)
            epochs = np.arange(1, len(losses) + 1)
            self.lines_ += self.ax_.plot(epochs, losses, **{"label": name, **line_kwargs})
        self.ax_.set(xlabel="epoch", ylabel="loss")
        locator = self.ax_.xaxis.get_major_locator()
        if type(locator).__name__ == "AutoLocator":  # not one that the caller chose
            locator.set_params(integer=True)
        self.ax_.legend()
        return self
