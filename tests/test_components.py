"""Corruptions, losses, penalties, scaling and batches against closed forms."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError
from small import small

import skgen
from skgen import DenoisingAutoencoder, RedundantAutoencoder
from skgen.autoencoders._base import Reconstruction
from skgen.corruptions import (
    CORRUPTIONS,
    Compose,
    Dropout,
    Gaussian,
    Masking,
    SaltAndPepper,
    Swap,
    corruption_at,
)
from skgen.engine import Rows
from skgen.engine.batches import batch_sizes
from skgen.inputs import ScaledColumn, Scaling
from skgen.losses import LOSSES, AbsoluteError, BinaryCrossEntropy, Huber, SquaredError
from skgen.metrics import hoyer_sparsity
from skgen.networks.dense import ACTIVATIONS, DenseAutoencoder, TopK
from skgen.penalties import KL, L1, Contractive


@pytest.fixture
def x():
    return torch.randn(2000, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)  # not that of x, lest what is drawn goes along with it


# Corruptions


def test_gaussian(x):
    noise = Gaussian(0.7)(x) - x
    assert noise.std().item() == pytest.approx(0.7, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert torch.equal(Gaussian(0.0)(x), x)


def test_masking(x):
    masked = Masking(0.3)(x)
    assert (masked == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(masked[masked != 0], x[masked != 0])


def test_dropout_keeps_the_mean(x):
    x = x + 3
    dropped = Dropout(0.3)(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], x[kept] / 0.7)
    assert dropped.mean().item() == pytest.approx(3, abs=0.05)
    assert torch.equal(Dropout(0.0)(x), x)


def test_salt_and_pepper(x):
    distorted = SaltAndPepper(0.2)(x)
    low, high = x.min(dim=0).values, x.max(dim=0).values
    assert (distorted == low).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert (distorted == high).float().mean().item() == pytest.approx(0.1, abs=0.02)
    changed = distorted != x
    assert ((distorted == low) | (distorted == high))[changed].all()


def test_swap_keeps_columns_and_breaks_rows(x):
    x[:, 1] = x[:, 0]
    swapped = Swap(0.4)(x)
    changed = swapped != x
    assert changed.float().mean().item() == pytest.approx(0.4, abs=0.02)
    for column in range(5):
        assert torch.isin(swapped[:, column], x[:, column]).all()
    both = changed[:, 0] & changed[:, 1]
    assert (swapped[both, 0] != swapped[both, 1]).float().mean() > 0.9  # each from a row of its own


def test_a_corruption_by_name():
    assert corruption_at("dropout", None) == Dropout()
    assert corruption_at("gaussian", 0) == Gaussian(0)
    with pytest.raises(
        InvalidParameterError, match=r"'level' parameter of Dropout .* \[0.0, 1.0\)"
    ):
        corruption_at("dropout", 1.0)


# Every model that takes one, by the name of its parameter.
CORRUPTED = [
    (getattr(skgen, name), parameter)
    for name in skgen.__all__
    for parameter in ("corruption", "code_noise")
    if hasattr(getattr(skgen, name), "__dataclass_fields__")
    and parameter in getattr(skgen, name).__dataclass_fields__
]


@pytest.mark.parametrize(("cls", "parameter"), CORRUPTED)
def test_every_model_takes_a_list_of_corruptions(cls, parameter, x):
    X, y = x[:60].numpy(), np.repeat([0, 1, -1], 20)

    def loss(corruption):
        model = small(cls, **{parameter: corruption}, max_epochs=1, random_state=0)
        return clone(model).fit(X, y).loss_curve_

    several = [Masking(0.2), Gaussian(0.3)]
    assert loss(several) == loss(Compose(several)) == loss(tuple(several))
    assert loss([Masking(), "gaussian"]) == loss(Compose([Masking(), Gaussian()]))
    assert loss(["gaussian"]) == loss("gaussian") != loss(several)
    for wrong, match in [([3], "takes objects .* got 3"), (["salt"], "got 'salt'")]:
        with pytest.raises(ValueError, match=match):
            loss(wrong)


def test_a_list_has_levels_of_its_own():
    for model in (
        DenoisingAutoencoder(corruption=["gaussian"], corruption_level=0.2),
        RedundantAutoencoder(code_noise=["gaussian"], code_noise_level=0.2),
    ):
        with pytest.raises(ValueError, match=r"\['gaussian'\] has a level of its own"):
            model.fit(np.eye(8))


@pytest.mark.parametrize("kind", CORRUPTIONS.values())
def test_corruptions_are_values(kind, x):
    corruption = kind(0.25)
    before = x.clone()
    corruption(x)
    assert torch.equal(x, before)
    for twin in (clone(corruption), pickle.loads(pickle.dumps(corruption)), kind(0.25)):
        assert twin == corruption and hash(twin) == hash(corruption)
    assert kind(0.5) != corruption
    assert hash(kind(1)) == hash(kind(1.0)) and kind(1) == kind(1.0)
    assert repr(corruption) == f"{kind.__name__}(level=0.25)"
    assert corruption.set_params(level=0.5).get_params() == {"level": 0.5}


# Losses and penalties


@pytest.mark.parametrize(
    "loss, expected",
    [
        (SquaredError(), (0.25 + 4 + 0 + 0) / 4),
        (AbsoluteError(), (0.5 + 2 + 0 + 0) / 4),
        (Huber(1.0), (0.125 + 1.5 + 0 + 0) / 4),
        (Huber(0.5), (0.125 + 0.875 + 0 + 0) / 4),
    ],
)
def test_losses_are_means_over_rows_and_features(loss, expected):
    output = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    target = torch.tensor([[1.5, 0.0], [3.0, 4.0]])
    assert loss(output, target).item() == pytest.approx(expected)


def test_binary_cross_entropy():
    output, target = torch.tensor([[0.25, 0.5]]), torch.tensor([[1.0, 0.5]])
    expected = -(np.log(0.25) + np.log(0.5)) / 2
    assert BinaryCrossEntropy()(output, target).item() == pytest.approx(expected)
    assert set(LOSSES) == {"squared_error", "absolute_error", "huber", "binary_cross_entropy"}


def test_l1_is_a_sum_over_units_and_a_mean_over_rows():
    code = torch.tensor([[1.0, -2.0, 0.0], [0.5, 0.5, 0.0]])
    assert L1(0.1)(None, None, code).item() == pytest.approx(0.1 * (3 + 1) / 2)


def test_kl_is_0_at_the_target_and_a_sum_over_units():
    code = torch.tensor([[0.1, 0.5], [0.3, 0.5]])  # rates .2 and .5
    assert KL(1.0, target_rate=0.2)(None, None, code[:, :1]).item() == pytest.approx(0, abs=1e-6)
    expected = 0.2 * np.log(0.2 / 0.5) + 0.8 * np.log(0.8 / 0.5)
    assert KL(3.0, target_rate=0.2)(None, None, code).item() == pytest.approx(3 * expected)
    never = KL(1.0)(None, None, torch.zeros(4, 1))
    assert torch.isfinite(never) and never > KL(1.0)(None, None, torch.full((4, 1), 0.01))


@pytest.mark.parametrize("logit", [-30.0, -5.0, 0.0, 5.0])
def test_kl_draws_units_back_from_wherever_they_are(logit):
    """Its slope over the logit of a unit is the rate's distance from the target."""
    logits = torch.full((4, 1), logit, requires_grad=True)
    KL(1.0, target_rate=0.2)(None, None, logits.sigmoid()).backward()
    expected = torch.sigmoid(torch.tensor(logit)).item() - 0.2
    assert logits.grad.sum().item() == pytest.approx(expected, rel=1e-3)


