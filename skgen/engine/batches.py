"""Where minibatches come from: columns, and batches of their rows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "Batch",
    "Batches",
    "Column",
    "DenseColumn",
    "DomainPairs",
    "LengthBuckets",
    "Rows",
    "Steps",
    "TensorColumn",
    "Values",
    "batch_sizes",
]

# What a column gives for some rows: a tensor whose first dimension is the row; or several, such as
# padded sequences and their lengths, of which that holds for the first.
Values = Tensor | tuple[Tensor, ...]

# What the losses see: the values of every column, by name.
Batch = Mapping[str, Any]

# Rows are gathered in blocks of this size, from which batches are views: as quick as shuffling
# everything once, without a second copy of the data.
_BLOCK_BYTES = 16 << 20


class Column(ABC):
    """One thing of every row, as tensors: the row itself, its label, its length.

    Attributes
    ----------
    dtype : numpy.dtype
        The precision in which to return what is made of it. The tensors are in single precision.

    lengths : Tensor of shape (n_rows,), or None
        How long rows are, where that differs and a batch is padded to its longest. Batches are of
        rows of like length then.
    """

    dtype: np.dtype = np.dtype(np.float32)
    lengths: Tensor | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def take(self, index: slice | Tensor) -> Values:
        """Return the values of some rows, by a slice or by their numbers."""

    def batches(self, index: Tensor, sizes: Sequence[int]) -> Iterator[Values]:
        """Yield the values of rows by their numbers, in batches of the given sizes."""
        for part in index.split(list(sizes)):
            yield self.take(part)

    def on(self, device: str) -> "Column":
        """Return the column in the way that is quickest to train from on that device."""
        return self


class DenseColumn(Column):
    """A column that gives one tensor, with as many numbers for every row."""

    @abstractmethod
    def take(self, index: slice | Tensor) -> Tensor:
        """Return the values of some rows, by a slice or by their numbers."""

    def batches(self, index: Tensor, sizes: Sequence[int]) -> Iterator[Tensor]:
        """Yield the values of rows, as views of blocks that are gathered at once."""
        several = max(1, _BLOCK_BYTES // (max(1, self.take(slice(1)).nbytes) * max(sizes)))
        start = 0
        while sizes:
            block, sizes = list(sizes[:several]), sizes[several:]
            part = index[start : start + sum(block)]
            start += len(part)
            yield from self.take(part).split(block)


class TensorColumn(DenseColumn):
    """A tensor as a column."""

    def __init__(self, tensor: Tensor, dtype: np.dtype | None = None):
        self.tensor = tensor
        self.dtype = self.dtype if dtype is None else dtype

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, index: slice | Tensor) -> Tensor:
        """Return some rows of the tensor."""
        if isinstance(index, slice):
            return self.tensor[index]
        return self.tensor.index_select(0, index.to(self.tensor.device))

    def on(self, device: str) -> "TensorColumn":
        """Return the column on that device."""
        return TensorColumn(self.tensor.to(device), self.dtype)


class Batches(ABC):
    """A source of minibatches, as the engine sees it.

    A batch is a mapping of names to what columns give: ``x``, and whatever else the family's losses
    ask for (labels, domains, conditions).

    Attributes
    ----------
    batch_size : int
        Rows in a batch. The last of a pass may be smaller.
    """

    batch_size: int

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows in one pass."""

    @abstractmethod
    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass over the rows.

        Parameters
        ----------
        generator : torch.Generator, default=None
            What draws the order. All that is random about the pass comes from it, so that a run
            can be repeated and resumed. None stands for the order in which the rows are stored.
        """

    @property
    def n_batches(self) -> int:
        """The number of batches in one pass."""
        return len(batch_sizes(len(self), self.batch_size))


def batch_sizes(n_rows: int, batch_size: int) -> list[int]:
    """Return the sizes of the batches that make up one pass.

    A single row left over joins the batch before it: statistics over a batch of one do not exist.
    """
    sizes = [batch_size] * (n_rows // batch_size)
    rest = n_rows % batch_size
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


@dataclass(frozen=True)
class LengthBuckets:
    """How rows of unlike lengths come together in batches, of which padding is a small part.

    Lengths that differ by less than a seventh share a bucket, in which the order is free. A batch
    has `batch_size` rows, or as many as have `MOST_STEPS` steps when they are padded, if that is
    less, and at least one.

    Attributes
    ----------
    buckets : Tensor of shape (n_rows,)
        The bucket of every row.

    sizes : list of int
        Sizes of the batches, when rows are in the order of their buckets.
    """

    buckets: Tensor
    sizes: list[int]

    MOST_STEPS: ClassVar[int] = 1 << 15

    @classmethod
    def of(cls, lengths: Tensor, batch_size: int) -> "LengthBuckets":
        """Return how rows of those lengths come together."""
        buckets = (lengths.clamp(min=1).log() / math.log(8 / 7)).long()
        order = buckets.argsort(stable=True)
        longest = lengths[order].cummax(dim=0).values  # at most so long is what comes until then
        ends = torch.searchsorted(buckets[order], buckets[order], right=True) - 1
        caps, sizes, start = longest[ends].tolist(), list[int](), 0
        while start < len(caps):
            size = min(batch_size, len(caps) - start)
            while size > 1 and size * caps[start + size - 1] > cls.MOST_STEPS:
                size = max(1, min(size - 1, cls.MOST_STEPS // caps[start + size - 1]))
            sizes.append(size)
            start += size
        return cls(buckets, sizes)

    def arranged(
        self, order: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, list[int]]:
        """Return rows in the order of their buckets, and sizes of batches; these in any order."""
        parts = order[self.buckets[order].argsort(stable=True)].split(self.sizes)
        if generator is None:
            return torch.cat(parts), self.sizes
        drawn = torch.randperm(len(parts), generator=generator).tolist()
        return torch.cat([parts[n] for n in drawn]), [self.sizes[n] for n in drawn]


class Rows(Batches):
    """Batches out of columns that have one entry a row.

    If a column says how long rows are, those of like length come together, see `LengthBuckets`.

    Parameters
    ----------
    columns : mapping of str to Column or Tensor
        What a batch consists of, all of one length.

    batch_size : int
        Rows in a batch.

    rows : ndarray of int, default=None
        Which rows to draw from, instead of all.

    Examples
    --------
    >>> import torch
    >>> from skgen.engine import Rows
    >>> rows = Rows({"x": torch.arange(6.0).reshape(3, 2)}, batch_size=2)
    >>> [batch["x"].tolist() for batch in rows.epoch()]
    [[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]]
    """

    def __init__(
        self,
        columns: Mapping[str, Column | Tensor],
        batch_size: int,
        rows: NDArray[np.integer[Any]] | None = None,
    ):
        self.columns = {
            name: TensorColumn(column) if isinstance(column, Tensor) else column
            for name, column in columns.items()
        }
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"Columns must have one length, got {lengths}.")
        self.batch_size = batch_size
        (n_rows,) = set(lengths.values())
        self.rows = torch.arange(n_rows) if rows is None else torch.as_tensor(rows)
        ragged = [one.lengths for one in self.columns.values() if one.lengths is not None]
        self.buckets = LengthBuckets.of(ragged[0][self.rows], batch_size) if ragged else None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_batches(self) -> int:
        """The number of batches in one pass."""
        return super().n_batches if self.buckets is None else len(self.buckets.sizes)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass over the rows, shuffled if a generator is given."""
        order, sizes = torch.arange(len(self)), batch_sizes(len(self), self.batch_size)
        if generator is not None:
            order = torch.randperm(len(order), generator=generator)
        if self.buckets is not None:
            order, sizes = self.buckets.arranged(order, generator)
        yield from self.batches_of(self.rows[order], sizes)

    def batches_of(self, order: Tensor, sizes: Sequence[int]) -> Iterator[Batch]:
        """Yield batches of the given sizes, whose rows are the given ones in that order."""
        streams = [column.batches(order, sizes) for column in self.columns.values()]
        for values in zip(*streams, strict=True):
            yield dict(zip(self.columns, values, strict=True))


