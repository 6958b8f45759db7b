"""Matrix decomposition seen as an autoencoder."""

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.utils.metaestimators import available_if
from torch import Tensor, nn

from skgen._sklearn import StrOptions
from skgen.autoencoders._base import BaseAutoencoder, Reconstruction, RowFunction
from skgen.engine import Column, Turn
from skgen.inputs import RowInput, Units
from skgen.inputs.scaling import tensor_of
from skgen.losses import SquaredError
from skgen.networks.dense import DenseAutoencoder
from skgen.parameters import parameter

__all__ = ["LinearAutoencoder"]

# Components trained beyond those asked for, as in randomized SVD: the subspace then converges at
# the rate of the gap to these, not of the gap to the next.
_OVERSAMPLING = 10


# What the trained solver leaves, beside the attributes of both.
_OF_TRAINING = (
    "net_",
    "loss_curve_",
    "n_iter_",
    "validation_scores_",
    "best_validation_score_",
    "scatter_",
)


class _Scatter(NamedTuple):
    """How rows lie about their mean, in network units: squares along axes, and all of them."""

    axes: NDArray[np.float64]  # (n_features, n_axes)
    squares: NDArray[np.float64]  # (n_axes,)
    total: float


def _is_trained(model: "LinearAutoencoder") -> bool:
    if model.solver != "sgd":
        raise AttributeError(
            'partial_fit needs solver="sgd": an exact decomposition takes all of X.'
        )
    return True


