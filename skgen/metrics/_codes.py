"""Scores of codes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

__all__ = ["hoyer_sparsity"]


def hoyer_sparsity(codes: ArrayLike) -> NDArray:
    r"""Say how sparse each code is, whatever its scale.

    .. math:: \frac{\sqrt{k} - \|c\|_1 / \|c\|_2}{\sqrt{k} - 1}

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_components)
        Codes of at least two units, such as `transform` returns.

    Returns
    -------
    sparsity : ndarray of shape (n_samples,)
        0 where all units are equally active, 1 where one alone is, or none.

    References
    ----------
    .. [1] P. Hoyer, "Non-negative matrix factorization with sparseness constraints", JMLR 5, 2004,
       section 3.1.

    Examples
    --------
    >>> from skgen.metrics import hoyer_sparsity
    >>> hoyer_sparsity([[1, 1, 1, 1], [0, -2, 0, 0]])
    array([0., 1.])
    """
    checked = check_array(codes, dtype=[np.float64, np.float32], ensure_min_features=2)
    active: NDArray = np.abs(checked)
    largest = active.max(axis=1, keepdims=True)
    relative = active / np.where(largest == 0, 1, largest)  # whose squares don't underflow
    norm = np.sqrt(np.square(relative).sum(axis=1))
    ratio = np.where(norm == 0, 1, relative.sum(axis=1) / np.where(norm == 0, 1, norm))
    root = np.sqrt(active.shape[1])
    sparsity: NDArray = (root - ratio) / (root - 1)
    return sparsity
