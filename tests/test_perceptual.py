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
from skgen.extractors import opened
from skgen.losses import PerceptualLoss
from skgen.networks.features import LayerOutputs

SMALL = {"n_filters": (4, 8), "max_epochs": 2, "random_state": 0}

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
    return 2 * (seen - wanted).square().mean() / (seen.square() + wanted.square()).mean()


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
def test_the_range_of_images_makes_no_difference(images, network, scale):
    X = images * scale if scale < 15 else (images * 15.9375).astype(np.uint8)
    model = ConvAutoencoder(5, loss=PerceptualLoss(network, pixel_weight=0), **SMALL).fit(X)
    reference = ConvAutoencoder(5, loss=PerceptualLoss(network, pixel_weight=0), **SMALL)
    assert model.loss_curve_ == pytest.approx(reference.fit(images).loss_curve_, rel=5e-3)


def test_channels_are_repeated_or_averaged(network):
    torch.manual_seed(1)
    gray = torch.rand(4, 1, 9, 8)
    color = gray.repeat(1, 3, 1, 1)
    other = torch.rand(4, 1, 9, 8)
    of_gray = PerceptualLoss(network)(gray, other)
    torch.testing.assert_close(PerceptualLoss(network)(color, other.repeat(1, 3, 1, 1)), of_gray)
    takes_three = nn.Conv2d(3, 2, 3)
    assert PerceptualLoss(takes_three)(gray, other) > 0
    with pytest.raises(ValueError, match="takes 5 channels, but the images of X have 3"):
        PerceptualLoss(nn.Conv2d(5, 2, 3))(color, color)


@pytest.mark.parametrize("bytes_first", [True, False])
def test_a_fitted_autoencoder_sees_its_own_units(images, bytes_first):
    """Between bytes and numbers from 0 to 1, values are mapped."""
    as_bytes = (images * 15.9375).astype(np.uint8)
    as_floats = as_bytes / np.float32(255)
    seen, other = (as_bytes, as_floats) if bytes_first else (as_floats, as_bytes)
    teacher = ConvAutoencoder(5, **SMALL).fit(seen)
    student = ConvAutoencoder(3, loss=PerceptualLoss(teacher, pixel_weight=0), **SMALL)
    mapped = clone(student).fit(other).loss_curve_
    assert mapped == pytest.approx(clone(student).fit(seen).loss_curve_, rel=1e-3)


def test_other_units_are_not_guessed(images, teacher):
    """The teacher saw numbers up to 16, of which a subset that stays below 12 is still that."""
    loss = PerceptualLoss(teacher, pixel_weight=0)
    ConvAutoencoder(3, loss=loss, **SMALL).fit(np.minimum(images, 12))
    for X in ((images * 15.9375).astype(np.uint8), images / 160):
        with pytest.raises(ValueError, match="Bring both to the same units"):
            ConvAutoencoder(3, loss=loss, **SMALL).fit(X)


def test_code_of_a_fitted_autoencoder(digits):
    """The layer named last is the code: the loss compares what `transform` returns."""
    X = digits[:300]
    teacher = Autoencoder(4, hidden_layer_sizes=(16,), max_epochs=3, random_state=0).fit(X)
    (last,) = list(dict(teacher.net_.module_.encoder.named_children()))[-1:]
    loss = PerceptualLoss(teacher, [last], pixel_weight=0)
    model = Autoencoder(2, max_epochs=1, batch_size=300, random_state=0, lr=1e-12, loss=loss).fit(X)
    seen = teacher.transform(model.inverse_transform(model.transform(X)))
    wanted = teacher.transform(X)
    expected = 2 * np.mean((seen - wanted) ** 2) / np.mean(wanted**2 + seen**2)
    assert model.loss_curve_[0] == pytest.approx(expected, rel=1e-3)


