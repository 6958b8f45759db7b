"""Texts as input: strings, or lists of tokens, as numbers of words."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from torch import Tensor

from skgen.engine import Column
from skgen.inputs.base import Input

__all__ = ["TextInput", "WordColumn"]


class WordColumn(Column):
    """The words of every text, by their numbers, one text after the other.

    `take` gives how many words each text has, and the numbers of all these words.

    Parameters
    ----------
    words : Tensor of shape (n_words,), int32
        Numbers of words.

    n_words : Tensor of shape (n_texts,), int64
        How many of them are of each text.
    """

    def __init__(self, words: Tensor, n_words: Tensor):
        self.words = words
        self.n_words = n_words
        self.ends = n_words.cumsum(0)

    def __len__(self) -> int:
        return len(self.n_words)

    def take(self, index: slice | Tensor) -> tuple[Tensor, Tensor]:
        """Return the lengths of some texts, and all their words."""
        if isinstance(index, slice):
            index = torch.arange(len(self), device=self.words.device)[index]
        index = index.to(self.words.device)
        lengths = self.n_words[index]
        # The place of a word: how far it is from where its text begins, here and in the column.
        shifts = self.ends[index] - lengths.cumsum(0)
        places = torch.arange(int(lengths.sum()), device=self.words.device)
        places += torch.repeat_interleave(shifts, lengths)
        return lengths, self.words[places].long()

    def on(self, device: str) -> "WordColumn":
        """Return the column on that device."""
        return WordColumn(self.words.to(device), self.n_words.to(device))


class TextInput(Input):
    """An iterable of strings, or of lists of tokens, as the column ``words``.

    Parameters
    ----------
    analyzer : CountVectorizer
        What cuts a string into tokens. Lists of tokens are taken as they are.

    min_count : int
        A word occurs so many times in `fit`, or it is unknown.

    max_features : int or None
        At most so many words are known, the most frequent ones.

    keeps_unknown : bool
        Whether an unknown word has a number, one more than the last of the vocabulary, or is left
        out.

    Attributes
    ----------
    vocabulary : dict of str to int
        The numbers of the known words, which go from the most frequent to the least.

    counts : ndarray of shape (n_words,), or None
        How often each of them occurred in `fit`.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        analyzer: CountVectorizer,
        min_count: int = 1,
        max_features: int | None = None,
        keeps_unknown: bool = False,
    ):
        self.analyzer = analyzer
        self.min_count = min_count
        self.max_features = max_features
        self.keeps_unknown = keeps_unknown

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Learn the vocabulary in one pass, and return the column of X."""
        numbers: defaultdict[str, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        words, lengths = self._numbers(X, estimator, numbers.__getitem__)
        if not numbers:
            raise ValueError(
                f"empty vocabulary: none of the {len(lengths)} texts has a token. Texts that hold "
                "stop words or single letters only have none; see analyzer, token_pattern and "
                "stop_words."
            )
        counts = np.bincount(words, minlength=len(numbers))
        seen = np.array(list(numbers), dtype=object)
        order = np.lexsort((seen, -counts))  # among equally frequent ones, by the alphabet
        order = order[: np.searchsorted(-counts[order], -self.min_count, side="right")]
        order = order[: self.max_features]
        if not len(order):
            most = seen[counts.argmax()]
            raise ValueError(
                f"No word occurs min_count={self.min_count} times: the most frequent one, "
                f"{most!r}, occurs {counts.max()} times. Lower min_count, or pass more texts."
            )
        self.vocabulary: dict[str, int] = {word: n for n, word in enumerate(seen[order])}
        self.counts: NDArray | None = counts[order]
        self.row_bytes = 8 * int(lengths.max())
        ranks = np.full(len(seen), len(order), dtype=np.int32)
        ranks[order] = np.arange(len(order))
        return self._column(ranks[words], lengths)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Return the column of more texts."""
        get, unknown = self.vocabulary.get, len(self.vocabulary)
        return self._column(*self._numbers(X, estimator, lambda word: get(word, unknown)))

    def _column(self, words: NDArray, lengths: NDArray) -> dict[str, Column]:
        if not self.keeps_unknown:
            known = words < len(self.vocabulary)
            before = np.concatenate([[0], known.cumsum()])
            ends = lengths.cumsum()
            words, lengths = words[known], before[ends] - before[ends - lengths]
        return {"words": WordColumn(torch.from_numpy(words), torch.from_numpy(lengths))}

    def _numbers(
        self, X: Any, estimator: Any, number: Callable[[str], int]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the numbers of all tokens of X, and how many there are in each text."""
        words, ends = array("i"), array("q", [0])
        analyze = self.analyzer.build_analyzer()
        cuts_anew = callable(self.analyzer.analyzer) or self.analyzer.tokenizer is not None
        for row, text in enumerate(_texts(X, type(estimator).__name__)):
            words.extend(map(number, _tokens(text, row, analyze, cuts_anew)))
            ends.append(len(words))
        if len(ends) == 1:
            raise ValueError(
                f"Found array with 0 sample(s): X has no texts, and {type(estimator).__name__} "
                "needs at least one. A generator gives its texts only once."
            )
        lengths: NDArray = np.diff(np.array(ends, dtype=np.int64))
        return np.array(words, dtype=np.int32), lengths


def _texts(X: Any, name: str) -> Iterable[Any]:
    """Return what to take texts from, one by one; a table of one column is that column."""
    if isinstance(X, str | bytes):
        raise ValueError(
            f"Iterable over raw text documents expected, string object received: {name} takes a "
            "list of texts, [text] for a single one."
        )
    columns = getattr(X, "columns", None)
    if columns is not None and not isinstance(X, Mapping) and len(columns) == 1:
        return _texts(X[columns[0]], name)
    shape: tuple[int, ...] = getattr(X, "shape", (0,))
    if isinstance(X, np.ndarray) and X.ndim == 2 and shape[1] == 1:
        return X[:, 0]
    if isinstance(X, Mapping) or len(shape) != 1:
        raise ValueError(
            f"{name} takes an iterable of texts, got a {type(X).__name__}"
            + (f" of shape {tuple(shape)}" if len(shape) != 1 else "")
            + '. Of a table, pass one column: X["text"].'
        )
    if not isinstance(X, Iterable):
        raise ValueError(f"{name} takes an iterable of texts, got {X!r}.")
    return X


def _tokens(
    text: Any, row: int, analyze: Callable[[Any], Iterable[str]], cuts_anew: bool
) -> Iterable[str]:
    """Return the tokens of one text, which is a string, or a sequence of tokens."""
    if isinstance(text, str | bytes):
        try:
            tokens = analyze(text)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"Row {row} holds bytes that are not UTF-8 ({error}). Decode them first: "
                'text.decode("latin-1"), or whatever they are in.'
            ) from error
        if not cuts_anew:
            return tokens
        if not isinstance(tokens, Iterable):
            raise ValueError(
                f"The analyzer, or tokenizer, returned {tokens!r} of row {row}. It has to return "
                "a list of strings."
            )
        what = "is cut into tokens, one of which is"
    elif _is_sequence(text):
        tokens, what = text, "is a list of tokens and holds"
    else:
        raise ValueError(
            f"Row {row} is {text!r}, which is no text. Leave it out, or fill it with an empty one: "
            'X.fillna("").'
        )
    tokens = list(tokens)
    for token in tokens:
        if not isinstance(token, str):
            raise ValueError(f"Row {row} {what} {token!r}, which is no string.")
    return tokens


def _is_sequence(text: Any) -> bool:
    """Whether it is a list, a tuple, an array, or a series as polars has them in a column."""
    return (
        hasattr(text, "__len__")
        and hasattr(text, "__getitem__")
        and not isinstance(text, Mapping | bytearray | memoryview)
        and len(getattr(text, "shape", (0,))) == 1
    )
