"""Sentence vectors that say which sentences stand around."""

import copy
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import Interval, StrOptions, _fit_context
from skgen.engine import Batches, Column, Engine, TensorColumn, Turn, seeded
from skgen.exceptions import warn
from skgen.inputs import GroupInput, Input, TextInput, WordColumn
from skgen.networks.sentences import (
    SentenceDecoder,
    SentenceEncoder,
    SentenceMatcher,
    counts_of,
)
from skgen.parameters import COUNT, checked_count, override, parameter
from skgen.text._base import BaseTextModel
from skgen.text._neighbors import Neighbors
from skgen.text._objectives import Decoding, Matching
from skgen.text._ranks import rank_of_next
from skgen.text._skip_gram import SkipGram

__all__ = ["SkipThought"]


def _decodes(model: "SkipThought") -> bool:
    """Whether the model has decoders, or raise an error that says why it has none."""
    if model.objective != "decode":
        raise AttributeError(
            f'generate_next needs objective="decode", which trains decoders; it is '
            f"{model.objective!r}."
        )
    return True


@final
class SkipThought(BaseTextModel):
    r"""Vectors of sentences, which are learned from the sentences around them.

    X holds sentences in the order in which they were written. A sentence's vector is to say which
    sentence follows, either by choosing it among others or by decoding it word by word.
    `transform` returns these vectors, which go into a pipeline ahead of a classifier.

    Attributes
    ----------
    word_vectors_ : ndarray of shape (n_words, n_word_components)
        What the encoder takes words for, in the order of the vocabulary.

    See Also
    --------
    SkipGram : Learns vectors of words, in less time and from less text.

    Notes
    -----
    With the encoder f, ``"classify"`` minimizes for neighbors s and t, in a batch B,

    .. math::

        -\tfrac{1}{2} \log \frac{e^{a \cos(f(s), f(t))}}{\sum_{t' \in B} e^{a \cos(f(s), f(t'))}}
        -\tfrac{1}{2} \log \frac{e^{a \cos(f(s), f(t))}}{\sum_{s' \in B} e^{a \cos(f(s'), f(t))}}

    where the scale a is learned. This is [2]_ with one encoder for both sides and cosines for
    products: with two encoders, novels of half a million words were too little. ``"decode"`` is
    [1]_. For a sentence s with words of its neighbors t before and after it, it minimizes

    .. math::

        -\sum_{t} \sum_k \log p(t_k \mid t_1, \dots, t_{k-1}, f(s))

    with a recurrent decoder for each side, which is given the true words so far, and f(s) at every
    step.

    References
    ----------
    .. [1] R. Kiros et al., "Skip-thought vectors", NeurIPS 2015.
    .. [2] L. Logeswaran, H. Lee, "An efficient framework for learning sentence representations",
       ICLR 2018.

    Examples
    --------
    >>> from skgen import SkipThought
    >>> story = ["it rained all day", "the rain went on", "a dog barked", "dogs bark a lot"] * 20
    >>> model = SkipThought(8, random_state=0, max_epochs=5).fit(story)
    >>> model.transform(["a rainy day"]).shape
    (1, 8)
    """

    n_components: int = parameter(
        300,
        COUNT,
        """Length of the vectors.""",
        positional=True,
    )
    objective: str = parameter(
        "classify",
        [StrOptions({"classify", "decode"})],
        """What training asks of a vector: to tell the true neighbor from other sentences of the
        batch, or to say both neighbors word by word, which takes many times as long.""",
    )
    encoder: str = parameter(
        "bag",
        [StrOptions({"bag", "gru", "lstm"})],
        """How words become a sentence: in any order, or read one after the other by a recurrent
        network.""",
    )
    pooling: str = parameter(
        "mean",
        [StrOptions({"mean", "max", "last"})],
        """What of the words, or of the states after each of them, becomes the vector. ``"last"`` is
        of a recurrent network alone.""",
    )
    n_word_components: int = parameter(
        100,
        COUNT,
        """Length of the vectors of words. Those of a bag are as long as those of sentences.""",
    )
    word_dropout: float = parameter(
        0.5,
        [Interval(Real, 0, 1, closed="left")],
        """Share of a sentence's words that the encoder does without in training.""",
    )
    max_length: int | None = parameter(
        50,
        [*COUNT, None],
        """Words of a sentence that a recurrent encoder reads, and that a decoder says, at most. A
        warning says how many sentences are longer. None takes all.""",
    )
    n_noise: int | None = parameter(
        500,
        [*COUNT, None],
        """How many words, drawn for every batch, a decoder tells the true word apart from in
        training. None takes all of the vocabulary, which takes long.""",
    )
    max_features: int | None = override(20_000)
    lr: float = override(3e-3)

    if TYPE_CHECKING:
        input_: TextInput

    _keeps_unknown: ClassVar[bool] = True

    # What the model says

    def _target_input(self) -> Input:
        return GroupInput()

    def _module(self) -> nn.Module:
        counts = torch.from_numpy(cast(NDArray, self.input_.counts)).double()
        encoder = SentenceEncoder(
            len(counts),
            self.n_components,
            self.n_word_components,
            self.encoder,
            self.pooling,
            self.max_length,
            # Vectors of rare words are longer at first, as if they were tf-idf's.
            -(counts / counts.sum()).clamp(max=0.5).log() / 10,
        )
        if self.objective == "classify":
            return nn.ModuleDict({"encoder": encoder, "matcher": SentenceMatcher()})
        n_others = torch.tensor([1.0, 1.0]) * counts.max()  # unknown words, and ends
        noise = torch.cat([counts, n_others]) ** 0.75
        kind = "gru" if self.encoder == "bag" else self.encoder
        sizes = len(counts), self.n_components, self.n_word_components
        decoders = {
            name: SentenceDecoder(*sizes, kind, noise, self.n_noise) for name in ("before", "after")
        }
        return nn.ModuleDict({"encoder": encoder, **decoders})

    def _turns(self) -> list[Turn]:
        if self.objective == "classify":
            return [Turn(("encoder", "matcher"), Matching(self.word_dropout))]
        loss = Decoding(self.word_dropout, self.max_length)
        return [Turn(("encoder", "before", "after"), loss)]

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        if self.encoder == "bag" and self.pooling == "last":
            raise ValueError(
                'pooling="last" is the state after the last word, and a bag has no order: take '
                '"mean" or "max", or encoder="gru".'
            )
        column, groups = cast(WordColumn, columns["words"]), columns.get("group")
        of_groups = None if groups is None else cast(TensorColumn, groups).tensor.cpu()
        chooses = self.objective == "classify"
        n_words = column.n_words
        if chooses:  # a vector of unknown words is zeros, and has no direction
            n_words = counts_of(column.n_words, column.words < len(self.vocabulary_))
        batches = Neighbors(column, of_groups, self.batch_size, chooses, n_words > 0, rows)
        if not len(batches):
            raise ValueError(
                "No sentence has another one with words beside it, and SkipThought learns from "
                "neighbors. Pass sentences in their order, and as groups what several of them "
                "belong to, such as chapters."
            )
        if chooses and min(len(batches), self.batch_size) == 1:
            which = "batch_size=1" if self.batch_size == 1 else "a single pair of neighbors"
            raise ValueError(
                f'objective="classify" tells the true neighbor from those of other sentences in '
                f"the batch, and of {which} there are none. Pass more sentences at a time, or take "
                'a larger batch_size, or objective="decode".'
            )
        return batches

    def _split(self, columns: Mapping[str, Column], seed: int) -> tuple[NDArray, NDArray]:
        # Neighbors stay together: the last sentences are set aside.
        return self._cut(np.arange(len(columns["words"]))[::-1], of="sentences")

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-1000 // n_batches), 5, 50))

    def _built_with(self) -> dict[str, Any]:
        names = ["objective", "encoder", "pooling", "n_components", "n_word_components"]
        names += ["max_length", "n_noise"]
        return {**super()._built_with(), **{name: getattr(self, name) for name in names}}

    def _word_table(self, net: Engine) -> nn.Parameter:
        table: nn.Parameter = net.module_["encoder"].words
        return table

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        self._warn_of_length(cast(WordColumn, columns["words"]))
        return columns

    def _warn_of_length(self, column: WordColumn) -> None:
        if self.max_length is None or (self.encoder == "bag" and self.objective == "classify"):
            return
        n_long = int((column.n_words > self.max_length).sum())
        if n_long:
            warn(
                f"{n_long} of {len(column)} sentences have more than max_length={self.max_length} "
                "words. Recurrent networks read that many of them.",
                UserWarning,
            )

    # Public

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: ArrayLike | None = None,
        X_val: Any = None,
        groups_val: ArrayLike | None = None,
    ) -> Self:
        """Learn from sentences in their order.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Sentences.

        y : None
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            What every sentence belongs to, such as a chapter. Sentences of different groups are no
            neighbors. None stands for a single one.

        X_val : iterable of str, or of lists of tokens, default=None
            Other sentences, whose loss is measured after every epoch, which `early_stopping` goes
            by.

        groups_val : array-like, default=None
            What these belong to.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing():
            self._fit(X, groups=groups, X_val=X_val, groups_val=groups_val)
        return self

    def _fit(
        self, X: Any, *, groups: Any = None, X_val: Any = None, groups_val: Any = None
    ) -> dict[str, Column]:
        return self._learn(X, groups, X_val=X_val, y_val=groups_val)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, *, groups: ArrayLike | None = None) -> Self:
        """Learn from one more chunk of sentences: one pass at a constant rate.

        The first chunk also fixes the vocabulary: words that only later chunks have stay unknown.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Sentences. The last one of a chunk and the first one of the next are no neighbors.

        y : None
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            What every sentence belongs to.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, groups, partial=True)
        return self

    def _encode(self, columns: Mapping[str, Column]) -> NDArray:
        column = cast(WordColumn, columns["words"])
        encoder = self._network()["encoder"]
        codes: NDArray = self._apply(lambda words: encoder(*words), {"words": column})
        self._warn_of_unknown(int((codes == 0).all(axis=1).sum()), len(column))
        self._warn_of_length(column)
        return codes

    def score(self, X: Any, y: Any = None, *, groups: ArrayLike | None = None) -> float:
        """Return how well vectors say which sentence comes next.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Sentences in their order, best others than those of `fit`.

        y : None
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            What every sentence belongs to.

        Returns
        -------
        score : float
            Mean reciprocal rank of the true next sentence among 100 of X, by the cosine of the
            vectors. The 99 others are the same ones in every call; of less than 100 sentences they
            are all others. 1 is best, and .052 is chance among 100.
        """
        check_is_fitted(self)
        columns = self.input_.columns(X, self)
        encoder = self._network()["encoder"]
        codes = self._apply(lambda words: encoder(*words), columns)
        group: Any = GroupInput().columns(groups, self).get("group")
        numbers = np.zeros(len(codes), int) if group is None else group.tensor.numpy()
        if len(numbers) != len(codes):
            raise ValueError(f"X has {len(codes)} sentences, and there are {len(numbers)} groups.")
        return rank_of_next(codes, numbers)

    @available_if(_decodes)
    def generate_next(
        self,
        X: Any,
        *,
        temperature: float = 0.0,
        max_length: int = 30,
        random_state: int | np.random.RandomState | None = None,
    ) -> list[str]:
        """Return a likely next sentence for every sentence.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Sentences.

        temperature : float, default=0.0
            0 takes the likeliest word at every step. With 1 words are drawn as likely as they are,
            and with less, likely ones more often.

        max_length : int, default=30
            Words at most.

        random_state : int, RandomState instance or None, default=None
            What words are drawn with.

        Returns
        -------
        sentences : list of str
            Words, joined by spaces.
        """
        check_is_fitted(self)
        if not (isinstance(temperature, Real) and 0 <= temperature < np.inf):
            raise ValueError(
                f"temperature has to be a finite number of at least 0, got {temperature!r}."
            )
        n_words = checked_count("max_length", max_length)
        columns, network = self.input_.columns(X, self), self._network()
        vocabulary = list(self.vocabulary_)
        end = network["after"].end

        def say(words: tuple[Tensor, Tensor]) -> list[str]:
            written = network["after"].write(network["encoder"](*words), n_words, temperature)
            return [
                " ".join(vocabulary[number] for number in sentence if number != end)
                for sentence in written.tolist()
            ]

        with seeded(int(check_random_state(random_state).randint(2**31 - 1))):
            said: list[str] = self._apply(say, columns)
        return said

    def expand_vocabulary(self, words: SkipGram) -> Self:
        """Add the words of a fitted `SkipGram` that are unknown so far [1].

        A linear map from its vectors to those that the encoder takes words for is fitted to the
        words which both know, and gives the vectors of the others.

        Parameters
        ----------
        words : SkipGram
            A model that was fitted to more texts, or whose vectors were read from a file.

        Returns
        -------
        self : object
            The estimator.
        """
        check_is_fitted(self)
        if not isinstance(words, SkipGram):
            raise TypeError(
                f"expand_vocabulary takes a fitted SkipGram, got a {type(words).__name__}. Vectors "
                "of other programs come by SkipGram.from_word2vec."
            )
        check_is_fitted(words)
        known, given = self.vocabulary_, words.vocabulary_
        shared = [word for word in known if word in given]
        new = [word for word in given if word not in known]
        if len(shared) < words.word_vectors_.shape[1]:
            raise ValueError(
                f"{len(shared)} words are in both vocabularies, and a linear map of vectors of "
                f"length {words.word_vectors_.shape[1]} takes at least that many."
            )
        theirs = words.word_vectors_[[given[word] for word in shared]]
        ours = self.word_vectors_[[known[word] for word in shared]]
        to_ours = np.linalg.lstsq(theirs, ours, rcond=None)[0]
        added = words.word_vectors_[[given[word] for word in new]] @ to_ours
        wider = copy.copy(self.input_)
        wider.vocabulary = known | {word: len(known) + n for n, word in enumerate(new)}
        encoder = self.net_.module_["encoder"]
        encoder.added = torch.cat([encoder.added, torch.from_numpy(added).to(encoder.added)])
        self.input_ = wider
        return self

    @property
    def _n_features_out(self) -> int:
        n_components: int = self.net_.module_["encoder"].n_components
        return n_components

    @property
    def word_vectors_(self) -> NDArray:
        """What the encoder takes words for, which cannot be written to."""
        vectors: NDArray = self.net_.module_["encoder"].table()[:-1].detach().cpu().numpy()
        vectors.flags.writeable = False
        return vectors
