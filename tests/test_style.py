"""Style transfer: what is compared and matched, what comes back, and what is refused."""

import io
import os
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from small import OF_IMAGES, images, small
from torch import nn

from skgen import Autoencoder, ConvAutoencoder, FastStyleTransfer, StyleTransfer
from skgen.extractors import FeatureExtractor
from skgen.inputs import Crops, ImageListInput
from skgen.networks.style import Canvas, pyramid
from skgen.statistics import (
    AdaIN,
    Gram,
    MeanDeviation,
    MeanSquares,
    Moments,
    Transport,
    Whitening,
    moments,
    pooled,
)
from skgen.style._objective import relative_error

needs_vgg16 = pytest.mark.skipif(
    not (Path(os.environ.get("SKGEN_DATA", "")) / "vgg16_features.safetensors").exists(),
    reason="SKGEN_DATA names no folder with the weights of VGG16",
)


@pytest.fixture(scope="module")
def paintings():
    return images(3)


@pytest.fixture(scope="module")
def photographs():
    return images(4, seed=1)


@pytest.fixture(scope="module")
def painter(paintings):
    return small(StyleTransfer).fit(paintings, ["a", "b", "c"])


@pytest.fixture(scope="module")
def fast(paintings, photographs):
    model = small(FastStyleTransfer, max_epochs=40, random_state=0)
    return model.fit(paintings, ["a", "b", "c"], content=photographs)


each = pytest.mark.parametrize("model", ["painter", "fast"])


@pytest.fixture
def fitted(request, model):
    return request.getfixturevalue(model)


# Statistics


def maps(seed, n=3, offset=0.0):
    mix = torch.randn(5, 5, generator=torch.Generator().manual_seed(seed))
    f = torch.randn(n, 5, 6 * 7, generator=torch.Generator().manual_seed(seed + 1))
    return (mix @ f + torch.arange(5.0)[:, None] + offset).view(n, 5, 6, 7)


def test_statistics_against_their_formulas():
    f = maps(0).numpy().astype(np.float64).reshape(3, 5, -1)
    assert_allclose(Gram()(maps(0)), np.einsum("nip,njp->nij", f, f) / 42, rtol=1e-4, atol=1e-4)
    expected = np.stack([f.mean(axis=2), f.std(axis=2)], axis=1)
    assert_allclose(MeanDeviation()(maps(0)), expected, rtol=1e-4, atol=1e-4)
    assert_allclose(MeanSquares()(maps(0)), (f**2).mean(axis=2), rtol=1e-5)


@pytest.mark.parametrize("statistic", [Gram(), MeanDeviation(), MeanSquares()])
def test_statistics_do_not_depend_on_where_things_are(statistic):
    moved = maps(0).flatten(2)[..., torch.randperm(42)].view(3, 5, 7, 6)
    torch.testing.assert_close(statistic(moved), statistic(maps(0)), rtol=1e-4, atol=1e-4)


def test_a_map_that_is_constant_has_a_gradient():
    constant = torch.full((1, 2, 3, 3), 5.0, requires_grad=True)
    MeanDeviation()(constant).sum().backward()
    assert constant.grad.isfinite().all()
    black = torch.zeros(1, 2, 3, 3, requires_grad=True)
    MeanDeviation()(black).sum().backward()
    assert black.grad.isfinite().all()


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_moments_of_parts_are_those_of_the_whole(offset):
    whole = maps(0, offset=offset)
    expected = moments(whole.double())
    found = pooled([moments(whole[..., :4]), moments(whole[..., 4:])], [6 * 4, 6 * 3])
    assert_allclose(found.mean, expected.mean, rtol=1e-6)
    assert_allclose(found.covariance, expected.covariance, rtol=1e-3, atol=1e-3)


def moved(f, matrix, shift):
    return (matrix @ f.flatten(2) + shift[..., None]).view_as(f)


