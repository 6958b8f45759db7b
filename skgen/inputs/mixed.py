"""Rows of categories, numbers and angles as input: frames, dictionaries of columns, arrays."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from skgen.engine import Column, TensorColumn
from skgen.exceptions import warn
from skgen.inputs.attributes import checked_column, is_missing
from skgen.inputs.base import Input

__all__ = ["Angle", "Attribute", "Category", "MixedInput", "Number", "single_row"]

# Rows that are kept to look among, at most; categories that an error lists.
_N_KEPT = 5000
_N_LISTED = 12


class Attribute(ABC):
    """One column of X: the way from its values to numbers for networks, and back."""

    name: str

    @abstractmethod
    def numbers(self, values: NDArray) -> NDArray[np.float64]:  # (n_samples,) -> (n_samples,)
        """Return what networks get."""

    @abstractmethod
    def values(self, numbers: NDArray) -> NDArray:  # (n_samples,) -> (n_samples,)
        """Return what `numbers` was made of."""


@final
@dataclass(frozen=True)
class Category(Attribute):
    """Strings, or others of which there are only some: their places among those known."""

    name: str
    known: tuple[Hashable, ...]

    def numbers(self, values: NDArray) -> NDArray[np.float64]:
        """Return the places, or raise an error that lists the categories there are."""
        places = {value: float(place) for place, value in enumerate(self.known)}
        unknown = self.unknown(values)
        if unknown:
            listed = ", ".join(map(repr, self.known[:_N_LISTED]))
            more = f", ... ({len(self.known)} in all)" if len(self.known) > _N_LISTED else ""
            raise ValueError(
                f"The attribute {self.name!r} has the value {unknown[0]!r}, which fit did not see. "
                f"It saw {listed}{more}. partial_fit learns new ones from rows that have them."
            )
        return np.array([places[value] for value in values.tolist()])

    def unknown(self, values: NDArray) -> list[Hashable]:
        """Return the values that are new, in order."""
        return sorted(set(values.tolist()) - set(self.known), key=_in_order)

    def values(self, numbers: NDArray) -> NDArray:
        """Return the categories at these places."""
        known = np.array([*self.known, None], dtype=object)[:-1]  # also where they are tuples
        return _of_one_kind(known[np.asarray(numbers).astype(int)])


@final
@dataclass(frozen=True)
class Number(Attribute):
    """Numbers, standardized."""

    name: str
    mean: float
    std: float
    is_boolean: bool = False

    def numbers(self, values: NDArray) -> NDArray[np.float64]:
        """Return them standardized."""
        standardized: NDArray[np.float64] = (values - self.mean) / self.std
        return standardized

    def values(self, numbers: NDArray) -> NDArray:
        """Return them in their own units."""
        there = np.asarray(numbers, dtype=np.float64) * self.std + self.mean
        return there > 0.5 if self.is_boolean else there


@final
@dataclass(frozen=True)
class Angle(Attribute):
    """Numbers that come round after a period, in radians."""

    name: str
    period: float
    is_signed: bool = False

    def numbers(self, values: NDArray) -> NDArray[np.float64]:
        """Return them in radians, from 0 on."""
        radians: NDArray[np.float64] = (values % self.period) * (2 * np.pi / self.period)
        return radians

    def values(self, numbers: NDArray) -> NDArray:
        """Return them from 0 on, and below the period; if signed, from minus half of it on."""
        before = 0.5 if self.is_signed else 0
        turns = (np.asarray(numbers, dtype=np.float64) / (2 * np.pi) + before) % 1
        return (np.where(turns < 1, turns, 0) - before) * self.period


class MixedInput(Input):
    """Rows of attributes, as the column ``x`` with one number for each.

    Strings, and what a frame calls categorical, are categories. Numbers with a period are angles.
    Other numbers, and booleans, are numbers.

    Parameters
    ----------
    periods : mapping
        Of columns that are angles, by name, or by place in an array: after how much they come
        round.

    signed : sequence
        Those of them that go from minus half a turn to half a turn.

    Attributes
    ----------
    attributes : list of Attribute
        What was learned of every column, in order.

    seen : ndarray of shape (n_kept, n_attributes)
        Numbers of unlike rows that were trained on, 5,000 of them at most.

    least, largest : ndarray of shape (n_attributes,)
        The range of these numbers.
    """

    def __init__(
        self, periods: Mapping[Hashable, float] | None = None, signed: Sequence[Hashable] = ()
    ):
        self.periods = dict(periods or {})
        self.signed = {str(name) for name in signed}

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check X, learn of it, and return its column."""
        columns, categorical = self._columns(X, estimator, reset=True)
        self._check_periods(columns)
        periods = {str(name): float(period) for name, period in self.periods.items()}
        self.attributes = [
            _attribute(name, column, name in categorical, periods.get(name), name in self.signed)
            for name, column in columns.items()
        ]
        self.row_bytes = 4 * len(self.attributes)
        numbers = self._numbers(columns)
        self.dtype = _precision(X)
        self._warn_of_constants(numbers)
        self.seen: NDArray[np.float64] = numbers[:0]
        self._keep(numbers)
        return self._column(numbers)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check that X is like that of `fit`, and return its column."""
        numbers = self._numbers(self._columns(X, estimator, reset=False)[0])
        if not to_train:
            self._warn_of_far_ones(numbers)
        return self._column(numbers)

    def _column(self, numbers: NDArray[np.float64]) -> dict[str, Column]:
        return {"x": TensorColumn(torch.from_numpy(numbers.astype(np.float32)), self.dtype)}

    @property
    def kinds(self) -> list[int]:
        """Of every attribute: its number of categories, 0 for numbers, -1 for angles."""
        return [
            len(one.known) if isinstance(one, Category) else -1 if isinstance(one, Angle) else 0
            for one in self.attributes
        ]

    def place(self, name: Hashable) -> int:
        """Return the number of the attribute of that name."""
        return [one.name for one in self.attributes].index(str(name))

    def within(self, number: int, values: NDArray) -> NDArray:
        """Return what networks get of an attribute, brought into the range of what was seen.

        An angle that goes all the way round has no range.
        """
        kept, seen = self.attributes[number], self.seen[:, number]
        if isinstance(kept, Angle) and kept.is_signed:
            seen, values = _signed(seen), _signed(values)
        elif isinstance(kept, Angle):
            return values
        return np.clip(values, seen.min(), seen.max())

    def frame(self, numbers: NDArray) -> Any:
        """Return numbers as what they stand for, in a container like that of X in `fit`."""
        values = {
            one.name: one.values(column)
            for one, column in zip(self.attributes, numbers.T, strict=True)
        }
        if self.container is dict:
            return values
        if self.container is not None:
            return self.container(values)
        kinds = {column.dtype.kind for column in values.values()}
        dtype = self.dtype if kinds <= set("fb") else object
        return np.stack([column.astype(dtype) for column in values.values()], axis=1)

    def with_new(self, X: Any, estimator: Any) -> "MixedInput":
        """Return an input that knows the categories of X, too, which may be this one."""
        columns, _ = self._columns(X, estimator, reset=False)
        more = [
            Category(one.name, (*one.known, *one.unknown(_values(one, columns[one.name]))))
            if isinstance(one, Category)
            else one
            for one in self.attributes
        ]
        if more == self.attributes:
            return self
        wider = copy.copy(self)
        wider.attributes = more
        return wider

    def widened(self, columns: dict[str, Column]) -> "MixedInput":
        """Return an input that also keeps rows of a later chunk to look among."""
        wider = copy.copy(self)
        x: Any = columns["x"]
        wider._keep(x.tensor.cpu().numpy().astype(np.float64))
        return wider

    def _keep(self, new: NDArray[np.float64]) -> None:
        seen = np.unique(np.concatenate([self.seen, new.astype(np.float32)]), axis=0)
        if len(seen) > _N_KEPT:
            some = np.random.default_rng(len(seen)).permutation(len(seen))[:_N_KEPT]
            seen = seen[np.sort(some)]
        self.seen = seen
        self.least, self.largest = seen.min(axis=0), seen.max(axis=0)

    # Columns out of containers

    def _columns(
        self, X: Any, estimator: Any, *, reset: bool
    ) -> tuple[dict[str, NDArray], set[str]]:
        """Return the columns of X by name, and the names of those that it calls categorical."""
        if isinstance(X, Mapping) and not issparse(X):  # some sparse arrays are mappings, too
            columns = _of_mapping(X, estimator, reset=reset)
            if reset:
                self.container: Any = dict
            return columns, {str(name) for name, one in X.items() if _is_categorical(one)}
        table = _as_objects(X)
        rows = validate_data(
            estimator,
            table,
            reset=reset,
            dtype=None,
            ensure_all_finite=False,
            ensure_min_samples=2 if reset else 1,
        )
        if rows.dtype.kind == "f":
            assert_all_finite(rows, input_name="X", estimator_name=type(estimator).__name__)
        is_frame = hasattr(X, "columns")
        if reset:
            self.container = type(X) if is_frame else None
        if not is_frame:
            names = range(rows.shape[1]) if reset else [one.name for one in self.attributes]
            return {str(name): column for name, column in zip(names, rows.T, strict=True)}, set()
        categorical = {str(name) for name in X.columns if _is_categorical(X[name])}
        return {str(name): np.asarray(X[name]) for name in X.columns}, categorical

    def _numbers(self, columns: Mapping[str, NDArray]) -> NDArray[np.float64]:
        return np.stack(
            [one.numbers(_values(one, columns[one.name])) for one in self.attributes], axis=1
        )

    def _check_periods(self, columns: Mapping[str, NDArray]) -> None:
        for name, period in self.periods.items():
            if str(name) not in columns:
                raise ValueError(
                    f"{name!r}, an angle by periods or camera, is no column of X. X has "
                    f"{', '.join(columns)}."
                )
            real = isinstance(period, Real) and not isinstance(period, bool)
            if not (real and 0 < period < np.inf):
                raise ValueError(
                    f"The period of {name!r} has to be a number above 0, 360 for degrees, got "
                    f"{period!r}."
                )

    def _warn_of_far_ones(self, numbers: NDArray) -> None:
        """Say so where numbers are further from those of `fit` than these are from each other."""
        for one, column, low, high in zip(
            self.attributes, numbers.T, self.least, self.largest, strict=True
        ):
            if isinstance(one, Number) and not one.is_boolean:
                away = np.maximum(low - column, column - high)
                if away.max() > high - low:
                    ends = one.values(np.array([low, high, column[away.argmax()]]))
                    warn(
                        f"The attribute {one.name!r} has the value {ends[2]:g}, and fit saw "
                        f"{ends[0]:g} to {ends[1]:g}: nothing is known of images so far away.",
                        UserWarning,
                    )

    def _warn_of_constants(self, numbers: NDArray) -> None:
        same = (numbers == numbers[0]).all(axis=0)
        constant = [
            one.name
            for one, is_same in zip(self.attributes, same, strict=True)
            if is_same and one.name not in self.signed  # from one height all heights are drawn
        ]
        if constant and len(constant) < len(self.attributes):
            warn(
                f"The same in all rows: {', '.join(map(repr, constant))}. Nothing can be learned "
                "of what that does. Leave it out, or add rows that differ.",
                UserWarning,
            )


def _signed(radians: NDArray) -> NDArray:
    return (radians + np.pi) % (2 * np.pi) - np.pi


def _attribute(
    name: str, column: NDArray, categorical: bool, period: float | None, is_signed: bool = False
) -> Attribute:
    """Return what a column is, and what is to be learned of it."""
    values = _categories(name, column) if categorical else checked_column(name, column)
    if period is not None:
        if values.dtype.kind != "f":
            raise ValueError(f"The attribute {name!r} has a period, but its values are no numbers.")
        return Angle(name, period, is_signed)
    if values.dtype.kind != "f":
        return Category(name, tuple(sorted(set(values.tolist()), key=_in_order)))
    mean = float(values.mean())
    centered = values - mean
    largest = float(np.abs(centered).max()) or 1.0  # so that no square leaves what floats reach
    std = largest * float(np.sqrt(np.square(centered / largest).mean()))
    rounding = 4 * float(np.finfo(np.float64).eps) * abs(mean)
    is_boolean = column.dtype.kind == "b" or all(isinstance(one, bool) for one in column.tolist())
    return Number(name, mean, std if std > rounding else 1.0, is_boolean)


def _values(attribute: Attribute, column: NDArray) -> NDArray:
    """Return a column as its attribute has it: checked numbers, or categories."""
    name = attribute.name
    if not isinstance(attribute, Category):
        values = checked_column(name, column)
        if values.dtype.kind != "f":
            raise ValueError(f"The attribute {name!r} was of numbers in fit, and is not now.")
        return values
    if all(isinstance(one, str) for one in attribute.known):
        values = checked_column(name, column)
        if values.dtype.kind == "f":
            raise ValueError(f"The attribute {name!r} was of strings in fit, and is not now.")
        return values
    return _categories(name, column)


def _categories(name: str, column: NDArray) -> NDArray:
    """Return a column of categories of any kind."""
    values = column_or_1d(column)
    n_missing = sum(map(is_missing, values.tolist()))
    if n_missing:
        raise ValueError(
            f"The attribute {name!r} has {n_missing} missing values. Leave those rows out."
        )
    found: NDArray = np.empty(len(values), dtype=object)
    found[:] = values.tolist()
    return found


def _of_mapping(X: Mapping[Any, Any], estimator: Any, *, reset: bool) -> dict[str, NDArray]:
    """Return the columns of a dictionary, in the order of `fit`."""
    columns = {str(name): column_or_1d(np.atleast_1d(_array(one))) for name, one in X.items()}
    if not columns:
        raise ValueError("X has no attributes: it takes one column at least.")
    single = {str(name) for name, one in X.items() if np.ndim(_array(one)) == 0}
    longest = max(map(len, columns.values()))
    columns = {
        name: np.repeat(one, longest) if name in single else one for name, one in columns.items()
    }
    check_consistent_length(*columns.values())
    least = 2 if reset else 1
    n_rows = len(next(iter(columns.values())))
    if n_rows < least:
        raise ValueError(
            f"Found array with {n_rows} sample(s) while a minimum of {least} is required by "
            f"{type(estimator).__name__}."
        )
    if reset:
        estimator.n_features_in_ = len(columns)
        estimator.feature_names_in_ = np.array(list(columns), dtype=object)
        return columns
    names = [str(name) for name in getattr(estimator, "feature_names_in_", range(len(columns)))]
    if set(names) != columns.keys() or len(names) != estimator.n_features_in_:
        raise ValueError(f"X has the attributes {list(columns)}, but fit saw {names}.")
    return {name: columns[name] for name in names}


def single_row(X: Any) -> tuple[Any, bool]:
    """Return a single row as rows, and whether it was one: of a frame, a dictionary, an array."""
    if isinstance(X, Mapping):
        return X, all(np.ndim(one) == 0 for one in X.values())
    if hasattr(X, "columns"):
        return X, False
    if hasattr(X, "index") and not callable(X.index):  # a row of a frame
        return {str(name): X[name] for name in X.index}, True
    return ([X], True) if np.ndim(X) == 1 else (X, False)


def _array(column: Any) -> NDArray:
    """Return values as an array, in which no number has become a string."""
    if isinstance(column, list | tuple) and any(isinstance(one, str) for one in column):
        return np.array(column, dtype=object)
    return np.asarray(column)


def _as_objects(X: Any) -> Any:
    """Return nested lists that hold strings as objects, since numpy would make all strings."""
    if not isinstance(X, list | tuple) or not len(X) or np.ndim(X[0]) != 1:
        return X
    texts = any(isinstance(value, str) for row in X for value in row)
    return np.array(X, dtype=object) if texts else X


def _is_categorical(column: Any) -> bool:
    return str(getattr(column, "dtype", "")).lower().startswith(("category", "categorical", "enum"))


def _precision(X: Any) -> np.dtype:
    """Return single precision for X that is in it, and else double."""
    return np.dtype(np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64)


def _in_order(value: Hashable) -> tuple[bool, Any]:
    """Order numbers as numbers, before others as strings."""
    number = isinstance(value, Real)
    return (not number, value if number else str(value))


def _of_one_kind(values: NDArray) -> NDArray:
    """Return objects as strings or numbers where all are such."""
    listed: Sequence[Any] = values.tolist()
    if _all(listed, str):
        return np.array(listed, dtype=str)
    return np.array(listed) if _all(listed, Real) else values


def _all(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)
