"""Pictures of what a model learned.

Displays in the manner of scikit-learn: the constructor takes arrays, `from_estimator` computes them
from a fitted model and draws, and `plot` draws them again, into any axes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import ShuffleSplit, check_cv
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skgen.corruptions import Corruption
from skgen.engine import seeded
from skgen.scaling import tensor_of

__all__ = [
    "ExplainedVarianceDisplay",
    "FilterDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
]


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Drawing needs matplotlib: pip install skgen[plot]") from error
    return plt


def _figure_and_axes(ax: Any) -> tuple[Any, Any]:
    """Return the axes to draw into, new ones if there are none, and their figure."""
    if ax is None:
        _, ax = _pyplot().subplots(layout="constrained")
    return ax.figure, ax


class LossCurveDisplay:
    """The loss of every epoch.

    Parameters
    ----------
    curves : mapping of str to array-like of shape (n_epochs,)
        Losses by name. NaN where there is none, as after epochs without rows set aside.

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
    >>> from skgen.inspection import LossCurveDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = Autoencoder(8, early_stopping=True, max_epochs=5, random_state=0).fit(X)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> sorted(display.curves)
    ['training', 'validation']
    """

    def __init__(self, curves: Mapping[str, ArrayLike]):
        self.curves = curves

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, **line_kwargs: Any
    ) -> "LossCurveDisplay":
        """Draw the losses of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            A fitted model with a `loss_curve_`: skgen's, or scikit-learn's `MLPRegressor`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise ValueError(
                f"{estimator} has no loss_curve_: it was not trained epoch by epoch. Pass a model "
                "that was, or the last step of a pipeline."
            )
        losses = estimator.loss_curve_
        curves = dict(losses) if isinstance(losses, Mapping) else {"training": losses}
        history = estimator.net_.history if hasattr(estimator, "net_") else []
        validation = [epoch.get("valid_loss", np.nan) for epoch in history]
        if not np.isnan(validation).all():
            curves["validation"] = validation
        return cls(curves).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> "LossCurveDisplay":
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        **line_kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        self.figure_, self.ax_ = _figure_and_axes(ax)
        self.lines_ = []
        for name, curve in self.curves.items():
            losses = np.asarray(curve, dtype=float)
            epochs = np.arange(1, len(losses) + 1)
            self.lines_ += self.ax_.plot(epochs, losses, **{"label": name, **line_kwargs})
        self.ax_.set(xlabel="epoch", ylabel="loss")
        locator = self.ax_.xaxis.get_major_locator()
        if type(locator).__name__ == "AutoLocator":  # not one that the caller chose
            locator.set_params(integer=True)
        self.ax_.legend()
        return self


