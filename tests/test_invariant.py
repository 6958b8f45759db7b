"""Codes that distortions hardly move: corruptions of images, objectives, and the encoder."""

import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import nn

from skgen import ConvAutoencoder, InvariantEncoder
from skgen.corruptions import (
    Brightness,
    Compose,
    Contrast,
    Crop,
    ErasedPatches,
    Flip,
    Gaussian,
    Rotate,
    Shift,
    resolve_corruption,
)
from skgen.exceptions import TrainingWarning
from skgen.invariances import INVARIANCES, Contrastive, VICReg, VISReg

GEOMETRIC = [Shift(0.2), Crop(), Rotate(20), Flip()]
OF_IMAGES = [*GEOMETRIC, Brightness(), Contrast(), Compose([Rotate(), Crop(), Brightness()])]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def images():
    return load_digits().images[:300].astype(np.float32)


@pytest.fixture(scope="module")
def fitted(images):
    model = InvariantEncoder(32, n_filters=(16, 32), max_epochs=40, batch_size=100, random_state=0)
    return model.fit(images)


def ramps(height=9, width=7):
    """Images whose pixels are their x and y coordinates, from -1 to 1 across the image."""
    x, y = ((torch.arange(n) + 0.5) * 2 / n - 1 for n in (width, height))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])[None]


# Corruptions of images


@pytest.mark.parametrize("corruption", OF_IMAGES, ids=str)
@pytest.mark.parametrize("shape", [(5, 3, 9, 7), (4, 1, 1, 1), (3, 2, 1, 6)])
def test_each_image_is_distorted_by_a_draw_of_its_own(corruption, shape):
    x = torch.randn(1, *shape[1:]).expand(shape).contiguous()
    before = x.clone()
    distorted = corruption(x)
    assert torch.equal(x, before) and distorted.shape == x.shape
    assert distorted.isfinite().all()
    if shape[2] > 1:
        assert not torch.equal(distorted[0], distorted[-1]) or isinstance(corruption, Flip)
    assert clone(corruption) == corruption == pickle.loads(pickle.dumps(corruption))


@pytest.mark.parametrize("corruption", GEOMETRIC, ids=str)
def test_constant_images_stay_constant(corruption):
    x = torch.full((6, 2, 5, 8), 0.7)
    torch.testing.assert_close(corruption(x), x)


@pytest.mark.parametrize(
    "corruption", [Shift(0), Crop((1, 1), shift=0), Rotate(0), Flip(0), Brightness(0), Contrast(0)]
)
def test_nothing_is_done_at_level_0(corruption):
    x = torch.randn(4, 3, 6, 5)
    torch.testing.assert_close(corruption(x), x)


def test_shift_moves_by_whole_draws():
    ramp = ramps().expand(200, -1, -1, -1)
    moved = Shift(0.2)(ramp) - ramp
    inside = moved[:, :, 3:-3, 2:-2]  # nothing came in from outside
    torch.testing.assert_close(inside, inside[..., :1, :1].expand_as(inside))
    shifts = inside[:, :, 0, 0].abs() / 2  # as shares of the side
    assert 0.19 < shifts.max() <= 0.2001


def test_crop_looks_at_a_window():
    ramp = ramps().expand(300, -1, -1, -1)
    cropped = Crop((0.5, 0.8), shift=0)(ramp)
    width = (cropped[:, 0, 4, -1] - cropped[:, 0, 4, 0]) / (ramp[0, 0, 0, -1] - ramp[0, 0, 0, 0])
    assert 0.499 < width.min() < 0.52 and 0.78 < width.max() < 0.801


def test_flip_mirrors():
    x = torch.randn(100, 1, 4, 6)
    flipped = Flip(1)(x)
    torch.testing.assert_close(flipped, x.flip(3))
    is_flipped = (Flip()(x) - x).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 30 < is_flipped.sum() < 70


def test_rotation_keeps_the_distance_from_the_middle():
    ramp = ramps(9, 9).expand(50, -1, -1, -1)
    turned = Rotate(30)(ramp)[:, :, 3:-3, 3:-3]
    there = ramp[:, :, 3:-3, 3:-3]
    torch.testing.assert_close(turned.norm(dim=1), there.norm(dim=1))
    corner = (turned * there).sum(1)[:, 0, 0] / there.square().sum(1)[:, 0, 0]
    angles = corner.clamp(-1, 1).acos().rad2deg()
    assert 25 < angles.max() <= 30.01


