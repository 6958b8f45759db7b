"""What all autoencoders share: the transformer's methods and the objective."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_array, check_is_fitted
from torch import Tensor

from skgen.base import BaseModel
from skgen.corruptions import Corruption, OnImages
from skgen.engine import Batch, Progress
from skgen.inputs.scaling import inference_dtype
from skgen.parameters import parameter
from skgen.penalties import Penalty

__all__ = ["BaseAutoencoder", "Reconstruction"]

RowFunction = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Reconstruction:
    r"""The objective of all autoencoders.

    .. math:: L = \ell(\text{Dec}(n(\text{Enc}(c(x)))), x) + \sum_p p(x, \text{Enc}(c(x)))

    with a loss :math:`\ell`, a corruption :math:`c` of the input, noise :math:`n` on the code, and
    penalties :math:`p`. The target is the clean input. Noise is for training alone.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    corruption: Corruption | OnImages | None = None
    code_noise: Corruption | OnImages | None = None
    penalties: Sequence[Penalty] = ()

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        x = batch["x"]
        seen = self.corruption(x) if self.corruption and module.training else x
        code = module.encoder(seen)
        noisy = self.code_noise(code) if self.code_noise and module.training else code
        objective = self.loss(module.decoder(noisy), x)
        for penalty in self.penalties:
            objective = objective + penalty(module, seen, code)
        return objective


class BaseAutoencoder(TransformerMixin, ClassNamePrefixFeaturesOutMixin, BaseModel, ABC):
    """Base class of the autoencoders."""

    _fitted: ClassVar[Mapping[str, str]] = {"n_components_ : int": "Size of the code."}

    n_components: int | None = parameter(
        None,
        [Interval(Integral, 1, None, closed="left"), None],
        "int or None",
        """Size of the code. None stands for 32, or for half the number of features if that is
        less.""",
        positional=True,
    )

    @abstractmethod
    def _maps(self, dtype: np.dtype) -> tuple[RowFunction, RowFunction]:
        """Return the encoder and the decoder, as functions of tensors in the units of X."""

    @abstractmethod
    def _check_invertible(self) -> None:
        """Raise an error if what `transform` returns cannot be decoded."""

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "n_components": self.n_components}

    def _code_size(self, n_features: int) -> int:
        return self.n_components or min(32, max(1, n_features // 2))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> "BaseAutoencoder":
        """Learn the code of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows: finite numbers, at least two rows. A model of images takes these, too.

        y : None
            Ignored.

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
            self._learn(X, partial=False)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: None = None) -> "BaseAutoencoder":
        """Learn from one more chunk of rows: one pass at a constant rate.

        The first chunk also fixes the scaling, so it should be like the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.

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

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        """Train, and set the fitted attributes."""
        X = self._train(X, partial=partial)
        self.n_components_ = self._code_size(self.n_features_in_)
        return X

    def transform(self, X: ArrayLike) -> NDArray:
        """Encode rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_features_out)
            Their codes, in double precision if X is; also those of images are flat.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._apply(self._features(inference_dtype(X)), X)

    def _features(self, dtype: np.dtype) -> RowFunction:
        """Return what `transform` applies to rows."""
        return self._maps(dtype)[0]

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def inverse_transform(self, X: ArrayLike) -> NDArray:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, such as `transform` returns.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            Reconstructed rows, in the units of the training data; or images, if `fit` got such.

        Raises
        ------
        ValueError
            If what `transform` returns is no code and has no way back.
        """
        check_is_fitted(self)
        self._check_invertible()
        codes = check_array(X, dtype="numeric", ensure_all_finite=False)
        if codes.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but a code of this {type(self).__name__} has "
                f"n_components_={self.n_components_}."
            )
        return self._as_given(self._apply(self._maps(inference_dtype(codes))[1], codes))

    def _image_shape(self) -> tuple[int, int, int] | None:
        """Return height, width and channels of the images that rows hold, if they do."""
        return None

    def _as_given(self, rows: NDArray) -> NDArray:
        """Return rows in the layout that `fit` got X in."""
        return rows

    def score_samples(self, X: ArrayLike) -> NDArray:
        """Say how normal each row is: its negative squared reconstruction error.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            ``-||x - Dec(Enc(x))||^2``, in squared units of X; higher is more normal. `score` is
            not their mean: it is a share of variance.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        encode, decode = self._maps(inference_dtype(X))
        return self._apply(lambda x: -(decode(encode(x)) - x).square_().sum(dim=1), X)

    def score(self, X: ArrayLike, y: None = None) -> float:
        r"""Return the share of the variance of X that the code explains.

        .. math:: 1 - \frac{\sum_r \|x_r - \text{Dec}(\text{Enc}(x_r))\|^2}
                  {\sum_r \|x_r - \mu\|^2}

        where :math:`\mu` is the mean of the training data, so that values compare across data sets
        and code sizes, and `GridSearchCV` needs no labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        y : None
            Ignored.

        Returns
        -------
        score : float
            1 for perfect reconstruction, 0 for what the mean achieves. It is not the mean of
            `score_samples`.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        encode, decode = self._maps(inference_dtype(X))
        mean = torch.as_tensor(self.scaling_.mean)

        def errors(x: Tensor) -> Tensor:
            from_code = (decode(encode(x)) - x).square_().sum(dim=1)
            from_mean = (x - mean.to(x)).square_().sum(dim=1)
            return torch.stack([from_code, from_mean], dim=1)

        residual, total = self._apply(errors, X).sum(axis=0, dtype=np.float64)
        if total == 0:
            return float(residual == 0)
        return float(1 - residual / total)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