def test_the_network_is_never_changed(images, teacher, network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    codes = teacher.transform(images)
    for f in (network.train(), teacher, FrozenEstimator(teacher)):
        ConvAutoencoder(5, loss=PerceptualLoss(f), **SMALL).fit(images)
    assert network.training and all(w.requires_grad for w in network.parameters())
    assert network.on.inplace
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


def test_the_network_is_not_in_the_net(images, network):
    wide = nn.Sequential(nn.Conv2d(1, 200, 3), nn.ReLU(), nn.Conv2d(200, 20, 3))
    model = ConvAutoencoder(5, loss=PerceptualLoss(wide), **SMALL).fit(images)
    size_of_network = sum(weight.nbytes for weight in wide.parameters())
    net = pickle.loads(pickle.dumps(model)).net_
    loss = net.turns[0].loss.loss
    assert loss.features is None and size_of_network > 100_000
    loss.spec.network = None  # the user's own, which a pickle of the model has to hold
    assert len(pickle.dumps(loss)) < 10_000
    loaded = pickle.loads(pickle.dumps(model))
    codes = loaded.partial_fit(images).transform(images)
    np.testing.assert_array_equal(codes, model.partial_fit(images).transform(images))


def test_hooks_are_removed(network):
    outputs = LayerOutputs(network, ["first", "second"])
    for _ in range(2):
        outputs(torch.zeros(1, 1, 9, 9))
    assert not any(layer._forward_hooks for layer in network.modules())


def test_layers_as_they_were(network):
    """In-place operations that follow do not reach them, and what comes later is not run."""

    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(1, 1, 1)
            self.act = nn.ReLU()
            self.too_large = nn.Conv2d(1, 1, 99)

        def forward(self, x):
            x = self.first(x)
            x = self.act(x)
            x += 100
            x = self.act(-x)
            return self.too_large(x)

    net = InPlace()
    x = torch.randn(2, 1, 4, 4)
    with torch.no_grad():
        first, act = LayerOutputs(net, ["first", "act"])(x)
    torch.testing.assert_close(first, net.first(x).detach())
    torch.testing.assert_close(act, net.first(x).relu().detach())


def test_a_silent_layer_does_no_harm(images):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.ReLU())
    X = images.copy()
    X[:200] = 0
    loss = PerceptualLoss(net)
    model = ConvAutoencoder(5, batch_size=4, loss=loss, **SMALL).fit(X)
    assert max(model.loss_curve_) < 3
    assert loss(torch.rand(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)) < 3
    assert loss(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)) == 0


def test_early_stopping(images, teacher):
    model = ConvAutoencoder(5, loss=PerceptualLoss(teacher), early_stopping=True, **SMALL)
    assert np.isfinite(model.fit(images).net_.history[:, "valid_loss"]).all()


def test_parameters_of_the_network_are_not_reached(images, teacher):
    model = ConvAutoencoder(5, loss=PerceptualLoss(teacher), **SMALL)
    assert "loss__pixel_weight" in model.get_params()
    assert not any(name.startswith("loss__network__") for name in model.get_params())
    assert hash(PerceptualLoss(teacher, ["1"])) == hash(PerceptualLoss(teacher, ["1"]))


def test_shifted_images_are_nearer(images):
    """What the loss is for: a shift changes pixels more than what is seen."""
    teacher = ConvAutoencoder(max_epochs=20, batch_size=32, random_state=0).fit(images)
    loss = PerceptualLoss(teacher, pixel_weight=0).in_units(teacher.input_)
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
    for layers in (
        {"on": 0.0},
        {},
        [],
        {"on": np.nan},
        {"on": "heavy"},
        {"on": -1.0, "first": 2.0},
    ):
        with pytest.raises(ValueError, match="layers has to name one at least"):
            ConvAutoencoder(5, loss=PerceptualLoss(network, layers), **SMALL).fit(images)