@final
class LinearAutoencoder(BaseAutoencoder):
    r"""An autoencoder without activations: matrix decomposition, principal components.

    .. math:: \min_{U, S, V} \|X - \mu - U S V^T\|_F^2

    with the code :math:`U S` and the decoder :math:`V^T`. The best linear autoencoder spans the
    leading principal components [1]_, which is what both solvers return: orthonormal and in order
    of the variance they explain.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Orthonormal principal axes, by explained variance. The sign of each is such that its
        largest entry by magnitude is positive.

    explained_variance_ : ndarray of shape (n_components,)
        Variance of the code along each, with n_samples - 1 degrees of freedom.

    explained_variance_ratio_ : ndarray of shape (n_components,)
        Its share of the total variance of X.

    singular_values_ : ndarray of shape (n_components,)
        The diagonal of S.

    mean_ : ndarray of shape (n_features,)
        Mean of every column; with `partial_fit`, of the first chunk.

    n_samples_ : int
        Number of rows decomposed; with `partial_fit`, of all chunks together, as are the variances,
        which are about `mean_`.

    noise_variance_ : float
        Mean variance along the directions left out.

    scatter_ : tuple
        For ``solver="sgd"``: axes in network units, the squares of all rows along them, and the
        sum of all squares, for `partial_fit` to go on from.

    See Also
    --------
    sklearn.decomposition.PCA : The same decomposition.
    Autoencoder : With activations.

    Notes
    -----
    ``solver="svd"`` is scikit-learn's PCA and has no `net_` and no `loss_curve_`. ``solver="sgd"``
    trains ten components more than asked for, and then rotates the span of the decoder onto its
    principal axes. It is there to learn from chunks, and to show that the two agree.

    References
    ----------
    .. [1] P. Baldi, K. Hornik, "Neural networks and principal component analysis: learning from
       examples without local minima", Neural Networks 2, 1989.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import LinearAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = LinearAutoencoder(8).fit(X)
    >>> round(model.score(X), 3)
    0.674
    """

    solver: str = parameter(
        "svd",
        [StrOptions({"svd", "sgd"})],
        """Singular value decomposition, or training.""",
    )
    svd_solver: str = parameter(
        "auto",
        [StrOptions({"auto", "full", "covariance_eigh", "arpack", "randomized"})],
        """For ``solver="svd"``: which one, as in `sklearn.decomposition.PCA`.""",
    )

    partial_fit = available_if(_is_trained)(BaseAutoencoder.partial_fit)

    def _input(self) -> RowInput:
        return RowInput(Units(), precise=True)

    def _code_size(self, n_features: int) -> int:
        size = super()._code_size(n_features)
        if size > n_features:
            raise ValueError(
                f"n_components={size} is more than the {n_features} features of X, which a linear "
                "code cannot use."
            )
        return size

    def _check_invertible(self) -> None:
        """Every linear code can be decoded."""

    def _module(self) -> nn.Module:
        n_features = self.n_features_in_
        size = min(self._code_size(n_features) + _OVERSAMPLING, n_features)
        return DenseAutoencoder(n_features, (), size)

    def _turns(self) -> list[Turn]:
        return [Turn(("encoder", "decoder"), Reconstruction(SquaredError()))]

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        if self.solver == "sgd":
            going_on = options.get("partial", False) and hasattr(self, "scatter_")
            columns = super()._learn(X, y, **options)
            self._rotate(columns, going_on=going_on)
        else:
            columns = self._read(X, None, going_on=False)
            self._decompose(columns)
            self.n_samples_ = len(columns["x"])
        self.mean_ = self.scaling_.mean
        return columns

    def _decompose(self, columns: Mapping[str, Column]) -> None:
        """Set the attributes by singular value decomposition, of rows that are centered."""
        x: Any = columns["x"].take(slice(None))
        rows, scale = x.numpy(), self.scaling_.scale
        size = self._code_size(rows.shape[1])
        if self.n_components is None:
            size = min(size, len(rows))
        with np.errstate(invalid="ignore"):  # shares of no variance, of constant columns
            pca = PCA(size, svd_solver=self.svd_solver, random_state=self.random_state).fit(rows)
        for name in _OF_TRAINING:  # of an earlier fit with the other solver
            self.__dict__.pop(name, None)
        self.n_components_ = size
        self.components_ = pca.components_
        self.explained_variance_ = pca.explained_variance_.astype(np.float64) * scale**2
        self.explained_variance_ratio_ = np.nan_to_num(pca.explained_variance_ratio_)
        self.singular_values_ = pca.singular_values_.astype(np.float64) * scale
        self.noise_variance_ = float(pca.noise_variance_) * scale**2

    def _rotate(self, columns: Mapping[str, Column], *, going_on: bool) -> None:
        """Turn an orthonormal basis of the decoder's span onto the principal axes in that span.

        Axes of earlier chunks join the span, with the squares that their rows had along them, so
        that a chunk weighs by its rows.
        """
        weight = self.net_.module_.decoder[0].weight.detach().cpu().double().numpy()
        n_axes, earlier, n_rows = weight.shape[1], 0.0, len(columns["x"])
        before: _Scatter | None = self.scatter_ if going_on else None
        if before is not None:
            weight = np.hstack([weight, before.axes])
        basis = np.linalg.qr(weight)[0]  # (n_features, code size and oversampling)
        axes, scale = torch.from_numpy(basis), self.scaling_.scale

        def project(x: Tensor) -> Tensor:
            return torch.cat([x @ axes.to(x), x.square().sum(1, keepdim=True)], dim=1)

        projected = self._apply(project, columns).astype(np.float64, copy=False)
        codes, total = projected[:, :-1], projected[:, -1].sum()
        if before is not None:
            seen = before.axes.T @ basis
            earlier = seen.T @ (before.squares[:, None] * seen)
            total, n_rows = total + before.total, n_rows + self.n_samples_
        squares, rotation = np.linalg.eigh(codes.T @ codes + earlier)
        order = np.argsort(squares)[::-1]
        kept_axes = order[:n_axes]
        self.scatter_: _Scatter = _Scatter(
            basis @ rotation[:, kept_axes], np.maximum(squares[kept_axes], 0.0), total
        )
        leading, self.n_samples_ = order[: self.n_components_], n_rows
        components = (basis @ rotation[:, leading]).T
        largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
        self.components_ = components * np.where(largest < 0, -1.0, 1.0)
        kept = np.maximum(squares[leading], 0.0)
        degrees = max(1, n_rows - 1)
        self.singular_values_ = np.sqrt(kept) * scale
        self.explained_variance_ = kept / degrees * scale**2
        self.explained_variance_ratio_ = kept / total if total > 0 else np.zeros_like(kept)
        left_out = min(n_rows, self.n_features_in_) - self.n_components_
        rest = (total - kept.sum()) / degrees * scale**2
        self.noise_variance_ = rest / left_out if left_out > 0 else 0.0

    def _maps(self) -> tuple[RowFunction, RowFunction]:
        components = self.components_
        axes, scale = tensor_of(components, components.dtype), self.scaling_.scale
        return (
            lambda x: (x @ axes.T.to(x)) * scale,
            lambda code: (code @ axes.to(code)) / scale,
        )

    def _code_dtype(self, dtype: np.dtype) -> np.dtype:
        return dtype

    def _encoder(self) -> nn.Module:
        weight = torch.from_numpy(self.components_ * self.scaling_.scale).float()
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight = nn.Parameter(weight)
        return layer
