"""What training asks of vectors of sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from skgen.engine import Progress
from skgen.networks.sentences import thinned

__all__ = ["Decoding", "Matching"]


@dataclass(frozen=True)
class Matching:
    """The loss of telling the true next sentence from those of the batch, and the other way."""

    word_dropout: float

    def __call__(self, module: Any, batch: Mapping[str, Any], state: Progress) -> Tensor:
        """Return the mean cross-entropy of both choices."""
        share = self.word_dropout if module.training else 0.0
        codes = _codes(module, batch["sentence"], share)
        logits = module["matcher"](codes, _codes(module, batch["after"], share))
        # A sentence is no wrong neighbor of itself, nor the one before it.
        apart = batch["place"] - batch["place"][:, None]
        logits = logits.masked_fill((apart == -1) | (apart == -2), -torch.inf)
        right = torch.arange(len(logits), device=logits.device)
        return (
            functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)
        ) / 2


@dataclass(frozen=True)
class Decoding:
    """The loss of saying the sentences before and after, word by word."""

    word_dropout: float
    max_length: int | None

    def __call__(self, module: Any, batch: Mapping[str, Any], state: Progress) -> Tensor:
        """Return the mean cross-entropy of a word."""
        share = self.word_dropout if module.training else 0.0
        codes = _codes(module, batch["sentence"], share)
        losses = []
        for name in ("before", "after"):
            lengths, words = batch[name]
            losses.append(module[name].losses(codes, lengths, words, self.max_length))
        return torch.cat(losses).mean()


def _codes(module: Any, sentences: tuple[Tensor, Tensor], word_dropout: float) -> Tensor:
    """Return the vectors of sentences, of which a share of the words is left out."""
    lengths, words = thinned(*sentences, share=word_dropout)
    codes: Tensor = module["encoder"](lengths, words)
    return codes
