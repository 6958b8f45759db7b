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
from sklearn.utils.estimator_checks import parametrize_with_checks

import skgen
from skgen import ContractiveAutoencoder, LabeledOnly, LinearAutoencoder, SparseAutoencoder
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
        *[cls(**params) for cls in ESTIMATORS if issubclass(cls, BaseModel)],
        LinearAutoencoder(solver="sgd", **params),
        SparseAutoencoder(method="kl", **params),
        SparseAutoencoder(method="top_k", **params),
        ContractiveAutoencoder(hidden_layer_sizes=(16, 8), **params),
    ]


each = pytest.mark.parametrize(
    "model", instances(max_epochs=3, random_state=0), ids=lambda model: str(model)[:40]
)


@parametrize_with_checks([*instances(max_epochs=10, random_state=0), LabeledOnly()])
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 6))


@pytest.fixture(scope="module")
def y():
    return np.tile(["a", "b", "c"], 20)


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
    pipeline = make_pipeline(StandardScaler(), clone(model).set_params(max_epochs=50))
    step = pipeline.steps[-1][0]
    size = "n_components" if hasattr(model, "n_components") else "latent_dim"
    search = GridSearchCV(pipeline, {f"{step}__{size}": [1, 3]}, cv=2, n_jobs=2).fit(X, y)
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
    with warnings.catch_warnings():  # 40 rows are few for some
        warnings.simplefilter("ignore")
        model = cls().fit(X, np.repeat(["a", "b"], 20))
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
            size = parameter(1, [int], "int", "How large.")


def test_an_override_keeps_all_but_the_default():
    class Base(Declared):
        size: int = parameter(1, [int], "int", "How large.", positional=True)

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
        size: int = parameter(1, [int], "int", "How large.")

    with pytest.raises(TypeError, match="without an annotation"):

        class Careless(Base):
            size = 2
