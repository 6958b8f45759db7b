"""Vectors of words, and the loss of negative sampling with its gradient written down."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["WordVectors", "bag_sums", "pair_loss"]


class WordVectors(nn.Module):
    """Two vectors for every word: its own, and that of it as a neighbor.

    They are one table, first the ones and then the others, so that a step reads and writes rows of
    a single table.

    Parameters
    ----------
    n_words : int
        Words in the vocabulary.

    size : int
        Length of a vector.

    noise : Tensor of shape (n_words,)
        How likely every word is to be drawn as noise; of any sum.
    """

    def __init__(self, n_words: int, size: int, noise: Tensor):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(2 * n_words, size))
        nn.init.uniform_(self.vectors, -0.5 / size, 0.5 / size)
        self.noise: Tensor
        self.register_buffer("noise", (noise / noise.sum()).cumsum(0).float())

    @property
    def vectors(self) -> Tensor:
        """The words' own vectors."""
        return self.table.detach()[: len(self.table) // 2]

    @property
    def contexts(self) -> Tensor:
        """Those of words as neighbors."""
        return self.table.detach()[len(self.table) // 2 :]

    def draw(self, *size: int) -> Tensor:
        """Return words that are drawn as noise."""
        drawn = torch.rand(size, device=self.noise.device)
        return torch.searchsorted(self.noise, drawn).clamp_(max=len(self.noise) - 1)

    def loss(self, words: Tensor, is_near: Tensor, noise: Tensor, n_negatives: float) -> Tensor:
        """Return what the words in the middle of windows say of those around them, see `pair_loss`.

        Parameters
        ----------
        words : Tensor of shape (n_blocks, length + margins)
            Consecutive words.

        is_near : Tensor of shape (n_blocks, length, length + margins), bool
            Which of them are neighbors of those in the middle.

        noise : Tensor of shape (n_blocks, n_noise)
            Words that are drawn as noise, for all words of a block.

        n_negatives : float
            How many of them a neighbor is worth.
        """
        length, around = is_near.shape[1:]
        margin = (around - length) // 2
        others = torch.cat([words, noise], dim=1) + len(self.table) // 2
        rows = torch.cat([words[:, margin : margin + length], others], dim=1)
        loss: Tensor = _PairLoss.apply(self.table, rows, is_near, n_negatives)
        return loss


def pair_loss(scores: Tensor, is_near: Tensor, n_negatives: float) -> tuple[Tensor, Tensor]:
    r"""Return the loss of negative sampling, a mean over pairs, and its gradient.

    .. math::

        -\frac{1}{|P|} \sum_{(i, j) \in P} \Bigl[ \log \sigma(s_{ij})
        + \frac{k}{|N|} \sum_{n \in N} \log \sigma(-s_{in}) \Bigr]

    The noise N is shared by all words of a block, and weighs as much as k words that are drawn
    for every pair.

    Parameters
    ----------
    scores : Tensor of shape (n_blocks, length, n_near + n_noise)
        Products of words with those around them, and with noise.

    is_near : Tensor of shape (n_blocks, length, n_near), bool
        Which of the words around are in P.

    n_negatives : float
        The number k.
    """
    n_near = is_near.shape[2]
    n_pairs = is_near.sum(dim=2, keepdim=True)
    share = 1 / n_pairs.sum().clamp(min=1)
    weights = torch.empty_like(scores)
    torch.mul(is_near, share, out=weights[..., :n_near])
    weights[..., n_near:] = n_pairs * (share * n_negatives / (scores.shape[2] - n_near))
    signed = scores.clone()
    signed[..., n_near:].neg_()
    # Of a product beyond 16, single precision has no logarithm any more.
    right = signed.sigmoid_().clamp_(min=1e-7)
    loss = -(right.log().flatten() @ weights.flatten())
    gradient = right.sub_(1).mul_(weights)
    gradient[..., n_near:].neg_()
    return loss, gradient


class _PairLoss(torch.autograd.Function):
    """`pair_loss` of blocks of words. The gradient of the table is sparse."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, rows: Tensor, is_near: Tensor, n_negatives: float
    ) -> Tensor:
        # index_select, since indexing takes five times as long on a CPU.
        vectors = table.index_select(0, rows.flatten()).view(*rows.shape, -1)
        words, others = vectors.split([is_near.shape[1], rows.shape[1] - is_near.shape[1]], dim=1)
        scores = (words @ others.mT).float()  # which mixed precision makes shorter
        loss, gradient = pair_loss(scores, is_near, n_negatives)
        ctx.save_for_backward(words, others, gradient, rows)
        ctx.shape = table.shape
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        words, others, gradient, rows = ctx.saved_tensors
        gradient = gradient * given[0]
        values = torch.cat([gradient @ others, gradient.mT @ words], dim=1).flatten(0, 1)
        sparse = torch.sparse_coo_tensor(
            rows.reshape(1, -1), values, ctx.shape, check_invariants=False
        )
        return sparse, None, None, None


def bag_sums(vectors: Tensor, lengths: Tensor, words: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sums of the vectors of texts' words, zeros for a text without any."""
    starts = lengths.cumsum(0) - lengths
    return functional.embedding_bag(words, vectors, starts, mode="sum", per_sample_weights=weights)
