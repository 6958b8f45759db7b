"""Moves in a code space, against what they claim."""

import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skgen import Autoencoder, ConvAutoencoder
from skgen.latent import AttributeEditor, interpolate

SMALL = {"n_filters": (4, 8), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def linear():
    """Rows made of three attributes, of which the first two mostly come together, and noise."""
    random = np.random.default_rng(0)
    a = random.uniform(size=600) < 0.5
    b = np.where(random.uniform(size=600) < 0.8, a, ~a)
    age = random.normal(40, 10, size=600)
    effects = random.normal(size=(3, 8))
    X = np.column_stack([a, b, age]) @ effects + 0.01 * random.normal(size=(600, 8))
    return X, pd.DataFrame({"a": a, "b": b, "age": age}), effects


@pytest.fixture(scope="module")
def images():
    return load_digits().images[:300]


@parametrize_with_checks([AttributeEditor(PCA()), AttributeEditor(Autoencoder(max_epochs=3))])
def test_sklearn(estimator, check):
    check(estimator)


# Directions


def test_least_squares_tells_correlated_attributes_apart(linear):
    X, y, effects = linear
    editor = AttributeEditor(PCA(8)).fit(X, y)
    edited = editor.edit(X, {"a": 1})
    assert_allclose(edited - X, np.tile(effects[0], (600, 1)), atol=0.01)
    assert_allclose(editor.edit(X, {"age": -5}) - X, np.tile(-5 * effects[2], (600, 1)), atol=0.01)
    slopes = LinearRegression().fit(y.astype(float), editor.model_.transform(X)).coef_.T
    assert_allclose([editor.directions_[name] for name in y], slopes, rtol=1e-6, atol=1e-8)


def test_mean_difference_is_the_difference_of_means(linear):
    X, y, _ = linear
    editor = AttributeEditor(PCA(8), method="mean_difference").fit(X, y)
    codes = editor.model_.transform(X)
    assert_allclose(editor.directions_["a"], codes[y.a].mean(axis=0) - codes[~y.a].mean(axis=0))
    alone = LinearRegression().fit(y[["age"]], codes).coef_[:, 0]
    assert_allclose(editor.directions_["age"], alone)
    # What "a" and "b" share is in both, so their sum goes too far.
    both = editor.directions_["a"] + editor.directions_["b"]
    joint = AttributeEditor(PCA(8)).fit(X, y)
    assert np.linalg.norm(both) > 1.3 * np.linalg.norm(
        joint.directions_["a"] + joint.directions_["b"]
    )


@pytest.mark.parametrize("values", [(-1, 1), (0, 1), (0.0, 1.0), (False, True)])
def test_having_and_not_having(linear, values):
    X, y, effects = linear
    column = np.where(y.a, values[1], values[0])
    editor = AttributeEditor(PCA(8)).fit(X, y.assign(a=column))
    assert_allclose(editor.edit(X[:1], {"a": 1}) - X[:1], effects[:1], atol=0.01)
    assert editor.score(X, y.assign(a=column)) > 0.99


@pytest.mark.parametrize("method", ["least_squares", "mean_difference"])
@pytest.mark.parametrize("encoded", [False, True])
def test_categories(method, encoded):
    random = np.random.default_rng(0)
    color = random.choice(["blue", "green", "red"], 900, p=[0.5, 0.3, 0.2])
    means = {"blue": [0, 0], "green": [6, 0], "red": [0, 3]}
    X = np.array([means[one] for one in color]) + 0.01 * random.normal(size=(900, 2))
    y = pd.DataFrame({"color": color})
    if encoded:
        y = pd.get_dummies(y, prefix_sep="=")
    editor = AttributeEditor(PCA(2), method=method).fit(X, y)
    assert editor.attribute_names_ == ["color=blue", "color=green", "color=red"]
    # From the average of the others to the category's own.
    blue, green = (np.mean(color == one) for one in ("blue", "green"))
    others = (blue * np.array([0, 0]) + green * np.array([6, 0])) / (blue + green)
    moved = editor.edit(X[:1], {"color=red": 1}) - X[:1]
    assert_allclose(moved[0], np.array([0, 3]) - others, atol=0.02)


def test_two_categories_beside_a_number(linear):
    X, y, effects = linear
    named = y.assign(a=np.where(y.a, "yes", "no"), b=np.where(y.b, "on", "off"))
    editor = AttributeEditor(PCA(8)).fit(X, named)
    assert editor.attribute_names_ == ["a=no", "a=yes", "b=off", "b=on", "age"]
    assert_allclose(editor.edit(X[:1], {"a=yes": 1}) - X[:1], effects[:1], atol=0.01)
    assert_allclose(editor.edit(X[:1], {"b=off": 1}) - X[:1], -effects[1:2], atol=0.01)
    assert editor.score(X, named) > 0.99


def test_names(linear):
    X, y, _ = linear
    assert AttributeEditor(PCA(3)).fit(X, y.to_numpy(float)).attribute_names_ == [
        "attribute 0",
        "attribute 1",
        "attribute 2",
    ]
    assert AttributeEditor(PCA(3)).fit(X, y.a).attribute_names_ == ["a"]
    of_polars = AttributeEditor(PCA(8)).fit(X, pl.from_pandas(y))
    assert_allclose(
        of_polars.edit(X, {"a": 1}), AttributeEditor(PCA(8)).fit(X, y).edit(X, {"a": 1})
    )


# Edits


def test_details_are_kept_or_not(linear):
    X, y, _ = linear
    editor = AttributeEditor(PCA(2)).fit(X, y)
    model = editor.model_
    codes = model.transform(X)
    moved = model.inverse_transform(codes + 2 * editor.directions_["a"])
    assert_allclose(editor.edit(X, {"a": 2}), X + moved - model.inverse_transform(codes))
    assert_allclose(editor.edit(X, {"a": 0}), X)
    assert_allclose(editor.set_params(keep_details=False).edit(X, {"a": 2}), moved)


def test_a_strength_for_each_row(linear):
    X, y, effects = linear
    editor = AttributeEditor(PCA(8)).fit(X, y)
    to_none = editor.edit(X, {"a": -y.a.to_numpy(float)})
    assert_allclose(to_none, X - np.outer(y.a, effects[0]), atol=0.02)
    with pytest.raises(ValueError, match="or one for each of the 600 rows"):
        editor.edit(X, {"a": [1, 2]})
    with pytest.raises(ValueError, match="has to be a finite number"):
        editor.edit(X, {"a": np.nan})


def test_images_stay_images(images):
    bytes_ = (images * 15).astype(np.uint8)
    y = {"dark": images.mean(axis=(1, 2)) > 5}
    editor = AttributeEditor(ConvAutoencoder(8, **SMALL)).fit(bytes_, pd.DataFrame(y))
    edited = editor.edit(bytes_[:7], {"dark": 1000})
    assert edited.shape == (7, 8, 8)
    assert edited.min() == 0 and edited.max() == 255


# As a meta-estimator


def test_clones_and_freezes(linear):
    X, y, _ = linear
    model = PCA(3)
    editor = AttributeEditor(model).fit(X, y)
    assert not hasattr(model, "components_") and editor.model_ is not model
    fitted = PCA(3).fit(X[:50])
    frozen = AttributeEditor(FrozenEstimator(fitted)).fit(X, y)
    assert_allclose(frozen.model_.transform(X), fitted.transform(X))
    named = AttributeEditor(PCA(3)).fit(pd.DataFrame(X, columns=list("abcdefgh")), y)
    assert list(named.feature_names_in_) == list("abcdefgh")


def test_grid_search(linear):
    X, y, _ = linear
    pipeline = make_pipeline(StandardScaler(), PCA(1))
    grid = {"model__pca__n_components": [1, 8], "method": ["least_squares", "mean_difference"]}
    search = GridSearchCV(AttributeEditor(pipeline), grid, cv=3).fit(X, y)
    assert search.best_params_ == {"model__pca__n_components": 8, "method": "least_squares"}
    assert search.best_score_ > 0.99
    with joblib.parallel_backend("threading"):  # other processes take a while to start
        in_two = clone(search).set_params(n_jobs=2).fit(X, y)
    assert_allclose(in_two.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_score_of_what_attributes_tell(linear):
    X, y, _ = linear
    random = np.random.default_rng(1)
    assert AttributeEditor(PCA(8)).fit(X, y).score(X, y) > 0.999
    noise = pd.DataFrame({"a": random.normal(size=600)})
    assert abs(AttributeEditor(PCA(8)).fit(X, noise).score(X, noise)) < 0.02


# Bad input


def test_attributes_that_teach_nothing(linear):
    X, y, _ = linear
    with pytest.raises(
        ValueError, match="'same' is the same for all rows, so nothing can be learned"
    ):
        AttributeEditor(PCA(3)).fit(X, y.assign(same=True))
    with pytest.raises(ValueError, match=r"'age' has 1 missing values\. Leave those rows out"):
        AttributeEditor(PCA(3)).fit(X, y.assign(age=y.age.where(y.index > 0)))
    with pytest.raises(ValueError, match="'a', 'b' follow from each other"):
        AttributeEditor(PCA(3)).fit(X, pd.DataFrame({"a": y.age, "b": 2 * y.age, "c": y.b}))
    AttributeEditor(PCA(3), method="mean_difference").fit(X, y.assign(b=2 * y.age))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AttributeEditor(PCA(3)).fit(X, y[:-1])


@pytest.mark.parametrize("nothing", [{}, np.empty((600, 0)), pd.DataFrame(index=range(600))])
def test_no_attributes(linear, nothing):
    with pytest.raises(ValueError, match="y has no attributes"):
        AttributeEditor(PCA(3)).fit(linear[0], nothing)


def test_a_failed_fit_costs_nothing(linear):
    X, y, _ = linear
    editor = AttributeEditor(PCA(3)).fit(X, y)
    before = editor.edit(X, {"a": 1})
    with pytest.raises(ValueError, match="nothing can be learned"):
        editor.fit(X, y.assign(same=True))
    assert_allclose(editor.edit(X, {"a": 1}), before)


def test_names_that_are_not_there(linear):
    X, y, _ = linear
    editor = AttributeEditor(PCA(3)).fit(X, y)
    with pytest.raises(ValueError, match=r"called \['moustache'\]\. There are: a, b"):
        editor.edit(X, {"moustache": 1})
    with pytest.raises(ValueError, match=r"y has the attributes \['a'\], but fit saw"):
        editor.score(X, y[["a"]])
    with pytest.raises(NotFittedError):
        AttributeEditor(PCA()).edit(X, {"a": 1})


# Interpolation


def test_morphs_of_a_linear_model_are_lines(linear):
    X, _, _ = linear
    model = PCA(8).fit(X)
    morphs = interpolate(model, X[:5], X[5:10], n_steps=5)
    assert morphs.shape == (5, 5, 8)
    for step, t in enumerate(np.linspace(0, 1, 5)):
        assert_allclose(morphs[:, step], (1 - t) * X[:5] + t * X[5:10], atol=1e-10)


def test_great_circles():
    identity = PCA(2).fit([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # the code is the row, turned

    def path(start, stop):
        return interpolate(identity, np.array(start), np.array(stop), 5, method="spherical")

    quarter = path([2.0, 0], [0, 2.0])
    assert_allclose(np.linalg.norm(quarter, axis=1), 2)
    assert_allclose(
        np.arctan2(quarter[:, 1], quarter[:, 0]), np.linspace(0, np.pi / 2, 5), atol=1e-12
    )
    assert_allclose(np.linalg.norm(path([1.0, 0], [0, 3.0]), axis=1), [1, 1.5, 2, 2.5, 3])
    for start, stop in [([1.0, 0], [2.0, 0]), ([1.0, 0], [-1.0, 0]), ([0.0, 0], [1.0, 1])]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            t = np.linspace(0, 1, 5)[:, None]
            assert_allclose(
                path(start, stop), (1 - t) * np.array(start) + t * np.array(stop), atol=1e-9
            )


@pytest.mark.parametrize("model", [PCA(5), ConvAutoencoder(5, **SMALL)])
def test_ends_are_reconstructions(images, model):
    X = images if isinstance(model, ConvAutoencoder) else images.reshape(300, 64)
    model.fit(X)
    for method in ("linear", "spherical"):
        morphs = interpolate(model, X[:4], X[4:8], 3, method=method)
        assert morphs.shape == (4, 3, *X.shape[1:])
        assert_allclose(
            morphs[:, 0], model.inverse_transform(model.transform(X[:4])), rtol=1e-4, atol=1e-4
        )
        assert_allclose(
            morphs[:, 2], model.inverse_transform(model.transform(X[4:8])), rtol=1e-4, atol=1e-4
        )
        assert_allclose(
            interpolate(model, X[0], X[4], 3, method=method), morphs[0], rtol=1e-4, atol=1e-4
        )


def test_bad_morphs(images):
    X = images.reshape(300, 64)
    model = PCA(5).fit(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        interpolate(model, X[:3], X[:2])
    with pytest.raises(ValueError, match="'n_steps' parameter of interpolate must be"):
        interpolate(model, X[:3], X[:3], 1)
    with pytest.raises(NotFittedError):
        interpolate(PCA(5), X[:3], X[:3])


# What a reviewer found


def test_a_dictionary_of_columns(linear):
    X, y, _ = linear
    named = {name: y[name].to_numpy() for name in y}
    editor = AttributeEditor(PCA(8)).fit(X, named)
    assert_allclose(editor.directions_["a"], AttributeEditor(PCA(8)).fit(X, y).directions_["a"])
    assert editor.score(X, named) > 0.99


@pytest.mark.parametrize(
    "frame",
    [
        {"c": ["x", "y"] * 300, "c=x": np.arange(600)},
        pd.DataFrame(np.random.default_rng(0).normal(size=(600, 2)), columns=[0, "0"]),
    ],
)
def test_names_that_collide(linear, frame):
    with pytest.raises(ValueError, match="Attributes need names of their own"):
        AttributeEditor(PCA(3)).fit(linear[0], frame)


def test_categories_by_their_own_column(linear):
    """A column's name may begin like another's."""
    X, y, _ = linear
    first = {"a": np.where(y.a, "b", "no"), "a=b": np.where(y.b, "1", "2")}
    one = AttributeEditor(PCA(8)).fit(X, first)
    other = AttributeEditor(PCA(8)).fit(X, dict(reversed(first.items())))
    assert one.score(X, first) == pytest.approx(other.score(X, first))


def test_categories_that_fit_did_not_see(linear):
    X, y, _ = linear
    named = pd.DataFrame({"a": np.where(y.a, "yes", "no")})
    editor = AttributeEditor(PCA(3)).fit(X, named)
    with pytest.raises(ValueError, match="has the value 'perhaps', which fit did not see"):
        editor.score(X, pd.DataFrame({"a": ["perhaps"] * 600}))
    with pytest.raises(ValueError, match="was of strings in fit, and is not now"):
        editor.score(X, y[["a"]])


@pytest.mark.parametrize("dtype", ["boolean", "string", "Int64", object])
def test_missing_values_of_pandas(linear, dtype):
    X, _, _ = linear
    values = ["x", "y"] if dtype == "string" else [1, 0] if dtype == "Int64" else [True, False]
    column = pd.array([None, *(values * 300)[1:]], dtype=dtype)
    with pytest.raises(ValueError, match="'a' has 1 missing values"):
        AttributeEditor(PCA(3)).fit(X, pd.DataFrame({"a": column}))
    whole = pd.array(values * 300, dtype=dtype)
    AttributeEditor(PCA(3)).fit(X, pd.DataFrame({"a": whole}))


def test_dates_are_no_attributes(linear):
    days = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=600)})
    with pytest.raises(ValueError, match="'day' has to be numbers or strings, got datetime64"):
        AttributeEditor(PCA(3)).fit(linear[0], days)


def test_attributes_that_nearly_follow(linear):
    X, y, _ = linear
    nearly = y.assign(b=y.age + 1e-5 * np.random.default_rng(0).normal(size=600))
    with pytest.raises(ValueError, match="follow from each other"):
        AttributeEditor(PCA(3)).fit(X, nearly)


def test_a_number_of_two_values_is_a_number(linear):
    """So that a fold in which a count takes two values has the unit that the others have."""
    X, y, effects = linear
    editor = AttributeEditor(PCA(8)).fit(X, y.assign(a=4 * y.a))
    assert_allclose(editor.edit(X[:1], {"a": 4}) - X[:1], effects[:1], atol=0.01)


def test_strength_0_changes_nothing(images):
    y = {"dark": images.mean(axis=(1, 2)) > 5}
    editor = AttributeEditor(ConvAutoencoder(8, **SMALL)).fit(np.minimum(images, 10), y)
    assert_allclose(editor.edit(images, {"dark": 0}), images, atol=1e-5)
    far = editor.edit(images, {"dark": 1000})
    assert (far <= np.maximum(10, images) + 1e-5).all() and (far != images).any()


def test_codes_of_integers():
    identity = FunctionTransformer(validate=True).fit([[0, 0]])
    start, stop = np.array([[200, 0]], np.uint8), np.array([[0, 200]], np.uint8)
    expected = [[200, 0], [150, 50], [100, 100], [50, 150], [0, 200]]
    assert_allclose(interpolate(identity, start, stop, 5)[0], expected)


def test_one_row_each_or_many(images):
    model = ConvAutoencoder(5, **SMALL).fit(images[..., None])
    assert interpolate(model, images[0], images[1], 3).shape == (3, 8, 8, 1)
    with pytest.raises(ValueError, match="one row each or as many"):
        interpolate(model, images[0], images[1:2])
