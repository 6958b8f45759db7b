"""Situations that users of neighboring packages have reported, and what is right in them."""

import functools
import os
import pickle
import signal
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch.callbacks import Checkpoint, EpochScoring, LRScheduler, TensorBoard
from small import texts

from skgen import (
    GAN,
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalGAN,
    ContractiveAutoencoder,
    ConvAutoencoder,
    DenoisingAutoencoder,
    DomainAdversarialClassifier,
    ImageRegressor,
    InvariantEncoder,
    LinearAutoencoder,
    PretrainedClassifier,
    RecurrentAutoencoder,
    SkipGram,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skgen.exceptions import TrainingWarning

QUICK = {"max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)


def in_threads(work, n=4):
    """Run work(number) in as many threads, and return what they gave."""
    results: dict = {}

    def run(number):
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(n)]


# Random numbers, threads, and the caller's torch


def test_fits_in_threads_are_what_a_fit_alone_is(X):
    def fit(_):
        return DenoisingAutoencoder(2, max_epochs=5, random_state=0).fit(X).transform(X)

    alone = fit(0)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert all((codes == alone).all() for codes in in_threads(fit))
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_drawn_in_threads_are_those_drawn_alone(X):
    model = VariationalAutoencoder(2, **QUICK).fit(X)

    def draw(first):
        return [model.sample(500, random_state=seed) for seed in range(first, 20, 4)]

    alone = [draw(first) for first in range(4)]
    np.testing.assert_array_equal(np.concatenate(in_threads(draw)), np.concatenate(alone))


def test_a_search_in_threads_is_a_search(X):
    search = GridSearchCV(VariationalAutoencoder(**QUICK), {"n_components": [1, 2]}, cv=2)
    alone = clone(search).fit(X).cv_results_["mean_test_score"]
    with joblib.parallel_backend("threading", n_jobs=4):
        together = clone(search).fit(X).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(alone, together)


MODELS = [
    Autoencoder(2),
    ConvAutoencoder(2),
    LinearAutoencoder(2),
    LinearAutoencoder(2, solver="sgd"),
    SparseAutoencoder(),
    ContractiveAutoencoder(hidden_layer_sizes=(8, 8)),
    VariationalAutoencoder(2),
    AdversarialAutoencoder(2),
    GAN(2),
    ConditionalGAN(2),
    DomainAdversarialClassifier(),
]
each = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def use(model, X):
    """Fit, and call what there is to call."""
    y = np.arange(len(X)) % 2
    known = np.where(np.arange(len(X)) < len(X) // 2, y, -1)
    if isinstance(model, SkipGram):
        X = texts(len(X))
    model = clone(model).set_params(**QUICK)
    learns_some = isinstance(model, DomainAdversarialClassifier | PretrainedClassifier)
    model.fit(X, known if learns_some else y)
    results = [model.transform(X), model.score(X[:40], y[:40])]
    if hasattr(model, "sample"):
        results.append(model.sample(3, random_state=0))
    if hasattr(model, "score_samples"):
        results.append(model.score_samples(X[:5]))
    if hasattr(model, "inverse_transform"):
        results.append(model.inverse_transform(results[0][:5]))
    return results


FURTHER = [
    ImageRegressor(),
    InvariantEncoder(4, hidden_layer_sizes=(8,)),
    PretrainedClassifier(DenoisingAutoencoder(4, hidden_layer_sizes=(8,), **QUICK)),
    RecurrentAutoencoder(4),
    SkipGram(4, min_count=1),
]


@pytest.mark.parametrize("model", [*MODELS, *FURTHER], ids=lambda model: type(model).__name__)
def test_settings_of_torch_are_the_callers(model, X):
    expected, results = use(model, X), {}
    torch.set_default_dtype(torch.float64)
    try:
        results["float64"] = use(model, X)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        results["meta"] = use(model, X)
    for setting in ("no_grad", "inference_mode"):
        with getattr(torch, setting)():
            results[setting] = use(model, X)
            assert not torch.is_grad_enabled()
    for setting, made in results.items():
        for result, wanted in zip(made, expected, strict=True):
            np.testing.assert_array_equal(result, wanted, err_msg=setting)


# Units


@functools.cache
def use_scaled(model, dtype, scale):
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 3)) @ random.normal(size=(3, 8))
    return use(model, (X * scale).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-26, 1e-23, 1e-3, 1e10, 1e19, 1e30])
