"""Which rows are of the source, and which of the target: what y and `sample_domain` say."""

import inspect
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils.validation import check_consistent_length, column_or_1d

__all__ = [
    "checked_domains",
    "checked_labels",
    "labeled_accuracy",
    "labeled_rows",
    "of_domains",
    "plain_labels",
    "source_rows",
]


def checked_labels(y: Any) -> NDArray:
    """Return labels as an array, after a look for missing ones.

    Raises
    ------
    ValueError
        If a label is missing other than by -1.
    """
    labels: NDArray = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f":
        missing = ~np.isfinite(labels)
    elif labels.dtype == object:
        missing = np.array([_is_missing(label) for label in labels], dtype=bool)
    else:
        missing = np.zeros(len(labels), dtype=bool)
    if missing.any():
        raise ValueError(
            f"y is NaN, infinite or None in {missing.sum()} of {len(labels)} rows. Mark rows "
            "without a label by -1."
        )
    if labels.dtype.kind in "USO" and any(label in ("-1", b"-1") for label in labels.tolist()):
        raise ValueError(
            "y holds the string '-1', which is no mark of rows without a label. Make y an array "
            "of objects, np.array([...], dtype=object), with the number -1 in it."
        )
    return labels


def _is_missing(label: Any) -> bool:
    return label is None or is_pandas_na(label) or is_scalar_nan(label)


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
    classes. If these are not known, it is one if it stands beside a single other label.
    """
    marked: NDArray[np.bool_] = np.asarray(labels == -1, dtype=bool)
    known = [*set(labels[~marked].tolist())] if classes is None else classes.tolist()
    is_class = -1 in known or (classes is None and len(known) < 2)
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


def of_domains(estimator: Any, method: str, X: Any, sample_domain: NDArray) -> NDArray:
    """Return what a method of an estimator gives for rows, where each is one of its domain.

    Estimators that ask for domains are told; also those inside a pipeline.
    """
    if isinstance(estimator, Pipeline):
        *before, (_, last) = estimator.steps
        for _, step in before:
            if step not in (None, "passthrough"):
                X = of_domains(step, "transform", X, sample_domain)
        return of_domains(last, method, X, sample_domain)
    call = getattr(estimator, method)
    asks = "sample_domain" in inspect.signature(call).parameters
    values: NDArray = call(X, sample_domain=sample_domain) if asks else call(X)
    return values
