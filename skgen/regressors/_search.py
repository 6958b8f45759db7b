"""Attributes of images: those whose drawing comes closest."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skgen.inputs.mixed import MixedInput

__all__ = ["attributes_of"]

# Rounds of a search. Steps of numbers and angles are halved from one to the next; categories are
# gone through in every other.
_N_ROUNDS = 6

# Drawings that are compared with images at a time.
_N_AT_ONCE = 256


def attributes_of(
    rows: NDArray, draw: Callable[[NDArray], NDArray], taken: MixedInput
) -> NDArray[np.float64]:
    """Return the attributes whose drawings are closest to images.

    The search begins with the attributes that were trained on. Then every attribute in turn is
    changed on its own, for as long as that brings the drawing closer.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        Images, as networks see them.

    draw : callable
        Returns such rows for attributes (n_samples, n_attributes).

    taken : MixedInput
        The fitted input, which knows the attributes.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_attributes)
        As networks see them.
    """
    best = taken.seen[_nearest(rows, draw, taken.seen)].astype(np.float64)
    errors = _errors(rows, draw, best)
    steps = [_step(column, kind) for column, kind in zip(taken.seen.T, taken.kinds, strict=True)]
    for turn in range(_N_ROUNDS):
        for number, kind in enumerate(taken.kinds):
            if kind > 0 and turn % 2 == 0:
                values: Any = [np.full(len(rows), float(place)) for place in range(kind)]
            elif kind > 0:
                continue
            else:
                step = steps[number] / 2**turn
                away = (best[:, number] - step, best[:, number] + step)
                values = [taken.within(number, value) for value in away]
            for value in values:
                changed = best.copy()
                changed[:, number] = value
                there = _errors(rows, draw, changed)
                better = there < errors
                best[better], errors[better] = changed[better], there[better]
    return best


def _nearest(rows: NDArray, draw: Callable[[NDArray], NDArray], seen: NDArray) -> NDArray:
    """Return which of the attributes have the drawings closest to images."""
    least, nearest = np.full(len(rows), np.inf), np.zeros(len(rows), dtype=int)
    for first in range(0, len(seen), _N_AT_ONCE):
        drawn = draw(seen[first : first + _N_AT_ONCE])
        distances = np.square(drawn).sum(axis=1) - 2 * rows @ drawn.T
        closest = distances.argmin(axis=1)
        there = distances[np.arange(len(rows)), closest]
        nearest = np.where(there < least, first + closest, nearest)
        least = np.minimum(there, least)
    return nearest


def _errors(rows: NDArray, draw: Callable[[NDArray], NDArray], numbers: NDArray) -> NDArray:
    """Return the square errors of drawings, row by row."""
    errors: NDArray = np.square(draw(numbers) - rows).sum(axis=1)
    return errors


def _step(seen: NDArray, kind: int) -> float:
    """Return by how much to change an attribute at first: as far as values lie apart."""
    distinct = np.unique(seen)
    if kind == -1:
        return min(2 * np.pi / len(distinct), np.pi / 4)
    return float((distinct[-1] - distinct[0]) / max(1, len(distinct) - 1))
