"""Labels and domains as input: which rows are of the source, which of the target, and what of."""

from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skgen.engine import Column, TensorColumn
from skgen.inputs.attributes import is_missing
from skgen.inputs.base import Input

__all__ = [
    "DomainInput",
    "checked_domains",
    "checked_labels",
    "labeled_accuracy",
    "labeled_rows",
    "plain_labels",
    "source_rows",
]


class DomainInput(Input):
    """Labels and domains, as the column ``y``: numbers of classes, -1 for rows of the target.

    What it takes are pairs ``(y, sample_domain)``, of which the second may be None.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels of the source.

    shares : ndarray of shape (n_classes,)
        The shares of the classes in the source.

    counts : dict
        How many rows of ``"source"`` and of ``"target"`` there were in `fit`.
    """

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check labels and domains, learn the classes, and return the column."""
        name = type(estimator).__name__
        labels, source = self._checked(X, name)
        known = plain_labels(labels[source])
        check_classification_targets(known)
        self.classes: NDArray = LabelEncoder().fit(known).classes_
        self.shares: NDArray = np.bincount(np.searchsorted(self.classes, known)) / len(known)
        if len(self.classes) < 2:
            raise ValueError(
                f"The source has one class only, {self.classes.tolist()[0]!r}, so there is "
                "nothing to tell it from. Add rows of another class. Rows of y=-1 are the target's "
                "unless the labels are -1 and 1, or sample_domain says otherwise."
            )
        self.counts = {"source": int(source.sum()), "target": int((~source).sum())}
        return self._column(labels, source)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check labels and domains by what `fit` saw, and return their column."""
        labels, source = self._checked(X, type(estimator).__name__, self.classes)
        if not to_train:
            return self._column(labels, source)
        classes = LabelEncoder().fit(plain_labels(labels[source])).classes_
        if not np.array_equal(classes, self.classes):
            raise ValueError(
                f"The classes were {self.classes.tolist()} when the networks were built, and are "
                f"{classes.tolist()} now. Fit anew with warm_start=False."
            )
        if bool(source.all()) != (self.counts["target"] == 0):
            raise ValueError(
                f"When the networks were built there were {self.counts['target']} rows of the "
                f"target, and now there are {'none' if source.all() else 'some'}. Fit anew with "
                "warm_start=False."
            )
        return self._column(labels, source)

    def _checked(
        self, X: Any, name: str, classes: NDArray | None = None
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        y, sample_domain = X
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        labels = checked_labels(y)
        source = source_rows(labels, sample_domain, classes)
        if not source.any():
            raise ValueError(
                f"There are {len(labels)} rows of the target and none of the source, whose labels "
                "there is to learn from."
            )
        return labels, source

    def _column(self, labels: NDArray, source: NDArray[np.bool_]) -> dict[str, Column]:
        known = plain_labels(labels[source])
        unknown = sorted(set(known.tolist()) - set(self.classes.tolist()))
        if unknown:
            raise ValueError(f"y has the class {unknown[0]!r}, which fit did not see.")
        numbers = np.full(len(labels), -1)
        numbers[source] = np.searchsorted(self.classes, known)
        return {"y": TensorColumn(torch.from_numpy(numbers))}


def checked_labels(y: Any) -> NDArray:
    """Return labels as an array, after a look for missing ones.

    Raises
    ------
    ValueError
        If a label is missing other than by -1, or empty.
    """
    labels: NDArray = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f":
        missing = ~np.isfinite(labels)
    elif labels.dtype == object:
        missing = np.array([is_missing(label) for label in labels], dtype=bool)
    else:
        missing = np.zeros(len(labels), dtype=bool)
    if missing.any():
        raise ValueError(
            f"y is NaN, infinite or None in {missing.sum()} of {len(labels)} rows. Mark rows "
            "without a label by -1."
        )
    empty = (
        sum(label in ("", b"") for label in labels.tolist()) if labels.dtype.kind in "USO" else 0
    )
    if empty:
        raise ValueError(
            f"y is an empty string in {empty} of {len(labels)} rows, which is no class. Mark rows "
            "without a label by the number -1, in an array of objects: np.array([...], "
            "dtype=object)."
        )
    if labels.dtype.kind in "USO" and any(label in ("-1", b"-1") for label in labels.tolist()):
        raise ValueError(
            "y holds the string '-1', which is no mark of rows without a label. Make y an array "
            "of objects, np.array([...], dtype=object), with the number -1 in it."
        )
    return labels


def plain_labels(labels: NDArray) -> NDArray:
    """Return labels of one kind, after those marked as none are gone, in an array of that kind.

    Raises
    ------
    ValueError
        If some are strings and others are not.
    """
    if labels.dtype != object:
        return labels
    values = labels.tolist()
    if len({isinstance(value, str) for value in values}) > 1:
        of_each = {isinstance(value, str): value for value in values}
        raise ValueError(
            f"y holds strings and other labels: {of_each[True]!r} and {of_each[False]!r}, for "
            "example. Make them all of one kind."
        )
    return np.asarray(values)


def labeled_rows(labels: NDArray, classes: NDArray | None = None) -> NDArray[np.bool_]:
    """Return which rows have a label.

    -1 stands for none, as in scikit-learn's semi-supervised estimators, unless it is one of the
    classes. If these are not known, it is one where the labels are -1 and 1 (scikit-learn's own
    code of two classes).
    """
    marked: NDArray[np.bool_] = np.asarray(labels == -1, dtype=bool)
    known = [*set(labels[~marked].tolist())] if classes is None else classes.tolist()
    is_class = -1 in known or (classes is None and known == [1])
    return np.ones(len(labels), dtype=bool) if is_class else ~marked


def checked_domains(sample_domain: ArrayLike, n_rows: int) -> NDArray[np.bool_]:
    """Return which rows are of the source, by what the user says of each.

    Raises
    ------
    ValueError
        If a domain is 0 or no number, or if they are not one for every row.
    """
    domains: NDArray = column_or_1d(sample_domain, warn=True)
    if domains.dtype == object and all(isinstance(domain, Real) for domain in domains):
        domains = domains.astype(float)
    if len(domains) != n_rows:
        raise ValueError(
            f"sample_domain has {len(domains)} entries for {n_rows} rows: inconsistent numbers of "
            "samples."
        )
    if domains.dtype.kind not in "iuf" or not np.all(np.abs(domains) > 0):
        raise ValueError(
            "sample_domain has to be a positive number for rows of the source and a negative one "
            f"for those of the target, got {list(dict.fromkeys(domains.tolist()))[:5]}."
        )
    source: NDArray[np.bool_] = domains > 0
    return source


def source_rows(
    labels: NDArray, sample_domain: ArrayLike | None = None, classes: NDArray | None = None
) -> NDArray[np.bool_]:
    """Return which rows are of the source.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        As `checked_labels` returns them. Rows with a label are of the source, unless
        `sample_domain` says otherwise.

    sample_domain : array-like of shape (n_samples,), default=None
        Positive for rows of the source, or of one of several; negative for those of the target.

    classes : ndarray of shape (n_classes,), default=None
        The classes, if they are known.

    Returns
    -------
    source : ndarray of bool of shape (n_samples,)
        True for rows of the source.

    Raises
    ------
    ValueError
        As `checked_domains`; or if a row of the source has no label.
    """
    if sample_domain is None:
        return labeled_rows(labels, classes)
    source = checked_domains(sample_domain, len(labels))
    without = (~labeled_rows(labels[source], classes)).sum() if source.any() else 0
    if without:
        raise ValueError(
            f"sample_domain says source of {without} rows whose label in y is -1, which stands for "
            "none. Rows of the source need a label: leave these out, or say target of them."
        )
    return source


def labeled_accuracy(
    y: Any, predicted: NDArray, classes: NDArray, sample_weight: ArrayLike | None = None
) -> float:
    """Return the accuracy on rows that have a label.

    Raises
    ------
    ValueError
        If none has.
    """
    labels = checked_labels(y)
    check_consistent_length(labels, predicted, sample_weight)
    labeled = labeled_rows(labels, classes)
    if not labeled.any():
        raise ValueError(
            f"None of {len(labels)} rows has a label to score against: y is -1 for all. "
            "skgen.metrics.LabelFreeScorer does without."
        )
    right = np.asarray(labels[labeled] == predicted[labeled], dtype=float)
    weight = None if sample_weight is None else np.asarray(sample_weight)[labeled]
    return float(np.average(right, weights=weight))
