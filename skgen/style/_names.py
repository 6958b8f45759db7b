"""What users say of styles: the names of paintings, and how much of each is wanted."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d

from skgen.inputs.attributes import is_missing

__all__ = ["Style", "checked_names", "shares_of"]

# A name, weights by name, or all styles in equal parts.
Style = str | int | Mapping[Any, float] | None


def checked_names(y: Any, n_paintings: int, before: NDArray | None = None) -> NDArray:
    """Return the names of the styles of paintings.

    Parameters
    ----------
    y : array-like of shape (n_paintings,) or None
        What the user says. None stands for numbers that go on from those before.

    n_paintings : int
        How many paintings there are.

    before : ndarray, default=None
        The names of the paintings that are known already, if there are any.

    Raises
    ------
    ValueError
        If there is not one name for every painting, or if they are of several kinds.
    """
    if y is None:
        if before is not None and before.dtype.kind not in "iu":
            raise ValueError(
                f"The styles so far have names, {before.tolist()[0]!r} for one: y has to name "
                "those of the further paintings, too."
            )
        first = 0 if before is None else int(before.max()) + 1
        return first + np.arange(n_paintings)
    if isinstance(y, str) or any(np.ndim(one) for one in y):
        raise ValueError(
            "y has to be a list with the name of every painting's style, strings or numbers. "
            "Photographs to train on are passed by name: content=photographs."
        )
    values = column_or_1d(y, dtype=object).tolist()
    if len(values) != n_paintings:
        raise ValueError(f"X has {n_paintings} paintings, and y {len(values)} names.")
    for number, one in enumerate(values):
        if is_missing(one):
            raise ValueError(f"Painting {number} has no name: y is {one} there.")
    there = [] if before is None else before[:1].tolist()
    of_kind = {isinstance(one, str): one for one in reversed([*there, *values])}
    if len(of_kind) > 1:
        raise ValueError(
            f"Names of styles have to be all strings or all numbers, and there are both: "
            f"{of_kind[True]!r} and {of_kind[False]!r}."
        )
    return np.asarray(values)


def shares_of(style: Style, names: NDArray) -> NDArray[np.float32]:
    """Return how much every painting counts for a style, summing to 1.

    Parameters
    ----------
    style : str, int, dict of names to float, or None
        What is wanted.

    names : ndarray of shape (n_paintings,)
        The name of every painting's style.

    Raises
    ------
    ValueError
        If there is no such style, or if weights are negative or all 0.
    """
    known = np.unique(names).tolist()
    if style is None:
        weights: Mapping[Any, float] = dict.fromkeys(known, 1.0)
    elif isinstance(style, Mapping):
        weights = style
    elif np.ndim(style):
        raise ValueError(
            "style has to be the name of a style, or weights by name, {name: 1, other: 2}, for all "
            f"images of a call. Got {type(style).__name__}."
        )
    else:
        weights = {style: 1.0}
    unknown = [name for name in weights if name not in known]
    if unknown:
        raise ValueError(
            f"There is no style {', '.join(map(repr, unknown))}. There are: "
            f"{', '.join(map(repr, known))}."
        )
    numbers = list(weights.values())
    usable = all(isinstance(one, Real) and 0 <= one < np.inf for one in numbers)
    if not usable or not any(numbers):
        raise ValueError(
            "Weights of styles have to be numbers of 0 or more, and not all 0, got "
            f"{dict(weights)}."
        )
    relative = np.array(numbers, dtype=float) / max(numbers)  # whose sum is finite
    relative /= relative.sum()
    shares = np.zeros(len(names), dtype=np.float32)
    for name, share in zip(weights, relative, strict=True):
        of_name = names == name
        shares[of_name] = share / of_name.sum()
    return shares
