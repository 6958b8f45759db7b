"""How much of X codes of several sizes explain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import ShuffleSplit, check_cv
from sklearn.utils import check_array
from sklearn.utils.parallel import Parallel, delayed

from skgen._sklearn import _safe_indexing
from skgen.inspection._drawing import figure_and_axes, pyplot

__all__ = ["ExplainedVarianceDisplay"]


class ExplainedVarianceDisplay:
    """The share of variance that codes of several sizes explain, beside principal components.

    Parameters
    ----------
    n_components : array-like of shape (n_sizes,)
        Sizes of the code.

    scores : mapping of str to array-like of shape (n_sizes, n_splits)
        Share of the variance of rows set aside that is explained, by model. NaN where a model
        has no code of that size.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the curves were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    lines_ : list of matplotlib Line2D
        The curves.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import Autoencoder
    >>> from skgen.inspection import ExplainedVarianceDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = Autoencoder(max_epochs=5, random_state=0)
    >>> display = ExplainedVarianceDisplay.from_estimator(model, X, n_components=[2, 8])
    >>> sorted(display.scores)
    ['Autoencoder', 'PCA']
    """

    def __init__(self, n_components: ArrayLike, scores: Mapping[str, ArrayLike]):
        self.n_components = n_components
        self.scores = scores

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_components: Sequence[int] = (2, 4, 8, 16, 32),
        param_name: str = "n_components",
        cv: Any = None,
        n_jobs: int | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> "ExplainedVarianceDisplay":
        """Fit a model at every size of the code, and PCA, and draw how they do on other rows.

        Parameters
        ----------
        estimator : estimator instance
            A transformer with `transform` and `inverse_transform`. Copies of it are fitted.

        X : array-like of shape (n_samples, n_features)
            Rows to fit on and to set aside from.

        n_components : sequence of int, default=(2, 4, 8, 16, 32)
            Sizes of the code.

        param_name : str, default="n_components"
            The parameter of the estimator that sets the size, such as
            ``"autoencoder__n_components"`` in a pipeline.

        cv : int, cross-validation generator or iterable, default=None
            How to set rows aside. None sets a fifth aside once.

        n_jobs : int, default=None
            Fits that run at the same time.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : ExplainedVarianceDisplay
            The drawn display.
        """
        pyplot()  # which is missed now, rather than after all the fits
        rows: NDArray = check_array(X)
        sizes = list(n_components)
        splitter = ShuffleSplit(1, test_size=0.2, random_state=0) if cv is None else check_cv(cv)
        splits = list(splitter.split(rows))
        models = [clone(estimator).set_params(**{param_name: size}) for size in sizes]
        ours = Parallel(n_jobs=n_jobs)(
            delayed(_share_explained)(
                clone(model), _safe_indexing(X, train), _safe_indexing(X, test)
            )
            for model in models
            for train, test in splits
        )
        linear = [_share_explained_by_pca(rows[train], rows[test], sizes) for train, test in splits]
        owner = param_name.rpartition("__")[0]
        name = type(estimator.get_params()[owner] if owner else estimator).__name__
        scores = {"PCA": np.transpose(linear), name: np.reshape(ours, (len(sizes), len(splits)))}
        return cls(np.asarray(sizes), scores).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> "ExplainedVarianceDisplay":
        """Draw the curves: the mean over splits, and one standard deviation either way.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : ExplainedVarianceDisplay
            The display itself.
        """
        self.figure_, self.ax_ = figure_and_axes(ax)
        self.lines_ = []
        sizes = np.asarray(self.n_components)
        for name, values in self.scores.items():
            scores = np.asarray(values)
            mean, deviation = scores.mean(axis=1), scores.std(axis=1)
            style = {"label": name, "marker": "o", **line_kwargs}
            self.lines_ += self.ax_.plot(sizes, mean, **style)
            color = self.lines_[-1].get_color()
            self.ax_.fill_between(sizes, mean - deviation, mean + deviation, alpha=0.2, color=color)
        self.ax_.set(xlabel="size of the code", ylabel="share of variance explained", xscale="log")
        self.ax_.set_xticks(sizes, [str(size) for size in sizes])
        self.ax_.minorticks_off()
        self.ax_.legend()
        return self


def _share_explained(model: Any, X: Any, X_test: Any) -> float:
    restored = model.fit(X).inverse_transform(model.transform(X_test))
    rows, mean = np.asarray(X_test), np.asarray(X).mean(axis=0)
    return 1 - float(np.sum((rows - restored) ** 2) / np.sum((rows - mean) ** 2))


def _share_explained_by_pca(X: NDArray, X_test: NDArray, sizes: Sequence[int]) -> list[float]:
    """Return the share for every size, from one decomposition; NaN beyond the rank."""
    pca = PCA(min(max(sizes), *X.shape), random_state=0).fit(X)
    energy = np.cumsum(np.sum(pca.transform(X_test) ** 2, axis=0))
    total = np.sum((X_test - pca.mean_) ** 2)
    return [float(energy[k - 1] / total) if k <= len(energy) else np.nan for k in sizes]
