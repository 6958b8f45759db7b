"""Signs that adapting to a target did harm, in plain words."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

__all__ = ["few_rows", "signs_in_source", "signs_in_target"]

# Rows of a domain that statistics of its own take.
_LEAST_NORMALIZED = 32


def few_rows(counts: Mapping[str, int]) -> list[str]:
    """Return a complaint if a domain has too few rows for statistics of its own."""
    fewest = min(counts, key=lambda side: counts[side])
    if not 0 < counts[fewest] < _LEAST_NORMALIZED:
        return []
    return [
        f"There are {counts[fewest]} rows of the {fewest}, which is few for statistics of their "
        'own, as batch_norm="per_domain" has them: predictions may be worse for it. Take "joint", '
        f"or {_LEAST_NORMALIZED} rows at least."
    ]


def signs_in_source(
    predicted: NDArray, true: NDArray, losses: Sequence[float] | None, weight: float, lr: float
) -> list[str]:
    """Return a complaint if the source's classes were lost, or never learned.

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
            return [
                f"Adapting cost accuracy on the source: {accuracy:.0%} of the rows that it was "
                f"trained on are predicted right, and their loss, {losses[best]:.2g} in epoch "
                f"{best + 1}, was {losses[-1]:.2g} at the end. Lower adaptation_weight, which is "
                f"{weight}, or lr, which is {lr}."
            ]
    if accuracy < most_frequent + 0.2 * (1 - most_frequent):
        return [
            f"The source was not learned: {accuracy:.0%} of its rows are predicted right, and "
            f"always saying the most frequent class would be in {most_frequent:.0%}. Compare with "
            f"adaptation_weight=0; it is {weight}."
        ]
    return []


def signs_in_target(
    predicted: NDArray, true: NDArray, classes: NDArray, weight: float
) -> list[str]:
    """Return a complaint if predictions of the target have far fewer classes than the source.

    Parameters
    ----------
    predicted : ndarray of int of shape (n_target,)
        Numbers of predicted classes, of rows of the target.

    true : ndarray of int of shape (n_source,)
        Numbers of classes, of rows of the source.

    classes : ndarray of shape (n_classes,)
        The labels.

    weight : float
        What to lower.
    """
    expected, found = (
        np.bincount(side, minlength=len(classes)) / len(side) for side in (true, predicted)
    )
    n_expected, n_found = (float(np.exp(entropy(shares))) for shares in (expected, found))
    if n_found >= 1 + 0.5 * (n_expected - 1):
        return []
    top = int(found.argmax())
    return [
        f"Predictions of the target have collapsed: {found[top]:.0%} of its rows are said to be "
        f"{classes.tolist()[top]!r}, which {expected[top]:.0%} of the source's are. Unless the "
        "target is like that, adapting does harm here: lower adaptation_weight, which is "
        f"{weight}, and compare with 0."
    ]