def test_compose_moves_pixels_once_and_in_order():
    x = torch.randn(8, 1, 12, 12).cumsum(2).cumsum(3) / 30
    torch.manual_seed(1)
    once = Compose([Flip(1), Shift(0.2)])(x)
    torch.manual_seed(1)
    torch.rand(8)  # what Flip draws
    torch.testing.assert_close(once, Shift(0.2)(x.flip(3)))
    with_noise = Compose([Flip(1), Gaussian(0.0), Flip(1)])
    torch.testing.assert_close(with_noise(x), x)


def test_a_list_stands_for_compose():
    assert resolve_corruption([Flip(), "gaussian"]) == Compose([Flip(), Gaussian()])
    with pytest.raises(ValueError, match="Compose takes objects"):
        Compose([3])._validate_params()
    with pytest.raises(ValueError, match="level"):
        Compose([Flip(2.0)])._validate_params()
    with pytest.raises(ValueError, match="least and the largest factor"):
        Crop((0, 1))._validate_params()


def test_rows_are_no_images():
    with pytest.raises(ValueError, match="needs images"):
        Shift()(torch.zeros(3, 5))


def test_denoising_images_by_such_corruptions(images):
    model = ConvAutoencoder(8, corruption=Compose([Shift(), Contrast()]), max_epochs=2)
    assert np.isfinite(model.fit(images).score(images))


# Objectives


@pytest.fixture
def views():
    first = torch.randn(40, 6) @ torch.randn(6, 6)
    return first, first + 0.3 * torch.randn(40, 6)


def test_vicreg_is_its_formula(views):
    a, b = (view.double().numpy() for view in views)
    wanted = 25 * ((a - b) ** 2).mean()
    for z in (a, b):
        covariance = np.cov(z, rowvar=False)
        deviation = np.sqrt(np.diag(covariance) + 1e-4)
        wanted += 25 * np.maximum(0, 1 - deviation).mean() / 2
        wanted += 4 * ((covariance**2).sum() - (np.diag(covariance) ** 2).sum()) / 6
    assert VICReg()(*views).item() == pytest.approx(wanted, rel=1e-5)


def test_contrastive_is_its_formula(views):
    z = torch.cat(views).double().numpy()
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    similar = np.exp(z @ z.T / 0.5)
    np.fill_diagonal(similar, 0)
    other = np.roll(np.arange(80), -40)
    wanted = -np.log(similar[np.arange(80), other] / similar.sum(axis=1)).mean()
    assert Contrastive(0.5)(*views).item() == pytest.approx(wanted, rel=1e-5)


def test_visreg_of_what_is_normal_and_of_what_is_shifted():
    normal = torch.randn(2000, 4)
    assert VISReg(1.0)(normal, normal).item() < 0.02
    shifted = VISReg(1.0)(3 + 2 * normal, 3 + 2 * normal).item()
    assert shifted == pytest.approx(9 + 1, rel=0.1)
    assert VISReg(0.0)(normal, normal + 2.0).item() == pytest.approx(4.0)


@pytest.mark.parametrize("name", INVARIANCES)
@pytest.mark.parametrize("n", [2, 16])
def test_gradients_are_finite_also_where_all_is_the_same(name, n):
    for scale in (1.0, 0.0):
        views = (scale * torch.randn(2, n, 8)).requires_grad_()
        loss = INVARIANCES[name]()(*views)
        (gradient,) = torch.autograd.grad(loss, views)
        assert loss.isfinite() and gradient.isfinite().all()


# The encoder