def test_rows_that_are_no_images(digits, network):
    with pytest.raises(ValueError, match="compares images, and X is rows"):
        Autoencoder(5, loss=PerceptualLoss(network)).fit(digits)


def test_networks_that_cannot_be(images, teacher):
    with pytest.raises(NotFittedError):
        ConvAutoencoder(loss=PerceptualLoss(ConvAutoencoder())).fit(images)
    with pytest.raises(ValueError, match="has no encoder network"):
        pca = PCA(2).fit(images.reshape(-1, 64))
        ConvAutoencoder(loss=PerceptualLoss(pca)).fit(images)
    with pytest.raises(ValueError, match=r"on \(8, 8, 1\) features, but X has \(4, 8, 1\)"):
        ConvAutoencoder(loss=PerceptualLoss(teacher)).fit(images[:, :4])
    with pytest.raises(ValueError, match="leave out `weights`"):
        ConvAutoencoder(loss=PerceptualLoss(teacher, weights="some.file")).fit(images)


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


@pytest.fixture
def file(tmp_path):
    """A file of weights like torchvision's, but drawn at random."""
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(0)
    weights, n_in = {}, 3
    for number, n_out in zip((0, 2, 5, 7, 10), (64, 64, 128, 128, 256), strict=True):
        weights[f"features.{number}.weight"] = 0.1 * torch.randn(n_out, n_in, 3, 3)
        weights[f"features.{number}.bias"] = torch.randn(n_out)
        n_in = n_out
    weights["classifier.0.weight"] = torch.zeros(1)
    path = tmp_path / "vgg16.safetensors"
    safetensors.save_file({name: value.half() for name, value in weights.items()}, path)
    return path


def first_layers(images, file):
    """VGG16 up to relu1_2, by hand."""
    from safetensors.torch import load_file

    weights = load_file(file)
    x = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    for number in (0, 2):
        kernel, bias = (weights[f"features.{number}.{kind}"].float() for kind in ("weight", "bias"))
        x = nn.functional.conv2d(x, kernel, bias, padding=1).relu()
    return x


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_vgg16_by_hand(file, n_channels):
    torch.manual_seed(1)
    x, y = torch.rand(2, 3, n_channels, 12, 10)
    loss = PerceptualLoss(layers=["relu1_2"], weights=file, pixel_weight=0)
    colors = [one.expand(-1, 3, -1, -1) if n_channels == 1 else one[:, :3] for one in (x, y)]
    expected = relative(*(first_layers(one, file) for one in colors))
    torch.testing.assert_close(loss(x, y), expected, rtol=1e-4, atol=1e-6)


def test_vgg16_enlarges_small_images(file):
    torch.manual_seed(1)
    x, y = torch.rand(2, 3, 3, 2, 9)
    loss = PerceptualLoss(layers={"relu1_2": 1.0}, weights=file, pixel_weight=0)
    tall = [nn.functional.interpolate(one, size=(4, 9), mode="bilinear") for one in (x, y)]
    expected = relative(*(first_layers(one, file) for one in tall))
    torch.testing.assert_close(loss(x, y), expected, rtol=1e-4, atol=1e-6)
    deep = PerceptualLoss(layers=["relu3_1"], weights=file)
    assert torch.isfinite(deep(torch.rand(2, 1, 3, 3), torch.rand(2, 1, 3, 3)))


def test_vgg16_is_not_in_the_pickle(images, file):
    model = ConvAutoencoder(5, loss=PerceptualLoss(weights=file, layers=["relu2_1"]), **SMALL)
    model.fit(images[:50])
    assert len(pickle.dumps(model)) < 100_000
    pickle.loads(pickle.dumps(model)).partial_fit(images[:50])


@needs_vgg16
def test_vgg16_layers_have_their_weights():
    """The numbers of torchvision's layers are those of ours, counted from 0."""
    safetensors = pytest.importorskip("safetensors.torch")
    network, *_ = opened("vgg16", ["relu3_1"], None)
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
