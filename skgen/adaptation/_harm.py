"""Signs that adapting to a target did harm, in plain words."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from skgen.exceptions import warn

__all__ = ["warn_of_few_rows", "warn_of_signs_in_source", "warn_of_signs_in_target"]

# Rows of a domain that statistics of its own take.
_LEAST_NORMALIZED = 32

# How far predicted shares of the classes may be from those expected, beyond chance, and times what
# chance makes. On mnist_m they were .06 off at most with equal shares, .09 at least with others.
_MOST_OFF, _CHANCES = 0.04, 1.75


def warn_of_few_rows(counts: Mapping[str, int]) -> None:
    """Warn if a domain has too few rows for statistics of its own."""
    fewest = min(counts, key=lambda side: counts[side])
    if 0 < counts[fewest] < _LEAST_NORMALIZED:
        warn(
            f"There are {counts[fewest]} rows of the {fewest}, which is few for statistics of "
            'their own, as batch_norm="per_domain" has them: predictions may be worse for it. Take '
            f'"joint", or {_LEAST_NORMALIZED} rows at least.'
        )


def warn_of_signs_in_source(
    predicted: NDArray, true: NDArray, losses: Sequence[float] | None, weight: float, lr: float
) -> None:
    """Warn if the source's classes were lost, or never learned.

    Parameters
    ----------
    predicted, true : ndarray of int of shape (n_samples,)
        Numbers of classes, of rows of the source.

    losses : sequence of float or None
        The source's loss, epoch by epoch, if the weights are those of the last.

    weight, lr : float
        What to lower.
    """
    accuracy, most_frequent = np.mean(predicted == true), np.bincount(true).max() / len(true)
    if losses is not None:
        best = int(np.argmin(losses))
        much = 0.1 * math.log(len(np.unique(true)))
        if losses[-1] > max(2 * losses[best], losses[best] + much):
            warn(
                f"Adapting cost accuracy on the source: {accuracy:.0%} of the rows that it was "
                f"trained on are predicted right, and their loss, {losses[best]:.2g} in epoch "
                f"{best + 1}, was {losses[-1]:.2g} at the end. Lower adaptation_weight, which is "
                f"{weight}, or lr, which is {lr}."
            )
            return
    if accuracy < most_frequent + 0.2 * (1 - most_frequent):
        warn(
            f"The source was not learned: {accuracy:.0%} of its rows are predicted right, and "
            f"always saying the most frequent class would be in {most_frequent:.0%}. Compare with "
            f"adaptation_weight=0; it is {weight}."
        )


def warn_of_signs_in_target(
    predicted: NDArray, expected: NDArray, n_source: int, classes: NDArray, weight: float
) -> None:
    """Warn if predictions of the target have other shares of the classes than it seemed to have.

    Parameters
    ----------
    predicted : ndarray of int of shape (n_target,)
        Numbers of predicted classes, of rows of the target.

    expected : ndarray of shape (n_classes,)
        The shares of the classes that the target was taken to have.

    n_source : int
        The number of rows that they come from.

    classes : ndarray of shape (n_classes,)
        The labels.

    weight : float
        What to lower.
    """
    found = np.bincount(predicted, minlength=len(classes)) / len(predicted)
    n_expected, n_found = (float(np.exp(entropy(shares))) for shares in (expected, found))
    top = int(found.argmax())
    if n_found >= 1 + 0.5 * (n_expected - 1):
        off = float(np.abs(found - expected).sum() / 2)
        variances = expected * (1 - expected) * (1 / len(predicted) + 1 / n_source)
        by_chance = np.sqrt(2 / math.pi * variances).sum() / 2
        if off > max(by_chance + _MOST_OFF, _CHANCES * by_chance):
            warn(
                f"{off:.0%} of the target's rows are said to be of other classes than the shares "
                "that it was taken to have (target_shares_) leave room for. Either it has other "
                "shares, which adapting works against, or adapting mixes classes up: predictions "
                "may be far worse than those of the source. If you know the shares, pass "
                "target_shares."
            )
        return
    warn(
        f"Predictions of the target have collapsed: {found[top]:.0%} of its rows are said to be "
        f"{classes.tolist()[top]!r}, and {expected[top]:.0%} were expected. Unless the target is "
        f"like that, adapting does harm here: lower adaptation_weight, which is {weight}, and "
        "compare with 0."
    )
