"""What an input is: the one door between what users have and what networks see."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skgen.engine import Column

__all__ = ["Input"]


class Input(ABC):
    """How a model takes X, or y: checks it, learns of it, makes columns, and knows the way back.

    A fitted input is a value: nothing changes it after `fit`. Another kind of input is a subclass
    with `fit` and `columns`; with `restore` if there is a way back.

    Attributes
    ----------
    dtype : numpy.dtype
        The precision of what was fitted, in which results come back that are made out of nothing.

    shape : tuple of int
        What a network sees of one row, in torch's order: ``(n_features,)`` or
        ``(channels, height, width)``.

    tensor_shape : tuple of int
        What a batch holds of a row: as many numbers as there are features, if it is not said.

    row_bytes : int
        How much memory a row takes as tensors, so that a batch of them can be kept small.

    batch_bytes : int
        How much of rows to infer from at once: enough to hide the cost of a call, little enough for
        the processor's cache. A GPU is given more.
    """

    dtype: np.dtype = np.dtype(np.float32)
    shape: tuple[int, ...] = ()
    tensor_shape: tuple[int, ...] = ()
    row_bytes: int = 4
    batch_bytes: int = 4 << 20

    @abstractmethod
    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check X, learn of it, and return its columns, by the names that batches have for them.

        Parameters
        ----------
        X : object
            What the user passed.

        estimator : estimator instance
            The model, whose name stands in errors, and which gets scikit-learn's
            ``n_features_in_`` and ``feature_names_in_``.

        Returns
        -------
        columns : dict of str to Column
            All of one length.
        """

    @abstractmethod
    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check more of X by what `fit` learned, and return its columns.

        Parameters
        ----------
        X : object
            What the user passed.

        estimator : estimator instance
            The model, whose name stands in errors.

        to_train : bool, default=False
            Whether to train on it, in which case all of it is checked at once.

        Returns
        -------
        columns : dict of str to Column
            All of one length.
        """

    def restore(self, values: Any) -> Any:
        """Return rows in the layout in which X was given to `fit`."""
        return values

    def widened(self, columns: dict[str, Column]) -> "Input":
        """Return an input that has also seen the rows of a later chunk, which were trained on."""
        return self
