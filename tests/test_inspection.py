"""Displays: what they compute, and where it ends up in the image."""

import copy
import subprocess
import sys

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen import (
    GAN,
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalGAN,
    ConvAutoencoder,
    LinearAutoencoder,
    SparseAutoencoder,
)
from skgen.corruptions import ErasedPatches, Masking
from skgen.inspection import (
    AdversarialLossDisplay,
    ExplainedVarianceDisplay,
    FilterDisplay,
    LatentDisplay,
    LossCurveDisplay,
    MorphDisplay,
    ReconstructionDisplay,
    SamplesDisplay,
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model(digits):
    params = {"hidden_layer_sizes": (32,), "max_epochs": 5, "random_state": 0}
    return Autoencoder(8, early_stopping=True, **params).fit(digits)


# Loss curves


def test_loss_curves(model):
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(model, ax=ax, linewidth=3)
    assert display.ax_ is ax and display.figure_ is ax.figure
    training, validation = display.lines_
    assert_array_equal(training.get_xdata(), [1, 2, 3, 4, 5])
    assert_array_equal(training.get_ydata(), model.loss_curve_)
    assert_array_equal(validation.get_ydata(), model.net_.history[:, "valid_loss"])
    assert [line.get_label() for line in display.lines_] == ["training", "validation"]
    assert training.get_linewidth() == 3
    assert display.plot().ax_ is not ax
    ax.set_xscale("log")  # axes that have their own ideas about ticks
    LossCurveDisplay.from_estimator(model, ax=ax)


def test_loss_curves_with_and_without_rows_set_aside(digits):
    model = Autoencoder(4, hidden_layer_sizes=(8,), max_epochs=2, early_stopping=True)
    model.partial_fit(digits)
    assert list(LossCurveDisplay.from_estimator(model).curves) == ["training"]
    model.set_params(warm_start=True).fit(digits)
    validation = LossCurveDisplay.from_estimator(model).curves["validation"]
    assert_array_equal(np.isnan(validation), [True, False, False])


def test_loss_curves_of_several_turns_and_of_other_libraries(model, digits):
    several = copy.copy(model)
    several.loss_curve_ = {"discriminator": [1.0, 0.5], "generator": [2.0, 3.0]}
    display = LossCurveDisplay.from_estimator(several)
    assert list(display.curves) == ["discriminator", "generator", "validation"]
    assert_array_equal(display.lines_[1].get_ydata(), [2, 3])
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3).fit(digits[:50], digits[:50, 20])
    assert_array_equal(LossCurveDisplay.from_estimator(mlp).lines_[0].get_ydata(), mlp.loss_curve_)


def test_loss_curve_of_what_has_none(digits):
    with pytest.raises(ValueError, match="no loss_curve_: it was not trained epoch by epoch"):
        LossCurveDisplay.from_estimator(LinearAutoencoder(2).fit(digits))


# Reconstructions


def test_reconstructed_images(model, digits):
    display = ReconstructionDisplay.from_estimator(model, digits[:4], image_shape=(8, 8))
    restored = model.inverse_transform(model.transform(digits[:4]))
    assert_array_equal(display.reconstructions, restored)
    shown = display.ax_.images[0].get_array()
    assert shown.shape == (2 * 9, 4 * 9)
    assert_allclose(shown[1:9, 10:18], digits[1].reshape(8, 8) / 16)
    expected = np.clip(restored[2].reshape(8, 8) / 16, 0, 1)
    assert_allclose(shown[10:18, 19:27], expected, rtol=1e-6)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        "input",
        "reconstruction",
    ]


