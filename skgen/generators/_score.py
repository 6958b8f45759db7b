"""How good samples are, without labels and without another model: what `score` returns."""

import numpy as np
from numpy.typing import NDArray

from skgen.metrics import density_coverage

__all__ = ["sample_score"]


def sample_score(real: NDArray, fake: NDArray, condition: NDArray | None) -> float:
    """Return the coverage of rows by samples, and of samples by rows, on average.

    The first is low where kinds of rows are missing or samples are off; the second where samples
    are off, or crowd in the middle of where rows are.

    Parameters
    ----------
    real, fake : ndarray of shape (n_samples, n_features)
        Rows, and as many samples, in network units.

    condition : ndarray of shape (n_samples, n_conditions) or None
        What both were conditioned on, row by row. It counts as much as the rows themselves.

    Returns
    -------
    score : float
        From 0 to 1.
    """
    if condition is not None and (varied := condition.std(axis=0) > 1e-6).any():
        centered = condition[:, varied] - condition[:, varied].mean(axis=0)
        spread = np.sqrt(real.var(axis=0).sum() / centered.var(axis=0).sum())
        real, fake = (np.hstack([rows, spread * centered]) for rows in (real, fake))
    of_rows, of_samples = (density_coverage(a, b).coverage for a, b in ((real, fake), (fake, real)))
    return (of_rows + of_samples) / 2
