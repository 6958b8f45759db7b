"""What models of texts share: how texts become words, and words a progress bar."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNet
from torch import nn

from skgen._sklearn import StrOptions, _fit_context
from skgen.base import IncrementalModel
from skgen.engine import Batches, Column, Engine, FitProgress
from skgen.exceptions import warn
from skgen.inputs import TextInput
from skgen.parameters import COUNT, parameter

__all__ = ["BaseTextModel"]


class BaseTextModel(TransformerMixin, ClassNamePrefixFeaturesOutMixin, IncrementalModel, ABC):
    """Base class of the models that learn from texts.

    X is an iterable of strings, which are cut into tokens as by scikit-learn's `CountVectorizer`,
    or of lists of tokens.
    """

    _fitted: ClassVar[Mapping[str, str | None]] = {  # type: ignore[assignment]
        "vocabulary_ : dict of str to int": """The numbers of the known words, from the most
            frequent to the least.""",
        "scaling_ : Scaling": None,
        "n_features_in_ : int": None,
        "feature_names_in_ : ndarray of shape (n_features,)": None,
        "input_ : Input": "What `fit` learned of the texts: vocabulary, and counts of words.",
    }

    if TYPE_CHECKING:
        n_components: int

    min_count: int = parameter(
        5,
        COUNT,
        """How often a word occurs in the texts of `fit`, at least; one that is rarer is
        unknown.""",
    )
    max_features: int | None = parameter(
        None,
        [*COUNT, None],
        """How many words are known at most, the most frequent ones.""",
    )
    analyzer: str | Callable[[str], Sequence[str]] = parameter(
        "word",
        [StrOptions({"word", "char", "char_wb"}), callable],
        """What a string is cut into; a callable returns its tokens. This, and the following four,
        are those of scikit-learn's `CountVectorizer`. A text that is a list of tokens is taken as
        it is.""",
        kind="{'word', 'char', 'char_wb'} or callable",
    )
    tokenizer: Callable[[str], Sequence[str]] | None = parameter(
        None,
        [callable, None],
        """Cuts a string into words, in place of `token_pattern`.""",
    )
    lowercase: bool = parameter(
        True,
        ["boolean"],
        """Whether letters become small ones first.""",
    )
    token_pattern: str = parameter(
        r"(?u)\b\w\w+\b",
        [str, None],
        """Regular expression of a word. The default takes words of two letters or more.""",
        kind="str or None",
    )
    stop_words: str | Sequence[str] | None = parameter(
        None,
        [StrOptions({"english"}), list, None],
        """Words that are left out.""",
        kind="{'english'}, list of str, or None",
    )

    # Whether words that are not in the vocabulary have a place in a text.
    _keeps_unknown: ClassVar[bool] = False

    @abstractmethod
    def _encode(self, columns: Mapping[str, Column]) -> NDArray:
        """Return the vectors of texts."""

    @abstractmethod
    def _word_table(self, net: Engine) -> nn.Parameter:
        """Return the vectors of words that are trained."""

    @property
    def vocabulary_(self) -> dict[str, int]:
        """The numbers of the known words."""
        vocabulary: dict[str, int] = self.input_.vocabulary
        return vocabulary

    def _input(self) -> TextInput:
        names = ("analyzer", "tokenizer", "lowercase", "token_pattern", "stop_words")
        analyzer = CountVectorizer(**{name: getattr(self, name) for name in names})
        return TextInput(analyzer, self.min_count, self.max_features, self._keeps_unknown)

    def _go_on(self, settings: dict[str, Any]) -> Engine:
        net = super()._go_on(settings)
        # Arrays of them that were handed out stay what they were.
        table = self._word_table(net)
        table.data = table.data.clone()
        return net

    def _validation_batches(
        self, columns: Mapping[str, Column], rows: NDArray | None, seed: int
    ) -> Batches:
        try:
            return super()._validation_batches(columns, rows, seed)
        except ValueError as error:
            whose = "X_val" if rows is None else "the rows set aside by validation_fraction"
            raise ValueError(f"In {whose}: {error}") from error

    def _engine_settings(self, stopping: bool) -> dict[str, Any]:
        settings = super()._engine_settings(stopping)
        if self.verbose == 1:
            callbacks = [one for one in settings["callbacks"] if not _is_bar(one)]
            bar = TextProgress(type(self).__name__)
            settings["callbacks"] = [*callbacks, ("progress_bar", bar)]
        return settings

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, X_val: Any = None) -> Self:
        """Learn from texts.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Texts. They are read once, so a generator is enough.

        y : None
            Ignored.

        X_val : iterable of str, or of lists of tokens, default=None
            Other texts, whose loss is measured after every epoch, which `early_stopping` goes by.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X is no iterable of texts, or has nothing to learn from; the message says what.

        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing():
            self._fit(X, X_val=X_val)
        return self

    def transform(self, X: Any) -> NDArray:
        """Return vectors of texts.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Texts.

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_components), float32
            One for each text, zeros for a text without any known word. A warning says how many of
            these there are.
        """
        check_is_fitted(self)
        return self._encode(self.input_.columns(X, self))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> NDArray:
        """Learn from texts, and return vectors of them; a generator is enough.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Texts.

        y : None
            Ignored.

        **fit_params : dict
            Further arguments of `fit`.

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_components), float32
            As of `transform`.
        """
        with self._all_or_nothing():
            columns = self._fit(X, **fit_params)
            return self._encode(columns)

    def _fit(self, X: Any, *, X_val: Any = None) -> dict[str, Column]:
        """Learn from texts, and return their columns."""
        return self._learn(X, X_val=X_val)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from one more chunk of texts: one pass at a constant rate.

        The first chunk also fixes the vocabulary: words that only later chunks have stay unknown.

        Parameters
        ----------
        X : iterable of str, or of lists of tokens
            Texts.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, partial=True)
        return self

    def _warn_of_unknown(self, n_unknown: int, n_texts: int) -> None:
        """Warn that texts have no known words."""
        if n_unknown:
            warn(
                f"{n_unknown} of {n_texts} texts have no word that {type(self).__name__} knows. "
                "Their vectors are zeros.",
                UserWarning,
            )

    @property
    @abstractmethod
    def _n_features_out(self) -> int:
        """How long the vectors of the fitted model are."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _is_bar(callback: Any) -> bool:
    return isinstance(callback, tuple) and isinstance(callback[1], FitProgress)


class TextProgress(FitProgress):
    """A progress bar that says how many words of the texts an epoch takes in a second."""

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Batches | None = None, **kwargs: Any
    ) -> None:
        """Advance by an epoch and show its losses and speed."""
        super().on_epoch_end(net, **kwargs)
        n_words: int = dataset_train.n_words  # type: ignore[union-attr]
        rate = n_words / net.history[-1]["dur"]
        self.bar_.set_postfix_str(f"{self.bar_.postfix}, {rate:,.0f} words/s")
