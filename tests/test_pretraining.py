"""Pretraining on all rows and fine-tuning on labeled ones, in one fit."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from skorch.callbacks import Callback

from skgen import (
    AdversarialAutoencoder,
    Autoencoder,
    ContractiveAutoencoder,
    ConvAutoencoder,
    DenoisingAutoencoder,
    InvariantEncoder,
    LinearAutoencoder,
    PretrainedClassifier,
    PretrainedRegressor,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skgen.corruptions import Gaussian, Shift
from skgen.model_selection import LabeledKFold
from skgen.penalties import KL

QUICK = {"max_epochs": 2, "random_state": 0}


def encoder(**given):
    return DenoisingAutoencoder(6, hidden_layer_sizes=(16,), **{**QUICK, **given})


@pytest.fixture(scope="module")
def rows():
    """Three groups on a line in ten columns, and their classes; every tenth is known."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = y[:, None] * rng.normal(size=10) + 0.5 * rng.normal(size=(300, 10))
    return X.astype(np.float32), y, np.where(np.arange(300) % 10 == 0, y, -1)


@pytest.fixture(scope="module")
def images():
    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 8, 8).astype(np.float32), y


# What is learned


def test_a_few_labels_and_all_rows_are_better_than_a_few_labels():
    """Two factors in sixty noisy columns, which twenty labels do not tell from the noise."""
    rng = np.random.default_rng(0)
    factors, noise = rng.normal(size=(800, 2)), rng.normal(size=(800, 60))
    X, y = factors @ rng.normal(size=(2, 60)) + 2 * noise, (factors[:, 0] > 0).astype(int)
    known = np.where(np.arange(800) < 20, y, -1)
    accuracy = [
        PretrainedClassifier(own, max_epochs=150, random_state=0)
        .fit(X, known)
        .score(X[20:], y[20:])
        for own in (LinearAutoencoder(2), LinearAutoencoder(2).fit(noise))
    ]
    assert accuracy[0] > accuracy[1] + 0.1


def test_agreement_on_rows_without_labels_lifts_accuracy():
    X, y = make_moons(600, noise=0.08, random_state=0)
    X = X.astype(np.float32)
    known, rng = np.full(600, -1), np.random.default_rng(0)
    for label in (0, 1):
        known[rng.choice(np.flatnonzero(y == label), 4, replace=False)] = label
    own = DenoisingAutoencoder(16, hidden_layer_sizes=(64,), max_epochs=20, random_state=0).fit(X)
    settings = {"corruption": Gaussian(0.2), "lr": 1e-2, "head_layer_sizes": (32,)}
    alone = PretrainedClassifier(own, max_epochs=150, random_state=0, **settings).fit(X, known)
    agreeing = PretrainedClassifier(
        own, consistency_weight=1.0, max_epochs=100, random_state=0, **settings
    ).fit(X, known)
    assert agreeing.score(X, y) > 0.97 > alone.score(X, y) + 0.02
    assert {"label_loss", "consistency_loss"} <= set(agreeing.net_.history[-1])


def test_pretraining_harms_where_classes_are_not_in_the_variance():
    """Stated in the guide: a small column decides, among large ones of noise."""
    rng = np.random.default_rng(0)
    X = 10 * rng.normal(size=(600, 30))
    y = (X[:, 0] > 0).astype(int)
    X[:, 0] *= 0.05
    known = np.where(np.arange(600) < 100, y, -1)
    model = PretrainedClassifier(encoder(max_epochs=50), max_epochs=100, random_state=0)
    on_raw = LogisticRegression(C=1e3, max_iter=2000).fit(X[:100], y[:100])
    assert model.fit(X, known).score(X[100:], y[100:]) < on_raw.score(X[100:], y[100:]) - 0.1


@pytest.mark.parametrize(
    "own",
    [
        Autoencoder(4, **QUICK),
        AdversarialAutoencoder(4, **QUICK),
        ContractiveAutoencoder(4, hidden_layer_sizes=(8,), **QUICK),
        ConvAutoencoder(4, n_filters=(4,), **QUICK),
        DenoisingAutoencoder(4, **QUICK),
        InvariantEncoder(4, hidden_layer_sizes=(8,), **QUICK),
        LinearAutoencoder(4),
        SparseAutoencoder(16, **QUICK),
        VariationalAutoencoder(4, **QUICK),
    ],
    ids=lambda own: type(own).__name__,
)
def test_any_encoder_will_do(own, rows):
    X, y, known = rows
    model = PretrainedClassifier(own, max_epochs=150, lr=1e-2, random_state=0).fit(X, known)
    assert model.score(X, y) > 0.6
    assert_array_equal(model.transform(X), model.encoder_.transform(X))
    assert model.set_output(transform="pandas").transform(X).shape == model.transform(X).shape


