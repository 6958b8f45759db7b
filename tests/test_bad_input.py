"""What happens with unusual and with bad input: each case is fixed by a test."""

import copy
import re
import signal
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from skgen import Autoencoder, DenoisingAutoencoder, LinearAutoencoder, SparseAutoencoder
from skgen.corruptions import Masking
from skgen.exceptions import TrainingWarning
from skgen.penalties import KL, L1


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 6))


def small(**params):
    params = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0, **params}
    return Autoencoder(2, **params)


def with_value(X, value):
    X = X.copy()
    X[3, 2] = value
    return X


# Refused, at no cost


@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("method", ["transform", "score", "score_samples", "partial_fit", "fit"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_not_finite(X, value, word, method, dtype):
    model = small().fit(X)
    before = model.transform(X)
    with pytest.raises(ValueError, match=word):
        getattr(model, method)(with_value(X, value).astype(dtype))
    np.testing.assert_array_equal(model.transform(X), before)


def test_codes_that_are_not_finite(X):
    with pytest.raises(ValueError, match="NaN"):
        small().fit(X).inverse_transform(np.full((3, 2), np.nan))


def test_values_whose_sum_overflows_are_finite(X):
    huge = np.full((4, 6), 3e37, dtype=np.float32)
    assert not np.isfinite(huge.ravel().cumsum()[-1])
    assert small().fit(X).transform(huge).shape == (4, 2)  # and no complaint about infinity


def test_wrong_number_of_features(X):
    model = small().fit(X)
    for method in (model.transform, model.score, model.score_samples, model.partial_fit):
        with pytest.raises(ValueError, match="X has 5 features, but Autoencoder is expecting 6"):
            method(X[:, :5])
    with pytest.raises(ValueError, match=r"X has 3 columns.*n_components_=2"):
        model.inverse_transform(np.zeros((4, 3)))


def test_columns_in_another_order(X):
    frame = pd.DataFrame(X, columns=list("abcdef"))
    with pytest.raises(ValueError, match="same order"):
        small().fit(frame).transform(frame[list("fedcba")])


def test_one_row(X):
    with pytest.raises(ValueError, match=r"1 sample.*minimum of 2"):
        small().fit(X[:1])
    model = small().fit(X)
    assert model.transform(X[:1]).shape == (1, 2)
    assert model.partial_fit(X[:1]).n_iter_ == 4


@pytest.mark.parametrize(
    "params, message",
    [
        ({"activation": "swish"}, "'activation' parameter of Autoencoder must be a str among"),
        ({"hidden_layer_sizes": (8, 0)}, r"integers of at least 1, got \[8, 0\]"),
        ({"hidden_layer_sizes": (8, 2.5)}, r"integers of at least 1, got \[8, 2.5\]"),
        ({"device": "cuda:77"}, "device='cuda:77' is not available on this machine"),
        ({"device": "abacus"}, "device='abacus' is not available on this machine"),
        ({"corruption": "static"}, "'corruption' parameter of Autoencoder must be"),
        ({"corruption": Masking(1.5)}, "'level' parameter of Masking must be"),
        ({"n_components": 0}, "'n_components' parameter of Autoencoder must be"),
        ({"lr": -1.0}, "'lr' parameter of Autoencoder must be"),
        ({"loss": "binary_cross_entropy"}, r"needs X in \[0, 1\], got values from -"),
        (
            {"loss": "binary_cross_entropy", "output_activation": "tanh"},
            "output_activation has to be None or \"sigmoid\", got 'tanh'",
        ),
        ({"features": "hidden", "hidden_layer_sizes": ()}, "needs at least one hidden layer"),
        (
            {"early_stopping": True, "validation_fraction": 0.999},
            "validation_fraction=0.999 of 60 rows leaves none to train on",
        ),
    ],
)
def test_bad_parameters(X, params, message):
    model = small().set_params(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    with pytest.raises(NotFittedError):  # and not half fitted
        model.transform(X)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_a_failed_fit_leaves_the_model_of_before(X):
    model = small().fit(X)
    before = model.transform(X)
    with pytest.raises(ValueError, match="at least 1"):
        model.set_params(hidden_layer_sizes=(0,)).fit(np.ones((9, 3)))
    np.testing.assert_array_equal(model.transform(X), before)
    assert model.n_features_in_ == 6


def test_divergence(X):
    plain = {"optimizer": "sgd", "lr_schedule": "constant"}
    model = small(lr=1e9, **plain)
    message = r"Training diverged.*epoch \d+.*Lower lr, which is 1000000000"
    with pytest.raises(FloatingPointError, match=message):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.transform(X)

    model = small(**plain).fit(X)
    before, history = model.transform(X), copy.deepcopy(list(model.net_.history))
    with pytest.raises(FloatingPointError, match=message):
        model.set_params(lr=1e9, warm_start=True, max_epochs=50).fit(X)
    np.testing.assert_array_equal(model.transform(X), before)
    assert list(model.net_.history) == history
    model.set_params(lr=1e-3).partial_fit(X)  # and it can still learn
    assert np.isfinite(model.transform(X)).all()


def test_ctrl_c_keeps_the_weights_reached(X, request):
    # A shell that starts tests in the background has them ignore Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, handler))
    small().fit(X)  # so that what torch imports at first use is there
    model = small(max_epochs=20_000)
    main = threading.main_thread().ident

    def press():
        time.sleep(1.5)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.warns(TrainingWarning, match=r"interrupted in epoch \d+ of 20000"):
        model.fit(X)
    assert 1 <= model.n_iter_ < 20_000
    assert model.score(X) > small(max_epochs=1).fit(X).score(X)


def test_names_of_features_are_those_of_the_fitted_network(X):
    model = small(features="hidden", code_activation="relu").fit(X)
    model.set_params(hidden_layer_sizes=(5, 5, 5))
    assert len(model.get_feature_names_out()) == model.transform(X).shape[1] == 8


def test_a_loss_that_rises_again(X):
    def jolt(fraction):
        return 1.0 if fraction < 0.7 else 300.0

    params = {"lr_schedule": jolt, "max_epochs": 100, "lr": 1e-2}
    with pytest.warns(
        TrainingWarning, match=r"unstable: the loss was \S+ in epoch \d+, and"
    ) as caught:
        model = small(**params).fit(X)
    assert caught[0].filename == __file__
    assert model.loss_curve_[-1] > 2 * min(model.loss_curve_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(early_stopping=True, **params).fit(X)
        model.set_params(lr_schedule="constant", warm_start=True, lr=1e-6, max_epochs=3).fit(X)


def test_hidden_features_have_no_way_back(X):
    model = small(features="hidden").fit(X)
    assert model.transform(X).shape == (60, 8)
    assert len(model.get_feature_names_out()) == 8
    assert model.score(X) == small().fit(X).score(X)
    with pytest.raises(ValueError, match=re.escape('Set features="code" to decode')):
        model.inverse_transform(np.zeros((1, 8)))


def test_an_expanding_code_needs_regularization(X):
    with pytest.warns(UserWarning, match=r"corruption\).*code_noise\).*penalty\)"):
        small().set_params(n_components=6).fit(X)
    for params in ({"corruption": "masking"}, {"code_noise": "dropout"}):
        small().set_params(n_components=20, **params).fit(X)  # warnings are errors, see pyproject
    DenoisingAutoencoder(20, hidden_layer_sizes=(8,), max_epochs=1).fit(X)


def test_noise_that_a_growing_code_outgrows(X):
    with pytest.warns(UserWarning, match="Gaussian noise on an unbounded code.*use dropout"):
        model = small(code_noise="gaussian").fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(code_noise="gaussian", code_activation="tanh").fit(X)
        small(code_noise="gaussian", tied_weights=True).fit(X)
        small(code_noise="gaussian", penalty=L1()).fit(X)
        model.partial_fit(X)  # the user knows by now


def test_rates_need_a_code_of_rates(X):
    for model in (small(penalty=KL()), SparseAutoencoder(method="kl", code_activation="relu")):
        with pytest.raises(ValueError, match='set code_activation="sigmoid", got'):
            model.fit(X)
        assert not hasattr(model, "n_features_in_")


def test_more_active_units_than_there_are(X):
    with pytest.raises(ValueError, match="n_nonzero=13 units cannot be other than 0 in a code of"):
        SparseAutoencoder(method="top_k", n_nonzero=13).fit(X)


def test_structure_of_a_warm_start_cannot_change(X):
    model = SparseAutoencoder(method="top_k", max_epochs=1, warm_start=True).fit(X)
    with pytest.raises(ValueError, match="n_nonzero was 1 when the networks were built, and is 2"):
        model.set_params(n_nonzero=2).fit(X)
    with pytest.raises(ValueError, match="code_activation was 'relu' when"):
        model.set_params(n_nonzero=1, code_activation="tanh").fit(X)
    with pytest.raises(ValueError, match="method was 'top_k' when the networks were built"):
        model.set_params(method="kl", code_activation="auto").fit(X)


def test_a_linear_code_cannot_expand(X):
    for solver in ("svd", "sgd"):
        with pytest.raises(ValueError, match="n_components=7 is more than the 6 features"):
            LinearAutoencoder(7, solver=solver).fit(X)


def test_partial_fit_of_an_exact_decomposition(X):
    model = LinearAutoencoder()
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(X)


# Accepted


def test_fewer_rows_than_a_batch(X):
    assert small(batch_size=1000).fit(X).n_iter_ == 3


def test_a_last_batch_of_one_row_joins_the_one_before(X):
    model = small(batch_size=59).fit(X)
    assert model.net_.history[:, "train_batch_count"] == [1, 1, 1]


def test_constant_columns(X):
    X = X.copy()
    X[:, 1] = 7.0
    model = small(max_epochs=200).fit(X)
    decoded = model.inverse_transform(model.transform(X))
    np.testing.assert_allclose(decoded[:, 1], 7.0, atol=0.2)


@pytest.mark.parametrize("model", [small(), LinearAutoencoder(1)], ids=["dense", "linear"])
def test_constant_data(model):
    X = np.full((20, 3), 5.0)
    model.fit(X)
    codes = model.transform(X)
    assert np.isfinite(codes).all()
    np.testing.assert_allclose(codes, codes[:1].repeat(20, axis=0))
    np.testing.assert_allclose(model.inverse_transform(codes), 5.0, atol=1.0)


@pytest.mark.parametrize(
    "dtype, result",
    [
        (np.uint8, np.float32),
        (np.int16, np.float32),
        (np.float16, np.float32),
        (bool, np.float32),
        (np.int64, np.float64),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (">f4", np.float32),
        (">f8", np.float64),
        (">i2", np.float32),
        (object, np.float64),
    ],
)
def test_types_of_numbers(dtype, result):
    counts = np.random.default_rng(0).integers(0, 2, size=(50, 6))
    X = counts.astype(dtype)
    model = small().fit(X)
    codes = model.transform(X)
    assert codes.dtype == result
    assert model.inverse_transform(codes).dtype == result
    np.testing.assert_allclose(codes, small().fit(counts).transform(counts), rtol=1e-4, atol=1e-5)


def test_not_numbers():
    with pytest.raises(ValueError, match="could not convert string to float"):
        small().fit(np.array([["a", "b"], ["c", "d"]], dtype=object))
    with pytest.raises(ValueError, match="Complex data not supported"):
        small().fit(np.ones((5, 2), dtype=complex))


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order(X, order):
    other = small().fit(np.asarray(X, order=order)).transform(np.asarray(X, order=order))
    np.testing.assert_allclose(other, small().fit(X).transform(X), rtol=1e-4, atol=1e-5)


def test_read_only_memory_map(X, tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = small().fit(X.astype(np.float32)).transform(X.astype(np.float32))
    np.testing.assert_array_equal(small().fit(mapped).transform(mapped), expected)
    monkeypatch.setattr("skgen.inputs.scaling._IN_MEMORY_BYTES", 0)  # as if it were larger
    np.testing.assert_array_equal(small().fit(mapped).transform(mapped), expected)


def test_columns_of_wildly_different_scale(X):
    """They keep their relative weight, as in PCA: the largest column decides."""
    X = X * 10.0 ** np.arange(-3, 3)
    decoded = (model := small(max_epochs=100).fit(X)).inverse_transform(model.transform(X))
    correlation = np.corrcoef(decoded[:, -1], X[:, -1])[0, 1]
    assert correlation > 0.95
    assert model.score(X) > 0.8


def test_views_that_run_backwards(X):
    backwards = X[::-1, ::-1]
    copied = np.ascontiguousarray(backwards)
    codes = small().fit(backwards).transform(backwards)
    np.testing.assert_allclose(codes, small().fit(copied).transform(copied), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        {"n_components": 3},
        {"hidden_layer_sizes": (9,)},
        {"activation": "relu"},
        {"tied_weights": True},
        {"loss": "binary_cross_entropy"},
    ],
)
def test_what_the_networks_were_built_with_stays(changed):
    X = np.random.default_rng(0).random((60, 6))
    model = small(warm_start=True).fit(X)
    before = model.transform(X)
    model.set_params(**changed)
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"when the networks were built.*warm_start=False"):
            again(X)
    np.testing.assert_array_equal(model.transform(X), before)
    assert model.set_params(warm_start=False).fit(X).n_iter_ == 3


def test_cross_entropy_wants_every_chunk_in_range():
    X = np.random.default_rng(1).random((30, 4), dtype=np.float32)
    model = small(loss="binary_cross_entropy").partial_fit(X / 2).partial_fit(X)
    with pytest.raises(ValueError, match=r"needs X in \[0, 1\], got values from"):
        model.partial_fit(X + 1)
    assert model.n_iter_ == 2


def test_a_penalty_that_is_none():
    with pytest.raises(ValueError, match="an object of that kind, got 'l1'"):
        small(penalty=["l1"]).fit(np.eye(8))


def test_units_do_not_matter(X):
    model, scaled = small().fit(X), small().fit(1e6 * X + 1e7)
    np.testing.assert_allclose(scaled.transform(1e6 * X + 1e7), model.transform(X), atol=1e-3)
    assert scaled.score(1e6 * X + 1e7) == pytest.approx(model.score(X), abs=1e-4)


def test_caller_objects_are_copied(X):
    from skorch.callbacks import EarlyStopping

    noise, stopping = Masking(0.3), EarlyStopping(monitor="train_loss")
    model = small(corruption=noise, callbacks=[stopping]).fit(X)
    assert not hasattr(stopping, "best_epoch_")
    noise.level = 0.9
    assert model.net_.turns[0].loss.corruption.level == 0.3


def test_data_are_not_changed(X):
    before = X.copy()
    small().fit(X).transform(X)
    np.testing.assert_array_equal(X, before)
