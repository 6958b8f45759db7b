"""Where the right one comes among others: what the models of texts are scored by."""

import numpy as np
from numpy.typing import NDArray

from skgen.inputs import WordColumn

__all__ = ["N_OTHERS", "neighbor_pairs", "rank_of_next", "reciprocal_ranks"]

# Others among which the right one is looked for.
N_OTHERS = 99

# Pairs of neighboring words that are looked at.
_N_PAIRS = 10_000


def reciprocal_ranks(scores: NDArray) -> NDArray:
    """Return one over the rank of the first column in every row; equal ones share their ranks."""
    above = (scores[:, 1:] > scores[:, :1]).sum(axis=1)
    beside = (scores[:, 1:] == scores[:, :1]).sum(axis=1)
    ranks: NDArray = 1 / (1 + above + beside / 2)
    return ranks


def neighbor_pairs(column: WordColumn, window: int, random: np.random.Generator) -> NDArray:
    """Return some of the pairs of neighbors in texts: (n_pairs, 2)."""
    words, lengths = column.words.numpy(), column.n_words.numpy()
    texts = np.repeat(np.arange(len(column)), lengths)
    found = [np.empty((0, 2), words.dtype)]
    for distance in range(1, min(window + 1, lengths.max())):
        same = np.flatnonzero(texts[distance:] == texts[:-distance])
        some = random.permutation(same)[:_N_PAIRS]
        # As many of every distance as there are of it, and both of a pair as the neighbor.
        pair = np.column_stack([words[some], words[some + distance]])
        found.append(np.concatenate([pair, pair[:, ::-1]]))
    return random.permutation(np.concatenate(found))[:_N_PAIRS]


def rank_of_next(codes: NDArray, groups: NDArray) -> float:
    """Return the mean reciprocal rank of the true next sentence among others, by the cosine."""
    order = groups.argsort(kind="stable")
    places = np.flatnonzero(groups[order][1:] == groups[order][:-1])
    if not len(places):
        raise ValueError("No sentence of X has another one after it.")
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    directions = (codes / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    n_rows, random, ranks = len(codes), np.random.default_rng(0), []
    for pair in zip(order[places], order[places + 1], strict=True):
        # Neither the sentence, which nobody would take for the next one, nor that.
        if n_rows - 2 <= N_OTHERS:
            others = np.delete(np.arange(n_rows), pair)
        else:
            others = random.integers(n_rows - 2, size=N_OTHERS)
            for taken in sorted(pair):
                others += others >= taken
        cosines = directions[np.append(pair[1], others)] @ directions[pair[0]]
        ranks.append(reciprocal_ranks(cosines[None])[0])
    return float(np.mean(ranks))