def test_the_usual_encoder_of_rows(rows):
    X, _, known = rows
    model = PretrainedClassifier(**QUICK).fit(X, known)
    assert isinstance(model.encoder_, DenoisingAutoencoder)
    assert model.transform(X).shape == (300, 256)


@pytest.mark.slow
def test_the_usual_encoder_of_images(images):
    few, y = images[0][:40], images[1][:40]
    model = PretrainedClassifier(**QUICK).fit(list(few), y)
    assert isinstance(model.encoder_, InvariantEncoder)
    assert model.predict(few).shape == (40,)
    assert "consistency_loss" in model.net_.history[-1]  # images have it by default


def test_the_encoder_starts_fine_tuning_from_what_it_learned(rows):
    X, _, known = rows
    model = PretrainedClassifier(encoder(), freeze=True, max_epochs=3, random_state=0)
    model.fit(X, known)
    codes = model.set_params(features="fine_tuned").transform(X)
    assert_allclose(codes, model.encoder_.transform(X), rtol=1e-4, atol=1e-5)
    model.set_params(freeze=False).fit(X, known)
    assert np.abs(model.transform(X) - codes).max() > 1e-3


def test_frozen_for_some_epochs(rows):
    X, _, known = rows
    model = PretrainedClassifier(encoder(), freeze=2, max_epochs=5, random_state=0)
    model.fit(X, known)
    assert len(model.loss_curve_["fine_tuning"]) == model.n_iter_ == 5
    frozen = clone(model).set_params(max_epochs=2).fit(X, known)
    codes = frozen.set_params(features="fine_tuned").transform(X)
    assert_allclose(codes, frozen.encoder_.transform(X), rtol=1e-4, atol=1e-5)


def test_a_slower_encoder_moves_less(rows):
    X, _, known = rows
    moved = []
    for share in (1.0, 0.01):
        model = PretrainedClassifier(
            encoder(), encoder_lr=share, features="fine_tuned", max_epochs=5, random_state=0
        ).fit(X, known)
        moved.append(np.abs(model.transform(X) - model.encoder_.transform(X)).max())
    assert moved[1] < 0.1 * moved[0]


def test_features_know_no_label_unless_asked(rows):
    X, _, known = rows
    other = np.where(known >= 0, (known + 1) % 3, -1)
    one, two = (
        PretrainedClassifier(encoder(), max_epochs=3, random_state=0).fit(X, labels)
        for labels in (known, other)
    )
    assert_array_equal(one.transform(X), two.transform(X))
    one.features = two.features = "fine_tuned"
    assert np.abs(one.transform(X) - two.transform(X)).max() > 0
    assert one.transform(X).shape == (300, 6) == (300, len(one.get_feature_names_out()))


def test_labels_beside_the_encoders_own_objective(rows):
    X, y, known = rows
    model = PretrainedClassifier(
        encoder(max_epochs=4), supervised_weight=1.0, max_epochs=20, lr=1e-2, random_state=0
    ).fit(X, known)
    assert {name: len(losses) for name, losses in model.loss_curve_.items()} == {
        "pretraining": 8,  # twice as many: without labels, and then with
        "fine_tuning": 20,
    }
    assert np.isfinite(model.net_.history[:4, "label_loss"]).all()
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize("own", [AdversarialAutoencoder(4, **QUICK), InvariantEncoder(4, **QUICK)])
def test_labels_beside_objectives_of_other_kinds(own, rows):
    X, _, known = rows
    model = PretrainedClassifier(own, supervised_weight=1.0, **QUICK).fit(X, known)
    assert np.isfinite(model.predict_proba(X)).all()


def test_class_weight(rows):
    X, y, _ = rows
    known = np.where((y == 2) | (np.arange(300) < 20), y, -1)  # nearly all of one class
    settings = {"max_epochs": 10, "random_state": 0}
    plain = PretrainedClassifier(encoder(), **settings).fit(X, known)
    balanced = PretrainedClassifier(encoder(), class_weight="balanced", **settings).fit(X, known)
    named = PretrainedClassifier(encoder(), class_weight={0: 1.0, 1: 1.0, 2: 0.0}, **settings)
    shares = [np.mean(model.predict(X) == 2) for model in (plain, balanced)]
    assert shares[1] < shares[0]
    assert np.mean(named.fit(X, known).predict(X) == 2) < 0.2


# Layer by layer


