"""Targets that only some rows have: classes or numbers, as the column ``y``."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from skgen.engine import Column, TensorColumn
from skgen.inputs.attributes import is_missing
from skgen.inputs.base import Input
from skgen.inputs.domains import checked_labels, labeled_rows, plain_labels

__all__ = ["LabelInput", "Labels", "ValueInput", "known_values", "marked_labels"]


class Labels(NamedTuple):
    """Labels of rows, and all the classes that there are, if these may not be among them."""

    y: Any
    classes: Any = None


class LabelInput(Input):
    """Classes of some rows, as the column ``y``: numbers from 0 on, -1 for rows without.

    What it takes are labels, or `Labels`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, in order.

    counts : ndarray of int of shape (n_classes,)
        How many rows of each `fit` saw.
    """

    classes: NDArray
    counts: NDArray[np.integer[Any]]

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check y, learn the classes, and return the column."""
        y, classes = X if isinstance(X, Labels) else Labels(X)
        labels, known = marked_labels(_required(y, estimator), classes)
        if not known.any():
            raise ValueError(_none_known(labels, "-1, NaN or None"))
        values = plain_labels(labels[known])
        check_classification_targets(values)
        self.classes = np.unique(values if classes is None else np.asarray(classes))
        if len(self.classes) < 2:
            raise ValueError(
                f"There is one class only, {self.classes.tolist()[0]!r}, among {known.sum()} rows "
                "with a label, so there is nothing to tell it from. Label rows of another class. "
                "The label -1 stands for none, unless the labels are -1 and 1."
            )
        columns = self._column(labels, known)
        numbers = columns["y"].tensor.numpy()
        self.counts = np.bincount(numbers[numbers >= 0], minlength=len(self.classes))
        return columns

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Any]:
        """Check y by the classes that `fit` saw, and return the column."""
        y = X.y if isinstance(X, Labels) else X
        return self._column(*marked_labels(_required(y, estimator), self.classes))

    def _column(self, labels: NDArray, known: NDArray[np.bool_]) -> dict[str, Any]:
        values = plain_labels(labels[known])
        unknown = sorted(set(values.tolist()) - set(self.classes.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"y has the class {unknown[0]!r}, which fit did not see; it saw "
                f"{self.classes.tolist()}."
            )
        numbers = np.full(len(labels), -1)
        if len(values):
            numbers[known] = np.searchsorted(self.classes, values)
        return {"y": TensorColumn(torch.from_numpy(numbers))}


class ValueInput(Input):
    """Numbers of some rows, as the column ``y``, standardized; NaN for rows without.

    Attributes
    ----------
    mean, std : float
        Of the numbers that there are; a `std` of 1 if they are all the same.
    """

    mean: float
    std: float

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check y, measure it, and return the column."""
        values, known = known_values(_required(X, estimator))
        if not known.any():
            raise ValueError(_none_known(values, "NaN or None"))
        self.mean, std = float(values[known].mean()), float(values[known].std())
        self.std = std if std > 1e-12 * abs(self.mean) else 1.0
        return self._column(values)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check y, and return the column."""
        return self._column(known_values(_required(X, estimator))[0])

    def _column(self, values: NDArray[np.float64]) -> dict[str, Column]:
        standardized = ((values - self.mean) / self.std).astype(np.float32)
        return {"y": TensorColumn(torch.from_numpy(standardized))}


def marked_labels(y: Any, classes: Any = None) -> tuple[NDArray, NDArray[np.bool_]]:
    """Return labels as an array, and which rows have one.

    -1 stands for none, and so do None, NaN and pandas' NA. Where the labels are -1 and 1, and no
    others, both are classes.

    Raises
    ------
    ValueError
        If a label is infinite, an empty string, or the string '-1'.
    """
    labels: NDArray = column_or_1d(_as_objects(y), warn=True)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, allow_nan=True, input_name="y")
        missing = np.isnan(labels)
    elif labels.dtype == object:
        missing = np.array([is_missing(label) for label in labels], dtype=bool)
    else:
        missing = np.zeros(len(labels), dtype=bool)
    known = ~missing
    if known.any():
        among = None if classes is None else np.asarray(classes)
        known[known] = labeled_rows(checked_labels(labels[known]), among)
    return labels, known


def known_values(y: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return numbers, and which rows have one: those that are not NaN, None or pandas' NA."""
    given = column_or_1d(_as_objects(y), warn=True)
    if given.dtype == object:
        given = np.array([np.nan if is_missing(one) else one for one in given])
    values: NDArray[np.float64] = check_array(
        given, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y"
    )
    return values, ~np.isnan(values)


def _as_objects(y: Any) -> Any:
    """Return a series whose missing values are pandas' own as an array of objects."""
    kind = getattr(getattr(y, "dtype", None), "kind", "O")
    is_series = hasattr(y, "to_numpy") and not isinstance(getattr(y, "dtype", None), np.dtype)
    return y.to_numpy(dtype=object) if is_series and hasattr(y, "array") and kind != "M" else y


def _required(y: Any, estimator: Any) -> Any:
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None. Mark "
            "rows without a label in it."
        )
    return y


def _none_known(y: NDArray, mark: str) -> str:
    return (
        f"None of {len(y)} rows has a label: y is {mark} for all. Label some, or fit the encoder "
        "alone."
    )
