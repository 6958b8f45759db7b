"""What each autoencoder claims."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV

from skgen import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    LinearAutoencoder,
    RedundantAutoencoder,
    SparseAutoencoder,
)
from skgen.corruptions import CORRUPTIONS, Gaussian, Masking
from skgen.exceptions import TrainingWarning
from skgen.metrics import hoyer_sparsity
from skgen.penalties import KL, L1, Contractive

QUICK = {
    "hidden_layer_sizes": (128,),
    "max_epochs": 60,
    "lr": 0.01,
    "batch_size": 100,
    "random_state": 0,
}
DEEP = {**QUICK, "hidden_layer_sizes": (128, 64)}


def mse(model, X, seen=None):
    seen = X if seen is None else seen
    return float(np.mean((model.inverse_transform(model.transform(seen)) - X) ** 2))


# The transformer


def test_beats_pca_at_the_same_code_size(digits):
    train, test = digits[:1400], digits[1400:]
    model = Autoencoder(8, **QUICK).fit(train)
    pca = PCA(8).fit(train)
    linear = np.mean((pca.inverse_transform(pca.transform(test)) - test) ** 2)
    assert mse(model, test) < 0.75 * linear


def test_score_is_the_share_of_variance_explained(digits):
    model = LinearAutoencoder(8).fit(digits)
    assert model.score(digits) == pytest.approx(model.explained_variance_ratio_.sum(), abs=1e-5)
    shifted = digits + 100  # against the fitted mean, not that of the rows
    expected = 1 - np.sum(-model.score_samples(shifted)) / np.sum((shifted - model.mean_) ** 2)
    assert model.score(shifted) == pytest.approx(expected, rel=1e-4)


def test_score_samples_is_the_negative_squared_error(digits):
    model = Autoencoder(8, max_epochs=5, random_state=0).fit(digits)
    decoded = model.inverse_transform(model.transform(digits))
    assert_allclose(model.score_samples(digits), -((decoded - digits) ** 2).sum(axis=1), rtol=1e-3)
    noise = np.random.default_rng(0).permuted(digits, axis=1)
    assert model.score_samples(digits).mean() > model.score_samples(noise).mean()


def test_default_size_never_expands(digits):
    assert Autoencoder(max_epochs=1).fit(digits).n_components_ == 32
    assert Autoencoder(max_epochs=1).fit(digits[:, :10]).n_components_ == 5
    assert Autoencoder(max_epochs=1).fit(digits[:, 20:21]).n_components_ == 1


def test_default_number_of_epochs():
    X = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    assert Autoencoder(hidden_layer_sizes=(4,)).fit(X[:100]).n_iter_ == 200
    assert Autoencoder(hidden_layer_sizes=(4,), batch_size=5).fit(X).n_iter_ == 34
    assert Autoencoder(hidden_layer_sizes=(4,), batch_size=2).fit(X).n_iter_ == 20


@pytest.mark.parametrize("activation, low", [("sigmoid", 0), ("tanh", 0), ("relu", 0)])
def test_bounded_outputs_stay_in_the_range_of_the_data(digits, activation, low):
    X = digits.astype(np.float64) * 3 - 5
    model = Autoencoder(8, output_activation=activation, **QUICK).fit(X)
    decoded = model.inverse_transform(10 * model.transform(X))
    assert decoded.min() >= X.min() - 1e-9
    if activation != "relu":
        assert decoded.max() <= X.max() + 1e-9
    assert model.score(X) > 0.75


def test_cross_entropy(digits):
    X = digits / 16
    model = Autoencoder(8, loss="binary_cross_entropy", **QUICK).fit(X)
    assert model.score(X) > 0.8
    decoded = model.inverse_transform(model.transform(X))
    assert decoded.min() >= 0 and decoded.max() <= 1


def test_robust_losses_forgive_single_cells(digits):
    rng = np.random.default_rng(0)
    broken = digits.copy()
    broken[rng.random(digits.shape) < 0.005] = 500
    squared = Autoencoder(8, **QUICK).fit(broken)
    for loss in ("absolute_error", "huber"):
        robust = Autoencoder(8, loss=loss, **QUICK).fit(broken)
        assert mse(robust, digits) < 0.7 * mse(squared, digits), loss


def test_tied_weights(digits):
    tied = Autoencoder(8, tied_weights=True, **DEEP).fit(digits)
    free = Autoencoder(8, **{**DEEP, "max_epochs": 1}).fit(digits)
    count = lambda model: sum(w.numel() for w in model.net_.module_.parameters())  # noqa: E731
    assert count(tied) == (count(free) + 128 + 64 + 8 + 64 + 128 + 64) // 2
    assert tied.score(digits) > 0.8
    encoder, decoder = tied.net_.module_.encoder, tied.net_.module_.decoder
    code = torch.randn(3, 8)
    by_hand = code
    for layer, bias in zip([encoder[4], encoder[2], encoder[0]], decoder.biases, strict=True):
        by_hand = by_hand @ layer.weight + bias
        by_hand = torch.nn.functional.silu(by_hand) if layer is not encoder[0] else by_hand
    torch.testing.assert_close(decoder(code), by_hand)


def test_penalty_makes_the_code_sparse(digits):
    sparse, plain = (Autoencoder(32, penalty=one, **DEEP).fit(digits) for one in (L1(0.03), None))
    hoyer = [hoyer_sparsity(model.transform(digits)).mean() for model in (sparse, plain)]
    assert hoyer[0] > 2 * hoyer[1]


def test_penalties_add_up(digits):
    one, two = (
        Autoencoder(32, penalty=penalty, **{**DEEP, "max_epochs": 3}).fit(digits)
        for penalty in (L1(0.03), [L1(0.01), L1(0.02)])
    )
    assert one.loss_curve_ == pytest.approx(two.loss_curve_, rel=1e-3)
    assert_allclose(one.transform(digits), two.transform(digits), atol=0.02)


def test_code_noise_survives_noise_on_the_code(digits):
    plain = Autoencoder(16, **DEEP).fit(digits)
    redundant = Autoencoder(16, code_noise=Masking(0.3), **DEEP).fit(digits)

    def after_dropout(model):
        codes = model.transform(digits)
        kept = np.random.default_rng(0).random(codes.shape) > 0.3
        return np.mean((model.inverse_transform(codes * kept) - digits) ** 2)

    assert after_dropout(redundant) < 0.7 * after_dropout(plain)


# Denoising


@pytest.fixture(scope="module")
def plain(digits):
    return Autoencoder(32, **QUICK).fit(digits[:1400])


@pytest.mark.parametrize("noise", sorted(CORRUPTIONS))
def test_denoising_undoes_its_noise_better_than_a_plain_one(digits, plain, noise):
    train, test = digits[:1400], digits[1400:]
    level = 0.8 if noise == "gaussian" else 0.25
    denoiser = DenoisingAutoencoder(32, corruption=noise, corruption_level=level, **QUICK).fit(
        train
    )
    scaling = plain.scaling_
    torch.manual_seed(0)
    noisy = scaling.undo(CORRUPTIONS[noise](level)(scaling.apply(torch.from_numpy(test)))).numpy()
    assert mse(denoiser, test, noisy) < 0.8 * mse(plain, test, noisy)


ONE_LAYER = {"n_components": 128, "hidden_layer_sizes": (), "tied_weights": True}
RELU = {**ONE_LAYER, "code_activation": "relu"}
SIGMOID = {**ONE_LAYER, "code_activation": "sigmoid"}


@pytest.mark.parametrize(
    "thin, general",
    [
        (
            DenoisingAutoencoder(8, corruption="swap", corruption_level=0.2),
            Autoencoder(8, corruption=CORRUPTIONS["swap"](0.2)),
        ),
        (DenoisingAutoencoder(8), Autoencoder(8, corruption="dropout")),
        (SparseAutoencoder(), Autoencoder(penalty=L1(0.03 / 8), **RELU)),
        (SparseAutoencoder(weight=0.02), Autoencoder(penalty=L1(0.02), **RELU)),
        (SparseAutoencoder(weight=0), Autoencoder(penalty=L1(0.0), **RELU)),
        (
            SparseAutoencoder(method="kl", weight=0.1, target_rate=0.2),
            Autoencoder(penalty=KL(0.1, target_rate=0.2), **SIGMOID),
        ),
        (SparseAutoencoder(method="kl"), Autoencoder(penalty=KL(), **SIGMOID)),
        (RedundantAutoencoder(), Autoencoder(code_noise="dropout", **ONE_LAYER)),
        (
            RedundantAutoencoder(code_noise="gaussian", code_noise_level=0.1),
            Autoencoder(code_noise=Gaussian(0.1), **ONE_LAYER),
        ),
        (ContractiveAutoencoder(), Autoencoder(penalty=Contractive(), **SIGMOID)),
        (
            ContractiveAutoencoder(8, hidden_layer_sizes=(9, 7), n_directions=2, weight=0.3),
            Autoencoder(
                8,
                hidden_layer_sizes=(9, 7),
                code_activation="sigmoid",
                tied_weights=True,
                penalty=Contractive(0.3, n_directions=2),
            ),
        ),
    ],
    ids=lambda model: str(model)[:50],
)
def test_thin_class_equals_its_composition(digits, thin, general):
    for model in (thin, general):
        model.set_params(max_epochs=2, random_state=0).fit(digits)
    assert_array_equal(thin.transform(digits), general.transform(digits))
    assert thin.loss_curve_ == general.loss_curve_


def test_transform_adds_no_noise(digits):
    model = DenoisingAutoencoder(8, max_epochs=2, random_state=0).fit(digits)
    assert_array_equal(model.transform(digits), model.transform(digits))


def test_grid_search_over_parts_of_a_part(digits):
    model = Autoencoder(
        8, corruption=Gaussian(), hidden_layer_sizes=(32,), max_epochs=5, random_state=0
    )
    search = GridSearchCV(model, {"corruption__level": [0.1, 20.0]}, cv=2).fit(digits)
    assert search.best_params_ == {"corruption__level": 0.1}
    assert search.best_estimator_.net_.turns[0].loss.corruption == Gaussian(0.1)


# Expanding codes


@pytest.mark.parametrize("cls", [SparseAutoencoder, RedundantAutoencoder, ContractiveAutoencoder])
def test_expands_by_default_within_limits(cls, digits):
    assert cls(max_epochs=1).fit(digits).n_components_ == 128
    wide = np.random.default_rng(0).normal(size=(10, 600))
    assert cls(max_epochs=1).fit(wide).n_components_ == 1024


EXPANDING = {"max_epochs": 60, "random_state": 0}


@pytest.fixture(scope="module")
def identity(digits):
    with pytest.warns(UserWarning, match="A code of"):
        return Autoencoder(**RELU, **EXPANDING).fit(digits)


@pytest.mark.parametrize("weight", [None, 1e-2])
def test_l1_leaves_few_units_active(digits, identity, weight):
    sparse = SparseAutoencoder(weight=weight, **EXPANDING).fit(digits)
    codes = sparse.transform(digits)
    assert sparse.sparsity_ == pytest.approx(hoyer_sparsity(codes).mean(), rel=1e-6)
    assert sparse.share_of_zeros_ == np.mean(codes == 0) > 0.6
    assert sparse.sparsity_ > hoyer_sparsity(identity.transform(digits)).mean() + 0.15
    assert sparse.score(digits) > 0.8


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_kl_draws_units_to_the_target_rate(digits, rate):
    params = {"method": "kl", "target_rate": rate, **EXPANDING}
    free, held = (SparseAutoencoder(weight=w, **params).fit(digits) for w in (0, 0.1))
    rates = held.transform(digits).mean(axis=0)
    assert np.median(rates) == pytest.approx(rate, abs=0.03)
    assert np.abs(rates - rate).max() < np.abs(free.transform(digits).mean(axis=0) - rate).max()
    assert held.sparsity_ > free.sparsity_ and held.score(digits) > 0.8


def test_top_k_keeps_so_many_units_and_no_more(digits):
    model = SparseAutoencoder(method="top_k", n_nonzero=10, **EXPANDING).fit(digits)
    active = (model.transform(digits) != 0).sum(axis=1)
    assert active.max() == 10 and active.mean() > 9.5
    assert model.share_of_zeros_ == pytest.approx(1 - active.mean() / 128)
    assert model.score(digits) > 0.8
    default = SparseAutoencoder(100, method="top_k", max_epochs=1).fit(digits)
    assert (default.transform(digits) != 0).sum(axis=1).max() == 10


def test_dead_units_are_counted(digits):
    model = SparseAutoencoder(weight=1e-2, max_epochs=2, random_state=0).fit(digits)
    assert not model.dead_units_.all()
    with torch.no_grad():  # no row gets these units above 0
        model.net_.module_.encoder[0].weight[:5] = 0
        model.net_.module_.encoder[0].bias[:5] = -1
    model.set_params(lr=1e-12).partial_fit(digits)
    assert model.dead_units_[:5].all()
    assert_array_equal(model.dead_units_, np.ptp(model.transform(digits), axis=0) == 0)


def test_sparsity_is_measured_on_rows_drawn_from_all():
    X = np.tile(np.eye(2, 4, dtype=np.float32), (10_000, 1))  # two kinds of rows that take turns
    model = SparseAutoencoder(4, random_state=0, max_epochs=2).fit(X)
    assert_array_equal(model.dead_units_, np.ptp(model.transform(X[:2]), axis=0) == 0)
    assert not model.dead_units_.all()


@pytest.mark.parametrize(
    "params, remedy",
    [
        ({"weight": 1.0}, "Lower the weight of the penalty or lower lr"),
        ({"method": "top_k", "n_nonzero": 1, "n_components": 512}, "Raise n_nonzero or lower lr"),
    ],
)
def test_mostly_dead_units_are_warned_of(digits, params, remedy):
    with pytest.warns(
        TrainingWarning, match=rf"\d+ of the \d+ units of the code are dead.*{remedy}"
    ):
        model = SparseAutoencoder(**{"max_epochs": 30, "random_state": 0, **params}).fit(digits)
    assert model.dead_units_.mean() > 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(digits)


@pytest.mark.parametrize("noise, level", [("dropout", 0.5), ("gaussian", 1.0)])
def test_redundant_code_survives_its_noise(digits, identity, noise, level):
    redundant = RedundantAutoencoder(code_noise=noise, code_noise_level=level, **EXPANDING).fit(
        digits
    )
    linear = Autoencoder(**ONE_LAYER, penalty=L1(0.0), **EXPANDING).fit(digits)
    distort = CORRUPTIONS[noise](level)

    def error(model):
        torch.manual_seed(0)
        noisy = distort(torch.from_numpy(model.transform(digits))).numpy()
        return np.mean((model.inverse_transform(noisy) - digits) ** 2)

    assert error(redundant) < 0.7 * error(linear)
    assert_array_equal(redundant.transform(digits), redundant.transform(digits))


@pytest.mark.parametrize("hidden", [(), (64, 32)])
def test_contractive_code_moves_less_for_its_spread(digits, hidden):
    """Small changes of the input move the code less, against what tells rows apart."""

    def sensitivity(model):
        nearby = digits + np.random.default_rng(0).normal(0, 0.1, digits.shape).astype(np.float32)
        codes = model.transform(digits)
        moved = np.mean((model.transform(nearby) - codes) ** 2)
        return moved / np.mean((codes - codes.mean(axis=0)) ** 2)

    params = {"hidden_layer_sizes": hidden, **EXPANDING}
    contractive = ContractiveAutoencoder(weight=0.1, **params).fit(digits)
    free = ContractiveAutoencoder(weight=0.0, **params).fit(digits)
    assert sensitivity(contractive) < 0.7 * sensitivity(free)
    assert contractive.score(digits) > 0.6


# Linear


@pytest.fixture(scope="module")
def pca(digits):
    return PCA(10).fit(digits.astype(np.float64))


@pytest.mark.parametrize("solver", ["svd", "sgd"])
def test_linear_is_pca(digits, pca, solver):
    X = digits.astype(np.float64)
    model = LinearAutoencoder(10, solver=solver, random_state=0).fit(X)
    assert mse(model, X) <= 1.001 * np.mean((pca.inverse_transform(pca.transform(X)) - X) ** 2)
    assert np.rad2deg(subspace_angles(model.components_.T, pca.components_.T)).max() < 2
    cosines = np.abs(np.sum(model.components_ * pca.components_, axis=1))
    assert cosines.min() > 0.99
    rtol = 1e-7 if solver == "svd" else 2e-3
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_"):
        assert_allclose(getattr(model, name), getattr(pca, name), rtol=rtol, err_msg=name)
    assert model.noise_variance_ == pytest.approx(pca.noise_variance_, rel=rtol)
    assert (model.n_samples_, model.n_components_) == (pca.n_samples_, pca.n_components_)
    assert_allclose(model.components_ @ model.components_.T, np.eye(10), atol=1e-6)


def test_linear_learns_from_chunks(digits):
    model = LinearAutoencoder(10, solver="sgd", random_state=0)
    order = np.random.default_rng(0).permutation(len(digits))
    for _ in range(40):
        for chunk in np.array_split(order, 4):
            model.partial_fit(digits[chunk])
    best = PCA(10).fit(digits).explained_variance_ratio_.sum()
    assert model.score(digits) > best - 0.01


def test_change_of_solver_leaves_nothing_behind(digits):
    model = LinearAutoencoder(4, solver="sgd", max_epochs=2).fit(digits)
    model.set_params(solver="svd").fit(digits)
    exact = LinearAutoencoder(4).fit(digits)
    assert vars(model).keys() == vars(exact).keys()
    assert model.score(digits) == pytest.approx(exact.score(digits))
    model.set_params(solver="sgd").partial_fit(digits[:500, :40])  # which starts anew
    assert (model.n_features_in_, model.n_samples_) == (40, 500)


# Going on


def test_partial_fit_goes_on(digits):
    model = DenoisingAutoencoder(8, hidden_layer_sizes=(64,), random_state=0)
    scores = []
    for _ in range(15):
        scores.append(model.partial_fit(digits).score(digits))
    assert model.n_iter_ == len(model.loss_curve_) == 15
    assert scores[-1] > scores[0] + 0.2


def test_partial_fit_draws_new_noise_for_every_chunk(digits):
    params = {"hidden_layer_sizes": (8,), "random_state": 0}
    model = DenoisingAutoencoder(4, **params).partial_fit(digits)
    first = model.net_.optimizer_.training["torch"].clone()
    assert not torch.equal(model.partial_fit(digits).net_.optimizer_.training["torch"], first)


def test_warm_start_goes_on(digits):
    params = {"hidden_layer_sizes": (64,), "max_epochs": 3, "random_state": 0}
    cold = Autoencoder(8, **params).fit(digits)
    warm = Autoencoder(8, warm_start=True, **params).fit(digits)
    assert_array_equal(cold.transform(digits), warm.transform(digits))
    before = warm.score(digits)
    warm.fit(digits)
    assert warm.n_iter_ == 6 and warm.score(digits) > before
    assert clone(warm).fit(digits).score(digits) == before


def test_changed_settings_reach_a_warm_start(digits):
    model = Autoencoder(
        8, corruption=Masking(0.1), hidden_layer_sizes=(8,), max_epochs=1, warm_start=True
    ).fit(digits)
    model.set_params(corruption__level=0.9, lr=1e-9, batch_size=1000).fit(digits)
    assert model.net_.turns[0].loss.corruption.level == 0.9
    assert model.net_.optimizer_.param_groups[0]["lr"] == 1e-9
    assert model.net_.history[-1, "train_batch_count"] == 2


def test_early_stopping(digits):
    model = Autoencoder(
        8,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=3,
        max_epochs=400,
        hidden_layer_sizes=(64,),
        random_state=0,
        lr_schedule="constant",
    ).fit(digits[:300])
    assert model.n_iter_ < 400
    losses = model.net_.history[:, "valid_loss"]
    best = int(np.argmin(losses))
    order = np.random.default_rng(model_seed(model)).permutation(300)
    held_out = digits[np.sort(order[:60])]
    error = mse(model, held_out) / model.scaling_.scale**2
    assert error == pytest.approx(losses[best], rel=1e-3)


def test_partial_fit_sets_nothing_aside(digits):
    model = Autoencoder(4, hidden_layer_sizes=(8,), early_stopping=True, random_state=0)
    model.partial_fit(digits).partial_fit(digits)
    assert model.n_iter_ == 2 and "valid_loss" not in model.net_.history[-1]
    assert "valid_loss" in model.set_params(max_epochs=2).fit(digits).net_.history[-1]


def model_seed(model):
    """The seed that a fit draws from an integer random_state."""
    return int(np.random.RandomState(model.random_state).randint(2**31 - 1))


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_verbosity(digits, verbose, capsys):
    Autoencoder(4, hidden_layer_sizes=(8,), max_epochs=3, verbose=verbose).fit(digits)
    out, err = capsys.readouterr()
    assert ("3/3" in err) == (verbose == 1)
    assert ("train_loss" in out) == (verbose == 2)


def test_schedules(digits):
    results = {
        schedule: Autoencoder(
            4, hidden_layer_sizes=(8,), max_epochs=2, lr_schedule=schedule, random_state=0
        ).fit(digits)
        for schedule in ("one_cycle", "constant", lambda fraction: 1.0)
    }
    one_cycle, constant, same = (model.loss_curve_ for model in results.values())
    assert constant == same != one_cycle
