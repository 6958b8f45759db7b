"""Scores of samples, against closed forms, brute force and scipy."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import kstest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from skgen import metrics


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def same(random):
    return random.normal(size=(400, 3)), random.normal(size=(400, 3))


@pytest.fixture
def apart(random):
    return random.normal(size=(300, 3)), random.normal(0.7, 1.3, size=(250, 3))


COMPARISONS = [
    metrics.frechet_distance,
    metrics.kernel_distance,
    metrics.density_coverage,
    metrics.manifold_precision_recall_score,
    metrics.c2st_distance,
    metrics.mmd_distance,
]
each = pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)


# Distances


def test_frechet_distance_is_that_of_scipys_square_root(apart):
    X, samples = apart
    C, D = np.cov(X.T), np.cov(samples.T)
    shift = np.square(X.mean(0) - samples.mean(0)).sum()
    expected = shift + np.trace(C + D - 2 * sqrtm(C @ D).real)
    assert metrics.frechet_distance(X, samples) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_in_closed_form(random):
    X = random.normal(size=(500, 4))
    assert metrics.frechet_distance(X, X) == pytest.approx(0, abs=1e-9)
    # the same rows moved and scaled: ||shift||^2 + (scale - 1)^2 tr C
    moved = 3 * (X - X.mean(0)) + X.mean(0) + [1, 0, 0, -2]
    expected = 5 + 4 * np.trace(np.cov(X.T))
    assert metrics.frechet_distance(X, moved) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_with_more_columns_than_rows(random):
    X, samples = random.normal(size=(10, 40)), random.normal(size=(12, 40))
    C, D = np.cov(X.T), np.cov(samples.T)
    shift = np.square(X.mean(0) - samples.mean(0)).sum()
    expected = shift + np.trace(C) + np.trace(D) - 2 * np.trace(sqrtm(C @ D)).real
    assert metrics.frechet_distance(X, samples) == pytest.approx(expected, rel=1e-5)


def unbiased(k, X, samples):
    n, m = len(X), len(samples)
    xx = sum(k(X[i], X[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(samples[i], samples[j]) for i in range(m) for j in range(m) if i != j)
    xy = sum(k(x, y) for x in X for y in samples) / (n * m)
    return xx + yy / (m * (m - 1)) - 2 * xy


def test_kernel_distance_by_hand(apart):
    X, samples = apart[0][:15], apart[1][:12]
    result = metrics.kernel_distance(X, samples, n_subsets=1)  # smaller than a subset: all of them
    assert result.mean == pytest.approx(unbiased(lambda a, b: (a @ b / 3 + 1) ** 3, X, samples))
    assert np.isnan(result.std)


def test_kernel_distance_spreads_over_subsets(apart):
    result = metrics.kernel_distance(*apart, n_subsets=50, subset_size=40)
    whole = metrics.kernel_distance(*apart).mean
    assert result.mean == pytest.approx(whole, abs=3 * result.std / np.sqrt(50))
    assert result.std > 0


def test_kernel_distance_is_unbiased_and_depends_on_no_number(random):
    means = [
        metrics.kernel_distance(
            random.normal(size=(60, 3)), random.normal(size=(60, 3)), n_subsets=1
        ).mean
        for _ in range(300)
    ]
    assert abs(np.mean(means)) < 3 * np.std(means) / np.sqrt(300)
    assert min(means) < 0 < max(means)


def test_mmd_by_hand(apart):
    X, samples = apart[0][:15], apart[1][:12]

    def kernel(a, b):
        return np.exp(-np.square(a - b).sum() / (2 * 0.8**2))

    result = metrics.mmd_distance(X, samples, bandwidth=0.8, n_permutations=10)
    assert result.statistic == pytest.approx(unbiased(kernel, X, samples))


def test_mmd_rejects_what_differs_and_no_more(random):
    differing = metrics.mmd_distance(
        random.normal(size=(100, 2)), random.normal(1, 1, size=(100, 2))
    )
    assert differing.p_value == 1 / 201
    p_values = [
        metrics.mmd_distance(
            random.normal(size=(40, 2)), random.normal(size=(30, 2)), n_permutations=99
        ).p_value
        for _ in range(200)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01


# Neighbors


def test_density_and_coverage_by_brute_force(apart):
    X, samples = apart
    k = 4
    radii = np.sort(cdist(X, X), axis=1)[:, k]
    inside = cdist(samples, X) <= radii
    result = metrics.density_coverage(X, samples, n_neighbors=k)
    assert result.density == pytest.approx(inside.sum() / (k * len(samples)))
    assert result.coverage == pytest.approx(inside.any(axis=0).mean())


def test_density_and_coverage_of_the_rows_own_distribution(random):
    result = metrics.density_coverage(
        random.normal(size=(3000, 2)), random.normal(size=(3000, 2)), n_neighbors=3
    )
    assert result.density == pytest.approx(1, abs=0.05)
    assert result.coverage == pytest.approx(1 - 2.0**-3, abs=0.03)


def test_coverage_misses_what_is_missing(random):
    X = random.normal(size=(900, 2)) + np.repeat([[0, 0], [20, 0], [0, 20]], 300, axis=0)
    half = random.normal(size=(900, 2))  # of the first kind alone
    result = metrics.density_coverage(X, half)
    assert result.coverage == pytest.approx(1 / 3, abs=0.02)
    assert result.density > 0.9
    assert metrics.manifold_precision_recall_score(X, half).recall < 0.45


def test_precision_and_recall_by_brute_force(apart):
    X, samples = apart
    k = 3
    radii = [np.sort(cdist(rows, rows), axis=1)[:, k] for rows in (X, samples)]
    result = metrics.manifold_precision_recall_score(X, samples, n_neighbors=k)
    precision = (cdist(samples, X) <= radii[0]).any(axis=1).mean()
    recall = (cdist(X, samples) <= radii[1]).any(axis=1).mean()
    assert result == pytest.approx((precision, recall))
    assert metrics.manifold_precision_recall_score(X, samples + 100) == (0, 0)


# Tests


def test_c2st_guesses_where_there_is_nothing_to_tell(same):
    result = metrics.c2st_distance(*same)
    assert abs(result.statistic - 0.5) < 0.06 and result.p_value > 0.01


def test_c2st_tells_what_differs(apart):
    X, samples = apart
    assert metrics.c2st_distance(X, samples + 100) == pytest.approx((1, 0), abs=0.01)
    nearest = metrics.c2st_distance(X, samples, classifier=KNeighborsClassifier(1))
    assert nearest.statistic > 0.55 and nearest.p_value < 0.01


def test_c2st_of_unequal_numbers_is_not_fooled_by_the_larger(random):
    X, samples = random.normal(size=(3000, 2)), random.normal(size=(200, 2))
    assert abs(metrics.c2st_distance(X, samples).statistic - 0.5) < 0.1
    shifted = metrics.c2st_distance(X, samples + 0.7)
    assert shifted.p_value < 1e-3
    assert (shifted.statistic.n_real, shifted.statistic.n_generated) == (3000, 200)


def test_memorization(random):
    X = random.normal(size=(600, 5))
    train, test = X[:400], X[400:]
    fresh = metrics.memorization(train, test, random.normal(size=(500, 5)))
    assert fresh.expected == pytest.approx(2 / 3)
    assert fresh.share == pytest.approx(2 / 3, abs=0.07) and fresh.p_value > 0.01
    copies = metrics.memorization(train, test, train[:50] + 0.01)
    assert copies.share == 1 and copies.p_value < 1e-6
    assert metrics.memorization(train, test, test[:50] + 0.01).share == 0


def test_p_values_of_memorization_are_those_of_chance(random):
    p_values = [
        metrics.memorization(*(random.normal(size=(n, 3)) for n in (100, 60, 1000))).p_value
        for _ in range(200)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_neighbors_do_not_mind_offsets_and_duplicates(random):
    X, samples = random.normal(size=(300, 3)), random.normal(size=(300, 3))
    for compare in (metrics.density_coverage, metrics.manifold_precision_recall_score):
        moved = compare(X + 1e7, samples + 1e7)
        assert moved == pytest.approx(compare(X, samples), abs=0.01)
    twice = np.repeat(random.integers(0, 5, size=(50, 2)), 4, axis=0).astype(float)
    assert metrics.density_coverage(twice, twice, n_neighbors=3).coverage == 1
    assert metrics.manifold_precision_recall_score(twice, twice) == (1, 1)


# Input


@each
def test_scores_say_how_many_they_are_of(compare, apart):
    X, samples = apart
    result = compare(X, samples)
    score = result if isinstance(result, float) else result[0]
    assert (score.n_real, score.n_generated) == (300, 250)
    assert repr(score).endswith("(300 rows, 250 samples)")
    loaded = pickle.loads(pickle.dumps(score))
    assert loaded == score and loaded.n_real == 300
    assert f"{score:.3f}" == f"{float(score):.3f}"


@each
def test_features_are_compared_in_place_of_rows(compare, apart):
    X, samples = apart
    pca = PCA(2).fit(X)
    expected = compare(pca.transform(X), pca.transform(samples))
    for features in (pca, pca.transform):
        assert_array_equal(compare(X, samples, features=features), expected)


@each
def test_images_are_compared_by_their_pixels(compare, random):
    X, samples = random.normal(size=(60, 4, 3)), random.normal(size=(60, 4, 3))
    assert_array_equal(compare(X, samples), compare(X.reshape(60, 12), samples.reshape(60, 12)))
    with pytest.raises(
        ValueError, match=r"of shape \(3, 4\), but those of X are of shape \(4, 3\)"
    ):
        compare(X, samples.swapaxes(1, 2))


@each
def test_the_same_result_twice(compare, apart):
    assert_array_equal(compare(*apart), compare(*apart))


@each
def test_bad_input(compare, apart):
    X, samples = apart
    with pytest.raises(ValueError, match="samples has 2 columns, but X has 3"):
        compare(X, samples[:, :2])
    with pytest.raises(ValueError, match="Input samples contains NaN"):
        compare(X, np.where(samples > 2, np.nan, samples))
    with pytest.raises(ValueError, match=r"sample\(s\).*minimum of|X has 3 rows, too few for"):
        compare(X[:3], samples[:1])
    with pytest.raises(ValueError, match="'features' parameter"):
        compare(X, samples, features="inception")
