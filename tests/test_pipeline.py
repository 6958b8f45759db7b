"""Ahead of XGBoost, as the user guide shows it."""

import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from skgen import Autoencoder, DenoisingAutoencoder

xgboost = pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def split():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, test_size=500, stratify=y, random_state=0)


def trees():
    return xgboost.XGBClassifier(n_estimators=30, max_depth=3, n_jobs=1, random_state=0)


def test_search_over_both_steps(split, tmp_path):
    X, X_test, y, y_test = split
    pipeline = make_pipeline(
        DenoisingAutoencoder(hidden_layer_sizes=(64,), max_epochs=60, random_state=0),
        trees(),
        memory=str(tmp_path),
    )
    grid = {
        "denoisingautoencoder__n_components": [1, 16],
        "xgbclassifier__max_depth": [1, 3],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_params_["denoisingautoencoder__n_components"] == 16
    assert search.score(X_test, y_test) > 0.8
    # One encoder for both depths: two sizes in two folds. The refit finds none of its own.
    assert len(list(tmp_path.rglob("output.pkl"))) == 2 * 2 + 1


def test_encoder_from_unlabeled_rows(split):
    X, X_test, y, y_test = split
    encoder = Autoencoder(16, hidden_layer_sizes=(64,), max_epochs=100, random_state=0).fit(X)
    classifier = make_pipeline(FrozenEstimator(encoder), trees()).fit(X[:100], y[:100])
    assert classifier.score(X_test, y_test) > 0.6
