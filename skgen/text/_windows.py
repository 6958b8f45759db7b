"""Minibatches of words among their neighbors."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skgen.engine import Batch, Batches
from skgen.inputs import WordColumn

__all__ = ["Windows"]

# Words that share their noise, and the scores of all pairs of which are computed at once, those
# that are no neighbors included: fewer are slower, and more are too.
_BLOCK = 32

# Words that are thinned out and cut into blocks at once, so that memory stays small.
_SEGMENT = 1 << 22


class Windows(Batches):
    """Blocks of consecutive words, with those around them, from anywhere in the texts.

    A batch has ``words`` (n_blocks, margin + length + margin); ``texts``, the numbers of the texts
    that these words are of, a negative one of its own where there is no word; and ``middle``, those
    of the words between the margins.

    Parameters
    ----------
    column : WordColumn
        The words of all texts.

    batch_size : int
        Words in a batch, those of the margins not counted; about so many.

    window : int
        Width of the margins, unless no text is that long.

    kept : Tensor of shape (n_words,)
        The share of every word of the vocabulary that a pass takes, others being left out.

    rows : ndarray of int, default=None
        Which texts to draw from, instead of all.
    """

    def __init__(
        self,
        column: WordColumn,
        batch_size: int,
        window: int,
        kept: Tensor,
        rows: NDArray[np.integer] | None = None,
    ):
        chosen = torch.arange(len(column)) if rows is None else torch.from_numpy(rows)
        lengths, words = column.take(slice(None) if rows is None else chosen)
        self.words = words.int()
        self.texts = torch.repeat_interleave(chosen.int().to(words.device), lengths)
        self.n_words = len(words)
        self.batch_size = batch_size
        # Nobody has neighbors farther away than its text is long.
        self.window = window = min(window, max(1, int(lengths.max()) - 1))
        self.kept = kept.to(words.device)
        self.length = min(batch_size, max(_BLOCK, 4 * window))
        # How many batches a segment makes is known before it is thinned out.
        self.sizes = [
            max(1, round(float(self.kept[part].sum()) / batch_size))
            for part in self.words.split(_SEGMENT)
        ]

    def __len__(self) -> int:
        """Return the number of blocks of a pass that takes all words."""
        return sum(-(-len(part) // self.length) for part in self.words.split(_SEGMENT))

    @property
    def n_batches(self) -> int:
        """The number of batches in one pass."""
        return sum(self.sizes)

    def epoch(self, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yield one pass; all words in order if there is no generator."""
        segments = list(zip(self.words.split(_SEGMENT), self.texts.split(_SEGMENT), strict=True))
        order = list(range(len(segments)))
        if generator is not None:
            order = torch.randperm(len(segments), generator=generator).tolist()
        for number in order:
            words, texts = segments[number]
            if generator is not None:
                drawn = torch.rand(len(words), generator=generator).to(words.device)
                words, texts = _those(drawn < self.kept[words], words, texts)
            blocks = self._blocks(words), self._blocks(texts, of_texts=True)
            chosen = torch.arange(len(blocks[0]), device=words.device)
            if generator is not None:
                chosen = torch.randperm(len(chosen), generator=generator).to(words.device)
            for part in torch.tensor_split(chosen, self.sizes[number]):
                of_texts = blocks[1].index_select(0, part)
                yield {
                    "words": blocks[0].index_select(0, part).long(),
                    "texts": of_texts,
                    "middle": of_texts[:, self.window : self.window + self.length],
                }

    def _blocks(self, values: Tensor, *, of_texts: bool = False) -> Tensor:
        """Return overlapping views of consecutive values, filled up at the ends."""
        n_blocks = max(1, -(-len(values) // self.length))
        n_after = n_blocks * self.length - len(values) + self.window
        filler = values.new_zeros(self.window + n_after)
        if of_texts:  # none is of the text of another
            filler = -1 - torch.arange(len(filler)).to(filler)
        padded = torch.cat([filler[: self.window], values, filler[self.window :]])
        return padded.unfold(0, self.length + 2 * self.window, self.length)


def _those(chosen: Tensor, *several: Tensor) -> list[Tensor]:
    places = chosen.nonzero()[:, 0]
    return [one.index_select(0, places) for one in several]
