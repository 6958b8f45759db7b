"""Whatever rows look like: a result that is finite, or an error with a name and nothing changed.

A model gets 25 cases, and 200 among the slow tests. Set HYPOTHESIS_PROFILE=many for 4,000.
"""

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from small import CLASSES, small

settings.register_profile(
    "few",
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
settings.register_profile("many", parent=settings.get_profile("few"), max_examples=4000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "few"))

TINY = {"max_epochs": 1, "random_state": 0}
SMALL = {"hidden_layer_sizes": (4,), "n_filters": (2,)}

MODELS = [small(cls, **TINY) for cls in CLASSES]
for model in MODELS:
    model.set_params(**{n: v for n, v in SMALL.items() if n in model.get_params()})

CONTAINERS = {
    "array": lambda X: X,
    "fortran": np.asfortranarray,
    "view": lambda X: X[::-1, ::-1],
    "frame": lambda X: pd.DataFrame(X, columns=[f"c{n}" for n in range(X.shape[1])]),
    "list": lambda X: X.tolist(),
    "objects": lambda X: X.astype(object),
}


@st.composite
def rows(draw):
    """Tables of many sizes, types, units, offsets and kinds of column."""
    n, d = draw(st.integers(2, 24)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    X = random.normal(size=(n, d))
    for column in draw(st.sets(st.integers(0, d - 1))):
        kind = draw(st.sampled_from(["constant", "binary", "heavy", "repeated"]))
        X[:, column] = {
            "constant": np.full(n, X[0, column]),
            "binary": X[:, column] > 0,
            "heavy": X[:, column] ** 9,
            "repeated": X[:, 0],
        }[kind]
    if draw(st.booleans()):
        X[:] = X[0]
    dtype = draw(st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?", ">f4"]))
    if dtype in ("f8", "f4", ">f4"):
        X = X * 10.0 ** draw(st.integers(-30, 30)) + draw(st.sampled_from([0, 1, -1e5, 1e9]))
    elif dtype in ("i8", "u1"):
        X = np.abs(X * 50) % 200
    X = X.astype(dtype)
    if draw(st.integers(0, 9)) == 0 and X.dtype.kind == "f":
        X[draw(st.integers(0, n - 1)), 0] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    return X, draw(st.sampled_from(sorted(CONTAINERS)))


each = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


@each
@given(case=rows())
def test_a_result_or_an_error(model, case):
    use(model, *case)


@pytest.mark.slow
@each
@settings(max_examples=200)
@given(case=rows())
def test_a_result_or_an_error_of_many(model, case):
    use(model, *case)


def use(model, X, container):
    """Fit, and call what there is to call; or have the fit say what is wrong."""
    given, model = CONTAINERS[container](X), clone(model)
    y = np.arange(len(X)) % 2
    if "adaptation_weight" in model.get_params():
        y = np.where(np.arange(len(X)) < 2 * len(X) // 3 + 1, y, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            model.fit(given, y)
        except (ValueError, FloatingPointError) as error:
            assert len(str(error)) > 20
            assert not [name for name in vars(model) if name.endswith("_")]
            return
        numbers = np.asarray(X, dtype=np.float64)
        takes_nan = model.__sklearn_tags__().input_tags.allow_nan
        assert not np.isinf(numbers).any() and (takes_nan or not np.isnan(numbers).any())
        results = [model.transform(given)]
        if hasattr(model, "inverse_transform"):
            results.append(model.inverse_transform(results[0]))
            assert results[1].shape == X.shape
        if hasattr(model, "sample"):
            results.append(model.sample(3, random_state=0))
        if hasattr(model, "predict_proba"):
            results.append(model.predict_proba(given))
        for result in results:
            assert np.isfinite(result).all() and result.dtype in (np.float32, np.float64)
        np.testing.assert_array_equal(model.transform(given), results[0])
