"""Sequences of any lengths as input: signals of one channel or of several, with missing values."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data
from torch import Tensor

from skgen.engine import Column
from skgen.exceptions import warn
from skgen.inputs.base import Input
from skgen.inputs.scaling import result_dtype
from skgen.inputs.sequence_containers import is_table, n_dims, numbers_of, opened
from skgen.networks.frames import frames_of

__all__ = ["ChannelScaling", "SequenceColumn", "SequenceInput"]

_CHUNK_STEPS = 1 << 20

# Sums of squares that double precision holds well.
_SAFE = (1e-280, 1e280)


@dataclass(frozen=True)
class ChannelScaling:
    """Maps every channel to network units and back: ``(x - mean) / scale``.

    Channels count alike, whatever their units are: sequences of unlike length cannot be brought to
    one scale by a scaler of tables before.

    Attributes
    ----------
    mean : ndarray of shape (n_channels,)
        Mean of the observed values of every channel.

    scale : ndarray of shape (n_channels,)
        Their standard deviation; 1 of a channel that is constant.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, steps: NDArray) -> "ChannelScaling":
        """Measure steps (n_steps, n_channels), of which missing ones are NaN."""
        dtype = result_dtype(steps)
        chunks = [steps[n : n + _CHUNK_STEPS] for n in range(0, len(steps), _CHUNK_STEPS)]
        count = sum((~np.isnan(chunk)).sum(axis=0) for chunk in chunks)
        total = sum(np.nansum(chunk, axis=0, dtype=np.float64) for chunk in chunks)
        mean = total / count
        unit: Any = 1.0
        with np.errstate(over="ignore", under="ignore"):
            squares = sum(np.nansum(np.square(chunk - mean), axis=0) for chunk in chunks)
            lost = ~((squares > _SAFE[0]) & (squares < _SAFE[1]))
            if lost.any():
                largest = np.fmax.reduce([np.fmax.reduce(np.abs(one - mean)) for one in chunks])
                unit = np.where(lost & (largest > 0), largest, 1.0)
                squares = sum(np.nansum(np.square((one - mean) / unit), axis=0) for one in chunks)
        scale = unit * np.sqrt(squares / count)
        rounding = 4 * np.finfo(dtype).eps * np.abs(mean)
        return cls(mean, np.where(scale > rounding, scale, 1.0))

    def apply(self, steps: NDArray) -> Tensor:
        """Return steps (n_steps, n_channels) in network units."""
        return torch.from_numpy(((steps - self.mean) / self.scale).astype(np.float32))

    def undo(self, x: Tensor) -> Tensor:
        """Return values (..., n_channels) in the units of X."""
        return x * torch.from_numpy(self.scale).to(x) + torch.from_numpy(self.mean).to(x)

    def rounding(self, dtype: np.dtype) -> float:
        """Return by how much values that are the same may differ, in network units."""
        return float((4 * np.finfo(dtype).eps * np.abs(self.mean) / self.scale).max())


class SequenceColumn(Column):
    """Sequences one behind the other, which are padded when a batch is made of some of them.

    Parameters
    ----------
    frames : Tensor of shape (n_steps + 1, 2 * n_channels + 1)
        The frames of all steps, and a last one of zeros, which is what padding consists of.

    lengths : Tensor of shape (n_sequences,)
        How long each sequence is.

    dtype : numpy.dtype
        The precision in which sequences were given.
    """

    lengths: Tensor

    def __init__(self, frames: Tensor, lengths: Tensor, dtype: np.dtype):
        self.frames = frames
        self.lengths = lengths
        self.dtype = dtype
        self.starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, index: slice | Tensor) -> Tensor:
        """Return the frames of some sequences: (batch, time, 2 * n_channels + 1)."""
        index = index if isinstance(index, slice) else index.to(self.lengths.device)
        starts, lengths = self.starts[index, None], self.lengths[index, None]
        steps = torch.arange(int(lengths.max()) if len(lengths) else 0)
        places = torch.where(steps < lengths, starts + steps, len(self.frames) - 1)
        taken = self.frames.index_select(0, places.flatten().to(self.frames.device))
        return taken.view(*places.shape, -1)

    def on(self, device: str) -> "SequenceColumn":
        """Return the column with its frames on that device."""
        return SequenceColumn(self.frames.to(device), self.lengths, self.dtype)


