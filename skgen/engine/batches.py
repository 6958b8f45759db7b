"""Where minibatches come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skgen.inputs.scaling import Scaling

__all__ = ["Batch", "Batches", "DomainPairs", "Rows", "ScaledRows"]

Batch = Mapping[str, Tensor]

# Rows are gathered in blocks of this size, from which batches are views: as quick as shuffling
# everything once, without a second copy of the data.
_BLOCK_BYTES = 16 << 20


class Batches(ABC):
    """A source of minibatches, as the engine sees it.

    A batch is a mapping of names to tensors whose first dimension is the row: ``x``, and whatever
    else the family's losses ask for (labels, domains, lengths, conditions).

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


class ScaledRows:
    """Rows on disk, too many for memory or in a small type, scaled when they are asked for.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n_samples, n_features)
        Typically a memory map, or bytes.

    scaling : Scaling
        What brings them to network units.

    device : str, default="cpu"
        Where the tensors go, and where X is if it is a tensor.
    """

    def __init__(self, X: NDArray | Tensor, scaling: Scaling, device: str = "cpu"):
        self.X = X
        self.scaling = scaling
        self.device = device

    def __len__(self) -> int:
        return len(self.X)

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return the rows of that index, like `torch.Tensor.index_select` along dimension 0."""
        if isinstance(self.X, Tensor):
            return self.scaling.apply(self.X.index_select(0, index).float())
        return self.scaling.tensor(self.X[index.cpu().numpy()], self.device)


class Rows(Batches):
    """Batches out of columns that have one entry a row.

    Parameters
    ----------
    columns : mapping of str to Tensor or ScaledRows
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
        columns: Mapping[str, Tensor | ScaledRows],
        batch_size: int,
        rows: NDArray[np.integer[Any]] | None = None,
    ):
        if len({len(column) for column in columns.values()}) != 1:
            lengths = {name: len(column) for name, column in columns.items()}
            raise ValueError(f"Columns must have one length, got {lengths}.")
        self.columns = columns
        self.batch_size = batch_size
        n_rows = len(next(iter(columns.values())))
        self.rows = torch.arange(n_rows) if rows is None else torch.as_tensor(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass over the rows, shuffled if a generator is given."""
        order = self.rows
        if generator is not None:
            order = order[torch.randperm(len(order), generator=generator)]
        yield from self.batches_of(order, batch_sizes(len(order), self.batch_size))

    def batches_of(self, order: Tensor, sizes: Sequence[int]) -> Iterator[Batch]:
        """Yield batches of the given sizes, whose rows are the given ones in that order."""
        start = 0
        while sizes:
            block, sizes = list(sizes[: self._block]), sizes[self._block :]
            index = order[start : start + sum(block)]
            start += len(index)
            pieces = {
                name: column.index_select(0, index.to(column.device)).split(block)
                for name, column in self.columns.items()
            }
            for number in range(len(block)):
                yield {name: piece[number] for name, piece in pieces.items()}

    @property
    def _block(self) -> int:
        """The number of batches gathered at once."""
        first = [
            column.index_select(0, self.rows[:1].to(column.device))
            for column in self.columns.values()
        ]
        row_bytes = sum(value.nbytes for value in first)
        return max(1, _BLOCK_BYTES // (row_bytes * self.batch_size))


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
