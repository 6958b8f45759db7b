import doctest
import os
import sys
import types
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.datasets import get_data_home

from skgen import datasets
from skgen.datasets import (
    _fashion_mnist,
    fetch_fashion_mnist,
    load_fashion_mnist_10k,
    make_avatars,
    make_chairs,
)

FULL = Path(os.environ.get("SKGEN_DATA", "")) / "fashion_mnist.npz"
needs_full = pytest.mark.skipif(
    not ("SKGEN_DATA" in os.environ and FULL.is_file()),
    reason="needs SKGEN_DATA, a folder that holds fashion_mnist.npz",
)


@pytest.fixture(scope="module")
def shipped():
    return load_fashion_mnist_10k()


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no network in this test")

    monkeypatch.setattr(_fashion_mnist, "fetch_openml", refuse)


@pytest.fixture
def openml(monkeypatch, shipped):
    """Let OpenML answer with blank images, but for those that skgen ships and three marks."""
    pixels = np.zeros((70_000, 784), dtype=np.uint8)
    pixels[shipped.index] = np.rint(shipped.data * 255)
    pixels[60_000, 0] = 51
    pixels[69_999, 783] = 102
    labels = np.full(70_000, "0", dtype=object)  # OpenML's labels are strings
    labels[shipped.index] = shipped.target.astype(str)
    labels[60_000], labels[69_999] = "7", "9"
    calls = []

    def answer(name, **kwargs):
        calls.append((name, kwargs["version"]))
        assert kwargs["return_X_y"] and kwargs["as_frame"] is False
        return pixels, labels

    monkeypatch.setattr(_fashion_mnist, "fetch_openml", answer)
    return pixels, labels, calls


def test_shipped_arrays(shipped):
    assert shipped.data.shape == (10_000, 784)
    assert shipped.data.dtype == np.float32
    assert shipped.data.min() == 0 and shipped.data.max() == 1
    assert shipped.images.shape == (10_000, 28, 28)
    assert np.shares_memory(shipped.images, shipped.data)
    assert np.issubdtype(shipped.target.dtype, np.signedinteger)
    np.testing.assert_array_equal(np.bincount(shipped.target), np.full(10, 1000))


def test_shipped_rows_are_shuffled(shipped):
    # In every thousand rows there are about a hundred of each class.
    for part in np.split(shipped.target, 10):
        assert np.bincount(part, minlength=10).min() > 60


def test_shipped_index(shipped):
    assert shipped.index.dtype == np.int32
    assert len(np.unique(shipped.index)) == 10_000
    assert shipped.index.min() >= 0 and shipped.index.max() < 60_000


@needs_full
def test_shipped_rows_are_those_of_the_official_training_split(shipped):
    with np.load(FULL, allow_pickle=False) as full:
        X, y = full["X_train"], full["y_train"]
    np.testing.assert_array_equal(np.rint(shipped.images * 255), X[shipped.index])
    np.testing.assert_array_equal(shipped.target, y[shipped.index])


def test_bunch(shipped):
    assert set(shipped) == {
        "DESCR",
        "data",
        "feature_names",
        "filename",
        "images",
        "index",
        "license",
        "target",
        "target_names",
    }
    assert len(shipped.feature_names) == len(set(shipped.feature_names)) == 784
    assert shipped.feature_names[29] == "pixel_1_1"
    assert len(shipped.target_names) == 10 and shipped.target_names[9] == "Ankle boot"
    assert shipped.license == "MIT" and "MIT" in shipped.DESCR
    assert "1708.07747" in shipped.DESCR
    assert Path(shipped.filename).is_file()


def test_bunches_share_nothing(shipped):
    other = load_fashion_mnist_10k()
    other.target_names.clear()
    other.data[:] = -1
    assert len(load_fashion_mnist_10k().target_names) == 10
    assert shipped.data.min() == 0


def test_return_X_y(shipped):
    X, y = load_fashion_mnist_10k(return_X_y=True)
    np.testing.assert_array_equal(X, shipped.data)
    np.testing.assert_array_equal(y, shipped.target)