def test_a_stack_of_layers(rows):
    X, y, known = rows
    stack = DenoisingAutoencoder(
        3, hidden_layer_sizes=(16, 8), stacked=True, max_epochs=30, batch_size=50, random_state=0
    ).fit(X)
    assert {name: len(losses) for name, losses in stack.loss_curve_.items()} == {
        "layer_1": 30,
        "layer_2": 30,
        "layer_3": 30,
    }
    assert all(losses[-1] < losses[0] for losses in stack.loss_curve_.values())
    assert stack.score(X) > 0.3  # the decoders, one after the other, lead back
    model = PretrainedClassifier(stack, max_epochs=100, lr=1e-2, random_state=0).fit(X, known)
    assert model.score(X, y) > 0.6
    assert len(model.loss_curve_["pretraining_layer_2"]) == 30


def test_a_layer_leaves_the_others_alone(rows):
    moved = {}

    class Weights(Callback):
        def on_train_begin(self, net, **kwargs):
            self.before = {name: w.detach().clone() for name, w in net.module_.named_parameters()}

        def on_train_end(self, net, **kwargs):
            moved[net.progress_.phase] = {
                name.rpartition(".")[0]
                for name, weight in net.module_.named_parameters()
                if not torch.equal(weight, self.before[name])
            }

    stack = Autoencoder(3, hidden_layer_sizes=(16, 8), stacked=True, callbacks=[Weights], **QUICK)
    stack.fit(rows[0])
    assert moved == {
        0: {"encoder.0", "decoder.4"},
        1: {"encoder.2", "decoder.2"},
        2: {"encoder.4", "decoder.0"},
    }


@pytest.mark.parametrize(
    "given", [{"tied_weights": True}, {"encoder": torch.nn.Linear(10, 4)}, {"penalty": KL()}]
)
def test_what_a_stack_cannot_have(given, rows):
    given = given | ({"code_activation": "sigmoid"} if "penalty" in given else {})
    with pytest.raises(ValueError, match="stacked=True trains"):
        Autoencoder(3, stacked=True, **given, **QUICK).fit(rows[0])


# One fit


def test_one_bar_over_both(rows, capsys):
    X, _, known = rows
    PretrainedClassifier(encoder(max_epochs=3), max_epochs=4, random_state=0, verbose=1).fit(
        X, known
    )
    shown = capsys.readouterr().err
    assert "7/7" in shown
    assert shown.count("PretrainedClassifier: 100%") >= 1
    assert "DenoisingAutoencoder" not in shown


def test_losses_of_both_by_name(rows):
    X, _, known = rows
    model = PretrainedClassifier(encoder(max_epochs=3), max_epochs=4, random_state=0).fit(X, known)
    assert {name: len(losses) for name, losses in model.loss_curve_.items()} == {
        "pretraining": 3,
        "fine_tuning": 4,
    }
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    model.set_params(warm_start=True, max_epochs=2).fit(X, known)
    assert len(model.loss_curve_["fine_tuning"]) == 6
    assert len(model.loss_curve_["pretraining"]) == 3


def test_a_fitted_encoder_is_not_fitted_again(rows):
    X, _, known = rows
    fitted = encoder(max_epochs=5).fit(X)
    weights = [weight.clone() for weight in fitted.net_.module_.parameters()]
    for given in (fitted, FrozenEstimator(fitted)):
        model = PretrainedClassifier(given, max_epochs=3, random_state=0).fit(X, known)
        assert model.encoder_ is not fitted
        assert_array_equal(model.transform(X), fitted.transform(X))
    assert all(map(torch.equal, weights, fitted.net_.module_.parameters()))
    search = GridSearchCV(
        PretrainedClassifier(FrozenEstimator(fitted), max_epochs=3, random_state=0),
        {"lr": [1e-3, 1e-2]},
        cv=LabeledKFold(2, random_state=0),
    ).fit(X, known)
    assert_array_equal(search.best_estimator_.transform(X), fitted.transform(X))


def test_stopping_early_by_labeled_rows(rows):
    X, y, known = rows
    settings = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 200, "lr": 0.05}
    model = PretrainedClassifier(encoder(), random_state=0, **settings).fit(X, known)
    assert len(model.validation_scores_) == model.n_iter_ < 200
    given = PretrainedClassifier(encoder(), random_state=0, **settings)
    given.fit(X[:200], known[:200], X_val=X[200:], y_val=y[200:])
    assert given.n_iter_ < 200
    losses = -np.log(given.predict_proba(X[200:])[np.arange(100), y[200:]])
    assert given.best_validation_score_ == pytest.approx(-losses.mean(), rel=1e-3)


