"""Every model on a GPU: fits, infers, goes on, and comes back on a machine without one."""

import pickle

import numpy as np
import pytest
import torch
from small import CLASSES, TEXT_CLASSES, small, texts

from skgen import SkipThought
from skgen.inputs.images import TakesImages

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
    pytest.mark.filterwarnings("ignore"),
]

X = np.random.default_rng(0).normal(size=(300, 12))
Y = np.tile([0, 1, 2], 100)
ROWS = {"single": X.astype(np.float32), "double": X, "bytes": np.uint8(40 * X + 128)}
IMAGES = np.uint8(np.random.default_rng(1).integers(0, 256, size=(300, 8, 8, 3)))


def made(model, X):
    """What a model makes of rows, whatever kind it is."""
    if hasattr(model, "transform"):
        return np.asarray(model.transform(X))
    return np.asarray(model.sample(5, random_state=0))


def check(model, X):
    torch.cuda.init()
    there, here = torch.cuda.get_rng_state(), torch.get_rng_state()
    model.fit(X, Y)
    if hasattr(model, "net_"):  # a decomposition has none
        assert model.net_.device.startswith("cuda")
        assert all(weight.is_cuda for weight in model.net_.module_.parameters())
    first = made(model, X)
    assert np.isfinite(first).all()
    assert torch.equal(torch.cuda.get_rng_state(), there)
    assert torch.equal(torch.get_rng_state(), here)
    for method in ("score", "score_samples"):
        if hasattr(model, method):
            arguments = (X, Y) if method == "score" else (X,)
            assert np.isfinite(getattr(model, method)(*arguments)).all()
    if hasattr(model, "inverse_transform"):
        assert len(model.inverse_transform(model.transform(X[:7]))) == 7
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(made(loaded, X), first, rtol=1e-4, atol=1e-4)
    model.set_params(warm_start=True, max_epochs=1).fit(X, Y)
    if hasattr(model, "partial_fit"):
        model.partial_fit(X, Y)
    # Where there is no GPU, the networks are on the CPU after loading, and say the same.
    if hasattr(loaded, "net_") and hasattr(loaded, "transform"):
        loaded.device = loaded.net_.device = "cpu"
        loaded.net_.module_.to("cpu")
        np.testing.assert_allclose(made(loaded, X), first, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("model", CLASSES, ids=lambda cls: cls.__name__)
def test_rows(model, kind):
    check(small(model, max_epochs=2, random_state=0, batch_size=64, device="cuda"), ROWS[kind])


@pytest.mark.parametrize("stops", [False, True], ids=["", "early stopping"])
@pytest.mark.parametrize(
    "model", [cls for cls in CLASSES if issubclass(cls, TakesImages)], ids=lambda cls: cls.__name__
)
def test_images(model, stops):
    given = {"max_epochs": 2, "random_state": 0, "batch_size": 64, "early_stopping": stops}
    check(small(model, **given, device="cuda"), IMAGES)


@pytest.mark.parametrize("model", TEXT_CLASSES, ids=lambda cls: cls.__name__)
def test_texts(model):
    check(model(8, max_epochs=2, random_state=0, batch_size=64, device="cuda"), texts(300))


def test_decoders():
    settings = {"objective": "decode", "encoder": "gru", "n_noise": 5, "device": "cuda"}
    model = SkipThought(8, max_epochs=2, random_state=0, **settings)
    check(model, texts(300))
    assert len(model.generate_next(texts(5), temperature=1.0)) == 5


@pytest.mark.parametrize("model", CLASSES, ids=lambda cls: cls.__name__)
def test_same_seed_same_weights_nearly(model):
    """Sums on a GPU are in no fixed order: two fits differ by rounding, and not by their draws."""
    one, other = (
        small(model, max_epochs=1, random_state=0, batch_size=64, device="cuda").fit(
            ROWS["single"], Y
        )
        for _ in range(2)
    )
    np.testing.assert_allclose(
        made(one, ROWS["single"]), made(other, ROWS["single"]), rtol=0.01, atol=0.01
    )