class ReconstructionDisplay:
    """Rows, what was done to them, and what a model makes of that.

    Rows that are pictures are drawn as pictures, one column each; others as curves over the
    features, one above the other.

    Parameters
    ----------
    inputs : array-like of shape (n_rows, n_features)
        Clean rows, all of which are drawn.

    reconstructions : array-like of shape (n_rows, n_features)
        What the model restored.

    distorted : array-like of shape (n_rows, n_features), default=None
        What the model saw, if not the clean rows.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the pictures; None draws curves.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the rows were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import DenoisingAutoencoder
    >>> from skgen.corruptions import Masking
    >>> from skgen.inspection import ReconstructionDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = DenoisingAutoencoder(16, max_epochs=5, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(
    ...     model, X[:10], distorted=Masking(0.5), image_shape=(8, 8)
    ... )
    >>> display.distorted.shape
    (10, 64)
    """

    def __init__(
        self,
        inputs: ArrayLike,
        reconstructions: ArrayLike,
        *,
        distorted: ArrayLike | None = None,
        image_shape: Sequence[int] | None = None,
    ):
        self.inputs = inputs
        self.reconstructions = reconstructions
        self.distorted = distorted
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        distorted: ArrayLike | Corruption | None = None,
        image_shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
    ) -> "ReconstructionDisplay":
        """Restore rows and draw them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted transformer with `transform` and `inverse_transform`.

        X : array-like of shape (n_rows, n_features)
            Clean rows, all of which are drawn: ten or so make a good picture.

        distorted : array-like of shape (n_rows, n_features) or Corruption, default=None
            What the model gets to see in their place. A `Corruption` is applied in network units,
            as in training, and takes a model of skgen. Those that take values from other rows need
            several to choose from.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the pictures; None draws curves.

        random_state : int, RandomState instance or None, default=0
            Seeds a `Corruption`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        clean = check_array(X)
        seen = X if distorted is None else distorted  # a frame keeps the names of its columns
        if isinstance(distorted, Corruption):
            if not hasattr(estimator, "scaling_"):
                raise ValueError(
                    f"{distorted} acts in the units of a model of skgen, and {estimator} is none. "
                    "Pass distorted rows."
                )
            scaling = estimator.scaling_
            with seeded(check_random_state(random_state).randint(2**31 - 1)), torch.no_grad():
                units = scaling.apply(tensor_of(clean, np.dtype(np.float64)))
                drawn: NDArray = scaling.undo(distorted(units)).numpy()
            named: Any = X
            distorted = seen = drawn
            if hasattr(named, "columns"):
                seen = type(named)(dict(zip(named.columns, drawn.T, strict=True)))
        elif isinstance(distorted, str):
            raise ValueError(
                f"distorted={distorted!r} has to be rows, or an object of skgen.corruptions."
            )
        restored = estimator.inverse_transform(estimator.transform(seen))
        return cls(clean, restored, distorted=distorted, image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "ReconstructionDisplay":
        """Draw the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colours of grey pictures.

        Returns
        -------
        display : ReconstructionDisplay
            The display itself.
        """
        kinds = {"input": self.inputs, "distorted": self.distorted}
        kinds["reconstruction"] = self.reconstructions
        rows = {name: np.asarray(kind, float) for name, kind in kinds.items() if kind is not None}
        shapes = {name: values.shape for name, values in rows.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"All have to have one shape, got {shapes}.")
        self.figure_, self.ax_ = _figure_and_axes(ax)
        if self.image_shape is None:
            self._plot_curves(rows)
        else:
            self._plot_pictures(rows, cmap)
        return self

    def _plot_pictures(self, rows: Mapping[str, NDArray], cmap: str) -> None:
        shape = _checked_shape(self.image_shape, rows["input"].shape[1])
        low, high = rows["input"].min(), rows["input"].max()
        pictures = np.stack(list(rows.values())).reshape(len(rows), -1, *shape)
        shown = np.clip((pictures - low) / ((high - low) or 1), 0, 1)
        self.ax_.imshow(_mosaic(shown), cmap=cmap, vmin=0, vmax=1)
        middles = 1 + (shape[0] + 1) * np.arange(len(rows)) + (shape[0] - 1) / 2
        self.ax_.set(xticks=[], yticks=middles, yticklabels=list(rows))
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)

    def _plot_curves(self, rows: Mapping[str, NDArray]) -> None:
        styles = {
            "input": {"color": "0.6", "linewidth": 2.5},
            "distorted": {"color": "tab:orange", "linewidth": 0.8, "alpha": 0.8},
            "reconstruction": {"color": "tab:blue", "linewidth": 1.2},
        }
        offsets = 1.1 * np.ptp(rows["input"]) * np.arange(len(rows["input"]))[::-1]
        for name, values in rows.items():
            lines = self.ax_.plot((values + offsets[:, None]).T, **styles[name])
            lines[0].set_label(name)
        self.ax_.set(xlabel="feature", yticks=[])
        self.ax_.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(rows), frameon=False)


class FilterDisplay:
    """What units of a first layer look for: their weights, as pictures.

    Grey is no weight; every filter is scaled by its own largest weight, so that brightness does
    not compare between them.

    Parameters
    ----------
    filters : array-like of shape (n_filters, n_features)
        Weights of one unit a row.

    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, 3)`` of the patches that the filters see; None
        stands for a square.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the filters were drawn.

    figure_ : matplotlib Figure
        The figure of `ax_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import SparseAutoencoder
    >>> from skgen.inspection import FilterDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = SparseAutoencoder(100, max_epochs=5, random_state=0).fit(X)
    >>> display = FilterDisplay.from_estimator(model, n_filters=25)
    >>> display.filters.shape
    (25, 64)
    """

    def __init__(self, filters: ArrayLike, *, image_shape: Sequence[int] | None = None):
        self.filters = filters
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        image_shape: Sequence[int] | None = None,
        n_filters: int = 100,
        ax: Any = None,
    ) -> "FilterDisplay":
        """Draw the first layer's weights of a fitted model.

        Parameters
        ----------
        estimator : estimator instance
            A fitted dense autoencoder, or any estimator with `components_`, such as `PCA`.

        image_shape : tuple of int, default=None
            ``(height, width)`` or ``(height, width, 3)`` of the patches that the filters see; None
            stands for a square.

        n_filters : int, default=100
            How many to draw at most: those with the largest weights. At least 1.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : FilterDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        if n_filters < 1:
            raise ValueError(f"n_filters has to be at least 1, got {n_filters}.")
        if hasattr(estimator, "components_"):
            filters = np.asarray(estimator.components_)
        else:
            encoder = getattr(getattr(estimator, "net_", None), "module_", None)
            first = next(iter(getattr(encoder, "encoder", [])), None)
            if not isinstance(first, nn.Linear):
                raise ValueError(
                    f"{estimator} has neither components_ nor an encoder that starts with a dense "
                    "layer. Pass its filters to FilterDisplay(filters) yourself."
                )
            filters = first.weight.detach().cpu().numpy()
        strength = np.linalg.norm(filters, axis=1)
        largest = np.argsort(-strength.round(6), kind="stable")[:n_filters]
        return cls(filters[largest], image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax: Any = None, cmap: str = "gray") -> "FilterDisplay":
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        cmap : str, default="gray"
            Colours of weights for grey pictures.

        Returns
        -------
        display : FilterDisplay
            The display itself.
        """
        filters = np.asarray(self.filters)
        shape = _checked_shape(self.image_shape, filters.shape[1])
        largest = np.abs(filters).max(axis=1, keepdims=True)
        shades = 0.5 + 0.5 * filters / np.where(largest == 0, 1, largest)
        n_columns = int(np.ceil(np.sqrt(len(shades))))
        n_rows = -(-len(shades) // n_columns)
        grid = np.full((n_rows * n_columns, shades.shape[1]), np.nan)
        grid[: len(shades)] = shades
        self.figure_, self.ax_ = _figure_and_axes(ax)
        mosaic = _mosaic(grid.reshape(n_rows, n_columns, *shape))
        self.ax_.imshow(mosaic, cmap=cmap, vmin=0, vmax=1)
        self.ax_.set(xticks=[], yticks=[])
        self.ax_.spines[:].set_visible(False)
        return self


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
        _pyplot()  # which is missed now, rather than after all the fits
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
        self.figure_, self.ax_ = _figure_and_axes(ax)
        self.lines_ = []
        sizes = np.asarray(self.n_components)
        for name, values in self.scores.items():
            scores = np.asarray(values)
            mean, deviation = scores.mean(axis=1), scores.std(axis=1)
            style = {"label": name, "marker": "o", **line_kwargs}
            self.lines_ += self.ax_.plot(sizes, mean, **style)
            colour = self.lines_[-1].get_color()
            self.ax_.fill_between(
                sizes, mean - deviation, mean + deviation, alpha=0.2, color=colour
            )
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


def _checked_shape(image_shape: Sequence[int] | None, n_features: int) -> tuple[int, ...]:
    """Return the shape of a picture of so many features."""
    if image_shape is None:
        side = round(n_features**0.5)
        shape: tuple[int, ...] = (side, side)
        problem = f"{n_features} features make no square"
    else:
        shape = tuple(image_shape)
        problem = f"image_shape={shape} does not hold {n_features} features"
    if shape[2:] not in {(), (3,)} or len(shape) < 2:
        problem = f"image_shape={shape} is neither that of a grey picture nor of one in colour"
    elif np.prod(shape) == n_features:
        return shape
    raise ValueError(f"{problem}. Pass image_shape=(height, width) or (height, width, 3).")


def _mosaic(pictures: NDArray) -> NDArray:  # (rows, columns, height, width[, 3])
    """Put pictures with values in [0, 1] side by side, white lines between them."""
    n_rows, n_columns, height, width, *channels = pictures.shape
    framed = np.ones((n_rows, n_columns, height + 1, width + 1, *channels))
    framed[:, :, 1:, 1:] = np.where(np.isnan(pictures), 1, pictures)
    return framed.swapaxes(1, 2).reshape(n_rows * (height + 1), n_columns * (width + 1), *channels)
