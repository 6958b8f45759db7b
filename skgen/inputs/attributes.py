"""Attributes of rows as columns of numbers."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from skgen._sklearn import is_pandas_na, is_scalar_nan

__all__ = ["Attributes", "checked_column", "is_missing"]


def is_missing(value: Any) -> bool:
    """Whether a value is None, pandas' NA or not a number."""
    return value is None or is_pandas_na(value) or is_scalar_nan(value)


class Attributes:
    """What `fit` learned about a table of attributes, and the way from it to numbers.

    Booleans, and the numbers -1 and 1, become 0 and 1; other numbers stay as they are; a column of
    strings becomes a column of 0 and 1 for every string.

    Parameters
    ----------
    y : frame, series, array-like or mapping
        Columns of one length, each of at least two values.
    """

    def __init__(self, y: Any):
        self._columns = [_Column(name, column) for name, column in _columns(y).items()]
        if not self._columns:
            raise ValueError("y has no attributes: it takes one column at least.")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"Attributes need names of their own, got {self.names}.")

    @property
    def columns(self) -> list[str]:
        """The names of the attributes."""
        return [column.name for column in self._columns]

    @property
    def names(self) -> list[str]:
        """The names of the columns of numbers."""
        return [name for column in self._columns for name in column.names]

    def numbers(self, y: Any) -> NDArray[np.float64]:  # (n_samples, n_names)
        """Return a table like the one that was fitted, as numbers."""
        given, seen = _columns(y), self.columns
        if given.keys() != set(seen):
            raise ValueError(f"y has the attributes {list(given)}, but fit saw {seen}.")
        return np.hstack([column.numbers(given[column.name]) for column in self._columns])


def _columns(y: Any) -> dict[str, NDArray]:
    """Return the columns of a frame, a series, an array or a mapping by name."""
    if isinstance(y, Mapping):
        return {str(name): column_or_1d(column) for name, column in y.items()}
    if hasattr(y, "columns"):
        names = [str(name) for name in y.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"Attributes need names of their own, got {names}.")
        return {str(name): np.asarray(y[name]) for name in y.columns}
    name = getattr(y, "name", None)
    values = np.asarray(y)
    if values.ndim == 1:
        return {"attribute 0" if name is None else str(name): values}
    if values.ndim != 2:
        raise ValueError(f"y has to have one or two dimensions, got {values.ndim}.")
    return {f"attribute {number}": column for number, column in enumerate(values.T)}


class _Column:
    """How one column of attributes becomes numbers: one column, or one for each category."""

    def __init__(self, name: str, column: NDArray):
        self.name = name
        self.categories: list[str] | None = None
        self.zero, self.unit = 0.0, 1.0
        values = checked_column(name, column)
        if values.dtype.kind == "U":
            self.categories = sorted(set(values.tolist()))
            n_values = len(self.categories)
        else:
            distinct = np.unique(values)
            n_values = len(distinct)
            if np.array_equal(distinct, (-1, 1)):  # having it and not having it
                self.zero, self.unit = -1.0, 2.0
        if n_values < 2:
            raise ValueError(
                f"The attribute {name!r} is the same for all rows, so nothing can be learned of "
                "it. Leave it out, or add rows that differ."
            )

    @property
    def names(self) -> list[str]:
        """The names of the columns of numbers."""
        if self.categories is None:
            return [self.name]
        return [f"{self.name}={category}" for category in self.categories]

    def numbers(self, column: NDArray) -> NDArray[np.float64]:  # (n_samples, n_names)
        """Return a column as numbers."""
        values = checked_column(self.name, column)
        if (values.dtype.kind == "U") != (self.categories is not None):
            kind = "numbers" if self.categories is None else "strings"
            raise ValueError(f"The attribute {self.name!r} was of {kind} in fit, and is not now.")
        if self.categories is None:
            return ((values - self.zero) / self.unit)[:, None]
        unknown = sorted(set(values.tolist()) - set(self.categories))
        if unknown:
            raise ValueError(
                f"The attribute {self.name!r} has the value {unknown[0]!r}, which fit did not see."
            )
        return (values[:, None] == np.array(self.categories)).astype(np.float64)


def checked_column(name: str, column: NDArray) -> NDArray:
    """Return a column as an array of finite numbers or of strings."""
    column = column_or_1d(column)
    if column.dtype.kind not in "biufOUST":
        raise ValueError(
            f"The attribute {name!r} has to be numbers or strings, got {column.dtype}."
        )
    values = column.tolist()
    n_missing = sum(map(is_missing, values))
    if n_missing:
        raise ValueError(
            f"The attribute {name!r} has {n_missing} missing values. Leave those rows out."
        )
    if not all(isinstance(value, Real) for value in values):
        return np.array([str(value) for value in values])
    numbers = np.array(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"The attribute {name!r} has infinite values. Leave those rows out.")
    return numbers
