"""Scores of samples: how far they are from rows that a model did not see.

Every score depends on how many rows and samples it is computed from, and says so: it is a `float`
that carries both numbers. Compare scores of equal numbers only.
"""

from collections.abc import Callable, Iterator
from math import comb
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.stats import binom, norm
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import pairwise_distances_chunked
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array, check_random_state

from skgen._sklearn import HasMethods, Interval, validate_params

__all__ = [
    "DensityCoverage",
    "KernelDistance",
    "Memorization",
    "PrecisionRecall",
    "SampleScore",
    "TwoSampleTest",
    "c2st_distance",
    "density_coverage",
    "frechet_distance",
    "kernel_distance",
    "manifold_precision_recall_score",
    "memorization",
    "mmd_distance",
]

Features = Callable[[Any], Any] | Any

_FEATURES = [callable, HasMethods("transform"), None]
# Numbers that it takes to work out a p-value of `memorization` exactly, at most.
_SIZE_OF_EXACT = 20_000_000

# Rows that a classifier needs at least, to learn from some and to be tested on others.
_LEAST_TO_TELL = 20

_AT_LEAST_1 = [Interval(Integral, 1, None, closed="left")]


class SampleScore(float):
    """A number that says how many rows and samples it was computed from.

    Parameters
    ----------
    value : float
        The score.

    n_real : int
        Number of rows.

    n_generated : int
        Number of samples.
    """

    n_real: int
    n_generated: int

    def __new__(cls, value: float, n_real: int, n_generated: int) -> "SampleScore":
        score = super().__new__(cls, value)
        score.n_real, score.n_generated = n_real, n_generated
        return score

    def __getnewargs__(self) -> tuple[float, int, int]:  # type: ignore[override]
        return float(self), self.n_real, self.n_generated

    def __repr__(self) -> str:
        return f"{float(self):.6g} ({self.n_real} rows, {self.n_generated} samples)"


class KernelDistance(NamedTuple):
    """What `kernel_distance` returns: mean and standard deviation over subsets."""

    mean: SampleScore
    std: float


class DensityCoverage(NamedTuple):
    """What `density_coverage` returns."""

    density: SampleScore
    coverage: SampleScore


class PrecisionRecall(NamedTuple):
    """What `manifold_precision_recall_score` returns."""

    precision: SampleScore
    recall: SampleScore


class TwoSampleTest(NamedTuple):
    """What `c2st_distance` and `mmd_distance` return: a statistic, and its p-value."""

    statistic: SampleScore
    p_value: float


class Memorization(NamedTuple):
    """What `memorization` returns."""

    share: SampleScore
    expected: float
    p_value: float


@validate_params(
    {"X": ["array-like"], "samples": ["array-like"], "features": _FEATURES},
    prefer_skip_nested_validation=True,
)
def frechet_distance(X: ArrayLike, samples: ArrayLike, *, features: Features = None) -> SampleScore:
    r"""Return the Frechet distance between two normal distributions fitted to rows and samples.

    .. math:: \|\mu - \hat\mu\|^2
              + \text{tr}\left(C + \hat C - 2 (C \hat C)^{1/2}\right)

    It sees means and covariances alone, and it is biased upwards when there are few: compare
    distances of equal numbers of rows and samples, several times as many as there are features.

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows, best such that the model did not see.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        A fitted transformer, or a function, whose output is compared in place of the rows. With
        Inception's features, this is the FID.

    Returns
    -------
    distance : SampleScore
        0 for equal means and covariances.

    References
    ----------
    .. [1] D. Dowson, B. Landau, "The Frechet distance between multivariate normal distributions",
       Journal of Multivariate Analysis 12, 1982.
    .. [2] M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
       equilibrium", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.metrics import frechet_distance
    >>> random = np.random.default_rng(0)
    >>> frechet_distance(random.normal(size=(5000, 2)), random.normal(3, 1, size=(5000, 2))) > 15
    True
    """
    real, fake = _compared(X, samples, features, at_least=2)
    real_root, fake_root = (_covariance_root(rows) for rows in (real, fake))
    # The trace of (C C')^(1/2) is the sum of the singular values of the roots' product.
    overlap = np.linalg.norm(real_root @ fake_root.T, ord="nuc")
    spread = np.square(real_root).sum() + np.square(fake_root).sum() - 2 * overlap
    shift = np.square(real.mean(axis=0) - fake.mean(axis=0)).sum()
    return SampleScore(shift + max(0.0, spread), len(real), len(fake))


