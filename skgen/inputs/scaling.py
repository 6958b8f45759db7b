"""What `fit` learned about the units of its input, and the way there and back."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import gen_batches
from torch import Tensor

__all__ = ["Scaling", "inference_dtype", "tensor_of"]

_CHUNK_BYTES = 32 << 20


def inference_dtype(X: NDArray) -> np.dtype:
    """Return the precision that keeps all of X: single for itself and for small integers."""
    single = X.dtype == np.float32 or X.dtype.itemsize <= 2
    return np.dtype(np.float32 if single else np.float64)


def tensor_of(rows: NDArray, dtype: np.dtype) -> Tensor:
    """Return rows as a tensor, without a copy where that is safe."""
    rows = np.asarray(rows, dtype=dtype)
    usable = rows.flags.writeable and min(rows.strides) >= 0
    return torch.from_numpy(rows if usable else rows.copy())


@dataclass(frozen=True)
class Scaling:
    """Maps X to network units and back: ``(x - offset) / scale``, with one scale for all columns.

    One scale keeps the columns' relative weight, as in PCA; equal weights are what
    `sklearn.preprocessing.StandardScaler` is for.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
        Mean of every column.

    offset : ndarray of shape (n_features,)
        What is subtracted: the mean, or the least value of X.

    scale : float
        What is divided by: the root mean square distance from the mean, or the range of X.
    """

    mean: NDArray[np.float64]
    offset: NDArray[np.float64]
    scale: float

    @classmethod
    def fit(cls, X: NDArray, output_range: tuple[float, float] | None = None) -> "Scaling":
        """Measure X, chunk by chunk.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Finite numbers.

        output_range : tuple of float, default=None
            If given, all of X is mapped into this interval, since the network's last activation
            reaches nothing beyond it. Otherwise X is centered and has unit variance overall.

        Returns
        -------
        scaling : Scaling
            The fitted scaling. Its scale is 1 where X is constant.
        """
        mean, squares, n_rows = np.zeros(X.shape[1]), 0.0, 0
        low, high = np.inf, -np.inf
        for chunk in chunks(X):
            rows = np.asarray(X[chunk], dtype=inference_dtype(X))
            if output_range is not None:
                low, high = min(low, float(rows.min())), max(high, float(rows.max()))
            of_rows = tensor_of(rows, rows.dtype).mean(dim=0, dtype=torch.float64).numpy()
            centered = rows - of_rows.astype(rows.dtype)
            square = float(np.vdot(centered, centered))
            if not np.isfinite(square):  # too large for single precision
                square = float(np.square(centered, dtype=np.float64).sum())
            # Chan, Golub, LeVeque 1979: how two parts' squares about their means combine.
            total = n_rows + len(rows)
            shift = of_rows - mean
            squares += square + float(shift @ shift) * n_rows * len(rows) / total
            mean += shift * len(rows) / total
            n_rows = total
        if output_range is None:
            return cls(mean, mean, float(np.sqrt(squares / X.size)) or 1.0)
        scale = (high - low) / (output_range[1] - output_range[0]) or 1.0
        return cls(mean, np.full(X.shape[1], low - output_range[0] * scale), scale)

    def apply(self, x: Tensor) -> Tensor:
        """Return rows in network units."""
        return (x - self._offset(x)).mul_(1 / self.scale)

    def undo(self, x: Tensor) -> Tensor:
        """Return rows in the units of X."""
        return torch.add(self._offset(x), x, alpha=self.scale)

    def _offset(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.offset, dtype=x.dtype, device=x.device)

    def tensor(self, X: NDArray, device: str = "cpu") -> Tensor:
        """Return all of X in network units, in single precision, on a device."""
        scaled = torch.empty(X.shape, device=device)
        for chunk in chunks(X):
            scaled[chunk] = self.apply(tensor_of(X[chunk], inference_dtype(X)).to(device))
        return scaled


def chunks(X: NDArray) -> list[slice]:
    """Return slices that cover X and are of a size that is quick to work on."""
    row_bytes = max(1, X[:1].size * 8)
    return list(gen_batches(len(X), max(1, _CHUNK_BYTES // row_bytes)))
