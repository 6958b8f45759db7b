"""How far apart two domains are, before and after a classifier adapted."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils.validation import check_is_fitted

from skgen._sklearn import _safe_indexing
from skgen.inputs.domains import checked_labels, labeled_rows, source_rows
from skgen.inspection._drawing import flat, pyplot
from skgen.metrics import proxy_a_distance
from skgen.metrics._domains import of_domains

__all__ = ["DomainConfusionDisplay"]


class DomainConfusionDisplay:
    """Rows and their features in two dimensions, colored by domain and by class.

    Where adapting worked, the domains cover each other on the right and the classes do not.

    Parameters
    ----------
    before : array-like of shape (n_samples, n_features)
        Rows as they are.

    after : array-like of shape (n_samples, n_components)
        Their features.

    sample_domain : array-like of shape (n_samples,)
        Positive for rows of the source, negative for those of the target.

    classes : array-like of shape (n_samples,)
        Class of every row, as it is known or predicted.

    Attributes
    ----------
    distances_ : tuple of float
        The proxy A-distance of the domains before and after: 0 if a linear classifier cannot tell
        them apart, 2 if it always can.

    axes_ : ndarray of matplotlib Axes of shape (2, 2)
        Before and after, side by side; colored by domain above, and by class below.

    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skgen import CoralClassifier
    >>> from skgen.inspection import DomainConfusionDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 900, y, -1)
    >>> X[900:] = X[900:] * 0.5 + 4  # the target is paler
    >>> model = CoralClassifier(max_epochs=5, random_state=0).fit(X, known)
    >>> display = DomainConfusionDisplay.from_estimator(model, X, known, projection="pca")
    >>> display.distances_[1] < display.distances_[0]
    True
    """

    def __init__(
        self,
        before: ArrayLike,
        after: ArrayLike,
        *,
        sample_domain: ArrayLike,
        classes: ArrayLike,
    ):
        self.before = before
        self.after = after
        self.sample_domain = sample_domain
        self.classes = classes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_domain: ArrayLike | None = None,
        projection: Any = "tsne",
        n_samples: int = 1000,
        random_state: int | None = 0,
        axes: Any = None,
    ) -> "DomainConfusionDisplay":
        """Draw rows and what a model makes of them.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier that adapts.

        X : array-like of shape (n_samples, n_features), or images
            Rows of both domains.

        y : array-like of shape (n_samples,)
            Their classes. Rows whose label is -1, for none, are colored by their predicted class.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target. With None, rows
            without a label are those of the target.

        projection : {"tsne", "pca"} or transformer, default="tsne"
            What brings rows and features to two dimensions, each fitted on its own.

        n_samples : int, default=1000
            Rows to draw at most, half of them of each domain, at random.

        random_state : int or None, default=0
            Seeds the choice of rows and t-SNE.

        axes : array-like of matplotlib Axes, default=None
            Four axes to draw into, before and after by domain first. None makes a figure.

        Returns
        -------
        display : DomainConfusionDisplay
            The drawn display.
        """
        check_is_fitted(estimator)
        labels = checked_labels(y)
        source = source_rows(labels, sample_domain, estimator.classes_)
        draw = np.random.default_rng(random_state)
        sides = [draw.permutation(np.flatnonzero(side)) for side in (source, ~source)]
        some = np.concatenate([side[: max(2, n_samples // 2)] for side in sides])
        rows, labels, source = _safe_indexing(X, some), labels[some], source[some]
        domains = np.where(source, 1, -1)
        predicted = of_domains(estimator, "predict", rows, domains)
        known = labeled_rows(labels, estimator.classes_)
        display = cls(
            flat(rows),
            of_domains(estimator, "transform", rows, domains),
            sample_domain=domains,
            classes=np.where(known, labels, predicted),
        )
        return display.plot(projection=projection, random_state=random_state, axes=axes)

    def plot(
        self, *, projection: Any = "tsne", random_state: int | None = 0, axes: Any = None
    ) -> "DomainConfusionDisplay":
        """Draw rows and features.

        Parameters
        ----------
        projection : {"tsne", "pca"} or transformer, default="tsne"
            What brings rows and features to two dimensions, each fitted on its own.

        random_state : int or None, default=0
            Seeds t-SNE.

        axes : array-like of matplotlib Axes, default=None
            Four axes to draw into. None makes a figure.

        Returns
        -------
        display : DomainConfusionDisplay
            The display itself.
        """
        if isinstance(projection, str) and projection not in {"tsne", "pca"}:
            raise ValueError(
                f'projection has to be "tsne", "pca" or a transformer, got {projection!r}.'
            )
        if axes is None:
            _, axes = pyplot().subplots(2, 2, figsize=(8, 7.5), layout="constrained")
        self.axes_ = np.asarray(axes, dtype=object)
        if self.axes_.size != 4:
            raise ValueError(f"There is a need for 4 axes, got {self.axes_.size}.")
        self.axes_ = self.axes_.reshape(2, 2)
        self.figure_ = self.axes_[0, 0].figure
        source = np.asarray(self.sample_domain) > 0
        classes = np.asarray(self.classes)
        distances = []
        for column, (title, values) in enumerate(
            {"before": self.before, "after": self.after}.items()
        ):
            rows = np.asarray(values, dtype=float)
            distances.append(proxy_a_distance(rows, self.sample_domain))
            points = rows if rows.shape[1] == 2 else _projected(rows, projection, random_state)
            above, below = self.axes_[:, column]
            above.set(title=f"{title}: proxy A-distance {distances[-1]:.2f}")
            _scatter(above, points, {"source": source, "target": ~source}, source)
            by_class = {str(label): classes == label for label in np.unique(classes)}
            _scatter(below, points, by_class, source)
        self.distances_ = tuple(distances)
        for ax in self.axes_.flat:
            ax.set(xticks=[], yticks=[])
        self.axes_[0, 0].set(ylabel="by domain")
        self.axes_[1, 0].set(ylabel="by class")
        outside = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
        for ax in self.axes_[:, 1]:
            ax.legend(**outside, markerscale=2)
        return self


def _projected(rows: NDArray, projection: Any, random_state: int | None) -> NDArray:
    """Return rows in two dimensions."""
    if rows.shape[1] == 1:
        return np.hstack([rows, np.zeros_like(rows)])
    if projection == "pca" or len(rows) < 5:
        projection = PCA(2)
    elif projection == "tsne":
        perplexity = min(30.0, (len(rows) - 1) / 3)
        projection = TSNE(perplexity=perplexity, init="pca", random_state=random_state)
    points: NDArray = clone(projection).fit_transform(rows)
    return points


def _scatter(ax: Any, points: NDArray, groups: dict[str, NDArray], source: NDArray) -> None:
    """Draw groups of points, each in its color: dots for the source, crosses for the target."""
    colors = pyplot().get_cmap("tab10" if len(groups) <= 10 else "turbo")
    for number, (name, members) in enumerate(groups.items()):
        color = colors(number if len(groups) <= 10 else number / (len(groups) - 1))
        for side, marker in ((source, "o"), (~source, "x")):
            inside = members & side
            if not inside.any():
                continue
            size = {"o": 9, "x": 14}[marker]
            ax.scatter(
                *points[inside].T,
                s=size,
                marker=marker,
                color=[color],
                linewidths=0 if marker == "o" else 0.8,
                alpha=0.7,
                label=name if marker == "o" or not (members & source).any() else None,
            )