@pytest.mark.parametrize("matching", [Transport(1e-8), Whitening(1e-8)], ids=str)
def test_matched_covariances(matching):
    content, style = maps(0), maps(5)
    made = moments(moved(content, *matching(moments(content), moments(style))))
    wanted = moments(style)
    torch.testing.assert_close(made.mean, wanted.mean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(made.covariance, wanted.covariance, rtol=1e-2, atol=1e-2)


def test_transport_changes_features_least():
    content, style = maps(0), maps(5)
    changes = {
        type(matching): (moved(content, *matching(moments(content), moments(style))) - content)
        .square()
        .mean()
        for matching in (Transport(1e-8), Whitening(1e-8))
    }
    assert changes[Transport] < 0.99 * changes[Whitening]


def test_adain_matches_means_and_deviations():
    content, style = maps(0), maps(5)
    made = MeanDeviation()(moved(content, *AdaIN()(moments(content), moments(style))))
    torch.testing.assert_close(made, MeanDeviation()(style), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("matching", [AdaIN(), Transport(), Whitening()], ids=str)
def test_own_statistics_change_nothing(matching):
    own = moments(maps(0))
    matrix, shift = matching(own, own)
    torch.testing.assert_close(matrix, torch.eye(5).expand(3, 5, 5), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(shift, torch.zeros(3, 5), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("matching", [AdaIN(), Transport(), Whitening()], ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_features_without_variance_are_no_harm(matching, scale):
    flat = Moments(torch.full((1, 5), scale), torch.zeros(1, 5, 5))
    other = Moments(*(scale**n * one for n, one in enumerate(moments(maps(0, 1)), start=1)))
    for pair in ((flat, other), (other, flat), (flat, flat)):
        assert all(one.isfinite().all() for one in matching(*pair))


# The canvas


def test_a_canvas_begins_with_the_photograph():
    photograph = torch.rand(1, 3, 50, 41)
    scales = pyramid(photograph, 5, least_side=12)
    assert [tuple(one.shape[2:]) for one in scales] == [(50, 41), (25, 21)]
    canvas = Canvas(scales, nn.Identity())
    torch.testing.assert_close(canvas.picture(), photograph)
    torch.testing.assert_close(canvas.picture(0), scales[1])
    with torch.no_grad():
        canvas.layers[0].pixels += 0.7
    canvas.clamp(1)
    assert canvas.picture().min() >= -1e-6 and canvas.picture().max() <= 1 + 1e-6


# The optimized picture


def test_against_the_formula(painter, paintings, photographs):
    (picture,) = painter.transform(photographs[:1], style="b")
    features = FeatureExtractor(weights="random").build(["relu1_1", "relu2_1"])

    def seen(image):
        x = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
        return [one[0].flatten(1).double() for one in features(x)]

    def gram(f):
        return f @ f.T / f.shape[1]

    def relative(a, b):
        return float((a - b).square().sum() / b.square().sum())

    content, made, style = (seen(one) for one in (photographs[0], picture, paintings[1]))
    losses = painter.measure(photographs[:1], [picture], style="b")
    assert losses["content"] == pytest.approx(relative(made[1], content[1]), rel=1e-3)
    of_style = np.mean([relative(gram(a), gram(b)) for a, b in zip(made, style, strict=True)])
    assert losses["style"] == pytest.approx(of_style, rel=1e-3)
    assert losses["loss"] == pytest.approx(losses["content"] + 10 * losses["style"], rel=1e-6)
    assert painter.score(photographs[:1], style="b") == pytest.approx(-losses["loss"][0], rel=1e-6)


def test_more_steps_are_nearer_to_the_style(painter, photographs):
    few = painter.measure(photographs, painter.transform(photographs, style="a"), style="a")
    longer = clone(painter).set_params(n_steps=15).fit(images(3), ["a", "b", "c"])
    many = longer.measure(photographs, longer.transform(photographs, style="a"), style="a")
    start = painter.measure(photographs, photographs, style="a")
    assert (start["content"] == 0).all()
    assert (few["loss"] < start["loss"]).all() and (many["loss"] < few["loss"]).all()


def test_small_scales_are_painted_first(paintings, photographs):
    seen = []

    class Watch(skorch_callback()):
        def on_epoch_end(self, net, **kwargs):
            seen.append((net.progress_.phase, tuple(net.module_.picture().shape[2:])))
            assert {"content", "style", "train_loss"} <= net.history[-1].keys()

    large = [np.kron(photographs[1], np.ones((2, 2, 1), np.uint8))]
    model = small(StyleTransfer, n_scales=3, callbacks=[Watch]).fit(paintings[:1])
    model.transform(large)
    assert [phase for phase, _ in seen] == [0, 0, 1, 1]  # a third would have sides under 32


def skorch_callback():
    from skorch.callbacks import Callback

    return Callback


def test_a_picture_may_begin_with_that_of_the_network(fast, paintings, photographs):
    model = small(StyleTransfer, init=fast, lr=1e-9, n_scales=1)
    model.fit(paintings, ["a", "b", "c"])
    for style in ("a", {"a": 1, "c": 3}, None):
        made = model.transform(photographs, style=style)
        for one, other in zip(made, fast.transform(photographs, style=style), strict=True):
            assert np.abs(one.astype(int) - other).max() <= 1
    model.partial_fit(paintings[:1], ["new"])
    with pytest.raises(ValueError, match=r"There is no style 'new'\. There are: 'a', 'b', 'c'"):
        model.transform(photographs, style="new")


def test_a_painting_in_its_own_style_stays(paintings):
    model = small(StyleTransfer, n_steps=10).fit(paintings, ["a", "b", "c"])
    for painting, name in zip(paintings, "abc", strict=True):
        (own,) = model.transform([painting], style=name)
        assert np.abs(own.astype(float) - painting).mean() < 1


# The network


def test_the_decoder_learns(fast, paintings, photographs):
    """More than to match colors, which needs no training."""
    assert {"content", "style"} <= fast.net_.history[-1].keys()
    assert not any(weight.requires_grad for weight in fast.features_.parameters())
    colors = clone(fast).set_params(max_epochs=1, lr=1e-12)
    colors.fit(paintings, ["a", "b", "c"], content=photographs)
    for name in "abc":
        start, matched, trained = (
            fast.measure(photographs, made, style=name)["style"].mean()
            for made in (
                photographs,
                colors.transform(photographs, style=name),
                fast.transform(photographs, style=name),
            )
        )
        assert trained < matched < start


@pytest.mark.parametrize("layers", [["relu1_1"], ["relu2_1"], ["relu1_1", "relu1_2", "relu2_1"]])
def test_one_layer_or_several(paintings, photographs, layers):
    """Several may be of one size."""
    model = small(FastStyleTransfer, layers=layers, max_epochs=10, random_state=0)
    model.fit(paintings, ["a", "b", "c"], content=photographs)
    assert [len(one.mean[0]) for one in model.moments_] == [
        128 if name == "relu2_1" else 64 for name in layers
    ]
    assert len(model.net_.module_.decoder.entries) == len(layers)
    made = model.transform(photographs, style="a")
    assert all(np.isfinite(one).all() for one in made)
    (own,) = model.transform(paintings[1:2], style="b")
    assert np.abs(own.astype(int) - paintings[1]).max() <= 1


def test_strength(fast, photographs):
    changes = [0.0]
    for alpha in (0, 0.3, 0.7, 1):
        made = clone_fitted(fast).set_params(alpha=alpha).transform(photographs, style="a")
        apart = [np.abs(a.astype(float) - b).mean() for a, b in zip(made, photographs, strict=True)]
        changes.append(np.mean(apart))
    assert changes[1] == 0 and (np.diff(changes[1:]) > 0).all()


def clone_fitted(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("matching", ["adain", "transport", "whitening"])
def test_a_painting_in_its_own_style_is_that_painting(fast, paintings, matching):
    model = clone_fitted(fast).set_params(matching=matching)
    for painting, name in zip(paintings, "abc", strict=True):
        (own,) = model.transform([painting], style=name)
        assert np.abs(own.astype(int) - painting).max() <= 1


@pytest.mark.parametrize("matching", ["adain", "transport"])
@pytest.mark.parametrize("size", [(300, 214), (170, 403)])
def test_tiles_do_not_show(fast, matching, size):
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (size[0] // 5, size[1] // 5 + 1, 3), dtype=np.uint8)
    X = [np.kron(blocks, np.ones((5, 6, 1), np.uint8))[: size[0], : size[1]]]
    model = clone_fitted(fast).set_params(matching=matching)
    (whole,) = model.transform(X, style="a")
    (tiled,) = model.set_params(working_memory=25).transform(X, style="a")
    assert whole.shape == tiled.shape == X[0].shape
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    with config_context(working_memory=25):
        assert_array_equal(model.set_params(working_memory=None).transform(X, style="a")[0], tiled)


def test_memory_for_no_tile(fast, photographs):
    model = clone_fitted(fast).set_params(working_memory=0.5)
    with pytest.raises(ValueError, match=r"working_memory=0.5 MiB holds no tile .* Raise it to"):
        model.transform(photographs)
    needed = int(str(catch(model.transform, photographs)).split(" MiB. Raise")[0].split()[-1])
    assert model.set_params(working_memory=needed).transform(photographs)


def catch(function, *args):
    try:
        function(*args)
    except ValueError as error:
        return error
    raise AssertionError("no error")


def test_what_a_pixel_reaches(fast):
    """No farther than said, and as far: a tile needs that much around it."""
    network = fast.net_.module_
    torch.manual_seed(0)
    x = torch.rand(1, 3, 128, 128)
    other = x.clone()
    other[..., 64:66, 64:66] = 1 - other[..., 64:66, 64:66]
    with torch.no_grad():
        first, second = (network.decoder(network.encode(one)) for one in (x, other))
        changed = (first != second).any(dim=1)[0].any(dim=0).nonzero().flatten()
    reach = max(64 - int(changed.min()), int(changed.max()) - 65)
    assert 0.7 * network.reach <= reach <= network.reach < 20


def test_a_painting_more_needs_no_training(fast, paintings, photographs):
    model = clone_fitted(fast)
    new = images(4, seed=7)[3:]
    before = model.transform(photographs, style="b")
    model.partial_fit(new, ["d"])
    assert model.styles_.tolist() == ["a", "b", "c", "d"] and model.n_iter_ == fast.n_iter_
    for one, other in zip(model.transform(photographs, style="b"), before, strict=True):
        assert_array_equal(one, other)
    (made,), (start,) = model.transform(photographs[:1], style="d"), photographs[:1]
    after, first = (model.measure([start], [one], style="d")["style"] for one in (made, start))
    assert after < first


def test_a_style_of_two_paintings_is_between_them(paintings, photographs):
    alone = small(StyleTransfer).fit(paintings[:2], ["a", "b"])
    both = small(StyleTransfer).fit(paintings[:2], ["x", "x"])
    for of_x, of_mix in zip(
        both.transform(photographs, style="x"),
        alone.transform(photographs, style={"a": 2.0, "b": 2.0}),
        strict=True,
    ):
        assert_array_equal(of_x, of_mix)


def test_stopping_early(paintings, photographs):
    model = small(FastStyleTransfer, early_stopping=True, max_epochs=3, validation_fraction=0.3)
    model.fit(paintings, content=photographs)
    assert len(model.validation_scores_) == 3
    assert np.isfinite(model.validation_scores_).all()


def test_going_on(paintings, photographs):
    model = small(FastStyleTransfer, warm_start=True, random_state=0)
    model.fit(paintings[:1], ["a"], content=photographs)
    model.fit(paintings[1:2], ["b"], content=photographs)
    assert model.n_iter_ == 4 and model.styles_.tolist() == ["b"]
    model.set_params(layers=["relu1_1"])
    with pytest.raises(ValueError, match=r"layers was .*'relu2_1'.* when the networks were built"):
        model.fit(paintings)
    assert model.transform(photographs)


def test_partial_fit_does_not_train_in_secret(paintings):
    with pytest.raises(NotFittedError, match="call fit"):
        small(FastStyleTransfer).partial_fit(paintings)


# Other networks


class Halves(nn.Module):
    """Dropout and batch statistics, which have to stay as they are."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.second = nn.Conv2d(8, 6, 3, stride=2, padding=1)

    def forward(self, x):
        return self.second(self.drop(self.norm(self.first(x)).relu()))


def test_a_module_of_ones_own(paintings, photographs):
    torch.manual_seed(0)
    module = Halves().train()
    layers = {"style_layers": {"first": 1.0, "second": 2.0}, "content_layers": ["second"]}
    painter = StyleTransfer(extractor=module, n_steps=3, **layers).fit(paintings)
    start = painter.measure(photographs, photographs)["loss"]
    assert (painter.measure(photographs, painter.transform(photographs))["loss"] < start).all()
    fast = FastStyleTransfer(
        extractor=module, layers=["first", "second"], max_epochs=2, crop_size=32, **layers
    )
    pictures = fast.fit(paintings).transform(photographs)
    assert [one.shape for one in pictures] == [one.shape for one in photographs]
    assert fast.net_.module_.factor == 2
    assert module.training and module.norm.num_batches_tracked == 0
    for _ in range(2):  # no dropout
        assert_array_equal(fast.transform(photographs)[0], pictures[0])


def test_a_fitted_autoencoder(paintings, photographs):
    squares = np.stack([one[:32, :32] for one in [*paintings, *photographs]])
    encoder = ConvAutoencoder(n_filters=(8, 16), max_epochs=2, random_state=0).fit(squares)
    painter = StyleTransfer(extractor=encoder, n_steps=3).fit(paintings)
    start = painter.measure(photographs, photographs)["loss"]
    assert (painter.measure(photographs, painter.transform(photographs))["loss"] < start).all()
    fast = FastStyleTransfer(extractor=encoder, max_epochs=2, crop_size=32).fit(paintings)
    assert fast.net_.module_.factor == 4 and fast.transform(photographs)
    x = torch.rand(1, 3, 32, 32)
    of_module = encoder.net_.module_.encoder[:2]
    rows = (255 * x.permute(0, 2, 3, 1).flatten(1) - encoder.scaling_.offset.mean()) / (
        encoder.scaling_.scale
    )
    (seen,) = FeatureExtractor(encoder).build(["1"])(x)
    with torch.no_grad():
        inner = of_module(rows.float())[..., 2:-2, 2:-2]
    assert (seen[..., 2:-2, 2:-2] - inner).abs().mean() < 0.1 * inner.abs().mean()


def test_networks_that_cannot_be(paintings):
    rows = Autoencoder(2, max_epochs=1).fit(np.random.default_rng(0).normal(size=(20, 4)))
    with pytest.raises(ValueError, match="no levels of convolutions"):
        StyleTransfer(extractor=rows).fit(paintings)
    with pytest.raises(NotFittedError):
        StyleTransfer(extractor=ConvAutoencoder()).fit(paintings)
    with pytest.raises(ValueError, match=r"maps \[2, 1\] times shorter .* Name the deepest last"):
        small(FastStyleTransfer, layers=["relu2_1", "relu1_1"]).fit(paintings)
    with pytest.raises(ValueError, match="layers has to name one at least"):
        small(FastStyleTransfer, layers=[]).fit(paintings)
    third = nn.Conv2d(3, 4, 3, stride=3)
    with pytest.raises(ValueError, match=r"1, 2, 4, 8, \.\.\. times shorter"):
        FastStyleTransfer(extractor=third).fit(paintings)
    with pytest.raises(ValueError, match=r"VGG16 has no layer \['relu9'\]"):
        small(StyleTransfer, style_layers=["relu9"]).fit(paintings)
    with pytest.raises(ValueError, match="content_layers has to name one at least"):
        small(StyleTransfer, content_layers={"relu1_1": 0}).fit(paintings)


def test_a_network_without_borders_is_not_cut(photographs):
    """Its tiles would see other statistics: it paints an image as a whole, in whatever memory."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.InstanceNorm2d(8))
    fast = FastStyleTransfer(extractor=module, max_epochs=1, crop_size=32, working_memory=0.1)
    assert fast.fit(photographs).net_.module_.reach is None
    assert len(fast.transform(photographs)) == 4


def test_weights_are_missing(paintings, monkeypatch):
    try:
        import torchvision  # noqa: F401
    except ImportError:
        monkeypatch.delenv("SKGEN_DATA", raising=False)
        for cls in OF_IMAGES:
            with pytest.raises(ImportError, match=r"torchvision.*weights=.*SKGEN_DATA"):
                cls().fit(paintings)


def test_weights_in_a_file_of_another_kind(paintings, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "vgg16.pth"
    torch.save({"0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(ValueError, match=r"is no safetensors file.*save_file\(torch.load"):
        small(StyleTransfer, extractor=FeatureExtractor(weights=path)).fit(paintings)


@needs_vgg16
def test_vgg16_paints(paintings, photographs):
    pytest.importorskip("safetensors")
    model = StyleTransfer(n_steps=8).fit(paintings)
    start = model.measure(photographs[:1], photographs[:1], style=0)["loss"]
    made = model.transform(photographs[:1], style=0)
    assert model.measure(photographs[:1], made, style=0)["loss"] < 0.8 * start


# Images in, images out


KINDS = {
    "bytes": lambda one: one,
    "16 bits": lambda one: one.astype(np.uint16) * 257,
    "single": lambda one: one.astype(np.float32) / 255,
    "double": lambda one: one / 255,
    "integers": lambda one: one.astype(np.int64),
    "gray": lambda one: one[..., 0],
    "a channel": lambda one: one[..., :1],
    "transparent": lambda one: np.concatenate([one, one[..., :1]], axis=-1),
    "gray, transparent": lambda one: one[..., :2],
    "of Pillow": lambda one: pillow().fromarray(one),
    "of Pillow, with a palette": lambda one: pillow().fromarray(one).quantize(256),
    "a tensor": torch.from_numpy,
    "a view": lambda one: one[::-1, ::-1],
    "booleans": lambda one: one > 128,
    "16 bits of another machine": lambda one: (one.astype(np.uint16) * 257).astype(">u2"),
    "a tensor with a gradient": lambda one: torch.from_numpy(one / 255).requires_grad_(),
}


def pillow():
    return pytest.importorskip("PIL.Image")


@each
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_like_the_images(fitted, kind, photographs):
    X = [KINDS[kind](one.copy()) for one in photographs[:2]]
    for given, made, before in zip(X, fitted.transform(X, style="a"), photographs, strict=False):
        transparent = "transparent" in kind
        assert made.shape == (*before.shape[:2], 3 + transparent)
        dtypes = {"16 bits": "uint16", "single": "float32", "double": "float64"}
        dtypes |= {
            "integers": "int64",
            "booleans": "float32",
            "a tensor with a gradient": "float64",
        }
        dtypes |= {"16 bits of another machine": ">u2"}
        assert made.dtype == dtypes.get(kind, "uint8")
        largest = {"f": 1, "i": 255}.get(made.dtype.kind, np.iinfo("u1").max)
        assert made.min() >= 0 and made.max() <= (65535 if "16 bits" in kind else largest)
        if transparent:
            assert_array_equal(made[..., 3], np.asarray(given)[..., -1])


@each
def test_the_same_picture_of_every_type(fitted, photographs):
    (of_bytes,) = fitted.transform(photographs[:1], style="a")
    for kind, factor in {"16 bits": 257, "single": 1 / 255, "integers": 1}.items():
        (made,) = fitted.transform([KINDS[kind](photographs[0])], style="a")
        assert np.abs(made / factor - of_bytes).max() <= 1


@each
def test_one_array_in_one_array_out(fitted, photographs):
    squares = np.stack([one[:32, :32] for one in photographs])
    made = fitted.transform(squares, style="a")
    assert isinstance(made, np.ndarray) and made.shape == squares.shape
    for one, other in zip(fitted.transform(list(squares), style="a"), made, strict=True):
        assert_array_equal(one, other)
    gray = fitted.transform(squares[..., 0], style="a")
    assert gray.shape == squares.shape
    objects = np.empty(4, dtype=object)
    objects[:] = photographs
    assert [one.shape for one in fitted.transform(objects)] == [one.shape for one in photographs]


@each
def test_a_picture_does_not_depend_on_others(fitted, photographs):
    together = fitted.transform(photographs, style="b")
    for photograph, picture in zip(photographs, together, strict=True):
        assert_array_equal(fitted.transform([photograph], style="b")[0], picture)


@each
def test_masks(fitted, photographs):
    mask = [np.zeros(one.shape[:2]) for one in photographs]
    for one in mask:
        one[:, :10] = 1
    plain = fitted.transform(photographs, style="a")
    for kind in (np.asarray, lambda one: one > 0, lambda one: np.uint8(255 * one), np.int64):
        made = fitted.transform(photographs, style="a", mask=[kind(one) for one in mask])
        for before, after, without in zip(photographs, made, plain, strict=True):
            assert_array_equal(after[:, 10:], before[:, 10:])
            assert_array_equal(after[:, :10], without[:, :10])
    half = fitted.transform(photographs, style="a", mask=[0 * one + 0.5 for one in mask])
    between = (photographs[0].astype(float) + plain[0]) / 2
    assert np.abs(half[0] - between).max() <= 1


@each
def test_colors_that_stay(fitted, photographs):
    model = clone_fitted(fitted).set_params(preserve_color=True)
    gray = [np.repeat(one[..., :1], 3, axis=2) for one in photographs]
    for one in model.transform(gray, style="a"):
        assert (one.max(axis=2) - one.min(axis=2)).max() <= 1
    photograph = [np.float32(0.3 + 0.4 * photographs[0] / 255)]
    (kept,), (free,) = (
        model.transform(photograph, style="b"),
        fitted.transform(photograph, style="b"),
    )
    luma = np.array([0.299, 0.587, 0.114])
    inside = (kept > 0).all(axis=2) & (kept < 1).all(axis=2)
    color = [one - (one @ luma)[..., None] for one in (kept, photograph[0])]
    assert inside.mean() > 0.3
    assert_allclose(color[0][inside], color[1][inside], atol=1e-5)
    assert_allclose((kept @ luma)[inside], (free @ luma)[inside], atol=1e-5)


def test_photographs_of_phones_are_upright(painter, photographs):
    """A camera notes how it was held; without that note, a picture would lie on its side."""
    image = pillow().fromarray(photographs[0])
    note = image.getexif()
    note[0x0112] = 6  # to be turned clockwise
    file = io.BytesIO()
    image.save(file, "png", exif=note)
    (made,) = painter.transform([pillow().open(file)], style="a")
    (upright,) = painter.transform([np.rot90(photographs[0], -1)], style="a")
    assert_array_equal(made, upright)


@each
def test_what_fit_is_told_of_names(fitted, paintings):
    assert fitted.styles_.tolist() == ["a", "b", "c"]
    assert small(StyleTransfer).fit(paintings).styles_.tolist() == [0, 1, 2]
    numbers = small(StyleTransfer).fit(paintings).partial_fit(paintings[:1])
    assert numbers.styles_.tolist() == [0, 1, 2, 3]
    numbered = small(StyleTransfer).fit(paintings[:2], [1, 2]).partial_fit(paintings[2:])
    assert numbered.painting_styles_.tolist() == [1, 2, 3]


NAMES = {
    "too few": (["a", "b"], "X has 3 paintings, and y 2 names"),
    "one": ("monet", "y has to be a list with the name of every painting's style"),
    "photographs": (images(3), "Photographs to train on are passed by name: content="),
    "None": (["a", None, "b"], "Painting 1 has no name: y is None there"),
    "NaN": ([0.0, 1.0, np.nan], "Painting 2 has no name: y is nan there"),
    "both": (["a", 1, "b"], "all strings or all numbers, and there are both: 'a' and 1"),
}


@pytest.mark.parametrize("cls", OF_IMAGES)
@pytest.mark.parametrize("kind", NAMES)
def test_names_that_are_none(cls, kind, paintings):
    names, message = NAMES[kind]
    with pytest.raises(ValueError, match=message):
        small(cls).fit(paintings, names)


@each
def test_names_that_do_not_go_with_those_before(fitted, paintings):
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="'a' for one: y has to name those of the further"):
        fitted.partial_fit(paintings[:1])
    with pytest.raises(ValueError, match="there are both: 'a' and 7"):
        fitted.partial_fit(paintings[:1], [7])
    assert vars(fitted) == before
    with pytest.raises(ValueError, match="there are both: 'monet' and 0"):
        small(StyleTransfer).fit(paintings).partial_fit(paintings[:1], ["monet"])


def test_fewer_sizes_than_were_looked_at(paintings, photographs):
    model = small(StyleTransfer, n_scales=2).fit(paintings, ["a", "b", "c"])
    single = small(StyleTransfer, n_scales=1).fit(paintings, ["a", "b", "c"])
    larger = [np.kron(photographs[0], np.ones((2, 2, 1), np.uint8))]
    assert not np.array_equal(model.transform(larger)[0], single.transform(larger)[0])
    assert_array_equal(
        model.set_params(n_scales=1).transform(larger)[0], single.transform(larger)[0]
    )
    with pytest.raises(ValueError, match="n_scales is 3, but fit looked at paintings at 2 sizes"):
        model.set_params(n_scales=3).transform(photographs)
    model.partial_fit(paintings[:1], ["d"])
    assert model.set_params(n_scales=2).transform(photographs[:1], style="d")


@pytest.mark.parametrize("cls", OF_IMAGES)
def test_a_scroll_is_not_shrunk_to_nothing(cls, photographs):
    """Deep layers would see no pixel of it."""
    scroll = [np.kron(images(1)[0][:32], np.ones((1, 30, 1), np.uint8))]
    deep = {"style_layers": ["relu4_1"], "content_layers": ["relu4_1"]}
    model = (
        small(cls, **deep, style_size=256).fit(scroll, content=photographs[:2])
        if (cls is FastStyleTransfer)
        else small(cls, **deep, n_scales=3, style_size=256).fit(scroll)
    )
    assert all(torch.isfinite(one).all() for scale in model.targets_ for one in scale)
    assert model.transform(photographs[:1])


def test_large_paintings_are_shrunk(paintings):
    large = [np.kron(paintings[0], np.ones((4, 4, 1), np.uint8))]
    plain = small(StyleTransfer, style_size=40).fit(large)
    same = small(StyleTransfer).fit(paintings[:1])
    for one, other in zip(plain.targets_[0], same.targets_[0], strict=True):
        assert relative_error(one, other) < 0.05
    larger = small(StyleTransfer).fit(large)
    assert relative_error(larger.targets_[0][1], same.targets_[0][1]) > 0.05


@each
def test_copies(fitted, photographs):
    loaded = clone_fitted(fitted)
    made = fitted.transform(photographs, style="c")
    for one, other in zip(loaded.transform(photographs, style="c"), made, strict=True):
        assert_array_equal(one, other)
    with pytest.raises(NotFittedError):
        clone(fitted).transform(photographs)
    assert clone(fitted).get_params().keys() == fitted.get_params().keys()


@pytest.mark.parametrize("cls", OF_IMAGES)
def test_the_same_seed_and_the_callers_generators(cls, paintings, photographs):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    params = {} if cls is StyleTransfer else {"random_state": 0}
    first, second = (small(cls, **params).fit(paintings) for _ in range(2))
    pictures = first.transform(photographs)
    for one, other in zip(pictures, second.transform(photographs), strict=True):
        assert_array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    found = []
    thread = threading.Thread(
        target=lambda: found.append(small(cls, **params).fit(paintings).transform(photographs))
    )
    thread.start()
    thread.join()
    assert_array_equal(found[0][0], pictures[0])


@each
def test_threads(fitted, photographs):
    """Hooks and settings of one do not reach another."""
    alone = [fitted.transform([one], style="a")[0] for one in photographs]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda one: fitted.transform([one], style="a")[0], photographs * 3))
    for one, other in zip(made, alone * 3, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("cls", OF_IMAGES)
def test_whatever_torch_is_set_to(cls, paintings, photographs):
    params = {} if cls is StyleTransfer else {"random_state": 0}
    plain = small(cls, **params).fit(paintings).transform(photographs[:1])
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            other = small(cls, **params).fit(paintings).transform(photographs[:1])
    finally:
        torch.set_default_dtype(torch.float32)
    assert_array_equal(other[0], plain[0])


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("cls", OF_IMAGES)
def test_a_search(cls, n_jobs, paintings):
    search = GridSearchCV(small(cls), {"style_weight": [0.1, 1.0]}, cv=2, n_jobs=n_jobs)
    search.fit(paintings, ["a", "a", "a"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert (search.cv_results_["mean_test_score"] < 0).all()


@pytest.mark.parametrize("cls", OF_IMAGES)
def test_an_estimator_holds_parameters_and_what_it_learned_and_no_more(cls, paintings):
    model = small(cls).fit(paintings)
    model.transform(paintings)
    learned = vars(model).keys() - model.get_params().keys()
    assert {"targets_", "styles_", "features_"} <= learned
    assert [name for name in learned if name.startswith("_") or not name.endswith("_")] == []


@pytest.mark.parametrize("cls", OF_IMAGES)
def test_a_bar_of_progress(cls, paintings, photographs, capsys):
    model = small(cls, verbose=1).fit(paintings)
    model.transform(photographs)
    shown = capsys.readouterr().err
    assert cls.__name__ in shown
    if cls is StyleTransfer:  # one bar for all: 2 scales at most, 2 steps each
        assert "step" in shown and shown.count("0step") <= 1


# Bad input


BAD = {
    "small": (np.zeros((20, 40, 3), np.uint8), "Image 1 of X is 20 pixels high and 40 wide"),
    "NaN": (np.full((40, 40, 3), np.nan), "Image 1 of X contains NaN"),
    "range": (np.full((40, 40), 200.0), "from 200 to 200. Floats have to lie between 0 and 1"),
    "negative": (np.full((40, 40), -1), "Integers of other types"),
    "channels first": (np.zeros((3, 40, 40)), "Put channels last: image.transpose"),
    "bands": (np.zeros((40, 40, 7)), "7 channels"),
    "strings": (np.full((40, 40), "a"), "which are no numbers"),
    "16 bits": (np.full((40, 40), 65535, np.int32), r"make it uint16: np.asarray\(image\)"),
    "a film": (np.zeros((2, 40, 40, 3)), r"Image 1 of X is of shape \(2, 40, 40, 3\)"),
    "a number": (3.0, "is of shape"),
}


@each
@pytest.mark.parametrize("kind", BAD)
def test_bad_images_change_nothing(fitted, kind, photographs):
    bad, message = BAD[kind]
    before = dict(vars(fitted))
    for method in (fitted.transform, fitted.fit, fitted.partial_fit, fitted.score):
        with pytest.raises(ValueError, match=message):
            method([photographs[0], bad])
    assert vars(fitted) == before


@each
@pytest.mark.parametrize(
    "X, message",
    [
        ([], "holds no image"),
        (np.zeros((40, 40, 3)), r"a single image, or a table, of shape \(40, 40, 3\)"),
        (np.zeros((40, 40)), "a single image, or a table"),
        ("photo.jpg", "has to be a list of images, got str"),
        (["photo.jpg"], "PIL.Image.open"),
        (None, "has to be a list of images, got NoneType"),
        (np.zeros((0, 40, 40, 3)), "holds no image"),
    ],
)
def test_no_list_of_images(fitted, X, message):
    with pytest.raises(ValueError, match=message):
        fitted.transform(X)


@each
def test_styles_that_there_are_not(fitted, photographs):
    for style in ("monet", {"a": 1.0, "monet": 1.0}, 7):
        with pytest.raises(ValueError, match=r"There is no style .* There are: 'a', 'b', 'c'"):
            fitted.transform(photographs, style=style)
    with pytest.raises(ValueError, match=r"name of a style, or weights by name.* Got list"):
        fitted.transform(photographs, style=["a", "b", "a", "b"])
    half = fitted.transform(photographs[:1], style={"a": 1, "b": 1})
    assert_array_equal(fitted.transform(photographs[:1], style={"a": 1e308, "b": 1e308}), half)
    for style in ({"a": 0.0, "b": 0.0}, {}, {"a": -1, "b": 2}, {"a": np.nan}, {"a": "much"}):
        with pytest.raises(ValueError, match="numbers of 0 or more, and not all 0"):
            fitted.transform(photographs, style=style)


@each
def test_masks_that_do_not_fit(fitted, photographs):
    shapes = [one.shape[:2] for one in photographs]
    with pytest.raises(ValueError, match="X has 4 images, and mask 1"):
        fitted.transform(photographs, mask=[np.ones(shapes[0])])
    with pytest.raises(ValueError, match=r"X has 1 images, and mask 33. It is a list with a mask"):
        fitted.transform(photographs[:1], mask=np.ones(shapes[0]))
    wrong = [np.ones(shape) for shape in shapes[:3]] + [np.ones((9, 9))]
    with pytest.raises(ValueError, match=r"Mask 3 is of shape \(9, 9\), but image 3 of X is 41"):
        fitted.transform(photographs, mask=wrong)
    with pytest.raises(ValueError, match="have to lie between 0"):
        fitted.transform(photographs, mask=[2 * np.ones(shape) for shape in shapes])


def test_other_pictures_than_photographs(painter, photographs):
    with pytest.raises(ValueError, match="X has 4 images, and pictures 1"):
        painter.measure(photographs, photographs[:1])
    with pytest.raises(ValueError, match="Image 0 of pictures is of another size"):
        painter.measure(photographs[:1], photographs[1:2])


def test_a_flat_painting(photographs):
    """It is named, and gives its color."""
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 200
    for cls, params in zip(
        OF_IMAGES, ({"n_steps": 30, "lr": 0.1}, {"max_epochs": 100}), strict=True
    ):
        with pytest.warns(UserWarning, match="Painting 0, of style 'red', is of one color"):
            model = small(cls, **params)
            content = {"content": photographs} if cls is FastStyleTransfer else {}
            model.fit([red], ["red"], **content)
        made = model.transform(photographs[:1])
        assert np.isfinite(made[0]).all()
        losses = [model.measure(photographs[:1], one)["style"] for one in (made, photographs[:1])]
        assert losses[0] < losses[1]


def test_black_paintings(photographs):
    black = [np.zeros((40, 40, 3), np.uint8)]
    for cls in OF_IMAGES:
        with pytest.warns(UserWarning, match="of one color"):
            model = (
                small(cls).fit(black, content=photographs)
                if cls is FastStyleTransfer
                else (small(cls).fit(black))
            )
        assert np.isfinite(model.transform(photographs)[0]).all()


def test_warnings_as_errors_leave_it_whole():
    black = [np.zeros((40, 40, 3), np.uint8)]
    for cls in OF_IMAGES:
        model = small(cls)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="of one color"):
                model.fit(black)
        assert model.transform(black)


def test_parameters_that_cannot_be(paintings):
    with pytest.raises(ValueError, match="'n_steps' parameter"):
        small(StyleTransfer, n_steps=0).fit(paintings)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        small(FastStyleTransfer, alpha=1.5).fit(paintings)
    with pytest.raises(ValueError, match=r"'crop_size' parameter .* int in the range \[32, inf"):
        small(FastStyleTransfer, crop_size=1).fit(paintings)
    with pytest.raises(ValueError, match="'ridge' parameter"):
        small(FastStyleTransfer, matching=Transport(-1.0)).fit(paintings)
    with pytest.raises(ValueError, match="device='nowhere' is not available"):
        small(StyleTransfer, device="nowhere").fit(paintings)


def test_the_input_by_itself():
    column = ImageListInput().column(images(2))
    assert len(column) == 2 and column.take(slice(1, 2)).shape == (1, 3, 48, 37)
    whole = column.take(torch.tensor([0]))[0].permute(1, 2, 0).numpy()
    assert_array_equal(column.images[0].restored(whole), images(2)[0])


def test_crops():
    """Of all sizes between the one asked for and the shorter side, mirrored half the time."""
    ramp = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3))
    small_one = np.full((40, 50, 3), 9, np.uint8)
    column = ImageListInput().column([ramp, small_one])
    crops = Crops(column.images, 60)
    torch.manual_seed(0)
    drawn = crops.take(torch.zeros(200, dtype=torch.long))
    assert drawn.shape == (200, 3, 60, 60)
    widths = 255 * (drawn[:, 0, 30, -1] - drawn[:, 0, 30, 0])
    assert 59 <= widths.abs().min() < 63 and 94 < widths.abs().max() <= 100
    assert 70 < (widths < 0).sum() < 130
    assert_allclose(crops.take(slice(1, 2)), 9 / 255, rtol=1e-5)
    middle = 255 * Crops(column.images, 60, at_random=False).take(slice(0, 1))[0, 0, 0]
    assert middle[0] == pytest.approx(50.5, abs=1) and middle[-1] == pytest.approx(148.5, abs=1)
