"""The contract that every public estimator keeps."""

import inspect
import pickle
import warnings
from abc import ABC

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from small import CLASSES, OF_IMAGES, TEXT_CLASSES, small, target, texts
from small import images as images_of_sizes

import skgen
from skgen import (
    ContractiveAutoencoder,
    LabeledOnly,
    LinearAutoencoder,
    PretrainedClassifier,
    PretrainedRegressor,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skgen.base import BaseModel
from skgen.parameters import Declared, override, parameter

pytestmark = pytest.mark.filterwarnings("ignore:All .* rows are of the source:UserWarning")

ESTIMATORS = [
    cls
    for name in skgen.__all__
    if inspect.isclass(cls := getattr(skgen, name)) and issubclass(cls, BaseEstimator)
]


def instances(**params):
    """One of every estimator, and of every way in which it works."""
    return [
        *[small(cls, **params) for cls in CLASSES],
        LinearAutoencoder(solver="sgd", **params),
        SparseAutoencoder(method="kl", **params),
        SparseAutoencoder(method="top_k", **params),
        ContractiveAutoencoder(hidden_layer_sizes=(16, 8), **params),
    ]


each = pytest.mark.parametrize(
    "model", instances(max_epochs=3, random_state=0), ids=lambda model: str(model)[:40]
)


def checked():
    """Models that learn enough for scikit-learn's checks of accuracy."""
    for model in instances(max_epochs=10, random_state=0):
        few = isinstance(model, PretrainedClassifier | PretrainedRegressor)  # updates in 10 epochs
        yield model.set_params(max_epochs=100, lr=1e-2) if few else model
    yield LabeledOnly()
    yield from (cls() for cls in TEXT_CLASSES)
    yield from map(small, OF_IMAGES)


@parametrize_with_checks(list(checked()))
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 6))


@pytest.fixture
def y(request):
    asked = getattr(request.node, "callspec", None)
    return target(asked and asked.params.get("model"), np.tile(["a", "b", "c"], 20))


@each
def test_same_seed_same_result(model, X, y):
    torch.manual_seed(1)
    first = clone(model).fit(X, y)
    torch.manual_seed(2)
    second = clone(model).fit(X, y)
    np.testing.assert_array_equal(first.transform(X), second.transform(X))


@each
def test_other_seed_other_weights(model, X, y):
    if getattr(model, "solver", None) == "svd":
        pytest.skip("an exact decomposition draws nothing")
    first, second = clone(model).fit(X, y), clone(model).set_params(random_state=1).fit(X, y)
    assert first.loss_curve_ != second.loss_curve_


@each
def test_random_states_of_the_caller_are_untouched(model, X, y):
    torch.manual_seed(7)
    np.random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    fitted = clone(model).fit(X, y)
    fitted.transform(X)
    if hasattr(fitted, "sample"):
        fitted.sample(5, random_state=0)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@each
def test_rows_set_aside(model, X, y):
    if getattr(model, "solver", None) == "svd":
        pytest.skip("an exact decomposition stops nowhere")
    model = clone(model).set_params(early_stopping=True).fit(X, y)
    assert np.isfinite(model.net_.history[:, "valid_loss"]).all()


@each
@pytest.mark.parametrize("through", ["pickle", "joblib"])
def test_round_trip(model, X, y, through, tmp_path):
    model = clone(model).fit(X, y)
    if through == "pickle":
        loaded = pickle.loads(pickle.dumps(model))
    else:
        joblib.dump(model, tmp_path / "model.joblib")
        loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(model.transform(X), loaded.transform(X))
    if hasattr(model, "partial_fit"):  # the optimizers came along as well
        np.testing.assert_array_equal(
            model.partial_fit(X, y).transform(X), loaded.partial_fit(X, y).transform(X)
        )


@each
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(model, X, y, container):
    out = clone(model).set_output(transform=container).fit_transform(X, y)
    assert isinstance(out, {"pandas": pd.DataFrame, "polars": pl.DataFrame}[container])
    assert list(out.columns) == list(clone(model).fit(X, y).get_feature_names_out())


