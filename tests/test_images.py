"""Images as input: layouts, ranges and sizes, and the networks that see them."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch.nn import functional

from skgen import ConvAutoencoder
from skgen.corruptions import Dropout, ErasedPatches, MaskedPixels
from skgen.inputs import ScaledColumn
from skgen.networks.convolutional import ResizeConv, as_images, as_rows
from skgen.penalties import KL, Contractive

SMALL = {"n_filters": (4, 8), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def images(digits):
    return digits.reshape(-1, 8, 8)


@pytest.mark.filterwarnings("ignore:A code of n_components=3 for 1 features")
@pytest.mark.parametrize("shape", [(9, 7), (8, 12, 3), (1, 1), (1, 30), (5, 1, 2), (31, 17, 1)])
@pytest.mark.parametrize("n_components", [None, 3])
def test_any_size_and_layout_comes_back(shape, n_components):
    X = np.random.default_rng(0).normal(size=(30, *shape))
    model = ConvAutoencoder(n_components, **SMALL).fit(X)
    codes = model.transform(X)
    assert model.inverse_transform(codes).shape == X.shape
    assert codes.shape == (30, np.prod(model.code_shape_)) == (30, model.n_components_)
    assert model.image_shape_ == shape
    assert model.compression_rate_ == np.prod(shape) / model.n_components_


def test_the_layout_makes_no_difference(images):
    from_images = ConvAutoencoder(5, **SMALL).fit(images)
    with_channel = ConvAutoencoder(5, **SMALL).fit(images[..., None])
    from_rows = ConvAutoencoder(5, image_shape=(8, 8), **SMALL).fit(images.reshape(-1, 64))
    codes = from_images.transform(images)
    np.testing.assert_array_equal(with_channel.transform(images[..., None]), codes)
    np.testing.assert_array_equal(from_rows.transform(images.reshape(-1, 64)), codes)
    np.testing.assert_array_equal(from_rows.transform(images), codes)
    assert from_rows.inverse_transform(codes).shape == (len(images), 64)
    assert with_channel.inverse_transform(codes).shape == (len(images), 8, 8, 1)
    assert [m.image_shape_ for m in (from_images, with_channel, from_rows)] == [
        (8, 8),
        (8, 8, 1),
        (8, 8),
    ]


def test_rows_without_a_shape_are_lines(digits):
    model = ConvAutoencoder(5, **SMALL).fit(pd.DataFrame(digits))
    assert model.image_shape_ == (1, 64) and model.value_range_ is None
    assert model.net_.module_.encoder[1][0].kernel_size == (1, 3)


def test_bytes_are_like_their_floats(images):
    as_bytes = (images * 15).astype(np.uint8)
    of_bytes = ConvAutoencoder(5, **SMALL).fit(as_bytes)
    of_floats = ConvAutoencoder(5, **SMALL).fit(as_bytes.astype(np.float32))
    assert of_bytes.value_range_ == (0, 255) and of_floats.value_range_ == (0, 240)
    codes = of_bytes.transform(as_bytes)
    np.testing.assert_allclose(codes, of_floats.transform(as_bytes), rtol=1e-4, atol=1e-5)
    assert codes.dtype == np.float32


def test_what_comes_back_stays_in_range(images):
    model = ConvAutoencoder(5, **SMALL).fit(images / 16)
    assert model.value_range_ == (0, 1)
    far = model.inverse_transform(np.full((3, 5), 1000.0))
    assert far.min() >= 0 and far.max() <= 1 and np.ptp(far) > 0


def test_cross_entropy_takes_the_range_of_images(images):
    model = ConvAutoencoder(5, loss="binary_cross_entropy", **{**SMALL, "batch_size": 16})
    bytes_ = (images * 15).astype(np.uint8)
    assert 0.05 < model.fit(bytes_).score(bytes_) < 1
    restored = model.inverse_transform(model.transform(bytes_))
    assert restored.min() >= 0 and 100 < restored.max() <= 255


def test_the_code_is_an_image(images):
    model = ConvAutoencoder(n_code_filters=3, **SMALL)
    codes = model.fit(images).transform(images)
    assert model.code_shape_ == (2, 2, 3) and codes.shape[1] == 12
    # A change in one corner of the image does not reach the opposite corner of the code.
    other = images[:1].copy()
    other[0, 0, 0] += 5
    changed = (model.transform(other) != model.transform(images[:1])).reshape(2, 2, 3).any(axis=2)
    assert changed[0, 0] and not changed[1, 1]


def test_default_compression():
    X = np.zeros((4, 64, 64, 3), np.uint8)
    model = ConvAutoencoder(max_epochs=1, random_state=0).fit(X)
    assert model.code_shape_ == (8, 8, 24) and model.compression_rate_ == 8


def test_hidden_features_are_means_over_the_image(images):
    model = ConvAutoencoder(5, features="hidden", **SMALL).fit(images)
    hidden = model.transform(images)
    assert hidden.shape == (len(images), 12) == (len(images), len(model.get_feature_names_out()))
    with pytest.raises(ValueError, match='Set features="code" to decode'):
        model.inverse_transform(hidden)
    network = model.net_.module_.double()
    x = model.scaling_.apply(torch.from_numpy(images.reshape(-1, 64)).double())
    first = network.encoder[1](as_images(x, (8, 8, 1)))
    expected = first.mean(dim=(2, 3)).detach().numpy()
    np.testing.assert_allclose(hidden[:, :4], expected, rtol=1e-4, atol=1e-5)


def test_in_a_pipeline_and_searched_over(images):
    from sklearn.linear_model import LogisticRegression

    y = images[:, 4, 4] > 8
    pipeline = make_pipeline(ConvAutoencoder(4, **SMALL), LogisticRegression())
    search = GridSearchCV(pipeline, {"convautoencoder__n_filters": [(4,), (4, 8)]}, cv=2)
    assert np.isfinite(search.fit(images, y).cv_results_["mean_test_score"]).all()


def test_what_was_built_with_cannot_change(images):
    model = ConvAutoencoder(5, warm_start=True, **SMALL).fit(images)
    with pytest.raises(ValueError, match=r"n_filters was \[4, 8\] when the networks were built"):
        model.set_params(n_filters=(4, 4)).fit(images)


def test_partial_fit_and_pickle(images):
    model = ConvAutoencoder(5, **SMALL).fit(images)
    loaded = pickle.loads(pickle.dumps(model)).partial_fit(images[:200])
    assert loaded.n_iter_ == 3
    np.testing.assert_array_equal(
        loaded.transform(images), model.partial_fit(images[:200]).transform(images)
    )


def test_penalties_on_convolutional_codes(images):
    kl = ConvAutoencoder(penalty=KL(1.0, target_rate=0.2), code_activation="sigmoid", **SMALL)
    assert abs(kl.fit(images).transform(images).mean() - 0.2) < 0.05
    contractive = ConvAutoencoder(5, penalty=Contractive(0.1), **SMALL).fit(images)
    plain = ConvAutoencoder(5, **SMALL).fit(images)
    assert contractive.transform(images).std() < 0.8 * plain.transform(images).std()


# Bad input


def test_images_of_different_sizes():
    X = [np.zeros((8, 8)), np.zeros((8, 9))]
    with pytest.raises(ValueError, match=r"differ in size: \(8, 8\), \(8, 9\). Resize or crop"):
        ConvAutoencoder().fit(X)


def test_channels_first():
    X = np.random.default_rng(0).normal(size=(10, 3, 16, 12))
    with pytest.raises(ValueError, match=r"channels came first.*X.transpose\(0, 2, 3, 1\)"):
        ConvAutoencoder().fit(X)
    said = ConvAutoencoder(2, image_shape=(3, 16, 12), **SMALL).fit(X)
    assert said.image_shape_ == (3, 16, 12)


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((8, 9), r"image_shape=\(8, 9\) stands for 72 numbers an image, but X has 64 columns"),
        ((64,), r"image_shape has to be \(height, width\)"),
        ((8, 0), "all of them at least 1"),
        ((8.0, 8.0), "all of them at least 1"),
    ],
)
def test_a_wrong_image_shape(digits, image_shape, message):
    with pytest.raises(ValueError, match=message):
        ConvAutoencoder(image_shape=image_shape).fit(digits)


def test_image_shape_against_the_images(images):
    with pytest.raises(ValueError, match=r"image_shape=\(4, 16\), but the images of X are"):
        ConvAutoencoder(image_shape=(4, 16)).fit(images)


def test_five_dimensions():
    with pytest.raises(ValueError, match="X has 5 dimensions"):
        ConvAutoencoder().fit(np.zeros((4, 2, 2, 2, 2)))


def test_images_unlike_those_of_fit(images):
    model = ConvAutoencoder(5, **SMALL).fit(images)
    with pytest.raises(ValueError, match=r"of shape \(8, 9\), but ConvAutoencoder was fitted on"):
        model.transform(np.zeros((3, 8, 9)))
    with pytest.raises(ValueError, match=r"a single image.*X\[np.newaxis\]"):
        model.transform(images[0])
    with pytest.raises(ValueError, match="has 63 features"):
        model.transform(np.zeros((3, 63)))
    with pytest.raises(ValueError, match="contains NaN"):
        model.transform(np.full((3, 8, 8), np.nan))


def test_a_failed_fit_costs_nothing(images):
    model = ConvAutoencoder(5, **SMALL).fit(images)
    before = model.transform(images)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        model.fit(images[:1])
    with pytest.raises(ValueError, match="0 sample"):
        model.fit(images[:0])
    np.testing.assert_array_equal(model.transform(images), before)
    with pytest.raises(NotFittedError):
        ConvAutoencoder().transform(images)


@pytest.mark.parametrize("n_filters", [(), (0,), (2.5,)])
def test_filters_are_checked(images, n_filters):
    with pytest.raises(ValueError, match="n_filters"):
        ConvAutoencoder(n_filters=n_filters).fit(images)


# Networks and corruptions


@pytest.mark.parametrize("size", [(8, 6), (7, 5), (3, 4), (2, 2)])
def test_resize_conv_repeats_pixels_and_convolves(size):
    torch.manual_seed(0)
    layer = ResizeConv(3, 2, size)
    x = torch.randn(5, 3, -(-size[0] // 2), -(-size[1] // 2))
    doubled = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    # A transposed convolution turns its kernel round.
    kernel = layer.weight.transpose(0, 1).flip(2, 3)
    whole = functional.conv2d(doubled, kernel, layer.bias, padding=1)
    expected = whole[:, :, size[0] % 2 :, size[1] % 2 :]
    torch.testing.assert_close(layer(x), expected)


def test_no_checkerboard():
    """A flat image stays flat but for its edge, whatever the weights."""
    torch.manual_seed(0)
    out = ResizeConv(3, 4, (12, 12))(torch.ones(1, 3, 6, 6)).detach()
    inner = out[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, inner[:, :, :1, :1].expand_as(inner))


def test_rows_and_images():
    rows = torch.arange(24.0).reshape(2, 12)
    images = as_images(rows, (2, 2, 3))
    assert images.shape == (2, 3, 2, 2) and images.data_ptr() == rows.data_ptr()
    assert images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(as_rows(images), rows)


def test_erased_patches():
    torch.manual_seed(0)
    x = torch.ones(200, 3, 10, 20)
    erased = ErasedPatches(0.4)(x) == 0
    assert (erased.sum(dim=(1, 2, 3)) == 3 * 4 * 8).all()
    one = erased[0, 0]
    rows, columns = one.any(dim=1).nonzero().flatten(), one.any(dim=0).nonzero().flatten()
    assert (rows.diff() == 1).all() and (columns.diff() == 1).all()
    assert (erased.any(dim=1) == erased.all(dim=1)).all()  # all channels
    reached = erased.any(dim=0)[0]
    assert reached[0, 0] and reached[-1, -1]  # anywhere, corners too
    twice = ErasedPatches(0.4, n_patches=2)(x) == 0
    assert 32 < twice.float().mean(dim=0).sum() / 3 < 64
    torch.testing.assert_close(ErasedPatches(0.0)(x), x)
    assert not ErasedPatches(1.0)(x).any()


def test_masked_pixels():
    torch.manual_seed(0)
    out = MaskedPixels(0.25)(torch.ones(50, 3, 20, 20))
    torch.testing.assert_close(out.unique(), torch.tensor([0.0, 4 / 3]))
    assert (out == out[:, :1]).all()
    assert out.mean() == pytest.approx(1, abs=0.02)


def test_a_corruption_of_images_needs_images(digits):
    with pytest.raises(ValueError, match="needs images, and got rows of 64 numbers"):
        ErasedPatches()(torch.from_numpy(digits))


@pytest.fixture(scope="module")
def plain(images):
    settings = {"n_filters": (16, 32), "max_epochs": 15, "batch_size": 32, "random_state": 0}
    return ConvAutoencoder(24, **settings).fit(images / 16)


@pytest.mark.parametrize("corruption", [ErasedPatches(0.5), MaskedPixels(0.5), Dropout(0.5)])
def test_what_was_erased_is_filled_in(images, plain, corruption):
    clean = images / 16
    torch.manual_seed(3)
    trained = clone(plain).set_params(corruption=corruption).fit(clean)
    units = plain.scaling_.apply(torch.from_numpy(clean.reshape(-1, 64)))
    distorted = as_rows(corruption(as_images(units, (8, 8, 1))))
    broken = plain.scaling_.undo(distorted).numpy().reshape(-1, 8, 8)

    def error(model):
        return np.mean((model.inverse_transform(model.transform(broken)) - clean) ** 2)

    assert error(trained) < 0.8 * error(plain)


# What a reviewer found


@pytest.mark.parametrize(
    "container", [list, pd.Series, lambda X: np.array([*X, None], object)[:-1]]
)
def test_images_one_by_one(images, container):
    model = ConvAutoencoder(5, **SMALL).fit(images)
    several = container(list(images[:20]))
    assert len(several) == 20
    np.testing.assert_array_equal(model.transform(several), model.transform(images[:20]))
    with pytest.raises(ValueError, match="differ in size"):
        model.transform(container([np.zeros((8, 8)), np.zeros((9, 8))]))


def test_lists_of_rows(digits):
    model = ConvAutoencoder(5, **SMALL).fit(digits[:50].tolist())
    assert model.image_shape_ == (1, 64)


def test_erased_patches_of_lines():
    x = torch.ones(50, 1, 1, 64)
    assert ((ErasedPatches(0.4)(x) == 0).sum(dim=(1, 2, 3)) == 26).all()


def test_images_of_codes_get_noise(images):
    noisy = ConvAutoencoder(code_noise=MaskedPixels(0.5), **SMALL).fit(images)
    plain = ConvAutoencoder(**SMALL).fit(images)
    assert noisy.loss_curve_[0] > plain.loss_curve_[0]
    with pytest.raises(ValueError, match="or on its code if that is an image"):
        ConvAutoencoder(5, code_noise=MaskedPixels(0.5), **SMALL).fit(images)


def test_the_shape_cannot_change(digits):
    model = ConvAutoencoder(5, image_shape=[8, 8], warm_start=True, **SMALL).fit(digits)
    model.set_params(image_shape=np.array([8, 8])).fit(digits)
    assert model.image_shape_ == (8, 8) and type(model.image_shape_[0]) is int
    with pytest.raises(ValueError, match=r"image_shape was \(8, 8\) when the networks were built"):
        model.set_params(image_shape=(4, 16)).fit(digits)


def test_signals_of_two_channels():
    X = np.random.default_rng(0).normal(size=(20, 1, 64, 2))
    assert ConvAutoencoder(5, **SMALL).fit(X).image_shape_ == (1, 64, 2)


def test_a_flat_row_is_no_image():
    X = np.random.default_rng(0).normal(size=(20, 1, 64))
    model = ConvAutoencoder(5, **SMALL).fit(X)
    np.testing.assert_allclose(
        model.transform(X[0].reshape(1, 64)), model.transform(X[:1]), rtol=1e-6
    )


def test_later_chunks_widen_the_range(images):
    model = ConvAutoencoder(5, **SMALL).partial_fit(images[:100] / 100)
    assert model.value_range_ == (0, 1)
    assert model.partial_fit(images[100:]).value_range_ == (0, 16)


def test_features_of_the_fitted_network(images):
    model = ConvAutoencoder(5, features="hidden", **SMALL).fit(images).set_params(n_filters=(4,))
    assert len(model.get_feature_names_out()) == model.transform(images).shape[1] == 12


def test_a_large_image_code_is_warned_of(images):
    with pytest.warns(UserWarning, match="A code of n_components=256 for 64 features"):
        ConvAutoencoder(n_code_filters=64, **SMALL).fit(images)


def test_bytes_stay_bytes(images, monkeypatch):
    """No copy of the whole set is made in floating point."""
    asked = []
    original = ScaledColumn.take

    def take(column, index):
        rows = original(column, index)
        asked.append((column.X.dtype, len(rows)))
        return rows

    monkeypatch.setattr(ScaledColumn, "take", take)
    monkeypatch.setattr("skgen.engine.batches._BLOCK_BYTES", 1)
    X = (images * 15).astype(np.uint8)
    ConvAutoencoder(5, batch_size=32, **SMALL).fit(X)
    assert len(asked) > 2 * len(X) / 33
    assert all(dtype == np.uint8 and n_rows <= 33 for dtype, n_rows in asked)


def test_decoding_takes_little_at_once():
    """A code is small, the image it stands for is not."""
    X = np.random.default_rng(0).normal(size=(6, 40, 40, 3)).astype(np.float32)
    model = ConvAutoencoder(2, n_filters=(2, 2), max_epochs=1, random_state=0).fit(X)
    sizes = []
    hook = model.net_.module_.decoder.register_forward_hook(
        lambda layer, inputs, output: sizes.append(output.nbytes)
    )
    model.inverse_transform(np.zeros((500, 2), np.float32))
    hook.remove()
    assert max(sizes) <= 1 << 20 and len(sizes) > 1