def test_kl_starts_at_the_target():
    module = DenseAutoencoder(5, (4,), 3, code_activation="sigmoid")
    first = module.encoder[0].bias.clone()
    KL(target_rate=0.2).initialize(module)
    torch.testing.assert_close(module.encoder[2].bias.sigmoid(), torch.full((3,), 0.2))
    assert torch.equal(module.encoder[0].bias, first)


def squared_jacobian(encoder, x):
    """The mean over rows of the squared norm of the Jacobian, by automatic differentiation."""
    jacobian = torch.autograd.functional.jacobian
    norms = [jacobian(encoder, row, create_graph=True).square().sum() for row in x]
    return torch.stack(norms).mean()


@pytest.mark.parametrize("code_activation", [None, *sorted(ACTIVATIONS)])
@pytest.mark.parametrize("hidden", [(), (7,)])
def test_contractive_is_exact_with_one_nonlinearity(x, hidden, code_activation):
    if hidden and code_activation is not None:
        pytest.skip("two nonlinearities")
    module = DenseAutoencoder(5, hidden, 8, activation="silu", code_activation=code_activation)
    x = x[:20]
    penalty = Contractive(0.5)(module, x, module.encoder(x))
    exact = 0.5 * squared_jacobian(module.encoder, x)
    torch.testing.assert_close(penalty, exact, rtol=1e-4, atol=1e-7)
    with torch.no_grad():  # as on rows set aside
        assert Contractive(0.5)(module, x, module.encoder(x)) == penalty  # and nothing drawn
    weights = list(module.encoder.parameters())
    ours = torch.autograd.grad(penalty, weights, allow_unused=True, materialize_grads=True)
    theirs = torch.autograd.grad(exact, weights, allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("n_directions", [1, 4])
def test_contractive_is_unbiased_beyond(x, n_directions):
    module = DenseAutoencoder(5, (9, 7), 4, activation="tanh", code_activation="sigmoid")
    row = x[:1]
    rows = row.expand(20_000, -1)
    estimate = Contractive(1.0, n_directions=n_directions)._squared_norm(
        module.encoder, rows, module.encoder(rows)
    )
    exact = squared_jacobian(module.encoder, row).item()
    error = estimate.std().item() / len(rows) ** 0.5
    assert estimate.mean().item() == pytest.approx(exact, abs=4 * error)
    assert error < 0.02 * exact
    if n_directions == 4:  # and as much steadier
        one = Contractive(1.0)._squared_norm(module.encoder, rows, module.encoder(rows))
        assert estimate.var().item() == pytest.approx(one.var().item() / 4, rel=0.2)


def test_contractive_reaches_all_weights_of_a_deep_encoder(x):
    module = DenseAutoencoder(5, (9, 7), 4, activation="tanh")
    Contractive(1.0)(module, x, module.encoder(x)).backward()
    for layer in module.encoder[::2]:
        assert layer.weight.grad.abs().sum() > 0


def test_objective_puts_every_part_in_its_place(x):
    """Masking all makes it plain which of the input and the code were distorted, and where."""
    module = DenseAutoencoder(5, (), 3, code_activation="tanh")
    seen = {}

    class Record(L1):
        def __call__(self, module, x, code):
            seen.update(x=x, code=code)
            return super().__call__(module, x, code)

    objective = Reconstruction(SquaredError(), Masking(1.0), Masking(1.0), [Record(1.0), L1(2.0)])
    blank = torch.zeros_like(x)
    code = module.encoder(blank)
    target = (module.decoder(torch.zeros_like(code)) - x).square().mean()
    expected = target + 3 * code.abs().sum(dim=1).mean()
    torch.testing.assert_close(objective(module, {"x": x}, None), expected)
    assert torch.equal(seen["x"], blank) and torch.equal(seen["code"], code)
    module.eval()  # no noise on rows set aside
    code = module.encoder(x)
    expected = (module.decoder(code) - x).square().mean() + 3 * code.abs().sum(dim=1).mean()
    torch.testing.assert_close(objective(module, {"x": x}, None), expected)


def test_top_k(x):
    kept = TopK(2)(x)
    assert ((kept != 0).sum(dim=1) == 2).all()
    assert torch.equal(kept.sum(dim=1), x.sort(dim=1).values[:, -2:].flip(1).sum(dim=1))
    assert torch.equal(kept[kept != 0], x[kept != 0])


def test_hidden_activations_end_before_the_code(x):
    module = DenseAutoencoder(5, (4, 3), 2, code_activation="relu", n_nonzero=1)
    first = module.encoder[:2](x)
    expected = torch.cat([first, module.encoder[2:4](first)], dim=1)
    assert torch.equal(module.hidden(x), expected)


# Metrics


def test_hoyer_sparsity():
    codes = np.array([[1, 1, 1, 1], [0, 0, -5, 0], [3, 4, 0, 0], [0, 0, 0, 0]])
    assert_allclose(hoyer_sparsity(codes), [0, 1, 2 - 7 / 5, 1], atol=1e-12)
    scaled = hoyer_sparsity(codes * [[1e-200], [1e200], [1e200], [1]])
    assert_allclose(scaled, hoyer_sparsity(codes), atol=1e-12)
    with pytest.raises(ValueError, match="minimum of 2"):
        hoyer_sparsity([[1.0]])


# Scaling


def scaled_by(scaling, X):
    return ScaledColumn(X, scaling, checked=True).on("cpu").tensor


def test_scaling_standardizes_overall():
    X = np.random.default_rng(0).normal([1e4, -3, 0], [2.0, 1.0, 0.1], size=(5000, 3))
    scaling = Scaling.fit(X)
    assert_allclose(scaling.mean, X.mean(axis=0))
    assert scaling.scale == pytest.approx(np.sqrt(X.var(axis=0).mean()), rel=1e-6)
    scaled = scaled_by(scaling, X)
    assert scaled.dtype == torch.float32
    assert_allclose(scaled, (X - X.mean(axis=0)) / scaling.scale, atol=1e-5)
    assert_allclose(scaling.undo(scaling.apply(torch.from_numpy(X))), X)


def test_scaling_in_single_precision_far_from_zero():
    X = (1e4 + np.random.default_rng(0).normal(size=(5000, 2))).astype(np.float32)
    exact = X.astype(np.float64)
    scaling = Scaling.fit(X)
    assert_allclose(scaling.mean, exact.mean(axis=0), rtol=1e-7)
    assert scaling.scale == pytest.approx(np.sqrt(exact.var(axis=0).mean()), rel=1e-4)


@pytest.mark.parametrize("first, others", [(3e4, 0.0), (0.0, 1e4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_with_a_first_row_unlike_the_rest(first, others, dtype):
    X = (others + np.random.default_rng(0).normal(size=(20_000, 5))).astype(dtype)
    X[0] = first
    expected = np.sqrt(X.astype(np.float64).var(axis=0).mean())
    assert Scaling.fit(X).scale == pytest.approx(expected, rel=1e-3)


def test_scaling_of_huge_values():
    X = (1e30 * np.random.default_rng(0).normal(size=(100, 2))).astype(np.float32)
    expected = np.sqrt(X.astype(np.float64).var(axis=0).mean())
    assert Scaling.fit(X).scale == pytest.approx(expected, rel=1e-4)


def test_scaling_into_a_range():
    X = np.array([[2.0, 4.0], [6.0, 10.0]])
    scaling = Scaling.fit(X, (-1.0, 1.0))
    assert_allclose(scaling.apply(torch.from_numpy(X)), [[-1, -0.5], [0, 1]])
    assert_allclose(scaling.mean, [4, 7])
    assert Scaling.fit(np.full((3, 2), 5.0), (0.0, 1.0)).scale == 1.0


def test_scaling_by_chunks(monkeypatch):
    X = np.random.default_rng(0).normal(size=(1000, 4))
    whole = Scaling.fit(X, None)
    monkeypatch.setattr("skgen.inputs.scaling._CHUNK_BYTES", 4 * 8 * 7)  # seven rows at a time
    parts = Scaling.fit(X, None)
    assert_allclose(parts.mean, whole.mean)
    assert parts.scale == pytest.approx(whole.scale)
    torch.testing.assert_close(scaled_by(parts, X), scaled_by(whole, X))


# Batches


@pytest.mark.parametrize(
    "n_rows, batch_size, sizes",
    [
        (10, 5, [5, 5]),
        (12, 5, [5, 5, 2]),
        (11, 5, [5, 6]),
        (3, 5, [3]),
        (1, 5, [1]),
        (2, 1, [1, 1]),
    ],
)
def test_batch_sizes(n_rows, batch_size, sizes):
    assert batch_sizes(n_rows, batch_size) == sizes
    rows = Rows({"x": torch.zeros(n_rows, 2)}, batch_size)
    assert [len(batch["x"]) for batch in rows.epoch()] == sizes
    assert rows.n_batches == len(sizes)


@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 20])
def test_every_row_once_and_columns_together(block_bytes, monkeypatch):
    monkeypatch.setattr("skgen.engine.batches._BLOCK_BYTES", block_bytes)
    x = torch.arange(103.0)[:, None]
    rows = Rows({"x": x, "y": 2 * x[:, 0]}, 10)
    generator = torch.Generator().manual_seed(0)
    batches = list(rows.epoch(generator))
    seen = torch.cat([batch["x"][:, 0] for batch in batches])
    assert not torch.equal(seen, x[:, 0])
    assert torch.equal(seen.sort().values, x[:, 0])
    assert torch.equal(torch.cat([batch["y"] for batch in batches]), 2 * seen)
    again = torch.cat([b["x"][:, 0] for b in rows.epoch(torch.Generator().manual_seed(0))])
    assert torch.equal(again, seen)
    other = torch.cat([batch["x"][:, 0] for batch in rows.epoch(generator)])
    assert not torch.equal(other, seen)


def test_a_choice_of_rows():
    rows = Rows({"x": torch.arange(10.0)[:, None]}, 4, np.array([7, 1, 3]))
    (batch,) = rows.epoch()
    assert batch["x"][:, 0].tolist() == [7, 1, 3]


def test_columns_of_unequal_length():
    with pytest.raises(ValueError, match=r"one length, got \{'x': 3, 'y': 2\}"):
        Rows({"x": torch.zeros(3, 1), "y": torch.zeros(2)}, 2)


def test_rows_scaled_when_asked_for():
    X = np.random.default_rng(0).normal(5, 3, size=(20, 3))
    scaling = Scaling.fit(X)
    lazy = ScaledColumn(X, scaling, checked=True)
    index = torch.tensor([3, 17, 0])
    torch.testing.assert_close(lazy.take(index), lazy.on("cpu").take(index))
