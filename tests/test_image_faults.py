"""Images that do not go together; the unit of edits; scores of few rows."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from torch import nn

from skgen import GAN, ConvAutoencoder, VariationalAutoencoder, metrics
from skgen.exceptions import TrainingWarning
from skgen.inputs.images import filters_for
from skgen.latent import AttributeEditor
from skgen.losses import PerceptualLoss
from skgen.metrics._samples import _p_of_sum

SMALL = {"n_filters": (4,), "max_epochs": 1, "random_state": 0}


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def gray(random):
    return [*random.integers(0, 256, size=(6, 16, 12)).astype(np.uint8)]


def fit(X, **settings):
    return ConvAutoencoder(2, **SMALL, **settings).fit(X)


# Lists of images


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda one: one > 100, r"3 of bool \(the first is number 6\)"),
        (lambda one: one / 255, r"6 of uint8 \(the first is number 0\), 3 of floats"),
        (lambda one: one.astype(np.uint16) * 257, "3 of uint16.*16 bits // 257 are bytes"),
        (lambda one: np.stack([one] * 3, -1), "6 of gray images.*3 of images of 3 channels"),
        (lambda one: one[..., None], "3 of images of 1 channel .*np.stack"),
    ],
)
def test_images_of_a_list_are_of_one_kind(gray, other, message):
    with pytest.raises(ValueError, match=message):
        fit([*gray, *map(other, gray[:3])])
    with pytest.raises(ValueError, match=message):
        fit(gray).transform([*gray, *map(other, gray[:3])])


def test_single_and_double_precision_are_one_kind(gray):
    fit([gray[0] / 255, gray[1] / np.float32(255)])


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "LA", "I;16"])
def test_images_of_a_list_are_of_one_mode(gray, mode):
    image = pytest.importorskip("PIL.Image")
    pictures = [image.fromarray(one) for one in gray]
    with pytest.raises(ValueError, match=f"6 of mode 'L' .*2 of mode '{mode}'.*convert"):
        fit([*pictures, *(one.convert(mode) for one in pictures[:2])])


def test_palettes_are_no_brightness(gray):
    image = pytest.importorskip("PIL.Image")
    with pytest.raises(ValueError, match=r"mode 'P': their numbers are places.*convert\(\"RGB\"\)"):
        fit([image.fromarray(one).convert("P") for one in gray])


def test_lists_of_tensors(gray):
    assert fit([torch.from_numpy(one) for one in gray]).image_shape_ == (16, 12)


# Channels first


@pytest.mark.parametrize(
    "shape",
    [(1, 28, 28), (2, 28, 28), (3, 16, 12), (4, 40, 60), (5, 16, 16), (8, 64, 64), (13, 64, 48)],
)
def test_channels_first(shape):
    X = np.random.default_rng(0).normal(size=(4, *shape))
    with pytest.raises(ValueError, match="channels came first"):
        fit(X)
    with pytest.raises(ValueError, match=r"channels came first.*if not, pass X\.reshape"):
        fit(X.reshape(4, -1), image_shape=shape)
    assert fit(X, image_shape=shape).image_shape_ == shape


@pytest.mark.parametrize("shape", [(30, 64, 64), (50, 32, 48), (100, 36, 64)])
def test_gray_films(shape):
    X = np.random.default_rng(0).normal(size=(3, *shape))
    with pytest.raises(ValueError, match=r"gray films.*X.reshape\(-1, "):
        fit(X)
    assert fit(X, image_shape=shape).image_shape_ == shape


@pytest.mark.parametrize(
    "shape",
    [(1, 64, 2), (1, 500, 12), (5, 1, 2), (9, 9, 103), (7, 7, 512), (64, 48, 100)],
)
def test_channels_last_are_let_in(shape):
    X = np.random.default_rng(0).normal(size=(3, *shape))
    assert fit(X).image_shape_ == shape
    assert fit(X.reshape(3, -1), image_shape=shape).image_shape_ == shape


# Ranges


@pytest.mark.parametrize(
    ("seen", "given", "remedy"),
    [
        (1, 1 / 255, r"X \* 255"),
        (1 / 255, 1, "X / 255"),
        (257, 1, r"X \* 257"),
        (1, 257, "X / 257"),
        (1 / 255, 257, "X / 65535"),
        (1 / 16, 1 / 255, r"X \* 1"),
    ],
)
def test_another_range_than_in_fit(gray, seen, given, remedy):
    X = np.array(gray, dtype=np.uint16)
    model = fit((X * seen).astype(np.uint8 if seen == 1 else X.dtype if seen > 1 else float))
    with pytest.warns(UserWarning, match=f"in one range.*{remedy}") as caught:
        model.transform(X * given if given != 1 else X.astype(np.uint8))
    assert len(caught) == 1 and caught[0].filename == __file__


def test_what_is_no_other_range(gray):
    X = np.array(gray)
    masks = (X > 100).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for seen, given in [(X, X / 1.0), (X, X // 8), (X, X * 0), (masks, masks), (X / 9, X / 20)]:
            fit(seen).transform(given)


def test_two_ranges_in_one_fit(gray):
    X = np.array(gray) / 1.0
    with pytest.warns(UserWarning, match="6 go up to 1 and 6 up to 255.*divided by 255"):
        fit(np.concatenate([X / X.max(), X * 255 / X.max(axis=(1, 2), keepdims=True)]))


# Levels


def test_small_images_keep_their_levels():
    for shape in [(8, 8), (28, 28), (64, 64), (1, 512)]:
        assert filters_for(shape) == [32, 64, 128]


def test_levels_grow_with_images():
    assert filters_for((128, 96)) == [16, 32, 64, 128]
    assert filters_for((1024, 1024)) == [16, 32, 64, 128, 256, 256, 256]
    assert filters_for((1, 5000))[-1] == 256


@pytest.mark.parametrize("model", [ConvAutoencoder(64), VariationalAutoencoder(), GAN()])
def test_weights_of_large_images(model):
    X = np.zeros((2, 256, 256, 1), np.uint8)
    X[:, ::2] = 255
    module = model.set_params(max_epochs=1, random_state=0).fit(X).net_.module_
    assert sum(weights.numel() for weights in module.parameters()) < 8e6


def test_a_code_that_is_an_image_has_no_more_levels():
    assert fit_default().code_shape_ == (10, 10, 8)


def fit_default():
    X = np.random.default_rng(0).normal(size=(2, 80, 80))
    return ConvAutoencoder(max_epochs=1, random_state=0).fit(X)


# The unit of edits


@pytest.fixture(scope="module")
def marked():
    """Noisy rows, of which half have a mark that few components leave much of out."""
    random = np.random.default_rng(0)
    has = random.uniform(size=800) < 0.3
    noise = random.normal(size=(800, 5)) @ random.normal(size=(5, 40))
    mark = random.normal(size=40)
    return noise + 0.1 * random.normal(size=(800, 40)) + np.outer(has, mark), has


@pytest.mark.parametrize("method", ["least_squares", "mean_difference"])
@pytest.mark.parametrize("n_components", [3, 4, 40])
def test_strength_1_is_the_difference_of_groups(marked, method, n_components):
    X, has = marked
    editor = AttributeEditor(PCA(n_components), method=method).fit(X, {"mark": has})
    difference = X[has].mean(axis=0) - X[~has].mean(axis=0)
    change = (editor.edit(X, {"mark": 1}) - X).mean(axis=0)
    assert change @ difference == pytest.approx(difference @ difference, rel=0.01)
    if n_components == 40:
        assert editor.stretches_["mark"] == pytest.approx(1)


def test_strength_1_of_a_network(digits):
    images = digits.reshape(-1, 8, 8)[:600]
    heavy = images[:, :, :4].mean(axis=(1, 2)) > images[:, :, 4:].mean(axis=(1, 2))
    model = ConvAutoencoder(6, n_filters=(8, 16), max_epochs=10, batch_size=32, random_state=0)
    editor = AttributeEditor(model).fit(images[:500], {"heavy": heavy[:500]})
    difference = images[heavy].mean(axis=0) - images[~heavy].mean(axis=0)
    new, signs = images[500:], np.where(heavy[500:], -1.0, 1.0)
    change = signs[:, None, None] * (editor.edit(new, {"heavy": signs}) - new)
    made = (change.mean(axis=0) * difference).sum() / (difference**2).sum()
    assert editor.stretches_["heavy"] > 1.1 and made == pytest.approx(1, abs=0.15)


def test_a_number_keeps_its_unit(marked):
    X, has = marked
    one = AttributeEditor(PCA(4)).fit(X, {"mark": has})
    hundred = AttributeEditor(PCA(4)).fit(X, {"mark": 100 * has})
    assert_allclose(one.edit(X, {"mark": 1}), hundred.edit(X, {"mark": 100}), atol=1e-8)


def test_codes_without_the_attribute():
    has = np.arange(800) % 2
    X = np.column_stack([np.repeat(np.linspace(-9, 9, 400), 2), has, np.zeros(800)])
    with pytest.warns(TrainingWarning, match="Codes tell too little of the attribute 'mark'"):
        AttributeEditor(PCA(1)).fit(X, {"mark": has})


# Scores of few rows


@pytest.mark.parametrize(("n", "cv"), [(20, 2), (24, 5), (39, 2)])
def test_c2st_tells_few_rows_apart(random, n, cv):
    result = metrics.c2st_distance(
        random.normal(size=(n, 2)), random.normal(size=(n, 2)) + 1000, cv=cv
    )
    assert result.statistic == 1 and result.p_value == pytest.approx(2.0 ** (-2 * n))


def test_c2st_of_too_few_rows(random):
    with pytest.raises(ValueError, match="minimum of 20 is required"):
        metrics.c2st_distance(random.normal(size=(19, 2)), random.normal(size=(30, 2)), cv=2)


def test_mmd_of_too_few_rows(random):
    X = random.normal(size=(4, 2))
    assert metrics.mmd_distance(X, X + 1000).p_value < 0.05
    with pytest.raises(ValueError, match=r"dealt in 10 ways.*It takes 4 of each"):
        metrics.mmd_distance(X[:3], X[:3] + 1000)


def test_mmd_of_rows_that_are_mostly_equal(random):
    """The median distance was 0, and its place was taken by 1, whatever the units."""
    X = 1e-6 * (random.uniform(size=(40, 1)) < 0.1)
    far = 1e-6 * (random.uniform(size=(40, 1)) < 0.6)
    assert metrics.mmd_distance(X, far).p_value < 0.05


def test_one_stray_sample_opens_no_balls(random):
    X = random.normal(size=(50, 3))
    stray = np.vstack([X + 100, np.full((1, 3), 1e12)])
    assert metrics.density_coverage(X, stray) == (0, 0)
    assert metrics.manifold_precision_recall_score(X, stray[:, ::-1]).precision == 0


def test_p_values_of_few_nearest_rows():
    counts = np.array([3, 0, 1, 0, 5, 2, 0, 1])
    sums = [sum(some) for some in itertools.combinations(counts, 3)]
    for total in range(12):
        assert _p_of_sum(total, counts, 3) == pytest.approx(np.mean(np.array(sums) >= total))


# Networks of the perceptual loss


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 9), nn.Conv2d(2, 2, 9)), "it does on 24 x 24"),
        (nn.Sequential(nn.MaxPool2d(8), nn.MaxPool2d(4)), "it does on 32 x 32"),
        (nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 3)), "it does on 28 x 28"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.LSTM(7, 3)), "3D, got 4D"),
    ],
)
def test_images_that_a_network_does_not_work_on(gray, network, message):
    with pytest.raises(ValueError, match=f"Sequential, does not work on .*16 x 12 .*{message}"):
        fit(np.array(gray), loss=PerceptualLoss(network))


def test_layers_before_what_fails(gray):
    network = nn.Sequential(nn.Conv2d(1, 2, 9), nn.Conv2d(2, 2, 9))
    assert fit(np.array(gray), loss=PerceptualLoss(network, ["0"])).n_iter_ == 1