@each
def test_results_scale_with_x(model, dtype, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        plain, scaled = use_scaled(model, dtype, 1.0), use_scaled(model, dtype, scale)
    if not hasattr(model, "likelihood"):  # whose score is a density
        slack = 0.2 if hasattr(model, "predict") else 2e-2  # 40 rows, a coin each
        assert plain[1] == pytest.approx(scaled[1], abs=slack)
    assert all(np.isfinite(result).all() for result in scaled)
    if isinstance(model, Autoencoder | LinearAutoencoder):
        np.testing.assert_allclose(scaled[-1] / scale, plain[-1], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("offset", [1e5, 1e9, 1e12])
@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: type(model).__name__)
def test_an_offset_changes_nothing(model, offset):
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3)) @ random.normal(size=(3, 8))
    expected = use(model, X)[1]
    assert use(model, X + offset)[1] == pytest.approx(expected, abs=1e-3)
    if offset < 1e6:
        assert use(model, (X + offset).astype(np.float32))[1] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("value", [14.62, 14.0, 0.0, 1e-20, 1e20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_rows_have_a_scale_of_one(value, dtype):
    X = np.full((100, 3), value, dtype)
    for model in (Autoencoder(2, **QUICK), LinearAutoencoder(2)):
        model.fit(X)
        assert model.scaling_.scale == 1
        assert np.abs(model.transform(X + dtype(0.01))).max() < 10
        assert model.score(X) in (0, 1)
    assert model.score(X) == 1


def test_values_on_the_edge_are_in_range():
    """What MinMaxScaler gives may lie beyond 1 by rounding; later rows are clipped and named."""
    for seed in range(30):
        X = np.random.default_rng(seed).normal(size=(50, 4)) * 10.0**seed
        scaled = MinMaxScaler().fit_transform(X)
        Autoencoder(2, loss="binary_cross_entropy", max_epochs=1, random_state=0).fit(scaled)
    pipeline = make_pipeline(
        MinMaxScaler(), VariationalAutoencoder(2, likelihood="bernoulli", **QUICK)
    )
    X = np.random.default_rng(0).normal(size=(60, 4))
    with pytest.warns(UserWarning, match=r"MinMaxScaler\(clip=True\)"):
        scores = cross_val_score(pipeline, X, cv=5)
    assert np.isfinite(scores).all()


# Streams


def test_a_chunk_weighs_by_its_rows():
    X = load_digits(return_X_y=True)[0]
    model = LinearAutoencoder(8, solver="sgd", random_state=0)
    for _ in range(5):
        for start in range(0, len(X), 100):
            model.partial_fit(X[start : start + 100])
    exact = LinearAutoencoder(8).fit(X).score(X)
    assert model.score(X) > exact - 0.02
    before = model.score(X)
    assert model.partial_fit(X[:1]).score(X) == pytest.approx(before, abs=1e-3)
    assert model.n_samples_ == 5 * len(X) + 1


# Ctrl-C


@pytest.fixture
def pressed(request):
    """Press Ctrl-C so many seconds after it is called."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, handler))
    main = threading.main_thread().ident

    def press(seconds=1.0):
        def later():
            time.sleep(seconds)
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=later).start()

    return press


LONG = {"max_epochs": 100_000, "random_state": 0, "hidden_layer_sizes": (8,)}


@pytest.mark.parametrize(
    "fit",
    [
        lambda X: cross_val_score(Autoencoder(2, **LONG), X, cv=3),
        lambda X: GridSearchCV(Autoencoder(2, **LONG), {"lr": [1e-3, 1e-2]}, cv=2).fit(X),
        lambda X: make_pipeline(Autoencoder(2, **LONG), LinearAutoencoder(1)).fit(X),
        lambda X: make_pipeline(Autoencoder(2, **LONG), LinearAutoencoder(1)).fit_transform(X),
    ],
)
def test_ctrl_c_ends_a_search_or_a_pipeline(X, pressed, fit):
    Autoencoder(2, **QUICK).fit(X)  # so that what is imported at first use is there
    pressed()
    with pytest.raises(KeyboardInterrupt):
        fit(X)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_ctrl_c_keeps_the_weights_where_the_user_called_fit(X, pressed, method):
    model = Autoencoder(2, **LONG)
    clone(model).set_params(max_epochs=1).fit(X)
    pressed()
    with pytest.warns(TrainingWarning, match="interrupted in epoch"):
        getattr(model, method)(X)
    assert model.transform(X).shape == (200, 2)


# Settings


@pytest.mark.parametrize("name", ["lr", "max_epochs", "callbacks", "batch_size", "optimizer"])
def test_net_params_are_no_second_door(X, name):
    with pytest.raises(ValueError, match=f"There is a parameter {name}= for it"):
        Autoencoder(2, net_params={name: 1}).fit(X)
    with pytest.raises(ValueError, match="net_params has 'speed'"):
        Autoencoder(2, net_params={"speed": 1}).fit(X)


def test_options_of_the_optimizer_hold_in_every_call(X):
    options = {"net_params": {"optimizer__momentum": 0.9}, "weight_decay": 0.1, "lr": 0.05}
    model = Autoencoder(2, optimizer="sgd", random_state=0, **options)
    for _ in range(2):
        (group,) = model.partial_fit(X).net_.optimizer_.param_groups
        assert (group["momentum"], group["weight_decay"], group["lr"]) == (0.9, 0.1, 0.05)


def test_a_failed_warm_fit_leaves_the_net_as_it_was(X):
    model = AdversarialAutoencoder(2, prior="mixture", warm_start=True, **QUICK).fit(X)
    before = pickle.dumps(model.sample(9, random_state=0)), model.net_.lr, model.net_.turns
    model.set_params(prior="normal", lr=1e9, callbacks=[EpochScoring(lambda net, X, y: 0.0)])
    with pytest.raises(FloatingPointError):
        model.set_params(optimizer="adam", lr_schedule="constant", max_epochs=50).fit(X * 1e5)
    assert (pickle.dumps(model.sample(9, random_state=0)), model.net_.lr) == before[:2]
    assert model.net_.turns is before[2]
    assert all(group["lr"] < 1 for group in model.net_.optimizer_.param_groups)


def test_stopping_early_with_losses_below_zero():
    from skgen.engine import EarlyStopping

    callback = EarlyStopping(patience=3)
    callback.dynamic_threshold_ = callback._calc_new_threshold(-2.0)
    assert not callback._is_score_improved(-1.9999)
    assert callback._is_score_improved(-2.1)


@pytest.mark.parametrize(
    "callback",
    [
        lambda folder: Checkpoint(dirname=folder, monitor="train_loss_best"),
        lambda folder: LRScheduler("StepLR", step_size=1),
        lambda folder: EpochScoring(lambda net, X, y: 1.0, name="one", on_train=True),
    ],
)
def test_callbacks_go_through_clones_and_searches(X, tmp_path, callback):
    model = Autoencoder(2, callbacks=[callback(tmp_path)], **QUICK)
    GridSearchCV(clone(model), {"n_components": [1, 2]}, cv=2).fit(X)


def test_a_callback_that_cannot_be_copied(X, tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    writer.add_scalar("used", 1.0)
    given = Autoencoder(2, callbacks=[TensorBoard(writer, close_after_train=False)], **QUICK)
    given.fit(X)
    with pytest.raises(TypeError, match=r"callbacks\[0\].*cannot be copied.*lambda"):
        clone(given)
    made = Autoencoder(2, callbacks=[lambda: TensorBoard(SummaryWriter(tmp_path))], **QUICK)
    GridSearchCV(made, {"n_components": [1, 2]}, cv=2).fit(X)
    assert os.listdir(tmp_path)


def test_scikit_learns_callbacks_hear_of_epochs(X):
    pytest.importorskip("sklearn.callback")

    class Counting:
        max_propagation_depth = None

        def __init__(self):
            self.tasks = []

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.tasks.append((context.estimator_name, context.task_name))

    counting = Counting()
    Autoencoder(2, **QUICK).set_callbacks(counting).fit(X)
    assert counting.tasks.count(("Autoencoder", "epoch")) == 2
    search = GridSearchCV(Autoencoder(2, **QUICK), {"n_components": [1]}, cv=2)
    counting.tasks.clear()
    search.set_callbacks(counting).fit(X)
    assert counting.tasks.count(("Autoencoder", "epoch")) == 6


# Compiling, pickles, and the net itself


@pytest.mark.parametrize(
    "model",
    [GAN(2), GAN(2, adversarial_loss="wasserstein"), MODELS[5], AdversarialAutoencoder(2)],
    ids=str,
)
def test_what_cannot_be_compiled_says_so(model, X):
    model = clone(model).set_params(net_params={"compile": True}, **QUICK)
    with pytest.raises(ValueError, match="compile cannot differentiate twice"):
        model.fit(X)


def test_a_pickle_holds_the_weights_once(X):
    wide = np.random.default_rng(0).normal(size=(50, 300)).astype(np.float32)
    model = Autoencoder(32, **QUICK).fit(wide)
    weights = sum(weight.nbytes for weight in model.net_.module_.parameters())
    assert len(pickle.dumps(model)) < 3.1 * weights  # and Adam's two
    loaded = pickle.loads(pickle.dumps(model)).partial_fit(wide)
    np.testing.assert_array_equal(loaded.transform(wide), model.partial_fit(wide).transform(wide))


@pytest.mark.parametrize("model", [Autoencoder(2, **QUICK), LinearAutoencoder(2)])
@pytest.mark.filterwarnings("error")
def test_a_model_loaded_as_a_memory_map(X, model, tmp_path):
    model = clone(model).fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    loaded.inverse_transform(loaded.transform(X))


def test_a_model_of_a_gpu_goes_on_where_there_is_none(X):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    model = Autoencoder(2, **QUICK).fit(X)
    model.device = model.net_.device = model.net_.built_with_["device"] = "cuda"
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.partial_fit(X).n_iter_ == 3


@pytest.mark.parametrize("method", ["predict", "predict_proba", "forward", "fit"])
def test_the_net_says_what_it_does_not_do(X, method):
    with pytest.raises(NotImplementedError, match="Call the estimator's methods"):
        getattr(Autoencoder(2, **QUICK).fit(X).net_, method)(X)


def test_tensors_through_array_api_dispatch(X):
    pytest.importorskip("array_api_compat")
    import sklearn

    with sklearn.config_context(array_api_dispatch=True):
        codes = Autoencoder(2, **QUICK).fit(torch.from_numpy(X)).transform(torch.from_numpy(X))
    np.testing.assert_array_equal(codes, Autoencoder(2, **QUICK).fit(X).transform(X))


def test_a_dead_code_is_named(X):
    with pytest.warns(TrainingWarning, match=r"The code is dead.*Lower beta, which is 1000"):
        VariationalAutoencoder(2, beta=1000, max_epochs=100, random_state=0).fit(X)


def test_small_fits_take_one_thread_and_give_the_others_back(X):
    seen = []

    def noting(net, *_):
        seen.append(torch.get_num_threads())
        return 0.0

    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        scoring = EpochScoring(noting, name="threads", on_train=True)
        Autoencoder(2, callbacks=[scoring], hidden_layer_sizes=(8,), **QUICK).fit(X)
        assert set(seen) == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(n_threads)


def test_rows_in_other_units_are_noticed():
    X = np.random.default_rng(0).random((300, 6))
    model = Autoencoder(2, **QUICK).fit(X)
    with pytest.warns(UserWarning, match="about 255 times those that fit saw"):
        model.transform(255 * X)
    with pytest.warns(UserWarning, match=r"about 0\.00392 times"):
        model.score(X / 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(X[:50] * 3)
        model.transform(X[:1] * 255)  # one row may be an outlier
        outlying = X[:50].copy()
        outlying[:, 0] *= 1e4
        model.transform(outlying)
