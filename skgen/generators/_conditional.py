"""The conditional generative adversarial network."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, column_or_1d
from torch import Tensor

from skgen.engine.random_state import drawing
from skgen.generators._base import BaseGAN
from skgen.inputs.attributes import Attributes, checked_column
from skgen.parameters import checked_count

__all__ = ["ConditionalGAN"]

# Conditions that are kept to draw from, at most.
_N_KEPT = 10_000


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
    y may be labels of classes: strings, booleans, or whole numbers of which no more than half
    differ; other numbers, which are measured; or a frame, or a dictionary, of several attributes,
    whose columns of strings are categories and whose other columns are numbers. There a category
    that is written as a number has to be made a string.

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any) -> "ConditionalGAN":
        """Learn to generate rows like those of X, given what y says of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Training rows: finite numbers, at least two rows.

        y : array-like of shape (n_samples,), frame or dict of such
            Classes, numbers, or attributes of every row.

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
            self._learn_conditional(X, y, partial=False)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any) -> "ConditionalGAN":
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
            self._learn_conditional(X, y, partial=True)
        return self

    def _learn_conditional(self, X: ArrayLike, y: Any, *, partial: bool) -> None:
        if y is None:
            raise ValueError(
                "ConditionalGAN requires y to be passed, but the target y is None. GAN does "
                "without."
            )
        warm = hasattr(self, "net_") and (partial or self.warm_start)
        conditions: _Conditions = self._conditions if warm else _Conditions(y)
        self._conditions: _Conditions = conditions
        self._training = conditions.numbers(y)
        self._learn(X, partial=partial)
        self._keep_conditions(self._training, going_on=warm)
        del self._training
        self.condition_names_ = conditions.names
        if conditions.classes is not None:
            self.classes_ = conditions.classes
        elif hasattr(self, "classes_"):
            del self.classes_

    def _keep_conditions(self, new: NDArray, *, going_on: bool) -> None:
        """Keep some conditions to draw from, of all chunks in proportion to their lengths."""
        seen, n_seen = new[:0], 0
        if going_on:
            seen, n_seen = self._seen_conditions, self._n_seen
        self._n_seen: int = n_seen + len(new)
        n_kept = min(_N_KEPT, len(seen) + len(new))
        n_new = max(n_kept - len(seen), round(n_kept * len(new) / self._n_seen))
        random = np.random.default_rng(self._n_seen)
        self._seen_conditions: NDArray = np.concatenate(
            [
                seen[random.permutation(len(seen))[: n_kept - n_new]],
                new[random.permutation(len(new))[:n_new]],
            ]
        )

    def _n_conditions(self) -> int:
        return len(self._conditions.names)

    def _check_trainable(self, X: NDArray) -> None:
        if len(X) != len(self._training):
            raise ValueError(
                f"X has {len(X)} rows, but y has {len(self._training)}: inconsistent numbers of "
                "samples."
            )

    def _further_columns(self, device: str) -> dict[str, Tensor]:
        return {"condition": torch.from_numpy(self._training).to(device)}

    def _training_condition(self, rows: NDArray) -> NDArray | None:
        condition: NDArray = self._training[rows]
        return condition

    def _condition(self, y: Any, n_samples: int | None) -> NDArray:
        """Return conditions as numbers, of so many rows if that is known."""
        numbers = self._conditions.numbers(y, n_samples)
        if n_samples is not None and len(numbers) != n_samples:
            raise ValueError(
                f"y says what {len(numbers)} rows should be, but there are {n_samples}. Give one "
                "entry for each, or a single one for all."
            )
        return numbers

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
        condition = None
        if n_samples is not None:
            n_samples = checked_count("n_samples", n_samples)
        if y is not None:
            condition = self._condition(y, n_samples)
        n_samples = n_samples or (1 if condition is None else len(condition))
        with drawing(random_state):
            noise = self._noise(n_samples)
            if condition is None:
                some = torch.randint(len(self._seen_conditions), (n_samples,)).numpy()
                condition = self._seen_conditions[some]
        return self._as_given(self._generated(noise, condition))

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
        return self._as_given(self._generated(noise, self._condition(y, len(noise))))

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
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._probabilities(self._outputs(X, self._condition(y, len(X))))

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
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._score(X, self._condition(y, len(X)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class _Conditions:
    """What `fit` learned about y, and the way from it to numbers."""

    def __init__(self, y: Any):
        self.classes: NDArray | None = None
        if not _is_table(y):
            labels = column_or_1d(np.asarray(y), warn=True)
            if not len(labels):
                raise ValueError("y is empty: it takes the class of every row of X.")
            checked_column("y", labels)
            if _are_classes(labels):
                self.classes = np.unique(labels)
                if len(self.classes) < 2:
                    raise ValueError(
                        f"y has one class only, {self.classes[0]}, so there is nothing to choose "
                        "from. Use GAN, or add rows of another class."
                    )
                self.names = [str(one) for one in self.classes]
                return
            y = {str(getattr(y, "name", None) or "y"): labels}
        self.attributes = Attributes(y)
        self.names = self.attributes.names
        numbers = self.attributes.numbers(y)
        measured = ~np.isin(numbers, (0, 1)).all(axis=0)
        self.mean = np.where(measured, numbers.mean(axis=0), 0)
        self.std = np.where(measured, numbers.std(axis=0), 1)

    def numbers(self, y: Any, n_rows: int | None = None) -> NDArray[np.float32]:
        """Return y as numbers: 0 and 1 for categories, standardized ones for others.

        A single class, number, or set of attributes is that of all of `n_rows`.
        """
        if y is None:
            raise ValueError("y has to say what the rows should be, got None.")
        if self.classes is None:
            table = self._table(y, n_rows)
            attributes = (self.attributes.numbers(table) - self.mean) / self.std
            return attributes.astype(np.float32)
        if _is_table(y):
            raise ValueError(f"y has to be classes, as in fit, got a {type(y).__name__}.")
        labels = np.asarray(y)
        labels = np.repeat(labels, n_rows or 1) if labels.ndim == 0 else column_or_1d(labels)
        one_hot = labels[:, None] == self.classes
        unknown = ~np.asarray(one_hot, dtype=bool).any(axis=-1)
        if unknown.any():
            first, seen = labels[unknown].tolist()[0], self.classes[:12].tolist()
            raise ValueError(
                f"y has the class {first!r}, which fit did not see. It saw "
                f"{', '.join(map(repr, seen))}{', ...' if len(self.classes) > 12 else ''}."
            )
        return one_hot.astype(np.float32)

    def _table(self, y: Any, n_rows: int | None) -> Any:
        """Return attributes by name, those of all rows repeated."""
        names = self.attributes.columns
        index: Any = getattr(y, "index", None)
        labeled = not (_is_table(y) or index is None or callable(index))
        if labeled and set(index) == set(names):  # a row of a frame
            y = {name: y[name] for name in names}
        elif not _is_table(y) and len(names) == 1:
            y = {names[0]: y}
        if not isinstance(y, Mapping):
            return y
        return {
            name: np.repeat(value, n_rows or 1) if np.ndim(value) == 0 else value
            for name, value in y.items()
        }


def _is_table(y: Any) -> bool:
    """Whether y holds attributes by name, or several columns."""
    return isinstance(y, Mapping) or hasattr(y, "columns") or getattr(y, "shape", (0, 1))[1:] > (1,)


def _are_classes(labels: NDArray) -> bool:
    """Whether labels are classes: not fractions, nor numbers most of which differ."""
    if labels.dtype.kind == "f" and (labels != np.round(labels)).any():
        return False
    n_classes = len(np.unique(labels))
    return labels.dtype.kind not in "iuf" or n_classes <= max(2, len(labels) // 2)
