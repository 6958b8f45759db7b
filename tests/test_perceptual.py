"""The perceptual loss: what it compares, in which units, and that its network stays as it is."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from torch import nn

from skgen import Autoencoder, ConvAutoencoder
from skgen.perceptual import PerceptualLoss, _load_vgg16

SMALL = {"channels": (4, 8), "max_epochs": 2, "random_state": 0}

needs_vgg16 = pytest.mark.skipif(
    not (Path(os.environ.get("SKGEN_DATA", "")) / "vgg16_features.safetensors").exists(),
    reason="SKGEN_DATA names no folder with the weights of VGG16",
)


@pytest.fixture(scope="module")
def images(digits):
    return digits.reshape(-1, 8, 8)[:400]


@pytest.fixture(scope="module")
def teacher(images):
    return ConvAutoencoder(5, **SMALL).fit(images)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(first=nn.Conv2d(1, 3, 3), on=nn.ReLU(inplace=True), second=nn.Conv2d(3, 2, 3))
    )


def relative(seen, wanted):
    return (seen - wanted).square().mean() / wanted.square().mean()


def test_against_the_formula(network):
    torch.manual_seed(1)
    x, y = torch.rand(2, 6, 1, 9, 8)
    first_x, first_y = network.first(x).detach(), network.first(y).detach()
    second_x, second_y = network(x), network(y)
    loss = PerceptualLoss(network, {"first": 3.0, "second": 1.0}, pixel_weight=0.5)
    expected = (
        0.75 * relative(first_x, first_y)
        + 0.25 * relative(second_x, second_y)
        + 0.5 * (x - y).square().mean()
    )
    torch.testing.assert_close(loss(x, y), expected)
    assert loss(x, x) == 0
    whole = PerceptualLoss(network, pixel_weight=0)
    torch.testing.assert_close(whole(x, y), relative(second_x, second_y))


@pytest.mark.parametrize("scale", [1 / 16, 1, 15])
def test_the_range_of_pictures_makes_no_difference(images, network, scale):
    X = images * scale if scale < 15 else (images * 15.9375).astype(np.uint8)
    model = ConvAutoencoder(5, loss=PerceptualLoss(network, pixel_weight=0), **SMALL).fit(X)
    reference = ConvAutoencoder(5, loss=PerceptualLoss(network, pixel_weight=0), **SMALL)
    assert model.loss_curve_ == pytest.approx(reference.fit(images).loss_curve_, rel=5e-3)


def test_channels_are_repeated_or_averaged(network):
    torch.manual_seed(1)
    grey = torch.rand(4, 1, 9, 8)
    colour = grey.repeat(1, 3, 1, 1)
    other = torch.rand(4, 1, 9, 8)
    of_grey = PerceptualLoss(network)(grey, other)
    torch.testing.assert_close(PerceptualLoss(network)(colour, other.repeat(1, 3, 1, 1)), of_grey)
    takes_three = nn.Conv2d(3, 2, 3)
    assert PerceptualLoss(takes_three)(grey, other) > 0
    with pytest.raises(ValueError, match="takes 5 channels, but the pictures of X have 3"):
        PerceptualLoss(nn.Conv2d(5, 2, 3))(colour, colour)


def test_a_fitted_autoencoder_sees_its_own_units(images, teacher):
    # The student's pictures are bytes, the teacher's were numbers up to 16.
    loss = PerceptualLoss(teacher, pixel_weight=0)
    student = ConvAutoencoder(3, loss=loss, **SMALL)
    of_bytes = clone(student).fit((images * 15.9375).astype(np.uint8))
    assert of_bytes.loss_curve_ == pytest.approx(clone(student).fit(images).loss_curve_, rel=1e-2)


def test_code_of_a_fitted_autoencoder(digits):
    """The layer named last is the code: the loss compares what `transform` returns."""
    X = digits[:300]
    teacher = Autoencoder(4, hidden_layer_sizes=(16,), max_epochs=3, random_state=0).fit(X)
    (last,) = list(dict(teacher.net_.module_.encoder.named_children()))[-1:]
    loss = PerceptualLoss(teacher, [last], pixel_weight=0)
    model = Autoencoder(2, max_epochs=1, batch_size=300, random_state=0, lr=1e-12, loss=loss).fit(X)
    seen = teacher.transform(model.inverse_transform(model.transform(X)))
    wanted = teacher.transform(X)
    expected = np.mean((seen - wanted) ** 2) / np.mean(wanted**2)
    assert model.loss_curve_[0] == pytest.approx(expected, rel=1e-3)


def test_the_network_is_never_changed(images, teacher, network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    codes = teacher.transform(images)
    for f in (network.train(), teacher, FrozenEstimator(teacher)):
        ConvAutoencoder(5, loss=PerceptualLoss(f), **SMALL).fit(images)
    assert network.training and all(w.requires_grad for w in network.parameters())
    assert network.on.inplace and not network.first._forward_hooks
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    np.testing.assert_array_equal(teacher.transform(images), codes)


def test_copies_keep_the_network(images, teacher, network):
    for f in (teacher, network):
        model = clone(ConvAutoencoder(5, loss=PerceptualLoss(f), **SMALL))
        assert model.loss.network is f
    search = GridSearchCV(
        ConvAutoencoder(5, loss=PerceptualLoss(teacher), **SMALL),
        {"loss__pixel_weight": [0.0, 1.0]},
        cv=2,
        n_jobs=2,
    )
    assert np.isfinite(search.fit(images).cv_results_["mean_test_score"]).all()


def test_the_network_is_not_in_the_net(images, teacher):
    plain = ConvAutoencoder(5, **SMALL).fit(images)
    perceptual = ConvAutoencoder(5, loss=PerceptualLoss(teacher), **SMALL).fit(images)
    difference = len(pickle.dumps(perceptual.net_.module_)) - len(pickle.dumps(plain.net_.module_))
    assert abs(difference) < 100
    loaded = pickle.loads(pickle.dumps(perceptual))
    np.testing.assert_array_equal(
        loaded.partial_fit(images).transform(images),
        perceptual.partial_fit(images).transform(images),
    )


def test_shifted_pictures_are_nearer(images):
    """What the loss is for: a shift changes pixels more than what is seen."""
    teacher = ConvAutoencoder(max_epochs=20, batch_size=32, random_state=0).fit(images)
    loss = PerceptualLoss(teacher, pixel_weight=0).in_units(
        teacher.scaling_, (8, 8, 1), teacher.value_range_
    )
    shifted = np.roll(images, 1, axis=2)
    others = images[np.random.default_rng(0).permutation(len(images))]

    def units(X):
        return teacher.scaling_.apply(torch.from_numpy(X.reshape(-1, 64)))

    pixels = np.mean((shifted - images) ** 2) / np.mean((others - images) ** 2)
    seen = loss(units(shifted), units(images)) / loss(units(others), units(images))
    assert seen < 0.9 * pixels


# Bad input


def test_unknown_layers(images, network, teacher):
    with pytest.raises(ValueError, match=r"no layer \['third'\]. It has: first, on, second"):
        ConvAutoencoder(5, loss=PerceptualLoss(network, ["third"]), **SMALL).fit(images)
    with pytest.raises(ValueError, match=r"no layer \['9'\]. It has: 0, 1"):
        ConvAutoencoder(5, loss=PerceptualLoss(teacher, ["9"]), **SMALL).fit(images)
    with pytest.raises(ValueError, match=r"VGG16 has no layer \['relu9'\]. It has: conv1_1"):
        ConvAutoencoder(5, loss=PerceptualLoss(layers=["relu9"]), **SMALL).fit(images)


def test_weights_of_layers(images, network):
    with pytest.raises(ValueError, match="weights of layers have to be positive"):
        ConvAutoencoder(5, loss=PerceptualLoss(network, {"on": 0.0}), **SMALL).fit(images)


def test_rows_that_are_no_pictures(digits, network):
    with pytest.raises(ValueError, match="compares pictures, and X is rows"):
        Autoencoder(5, loss=PerceptualLoss(network)).fit(digits)


def test_networks_that_cannot_be(images, teacher):
    with pytest.raises(NotFittedError):
        ConvAutoencoder(loss=PerceptualLoss(ConvAutoencoder())).fit(images)
    with pytest.raises(ValueError, match="has no encoder network"):
        pca = PCA(2).fit(images.reshape(-1, 64))
        ConvAutoencoder(loss=PerceptualLoss(pca)).fit(images)
    with pytest.raises(ValueError, match="fitted on 64 features, but X has 32"):
        ConvAutoencoder(loss=PerceptualLoss(teacher)).fit(images[:, :4])


def test_weights_that_do_not_match(images, network, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "weights.safetensors"
    weights = {name: value + 1 for name, value in network.state_dict().items()}
    safetensors.save_file(weights, path)
    loaded = PerceptualLoss(network, ["first"], weights=path, pixel_weight=0)
    x, y = torch.rand(2, 4, 1, 8, 8)
    with torch.no_grad():
        expected = [
            nn.functional.conv2d(one, weights["first.weight"], weights["first.bias"])
            for one in (x, y)
        ]
    torch.testing.assert_close(loaded(x, y), relative(*expected) + 0)
    del weights["first.bias"]
    weights["third.bias"] = torch.zeros(1)
    weights["second.bias"] = torch.zeros(7)
    safetensors.save_file(weights, path)
    message = r"missing: first.bias; not in the network: third.bias; of another shape: second.bias"
    with pytest.raises(ValueError, match=message):
        ConvAutoencoder(5, loss=loaded, **SMALL).fit(images)


# VGG16


@needs_vgg16
@pytest.mark.parametrize("shape", [(8, 8), (20, 24, 3)])
def test_vgg16(shape):
    pytest.importorskip("safetensors")
    X = np.random.default_rng(0).integers(0, 256, (12, *shape)).astype(np.uint8)
    model = ConvAutoencoder(5, loss=PerceptualLoss(layers=["relu1_2", "relu3_1"]), **SMALL).fit(X)
    assert np.isfinite(model.loss_curve_).all()
    again = pickle.loads(pickle.dumps(model))
    assert len(pickle.dumps(model)) < 1_000_000
    again.partial_fit(X)


@needs_vgg16
def test_vgg16_layers_have_their_weights():
    """The numbers of torchvision's layers are those of ours, counted from 0."""
    safetensors = pytest.importorskip("safetensors.torch")
    network = _load_vgg16(["relu3_1"], None)
    file = safetensors.load_file(Path(os.environ["SKGEN_DATA"]) / "vgg16_features.safetensors")
    for name, number in {"conv1_1": 0, "conv1_2": 2, "conv2_1": 5, "conv3_1": 10}.items():
        layer = network.get_submodule(name)
        torch.testing.assert_close(layer.weight, file[f"features.{number}.weight"].float())
        torch.testing.assert_close(layer.bias, file[f"features.{number}.bias"].float())
    assert list(dict(network.named_children()))[-1] == "relu3_1"


def test_vgg16_without_weights_says_how_to_get_them(images, monkeypatch):
    try:
        import torchvision  # noqa: F401
    except ImportError:
        monkeypatch.delenv("SKGEN_DATA", raising=False)
        with pytest.raises(ImportError, match=r"pip install torchvision.*or pass weights="):
            ConvAutoencoder(5, loss=PerceptualLoss(), **SMALL).fit(images)
