"""What sequences come in: lists, arrays, frames whose cells are sequences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from skgen._sklearn import is_pandas_na

__all__ = ["is_table", "n_dims", "numbers_of", "opened"]

_without_na = np.frompyfunc(lambda value: np.nan if is_pandas_na(value) else value, 1, 1)


def opened(X: Any, channel_axis: int) -> Any:
    """Return sequences as a list, or as a 3-D array; and X itself if it is anything else.

    Where cells of a frame are sequences, each column is a channel; these come together on the axis
    on which two-dimensional sequences have them.
    """
    if isinstance(X, Mapping | Iterator) and not hasattr(X, "toarray"):  # a sparse matrix
        remedy = "list(X.values())" if isinstance(X, Mapping) else "list(X)"
        raise ValueError(
            f"X has to be a list, an array, a Series or a frame of sequences, got a "
            f"{type(X).__name__}. Pass {remedy}."
        )
    if np.ma.isMaskedArray(X):
        X = numbers_of(X)
    if hasattr(X, "columns"):
        return _of_cells(X, channel_axis)
    if isinstance(X, np.ndarray):
        if X.dtype == object and X.ndim == 2 and X.size and n_dims(X[0, 0]):
            return _side_by_side([list(column) for column in X.T], channel_axis)
        return list(X) if X.dtype == object and X.ndim == 1 else X
    if isinstance(X, str) or hasattr(X, "toarray") or not hasattr(X, "__len__"):
        return X
    return _listed(X)


def _of_cells(X: Any, channel_axis: int) -> Any:
    """Return the sequences that are in the cells of a frame; a frame of numbers as it is."""
    if not len(X):
        return X
    names, first = list(X.columns), X[:1]
    hold = [n_dims(_listed(first[name])[0]) > 0 for name in names]
    if not any(hold) and getattr(getattr(X, "index", None), "nlevels", 1) > 1:
        raise ValueError(
            "X has an index of several levels. If these are sequence and step, pass a list: "
            "[one.to_numpy() for _, one in X.groupby(level=0, sort=False)]. If every row is a "
            "sequence, pass X.reset_index(drop=True)."
        )
    if not any(hold):
        return X
    if not all(hold):
        raise ValueError(
            f"Column {names[hold.index(True)]!r} of X holds sequences, and "
            f"{names[hold.index(False)]!r} does not. Pass columns of sequences alone; a "
            "ColumnTransformer selects them."
        )
    return _side_by_side([_listed(X[name]) for name in names], channel_axis)


def _side_by_side(columns: Sequence[list[Any]], axis: int) -> list[Any]:
    """Return columns of sequences of one channel as one list, of as many channels."""
    if len(columns) == 1:
        return columns[0]
    joined = []
    for number, cells in enumerate(zip(*columns, strict=True)):
        n_steps = sorted(set(map(_n_steps, cells)))
        if len(n_steps) > 1:
            raise ValueError(
                f"Columns of X are channels, which have to be equally long in every row: row "
                f"{number} has {n_steps} steps. What is missing is NaN."
            )
        joined.append(np.stack([numbers_of(cell) for cell in cells], axis=axis))
    return joined


def numbers_of(given: Any) -> NDArray:
    """Return an array; what is masked, None or NA in it is NaN."""
    if isinstance(given, Tensor):
        given = given.detach().cpu()
    if np.ma.isMaskedArray(given):
        return np.ma.filled(given.astype(np.result_type(given.dtype, np.float32)), np.nan)
    array = np.asarray(given)
    if array.dtype.kind == "O":
        array = np.asarray(_without_na(array), dtype=np.float64)
    return array


def is_table(given: Any) -> bool:
    """Whether it is a table, or nothing that could be read as sequences."""
    if not isinstance(given, list):
        return not (isinstance(given, np.ndarray) and given.ndim == 3)
    if not given or isinstance(given[0], str):
        return False
    dims = n_dims(given[0])
    return dims == 0 or (dims == 1 and len(set(map(_n_steps, given))) == 1)


def n_dims(one: Any) -> int:
    """Return the number of dimensions, also of lists of unlike lengths."""
    while isinstance(one, list | tuple) and len(one):
        return 1 + n_dims(one[0])
    return 1 if isinstance(one, list | tuple) else int(np.ndim(one))


def _n_steps(one: Any) -> int:
    return len(one) if hasattr(one, "__len__") else 0


def _listed(X: Any) -> list[Any]:
    listed: list[Any] = X.to_list() if hasattr(X, "to_list") else list(X)
    return listed
