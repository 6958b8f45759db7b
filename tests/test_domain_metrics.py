"""Scores without labels of the target, against their formulas and where they fail."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skgen import CoralClassifier, LabeledOnly
from skgen.inspection import DomainConfusionDisplay
from skgen.metrics import (
    LabelFreeScorer,
    deep_embedded_validation,
    density_ratio,
    prediction_certainty,
    prediction_information_score,
    proxy_a_distance,
    soft_neighborhood_density,
)
from skgen.model_selection import DomainKFold

METHODS = ["transfer", "entropy", "importance_weighted", "dev", "snd"]


@pytest.fixture(scope="module")
def shifted():
    X, y = load_digits(return_X_y=True)
    X[900:] = X[900:] * 0.4 + 6
    return X, y, np.where(np.arange(len(X)) < 900, y, -1)


def test_predictions_by_hand():
    p = [[1, 0], [0.5, 0.5], [0, 1]]
    assert prediction_certainty(p) == pytest.approx(2 / 3)
    assert prediction_information_score(p) == pytest.approx(2 / 3)
    same = np.tile([0.99, 0.01], (50, 1))
    assert prediction_information_score(same) == pytest.approx(0, abs=1e-12)
    assert prediction_certainty(same) > 0.9
    assert soft_neighborhood_density(same) == pytest.approx(1)
    assert prediction_information_score(np.eye(4)[np.arange(40) % 4]) == pytest.approx(1)


def test_soft_neighborhood_density_by_its_formula():
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=30)
    unit = p / np.sqrt((p**2).sum(axis=1))[:, None]
    entropies = []
    for i in range(30):
        weights = np.exp([unit[i] @ unit[j] / 0.05 for j in range(30) if j != i])
        share = weights / weights.sum()
        entropies.append(-(share * np.log(share)).sum())
    assert soft_neighborhood_density(p) == pytest.approx(np.mean(entropies) / np.log(29))
    with pytest.raises(ValueError, match="at least 3 rows, got 2"):
        soft_neighborhood_density(p[:2])


@pytest.mark.parametrize("p", [[[0.5], [0.5]], [[0.5, 0.4], [1, 0]], [[1.5, -0.5], [1, 0]]])
@pytest.mark.parametrize("score", [prediction_certainty, prediction_information_score])
def test_what_are_no_probabilities(p, score):
    with pytest.raises(ValueError, match="a row of class probabilities for every sample"):
        score(p)


def test_density_ratio_is_that_of_two_normals():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(4000, 1)), random.normal(1.0, size=(1000, 1))
    weights = density_ratio(source, target)
    true = np.exp(source[:, 0] - 0.5)
    assert np.corrcoef(np.log(weights), np.log(true))[0, 1] > 0.99
    assert weights.mean() == pytest.approx(1, abs=0.15)


def test_deep_embedded_validation_estimates_the_risk_with_less_spread():
    random = np.random.default_rng(0)
    plain, controlled = [], []
    for _ in range(300):
        x = random.normal(size=200)
        weight = np.exp(x - 0.5)  # how much more likely under N(1, 1)
        loss = (x > 1).astype(float)  # its risk there is 1/2
        plain.append(np.mean(weight * loss))
        controlled.append(deep_embedded_validation(loss, weight))
    assert np.mean(controlled) == pytest.approx(0.5, abs=0.02)
    assert np.std(controlled) < 0.9 * np.std(plain)
    assert deep_embedded_validation([0, 1, 1], [1, 1, 1]) == pytest.approx(2 / 3)


def test_proxy_a_distance():
    random = np.random.default_rng(0)
    X, domains = random.normal(size=(600, 3)), np.repeat([1, -1], [450, 150])
    assert proxy_a_distance(X, domains) < 0.3
    half = X + np.where(domains > 0, 0, 1.0)[:, None]
    assert 0.5 < proxy_a_distance(half, domains) < 1.9
    assert proxy_a_distance(X + 9 * domains[:, None], 3 * domains) == 2
    with pytest.raises(ValueError, match="rows of both domains, got 600 of the source and 0"):
        proxy_a_distance(X, np.ones(600))
    with pytest.raises(ValueError, match="at least 2 rows of each domain, got 1"):
        proxy_a_distance(X[:5], [1, 1, 1, 1, -1])


class Says(ClassifierMixin, BaseEstimator):
    """Says the same of all rows, or what it was told."""

    def __init__(self, p=None):
        self.p = p

    def fit(self, X, y):
        self.classes_ = np.unique(y[y >= 0])
        return self

    def predict_proba(self, X):
        return np.asarray(self.p)[: len(X)]


def test_the_recommended_score_sees_through_collapse():
    y = np.append(np.arange(40) % 2, np.full(40, -1))
    X = np.zeros((80, 1))
    good = np.eye(2)[np.append(np.arange(40) % 2, np.arange(40) % 2)] * 0.8 + 0.1
    collapsed = good.copy()
    collapsed[40:] = [0.999, 0.001]
    lost = good.copy()  # the source's classes
    lost[:40] = [0.999, 0.001]
    scores = {
        method: [LabelFreeScorer(method)(Says(p).fit(X, y), X, y) for p in (good, collapsed, lost)]
        for method in ("transfer", "entropy", "snd")
    }
    assert scores["transfer"][0] == pytest.approx(prediction_information_score(good[40:]))
    assert scores["transfer"][1] < 0.01 and scores["transfer"][2] < scores["transfer"][0]
    assert scores["entropy"][1] > scores["entropy"][0]  # what others take for good
    assert scores["snd"][1] > scores["snd"][0]


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_the_target_are_not_looked_at(method, shifted):
    X, y, known = shifted
    model = CoralClassifier(max_epochs=5, random_state=0).fit(X, known)
    scorer, domains = LabelFreeScorer(method), np.where(known < 0, -1, 1)
    score = scorer(model, X, known)
    assert np.isfinite(score)
    assert scorer(model, X, y, sample_domain=domains) == score
    assert scorer(model, X, (y + (known < 0)) % 10, sample_domain=domains) == score


@pytest.mark.parametrize("method", METHODS)
def test_in_searches_over_pipelines_of_all_kinds(method, shifted):
    X, known = shifted[0][::3], shifted[2][::3]
    scorer, folds = LabelFreeScorer(method), DomainKFold(2, random_state=0)
    adapted = CoralClassifier(hidden_layer_sizes=(32,), max_epochs=2, random_state=0)
    forest = LabeledOnly(RandomForestClassifier(10, random_state=0))
    for model in (
        adapted,
        make_pipeline(StandardScaler(), adapted),
        make_pipeline(adapted, forest),
        forest,
    ):
        scores = cross_val_score(model, X, known, scoring=scorer, cv=folds, error_score="raise")
        assert np.isfinite(scores).all()
    n_jobs = 2 if method == "transfer" else None  # other processes: they take a while to start
    search = GridSearchCV(
        adapted, {"adaptation_weight": [0, 0.3]}, scoring=scorer, cv=2, n_jobs=n_jobs
    ).fit(X, known)  # StratifiedKFold takes -1 for a class, and so keeps both domains
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_search_that_no_label_of_the_target_entered(shifted):
    X, y, known = shifted
    search = GridSearchCV(
        CoralClassifier(batch_norm="joint", max_epochs=30, random_state=0),
        {"adaptation_weight": [0, 0.3]},
        scoring=LabelFreeScorer(),
        cv=DomainKFold(2, random_state=0),
    ).fit(X, known)
    assert search.best_params_ == {"adaptation_weight": 0.3}
    alone = clone(search.best_estimator_).set_params(adaptation_weight=0).fit(X, known)
    assert search.best_estimator_.score(X[900:], y[900:]) > alone.score(X[900:], y[900:]) + 0.1


def test_sample_domain_is_routed_to_the_scorer(shifted):
    X, y, known = shifted
    domains = np.where(known < 0, -1, 1)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            CoralClassifier(max_epochs=3, random_state=0),
            {"adaptation_weight": [0.0, 0.3]},
            scoring=LabelFreeScorer(),
            cv=DomainKFold(2, random_state=0),
            error_score="raise",
        ).fit(X, y, sample_domain=domains)
    assert 0 < search.best_score_ < 1


@pytest.mark.parametrize("method", METHODS)
def test_a_pipeline_is_judged_like_its_last_step(method, shifted):
    X, _, known = shifted
    alone = CoralClassifier(max_epochs=3, random_state=0).fit(X, known)
    piped = make_pipeline(FunctionTransformer(), "passthrough", clone(alone)).fit(X, known)
    scorer = LabelFreeScorer(method)
    assert scorer(piped, X, known) == scorer(alone, X, known)


def test_a_fold_with_one_class_of_two(shifted):
    X, _, known = shifted
    two = np.where(known < 0, -1, known % 2)
    model = CoralClassifier(max_epochs=1, random_state=0).fit(X, two)
    rows = two != 0
    assert np.isfinite(LabelFreeScorer()(model, X[rows], two[rows]))


def test_a_scorer_without_a_target(shifted):
    X, y, _ = shifted
    model = LogisticRegression(max_iter=10).fit(X, y)
    with pytest.raises(
        ValueError, match="both domains, got 1797 of the source and 0 of the target"
    ):
        LabelFreeScorer()(model, X, y)
    with pytest.raises(ValueError, match="'method' parameter of LabelFreeScorer"):
        LabelFreeScorer("best")(model, X, y)


# The image


def test_domain_confusion_display(shifted):
    X, _, known = shifted
    model = CoralClassifier(max_epochs=15, batch_norm="joint", random_state=0).fit(X, known)
    display = DomainConfusionDisplay.from_estimator(
        model, X, known, projection="pca", n_samples=400
    )
    assert display.axes_.shape == (2, 2)
    assert display.distances_[1] < display.distances_[0]
    by_domain, by_class = display.axes_[:, 1]
    assert [text.get_text() for text in by_domain.get_legend().get_texts()] == ["source", "target"]
    assert len(by_class.get_legend().get_texts()) == 10
    n_drawn = [sum(len(dots.get_offsets()) for dots in ax.collections) for ax in display.axes_.flat]
    assert n_drawn == [400] * 4
    assert "proxy A-distance 2.00" in display.axes_[0, 0].get_title()
    again = display.plot(projection="pca", axes=display.axes_.ravel())
    assert again.figure_ is display.figure_


def test_a_display_of_domains_said_outright(shifted):
    X, y, known = shifted
    images = X.reshape(-1, 8, 8)
    domains = np.where(known < 0, -1, 1)
    model = CoralClassifier(max_epochs=1, random_state=0).fit(images, known)
    display = DomainConfusionDisplay.from_estimator(
        model, images, y, sample_domain=domains, n_samples=100
    )
    assert display.before.shape == (100, 64) and display.after.shape == (100, 64)
    assert (np.asarray(display.sample_domain) > 0).sum() == 50
    thin = CoralClassifier(1, max_epochs=1, random_state=0).fit(X, known)
    DomainConfusionDisplay.from_estimator(
        make_pipeline(StandardScaler(), thin).fit(X, known), X, known, projection="pca"
    )
    with pytest.raises(ValueError, match='projection has to be "tsne", "pca" or a transformer'):
        display.plot(projection="umap")
    with pytest.raises(ValueError, match="a need for 4 axes, got 1"):
        display.plot(projection="pca", axes=[display.axes_[0, 0]])