class SequenceInput(Input):
    """Sequences of numbers, which networks see as the column ``x``: padded frames.

    X is a list, a tuple, a 1-D array or a Series of arrays (time, channels), or of (time,) for one
    channel; a 3-D array; or a 2-D array, whose rows are sequences of one channel and one length.
    NaN is a missing value.

    Parameters
    ----------
    channels : {'last', 'first'}, default='last'
        Whether arrays are (time, channels) or (channels, time).

    Attributes
    ----------
    scaling : ChannelScaling
        The fitted map from X to network units.

    is_table : bool
        Whether X was a 2-D array.

    n_dims : int
        Dimensions of what stood for one sequence: 1 or 2.

    median_length : int
        The median of the lengths.

    same_length : bool
        Whether X was an array, so that all were equally long.
    """

    scaling: ChannelScaling
    image_shape: None = None

    def __init__(self, channels: str = "last"):
        self.channels_at = channels

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check X, measure it, and return its column."""
        given = self._opened(X)
        self.is_table = is_table(given)
        steps, lengths = self._flat(X, given, estimator, reset=True)
        if len(lengths) < 2:
            raise ValueError(
                f"Found array with {len(lengths)} sample(s), while a minimum of 2 sequences is "
                f"required by {type(estimator).__name__}. A single sequence is a list of one."
            )
        unknown = np.flatnonzero(np.isnan(steps).all(axis=0))
        if len(unknown):
            raise ValueError(
                f"Channel {unknown[0]} of X has no value at all: all of it is NaN. Leave it out."
            )
        n_padded = _n_that_look_padded(steps, lengths)
        if n_padded:
            warn(
                f"{n_padded} sequences of X end in NaN, and no other value is NaN. It is a missing "
                "value, not padding. If it is there to fill up sequences, cut it off, and pass a "
                "list: [one[:n] for one, n in zip(X, lengths)].",
                UserWarning,
            )
        self.n_channels = steps.shape[1]
        self.shape = (self.n_channels,)
        self.dtype = result_dtype(steps)
        self.scaling = ChannelScaling.fit(steps)
        self.median_length = int(np.median(lengths))
        self.same_length = isinstance(given, np.ndarray) or self.is_table
        self.n_dims = 1 if self.is_table else n_dims(given[0])
        self.tensor_shape = (1, 2 * self.n_channels + 1)
        self.row_bytes = 4 * self.tensor_shape[1] * int(lengths.max())
        return self._column(steps, lengths)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check that X is like that of `fit`, and return its column."""
        return self._column(*self._flat(X, self._opened(X), estimator, reset=False))

    def _opened(self, X: Any) -> Any:
        return opened(X, 0 if self.channels_at == "first" else 1)

    def _column(self, steps: NDArray, lengths: NDArray) -> dict[str, Column]:
        frames = torch.zeros(len(steps) + 1, 2 * steps.shape[1] + 1)
        for n in range(0, len(steps), _CHUNK_STEPS):
            scaled = self.scaling.apply(steps[n : n + _CHUNK_STEPS])
            frames[n : n + len(scaled)] = frames_of(scaled)
        return {"x": SequenceColumn(frames, torch.from_numpy(lengths), result_dtype(steps))}

    def _flat(
        self, X: Any, given: Any, estimator: Any, *, reset: bool
    ) -> tuple[NDArray, NDArray[np.int64]]:
        """Return the steps of all sequences, one behind the other, and the lengths of these."""
        tabular = is_table(given)
        if not reset and isinstance(given, list) and tabular and n_dims(given[0]):
            # A list may hold longer sequences than those of fit, unlike an array or a frame.
            tabular = self.is_table and len(given[0]) == estimator.n_features_in_
        if tabular and (reset or self.is_table):
            rows = validate_data(
                estimator,
                given if isinstance(given, np.ndarray) else X,
                reset=reset,
                dtype="numeric",
                ensure_min_samples=2 if reset else 1,
                ensure_all_finite="allow-nan",
            )
            return rows.reshape(-1, 1), np.full(len(rows), rows.shape[1])
        name = type(estimator).__name__
        if tabular and self.n_channels > 1:
            raise ValueError(
                f"X is an array of shape {np.shape(given)}, and fit saw sequences of "
                f"{self.n_channels} channels. If it is one sequence, pass a list of it: [X]."
            )
        if not len(given):
            raise ValueError(
                f"Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is required by "
                f"{name}: X has no sequence."
            )
        sequences = [self._sequence(one, number) for number, one in enumerate(given)]
        n_channels = {one.shape[1] for one in sequences}
        if len(n_channels) > 1:
            raise ValueError(
                f"All sequences have to have as many channels, got {sorted(n_channels)}. Arrays "
                "are (time, channels); channels='first' stands for (channels, time)."
            )
        (n,) = n_channels
        if not reset and n != self.n_channels:
            raise ValueError(
                f"X has {n} channels, but {name} is expecting {self.n_channels} channels as input."
            )
        if reset:
            estimator.__dict__.pop("feature_names_in_", None)
            estimator.n_features_in_ = n
        wide = self.channels_at == "last" and n > max(1, *map(len, sequences))
        if reset and wide:
            warn(
                f"Every sequence of X has more channels ({n}) than steps. If arrays are (channels, "
                'time), set channels="first".',
                UserWarning,
            )
        steps = np.concatenate(sequences)
        if np.isinf(steps).any():
            number = next(k for k, one in enumerate(sequences) if np.isinf(one).any())
            raise ValueError(
                f"Input X contains infinity or a value too large: sequence {number} does. What is "
                "missing is NaN."
            )
        return steps, np.array([len(one) for one in sequences])

    def _sequence(self, given: Any, number: int) -> NDArray:
        """Return one sequence as (time, channels)."""
        try:
            one = numbers_of(given)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Sequence {number} of X is no array of numbers (time, channels): {error}"
            ) from error
        if one.dtype.kind not in "biuf":
            raise ValueError(
                f"Sequence {number} of X has to hold real numbers, got {one.dtype}: {one!r:.60}."
            )
        if one.ndim == 1:
            one = one[:, None]
        elif one.ndim == 2 and self.channels_at == "first":
            one = one.T
        if one.ndim != 2:
            raise ValueError(
                f"Sequence {number} of X has to be of shape (time,) or (time, channels), got "
                f"{one.shape}. If X is a single sequence, pass a list of it: [X]."
            )
        if not one.size:
            raise ValueError(
                f"Sequence {number} of X has no step: found array with {one.shape[0]} sample(s) "
                f"and {one.shape[1]} feature(s). Leave it out."
            )
        return one.astype(np.float32) if one.dtype.kind == "b" else one

    def sequences(self, X: Any, estimator: Any) -> list[NDArray]:
        """Return X, checked, as a list of arrays (time, channels)."""
        steps, lengths = self._flat(X, self._opened(X), estimator, reset=False)
        return np.split(steps, np.cumsum(lengths)[:-1])

    def undo(self, x: Tensor, dtype: np.dtype) -> Tensor:
        """Return values of network units in those of X."""
        return self.scaling.undo(x.to(torch.float64) if dtype == np.float64 else x)

    def checked_lengths(self, lengths: Any, n: int) -> NDArray[np.int64]:
        """Return the lengths that n sequences are to have: those asked for, or the usual one."""
        if lengths is None:
            return np.full(n, self.median_length)
        asked = np.asarray(lengths)
        if asked.ndim == 0:
            asked = np.full(n, asked)
        if asked.shape != (n,) or asked.dtype.kind not in "iu" or asked.min(initial=1) < 1:
            raise ValueError(
                f"lengths has to be an integer of at least 1, or one for each of the {n} codes, "
                f"got {lengths!r:.80}."
            )
        return asked.astype(np.int64)

    def restore(self, values: Sequence[NDArray]) -> Any:
        """Return sequences (time, channels) as X had them; in an array if X was one."""
        if self.n_dims == 1:
            values = [one[:, 0] for one in values]
        elif self.channels_at == "first":
            values = [one.T for one in values]
        even = len({one.shape for one in values}) == 1
        return np.stack(values) if self.same_length and even else list(values)

    def widened(self, columns: dict[str, Column]) -> "SequenceInput":
        """Return the input as it is, but for room for the longest sequence of a later chunk."""
        column: Any = columns["x"]
        row_bytes = 4 * self.tensor_shape[1] * int(column.lengths.max())
        if row_bytes <= self.row_bytes:
            return self
        wider = copy.copy(self)
        wider.row_bytes = row_bytes
        return wider


def _n_that_look_padded(steps: NDArray, lengths: NDArray) -> int:
    """Return how many sequences of one length end in NaN, if there is none anywhere else."""
    missing = np.isnan(steps).any(axis=1)
    if not missing.any() or len(set(lengths.tolist())) > 1:
        return 0
    whole = np.isnan(steps).all(axis=1).reshape(len(lengths), -1)
    at_end = np.minimum.accumulate(whole[:, ::-1], axis=1)
    alone = at_end.sum() == missing.sum() and not at_end[:, -1].any()
    return int(at_end[:, 0].sum()) if alone else 0
