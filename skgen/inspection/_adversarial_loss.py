"""How an adversarial training went."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skgen.inspection._drawing import pyplot

__all__ = ["AdversarialLossDisplay"]


class AdversarialLossDisplay:
    """Losses of both players, what the discriminator says, and the score, epoch by epoch.

    Parameters
    ----------
    losses : mapping of str to array-like of shape (n_epochs,)
        Losses by player.

    verdicts : mapping of str to array-like of shape (n_epochs,)
        Mean verdicts of the discriminator on either side, by name.

    scores : array-like of shape (n_epochs,), default=None
        Scores of samples; NaN where there is none.

    probabilities : bool, default=True
        Whether verdicts are probabilities of being real.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The axes, one above the other.

    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skgen import GAN
    >>> from skgen.inspection import AdversarialLossDisplay
    >>> X, _ = make_moons(1000, noise=0.05, random_state=0)
    >>> model = GAN(2, early_stopping=True, max_epochs=20, random_state=0).fit(X)
    >>> display = AdversarialLossDisplay.from_estimator(model)
    >>> sorted(display.verdicts)
    ['D(G(z))', 'D(x)']
    """

    def __init__(
        self,
        losses: Mapping[str, ArrayLike],
        verdicts: Mapping[str, ArrayLike],
        *,
        scores: ArrayLike | None = None,
        probabilities: bool = True,
    ):
        self.losses = losses
        self.verdicts = verdicts
        self.scores = scores
        self.probabilities = probabilities

    @classmethod
    def from_estimator(cls, estimator: Any, *, axes: Any = None) -> "AdversarialLossDisplay":
        """Draw the training of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            A fitted model that was trained against a discriminator. It has a score for every epoch
            if it was fitted with ``early_stopping=True``.

        axes : sequence of matplotlib Axes, default=None
            Where to draw: two axes, or three if there is a score. None makes a figure.

        Returns
        -------
        display : AdversarialLossDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        history: Any = estimator.net_.history if hasattr(estimator, "net_") else []
        names = [name for name in (history[-1] if history else {}) if name.startswith("D(")]
        if not names:
            raise ValueError(f"{estimator} was not trained against a discriminator.")
        verdicts = {name: history[:, name] for name in names}
        scores = None
        if hasattr(estimator, "discriminate"):
            scores = [1 - epoch.get("valid_loss", np.nan) for epoch in history]
            scores = None if np.isnan(scores).all() else scores
        loss = estimator.net_.turns[-1].loss.adversarial_loss
        display = cls(
            estimator.loss_curve_, verdicts, scores=scores, probabilities=loss.has_probabilities
        )
        return display.plot(axes=axes)

    def plot(self, *, axes: Any = None) -> "AdversarialLossDisplay":
        """Draw the training.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Where to draw: two axes, or three if there is a score. None makes a figure.

        Returns
        -------
        display : AdversarialLossDisplay
            The display itself.
        """
        n_axes = 2 if self.scores is None else 3
        if axes is None:
            _, axes = pyplot().subplots(
                n_axes, sharex=True, figsize=(6.4, 1 + 1.9 * n_axes), layout="constrained"
            )
        self.axes_ = np.asarray(axes, dtype=object).ravel()
        if len(self.axes_) != n_axes:
            raise ValueError(f"There is a need for {n_axes} axes, got {len(self.axes_)}.")
        self.figure_ = self.axes_[0].figure
        panels = [("loss", self.losses)]
        panels.append(
            ("probability\nof being real" if self.probabilities else "output", self.verdicts)
        )
        if self.scores is not None:
            panels.append(("score", {"score": self.scores}))
        for ax, (title, curves) in zip(self.axes_, panels, strict=True):
            for name, curve in curves.items():
                values = np.asarray(curve, dtype=float)
                ax.plot(np.arange(1, len(values) + 1), values, label=name)
            ax.set(ylabel=title)
            if len(curves) > 1:
                ax.legend()
        if self.probabilities:
            self.axes_[1].axhline(0.5, color="0.7", linewidth=0.8, zorder=0)
            self.axes_[1].set(ylim=(0, 1))
        self.axes_[-1].set(xlabel="epoch")
        return self
