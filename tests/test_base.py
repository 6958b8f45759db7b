"""What all models share: rows to validate on, rare options, results that hang on a row alone."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from small import CLASSES, small, target

from skgen import (
    GAN,
    Autoencoder,
    ConditionalGAN,
    ConvAutoencoder,
    CoralClassifier,
    DomainAdversarialClassifier,
    LinearAutoencoder,
    VariationalAutoencoder,
)

QUICK = {"max_epochs": 3, "batch_size": 20, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(200, 6))


@pytest.fixture(scope="module")
def y():
    return np.tile(["a", "b"], 100)


# Rows to validate on


def test_an_autoencoder_is_stopped_by_the_rows_given(X):
    model = Autoencoder(2, early_stopping=True, n_iter_no_change=2, lr=0.05, random_state=0)
    model.fit(X[:50], X_val=X[50:])
    assert len(model.validation_scores_) == model.n_iter_ < 200
    errors = X[50:] - model.inverse_transform(model.transform(X[50:]))
    of_best = -np.mean(errors**2) / model.scaling_.scale**2
    assert model.best_validation_score_ == pytest.approx(of_best, rel=1e-4)
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_rows_to_validate_on_are_not_trained_on(X):
    plain = Autoencoder(2, **QUICK).fit(X[:50])
    watched = Autoencoder(2, **QUICK).fit(X[:50], X_val=X[50:])
    assert_array_equal(watched.transform(X), plain.transform(X))
    assert len(watched.validation_scores_) == 3
    assert plain.validation_scores_ is None and plain.best_validation_score_ is None


def test_a_generator_is_stopped_by_the_rows_and_conditions_given(X, y):
    model = ConditionalGAN(2, early_stopping=True, **QUICK)
    model.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert len(model.validation_scores_) == 3
    assert all(0 <= score <= 1 for score in model.validation_scores_)
    with pytest.raises(ValueError, match="y has the class 'c', which fit did not see"):
        model.fit(X, y, X_val=X[:6], y_val=["c"] * 6)


def test_a_classifier_is_stopped_by_the_rows_of_both_domains_given(X):
    known = np.where(np.arange(200) % 4 < 2, X[:, 0] > 0, -1)
    model = DomainAdversarialClassifier(4, early_stopping=True, **QUICK)
    model.fit(X[:100], known[:100], X_val=X[100:], y_val=known[100:])
    assert len(model.validation_scores_) == 3
    assert model.domain_counts_ == {"source": 50, "target": 50}


@pytest.mark.parametrize("cls", [Autoencoder, GAN])
def test_rows_to_validate_on_are_like_those_of_X(cls, X):
    model = cls(2, **QUICK)
    with pytest.raises(ValueError, match="X has 5 features, but"):
        model.fit(X, X_val=X[:, :5])
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(X, X_val=np.full((10, 6), np.nan))
    assert vars(model).keys() == model.get_params().keys()


def test_a_pipeline_transforms_the_rows_to_validate_on(X):
    model = Autoencoder(2, early_stopping=True, **QUICK)
    scaler = StandardScaler().fit(X[:150])
    expected = clone(model).fit(scaler.transform(X[:150]), X_val=scaler.transform(X[150:]))
    with config_context(enable_metadata_routing=True):
        steps = [("scale", StandardScaler()), ("encode", clone(model).set_fit_request(X_val=True))]
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X[:150], X_val=X[150:])
    assert pipeline[-1].validation_scores_ == expected.validation_scores_


# Rare options


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("lr", "There is a parameter lr= for it"),
        ("max_epochs", "There is a parameter max_epochs= for it"),
        ("callbacks", "There is a parameter callbacks= for it"),
        ("optimizer", "There is a parameter optimizer= for it"),
        ("device", "There is a parameter device= for it"),
        ("iterator_train__shuffle", 'it takes "optimizer__...", "compile", '),
        ("compiled", 'it takes "optimizer__...", "compile", '),
        (3, 'it takes "optimizer__...", "compile", '),
    ],
)
def test_options_that_there_are_not(name, remedy, X):
    model = Autoencoder(2, net_params={name: 1}, **QUICK)
    with pytest.raises(ValueError, match=rf"net_params has {name!r}; .*{remedy}"):
        model.fit(X)
    assert vars(model).keys() == model.get_params().keys()


def test_options_of_the_optimizer_reach_it(X):
    params = {"optimizer": "sgd", "weight_decay": 0.1, "lr": 0.01}
    model = Autoencoder(2, net_params={"optimizer__momentum": 0.9}, **params, **QUICK).fit(X)
    (group,) = model.net_.optimizer_.param_groups
    assert isinstance(model.net_.optimizer_.optimizers[0], torch.optim.SGD)
    assert (group["momentum"], group["weight_decay"], group["lr"]) == (0.9, 0.1, 0.01)
    model = Autoencoder(2, optimizer=torch.optim.NAdam, **QUICK).fit(X)
    assert isinstance(model.net_.optimizer_.optimizers[0], torch.optim.NAdam)


# A row's result hangs on the row alone


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("model", "methods"),
    [
        (Autoencoder(2, **QUICK), ["transform", "score_samples"]),
        (ConvAutoencoder(2, **QUICK), ["transform", "score_samples"]),
        (ConvAutoencoder(2, image_shape=(8, 8), **QUICK), ["transform", "score_samples"]),
        (VariationalAutoencoder(2, **QUICK), ["transform"]),
        (VariationalAutoencoder(2, image_shape=(8, 8), **QUICK), ["transform"]),
        (GAN(2, **QUICK), ["transform"]),
        (GAN(2, image_shape=(8, 8), **QUICK), ["transform"]),
        (CoralClassifier(4, **QUICK), ["transform", "predict_proba"]),
        (LinearAutoencoder(2), ["transform", "score_samples"]),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.filterwarnings("ignore:All .* rows are of the source:UserWarning")
def test_the_same_bits_in_any_batch(model, methods, dtype, digits):
    X, y = digits[:120].astype(dtype), np.arange(120) % 2
    model = clone(model).fit(X, y)
    for method in methods:
        apply = getattr(model, method)
        whole = apply(X)
        for n in range(1, 41):
            assert_array_equal(apply(X[:n]), whole[:n])
            assert_array_equal(apply(X[120 - n :]), whole[120 - n :])


@pytest.mark.parametrize("adversarial_loss", ["non_saturating", "hinge"])
def test_the_same_bits_of_probabilities_in_any_batch(adversarial_loss, digits):
    model = GAN(2, adversarial_loss=adversarial_loss, image_shape=(8, 8), **QUICK)
    model.fit(digits[:120])
    whole = model.discriminate(digits[:120])
    for n in range(1, 41):
        assert_array_equal(model.discriminate(digits[:n]), whole[:n])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("image_shape", [None, (8, 8)])
def test_the_same_bits_out_of_any_batch_of_noise_and_codes(image_shape, dtype, digits):
    model = GAN(2, image_shape=image_shape, **QUICK).fit(digits[:120])
    coder = VariationalAutoencoder(2, image_shape=image_shape, **QUICK).fit(digits[:120])
    Z = np.random.default_rng(0).normal(size=(120, 2)).astype(dtype)
    for apply in (model.generate, coder.inverse_transform):
        whole = apply(Z)
        assert whole.dtype == dtype
        for n in range(1, 41):
            assert_array_equal(apply(Z[:n]), whole[:n])


# Nothing else on the estimator


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.filterwarnings("ignore:All .* rows are of the source:UserWarning")
def test_an_estimator_holds_parameters_and_what_it_learned_and_no_more(cls, X, y):
    """Neither while it is fitted nor afterwards."""
    names = set()

    class Looks(Callback):
        def on_train_begin(self, net, **kwargs):
            names.update(vars(model))

        on_epoch_end = on_train_end = on_train_begin

    solver = {"solver": "sgd"} if cls is LinearAutoencoder else {}
    model = small(cls, callbacks=[Looks], early_stopping=True, **solver, **QUICK)
    model.fit(X, target(model, y)).transform(X)
    names.update(vars(model))
    learned = names - model.get_params().keys()
    assert {"input_", "net_", "n_features_in_"} <= learned
    assert [name for name in learned if name.startswith("_") or not name.endswith("_")] == []