def test_distorted_images(model, digits):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    drawn = [
        ReconstructionDisplay.from_estimator(
            model, digits[:4], distorted=Masking(0.5), image_shape=(8, 8), random_state=seed
        )
        for seed in (0, 0, 1)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    distorted = drawn[0].distorted
    masked = np.isclose(distorted, model.scaling_.mean, atol=1e-4)
    assert_allclose(distorted[~masked], digits[:4][~masked], atol=1e-4)
    assert 0.35 < masked.mean() < 0.85
    assert_array_equal(distorted, drawn[1].distorted)
    assert (distorted != drawn[2].distorted).any()
    assert_allclose(drawn[0].reconstructions, model.inverse_transform(model.transform(distorted)))
    assert drawn[0].ax_.images[0].get_array().shape == (3 * 9, 4 * 9)


def test_reconstructed_curves_of_any_transformer(digits):
    pca = PCA(4).fit(digits)
    display = ReconstructionDisplay.from_estimator(pca, digits[:3], distorted=digits[3:6])
    assert_allclose(display.reconstructions, pca.inverse_transform(pca.transform(digits[3:6])))
    assert len(display.ax_.lines) == 9
    top, middle = (display.ax_.lines[row].get_ydata() for row in (0, 1))
    assert_allclose(top - digits[0], 2 * (middle - digits[1]), rtol=1e-5)  # evenly apart
    with pytest.raises(ValueError, match="Pass distorted rows"):
        ReconstructionDisplay.from_estimator(pca, digits[:3], distorted=Masking())


def test_color_images():
    X = np.random.default_rng(0).random((30, 4 * 5 * 3))
    display = ReconstructionDisplay(X[:2], X[2:4], image_shape=(4, 5, 3)).plot()
    shown = display.ax_.images[0].get_array()
    assert shown.shape == (10, 12, 3)
    scaled = (X[:2] - X[:2].min()) / np.ptp(X[:2])
    assert_allclose(shown[1:5, 7:12], scaled[1].reshape(4, 5, 3))


@pytest.mark.parametrize(
    "shape, problem",
    [
        ((8, 7), "does not hold 64 features"),
        ((64,), "neither that of a gray image"),
    ],
)
def test_images_of_the_wrong_shape(model, digits, shape, problem):
    with pytest.raises(ValueError, match=problem):
        ReconstructionDisplay.from_estimator(model, digits[:2], image_shape=shape)


def test_rows_that_do_not_match(model, digits):
    with pytest.raises(ValueError, match="All have to have one shape"):
        ReconstructionDisplay(digits[:3], digits[:3], distorted=digits[:1]).plot()
    with pytest.raises(ValueError, match="distorted='masking' has to be rows, or an object"):
        ReconstructionDisplay.from_estimator(model, digits[:3], distorted="masking")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.filterwarnings("error")
def test_frames_keep_their_names(digits, frame):
    table = frame({f"pixel {i}": column for i, column in enumerate(digits.T)})
    model = Autoencoder(4, hidden_layer_sizes=(8,), max_epochs=2, random_state=0).fit(table)
    ReconstructionDisplay.from_estimator(model, table, distorted=Masking())
    display = ExplainedVarianceDisplay.from_estimator(model, table, n_components=[2])
    plain = ExplainedVarianceDisplay.from_estimator(model, digits, n_components=[2])
    assert_allclose(display.scores["Autoencoder"], plain.scores["Autoencoder"], rtol=1e-4)


# Filters


def test_filters(digits):
    model = SparseAutoencoder(20, max_epochs=3, random_state=0).fit(digits)
    display = FilterDisplay.from_estimator(model, n_filters=7)
    weights = model.net_.module_.encoder[0].weight.detach().numpy()
    strength = np.linalg.norm(weights, axis=1)
    assert_allclose(display.filters, weights[np.argsort(-strength)[:7]])
    shown = display.ax_.images[0].get_array()
    assert shown.shape == (3 * 9, 3 * 9)
    second = display.filters[1]
    assert_allclose(shown[1:9, 10:18].ravel(), 0.5 + 0.5 * second / np.abs(second).max())
    assert (shown[19:, 10:] == 1).all()  # no filter, no image


def test_filters_of_principal_components(digits):
    pca = PCA(5).fit(digits)
    assert_array_equal(FilterDisplay.from_estimator(pca).filters, pca.components_)
    assert FilterDisplay(np.zeros((2, 9))).plot().ax_.images[0].get_array()[1, 1] == 0.5


def test_filters_that_cannot_be_drawn(digits):
    with pytest.raises(ValueError, match="6 features make no square"):
        FilterDisplay.from_estimator(PCA(2).fit(digits[:, :6]))
    with pytest.raises(ValueError, match="n_filters has to be at least 1, got 0"):
        FilterDisplay.from_estimator(PCA(2).fit(digits), n_filters=0)
    with pytest.raises(ValueError, match="neither components_ nor an encoder"):
        FilterDisplay.from_estimator(StandardScaler().fit(digits))


# Explained variance


def test_explained_variance_of_a_linear_autoencoder_is_that_of_pca(digits):
    sizes = [2, 5, 10]
    display = ExplainedVarianceDisplay.from_estimator(
        LinearAutoencoder(), digits, n_components=sizes, cv=3
    )
    ours, linear = display.scores["LinearAutoencoder"], display.scores["PCA"]
    assert ours.shape == linear.shape == (3, 3)
    assert_allclose(ours, linear, rtol=1e-3)
    assert (np.diff(linear, axis=0) > 0).all()
    assert [line.get_label() for line in display.lines_] == ["PCA", "LinearAutoencoder"]
    assert_allclose(display.lines_[1].get_ydata(), ours.mean(axis=1))
    assert_array_equal(display.lines_[0].get_xdata(), sizes)


def test_explained_variance_of_a_pipeline(digits):
    pipeline = make_pipeline(StandardScaler(with_std=False), LinearAutoencoder())
    with joblib.parallel_backend("threading"):  # other processes take a while to start
        display = ExplainedVarianceDisplay.from_estimator(
            pipeline,
            digits[:40, :12],
            n_components=[4, 12],
            param_name="linearautoencoder__n_components",
            n_jobs=2,
        )
    assert_allclose(display.scores["LinearAutoencoder"], display.scores["PCA"], rtol=1e-6)
    assert not hasattr(pipeline, "n_features_in_")  # copies were fitted


def test_explained_variance_beyond_the_rank(digits):
    model = SparseAutoencoder(max_epochs=2, random_state=0)
    display = ExplainedVarianceDisplay.from_estimator(model, digits[:, :20], n_components=[4, 40])
    assert np.isfinite(display.scores["SparseAutoencoder"]).all()
    assert_array_equal(np.isnan(display.scores["PCA"][:, 0]), [False, True])


# Without matplotlib


def test_matplotlib_is_asked_for_where_it_is_needed(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'scikit-gen\[plot\]'"):
        LossCurveDisplay.from_estimator(model)
    with pytest.raises(ImportError, match=r"pip install 'scikit-gen\[plot\]'"):
        ExplainedVarianceDisplay.from_estimator("never looked at", None)


def test_import_leaves_matplotlib_alone():
    code = "import skgen.inspection, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# Images


@pytest.fixture(scope="module")
def images(digits):
    return digits.reshape(-1, 8, 8)


@pytest.fixture(scope="module")
def of_images(images):
    return ConvAutoencoder(2, n_filters=(4, 8), max_epochs=3, random_state=0).fit(images)


@pytest.mark.parametrize("distorted", [None, ErasedPatches(0.5), Masking(0.5)])
def test_reconstructions_of_images(of_images, images, distorted):
    display = ReconstructionDisplay.from_estimator(of_images, images[:5], distorted=distorted)
    assert display.image_shape == (8, 8)
    n_rows = 2 if distorted is None else 3
    assert display.ax_.images[0].get_array().shape == (n_rows * 9, 5 * 9)
    if isinstance(distorted, ErasedPatches):
        changed = np.abs(display.distorted - display.inputs).reshape(5, 8, 8) > 1e-3
        assert (changed.sum(axis=(1, 2)) <= 16).all() and changed.any()
        flat = display.reconstructions.reshape(5, 64)
        seen = of_images.inverse_transform(of_images.transform(display.distorted)).reshape(5, 64)
        assert_allclose(flat, seen, rtol=1e-5)


def test_filters_of_a_convolution(of_images):
    display = FilterDisplay.from_estimator(of_images)
    weights = of_images.net_.module_.encoder[1][0].weight.detach().numpy()
    assert display.filters.shape == (4, 9) and display.image_shape == (3, 3)
    assert {tuple(row) for row in display.filters} == {tuple(w.ravel()) for w in weights}


def test_filters_in_color():
    X = np.random.default_rng(0).normal(size=(20, 6, 6, 3))
    model = ConvAutoencoder(2, n_filters=(4,), max_epochs=1, random_state=0).fit(X)
    display = FilterDisplay.from_estimator(model)
    assert display.image_shape == (3, 3, 3)
    weights = model.net_.module_.encoder[1][0].weight.detach().numpy()
    assert any(
        np.array_equal(display.filters[0].reshape(3, 3, 3), w.transpose(1, 2, 0)) for w in weights
    )


@pytest.mark.parametrize("layer", ["1", "2"])
def test_what_maximizes_a_channel(of_images, layer):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    weights = [w.detach().clone() for w in of_images.net_.module_.parameters()]
    display = FilterDisplay.from_estimator(of_images, layer=layer, n_filters=3, smoothness=0)
    assert torch.equal(torch.get_rng_state(), before)
    rows = torch.from_numpy(display.filters)
    assert_allclose(rows.norm(dim=1), 8, rtol=1e-4)  # as long as an average row is
    encoder = of_images.net_.module_.encoder
    with torch.no_grad():

        def respond(x):
            maps = encoder[: int(layer) + 1](x)
            return maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]

        noise = 8 * torch.nn.functional.normalize(torch.randn(500, 64), dim=1)
        for unit in range(3):
            assert respond(rows)[unit, unit] > respond(noise)[:, unit].max()
    assert all(
        torch.equal(a, b) for a, b in zip(weights, of_images.net_.module_.parameters(), strict=True)
    )
    assert all(w.requires_grad for w in of_images.net_.module_.parameters())


def test_what_maximizes_a_dense_unit(digits):
    """Of one linear unit, the row that maximizes it is its weights."""
    model = Autoencoder(3, hidden_layer_sizes=(), max_epochs=2, random_state=0).fit(digits)
    display = FilterDisplay.from_estimator(model, layer="0", image_shape=(8, 8), smoothness=0)
    weights = model.net_.module_.encoder[0].weight.detach().numpy()
    expected = 8 * weights / np.linalg.norm(weights, axis=1, keepdims=True)
    assert_allclose(display.filters, expected, atol=0.05)


def test_smoothness(of_images):
    def roughness(smoothness):
        display = FilterDisplay.from_estimator(of_images, layer="2", smoothness=smoothness)
        images = np.reshape(display.filters, (-1, 8, 8))
        return np.mean(np.diff(images, axis=1) ** 2) + np.mean(np.diff(images, axis=2) ** 2)

    assert roughness(5.0) < 0.5 * roughness(0.0)


def test_layers_that_are_not_there(of_images, digits):
    with pytest.raises(ValueError, match=r"no layer \['7'\]"):
        FilterDisplay.from_estimator(of_images, layer="7")
    with pytest.raises(ValueError, match="no encoder whose layers"):
        FilterDisplay.from_estimator(PCA(2).fit(digits), layer="1")


def test_morphs(of_images, images):
    display = MorphDisplay.from_estimator(of_images, images[:3], images[3:6], n_steps=5)
    assert display.morphs.shape == (3, 5, 8, 8)
    drawn = display.ax_.images[0].get_array()
    assert drawn.shape == (3 * 9 + 0, 7 * 9)
    assert_allclose(drawn[1:9, 1:9], images[0] / 16, atol=1e-6)
    assert_allclose(drawn[1:9, 6 * 9 + 1 :], images[3] / 16, atol=1e-6)
    assert_allclose(drawn[1:9, 10:18], np.clip(display.morphs[0, 0] / 16, 0, 1), atol=1e-6)


def test_morphs_of_a_linear_model(digits):
    display = MorphDisplay.from_estimator(PCA(5).fit(digits), digits[:2], digits[2:4])
    assert display.ax_.images[0].get_array().shape == (2 * 9, 11 * 9)


def test_codes_of_two_dimensions(of_images, images):
    y = np.arange(len(images)) % 10
    display = LatentDisplay.from_estimator(of_images, images, y, n_images=4)
    assert_array_equal(display.codes, of_images.transform(images))
    left, right, bottom, top = display.grid_limits
    corner = of_images.inverse_transform(np.array([[left, top]], np.float32)).ravel()
    assert_allclose(display.grid[0, 0], corner, rtol=1e-4, atol=1e-5)
    corner = of_images.inverse_transform(np.array([[right, bottom]], np.float32)).ravel()
    assert_allclose(display.grid[-1, -1], corner, rtol=1e-4, atol=1e-5)
    assert len(display.ax_.collections) == 10
    first = display.ax_.collections[0].get_offsets()
    assert_allclose(first, display.codes[y == 0])
    # A image's middle lies where its code does.
    low_x, high_x, low_y, high_y = display.ax_.images[0].get_extent()
    step = (right - left) / 3
    assert_allclose([low_x + step / 2, high_x - step / 2], [left, right], rtol=1e-5)
    assert low_y < bottom < top < high_y


def test_codes_of_many_dimensions(digits, model):
    display = LatentDisplay.from_estimator(model, digits, digits.mean(axis=1))
    expected = PCA(2).fit_transform(model.transform(digits))
    assert_allclose(np.abs(display.codes), np.abs(expected), rtol=1e-3, atol=1e-3)
    assert display.grid is None and len(display.figure_.axes) == 2  # with a bar of colors
    with pytest.raises(ValueError, match="gives 3 dimensions; two are needed"):
        LatentDisplay.from_estimator(model, digits, projection=PCA(3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LatentDisplay.from_estimator(model, digits, [1, 2])
    alone = LatentDisplay.from_estimator(Autoencoder(1, max_epochs=1).fit(digits), digits)
    assert alone.codes.shape == (len(digits), 2)


def test_labels_have_their_own_colors(of_images, images):
    for n_labels in (10, 15, 20):
        display = LatentDisplay.from_estimator(of_images, images, np.arange(len(images)) % n_labels)
        colors = {tuple(points.get_facecolor()[0]) for points in display.ax_.collections}
        assert len(colors) == n_labels
    many = LatentDisplay.from_estimator(
        of_images, images, np.array([f"kind {n % 30}" for n in range(len(images))])
    )
    assert len({tuple(points.get_facecolor()[0]) for points in many.ax_.collections}) == 30
    assert many.ax_.get_legend() is None


@pytest.mark.parametrize("n_channels", [2, 4])
def test_images_of_other_channels(n_channels):
    X = np.random.default_rng(0).uniform(size=(20, 6, 6, n_channels))
    model = ConvAutoencoder(2, n_filters=(4,), max_epochs=1, random_state=0).fit(X)
    drawn = ReconstructionDisplay.from_estimator(model, X[:3]).ax_.images[0].get_array()
    assert drawn.shape == ((14, 21) if n_channels == 2 else (14, 21, 3))
    MorphDisplay.from_estimator(model, X[:3], X[3:6])
    LatentDisplay.from_estimator(model, X)
    FilterDisplay.from_estimator(model)


def test_a_single_morph(of_images, images):
    display = MorphDisplay.from_estimator(of_images, images[0], images[1], n_steps=3)
    assert display.ax_.images[0].get_array().shape == (9, 5 * 9)


def test_smoothness_of_squares(digits):
    model = Autoencoder(3, hidden_layer_sizes=(), max_epochs=2, random_state=0).fit(digits)
    rough, smooth = (
        np.asarray(FilterDisplay.from_estimator(model, layer="0", smoothness=one).filters)
        for one in (0.0, 5.0)
    )
    steps = [np.mean(np.diff(rows.reshape(3, 8, 8), axis=2) ** 2) for rows in (rough, smooth)]
    assert steps[1] < 0.5 * steps[0]


# Samples and adversaries


@pytest.fixture(scope="module")
def moons():
    return make_moons(300, noise=0.05, random_state=0)


@pytest.fixture(scope="module")
def gan(moons):
    return GAN(2, early_stopping=True, max_epochs=4, random_state=0).fit(moons[0])


@pytest.fixture(scope="module")
def conditional(moons):
    return ConditionalGAN(2, max_epochs=2, random_state=0).fit(*moons)


def test_samples_of_rows(gan, moons):
    display = SamplesDisplay.from_estimator(gan, 50, X=moons[0])
    rows, samples = display.ax_.collections
    assert_array_equal(rows.get_offsets(), moons[0])
    assert_array_equal(samples.get_offsets(), gan.sample(50, random_state=0))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["rows", "samples"]
    assert len(SamplesDisplay.from_estimator(gan).samples) == 1000


def test_samples_of_many_columns_are_seen_in_the_plane_of_the_rows():
    X = np.random.default_rng(0).normal(size=(100, 5)) * [5, 3, 1, 1, 1]
    display = SamplesDisplay(X + 1, X=X).plot()
    _, samples = display.ax_.collections
    assert_allclose(samples.get_offsets(), PCA(2).fit(X).transform(X + 1))
    assert "principal component" in display.ax_.get_xlabel()


def test_samples_of_one_column(moons):
    display = SamplesDisplay(moons[0][:, :1], X=moons[0][:, 1:]).plot()
    assert display.ax_.get_ylabel() == "density"


def test_samples_by_class(conditional, moons):
    display = SamplesDisplay.from_estimator(conditional, 30, X=moons[0])
    _, first, second = display.ax_.collections
    for points, label in ((first, 0), (second, 1)):
        expected = conditional.sample(30, y=label, random_state=0)
        assert_array_equal(points.get_offsets(), expected)
    one = SamplesDisplay.from_estimator(conditional, 5, y=1)
    assert_array_equal(one.samples, conditional.sample(5, y=1, random_state=0))


def test_samples_of_images(digits):
    images = digits.reshape(-1, 8, 8)[:200]
    model = ConditionalGAN(4, n_filters=(4,), max_epochs=1, random_state=0)
    model.fit(images, np.tile(["odd", "even"], 100))
    display = SamplesDisplay.from_estimator(model, 6)
    grid = display.ax_.images[0].get_array()
    assert grid.shape == (2 * 9, 6 * 9)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["even", "odd"]
    image = model.sample(6, y="odd", random_state=0)[2]
    low, high = display.samples.min(), display.samples.max()
    assert_allclose(grid[10:18, 19:27], (image - low) / (high - low), atol=1e-6)
    free = GAN(4, n_filters=(4,), max_epochs=1, random_state=0).fit(images)
    assert SamplesDisplay.from_estimator(free, 7).ax_.images[0].get_array().shape == (27, 27)


def test_samples_that_cannot_be_drawn(gan, conditional, model, moons):
    with pytest.raises(ValueError, match="has no method `sample`"):
        SamplesDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="GAN takes no y: it is not conditional"):
        SamplesDisplay.from_estimator(gan, y=[0])
    with pytest.raises(ValueError, match="n_samples has to be an integer of at least 1, got 0"):
        SamplesDisplay.from_estimator(gan, 0)
    with pytest.raises(ValueError, match="10 samples are no equal parts of 3 labels"):
        SamplesDisplay(moons[0][:10], labels=["a", "b", "c"]).plot()
    with pytest.raises(ValueError, match="X has 3 columns, but samples have 2"):
        SamplesDisplay(moons[0], X=np.ones((4, 3))).plot()


def test_losses_of_both_players(gan, conditional):
    display = AdversarialLossDisplay.from_estimator(gan)
    losses, verdicts, scores = display.axes_
    assert [line.get_label() for line in losses.lines] == ["discriminator", "generator"]
    assert_array_equal(losses.lines[1].get_ydata(), gan.loss_curve_["generator"])
    assert_array_equal(verdicts.lines[0].get_ydata(), gan.net_.history[:, "D(x)"])
    assert_array_equal(scores.lines[0].get_ydata(), 1 - np.array(gan.net_.history[:, "valid_loss"]))
    assert verdicts.get_ylim() == (0, 1)
    assert len(AdversarialLossDisplay.from_estimator(conditional).axes_) == 2
    assert "validation" not in LossCurveDisplay.from_estimator(gan).curves  # it is no loss


def test_losses_without_probabilities_and_none(digits, model):
    codes = AdversarialAutoencoder(
        2, adversarial_loss="wasserstein", max_epochs=1, random_state=0
    ).fit(digits)
    _, axes = plt.subplots(2)
    display = AdversarialLossDisplay.from_estimator(codes, axes=axes)
    assert display.axes_[0] is axes[0] and axes[1].get_ylabel() == "output"
    assert list(display.verdicts) == ["D(prior)", "D(code)"]
    with pytest.raises(ValueError, match="was not trained against a discriminator"):
        AdversarialLossDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="There is a need for 2 axes, got 1"):
        display.plot(axes=axes[:1])
