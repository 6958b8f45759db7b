"""The regressor that learns from rows with and without a number to predict."""

from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor

from skgen._sklearn import _fit_context
from skgen.inputs.labels import ValueInput, known_values
from skgen.pretraining._base import BasePretrained

__all__ = ["PretrainedRegressor"]


@final
class PretrainedRegressor(RegressorMixin, BasePretrained):
    r"""Learns from all rows first, and then from the few whose number is known.

    An encoder is fitted to all rows. Then encoder and head, a linear layer by default, minimize

    .. math:: (f(c(x)) - y)^2 + w \, \overline{(f(c'(u)) - f(u))^2}

    over rows :math:`x` whose :math:`y` is known, standardized, and, if `consistency_weight`
    :math:`w` is above 0, over all rows :math:`u`, under corruptions :math:`c` and :math:`c'`. No
    gradient passes through :math:`f(u)`.

    See Also
    --------
    PretrainedClassifier : The same for classes.
    InvariantEncoder : The encoder of images that it takes by default.
    DenoisingAutoencoder : That of rows.

    References
    ----------
    .. [1] I. Rubachev, A. Alekberov, Y. Gorishniy, A. Babenko, "Revisiting pretraining objectives
       for tabular deep learning", arXiv:2207.03208, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skgen import DenoisingAutoencoder, PretrainedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y[50:] = np.nan  # unknown
    >>> encoder = DenoisingAutoencoder(16, corruption="swap", max_epochs=20)
    >>> PretrainedRegressor(encoder, random_state=0).fit(X, y).predict(X[50:]).shape
    (392,)
    """

    _of_classes: ClassVar[bool] = False

    def _target_input(self) -> ValueInput:
        return ValueInput()

    def _n_outputs(self) -> int:
        return 1

    def _strata(self, y: NDArray) -> None:
        return None

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: ArrayLike, y: Any) -> Self:
        """Learn from one more chunk of rows, with numbers or without: one pass each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows.

        y : array-like of shape (n_samples,)
            Their numbers, NaN for unknown. The first chunk fixes how they are standardized.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, y, partial=True)
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Return a number for every row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        Returns
        -------
        values : ndarray of shape (n_samples,)
            In the units of y.
        """
        columns, network = self._columns(X), self._network()
        taken: Any = self.target_input_

        def values(x: Tensor) -> Tensor:
            predicted: Tensor = network(x)[:, 0]
            return predicted

        standardized: NDArray = self._apply(values, columns)
        result: NDArray = standardized.astype(np.float64) * taken.std + taken.mean
        return result

    def score(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination on the rows whose number is known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        y : array-like of shape (n_samples,)
            Their numbers. Rows of NaN do not count.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        Returns
        -------
        r2 : float
            1 for perfect predictions, 0 for what the mean achieves.

        Raises
        ------
        ValueError
            If no row has a number.
        """
        check_is_fitted(self)
        values, known = known_values(y)
        predicted = self.predict(X)
        check_consistent_length(values, predicted, sample_weight)
        if not known.any():
            raise ValueError(f"None of {len(values)} rows has a number to score against.")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(r2_score(values[known], predicted[known], sample_weight=weight))
