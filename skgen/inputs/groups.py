"""What sentences, or other rows, belong to."""

from typing import Any

import numpy as np
import torch

from skgen.engine import Column, TensorColumn
from skgen.inputs.attributes import is_missing
from skgen.inputs.base import Input

__all__ = ["GroupInput"]


class GroupInput(Input):
    """The group of every row, such as a chapter or a document, as the column ``group``.

    None stands for a single group, and gives no column.
    """

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Return the column of the groups."""
        return self.columns(X, estimator)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Return the column of the groups."""
        if X is None:
            return {}
        groups = np.asarray(X)
        if groups.ndim == 2 and groups.shape[1] == 1:
            groups = groups[:, 0]
        if groups.ndim != 1:
            raise ValueError(
                "groups has to hold one value for every row, got an array of shape "
                f"{groups.shape}. Make one column of several, such as f'{{book}}/{{chapter}}'."
            )
        is_time = groups.dtype.kind in "mM"
        values = groups.tolist()
        missing = np.isnat(groups) if is_time else [is_missing(one) or one != one for one in values]
        if n_missing := int(np.sum(missing)):
            raise ValueError(
                f"groups has {n_missing} missing values, the first in row {np.argmax(missing)}. "
                "Leave those rows out, or give each a group of its own."
            )
        numbers: dict[Any, int] = {}  # of any kind, and of integers that floats cannot tell apart
        of_rows = [numbers.setdefault(value, len(numbers)) for value in values]
        return {"group": TensorColumn(torch.tensor(of_rows, dtype=torch.long))}
