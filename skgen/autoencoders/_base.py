"""What all autoencoders share: the transformer's methods and the objective."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_is_fitted
from torch import Tensor

from skgen.base import IncrementalModel
from skgen.corruptions import Corruption, OnImages
from skgen.encoders import BaseEncoder, RowFunction
from skgen.engine import Batch, Column, Progress, TensorColumn
from skgen.inputs import RowInput
from skgen.inputs.scaling import result_dtype, tensor_of
from skgen.parameters import COUNT, parameter
from skgen.penalties import Penalty

__all__ = ["BaseAutoencoder", "Reconstruction", "RowFunction"]


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

    @property
    def is_mean_over_rows(self) -> bool:
        """Whether processes that compute it on shares of a batch have it right."""
        parts = [self.loss, self.corruption, self.code_noise, *self.penalties]
        return all(getattr(part, "is_mean_over_rows", True) for part in parts)

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether a penalty takes a gradient."""
        return any(penalty.differentiates_twice(module) for penalty in self.penalties)

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


class BaseAutoencoder(BaseEncoder, IncrementalModel, ABC):
    """Base class of the autoencoders."""

    _fitted: ClassVar[Mapping[str, str]] = {"n_components_ : int": "Size of the code."}

    n_components: int | None = parameter(
        None,
        [*COUNT, None],
        """Size of the code. None stands for 32, or for half the number of features if that is
        less.""",
        positional=True,
    )

    if TYPE_CHECKING:
        input_: RowInput

    @abstractmethod
    def _maps(self) -> tuple[RowFunction, RowFunction]:
        """Return the encoder and the decoder, as functions of tensors in network units."""

    @abstractmethod
    def _check_invertible(self) -> None:
        """Raise an error if what `transform` returns cannot be decoded."""

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "n_components": self.n_components}

    def _code_size(self, n_features: int) -> int:
        return self.n_components or min(32, max(1, n_features // 2))

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        """Train, and set the fitted attributes."""
        columns = super()._learn(X, None, **options)
        self.n_components_ = self._code_size(self.n_features_in_)
        return columns

    def _features(self) -> RowFunction:
        """Return what `transform` applies to rows."""
        return self._maps()[0]

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
        return self.input_.restore(self._decoded(self._checked_codes(X)))

    def _checked_codes(self, X: ArrayLike) -> NDArray:
        """Return codes to decode, after a check that they are as long as those of `transform`."""
        check_is_fitted(self)
        self._check_invertible()
        codes = check_array(X, dtype="numeric", input_name="X")
        if codes.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but a code of this {type(self).__name__} has "
                f"n_components_={self.n_components_}."
            )
        return codes

    def _decoded(self, codes: NDArray) -> NDArray:
        """Return flat rows decoded from codes, in the units of X."""
        dtype, decode = result_dtype(codes), self._maps()[1]
        column = TensorColumn(tensor_of(codes, self._code_dtype(dtype)), dtype)
        rows: NDArray = self._apply(
            lambda code: self.input_.undo(decode(code), dtype), {"code": column}
        )
        return rows

    def _code_dtype(self, dtype: np.dtype) -> np.dtype:
        """Return the precision in which to decode codes of a given one."""
        return np.dtype(np.float32)

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
        columns = self._columns(X)
        errors: NDArray = self._errors(columns)[:, 0].astype(np.float64)
        return -errors * self.scaling_.scale**2

    def _errors(self, columns: Mapping[str, Column]) -> NDArray:
        """Return squared distances of rows from their reconstruction, and from the mean."""
        encode, decode = self._maps()
        scaling, bounded = self.scaling_, self.input_.bounded
        mean = torch.from_numpy((scaling.mean - scaling.offset) / scaling.scale)

        def errors(x: Tensor) -> Tensor:
            from_code = (bounded(decode(encode(x))) - x).square_().sum(dim=1)
            from_mean = (x - mean.to(x)).square_().sum(dim=1)
            return torch.stack([from_code, from_mean], dim=1)

        measured: NDArray = self._apply(errors, columns)
        return measured

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
        columns = self._columns(X)
        residual, total = self._errors(columns).sum(axis=0, dtype=np.float64)
        least = (
            len(columns["x"]) * self.n_features_in_ * self.scaling_.rounding(self.input_.dtype) ** 2
        )
        if total <= least:  # rows that are all the same
            return float(residual <= least)
        return float(1 - residual / total)