def moved_and_apart(model, images, y):
    """Distance of codes under shifts by a pixel, over the distance between means of classes."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    codes = model.transform(images)
    moved = np.mean(
        [
            np.linalg.norm(model.transform(padded[:, dy : dy + 8, dx : dx + 8]) - codes, axis=1)
            for dy, dx in [(0, 1), (2, 1), (1, 0), (1, 2)]
        ]
    )
    means = np.array([codes[y == label].mean(axis=0) for label in range(10)])
    apart = np.linalg.norm(means[:, None] - means, axis=2)
    return moved / apart[np.triu_indices(10, 1)].mean()


def test_shifts_move_codes_less_than_those_of_an_autoencoder(fitted, images):
    y = load_digits().target[:300]
    plain = ConvAutoencoder(32, n_filters=(16, 32), max_epochs=40, random_state=0).fit(images)
    invariant = pickle.loads(pickle.dumps(fitted)).set_params(features="code")
    assert moved_and_apart(invariant, images, y) < 0.9 * moved_and_apart(plain, images, y)


@pytest.mark.parametrize(
    "features, n", [("code", 32), ("distances", 100), (["distances", "code"], 132), ("hidden", 160)]
)
def test_features(fitted, images, features, n):
    model = pickle.loads(pickle.dumps(fitted)).set_params(features=features)
    found = model.transform(images)
    assert found.shape == (300, n) and len(model.get_feature_names_out()) == n
    assert found.dtype == np.float32 and np.isfinite(found).all()


def test_distances_are_to_centers_on_the_sphere(fitted, images):
    model = pickle.loads(pickle.dumps(fitted))
    codes = model.set_params(features="code").transform(images).astype(float)
    distances, found = model.set_params(features="distances").transform(images), model.distances_
    white = (codes - codes.mean(axis=0)) @ found.whitening.numpy()
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    wanted = np.linalg.norm(white[:, None] - found.centers.numpy(), axis=2)
    np.testing.assert_allclose(distances, wanted, atol=2e-3)


def test_encoder_module_gives_the_code(fitted, images):
    model = pickle.loads(pickle.dumps(fitted)).set_params(features="code")
    codes = model.encoder_module()(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(codes, model.transform(images), atol=1e-5)


def test_flat_rows_with_image_shape_are_images(fitted, images):
    model = clone(fitted).set_params(max_epochs=1)
    of_images = clone(model).fit(images).transform(images)
    flat = clone(model).set_params(image_shape=(8, 8))
    of_rows = flat.fit(images.reshape(300, 64)).transform(images.reshape(300, 64))
    np.testing.assert_array_equal(of_images, of_rows)


def test_trained_codes_score_above_untrained_ones(fitted, images):
    untrained = clone(fitted).set_params(max_epochs=1, lr=1e-9).fit(images)
    assert untrained.score(images) + 0.05 < fitted.score(images) <= 1
    assert fitted.score(images) == fitted.score(images)


def test_a_network_of_ones_own(images):
    def network(shape):
        return nn.Sequential(nn.Conv2d(shape[0], 12, 3), nn.ReLU())

    model = InvariantEncoder(encoder=network, features="code", max_epochs=1)
    assert model.fit(images).transform(images).shape == (300, 12)
    model.set_params(n_components=5)
    assert model.fit(images).transform(images).shape == (300, 5)
    with pytest.raises(ValueError, match="own encoder"):
        model.set_params(features="hidden").fit(images)


def test_what_goes_wrong_is_named(images):
    model = InvariantEncoder(16, n_filters=(8,), max_epochs=1, random_state=0)
    with pytest.warns(TrainingWarning, match="changes none of the rows"):
        clone(model).set_params(corruption=Shift(0)).fit(images)
    with pytest.warns(TrainingWarning, match="All rows of X are the same"):
        clone(model).fit(np.ones((20, 8, 8)))
    only_alike = VICReg(variance_weight=0, covariance_weight=0)
    collapsing = clone(model).set_params(invariance=only_alike, projector_sizes=(32, 32), lr=0.05)
    with pytest.warns(TrainingWarning, match="The encoder collapsed"):
        collapsing.set_params(max_epochs=100, batch_size=50).fit(images[:100])
    with pytest.raises(ValueError, match="features has to be one of"):
        clone(model).set_params(features=["pixels"]).fit(images)
    with pytest.raises(ValueError, match="needs images"):
        clone(model).set_params(corruption=[Flip()]).fit(images.reshape(300, 64))


@pytest.mark.filterwarnings("ignore::skgen.exceptions.TrainingWarning")
@pytest.mark.parametrize("shape", [(2, 5, 5), (9, 1, 1), (9, 1, 30), (9, 40, 3, 3), (4, 70, 66)])
def test_images_of_any_size(shape):
    X = np.random.default_rng(0).random(shape)
    model = InvariantEncoder(8, max_epochs=1, batch_size=2, random_state=0).fit(X)
    assert np.isfinite(model.transform(X)).all() and 0 <= model.score(X) <= 1


def test_log_of_chance_is_what_contrastive_codes_start_from():
    views = torch.randn(2, 512, 2000)
    assert Contrastive(1.0)(*views).item() == pytest.approx(math.log(1023), rel=0.01)


def test_a_corruption_as_a_list(images):
    model = InvariantEncoder(8, corruption=[Crop(), ErasedPatches(0.3)], max_epochs=1)
    copied = clone(model)
    assert copied.corruption == model.corruption
    assert copied.fit(images).transform(images).shape == (300, 108)