class DomainPairs(Batches):
    """Batches of as many rows of a source as of a target, whatever the sizes of these.

    One pass goes through the larger of the two at least once, and through the other as often as
    that takes. All batches are full.

    Parameters
    ----------
    source, target : Rows
        Where rows come from. Their columns have different names.

    batch_size : int
        Rows of each domain in a batch.
    """

    def __init__(self, source: Rows, target: Rows, batch_size: int):
        self.source = source
        self.target = target
        self.batch_size = min(batch_size, max(len(source), len(target)))

    def __len__(self) -> int:
        longest = max(len(self.source), len(self.target))
        return -(-longest // self.batch_size) * self.batch_size

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass over both domains, shuffled if a generator is given."""
        sizes = [self.batch_size] * self.n_batches
        streams = [
            side.batches_of(_repeated(side.rows, len(self), generator), sizes)
            for side in (self.source, self.target)
        ]
        for source, target in zip(*streams, strict=True):
            yield {**source, **target}


def _repeated(rows: Tensor, length: int, generator: torch.Generator | None) -> Tensor:
    """Return so many rows: all of them, in an order of its own each time, again and again."""
    passes = [
        rows if generator is None else rows[torch.randperm(len(rows), generator=generator)]
        for _ in range(-(-length // len(rows)))
    ]
    return torch.cat(passes)[:length]


class Steps(Batches):
    """So many updates on no data, of what is itself being optimized, such as an image.

    Parameters
    ----------
    n_steps : int
        Updates in one pass. Their batches are empty.
    """

    batch_size = 1

    def __init__(self, n_steps: int):
        self.n_steps = n_steps

    def __len__(self) -> int:
        return self.n_steps

    @property
    def n_batches(self) -> int:
        """The number of updates in one pass."""
        return self.n_steps

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one empty batch for every update."""
        for _ in range(self.n_steps):
            yield {}
