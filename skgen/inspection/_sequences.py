"""Sequences beside what a model makes of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skgen.inspection._drawing import figure_and_axes

__all__ = ["SequenceDisplay"]


class SequenceDisplay:
    """Sequences, what is missing in them, and what a model restores of them.

    Each is drawn over its own steps, one sequence above the other, with its length beside. The
    steps that lack a value of the channel are shaded.

    Parameters
    ----------
    inputs : sequence of array-like of shape (time,)
        One channel of every sequence. What is missing is NaN.

    reconstructions : sequence of array-like of shape (time,), default=None
        What the model restored.

    labels : sequence of str, default=None
        What is written at the left of every sequence. None stands for its number.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the sequences were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import RecurrentAutoencoder
    >>> from skgen.inspection import SequenceDisplay
    >>> X = [np.sin(np.arange(length) / 3) for length in range(20, 40)]
    >>> model = RecurrentAutoencoder(8, max_epochs=5, random_state=0).fit(X)
    >>> display = SequenceDisplay.from_estimator(model, X[:3])
    >>> [len(one) for one in display.reconstructions]
    [20, 21, 22]
    """

    def __init__(
        self,
        inputs: Sequence[ArrayLike],
        reconstructions: Sequence[ArrayLike] | None = None,
        *,
        labels: Sequence[str] | None = None,
    ):
        self.inputs = inputs
        self.reconstructions = reconstructions
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        channel: int = 0,
        labels: Sequence[str] | None = None,
        ax: Any = None,
    ) -> "SequenceDisplay":
        """Restore sequences, in their own lengths, and draw them.

        Parameters
        ----------
        estimator : RecurrentAutoencoder
            A fitted model that takes sequences and has a way back from codes.

        X : list of array-like of shape (time, channels), or as the model takes them
            Sequences, all of which are drawn: five or so make a good picture.

        channel : int, default=0
            The channel to draw.

        labels : sequence of str, default=None
            What is written at the left of every sequence.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SequenceDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        taken = estimator.input_
        if not 0 <= channel < taken.n_channels:
            raise ValueError(
                f"channel has to be from 0 to {taken.n_channels - 1}, of the {taken.n_channels} "
                f"channels that fit saw, got {channel}."
            )
        inputs = taken.sequences(X, estimator)
        codes = estimator.transform(X)
        restored = estimator.inverse_transform(np.asarray(codes), [len(one) for one in inputs])
        made = taken.sequences(restored, estimator)
        drawn = ([one[:, channel] for one in sequences] for sequences in (inputs, made))
        return cls(*drawn, labels=labels).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> "SequenceDisplay":
        """Draw the sequences.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SequenceDisplay
            The display itself.
        """
        inputs = [np.asarray(one, dtype=float) for one in self.inputs]
        restored = () if self.reconstructions is None else self.reconstructions
        made = [np.asarray(one, dtype=float) for one in restored]
        if made and [one.shape for one in made] != [one.shape for one in inputs]:
            raise ValueError("Reconstructions have to be as many and as long as the inputs.")
        labels = list(map(str, range(len(inputs)))) if self.labels is None else self.labels
        if len(labels) != len(inputs):
            raise ValueError(f"There are {len(inputs)} sequences, and {len(labels)} labels.")
        self.figure_, self.ax_ = figure_and_axes(ax)
        everything = np.concatenate([*inputs, *made])
        span = 1.2 * (np.nanmax(everything) - np.nanmin(everything)) or 1.0
        middle = (np.nanmax(everything) + np.nanmin(everything)) / 2
        names = {"input": "0.6", "reconstruction": "tab:blue", "missing": "tab:orange"}
        for number, one in enumerate(inputs):
            base = -span * number
            self.ax_.plot(base + one - middle, color=names["input"], linewidth=2.5)
            if made:
                self.ax_.plot(
                    base + made[number] - middle, color=names["reconstruction"], linewidth=1.2
                )
            self.ax_.fill_between(
                np.arange(len(one) + 1) - 0.5,
                base - span / 2,
                base + span / 2,
                where=np.append(np.isnan(one), np.isnan(one[-1])),
                step="post",
                color=names["missing"],
                alpha=0.3,
                linewidth=0,
            )
            self.ax_.text(len(one), base, f" {len(one)} steps", va="center", color="0.4")
        shown = ["input", *["reconstruction"] * bool(made)]
        if any(np.isnan(one).any() for one in inputs):
            shown.append("missing")
        for name in shown:
            self.ax_.plot([], color=names[name], label=name, linewidth=3)
        longest = max(map(len, inputs))
        self.ax_.set(
            xlabel="step",
            yticks=-span * np.arange(len(inputs)),
            yticklabels=labels,
            xlim=(-1, 1.2 * longest),
        )
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
        return self
