"""What `fit` learned about the units of its input, and the way there and back."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, gen_batches
from torch import Tensor

from skgen.engine import DenseColumn, TensorColumn

__all__ = ["ScaledColumn", "Scaling", "Units", "result_dtype", "tensor_of"]

_CHUNK_BYTES = 32 << 20

# Sums of squares that are exact enough in single precision.
_SAFE = (1e-20, 1e38)

# A memory map up to this size is read once, in place of at every pass.
_IN_MEMORY_BYTES = 2 << 30


def result_dtype(X: NDArray) -> np.dtype:
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
    def fit(
        cls,
        X: NDArray,
        output_range: tuple[float, float] | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> "Scaling":
        """Measure X, chunk by chunk.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Finite numbers.

        output_range : tuple of float, default=None
            If given, all of X is mapped into this interval, since the network's last activation
            reaches nothing beyond it. Otherwise X is centered and has unit variance overall.

        value_range : tuple of float, default=None
            What is mapped to the ends of `output_range`. None stands for the least and the largest
            value of X.

        Returns
        -------
        scaling : Scaling
            The fitted scaling. Its scale is 1 where X is constant.
        """
        mean, squares, n_rows = np.zeros(X.shape[1]), 0.0, 0
        low, high = np.inf, -np.inf
        for chunk in chunks(X):
            rows = np.asarray(X[chunk], dtype=result_dtype(X))
            if output_range is not None:
                low, high = min(low, float(rows.min())), max(high, float(rows.max()))
            of_rows = tensor_of(rows, rows.dtype).mean(dim=0, dtype=torch.float64).numpy()
            centered = rows - of_rows.astype(rows.dtype)
            square = float(np.vdot(centered, centered))
            if not _SAFE[0] < square < _SAFE[1]:  # too small or too large for single precision
                square = float(np.square(centered, dtype=np.float64).sum())
            # Chan, Golub, LeVeque 1979: how two parts' squares about their means combine.
            total = n_rows + len(rows)
            shift = of_rows - mean
            squares += square + float(shift @ shift) * n_rows * len(rows) / total
            mean += shift * len(rows) / total
            n_rows = total
        rounding = cls(mean, mean, 1.0).rounding(result_dtype(X))
        if output_range is None:
            spread = float(np.sqrt(squares / X.size))
            return cls(mean, mean, spread if spread > rounding else 1.0)
        low, high = value_range or (low, high)
        width = high - low if high - low > rounding else 0.0
        scale = width / (output_range[1] - output_range[0]) or 1.0
        return cls(mean, np.full(X.shape[1], low - output_range[0] * scale), scale)

    def rounding(self, dtype: np.dtype) -> float:
        """Return by how much numbers that are the same may differ, in network units."""
        largest = float(np.abs(self.mean).max(initial=0.0))
        return 4 * float(np.finfo(dtype).eps) * largest / self.scale

    def apply(self, x: Tensor, offset: Tensor | None = None) -> Tensor:
        """Return rows in network units; `offset` spares its conversion for every batch."""
        return (x - (self.offset_like(x) if offset is None else offset)).mul_(1 / self.scale)

    def undo(self, x: Tensor) -> Tensor:
        """Return rows in the units of X."""
        return torch.add(self.offset_like(x), x, alpha=self.scale)

    def offset_like(self, x: Tensor) -> Tensor:
        """Return the offset in the precision of rows, where they are."""
        return tensor_of(self.offset, self.offset.dtype).to(x)


@dataclass(frozen=True)
class Units:
    """The network units that a model wants its rows in: a value, before anything is measured.

    Attributes
    ----------
    output_range : tuple of float or None
        The interval to map X into. None centers X and gives it unit variance overall.

    by_value_range : bool
        Whether what is mapped to it is the range that images are known to have, and for rows the
        interval itself; otherwise it is the range that X is found to have.

    needed_by : str or None
        What refuses values beyond that range: a parameter and its value.
    """

    output_range: tuple[float, float] | None = None
    by_value_range: bool = False
    needed_by: str | None = None

    def fit(self, X: NDArray, value_range: tuple[float, float] | None) -> Scaling:
        """Return the map to these units from X, whose range may be known."""
        known = (value_range or self.output_range) if self.by_value_range else None
        return Scaling.fit(X, self.output_range, known)

    def check(self, X: NDArray, value_range: tuple[float, float] | None) -> None:
        """Raise an error if X has values that do not fit in, by more than rounding."""
        if self.needed_by is None:
            return
        low, high = value_range or self.output_range or (0.0, 1.0)
        rounding = 1e-6 * (high - low)
        if X.min() < low - rounding or X.max() > high + rounding:
            raise ValueError(
                f"{self.needed_by} needs X in [{low:g}, {high:g}], got values from {X.min()} to "
                f"{X.max()}. Scale X, with MinMaxScaler(clip=True) for one, or use another."
            )


class ScaledColumn(DenseColumn):
    """Rows that become tensors in network units when they are asked for.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_features)
        Rows: in memory, on disk, or as bytes.

    scaling : Scaling
        What brings them to network units.

    checked : bool
        Whether X is known to be finite. Otherwise `take` looks.

    clip : tuple of float or None
        The interval of network units that values are brought into, where rounding or later rows
        may leave it.

    precise : bool
        Whether to keep double precision where X has it.
    """

    def __init__(
        self,
        X: NDArray | Tensor,
        scaling: Scaling,
        *,
        checked: bool,
        clip: tuple[float, float] | None = None,
        precise: bool = False,
        device: str = "cpu",
    ):
        self.X = X
        self.scaling = scaling
        self.checked = checked
        self.clip = clip
        self.precise = precise
        self.device = device
        self.dtype = self.dtype if isinstance(X, Tensor) else result_dtype(X)
        self._offset: Tensor | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, index: slice | Tensor) -> Tensor:
        """Return some rows in network units, in single precision unless `precise`.

        Raises
        ------
        ValueError
            If one has a NaN or an infinite value.
        """
        given: Any
        if isinstance(self.X, Tensor):
            if isinstance(index, slice):
                given = self.X[index]
            else:
                given = self.X.index_select(0, index.to(self.X.device))
            rows = given.float()
        else:
            given = self.X[index if isinstance(index, slice) else index.cpu().numpy()]
            rows = tensor_of(given, self.dtype)
            if self.dtype == np.float32:  # some devices know no double precision
                rows = rows.to(self.device)
        if self._offset is None:
            self._offset = self.scaling.offset_like(rows)
        scaled = self.scaling.apply(rows, self._offset)
        if not (self.checked or math.isfinite(scaled.sum().item())):
            assert_all_finite(given, input_name="X")
        scaled = scaled if self.precise else scaled.float().to(self.device)
        return scaled if self.clip is None else scaled.clamp_(*self.clip)

    def on(self, device: str) -> DenseColumn:
        """Return all rows in network units if they fit on the device.

        Bytes stay bytes, a quarter of the size, until a batch is made of them.
        """
        X: Any = self.X
        fits = _fits(X, device)
        if fits and X.dtype != np.uint8:
            scaled = torch.empty(X.shape, dtype=torch.float32, device=device)
            for chunk in chunks(X):
                scaled[chunk] = self._like(X, device).take(chunk)
            return TensorColumn(scaled, self.dtype)
        on_gpu = fits and torch.device(device).type != "cpu"
        return self._like(tensor_of(X, X.dtype).to(device) if on_gpu else X, device)

    def _like(self, X: NDArray | Tensor, device: str) -> "ScaledColumn":
        """Return a column like this one that gives tensors on that device."""
        return ScaledColumn(X, self.scaling, checked=True, clip=self.clip, device=device)


def _fits(X: NDArray, device: str) -> bool:
    """Whether to hold all of X on the device, in single precision or as bytes."""
    needed = X.size * min(4, X.itemsize)
    if torch.device(device).type == "cuda":
        return needed < torch.cuda.mem_get_info(device)[0] / 2
    return needed <= _IN_MEMORY_BYTES or not _is_memory_mapped(X)


def _is_memory_mapped(X: NDArray) -> bool:
    base: Any = X
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False


def chunks(X: NDArray) -> list[slice]:
    """Return slices that cover X and are of a size that is quick to work on."""
    row_bytes = max(1, X[:1].size * 8)
    return list(gen_batches(len(X), max(1, _CHUNK_BYTES // row_bytes)))
