"""A meta-estimator that sees rows with a label alone."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skgen._sklearn import HasMethods, _check_sample_weight, _fit_context, _safe_indexing
from skgen.inputs.domains import checked_labels, labeled_accuracy, plain_labels, source_rows
from skgen.parameters import Declared, parameter

__all__ = ["LabeledOnly"]


def _inner_has(name: str) -> Any:
    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


@final
class LabeledOnly(MetaEstimatorMixin, ClassifierMixin, Declared):
    """Fits a classifier to the rows that have a label, and leaves out those of -1.

    A classifier that adapts to a target takes rows without labels, and gives them on in a pipeline.
    XGBoost refuses the label -1, and a forest would learn it as a class: put this around them.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.

    classes_ : ndarray of shape (n_classes,)
        Its classes.

    n_features_in_ : int
        Number of features seen in `fit`, if the classifier says it.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if the classifier knows them.

    See Also
    --------
    DomainAdversarialClassifier : Makes features of rows with and without labels.

    Notes
    -----
    Where the labels are -1 and 1, and no others, both are classes.

    The classifier gets numbers from 0 on in place of labels, as XGBoost asks for, in the order of
    `classes_`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgen import CoralClassifier, LabeledOnly
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 900, y, -1)
    >>> forest = LabeledOnly(RandomForestClassifier(random_state=0))
    >>> model = make_pipeline(CoralClassifier(32, max_epochs=5, random_state=0), forest)
    >>> model.fit(X, known).predict(X[900:]).shape
    (897,)
    """

    __metadata_request__fit: ClassVar[Mapping[str, bool]] = {"sample_domain": True}

    estimator: Any = parameter(
        None,
        [HasMethods(["fit", "predict"]), None],
        """What is fitted, a copy of it. None stands for logistic regression.""",
        kind="classifier or None",
        positional=True,
    )

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        sample_domain: ArrayLike | None = None,
    ) -> "LabeledOnly":
        """Fit the classifier to the rows that have a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, -1 for none.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts, for a classifier that asks.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows to be fitted to, negative for others, whatever y says of these. It is
            routed as metadata where that is switched on.

        Returns
        -------
        self : LabeledOnly
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row has a label, or if one is NaN.
        """
        if y is None:
            raise ValueError("LabeledOnly requires y to be passed, but the target y is None.")
        labels = checked_labels(y)
        check_consistent_length(X, labels)
        kept = np.flatnonzero(source_rows(labels, sample_domain))
        if not len(kept):
            raise ValueError(f"None of {len(labels)} rows has a label to learn from.")
        weight = {}
        if sample_weight is not None:
            weight["sample_weight"] = _check_sample_weight(sample_weight, X)[kept]
        rows = X if len(kept) == len(labels) else _safe_indexing(X, kept)
        inner = LogisticRegression() if self.estimator is None else clone(self.estimator)
        known = plain_labels(labels[kept])
        check_classification_targets(known)
        classes, numbers = np.unique(known, return_inverse=True)
        self.estimator_ = inner.fit(rows, numbers, **weight)
        self.classes_: NDArray = classes
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in `fit`."""
        check_is_fitted(self)
        n_features: int = self.estimator_.n_features_in_
        return n_features

    @property
    def feature_names_in_(self) -> NDArray:
        """Names of the features seen in `fit`."""
        names: NDArray = self.estimator_.feature_names_in_
        return names

    def predict(self, X: ArrayLike) -> NDArray:
        """Return what the classifier predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        classes : ndarray of shape (n_samples,)
            Out of `classes_`.
        """
        check_is_fitted(self)
        classes: NDArray = self.classes_[np.asarray(self.estimator_.predict(X), dtype=int)]
        return classes

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Return the probabilities that the classifier gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        probabilities: NDArray = self.estimator_.predict_proba(X)
        return probabilities

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> NDArray:
        """Return the decision function of the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            What the classifier gives.
        """
        check_is_fitted(self)
        decision: NDArray = self.estimator_.decision_function(X)
        return decision

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on rows that have a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, -1 for none.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        Returns
        -------
        accuracy : float
            The share of right predictions.
        """
        check_is_fitted(self)
        return labeled_accuracy(y, self.predict(X), self.classes_, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(LogisticRegression() if self.estimator is None else self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        return tags