@each
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(model, X, y, frame):
    names = list("abcdef")
    table = frame(dict(zip(names, X.T, strict=True)))
    fitted = clone(model).fit(table, y)
    assert list(fitted.feature_names_in_) == names
    np.testing.assert_allclose(
        fitted.transform(table), clone(model).fit(X, y).transform(X), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(table[names[::-1]])


@each
def test_grid_search_in_a_pipeline(model, X, y):
    pipeline = make_pipeline(StandardScaler(), clone(model).set_params(max_epochs=30))
    step = pipeline.steps[-1][0]
    sizes = ("n_components", "latent_dim", "encoder__n_components")
    size = next(name for name in sizes if name in model.get_params())
    # One goes to other processes: that costs them an import of torch. That all models go there and
    # back is in test_round_trip.
    n_jobs = 2 if type(model) is VariationalAutoencoder else None
    search = GridSearchCV(pipeline, {f"{step}__{size}": [1, 3]}, cv=2, n_jobs=n_jobs).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if hasattr(model, "inverse_transform") and not hasattr(model, "sample"):
        assert search.best_params_[f"{step}__{size}"] == 3  # of normal data, more explains more


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_documentation_is_complete_and_true(cls):
    from numpydoc.docscrape import ClassDoc

    documented = {entry.name: entry for entry in ClassDoc(cls)["Parameters"]}
    signature = inspect.signature(cls).parameters
    assert documented.keys() == signature.keys()
    for name, entry in documented.items():
        assert f"default={signature[name].default!r}" in entry.type
        assert entry.desc, f"{name} has no description"
    X = np.random.default_rng(0).normal(size=(40, 4))
    if cls in TEXT_CLASSES:
        X = texts(40)
    elif cls in OF_IMAGES:
        X = images_of_sizes()
    is_model = issubclass(cls, BaseModel) and cls not in OF_IMAGES
    model = small(cls, max_epochs=2) if is_model else small(cls)
    with warnings.catch_warnings():  # 40 rows are few for some
        warnings.simplefilter("ignore")
        model.fit(X, target(model, np.repeat(["a", "b"], 20)[: len(X)]))
    attributes = {entry.name for entry in ClassDoc(cls)["Attributes"]}
    learned = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert learned <= attributes


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_classes_are_abstract_or_final(cls):
    assert getattr(cls, "__final__", False)
    for base in cls.__mro__[1:]:
        if base.__module__.startswith("skgen") and issubclass(base, BaseModel):
            assert ABC in base.__bases__, base


def test_a_parameter_without_annotation_is_refused():
    with pytest.raises(TypeError, match=r"Careless declares \['size'\] without an annotation"):

        class Careless(Declared):
            size = parameter(1, [int], "How large.")


def test_an_override_keeps_all_but_the_default():
    class Base(Declared):
        size: int = parameter(1, [int], "How large.", positional=True)

    class Larger(Base):
        size: int = override(2)

    assert Larger().size == 2 and Larger(3).size == 3 and Base().size == 1
    assert Larger._parameter_constraints == Base._parameter_constraints == {"size": [int]}
    assert "size : int, default=2" in Larger.__doc__ and "How large." in Larger.__doc__
    with pytest.raises(TypeError, match="Lost overrides color, which it does not inherit"):

        class Lost(Base):
            color: str = override("red")


def test_an_override_without_annotation_is_refused():
    class Base(Declared):
        size: int = parameter(1, [int], "How large.")

    with pytest.raises(TypeError, match="without an annotation"):

        class Careless(Base):
            size = 2


# The same contract on images


IMAGES = {
    "gray": lambda X: X,
    "a channel": lambda X: X[..., None],
    "color": lambda X: np.stack([X, X**2, 1 - X], axis=-1),
    "bytes": lambda X: (255 * X).astype(np.uint8),
    "flat": lambda X: X.reshape(len(X), -1),
    "a list": list,
}

on_images = pytest.mark.parametrize("kind", IMAGES)
each_of_images = pytest.mark.parametrize(
    "model",
    [
        model
        for model in instances(max_epochs=3, random_state=0)
        if get_tags(model).input_tags.three_d_array and hasattr(model, "image_shape")
    ],
    ids=lambda model: type(model).__name__,
)


@pytest.fixture(scope="module")
def drawn():
    """Return 60 images of 7 x 6 pixels: a bright bar, at one of three places."""
    X = 0.2 * np.random.default_rng(0).random((60, 7, 6), dtype=np.float32)
    for number, image in enumerate(X):
        image[:, 2 * (number % 3)] += 0.8
    return X


def of_kind(model, kind, drawn):
    """Return an unfitted copy of a model, and images as that kind."""
    shape = {"image_shape": (7, 6)} if kind == "flat" else {}
    return clone(model).set_params(**shape), IMAGES[kind](drawn)


@each_of_images
@on_images
def test_images_come_back_as_they_came(model, kind, drawn, y):
    model, X = of_kind(model, kind, drawn)
    features = model.fit(X, y).transform(X)
    assert (
        features.shape == (60, len(model.get_feature_names_out())) and np.isfinite(features).all()
    )
    made = []
    if hasattr(model, "inverse_transform"):
        made.append(model.inverse_transform(features[:4]))
    if hasattr(model, "sample"):
        made.append(model.sample(4, random_state=0))
    low, high = model.value_range_
    for images in made:
        assert images.shape[1:] == np.shape(X)[1:]
        assert low <= images.min() and images.max() <= high
    assert (low, high) == ((0, 255) if kind == "bytes" else (0, 1))


@each_of_images
@pytest.mark.parametrize("kind", ["color", "bytes", "flat"])
def test_images_again(model, kind, drawn, y):
    """The same seed, another process, one image at a time."""
    model, X = of_kind(model, kind, drawn)
    features = model.fit(X, y).transform(X)
    np.testing.assert_array_equal(clone(model).fit(X, y).transform(X), features)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), features)
    np.testing.assert_array_equal(model.transform(X[3:4]), features[3:4])
    if hasattr(model, "partial_fit"):
        assert model.partial_fit(X[:30], y[:30]).n_iter_ == 4
    assert np.isfinite(clone(model).set_params(early_stopping=True).fit(X, y).transform(X)).all()


@each_of_images
def test_bad_images_change_nothing(model, drawn, y):
    model = clone(model).fit(drawn, y)
    before = model.transform(drawn)
    with_nan = drawn.copy()
    with_nan[3, 2, 1] = np.nan
    for bad in (with_nan, drawn[:, :5], drawn[0], drawn[:0]):
        with pytest.raises(ValueError):
            model.transform(bad)
    for bad in (with_nan, drawn[:0], drawn[:1], drawn[:, :, :, None, None, None]):
        with pytest.raises(ValueError):
            model.fit(bad, y[: len(bad)])
        np.testing.assert_array_equal(model.transform(drawn), before)
