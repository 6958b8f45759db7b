"""Matrix decomposition seen as an autoencoder."""

from typing import final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from torch import Tensor, nn

from skgen.autoencoders._base import BaseAutoencoder, Reconstruction, RowFunction
from skgen.engine import Turn
from skgen.inputs.scaling import Scaling
from skgen.losses import SquaredError
from skgen.networks.dense import DenseAutoencoder
from skgen.parameters import parameter

__all__ = ["LinearAutoencoder"]

# Components trained beyond those asked for, as in randomized SVD: the subspace then converges at
# the rate of the gap to these, not of the gap to the next.
_OVERSAMPLING = 10


_PCA_ATTRIBUTES = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
)


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
        Number of rows decomposed; with `partial_fit`, of the last chunk, as are the variances,
        which are about `mean_`.

    noise_variance_ : float
        Mean variance along the directions left out.

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
        "{'svd', 'sgd'}",
        """Singular value decomposition, or training.""",
    )
    svd_solver: str = parameter(
        "auto",
        [StrOptions({"auto", "full", "covariance_eigh", "arpack", "randomized"})],
        "{'auto', 'full', 'covariance_eigh', 'arpack', 'randomized'}",
        """For ``solver="svd"``: which one, as in `sklearn.decomposition.PCA`.""",
    )

    partial_fit = available_if(_is_trained)(BaseAutoencoder.partial_fit)

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

    def _module(self, n_features: int) -> nn.Module:
        size = min(self._code_size(n_features) + _OVERSAMPLING, n_features)
        return DenseAutoencoder(n_features, (), size)

    def _turns(self) -> list[Turn]:
        return [Turn(("encoder", "decoder"), Reconstruction(SquaredError()))]

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        if self.solver == "sgd":
            X = super()._learn(X, partial=partial)
            self.mean_ = self.scaling_.mean
            self._rotate(X)
            return X
        X = self._validate(X, reset=True)
        size = self._code_size(X.shape[1])
        if self.n_components is None:
            size = min(size, len(X))
        pca = PCA(size, svd_solver=self.svd_solver, random_state=self.random_state).fit(X)
        for name in ("net_", "loss_curve_", "n_iter_"):  # of an earlier fit with the other solver
            self.__dict__.pop(name, None)
        self.scaling_ = Scaling.fit(X)
        self.n_components_, self.n_samples_ = size, len(X)
        for name in _PCA_ATTRIBUTES:
            setattr(self, name, getattr(pca, name))
        return X

    def _rotate(self, X: NDArray) -> None:
        """Turn an orthonormal basis of the decoder's span onto the principal axes in that span."""
        weight = self.net_.module_.decoder[0].weight.detach().cpu().double().numpy()
        basis = np.linalg.qr(weight)[0]  # (n_features, code size and oversampling)
        mean, axes = torch.as_tensor(self.mean_), torch.as_tensor(basis)

        def project(x: Tensor) -> Tensor:
            centered = x - mean.to(x)
            return torch.cat([centered @ axes.to(x), centered.square().sum(1, keepdim=True)], dim=1)

        projected = self._apply(project, X).astype(np.float64, copy=False)
        codes, total = projected[:, :-1], projected[:, -1].sum()
        squares, rotation = np.linalg.eigh(codes.T @ codes)
        leading = np.argsort(squares)[::-1][: self.n_components_]
        components = (basis @ rotation[:, leading]).T
        largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
        self.components_ = components * np.where(largest < 0, -1.0, 1.0)
        self.n_samples_ = len(X)
        kept = np.maximum(squares[leading], 0.0)
        degrees = max(1, len(X) - 1)
        self.singular_values_ = np.sqrt(kept)
        self.explained_variance_ = kept / degrees
        self.explained_variance_ratio_ = kept / total if total > 0 else np.zeros_like(kept)
        left_out = min(X.shape) - self.n_components_
        self.noise_variance_ = (total - kept.sum()) / degrees / left_out if left_out > 0 else 0.0

    def _maps(self, dtype: np.dtype) -> tuple[RowFunction, RowFunction]:
        device = self.net_.device if hasattr(self, "net_") else "cpu"
        axes = torch.as_tensor(self.components_.astype(dtype), device=device)
        mean = torch.as_tensor(self.mean_.astype(dtype), device=device)
        return lambda x: (x - mean) @ axes.T, lambda code: torch.addmm(mean, code, axes)
