"""The classifier that learns from rows with and without labels."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor

from skgen._sklearn import StrOptions, _fit_context
from skgen.inputs.labels import LabelInput, Labels, marked_labels
from skgen.parameters import SHARE, parameter
from skgen.pretraining._base import BasePretrained

__all__ = ["PretrainedClassifier"]


@final
class PretrainedClassifier(ClassifierMixin, BasePretrained):
    r"""Learns from all rows without labels first, and then from the few that have one.

    An encoder is fitted to all rows. Then encoder and head, a linear layer by default, minimize

    .. math:: \ell(f(c(x)), y) + w \, \overline{1[\max_k p_k(u) \ge \tau] \;
              \ell(f(c'(u)), \operatorname{argmax}_k p_k(u))}

    over labeled rows :math:`x` and, if `consistency_weight` :math:`w` is above 0, over all rows
    :math:`u`: the cross-entropy :math:`\ell` of labeled rows under a corruption :math:`c`, and that
    of distorted rows with the class that the network is sure of for the row itself, by at least
    `confidence` :math:`\tau` [2]_.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.

    See Also
    --------
    PretrainedRegressor : The same for numbers.
    InvariantEncoder : The encoder of images that it takes by default.
    DenoisingAutoencoder : That of rows.
    sklearn.semi_supervised.SelfTrainingClassifier : Labels rows by itself, round by round; it takes
        this classifier as its estimator.

    Notes
    -----
    `transform` returns what the encoder knew before it saw a label, so that XGBoost behind it can
    be fitted to the same labels. Codes after fine-tuning know these labels, and deceive it.

    References
    ----------
    .. [1] D. Erhan et al., "Why does unsupervised pre-training help deep learning?", JMLR 11, 2010.
    .. [2] K. Sohn et al., "FixMatch: simplifying semi-supervised learning with consistency and
       confidence", NeurIPS 2020.
    .. [3] I. Rubachev, A. Alekberov, Y. Gorishniy, A. Babenko, "Revisiting pretraining objectives
       for tabular deep learning", arXiv:2207.03208, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skgen import InvariantEncoder, PretrainedClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 100, y, -1)
    >>> encoder = InvariantEncoder(max_epochs=3, image_shape=(8, 8))
    >>> model = PretrainedClassifier(encoder, max_epochs=3, random_state=0).fit(X, known)
    >>> model.predict(X[100:]).shape
    (1697,)
    """

    _of_classes: ClassVar[bool] = True

    confidence: float = parameter(
        0.95,
        SHARE,
        """Probability of a class from which on `consistency_weight` asks others to agree.""",
    )
    class_weight: Mapping[Any, float] | str | None = parameter(
        None,
        [dict, StrOptions({"balanced"}), None],
        """How much labeled rows count by class: ``"balanced"`` makes up for their numbers, as in
        scikit-learn.""",
        kind="dict, 'balanced' or None",
    )

    def _target_input(self) -> LabelInput:
        return LabelInput()

    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _class_weights(self) -> Tensor | None:
        if self.class_weight is None:
            return None
        taken: Any = self.target_input_
        rows = np.repeat(taken.classes, taken.counts)
        weights = compute_class_weight(self.class_weight, classes=taken.classes, y=rows)
        return torch.from_numpy(weights).float()

    def _strata(self, y: NDArray) -> NDArray:
        return y

    def _confidence(self) -> float:
        return self.confidence

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "class_weight": self.class_weight}

    @property
    def classes_(self) -> NDArray:
        """The labels."""
        taken: Any = self.target_input_
        classes: NDArray = taken.classes
        return classes

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: ArrayLike, y: Any, classes: ArrayLike | None = None) -> Self:
        """Learn from one more chunk of rows, with labels or without: one pass each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows.

        y : array-like of shape (n_samples,)
            Their labels, as in `fit`.

        classes : array-like of shape (n_classes,), default=None
            All classes, at the first call, if some are not in its labels.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, Labels(y, classes), partial=True)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        columns, network = self._columns(X), self._network()
        probabilities: NDArray = self._apply(lambda x: network(x).softmax(dim=1), columns)
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the most probable classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        Returns
        -------
        classes : ndarray of shape (n_samples,)
            Out of `classes_`.
        """
        probabilities = self.predict_proba(X)
        classes: NDArray = self.classes_[probabilities.argmax(axis=1)]
        return classes

    def score(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on the rows that have a label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        y : array-like of shape (n_samples,)
            Their labels. Rows without do not count.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        Returns
        -------
        accuracy : float
            The share of right predictions.

        Raises
        ------
        ValueError
            If no row has a label.
        """
        check_is_fitted(self)
        labels, known = marked_labels(y, self.classes_)
        predicted = self.predict(X)
        check_consistent_length(labels, predicted, sample_weight)
        if not known.any():
            raise ValueError(f"None of {len(labels)} rows has a label to score against.")
        right = np.asarray(labels[known] == predicted[known], dtype=float)
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(np.average(right, weights=weight))
