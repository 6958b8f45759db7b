"""The conditional generative adversarial network."""

from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skgen._sklearn import _fit_context
from skgen.engine import Column, TensorColumn, drawing
from skgen.generators._base import BaseGAN
from skgen.inputs import ConditionInput
from skgen.parameters import checked_count

__all__ = ["ConditionalGAN"]


@final
class ConditionalGAN(BaseGAN):
    r"""A generator that is told of what class, or with what attributes, a row should be.

    Both players see the condition :math:`c` of a row. With the default loss they descend

    .. math:: L_D = -\log D(x, c) - \log(1 - D(G(z, c), c))
              + \tfrac{w}{2} \|\nabla_x f(x, c)\|^2, \qquad
              L_G = -\log D(G(z, c), c), \qquad z \sim N(0, I)

    with the output :math:`f(x, c) = a^\top \phi(x) + (V c)^\top \phi(x)` of a projection
    discriminator [2]_, whose features :math:`\phi` are of the row alone, and
    :math:`D = \sigma(f)`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, if y held such.

    condition_names_ : list of str
        The numbers that make up a condition.

    See Also
    --------
    GAN : Without conditions.

    Notes
    -----
    y may be labels of classes: strings, booleans or integers; numbers in floating point, which are
    measured; or a frame, or a dictionary, of several attributes, whose columns of strings are
    categories and whose other columns are numbers. There a category that is written as a number
    has to be made a string.

    References
    ----------
    .. [1] M. Mirza, S. Osindero, "Conditional generative adversarial nets", arXiv:1411.1784, 2014.
    .. [2] T. Miyato, M. Koyama, "cGANs with projection discriminator", ICLR 2018.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skgen import ConditionalGAN
    >>> X, y = make_moons(2000, noise=0.05, random_state=0)
    >>> model = ConditionalGAN(2, max_epochs=100, random_state=0).fit(X, y)
    >>> model.sample(5, y=1, random_state=0).shape
    (5, 2)
    """

    if TYPE_CHECKING:
        target_input_: ConditionInput

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: Any,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
    ) -> Self:
        """Learn to generate rows like those of X, given what y says of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Training rows: finite numbers, at least two rows.

        y : array-like of shape (n_samples,), frame or dict of such
            Classes, numbers, or attributes of every row.

        X_val, y_val : object, default=None
            Rows whose samples are scored after every epoch, which `early_stopping` goes by, and
            what they are.

        Returns
        -------
        self : ConditionalGAN
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing():
            self._learn(X, y, X_val=X_val, y_val=y_val)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any) -> Self:
        """Learn from one more chunk of rows: one pass at a constant rate.

        The first chunk fixes the scaling and says what classes there are, so it should have all.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Training rows.

        y : array-like of shape (n_samples,), frame or dict of such
            Their classes, numbers, or attributes.

        Returns
        -------
        self : ConditionalGAN
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, y, partial=True)
        return self

    def _target_input(self) -> ConditionInput:
        return ConditionInput()

    @property
    def condition_names_(self) -> list[str]:
        """The numbers that make up a condition."""
        return self.target_input_.names

    @property
    def classes_(self) -> NDArray:
        """The classes, if y held such."""
        if self.target_input_.classes is None:
            raise AttributeError("y held numbers or attributes, and no classes.")
        return self.target_input_.classes

    def _condition(self, y: Any, n_samples: int | None) -> dict[str, Column]:
        """Return the column of conditions, of so many rows if that is known."""
        numbers = self.target_input_.numbers(y, n_samples)
        return {"condition": TensorColumn(torch.from_numpy(numbers))}

    def sample(
        self,
        n_samples: int | None = None,
        *,
        y: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> NDArray:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, default=None
            How many. None stands for as many as y has entries.

        y : object, default=None
            What they should be: a single class or number, or a dict with one value for each
            attribute; or an array or a frame with an entry for every sample. With None, conditions
            are drawn as they were in training. To know them, draw them yourself.

        random_state : int, RandomState instance or None, default=None
            Seeds the noise.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.

        Raises
        ------
        ValueError
            If y has a class that `fit` did not see.
        """
        check_is_fitted(self)
        if n_samples is not None:
            n_samples = checked_count("n_samples", n_samples)
        condition = {} if y is None else self._condition(y, n_samples)
        n_samples = n_samples or (len(condition["condition"]) if condition else 1)
        with drawing(random_state):
            noise = self._noise(n_samples)
            if not condition:
                seen = torch.from_numpy(self.target_input_.seen)
                some = torch.randint(len(seen), (n_samples,))
                condition = {"condition": TensorColumn(seen[some])}
        return self.input_.restore(self._generated(noise, condition))

    def generate(self, Z: ArrayLike, y: Any) -> NDArray:
        """Make rows of noise of your choice, to see one sample as several classes for example.

        Parameters
        ----------
        Z : array-like of shape (n_samples, latent_dim)
            Noise. That of training was standard normal.

        y : object
            What the rows should be, as in `sample`.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.
        """
        check_is_fitted(self)
        noise = self._checked_noise(Z)
        return self.input_.restore(self._generated(noise, self._condition(y, len(noise))))

    def discriminate(self, X: ArrayLike, y: Any) -> NDArray:
        """Return how likely the discriminator takes rows for real, not for samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        y : object
            What they are, as in `sample`. A row that is not what y says is not real.

        Returns
        -------
        probabilities : ndarray of shape (n_samples,)
            Of being real. (Some texts have the discriminator give the probability of being fake:
            1 less this.)
        """
        columns = self._columns(X)
        columns |= self._condition(y, len(columns["x"]))
        return self._probabilities(columns)

    def score(self, X: ArrayLike, y: Any) -> float:
        """Return how well samples cover rows of their condition, and rows such samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, best such that the model did not see.

        y : object
            What they are, as in `sample`.

        Returns
        -------
        score : float
            Higher is better. As of `GAN`, with the condition as further columns that weigh as much
            as the row.
        """
        columns = self._columns(X)
        return self._score(columns | self._condition(y, len(columns["x"])))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