def test_chunks(rows):
    X, y, known = rows
    model = PretrainedClassifier(encoder(), lr=1e-2, random_state=0)
    model.partial_fit(X[:100], known[:100], classes=[0, 1, 2])
    before = model.encoder_.transform(X), model.predict_proba(X)
    model.partial_fit(X[100:200], np.full(100, -1))  # no label: the encoder goes on alone
    assert np.abs(model.encoder_.transform(X) - before[0]).max() > 0
    assert_array_equal(model.predict_proba(X), before[1])
    for _ in range(100):
        model.partial_fit(X[200:], y[200:])
    assert model.score(X, y) > 0.8


def test_in_pipelines_searches_and_other_meta_estimators(rows):
    X, y, known = rows
    model = PretrainedClassifier(encoder(), max_epochs=30, lr=1e-2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    grid = {"pretrainedclassifier__encoder__n_components": [2, 6]}
    search = GridSearchCV(pipeline, grid, cv=LabeledKFold(2, random_state=0)).fit(X, known)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = cross_val_score(model, X, known, cv=LabeledKFold(3, random_state=0))
    assert scores.mean() > 0.6
    itself = SelfTrainingClassifier(model, max_iter=2).fit(X, known)
    assert itself.score(X, y) > 0.6


# Labels


@pytest.mark.parametrize(
    "mark",
    [
        lambda y, known: np.where(known, y, -1),
        lambda y, known: np.where(known, y.astype(float), np.nan),
        lambda y, known: np.where(known, y, None),
        lambda y, known: pd.Series(np.where(known, y, pd.NA), dtype="Int64"),
        lambda y, known: pd.Series(y).where(pd.Series(known)),
        lambda y, known: np.where(known, y, -1).tolist(),
    ],
    ids=["-1", "NaN", "None", "Int64", "series", "list"],
)
def test_rows_without_a_label(mark, rows):
    X, y, known = rows
    expected = PretrainedClassifier(encoder(), **QUICK).fit(X, known)
    model = PretrainedClassifier(encoder(), **QUICK).fit(X, mark(y, known >= 0))
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.score(X, mark(y, known >= 0)) == expected.score(X, known)


@pytest.mark.parametrize("none", [-1, None, np.nan, pd.NA])
def test_strings_and_rows_without(none, rows):
    X, y, known = rows
    words = np.array(["cat", "dog", "owl"], dtype=object)[y]
    words[known < 0] = none
    model = PretrainedClassifier(encoder(), **QUICK).fit(X, words)
    assert model.classes_.tolist() == ["cat", "dog", "owl"]
    assert set(model.predict(X)) <= {"cat", "dog", "owl"}


def test_minus_one_and_one_are_classes(rows):
    X, y, _ = rows
    model = PretrainedClassifier(encoder(), **QUICK).fit(X, np.where(y > 0, 1, -1))
    assert model.classes_.tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.full(300, -1), "None of 300 rows has a label"),
        (np.where(np.arange(300) < 9, 2, -1), "one class only, 2, among 9 rows"),
        (np.zeros(299, int), "inconsistent numbers of samples"),
        (np.where(np.arange(300) < 9, np.inf, 1.0), "contains infinity"),
        (np.array(["a", "b", ""] * 100, dtype=object), "empty string"),
        (np.array(["a", "b", "-1"] * 100), "holds the string '-1'"),
        (np.linspace(0, 1, 300), "Unknown label type"),
        (None, "requires y to be passed"),
    ],
)
def test_labels_that_will_not_do_are_found_before_pretraining(y, said, rows, monkeypatch):
    def never(self, *args, **kwargs):
        raise AssertionError("the encoder was fitted")

    monkeypatch.setattr(DenoisingAutoencoder, "fit", never)
    model = PretrainedClassifier(encoder(), **QUICK)
    if y is not None and len(y) == 299:
        y[:100] = 1
    with pytest.raises(ValueError, match=said):
        model.fit(rows[0], y)
    assert not hasattr(model, "encoder_")


def test_what_is_no_encoder(rows):
    X, _, known = rows
    with pytest.raises(ValueError, match="The 'encoder' parameter of PretrainedClassifier must be"):
        PretrainedClassifier(StandardScaler()).fit(X, known)
    with pytest.raises(ValueError, match="is no fitted encoder of skgen"):
        PretrainedClassifier(FrozenEstimator(StandardScaler())).fit(X, known)
    with pytest.raises(ValueError, match="X has 10 features, but PretrainedClassifier"):
        PretrainedClassifier(encoder().fit(X[:, :8])).fit(X, known)


