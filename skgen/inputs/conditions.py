"""What rows should be as input: classes, numbers, or a table of attributes."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from skgen.engine import Column, TensorColumn
from skgen.inputs.attributes import Attributes, checked_column
from skgen.inputs.base import Input
from skgen.inputs.domains import plain_labels

__all__ = ["ConditionInput"]

# Conditions that are kept to draw from, at most.
_N_KEPT = 10_000


class ConditionInput(Input):
    """What y says of rows, as the column ``condition`` of numbers.

    Strings, booleans and integers are classes, a 0 or 1 for each; other numbers are measured, and
    standardized. A table has attributes: those of strings are categories, the others numbers.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        The classes, if y held such.

    names : list of str
        What the numbers of a condition are.

    seen : ndarray of shape (n_kept, n_numbers)
        Conditions of rows that were trained on, 10,000 of them at most.
    """

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check y, learn of it, and return its column."""
        y, name = X, type(estimator).__name__
        if y is None:
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None. GAN does without."
            )
        self.classes: NDArray | None = None
        labels = None if _is_table(y) else _labels(y)
        if labels is not None and labels.dtype.kind != "f":
            self.classes = np.unique(labels)
            if len(self.classes) < 2:
                raise ValueError(
                    f"y has one class only, {self.classes[0]}, so there is nothing to choose "
                    "from. Use GAN, or add rows of another class."
                )
            self.names = [str(one) for one in self.classes]
        else:
            table = y if labels is None else {str(getattr(y, "name", None) or "y"): labels}
            self.attributes = Attributes(table)
            self.names = self.attributes.names
            values = self.attributes.numbers(table)
            measured = ~np.isin(values, (0, 1)).all(axis=0)
            self.mean = np.where(measured, values.mean(axis=0), 0)
            self.std = np.where(measured, values.std(axis=0), 1)
        self.shape = (len(self.names),)
        numbers = self.numbers(y)
        self.n_seen = 0
        self._keep(numbers[:0], numbers)
        return {"condition": TensorColumn(torch.from_numpy(numbers))}

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check that y is like that of `fit`, and return its column."""
        return {"condition": TensorColumn(torch.from_numpy(self.numbers(X)))}

    def numbers(self, y: Any, n_rows: int | None = None) -> NDArray[np.float32]:
        """Return y as numbers: 0 and 1 for categories, standardized ones for others.

        A single class, number, or set of attributes is that of all of `n_rows`.
        """
        if y is None:
            raise ValueError("y has to say what the rows should be, got None.")
        numbers = self._attributes(y) if self.classes is None else self._classes(y)
        if n_rows is None or len(numbers) == n_rows:
            return numbers
        if len(numbers) > 1:
            raise ValueError(
                f"y says what {len(numbers)} rows should be, but there are {n_rows}. Give one "
                "entry for each, or a single one for all."
            )
        return np.repeat(numbers, n_rows, axis=0)

    def _classes(self, y: Any) -> NDArray[np.float32]:
        if _is_table(y):
            raise ValueError(f"y has to be classes, as in fit, got a {type(y).__name__}.")
        labels = _labels(y)
        one_hot = labels[:, None] == self.classes
        unknown = ~np.asarray(one_hot, dtype=bool).any(axis=-1)
        if unknown.any():
            first, seen = labels[unknown].tolist()[0], np.asarray(self.classes)[:12].tolist()
            more = ", ..." if len(self.names) > 12 else ""
            raise ValueError(
                f"y has the class {first!r}, which fit did not see. It saw "
                f"{', '.join(map(repr, seen))}{more}."
            )
        return one_hot.astype(np.float32)

    def _attributes(self, y: Any) -> NDArray[np.float32]:
        names = self.attributes.columns
        index: Any = getattr(y, "index", None)
        if not (_is_table(y) or index is None or callable(index)):
            by_name = {str(name): name for name in index}
            if set(by_name) == set(names):  # a row of a frame
                y = {name: y[key] for name, key in by_name.items()}
        if not _is_table(y) and len(names) == 1:
            y = {names[0]: y}
        if isinstance(y, Mapping):
            y = {str(name): np.atleast_1d(np.asarray(value)) for name, value in y.items()}
            longest = max(map(len, y.values()), default=0)
            y = {n: np.repeat(v, longest) if len(v) == 1 else v for n, v in y.items()}
        elif isinstance(y, list | tuple):
            y = np.asarray(y)
        numbers = (self.attributes.numbers(y) - self.mean) / self.std
        return numbers.astype(np.float32)

    def widened(self, columns: dict[str, Column]) -> "ConditionInput":
        """Return an input that also keeps conditions of a later chunk to draw from."""
        wider = copy.copy(self)
        condition: Any = columns["condition"]
        wider._keep(self.seen, condition.tensor.cpu().numpy())
        return wider

    def _keep(self, seen: NDArray, new: NDArray) -> None:
        """Keep some conditions to draw from, of all chunks in proportion to their lengths."""
        self.n_seen += len(new)
        n_kept = min(_N_KEPT, len(seen) + len(new))
        n_new = max(n_kept - len(seen), round(n_kept * len(new) / self.n_seen))
        random = np.random.default_rng(self.n_seen)
        self.seen: NDArray = np.concatenate(
            [
                seen[random.permutation(len(seen))[: n_kept - n_new]],
                new[random.permutation(len(new))[:n_new]],
            ]
        )


def _labels(y: Any) -> NDArray:
    """Return one label a row, as an array of one kind."""
    labels: NDArray = column_or_1d(np.atleast_1d(np.asarray(y)), warn=True)
    if not len(labels):
        raise ValueError("y is empty: it takes the class of every row of X.")
    checked_column("y", labels)
    return plain_labels(labels)


def _is_table(y: Any) -> bool:
    """Whether y holds attributes by name, or several columns."""
    if isinstance(y, Mapping) or hasattr(y, "columns"):
        return True
    shape = np.shape(y) if isinstance(y, list | tuple) else getattr(y, "shape", (0, 1))
    return shape[1:] > (1,)