def _covariance_root(rows: NDArray) -> NDArray:
    """Return R such that R'R is the covariance matrix, without squaring the rows."""
    root: Any = np.linalg.qr(rows - rows.mean(axis=0), mode="r")
    scaled: NDArray = root / np.sqrt(len(rows) - 1)
    return scaled


@validate_params(
    {
        "X": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
        "n_subsets": _AT_LEAST_1,
        "subset_size": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def kernel_distance(
    X: ArrayLike,
    samples: ArrayLike,
    *,
    features: Features = None,
    n_subsets: int = 100,
    subset_size: int = 1000,
    random_state: int | np.random.RandomState | None = 0,
) -> KernelDistance:
    r"""Return the squared distance between rows and samples in a polynomial kernel's space.

    .. math:: \widehat{\text{MMD}}^2, \quad k(x, y) = \left(\tfrac{1}{d} x^\top y + 1\right)^3

    Unlike the Frechet distance it has no bias, whatever the numbers, and sees third moments.

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows. With Inception's features, this is the KID.

    n_subsets : int, default=100
        How many random subsets are compared.

    subset_size : int, default=1000
        Rows, and samples, in each. Where there are no more, all are compared, once.

    random_state : int, RandomState instance or None, default=0
        Draws the subsets.

    Returns
    -------
    result : KernelDistance
        `mean` over the subsets, which is negative by chance where there is no difference, and `std`
        over them, NaN if there is one only.

    References
    ----------
    .. [1] M. Binkowski, D. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018.
    """
    real, fake = _compared(X, samples, features, at_least=2)
    random = check_random_state(random_state)
    if max(len(real), len(fake)) <= subset_size:
        n_subsets = 1
    distances = []
    for _ in range(n_subsets):
        some_real, some_fake = (
            rows[random.permutation(len(rows))[:subset_size]] for rows in (real, fake)
        )
        distances.append(
            _unbiased_mmd(
                _polynomial(some_real, some_real),
                _polynomial(some_fake, some_fake),
                _polynomial(some_real, some_fake),
            )
        )
    mean = SampleScore(float(np.mean(distances)), len(real), len(fake))
    return KernelDistance(mean, float(np.std(distances)) if n_subsets > 1 else np.nan)


def _polynomial(a: NDArray, b: NDArray) -> NDArray:
    kernel: NDArray = (a @ b.T / a.shape[1] + 1) ** 3
    return kernel


def _unbiased_mmd(within_real: NDArray, within_fake: NDArray, between: NDArray) -> float:
    """Return the squared distance of mean embeddings, no row compared with itself."""
    n, m = between.shape
    real = (within_real.sum() - np.trace(within_real)) / (n * (n - 1))
    fake = (within_fake.sum() - np.trace(within_fake)) / (m * (m - 1))
    return float(real + fake - 2 * between.mean())


@validate_params(
    {
        "X": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
        "n_neighbors": _AT_LEAST_1,
    },
    prefer_skip_nested_validation=True,
)
def density_coverage(
    X: ArrayLike, samples: ArrayLike, *, features: Features = None, n_neighbors: int = 5
) -> DensityCoverage:
    """Return how much samples lie where rows are dense, and how many rows have a sample near.

    Around every row there is a ball that reaches to its nearest neighbor number `n_neighbors`
    among the rows. Density is the mean number of balls that hold a sample, by `n_neighbors`: low
    where samples are off, and above 1 where they crowd. Coverage is the share of balls that hold a
    sample: low where kinds of rows are missing.

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows.

    n_neighbors : int, default=5
        How far a ball reaches.

    Returns
    -------
    result : DensityCoverage
        `density`, and `coverage`. For samples of the rows' own distribution, the first is 1, and
        the second ``1 - 2 ** -n_neighbors`` in the limit, where there are as many samples as rows.

    References
    ----------
    .. [1] M. Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML
       2020.
    """
    real, fake = _compared(X, samples, features, center=True)
    radii = _radii(real, n_neighbors, "X")
    inside, covered = 0, np.zeros(len(real), dtype=bool)
    for held in _in_balls(fake, real, radii):
        inside += int(held.sum())
        covered |= held.any(axis=0)
    counts = len(real), len(fake)
    return DensityCoverage(
        SampleScore(inside / (n_neighbors * len(fake)), *counts),
        SampleScore(float(covered.mean()), *counts),
    )


@validate_params(
    {
        "X": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
        "n_neighbors": _AT_LEAST_1,
    },
    prefer_skip_nested_validation=True,
)
def manifold_precision_recall_score(
    X: ArrayLike, samples: ArrayLike, *, features: Features = None, n_neighbors: int = 3
) -> PrecisionRecall:
    """Return the share of samples among the rows, and of rows among the samples.

    A row is among the samples if it is nearer to one of them than that one's nearest neighbor
    number `n_neighbors` among the samples is, and so the other way round. Both are quick to 1 where
    a single stray point opens a large ball: `density_coverage` is steadier.

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows.

    n_neighbors : int, default=3
        How far a ball reaches.

    Returns
    -------
    result : PrecisionRecall
        `precision` and `recall`.

    References
    ----------
    .. [1] T. Kynkaanniemi et al., "Improved precision and recall metric for assessing generative
       models", NeurIPS 2019.
    """
    real, fake = _compared(X, samples, features, center=True)
    counts = len(real), len(fake)
    shares = [
        np.mean(np.concatenate([held.any(axis=1) for held in _in_balls(a, b, radii)]))
        for a, b, radii in (
            (fake, real, _radii(real, n_neighbors, "X")),
            (real, fake, _radii(fake, n_neighbors, "samples")),
        )
    ]
    return PrecisionRecall(*(SampleScore(float(share), *counts) for share in shares))


def _radii(rows: NDArray, n_neighbors: int, name: str) -> NDArray:
    """Return every row's distance to its nearest neighbor of that number."""
    if len(rows) <= n_neighbors:
        raise ValueError(
            f"{name} has {len(rows)} rows, too few for n_neighbors={n_neighbors}: it takes "
            f"{n_neighbors + 1} at least."
        )
    distances, _ = NearestNeighbors(n_neighbors=n_neighbors).fit(rows).kneighbors()
    radii: NDArray = distances[:, -1]
    return radii


def _in_balls(points: NDArray, centers: NDArray, radii: NDArray) -> Iterator[NDArray[np.bool_]]:
    """Yield, chunk by chunk, which points are in which balls: (n_points in the chunk, n_balls)."""
    # Distances from scalar products are off by the square root of what products are off by.
    roundings = [1e-7 * np.sqrt(np.square(rows).sum(axis=1)) for rows in (points, centers)]
    done = 0
    for distances in pairwise_distances_chunked(points, centers):
        of_points = roundings[0][done : done + len(distances), None]
        done += len(distances)
        yield distances <= radii + np.maximum(of_points, roundings[1])


@validate_params(
    {
        "X": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
        "classifier": [HasMethods(["fit", "predict"]), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def c2st_distance(
    X: ArrayLike,
    samples: ArrayLike,
    *,
    features: Features = None,
    classifier: Any = None,
    cv: int = 5,
    random_state: int | np.random.RandomState | None = 0,
) -> TwoSampleTest:
    r"""Train a classifier to tell samples from rows, and return how well it does on others.

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows.

    classifier : classifier, default=None
        Cloned before use. None stands for scikit-learn's gradient boosting of trees, whose leaves
        hold 20 rows, or an eighth of those that it learns from if that is less.
        ``KNeighborsClassifier(1)`` makes it the nearest-neighbor test.

    cv : int, default=5
        Folds of the cross-validation.

    random_state : int, RandomState instance or None, default=0
        Deals rows to folds, and seeds the default classifier.

    Returns
    -------
    result : TwoSampleTest
        `statistic` is the accuracy on equal numbers of rows and samples, drawn from the larger set:
        0.5 where they cannot be told apart, 1 where all can. `p_value` is how likely as many right
        answers are by guessing. It takes them for independent, which those of the nearest neighbor
        are not: there it is too small; and by the default classifier, a little too small where rows
        are few.

    Raises
    ------
    ValueError
        If there are fewer than 20 rows or samples, or fewer than `cv`.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    real, fake = _compared(X, samples, features, at_least=max(cv, _LEAST_TO_TELL))
    counts, random = (len(real), len(fake)), check_random_state(random_state)
    real, fake = (rows[random.permutation(len(rows))[: min(counts)]] for rows in (real, fake))
    if classifier is None:
        n_learned = 2 * min(counts) * (cv - 1) // cv
        classifier = HistGradientBoostingClassifier(
            min_samples_leaf=min(20, max(1, n_learned // 8)),
            random_state=random.randint(2**31 - 1),
        )
    rows, is_real = np.vstack([real, fake]), np.repeat([1, 0], [len(real), len(fake)])
    folds = StratifiedKFold(cv, shuffle=True, random_state=random.randint(2**31 - 1))
    right = cross_val_predict(clone(classifier), rows, is_real, cv=folds) == is_real
    p_value = float(binom.sf(right.sum() - 1, len(rows), 0.5))
    return TwoSampleTest(SampleScore(float(right.mean()), *counts), p_value)


@validate_params(
    {
        "X": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "n_permutations": _AT_LEAST_1,
        "subset_size": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def mmd_distance(
    X: ArrayLike,
    samples: ArrayLike,
    *,
    features: Features = None,
    bandwidth: float | None = None,
    n_permutations: int = 200,
    subset_size: int = 1000,
    random_state: int | np.random.RandomState | None = 0,
) -> TwoSampleTest:
    r"""Return the maximum mean discrepancy between rows and samples, and test whether it is 0.

    .. math:: \widehat{\text{MMD}}^2, \quad
              k(x, y) = \exp\left(-\frac{\|x - y\|^2}{2\,\text{bandwidth}^2}\right)

    Parameters
    ----------
    X : array-like of shape (n_real, n_features), or images
        Rows.

    samples : array-like like X
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows.

    bandwidth : float, default=None
        Width of the kernel, in units of what is compared. None stands for the median distance of
        what differs.

    n_permutations : int, default=200
        How often rows and samples are dealt anew for the p-value.

    subset_size : int, default=1000
        Rows, and samples, that are compared at most, drawn at random: memory grows by its square.

    random_state : int, RandomState instance or None, default=0
        Draws subsets and permutations.

    Returns
    -------
    result : TwoSampleTest
        `statistic` is the unbiased estimate of the squared discrepancy. `p_value` is the share of
        permutations, the given order among them, whose statistic is as large.

    Raises
    ------
    ValueError
        If there are so few rows and samples that no difference makes `p_value` .05 or less: 4 of
        each are enough.

    References
    ----------
    .. [1] A. Gretton et al., "A kernel two-sample test", JMLR 13, 2012.
    """
    random = check_random_state(random_state)
    real, fake = (
        rows[random.permutation(len(rows))[:subset_size]]
        for rows in _compared(X, samples, features, at_least=2)
    )
    n, m = len(real), len(fake)
    # Ways to deal them; with equal numbers, each comes with one that swaps the two.
    n_deals = comb(n + m, n) // (2 if n == m else 1)
    if n_deals < 20:
        raise ValueError(
            f"{n} rows and {m} samples are compared, which can be dealt in {n_deals} ways, so no "
            "difference would show in the p-value. It takes 4 of each."
        )
    rows = np.vstack([real, fake])
    squares = cdist(rows, rows, "sqeuclidean")
    if bandwidth is None:
        apart = squares[np.triu_indices(len(rows), 1)]
        apart = apart[apart > 0]
        bandwidth = float(np.sqrt(np.median(apart))) if len(apart) else 1.0
    kernel = np.exp(-squares / (2 * bandwidth**2))
    np.fill_diagonal(kernel, 0)  # so that no row is compared with itself
    # One column for every way of dealing: 1 for rows, 0 for samples.
    deals = np.zeros((n + m, 1 + n_permutations))
    deals[:n, 0] = 1
    for number in range(1, 1 + n_permutations):
        deals[random.permutation(n + m)[:n], number] = 1
    sums = kernel @ deals
    within_real = (deals * sums).sum(axis=0)
    between = sums.sum(axis=0) - within_real
    within_fake = kernel.sum() - within_real - 2 * between
    statistics = within_real / (n * (n - 1)) + within_fake / (m * (m - 1)) - 2 * between / (n * m)
    rounding = 1e-9 * np.abs(statistics).max()
    p_value = float(np.mean(statistics >= statistics[0] - rounding))
    return TwoSampleTest(SampleScore(float(statistics[0]), n, m), p_value)


@validate_params(
    {
        "X_train": ["array-like"],
        "X_test": ["array-like"],
        "samples": ["array-like"],
        "features": _FEATURES,
    },
    prefer_skip_nested_validation=True,
)
def memorization(
    X_train: ArrayLike, X_test: ArrayLike, samples: ArrayLike, *, features: Features = None
) -> Memorization:
    """Say whether samples are nearer to the rows that a model saw than to others of their kind.

    Parameters
    ----------
    X_train : array-like of shape (n_train, n_features), or images
        Rows that the model was trained on.

    X_test : array-like like X_train
        Rows of the same distribution that it did not see.

    samples : array-like like X_train
        Samples.

    features : transformer or callable, default=None
        Whose output is compared in place of the rows.

    Returns
    -------
    result : Memorization
        `share` is the share of samples whose nearest row of all is a training row; `expected` is
        what it would be of a model that knows no training row from a test row,
        ``n_train / (n_train + n_test)``; 1 is a model that gives back what it saw. `p_value` is how
        likely so large a share is if it is by chance which rows were trained on: exactly where few
        rows are nearest to a sample, and otherwise by the normal approximation.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.metrics import memorization
    >>> X = np.random.default_rng(0).normal(size=(400, 5))
    >>> copied = memorization(X[:200], X[200:], X[:100])
    >>> copied.share, copied.expected
    (1 (400 rows, 100 samples), 0.5)
    """
    train, fake = _compared(X_train, samples, features, names=("X_train", "samples"))
    train, test = _compared(X_train, X_test, features, names=("X_train", "X_test"))
    n_train, n_rows = len(train), len(train) + len(test)
    rows = np.vstack([train, test])
    nearest = NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(fake, return_distance=False)
    counts = np.bincount(nearest[:, 0], minlength=n_rows)  # of samples, by their nearest row
    share, expected = counts[:n_train].sum() / len(fake), n_train / n_rows
    p_value = _p_of_sum(int(counts[:n_train].sum()), counts, n_train)
    return Memorization(SampleScore(float(share), n_rows, len(fake)), expected, p_value)


def _p_of_sum(total: int, counts: NDArray[np.integer], n_drawn: int) -> float:
    """Return how likely so large a sum is of that many counts, drawn without replacement."""
    n, several = len(counts), counts[counts > 0]
    if len(several) ** 2 * several.sum() > _SIZE_OF_EXACT:
        variance = counts.var() * n_drawn * (n - n_drawn) / (n - 1)
        if variance == 0:
            return 1.0
        return float(norm.sf((total - counts.mean() * n_drawn) / np.sqrt(variance)))
    # How likely it is that so many of the counts so far are drawn, and that they sum up to that.
    shares = np.zeros((len(several) + 1, several.sum() + 1))
    shares[0, 0] = 1
    for number, count in enumerate(several):
        so_far = shares[: number + 1].copy()
        is_drawn = ((n_drawn - np.arange(number + 1)) / (n - number)).clip(0, 1)[:, None]
        shares[: number + 1] = (1 - is_drawn) * so_far
        shares[1 : number + 2, count:] += (is_drawn * so_far)[:, : shares.shape[1] - count]
    return float(min(1.0, shares[:, total:].sum()))


def _compared(
    X: ArrayLike,
    samples: ArrayLike,
    features: Features,
    *,
    at_least: int = 1,
    center: bool = False,
    names: tuple[str, str] = ("X", "samples"),
) -> tuple[NDArray, NDArray]:
    """Return what is compared of rows and samples, checked, in double precision."""
    shapes = [np.shape(rows)[1:] for rows in (X, samples)]
    if min(map(len, shapes)) > 1 and len(set(shapes)) > 1:
        raise ValueError(
            f"Images of {names[1]} are of shape {shapes[1]}, but those of {names[0]} are of "
            f"shape {shapes[0]}."
        )
    real, fake = (
        _described(rows, features, name, at_least)
        for name, rows in zip(names, (X, samples), strict=True)
    )
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"{names[1]} has {fake.shape[1]} columns, but {names[0]} has {real.shape[1]}. They "
            "have to be of one kind."
        )
    if center:  # for the sake of distances, in which large numbers would cancel
        mean = real.mean(axis=0)
        real, fake = real - mean, fake - mean
    return real, fake


def _described(rows: ArrayLike, features: Features, name: str, at_least: int) -> NDArray:
    if features is not None:
        rows = features.transform(rows) if hasattr(features, "transform") else features(rows)
    values = np.asarray(rows)
    flat = values.reshape(len(values), -1) if values.ndim > 2 else rows
    checked: NDArray = check_array(
        flat, dtype=np.float64, ensure_min_samples=at_least, input_name=name
    )
    return checked