def test_docstring_example():
    (test,) = doctest.DocTestFinder(recurse=False).find(
        load_fashion_mnist_10k, "load_fashion_mnist_10k", module=False
    )
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@needs_full
@pytest.mark.parametrize(("subset", "n_rows"), [("train", 60_000), ("test", 10_000)])
def test_fetch_from_skgen_data(subset, n_rows, no_network):
    X, y = fetch_fashion_mnist(subset=subset, return_X_y=True)
    assert X.shape == (n_rows, 784) and X.dtype == np.float32
    assert X.min() == 0 and X.max() == 1
    np.testing.assert_array_equal(np.bincount(y), np.full(10, n_rows // 10))


def test_skgen_data_goes_first(tmp_path, monkeypatch, no_network):
    given, home = tmp_path / "given", tmp_path / "home"
    for folder, level in [(given, 51), (home, 102)]:
        folder.mkdir()
        pixels = np.full((2, 28, 28), level, dtype=np.uint8)
        label = np.array([1, 2], dtype=np.uint8)
        np.savez(
            folder / "fashion_mnist.npz", X_train=pixels, y_train=label, X_test=pixels, y_test=label
        )
    monkeypatch.setenv("SKGEN_DATA", str(given))
    found = fetch_fashion_mnist(data_home=home)
    np.testing.assert_allclose(found.data, 0.2)
    assert found.filename == str(given / "fashion_mnist.npz")
    assert np.shares_memory(found.images, found.data)
    monkeypatch.delenv("SKGEN_DATA")
    np.testing.assert_allclose(fetch_fashion_mnist(data_home=home).data, 0.4)


def test_fetch_splits_openml_rows_and_keeps_them(tmp_path, monkeypatch, openml, shipped):
    _, _, calls = openml
    monkeypatch.delenv("SKGEN_DATA", raising=False)
    X_test, y_test = fetch_fashion_mnist(subset="test", data_home=tmp_path, return_X_y=True)
    assert X_test.shape == (10_000, 784)
    np.testing.assert_allclose([X_test[0, 0], X_test[-1, -1]], [0.2, 0.4])
    assert X_test.sum() == pytest.approx(0.6)
    assert (y_test[0], y_test[-1]) == (7, 9)

    # The rest comes out of the file that the first call left, without a second download.
    X, y = fetch_fashion_mnist(data_home=tmp_path, download_if_missing=False, return_X_y=True)
    assert X.shape == (60_000, 784)
    np.testing.assert_array_equal(X[shipped.index], shipped.data)
    np.testing.assert_array_equal(y[shipped.index], shipped.target)
    everything = fetch_fashion_mnist(subset="all", data_home=tmp_path)
    np.testing.assert_array_equal(everything.data[:60_000], X)
    np.testing.assert_array_equal(everything.data[60_000:], X_test)
    np.testing.assert_array_equal(everything.target, np.concatenate([y, y_test]))
    assert calls == [("Fashion-MNIST", 1)]
    assert [file.name for file in tmp_path.iterdir()] == ["fashion_mnist.npz"]


def test_openml_rows_in_another_order_are_refused(tmp_path, monkeypatch, openml):
    pixels, _, _ = openml
    pixels[:] = pixels[::-1].copy()
    monkeypatch.delenv("SKGEN_DATA", raising=False)
    with pytest.raises(ValueError, match="official order"):
        fetch_fashion_mnist(data_home=tmp_path)
    assert not any(tmp_path.iterdir())


def test_an_interrupted_download_leaves_no_file(tmp_path, monkeypatch, openml):
    def stop(path, **arrays):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.delenv("SKGEN_DATA", raising=False)
    monkeypatch.setattr(np, "savez_compressed", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_fashion_mnist(data_home=tmp_path)
    assert not any(tmp_path.iterdir())


def test_no_network_error_says_both_ways(tmp_path, monkeypatch, no_network):
    monkeypatch.delenv("SKGEN_DATA", raising=False)
    with pytest.raises(OSError, match="could not be fetched") as caught:
        fetch_fashion_mnist(data_home=tmp_path)
    message = str(caught.value)
    assert "SKGEN_DATA is not set" in message
    assert "set the environment variable SKGEN_DATA to a folder that holds" in message
    assert "run this once with a network connection" in message
    assert str(tmp_path / "fashion_mnist.npz") in message
    assert isinstance(caught.value.__cause__, URLError)


def test_error_names_scikit_learns_data_home_by_default(tmp_path, monkeypatch, no_network):
    monkeypatch.delenv("SKGEN_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "learn"))
    with pytest.raises(OSError) as caught:
        fetch_fashion_mnist()
    assert get_data_home() == str(tmp_path / "learn")
    assert get_data_home() in str(caught.value)


def test_skgen_data_without_the_file(tmp_path, monkeypatch, no_network):
    empty = tmp_path / "empty"
    monkeypatch.setenv("SKGEN_DATA", str(empty))
    with pytest.raises(OSError) as caught:
        fetch_fashion_mnist(data_home=tmp_path)
    assert f"SKGEN_DATA is set to {str(empty)!r}, but that folder has no" in str(caught.value)


def test_download_if_missing_false_asks_no_one(tmp_path, monkeypatch, openml):
    _, _, calls = openml
    monkeypatch.delenv("SKGEN_DATA", raising=False)
    with pytest.raises(OSError, match="download_if_missing=False"):
        fetch_fashion_mnist(data_home=tmp_path, download_if_missing=False)
    assert calls == []


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: fetch_fashion_mnist(subset="valid"), "subset"),
        (lambda: fetch_fashion_mnist(data_home=3), "data_home"),
        (lambda: fetch_fashion_mnist(download_if_missing="no"), "download_if_missing"),
        (lambda: load_fashion_mnist_10k(return_X_y="yes"), "return_X_y"),
    ],
)
def test_wrong_parameters(call, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
        call()


def test_public_names():
    assert datasets.__all__ == sorted(datasets.__all__)


@pytest.fixture(scope="module")
def avatars():
    pytest.importorskip("python_avatars")
    pytest.importorskip("resvg_py")
    return make_avatars(150, size=32, random_state=0)


def test_avatars_are_drawn_from_their_attributes(avatars):
    assert avatars.images.shape == (150, 32, 32, 3) and avatars.images.dtype == np.uint8
    again = make_avatars(150, size=32, random_state=0)
    np.testing.assert_array_equal(avatars.images, again.images)
    attributes = avatars.attributes
    assert {len(values) for values in attributes.values()} == {150}
    assert not (attributes["moustache"] & attributes["beard"]).any()
    assert not (attributes["glasses"] & attributes["sunglasses"]).any()
    for name in ("moustache", "glasses"):
        assert 0.1 < attributes[name].mean() < 0.5
    none = attributes["facial_hair"] == "NONE"
    np.testing.assert_array_equal(none, ~(attributes["moustache"] | attributes["beard"]))
    np.testing.assert_array_equal(np.median(avatars.images[:, 0, 0], axis=0), [226, 236, 245])


def test_facial_hair_shows(avatars):
    """The mouth's surroundings differ between faces that have facial hair and those that don't."""
    attributes = avatars.attributes
    bald_lip = attributes["facial_hair"] == "NONE"
    lip = avatars.images[:, 17:20, 13:19].astype(float)
    spread = lip.std(axis=(1, 2)).mean(axis=1)
    assert spread[attributes["moustache"]].mean() > 1.5 * spread[bald_lip].mean()


def test_avatars_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    monkeypatch.setitem(sys.modules, "python_avatars", types.ModuleType("python_avatars"))
    with pytest.raises(ImportError, match=r"needs resvg_py: pip install 'scikit-gen\[avatars\]'"):
        make_avatars(3)


# Chairs of boxes


def test_chairs_are_rendered_as_their_attributes_say():
    data = make_chairs(3, n_azimuths=4, elevations=(0, 90), size=24, random_state=0)
    assert data.images.shape == (24, 24, 24, 4) and data.images.dtype == np.uint8
    views = data.images.reshape(3, 2, 4, 24, 24, 4)
    attributes = {name: values.reshape(3, 2, 4) for name, values in data.attributes.items()}
    assert (attributes["azimuth"][1, 1] == [0, 90, 180, 270]).all()
    assert (attributes["elevation"][:, 1] == 90).all()
    assert (attributes["chair"][2] == "chair 2").all()
    masks = views[..., 3].astype(int)
    # Of parallel rays the back shows the front's outline, and the left the right's, mirrored.
    for one, other in ((0, 2), (1, 3)):
        assert np.abs(masks[:, 0, one] - masks[:, 0, other, :, ::-1]).mean() < 3
    # From above, another azimuth is the same image turned around.
    turned = np.rot90(masks[:, 1, 1], k=1, axes=(1, 2))
    straight, back = masks[:, 1, 0], np.rot90(masks[:, 1, 1], k=-1, axes=(1, 2))
    assert min(np.abs(straight - turned).mean(), np.abs(straight - back).mean()) < 3


def test_chairs_are_those_of_the_seed():
    first, more = (make_chairs(n, n_azimuths=2, size=16, random_state=5) for n in (2, 4))
    np.testing.assert_array_equal(more.images[:8], first.images)
    other = make_chairs(2, n_azimuths=2, size=16, random_state=6)
    assert (other.images != first.images).any()


@pytest.mark.parametrize("elevations", [[], [100], [[10]]])
def test_elevations_that_are_refused(elevations):
    with pytest.raises(ValueError, match="elevations has to hold degrees from -90 to 90"):
        make_chairs(1, elevations=elevations)
