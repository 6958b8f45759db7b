"""Word vectors that say which words stand around."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import StrOptions
from skgen.engine import Batches, Column, Engine, Progress, RowAdagrad, Turn, seeded
from skgen.exceptions import warn
from skgen.inputs import TextInput, WordColumn
from skgen.networks.words import WordVectors, bag_sums
from skgen.parameters import COUNT, NOT_NEGATIVE, checked_count, override, parameter
from skgen.text._base import BaseTextModel
from skgen.text._ranks import N_OTHERS, neighbor_pairs, reciprocal_ranks
from skgen.text._windows import Windows
from skgen.text._word2vec import read_word2vec, write_word2vec

__all__ = ["SkipGram"]

# Texts from which the direction is learned that SIF takes out.
_N_FOR_COMMON = 20_000

# What a word weighs by SIF: a / (a + share of the word), [3].
_SIF = 1e-3


@dataclass(frozen=True)
class _Objective:
    """The loss of blocks of words, with windows and noise drawn anew."""

    window: int
    n_negatives: int

    def __call__(self, module: Any, batch: Mapping[str, Any], state: Progress) -> Tensor:
        """Return the loss of negative sampling, a mean over pairs of neighbors."""
        words, texts, middle = batch["words"], batch["texts"], batch["middle"]
        length = middle.shape[1]
        margin = (words.shape[1] - length) // 2
        distances = _distances(length, margin).to(words.device)
        # Windows shrink at random, so that near words count for more.
        size = len(words), length, 1
        reach = torch.randint(1, self.window + 1, size, device=words.device)
        is_near = distances <= reach.clamp_(max=margin).to(distances.dtype)
        is_near &= middle[:, :, None] == texts[:, None]
        vectors: WordVectors = module["words"]
        noise = vectors.draw(len(words), length)
        return vectors.loss(words, is_near, noise, self.n_negatives)


@lru_cache(maxsize=8)
def _distances(length: int, margin: int) -> Tensor:
    """Return how far the words of a block are from those in its middle."""
    places = torch.arange(length + 2 * margin)
    distances = (places - margin - places[:length, None]).abs()
    distances[distances == 0] = margin + 1  # no word is its own neighbor
    return distances.short() if length + margin < 1 << 15 else distances.int()


@final
class SkipGram(BaseTextModel):
    r"""Vectors of words, which are learned from the words around them, and of texts.

    A word's vector is to say which words stand around it in the texts. `transform` returns the mean
    of the vectors of a text's words, which goes into a pipeline ahead of a classifier. Nothing is
    downloaded: vectors are of the vocabulary of X, such as product codes, messages of a log, or a
    language of long ago.

    Attributes
    ----------
    word_vectors_ : ndarray of shape (n_words, n_components)
        The vectors of the vocabulary, in its order.

    context_vectors_ : ndarray of shape (n_words, n_components)
        What a word's vector is multiplied by to say how likely that other word is around it.

    common_component_ : ndarray of shape (n_components,)
        The direction that texts have in common, with ``weighting="sif"``.

    See Also
    --------
    SkipThought : Learns vectors of sentences from the sentences around them.

    Notes
    -----
    For every word c and its neighbors o, at most `window` words away, training minimizes

    .. math::

        -\log \sigma(u_o^\top v_c) - \sum_{n=1}^{k} \log \sigma(-u_{w_n}^\top v_c),
        \qquad w_n \sim q(w) \, p(w)^{3/4}

    where v are `word_vectors_`, u `context_vectors_`, and k is `n_negatives` [1]_. The window of
    every word shrinks at random, and frequent words are left out at random, as published: q is the
    share of a word that is kept. Noise is thinned out by the same q, which is not as published, and
    tells the neighbors of a novel that was held out from noise better than without.

    Words come in blocks of 32, which share their noise as in [2]_, so that all products of a block
    are one product of matrices. Gradients are written down, not traced. Steps are Adagrad's, with a
    rate of its own for every word, so that one which occurs many times in a batch does not move too
    far, and one which is rare moves far enough.

    References
    ----------
    .. [1] T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of
       words and phrases and their compositionality", NeurIPS 2013.
    .. [2] S. Ji, N. Satish, S. Li, P. Dubey, "Parallelizing word2vec in shared and distributed
       memory", arXiv:1604.04661, 2016.
    .. [3] S. Arora, Y. Liang, T. Ma, "A simple but tough-to-beat baseline for sentence
       embeddings", ICLR 2017.

    Examples
    --------
    >>> from skgen import SkipGram
    >>> texts = ["the cat sat on the mat", "the dog sat on the rug"] * 50
    >>> model = SkipGram(8, random_state=0).fit(texts)
    >>> model.transform(["a cat on a rug"]).shape
    (1, 8)
    >>> len(model.most_similar("cat", n=3))
    3
    """

    n_components: int = parameter(
        100,
        COUNT,
        """Length of the vectors.""",
        positional=True,
    )
    window: int = parameter(
        5,
        COUNT,
        """How many words away a neighbor is at most.""",
    )
    n_negatives: int = parameter(
        5,
        COUNT,
        """How many words that are drawn at random a neighbor is told apart from.""",
    )
    subsample: float = parameter(
        1e-3,
        NOT_NEGATIVE,
        """Words that make up a larger share of the texts than this are left out at random, the more
        the more frequent they are. 0 leaves out none.""",
    )
    weighting: str = parameter(
        "mean",
        [StrOptions({"mean", "sif"})],
        """How the words of a text count in `transform`: alike, or the less the more frequent they
        are, and without the direction that all texts have in common ("smooth inverse
        frequency").""",
    )
    max_epochs: int | None = override(
        None,
        """Passes over the texts. None stands for 5, or for as many as make 1,000 updates if there
        are few texts, but 50 at most.""",
    )
    batch_size: int = override(
        2048,
        """About how many words a step learns from. Of few texts it is a hundredth of their words,
        but 256 at least, if that is less.""",
    )
    lr: float = override(0.07)
    lr_schedule: str | Callable[[float], float] = override("constant")
    optimizer: type[torch.optim.Optimizer] = parameter(
        RowAdagrad,
        [type],
        """What takes the steps; also another class that takes sparse gradients, such as
        `torch.optim.SparseAdam`, which wants another `lr`.""",
        kind="type",
    )

    if TYPE_CHECKING:
        input_: TextInput
        common_component_: NDArray

    # What the model says

    def _module(self) -> nn.Module:
        counts = self.input_.counts
        noise = torch.ones(1)  # of vectors that are read from a file, which are not trained
        if counts is not None:
            # Thinned out as the texts are: a frequent word should not be noise more often than it
            # is a neighbor, or its vector says that it stands beside nothing.
            noise = torch.from_numpy(counts**0.75) * self._kept()
        n_words = len(self.vocabulary_)
        return nn.ModuleDict({"words": WordVectors(n_words, self.n_components, noise)})

    def _turns(self) -> list[Turn]:
        return [Turn(("words",), _Objective(self.window, self.n_negatives))]

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        column = cast(WordColumn, columns["words"])
        if len(self.vocabulary_) == 1:
            (word,) = self.vocabulary_
            raise ValueError(
                f"The vocabulary is a single word, {word!r}, and words are known by other words "
                f"beside them. Lower min_count, which is {self.min_count}, or pass more texts."
            )
        n_words = column.n_words if rows is None else column.n_words[torch.from_numpy(rows)]
        if not (n_words > 1).any():
            raise ValueError(
                f"No text has two words of the vocabulary, and {type(self).__name__} learns from "
                "words that stand side by side. Pass longer texts, or lower min_count, which is "
                f"{self.min_count}."
            )
        kept = self._kept()
        n_kept = float(kept @ torch.from_numpy(self._counts()).float())
        if n_kept < 2:
            warn(
                f"subsample={self.subsample} leaves {n_kept:.2g} of {self._counts().sum()} words "
                "in a pass, and it takes two to learn from. Of few words, each makes up a large "
                "share: raise it, or set it to 0, which leaves all.",
                UserWarning,
            )
        batch_size = min(self.batch_size, max(256, round(n_kept / 100)))
        return Windows(column, batch_size, self.window, kept, rows)

    def _counts(self) -> NDArray:
        """Return how often words occurred in training."""
        check_is_fitted(self)
        if self.input_.counts is None:
            raise ValueError(
                f"The vectors of this {type(self).__name__} were read from a file, which does not "
                "say how frequent words are, nor what they are as neighbors. This takes a model "
                "that was fitted to texts."
            )
        return self.input_.counts

    def _kept(self) -> Tensor:
        """Return the share of every word that is kept [1]."""
        counts = self._counts()
        shares = torch.from_numpy(counts / counts.sum())
        if not self.subsample:
            return torch.ones(len(shares))
        ratio = self.subsample / shares
        return (ratio.sqrt() + ratio).clamp(max=1).float()

    def _net_settings(self) -> dict[str, Any]:
        settings = super()._net_settings()
        if "fused" in signature(settings["optimizer"]).parameters:
            settings.setdefault("optimizer__fused", False)  # torch's refuse sparse gradients
        return settings

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "n_components": self.n_components}

    def _word_table(self, net: Engine) -> nn.Parameter:
        table: nn.Parameter = net.module_["words"].table
        return table

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-1000 // n_batches), 5, 50))

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        if hasattr(self, "input_") and (options.get("partial") or self.warm_start):
            self._counts()
        columns = super()._learn(X, y, **options)
        self.__dict__.pop("common_component_", None)
        if self.weighting == "sif":
            some = np.arange(0, len(columns["words"]), 1 + len(columns["words"]) // _N_FOR_COMMON)
            sums = self._sums(columns, some)
            self.common_component_ = np.linalg.eigh(sums.T @ sums)[1][:, -1]
        return columns

    # Texts

    def _sums(self, columns: Mapping[str, Column], rows: NDArray | None = None) -> NDArray:
        """Return the weighted means of the words of texts."""
        vectors = self._network()["words"].vectors
        weights = vectors.new_ones(len(vectors))
        if self.weighting == "sif":
            counts = torch.from_numpy(self._counts())
            weights = (_SIF / (_SIF + counts / counts.sum())).float()
        weights = weights.to(vectors.device)

        def means(texts: tuple[Tensor, Tensor]) -> Tensor:
            lengths, words = texts
            sums = bag_sums(vectors, lengths, words, weights[words])
            return sums / lengths.clamp(min=1)[:, None]

        found: NDArray = self._apply(means, columns, rows)
        return found

    def _encode(self, columns: Mapping[str, Column]) -> NDArray:
        vectors = self._sums(columns)
        if self.weighting == "sif":
            if not hasattr(self, "common_component_"):
                raise ValueError(
                    'weighting="sif" takes out what the texts of fit have in common, and in fit it '
                    'was "mean". Fit again.'
                )
            common = self.common_component_.astype(vectors.dtype)
            vectors -= np.outer(vectors @ common, common)
        lengths = cast(WordColumn, columns["words"]).n_words
        self._warn_of_unknown(int((lengths == 0).sum()), len(lengths))
        return vectors

    def score(self, X: Any, y: Any = None) -> float:
        """Return how well the vectors say which words stand around which, in other texts.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Texts, best others than those of `fit`.

        y : None
            Ignored.

        Returns
        -------
        score : float
            Mean reciprocal rank of a neighbor among 99 words that are drawn by the 3/4th power of
            their frequency, over up to 10,000 pairs of known words, the same ones in every call.
            1 is best, and .052 is chance.
        """
        likely = self._counts() ** 0.75
        column = cast(WordColumn, self.input_.columns(X, self)["words"])
        random = np.random.default_rng(0)
        pairs = neighbor_pairs(column, self.window, random)
        if not len(pairs):
            raise ValueError("No text of X has two words of the vocabulary.")
        noise = random.choice(len(likely), (len(pairs), N_OTHERS), p=likely / likely.sum())
        candidates = np.column_stack([pairs[:, 1], noise])
        scores = np.concatenate(
            [
                np.einsum("nd,nkd->nk", self.word_vectors_[words], self.context_vectors_[others])
                for words, others in zip(
                    np.array_split(pairs[:, 0], 10), np.array_split(candidates, 10), strict=True
                )
            ]
        )
        return float(reciprocal_ranks(scores).mean())

    @property
    def _n_features_out(self) -> int:
        return self.word_vectors_.shape[1]

    # Words

    @property
    def word_vectors_(self) -> NDArray:
        """The vectors of the vocabulary, which cannot be written to."""
        return _read_only(self.net_.module_["words"].vectors)

    @property
    def context_vectors_(self) -> NDArray:
        """The vectors of words as neighbors, which cannot be written to."""
        return _read_only(self.net_.module_["words"].contexts)

    def most_similar(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the words whose vectors point in the most similar directions.

        Parameters
        ----------
        word : str
            A word of the vocabulary.

        n : int, default=10
            How many.

        Returns
        -------
        similar : list of (str, float)
            Words and the cosines of their angles with the word, the largest first.
        """
        return self._nearest(self._directions()[self._number(word)], {word}, n)

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the words that are to c as b is to a.

        Parameters
        ----------
        a, b, c : str
            Words of the vocabulary: "man", "king" and "woman" ask for "queen".

        n : int, default=10
            How many.

        Returns
        -------
        words : list of (str, float)
            Words and the cosines of their angles with ``b - a + c``, of vectors of length 1, the
            largest first.
        """
        of_a, of_b, of_c = self._directions()[[self._number(word) for word in (a, b, c)]]
        return self._nearest(of_b - of_a + of_c, {a, b, c}, n)

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of the angle between the vectors of two words.

        Parameters
        ----------
        a, b : str
            Words of the vocabulary.
        """
        of_a, of_b = _unit(self.word_vectors_[[self._number(a), self._number(b)]])
        return float(of_a @ of_b)

    def _number(self, word: str) -> int:
        check_is_fitted(self)
        if not isinstance(word, str):
            raise ValueError(f"A word is a string, got {word!r}. Ask for one at a time.")
        if word not in self.vocabulary_:
            close = difflib.get_close_matches(word.lower(), self.vocabulary_, n=3)
            meant = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
            why = f"occur at least min_count={self.min_count} times in the texts of fit"
            if self.max_features is not None:
                why += f", and are the max_features={self.max_features} most frequent ones"
            if self.input_.counts is None:
                why = "stand in the file that was read"
            raise ValueError(f"{word!r} is not in the vocabulary, whose words {why}.{meant}")
        return self.vocabulary_[word]

    def _directions(self) -> NDArray:
        check_is_fitted(self)
        return _unit(self.word_vectors_)

    def _nearest(self, direction: NDArray, without: set[str], n: int) -> list[tuple[str, float]]:
        n, words = checked_count("n", n), list(self.vocabulary_)
        cosines = self._directions() @ _unit(direction[None])[0]
        order = np.argsort(-cosines, kind="stable")[: n + len(without)].tolist()
        found = [(words[number], float(cosines[number])) for number in order]
        return [(word, cosine) for word, cosine in found if word not in without][:n]

    # Files

    def to_word2vec(self, path: str | Path) -> None:
        """Write the word vectors in word2vec's text format, which gensim and others read.

        Parameters
        ----------
        path : str or Path
            The file, which is written anew.

        Raises
        ------
        ValueError
            If a word holds white space, which the format cannot. Nothing is written then.
        """
        check_is_fitted(self)
        write_word2vec(path, self.vocabulary_, self.word_vectors_)

    @classmethod
    def from_word2vec(cls, path: str | Path, **params: Any) -> Self:
        """Return a model whose vectors are read from a file in word2vec's text format.

        It knows words, `transform` and comparisons, but cannot be trained any further, and does not
        know how frequent words are, which ``weighting="sif"`` asks for.

        Parameters
        ----------
        path : str or Path
            The file.

        **params : dict
            Parameters of the model, such as `token_pattern`; `n_components` is what the file
            says.

        Returns
        -------
        model : SkipGram
            A fitted one.

        Raises
        ------
        ValueError
            If the file is not in that format; the message names the line.
        """
        words, vectors = read_word2vec(path)
        model = cls(**{**params, "n_components": vectors.shape[1]})
        model._validate_params()
        model.input_, model.target_input_ = model._input(), None
        model.input_.vocabulary = {word: number for number, word in enumerate(words)}
        model.input_.counts = None
        with seeded(0):  # for weights that are overwritten, so that nobody's generator moves
            net = Engine(model._module(), model._turns(), device="cpu", optimizer=model.optimizer)
            model.net_ = net.initialize()
        net.module_["words"].vectors.copy_(torch.from_numpy(vectors))
        return model


def _unit(vectors: NDArray) -> NDArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _read_only(weight: Tensor) -> NDArray:
    array: NDArray = weight.cpu().numpy()
    array.flags.writeable = False
    return array