def test_what_does_not_go_together(rows):
    X, _, known = rows
    with pytest.raises(ValueError, match="compares rows with distorted ones"):
        PretrainedClassifier(encoder(), consistency_weight=1.0, corruption=[]).fit(X, known)
    with pytest.raises(ValueError, match="was not trained but computed"):
        PretrainedClassifier(LinearAutoencoder(2), supervised_weight=1.0).fit(X, known)


def test_a_failed_fit_changes_nothing(rows):
    X, _, known = rows
    model = PretrainedClassifier(encoder(), **QUICK).fit(X, known)
    before = model.predict_proba(X)
    with pytest.raises(FloatingPointError):
        model.set_params(lr=1e30, lr_schedule="constant", max_epochs=20).fit(X, known)
    assert_array_equal(model.predict_proba(X), before)


def test_a_class_of_one_row_and_fewer_labels_than_a_batch(rows):
    X, _, _ = rows
    few = np.full(300, -1)
    few[[0, 1, 2, 3]] = [0, 0, 1, 2]
    model = PretrainedClassifier(encoder(), **QUICK).fit(X, few)
    assert model.predict_proba(X).shape == (300, 3)
    with pytest.raises(ValueError, match="labeled rows of a class leaves none"):
        model.set_params(early_stopping=True).fit(X, few)


def test_all_rows_labeled(rows):
    X, y, _ = rows
    model = PretrainedClassifier(encoder(), max_epochs=60, lr=1e-2, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.85


def test_corruption_of_labeled_images(images):
    X, y = images[0][:200], images[1][:200]
    own = InvariantEncoder(8, n_filters=(8,), **QUICK).fit(X)
    made = [
        PretrainedClassifier(
            own, corruption=corruption, consistency_weight=0.0, max_epochs=5, random_state=0
        ).fit(X, y)
        for corruption in (None, [], Shift(0.2), [Shift(0.1), "dropout"])
    ]
    losses = [model.loss_curve_["fine_tuning"][-1] for model in made]
    assert len(set(losses)) == 4
    assert losses[1] == min(losses)  # nothing is distorted


# Numbers


def test_numbers(rows):
    X, y, known = rows
    values = np.where(known >= 0, 1000.0 + 5 * y, np.nan)
    model = PretrainedRegressor(encoder(), max_epochs=200, lr=1e-2, random_state=0).fit(X, values)
    assert model.score(X, 1000.0 + 5 * y) > 0.6
    assert model.score(X, values) > 0.6
    agreeing = clone(model).set_params(consistency_weight=1.0, max_epochs=60).fit(X, values)
    assert agreeing.score(X, 1000.0 + 5 * y) > 0.6
    assert "consistency_loss" in agreeing.net_.history[-1]
    model.partial_fit(X[:20], values[:20])


def test_numbers_that_will_not_do(rows):
    X = rows[0]
    with pytest.raises(ValueError, match="None of 300 rows has a label: y is NaN or None for all"):
        PretrainedRegressor(encoder(), **QUICK).fit(X, np.full(300, np.nan))
    constant = np.where(np.arange(300) < 20, 7.0, np.nan)
    model = PretrainedRegressor(encoder(), **QUICK).fit(X, constant)
    assert np.isfinite(model.predict(X)).all()
    with pytest.raises(ValueError, match="None of 300 rows has a number to score against"):
        model.score(X, np.full(300, np.nan))


# The splitter


def test_folds_of_labeled_rows(rows):
    X, y, known = rows
    seen = []
    for train, test in LabeledKFold(3, random_state=0).split(X, known):
        assert (known[test] >= 0).all()
        assert set(np.flatnonzero(known < 0)) <= set(train)
        assert not set(train) & set(test)
        assert set(known[test]) == {0, 1, 2}
        seen += test.tolist()
    assert sorted(seen) == np.flatnonzero(known >= 0).tolist()
    values = np.where(known >= 0, np.linspace(-1, 1, 300), np.nan)
    folds = list(LabeledKFold(3, random_state=0).split(X, values))
    assert sum(len(test) for _, test in folds) == (known >= 0).sum()
    regressor = PretrainedRegressor(encoder(), **QUICK)
    scores = cross_val_score(regressor, X, values, cv=LabeledKFold(2, random_state=0))
    assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="2 of 300 rows have a label"):
        next(LabeledKFold(3).split(X, np.where(np.arange(300) < 2, y, -1)))


def test_no_warning_in_a_plain_fit(rows):
    X, _, known = rows
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PretrainedClassifier(encoder(), **QUICK).fit(X, known).predict(X)
