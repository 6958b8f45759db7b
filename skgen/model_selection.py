"""Cross-validation over two domains, and over rows of which few have a label."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator, KFold, StratifiedKFold
from sklearn.utils.multiclass import type_of_target

from skgen.inputs.domains import checked_labels, plain_labels, source_rows
from skgen.inputs.labels import known_values, marked_labels
from skgen.parameters import checked_count

__all__ = ["DomainKFold", "LabeledKFold"]


class DomainKFold(StratifiedKFold):
    """Folds that all hold their share of every class of the source, and of the target.

    With labels that are numbers, and -1 for rows of the target, scikit-learn's own
    `StratifiedKFold` does the same. This one also takes strings with -1 among them, and domains.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=True
        Whether rows are shuffled first. Unshuffled, rows of one class and domain come to folds in
        the order that they have.

    random_state : int, RandomState instance or None, default=None
        Seeds the shuffling.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.model_selection import DomainKFold
    >>> y = np.array(["cat", "dog", -1, -1] * 3, dtype=object)
    >>> train, test = next(DomainKFold(3, random_state=0).split(np.zeros((12, 1)), y))
    >>> sorted(y[test].tolist(), key=str)
    [-1, -1, 'cat', 'dog']
    """

    __metadata_request__split: ClassVar[Mapping[str, bool]] = {"sample_domain": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ):
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def get_n_splits(
        self,
        X: Any = None,
        y: Any = None,
        groups: Any = None,
        sample_domain: Any = None,
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups, sample_domain : object
            Ignored.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        n_splits: int = super().get_n_splits()
        return n_splits

    def split(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_domain: ArrayLike | None = None,
    ) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the rows to train on, and those to test on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Classes of the source's rows, and -1 for those of the target.

        groups : array-like of shape (n_samples,), default=None
            The same as `sample_domain`: what a search hands on where no metadata are routed.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target. With None, y says it.

        Yields
        ------
        train, test : ndarray of int
            Numbers of rows.

        Raises
        ------
        ValueError
            If there are fewer rows of the target than folds.
        """
        labels = checked_labels(y)
        source = source_rows(labels, groups if sample_domain is None else sample_domain)
        n_target = int((~source).sum())
        if n_target < self.n_splits:
            raise ValueError(
                f"There are {n_target} rows of the target for {self.n_splits} folds, each of which "
                "needs one. Lower n_splits, or mark rows of the target by y=-1."
            )
        strata = np.full(len(labels), -1)
        strata[source] = np.unique(labels[source], return_inverse=True)[1]
        yield from super().split(X, strata)


class LabeledKFold(BaseCrossValidator):
    """Folds of the rows that have a label. Rows without are in every training part, and in no test.

    Rows without a label have NaN, None or pandas' NA; where the others have classes, -1 as well,
    unless the classes are -1 and 1. Every fold holds its share of every class.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=True
        Whether rows are shuffled first.

    random_state : int, RandomState instance or None, default=None
        Seeds the shuffling.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.model_selection import LabeledKFold
    >>> y = np.array([0, 1, -1, -1, -1] * 4)
    >>> train, test = next(LabeledKFold(2, random_state=0).split(np.zeros((20, 1)), y))
    >>> len(train), sorted(y[test].tolist())
    (16, [0, 0, 1, 1])
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return checked_count("n_splits", self.n_splits)

    def split(
        self, X: Any, y: Any, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]]:
        """Yield the rows to train on, and those to test on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, some of them missing.

        groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int
            Numbers of rows.

        Raises
        ------
        ValueError
            If there are fewer labeled rows than folds.
        """
        labels, known = marked_labels(y)
        values = plain_labels(labels[known])
        cut: KFold | StratifiedKFold
        settings: dict[str, Any] = {"shuffle": self.shuffle}
        settings["random_state"] = self.random_state if self.shuffle else None
        if len(values) and type_of_target(values) == "continuous":
            labels, known = known_values(y)
            values, cut = labels[known], KFold(self.n_splits, **settings)
        else:
            cut = StratifiedKFold(self.n_splits, **settings)
        rows, others = np.flatnonzero(known), np.flatnonzero(~known)
        if len(rows) < self.n_splits:
            raise ValueError(
                f"{len(rows)} of {len(known)} rows have a label, which is too few for "
                f"n_splits={self.n_splits}."
            )
        for train, test in cut.split(rows, values):
            yield np.sort(np.concatenate([rows[train], others])), rows[test]
