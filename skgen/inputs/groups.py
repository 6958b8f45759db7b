"""What sentences, or other rows, belong to."""

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import column_or_1d

from skgen.engine import Column, TensorColumn
from skgen.inputs.attributes import checked_column
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
        groups = column_or_1d(np.asarray(X), warn=True)
        checked_column("groups", groups)
        numbers = np.unique(groups, return_inverse=True)[1]
        return {"group": TensorColumn(torch.from_numpy(numbers.astype(np.int64)))}
