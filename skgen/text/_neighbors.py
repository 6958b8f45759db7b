"""Minibatches of sentences with the sentences around them."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skgen.engine import Batch, Batches
from skgen.engine.batches import batch_sizes
from skgen.inputs import WordColumn

__all__ = ["Neighbors"]


class Neighbors(Batches):
    """Sentences with the one before and the one after them.

    A batch has ``sentence``, ``before`` and ``after``, each as lengths and words, a length of 0
    where there is none; and ``place``, the number of the sentence in the order of groups, so that
    neighbors are one apart.

    Parameters
    ----------
    column : WordColumn
        All sentences.

    groups : Tensor of shape (n_sentences,), or None
        What each belongs to. Those of a group follow each other in the order of their rows.

    batch_size : int
        Sentences in a batch.

    after_only : bool
        Whether to leave out the sentence before, and all sentences that have none after them.

    spoken : Tensor of shape (n_sentences,), bool
        Which sentences say something. Others have no neighbors, and are none.

    rows : ndarray of int, default=None
        Which sentences to take, instead of all.
    """

    def __init__(
        self,
        column: WordColumn,
        groups: Tensor | None,
        batch_size: int,
        after_only: bool,
        spoken: Tensor,
        rows: NDArray[np.integer] | None = None,
    ):
        order = torch.arange(len(column)) if rows is None else torch.from_numpy(rows)
        of_group = torch.zeros(len(column), dtype=torch.long) if groups is None else groups
        order = order[of_group[order].argsort(stable=True)]
        adjacent = of_group[order][1:] == of_group[order][:-1]
        spoken = spoken.cpu()[order]
        adjacent &= spoken[1:] & spoken[:-1]
        nothing = torch.zeros(1, dtype=torch.bool)
        self.has_before = torch.cat([nothing, adjacent])
        self.has_after = torch.cat([adjacent, nothing])
        asked = self.has_after if after_only else self.has_after | self.has_before
        self.places = asked.nonzero()[:, 0]
        self.column = column
        self.order = order
        self.batch_size = batch_size
        self.after_only = after_only
        self.n_words = int(column.n_words[order[self.places].to(column.n_words.device)].sum())

    def __len__(self) -> int:
        return len(self.places)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass over the sentences."""
        places = self.places
        if generator is not None:
            places = places[torch.randperm(len(places), generator=generator)]
        for part in places.split(batch_sizes(len(places), self.batch_size)):
            batch: dict[str, object] = {"sentence": self.column.take(self.order[part])}
            if not self.after_only:
                batch["before"] = self._those(part - 1, self.has_before[part])
            batch["after"] = self._those(part + 1, self.has_after[part])
            batch["place"] = part.to(self.column.words.device)
            yield batch

    def _those(self, places: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        lengths, words = self.column.take(self.order[places[there]])
        spread = lengths.new_zeros(len(places))
        spread[there.to(lengths.device)] = lengths
        return spread, words
