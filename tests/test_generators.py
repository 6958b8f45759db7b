"""Adversarial and variational models: the losses in closed form, and what the models claim."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from skorch.callbacks import Callback, Checkpoint, LoadInitState
from torch import nn

from skgen import (
    GAN,
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalGAN,
    VariationalAutoencoder,
)
from skgen.adversarial_losses import (
    ADVERSARIAL_LOSSES,
    Hinge,
    LeastSquares,
    NonSaturating,
    Wasserstein,
)
from skgen.adversarial_losses import discriminator_objective as objective
from skgen.engine import seeded
from skgen.exceptions import TrainingWarning
from skgen.metrics import density_coverage
from skgen.networks.adversarial import SpectralNorm
from skgen.networks.convolutional import FlattenImages
from skgen.priors import PRIORS, Mixture, Normal, SwissRoll

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 6))


@pytest.fixture(scope="module")
def y():
    return np.tile(["a", "b", "c"], 20)


@pytest.fixture(scope="module")
def images():
    return load_digits().images


def grid_of_gaussians(n_samples, seed):
    random = np.random.default_rng(seed)
    centers = np.array([(a, b) for a in (-2, 0, 2) for b in (-2, 0, 2)], dtype=float)
    return centers[random.integers(9, size=n_samples)] + 0.05 * random.normal(size=(n_samples, 2))


# Adversarial losses

REAL, FAKE = torch.tensor([2.0, -0.5, 0.3]), torch.tensor([-1.5, 0.5, 0.1])
D_REAL, D_FAKE = REAL.sigmoid(), FAKE.sigmoid()
FORMULAS = {
    "minimax": (
        -D_REAL.log().mean() - (1 - D_FAKE).log().mean(),
        (1 - D_FAKE).log().mean(),
    ),
    "non_saturating": (
        -D_REAL.log().mean() - (1 - D_FAKE).log().mean(),
        -D_FAKE.log().mean(),
    ),
    "least_squares": (
        ((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2,
        ((FAKE - 1) ** 2).mean() / 2,
    ),
    "hinge": (
        (1 - REAL).clamp(min=0).mean() + (1 + FAKE).clamp(min=0).mean(),
        -FAKE.mean(),
    ),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
}


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_losses_in_closed_form(name):
    loss = ADVERSARIAL_LOSSES[name]()
    of_discriminator, of_generator = FORMULAS[name]
    torch.testing.assert_close(loss.discriminator_loss(REAL, FAKE), of_discriminator)
    torch.testing.assert_close(loss.generator_loss(FAKE), of_generator)


def test_minimax_vanishes_where_non_saturating_does_not():
    output = torch.full((4,), -12.0, requires_grad=True)  # the discriminator is sure
    slopes = {
        name: torch.autograd.grad(ADVERSARIAL_LOSSES[name]().generator_loss(output), output)[0]
        .abs()
        .sum()
        for name in ("minimax", "non_saturating")
    }
    assert slopes["minimax"] < 1e-5 and slopes["non_saturating"] > 0.99


def test_penalties_of_a_linear_discriminator():
    weight = torch.tensor([3.0, -4.0])  # whose gradient is itself everywhere: of norm 5
    x, samples = torch.randn(7, 2), torch.randn(7, 2)

    def discriminator(rows):
        return rows @ weight

    for adversarial, r1_weight, expected in (
        (NonSaturating(), 0.2, 0.2 / 2 * 25),
        (NonSaturating(), 0.0, 0.0),
        (Wasserstein(0.5), 0.0, 0.5 * (5 - 1) ** 2),
        (Wasserstein(0.5), 0.2, 0.5 * (5 - 1) ** 2 + 0.2 / 2 * 25),
    ):
        total, of_real, of_fake = objective(adversarial, discriminator, x, samples, r1_weight)
        loss = adversarial.discriminator_loss(discriminator(x), discriminator(samples))
        torch.testing.assert_close(total - loss, torch.tensor(expected), atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(of_real, adversarial.verdict(x @ weight).mean())
        torch.testing.assert_close(of_fake, adversarial.verdict(samples @ weight).mean())


def test_the_best_least_squares_discriminator_is_a_probability():
    verdict = LeastSquares().verdict(torch.tensor([-0.2, 0.4, 1.3]))
    torch.testing.assert_close(verdict, torch.tensor([0.0, 0.4, 1.0]))


def test_spectral_norm():
    with seeded(0):
        for layer, x in (
            (nn.Linear(7, 5), torch.randn(4, 7)),
            (nn.Conv2d(3, 5, 3, stride=2, padding=1), torch.randn(2, 3, 8, 8)),
        ):
            norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            bias = layer.bias.view(-1, *[1] * (x.ndim - 2))
            expected = (layer(x) - bias) / norm + bias
            normalized = SpectralNorm(layer)
            for _ in range(50):
                normalized(x)
            torch.testing.assert_close(normalized.eval()(x), expected, rtol=1e-3, atol=1e-4)
            copy.deepcopy(pickle.loads(pickle.dumps(normalized)))


# What a GAN claims


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
@pytest.mark.slow
def test_every_loss_covers_the_modes(loss):
    X = grid_of_gaussians(5000, 0)
    model = GAN(2, adversarial_loss=loss, max_epochs=60, random_state=0).fit(X)
    samples = model.sample(2000, random_state=0)
    centers = np.array([(a, b) for a in (-2, 0, 2) for b in (-2, 0, 2)], dtype=float)
    distances = np.linalg.norm(samples[:, None] - centers, axis=2)
    near = distances.min(axis=1) < 0.25
    assert near.mean() > 0.7
    assert len(np.unique(distances[near].argmin(axis=1))) == 9
    # and the discriminator cannot tell samples from rows
    apart = model.discriminate(X[:1000]).mean() - model.discriminate(samples).mean()
    assert abs(apart) < 0.15
    assert 0 <= model.discriminate(samples).min() <= model.discriminate(X).max() <= 1
    assert model.score(grid_of_gaussians(1000, 1)) > 0.3


@pytest.mark.slow
def test_score_ranks_generators():
    X, held_out = grid_of_gaussians(5000, 0), grid_of_gaussians(1000, 1)
    scores = [
        GAN(2, max_epochs=epochs, random_state=0).fit(X).score(held_out) for epochs in (1, 8, 30)
    ]
    assert scores[0] < scores[1] - 0.02 < scores[2] - 0.04


def test_grid_search_chooses_a_generator():
    X = grid_of_gaussians(1000, 0)
    search = GridSearchCV(GAN(2, max_epochs=30, random_state=0), {"lr": [1e-6, 2e-3]}, cv=2)
    assert search.fit(X).best_params_ == {"lr": 2e-3}
    assert search.best_estimator_.sample(3, random_state=0).shape == (3, 2)


@pytest.mark.slow
def test_early_stopping_keeps_the_best_generator():
    X = grid_of_gaussians(2000, 0)
    model = GAN(2, early_stopping=True, n_iter_no_change=8, max_epochs=200, random_state=0).fit(X)
    shortfalls = model.net_.history[:, "valid_loss"]
    best = int(np.argmin(shortfalls))
    patience = -(-500 // 8)  # in epochs of 8 updates
    assert model.n_iter_ < 200 and best == model.n_iter_ - 1 - patience
    until_then = clone(model).set_params(callbacks=[_StopAt(best + 2)], n_iter_no_change=200).fit(X)
    assert_array_equal(model.sample(10, random_state=0), until_then.sample(10, random_state=0))


class _StopAt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_early_stopping_of_few_rows_does_not_end_before_it_starts():
    X, _ = make_moons(200, noise=0.05, random_state=0)
    model = GAN(2, early_stopping=True, random_state=0).fit(X)
    assert model.n_iter_ > 500  # of one update each
    assert model.score(X) > 0.3
    with pytest.raises(ValueError, match=r"4 rows were set aside .*takes 6 rows at least"):
        GAN(2, early_stopping=True).fit(X[:40])
    with pytest.raises(ValueError, match="A score of samples takes 6 rows at least, got 5"):
        model.score(X[:5])


def test_the_score_of_an_epoch_is_of_rows_from_everywhere():
    X = np.linspace(0, 1, 24_000)[:, None] + np.zeros(2)
    model = GAN(2, early_stopping=True, validation_fraction=0.25, max_epochs=1, random_state=0)
    seen = []

    class Notes(Callback):
        def on_epoch_end(self, net, dataset_valid, **kwargs):
            (batch,) = dataset_valid.epoch()
            seen.append(batch["x"])

        def __deepcopy__(self, memo):
            return self

    model.set_params(callbacks=[Notes()]).fit(X)
    assert seen[0].shape == (2000, 2)
    assert seen[0].mean().abs() < 0.1 and seen[0].std() > 0.9


def test_ctrl_c_within_an_epoch_keeps_what_was_trained(X):
    class Presses(Callback):
        def on_batch_end(self, net, **kwargs):
            if net.progress_.update == 15:
                raise KeyboardInterrupt

    model = GAN(batch_size=20, callbacks=[Presses()], **SMALL)
    with pytest.warns(TrainingWarning, match="interrupted in epoch 3 of 3") as caught:
        model.fit(X)
    assert caught[0].filename == __file__
    assert model.n_iter_ == 3 and model.net_.history[-1, "train_batch_count"] == 3
    assert model.sample(3).shape == (3, 6)


def test_the_fitted_loss_decides_not_the_present_parameter(X):
    model = GAN(**SMALL).fit(X)
    before = model.discriminate(X)
    assert_array_equal(model.set_params(adversarial_loss="hinge").discriminate(X), before)
    rolled = AdversarialAutoencoder(2, prior="swiss_roll", **SMALL).fit(X)
    before = rolled.sample(5, random_state=0)
    assert_array_equal(rolled.set_params(prior="normal").sample(5, random_state=0), before)


@pytest.mark.parametrize("seed", range(4))
def test_a_critic_is_never_read_upside_down(seed, X):
    X, _ = make_moons(500, noise=0.05, random_state=0)
    model = GAN(
        2, adversarial_loss="hinge", **{**SMALL, "random_state": seed, "max_epochs": 30}
    ).fit(X)
    slope, _ = model.calibration_
    assert slope >= 0
    model.partial_fit(X[:1])
    assert model.calibration_[0] == slope


def test_settings_of_the_optimizer_are_the_users(X):
    chosen = {"net_params": {"optimizer__betas": (0.5, 0.95)}, "weight_decay": 0.01, "lr": 1e-5}
    for cls in (GAN, AdversarialAutoencoder):
        groups = cls(2, **chosen, **SMALL).fit(X).net_.optimizer_.param_groups
        assert all(group["betas"] == (0.5, 0.95) for group in groups)
        assert all(group["weight_decay"] == 0.01 for group in groups)
        assert groups[0]["lr"] == 1e-5
    model = GAN(optimizer="rmsprop", **SMALL).fit(X)
    assert isinstance(model.net_.optimizer_.optimizers[1], torch.optim.RMSprop)
    assert model.net_.module_.n_averaged == 3
    assert GAN(**SMALL).fit(X).net_.optimizer_.param_groups[0]["betas"] == (0.0, 0.9)


def test_an_iteration_is_the_published_one(X):
    seen = []

    class Noting(NonSaturating):
        def discriminator_loss(self, real, fake):
            seen.append(("discriminator", len(real), len(fake)))
            return super().discriminator_loss(real, fake)

        def generator_loss(self, fake):
            seen.append(("generator", len(fake)))
            return super().generator_loss(fake)

    GAN(
        adversarial_loss=Noting(),
        discriminator_steps=2,
        batch_size=15,
        **{**SMALL, "max_epochs": 2},
    ).fit(X)
    iteration = [("discriminator", 15, 15)] * 2 + [("generator", 15)]
    assert seen == iteration * 4  # 60 rows are 2 iterations an epoch of 2 batches each


def test_samples_come_from_the_moving_average(X):
    model = GAN(ema_decay=0.9, batch_size=20, **SMALL)
    weights = []

    class Notes(Callback):
        def on_grad_computed(self, net, **kwargs):
            weights.append(net.module_.generator[0][0].weight.detach().clone())

        def __deepcopy__(self, memo):
            return self

    fitted = model.set_params(callbacks=[Notes()]).fit(X)
    module = fitted.net_.module_
    states = [*weights[2::2], module.generator[0][0].weight.detach()]  # after each of its updates
    average = weights[0]
    for step, weight in enumerate(states):
        share = 1 - min(0.9, (1 + step) / (10 + step))
        average = average + share * (weight - average)
    torch.testing.assert_close(module.average[0][0].weight, average)
    plain = clone(model).set_params(ema_decay=None, callbacks=None).fit(X)
    assert_array_equal(plain.net_.module_.generator[0][0].weight.detach(), states[-1])
    assert plain.net_.module_.average is None
    assert not np.allclose(plain.sample(3, random_state=0), fitted.sample(3, random_state=0))


def test_discriminator_rate_and_spectral_norm(X):
    model = GAN(discriminator_lr=1e-12, lr=1e-3, lr_schedule="constant", **SMALL).fit(X)
    assert [group["lr"] for group in model.net_.optimizer_.param_groups] == [1e-12, 1e-3]
    normalized = GAN(spectral_norm=True, **SMALL).fit(X).net_.module_.discriminator
    layers = [layer for layer in normalized.modules() if isinstance(layer, SpectralNorm)]
    assert len(layers) == 2 and isinstance(normalized.head, SpectralNorm)


def test_features_feed_a_classifier():
    X, y = load_digits(return_X_y=True)
    model = GAN(16, max_epochs=60, random_state=0).fit(X)
    classifier = LogisticRegression(max_iter=2000)
    features = model.transform(X)
    assert features.shape == (1797, 384) == (1797, len(model.get_feature_names_out()))
    assert classifier.fit(features[:200], y[:200]).score(features[200:], y[200:]) > 0.8


@pytest.mark.parametrize("layout", ["rows with image_shape", "3-D", "bytes"])
def test_images(images, layout):
    images = images[:200]
    params = {"n_filters": (8, 16), "max_epochs": 2, "random_state": 0}
    if layout == "rows with image_shape":
        images, params["image_shape"] = images.reshape(200, 64), (8, 8)
    elif layout == "bytes":
        images = (images * 15).astype(np.uint8)
    for model in (GAN(8, **params), VariationalAutoencoder(4, **params)):
        samples = model.fit(images).sample(5, random_state=0)
        assert samples.shape == (5, *images.shape[1:])
        assert images.min() <= samples.min() and samples.max() <= images.max()
        network = model.net_.module_
        makes = network.generator if isinstance(model, GAN) else network.decoder
        assert isinstance(makes[-1], FlattenImages)  # of a convolutional network


@pytest.mark.slow
def test_a_loss_on_images_is_learned(images):
    model = GAN(16, n_filters=(32, 64), batch_size=64, max_epochs=30, random_state=0).fit(images)
    untrained = GAN(16, n_filters=(32, 64), max_epochs=1, lr=1e-9, random_state=0).fit(images)
    assert model.score(images[:500]) > 0.3 > 0.05 > untrained.score(images[:500])
    assert model.transform(images).shape == (1797, 32 + 64)


# Units, precision, repeatability


def test_units_do_not_matter(X):
    model, scaled = GAN(**SMALL).fit(X), GAN(**SMALL).fit(1e5 * X + 1e7)
    samples = model.sample(20, random_state=0)
    assert_allclose((scaled.sample(20, random_state=0) - 1e7) / 1e5, samples, atol=1e-3)
    assert samples.dtype == np.float64
    single = GAN(**SMALL).fit(X.astype(np.float32)).sample(20, random_state=0)
    assert single.dtype == np.float32
    assert_allclose(single, samples, atol=1e-3)


def test_the_same_state_draws_the_same_samples(X):
    model = GAN(**SMALL).fit(X)
    first = model.sample(10, random_state=0)
    assert_array_equal(model.sample(10, random_state=0), first)
    assert not np.array_equal(model.sample(10, random_state=1), first)
    assert not np.array_equal(model.sample(10), model.sample(10))
    Z = np.random.default_rng(0).normal(size=(4, 64))
    assert_array_equal(model.generate(Z), model.generate(Z))
    assert model.discriminate(X).dtype == np.float64


def test_a_checkpoint_resumes_to_the_same_weights(X, y, tmp_path):
    class Dies(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("the machine went down")

    for number, model in enumerate(
        (
            GAN(**SMALL),
            ConditionalGAN(**SMALL),
            AdversarialAutoencoder(2, **SMALL),
            VariationalAutoencoder(2, **SMALL),
        )
    ):
        model = model.set_params(max_epochs=6, batch_size=20)
        whole = clone(model).fit(X, y)
        folder = tmp_path / str(number)
        saved = Checkpoint(dirname=folder, monitor=None)
        with pytest.raises(RuntimeError):
            clone(model).set_params(callbacks=[saved, Dies()]).fit(X, y)
        again = clone(model).set_params(callbacks=[LoadInitState(saved), saved]).fit(X, y)
        assert again.n_iter_ == 6
        assert_array_equal(again.sample(5, random_state=0), whole.sample(5, random_state=0))
        assert_array_equal(again.transform(X), whole.transform(X))


def test_going_on_is_as_if_never_stopped(X, y):
    constant = {**SMALL, "lr_schedule": "constant", "batch_size": 20}
    for cls in (GAN, ConditionalGAN, AdversarialAutoencoder, VariationalAutoencoder):
        parts = cls(**constant)
        for _ in range(3):
            parts.partial_fit(X, y)
        twice = cls(**{**constant, "max_epochs": 1, "warm_start": True})
        for _ in range(3):
            twice.fit(X, y)
        assert_array_equal(parts.transform(X), twice.transform(X))
        assert_array_equal(parts.sample(5, random_state=0), twice.sample(5, random_state=0))
        assert parts.n_iter_ == 3


@pytest.mark.parametrize("cls", [GAN, VariationalAutoencoder, AdversarialAutoencoder])
def test_mixed_precision(cls, X):
    params = {**SMALL, "net_params": {"autocast": torch.bfloat16}}
    mixed, single = cls(**params).fit(X), cls(**SMALL).fit(X)
    assert all(weight.dtype == torch.float32 for weight in mixed.net_.module_.parameters())
    assert not np.array_equal(mixed.transform(X), single.transform(X))
    assert_allclose(mixed.transform(X), single.transform(X), atol=0.1)


# Signs of failure


def test_a_discriminator_that_wins_is_told(X):
    rows = np.random.default_rng(0).normal(size=(400, 20))
    weak = {"lr": 1e-7, "discriminator_lr": 5e-3, "r1_weight": 0.0}
    model = GAN(batch_size=100, max_epochs=300, random_state=0, **weak)
    with pytest.warns(TrainingWarning, match=r"The discriminator wins.*Raise r1_weight"):
        model.fit(rows)


def test_samples_without_variety_are_told():
    X = np.random.default_rng(0).normal(size=(400, 4))

    class Collapses(NonSaturating):
        def generator_loss(self, fake):
            return (fake - fake.detach().mean()).square().mean() * 100

    model = GAN(4, adversarial_loss=Collapses(), batch_size=100, max_epochs=300, random_state=0)
    with pytest.warns(TrainingWarning, match="Samples have lost their variety"):
        model.fit(X)


def test_a_good_training_is_not_complained_about():
    X, _ = make_moons(1000, noise=0.05, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GAN(2, max_epochs=300, random_state=0).fit(X)


def test_divergence_leaves_nothing_behind(X):
    params = {**SMALL, "max_epochs": 50, "optimizer": "sgd", "lr_schedule": "constant"}
    model = GAN(lr=1e12, **params)
    with pytest.raises(FloatingPointError, match=r"Training diverged.*Lower lr"):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.sample(1)


# Conditions


@pytest.mark.parametrize(
    "names",
    [
        np.array(["lower", "upper"]),
        np.array([-3, 7]),
        np.array([False, True]),
        np.array(["lower", "upper"], dtype=object),
    ],
    ids=["strings", "integers", "booleans", "objects"],
)
def test_labels_of_any_type_stand_for_classes(X, names):
    y = np.arange(60) % 2
    model, of_numbers = (ConditionalGAN(2, **SMALL).fit(X, labels) for labels in (names[y], y))
    assert model.classes_.tolist() == names.tolist()
    for number, name in enumerate(names):
        assert_array_equal(
            model.sample(9, y=name, random_state=0), of_numbers.sample(9, y=number, random_state=0)
        )
    assert model.score(X, names[y]) == of_numbers.score(X, y)


@pytest.mark.slow
def test_samples_are_of_the_class_asked_for():
    X, y = make_moons(2000, noise=0.05, random_state=0)
    y = np.array(["lower", "upper"])[1 - y]
    model = ConditionalGAN(2, max_epochs=80, random_state=0).fit(X, y)
    judge = KNeighborsClassifier().fit(X, y)
    for label in ("lower", "upper"):
        samples = model.sample(300, y=label, random_state=0)
        assert np.mean(judge.predict(samples) == label) > 0.95
    mixed = judge.predict(model.sample(1000, random_state=0))
    assert 0.4 < np.mean(mixed == "lower") < 0.6
    swapped = np.where(y == model.classes_[0], model.classes_[1], model.classes_[0])
    assert model.score(X[:500], y[:500]) > model.score(X[:500], swapped[:500]) + 0.2


@pytest.mark.slow
def test_samples_have_the_attributes_asked_for():
    random = np.random.default_rng(0)
    y = pd.DataFrame(
        {
            "shift": random.normal(50, 10, 3000),
            "kind": random.choice(["left", "right"], 3000),
            "high": random.random(3000) < 0.3,
        }
    )
    X = np.column_stack(
        [
            y["shift"] / 10 + 0.1 * random.normal(size=3000),
            np.where(y["kind"] == "left", -2, 2) + 0.1 * random.normal(size=3000),
            np.where(y["high"], 3, 0) + 0.1 * random.normal(size=3000),
        ]
    )
    model = ConditionalGAN(4, max_epochs=80, random_state=0).fit(X, y)
    assert model.condition_names_ == ["shift", "kind=left", "kind=right", "high"]
    samples = model.sample(500, y={"shift": 60, "kind": "right", "high": True}, random_state=0)
    assert_allclose(samples.mean(axis=0), [6, 2, 3], atol=0.3)
    each = model.sample(3000, y=y, random_state=0)
    assert np.corrcoef(each[:, 0], y["shift"])[0, 1] > 0.95
    free = model.sample(3000, random_state=0)
    assert np.mean(free[:, 2] > 1.5) == pytest.approx(0.3, abs=0.06)
    assert not hasattr(model, "classes_")


@pytest.mark.slow
def test_samples_of_a_number():
    random = np.random.default_rng(0)
    y = random.uniform(-5, 5, 2000)
    X = np.column_stack([y, np.sin(y)]) + 0.05 * random.normal(size=(2000, 2))
    model = ConditionalGAN(2, max_epochs=80, random_state=0).fit(X, y)
    samples = model.sample(200, y=2.5, random_state=0)
    assert_allclose(samples.mean(axis=0), [2.5, np.sin(2.5)], atol=0.35)


def test_conditions_are_drawn_as_they_were_in_training():
    X, y = np.random.default_rng(0).normal(size=(20_000, 2)), np.tile([0, 1], 10_000)
    shift = np.column_stack([y, y])
    params = {"hidden_layer_sizes": (16,), "max_epochs": 1, "random_state": 0}
    model = ConditionalGAN(2, **params).fit(X + shift, y)
    kept = model.target_input_
    assert kept.seen.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.03)
    assert (len(kept.seen), kept.n_seen) == (10_000, 20_000)
    model = ConditionalGAN(2, **params).partial_fit(X[:600], y[:600])
    model.partial_fit(X[:300], np.zeros(300, dtype=int))
    kept = model.target_input_
    assert kept.seen.mean(axis=0) == pytest.approx([2 / 3, 1 / 3], abs=0.03)
    assert kept.n_seen == 900


def test_the_score_of_one_class():
    X, y = make_moons(1000, noise=0.05, random_state=0)
    model = ConditionalGAN(2, max_epochs=60, random_state=0).fit(X, y)
    one = X[y == 0]
    samples = model.sample(len(one), y=0, random_state=3)
    by_hand = [density_coverage(a, b).coverage for a, b in ((one, samples), (samples, one))]
    assert model.score(one, 0) == pytest.approx(np.mean(by_hand), abs=0.05)


def test_ways_to_say_what_rows_are(X, y):
    numbers = np.random.default_rng(0).normal(size=60)
    for given in (
        pd.Series(numbers, name="age"),
        pd.DataFrame({"age": numbers}),
        {"age": numbers},
        numbers,
    ):
        model = ConditionalGAN(2, **SMALL).fit(X, given)
        expected = model.sample(2, y=[0.3, 0.3], random_state=0)
        assert_array_equal(model.sample(2, y=0.3, random_state=0), expected)
        assert_array_equal(model.sample(2, y=np.array([0.3, 0.3]), random_state=0), expected)
        assert model.sample(y=[1.0, 2.0, 3.0]).shape == (3, 6)
    table = pd.DataFrame({"kind": y, "age": numbers})
    model = ConditionalGAN(2, **SMALL).fit(X, table)
    assert_array_equal(
        model.sample(2, y=table.iloc[0], random_state=0),
        model.sample(2, y=table.iloc[[0, 0]], random_state=0),
    )
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        model = ConditionalGAN(2, **SMALL).fit(X, y[:, None])
    assert list(model.classes_) == ["a", "b", "c"]
    assert list(ConditionalGAN(2, **SMALL).fit(X, pd.Categorical(y)).classes_) == ["a", "b", "c"]


def test_what_is_counted_is_a_class_and_what_is_measured_is_none(X, y):
    for given in (np.arange(60), np.arange(60).astype(object), np.arange(60) % 2 == 0):
        model = ConditionalGAN(2, **SMALL).fit(X, given)
        assert_array_equal(model.classes_, np.unique(given.tolist()))
    for given in (np.arange(60.0), (np.arange(60.0) % 2).astype(object)):
        model = ConditionalGAN(2, **SMALL).fit(X, given)
        assert model.condition_names_ == ["y"] and not hasattr(model, "classes_")


def test_one_for_all(X, y):
    """A list of one, a frame of one row, or a row of a frame stands for all samples."""
    numbers = np.random.default_rng(0).normal(size=60)
    model = ConditionalGAN(2, **SMALL).fit(X, y)
    expected = model.sample(3, y="b", random_state=0)
    for one in (["b"], np.array(["b"]), ("b",), pd.Series(["b"])):
        assert_array_equal(model.sample(3, y=one, random_state=0), expected)
    for names in (["kind", "age"], [0, 1]):  # a frame may have numbers for names
        frame = pd.DataFrame(dict(zip(names, (y, numbers), strict=True)))
        model = ConditionalGAN(2, **SMALL).fit(X, frame)
        expected = model.sample(3, y=frame.iloc[[0, 0, 0]], random_state=0)
        for one in (frame[:1], frame.iloc[0], dict(frame.iloc[0])):
            assert_array_equal(model.sample(3, y=one, random_state=0), expected)
    one_hot = np.eye(3)[np.arange(60) % 3]
    model = ConditionalGAN(2, **SMALL).fit(X, one_hot)
    expected = model.sample(3, y=one_hot[[1, 1, 1]], random_state=0)
    assert_array_equal(model.sample(3, y=one_hot[1:2], random_state=0), expected)


def test_one_noise_as_several_classes(X, y):
    model = ConditionalGAN(4, **SMALL).fit(X, y)
    Z = np.zeros((3, 4))
    assert model.generate(Z, y=["a", "b", "c"]).shape == (3, 6)
    assert_array_equal(model.generate(Z, y="b")[0], model.generate(Z, y=["a", "b", "c"])[1])
    assert_array_equal(
        model.sample(4, y="a", random_state=0), model.sample(4, y=["a"] * 4, random_state=0)
    )


# Bad input


def test_bad_requests(X, y):
    model, conditional = GAN(**SMALL).fit(X), ConditionalGAN(**SMALL).fit(X, y)
    for n_samples in (0, -3, 2.5, "many", True):
        for one in (model, conditional, VariationalAutoencoder(2, **SMALL).fit(X)):
            with pytest.raises(ValueError, match="n_samples has to be an integer of at least 1"):
                one.sample(n_samples)
    with pytest.raises(ValueError, match=r"Z has 5 columns, but this GAN has latent_dim=64"):
        model.generate(np.zeros((3, 5)))
    with pytest.raises(
        ValueError, match=r"the class 'd', which fit did not see\. It saw 'a', 'b', 'c'"
    ):
        conditional.sample(3, y="d")
    for nothing in (None, {"kind": "a"}):
        with pytest.raises(ValueError, match=r"y has to (say what the rows|be classes, as in fit)"):
            conditional.score(X, nothing)
    with pytest.raises(ValueError, match="noise has to be True, False or None, got 'maybe'"):
        VariationalAutoencoder(2, **SMALL).fit(X).sample(2, noise="maybe")
    with pytest.raises(ValueError, match=r"y says what 2 rows should be, but there are 3"):
        conditional.sample(3, y=["a", "b"])
    with pytest.raises(ValueError, match="X has 5 features, but GAN is expecting 6"):
        model.discriminate(X[:, :5])
    for untrained in (GAN(), ConditionalGAN(), VariationalAutoencoder(), AdversarialAutoencoder()):
        with pytest.raises(NotFittedError):
            untrained.sample(3)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"latent_dim": 0}, "'latent_dim' parameter of GAN must be"),
        ({"adversarial_loss": "chess"}, "'adversarial_loss' parameter of GAN must be a str among"),
        ({"adversarial_loss": Wasserstein(-1)}, "'weight' parameter of Wasserstein must be"),
        ({"ema_decay": 1.0}, "'ema_decay' parameter of GAN must be"),
        ({"discriminator_steps": 0}, "'discriminator_steps' parameter of GAN must be"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes needs at least one entry, got none"),
        ({"hidden_layer_sizes": (8, 0)}, r"integers of at least 1, got \[8, 0\]"),
    ],
)
def test_bad_parameters(X, params, message):
    model = GAN(**{**SMALL, **params})
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_bad_conditions(X, y):
    for bad, message in (
        (None, "requires y to be passed, but the target y is None"),
        (["a"] * 60, "y has one class only, a, so there is nothing to choose from. Use GAN"),
        (y[:50], r"X and y differ in length, with inconsistent numbers of samples: .*60.*50"),
        (np.array(["a", None, "b"] * 20, dtype=object), "'y' has 20 missing values"),
        (pd.DataFrame({"size": np.r_[np.nan, np.arange(59)]}), "'size' has 1 missing values"),
        (pd.DataFrame({"size": np.ones(60)}), "'size' is the same for all rows"),
    ):
        model = ConditionalGAN(**SMALL)
        with pytest.raises(ValueError, match=message):
            model.fit(X, bad)
        assert not [name for name in vars(model) if name.endswith("_") or name == "_conditions"]
    model = ConditionalGAN(**SMALL).fit(X, y)
    before = model.sample(3, y="a", random_state=0)
    with pytest.raises(ValueError, match="y has the class 'd', which fit did not see"):
        model.partial_fit(X, np.where(y == "a", "d", y))
    assert_array_equal(model.sample(3, y="a", random_state=0), before)
    with pytest.raises(ValueError, match="has the attributes"):
        frame = pd.DataFrame({"kind": y})
        ConditionalGAN(**SMALL).fit(X, frame).sample(2, y={"color": "a"})


def test_fewer_rows_than_a_batch(X, y):
    for model in (GAN(**SMALL), VariationalAutoencoder(2, **SMALL)):
        assert model.set_params(batch_size=1000).fit(X).n_iter_ == 3
    assert ConditionalGAN(**SMALL, batch_size=1000, discriminator_steps=5).fit(X, y).n_iter_ == 3


def test_what_the_networks_were_built_with_stays():
    X = np.random.default_rng(0).random((60, 6))
    for model, change in (
        (GAN(**SMALL), {"latent_dim": 3}),
        (GAN(**SMALL), {"spectral_norm": True}),
        (GAN(**SMALL), {"ema_decay": None}),
        (AdversarialAutoencoder(2, **SMALL), {"discriminator_layer_sizes": (3,)}),
        (VariationalAutoencoder(2, **SMALL), {"likelihood": "bernoulli"}),
    ):
        model.set_params(warm_start=True).fit(X)
        with pytest.raises(ValueError, match="when the networks were built"):
            model.set_params(**change).fit(X)


# Adversarial autoencoder


@pytest.mark.parametrize(
    "prior, n_components",
    [("normal", 3), ("swiss_roll", 2), ("swiss_roll", 3), ("mixture", 2), ("mixture", 4)],
)
def test_priors_are_what_they_say(prior, n_components):
    with seeded(0):
        codes = PRIORS[prior]()(20_000, n_components).numpy()
    assert codes.shape == (20_000, n_components)
    if prior == "normal":
        assert_allclose(np.cov(codes.T), np.eye(3), atol=0.05)
    elif prior == "swiss_roll":
        assert_allclose(codes.mean(axis=0), 0, atol=0.03)
        assert codes.var(axis=0).mean() == pytest.approx(1, abs=0.02)
        roll = codes[:, :2] * np.sqrt((9.75 * np.pi**2 - 4 - 4 / (9 * np.pi**2)) / 2)
        roll += [2, 2 / (3 * np.pi)]
        angle = np.arctan2(roll[:, 1], roll[:, 0])
        turns = (np.linalg.norm(roll, axis=1) - angle) / (2 * np.pi)
        assert np.abs(turns - turns.round()).mean() < 0.1  # whole, but for noise
    else:
        centers = 3 * np.exp(2j * np.pi * np.arange(10) / 10)
        points = codes[:, 0] + 1j * codes[:, 1]
        nearest = np.abs(points[:, None] - centers)
        assert_allclose(np.bincount(nearest.argmin(1)) / 20_000, 0.1, atol=0.01)
        assert np.sqrt(np.square(nearest.min(1)).mean() / 2) == pytest.approx(0.3, abs=0.01)


@pytest.mark.slow
def test_codes_follow_the_prior(images):
    X = images.reshape(-1, 64)
    ring = AdversarialAutoencoder(2, prior="mixture", max_epochs=60, random_state=0).fit(X)
    plain = Autoencoder(2, max_epochs=60, random_state=0).fit(X)
    with seeded(0):
        drawn = Mixture()(1797, 2).numpy()
    near = density_coverage(drawn, ring.transform(X)).coverage
    codes = plain.transform(X)
    codes = (codes - codes.mean(0)) / codes.std(0) * drawn.std(0)
    assert near > density_coverage(drawn, codes).coverage + 0.2
    assert ring.score(X) > 0.3
    assert ring.sample(7, random_state=0).shape == (7, 64)


def test_a_prior_of_ones_own(X, images):
    def cube(n_samples, n_components):
        return torch.rand(n_samples, n_components)

    rows = images.reshape(-1, 64)
    model = AdversarialAutoencoder(
        2,
        prior=cube,
        adversarial_lr_ratio=1.0,
        hidden_layer_sizes=(64,),
        max_epochs=50,
        random_state=0,
    ).fit(rows)
    codes = model.transform(rows)
    assert_allclose(codes.mean(axis=0), 0.5, atol=0.15)
    assert np.mean((codes > -0.25) & (codes < 1.25)) > 0.9  # of a normal prior's, half would be
    for bad in (lambda n, k: torch.rand(n), lambda n, k: np.full((n, k), np.nan)):
        with pytest.raises(
            ValueError, match=r"prior\(2, 2\) has to return finite numbers of shape"
        ):
            AdversarialAutoencoder(2, prior=bad, **SMALL).fit(X)
    with pytest.raises(ValueError, match="two dimensions or three: set n_components=2, got 4"):
        AdversarialAutoencoder(4, prior="swiss_roll", **SMALL).fit(X)
    with pytest.raises(ValueError, match="needs n_components=2 at least, got 1"):
        AdversarialAutoencoder(1, prior=Mixture(), **SMALL).fit(X)
    assert SwissRoll() == SwissRoll() != SwissRoll(0.5) and Normal() != Mixture()
    assert Hinge() == Hinge()


# Variational autoencoder


def test_the_log_likelihood_of_a_linear_model_is_that_of_its_normal_distribution():
    """With a linear decoder the marginal is normal: importance weighting has to find it."""
    X, _ = load_digits(return_X_y=True)
    X = X[:, 10:30].astype(np.float64)
    model = VariationalAutoencoder(
        3, hidden_layer_sizes=(64,), activation="identity", max_epochs=200, random_state=0
    ).fit(X)
    decoder = model.net_.module_.decoder
    with torch.no_grad():
        mean = decoder(torch.zeros(1, 3)).double().numpy()[0]
        loadings = decoder(torch.eye(3)).double().numpy() - mean
    scale = model.scaling_.scale
    covariance = loadings.T @ loadings * scale**2 + model.noise_std_**2 * np.eye(20)
    centered = X - (mean * scale + model.scaling_.offset)
    exact = -0.5 * (
        np.einsum("ij,ij->i", centered @ np.linalg.inv(covariance), centered)
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    estimated = model.score_samples(X[:200], n_draws=2000)
    assert_allclose(estimated.mean(), exact[:200].mean(), atol=0.1)
    bound = model.score_samples(X[:200], n_draws=1).mean()
    assert bound <= estimated.mean() + 0.05
    # and close to probabilistic PCA, the best of all such models
    best = PCA(3).fit(X).score(X)
    assert best - 1 < model.score(X) < best + 0.05


def test_bernoulli_probabilities_sum_to_one():
    """Over all rows of three bits, the importance-weighted likelihoods make a distribution."""
    random = np.random.default_rng(0)
    bits = (random.random((3000, 1)) < 0.3).astype(float)
    X = np.column_stack([bits, bits, random.random((3000, 1)) < 0.5]).astype(float)
    model = VariationalAutoencoder(
        1, hidden_layer_sizes=(32,), likelihood="bernoulli", max_epochs=60, random_state=0
    ).fit(X)
    every = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    chances = np.exp(model.score_samples(every, n_draws=3000))
    assert chances.sum() == pytest.approx(1, abs=0.03)
    assert_allclose(chances[[0, 1, 6, 7]], [0.35, 0.35, 0.15, 0.15], atol=0.05)
    samples = model.sample(2000, random_state=0)
    assert set(np.unique(samples)) == {0.0, 1.0}
    assert_allclose(samples.mean(axis=0), [0.3, 0.3, 0.5], atol=0.06)
    assert len(np.unique(model.sample(50, noise=False, random_state=0))) > 10
    for refuses in (clone(model).fit, model.partial_fit):
        with pytest.raises(ValueError, match=r'likelihood="bernoulli" needs X in \[0, 1\]'):
            refuses(2 * X)
    with pytest.warns(UserWarning, match=r"MinMaxScaler\(clip=True\)"):  # and are clipped
        assert_array_equal(model.transform(2 * X), model.transform(X))
    still = VariationalAutoencoder(1, likelihood="bernoulli", n_filters=(4,), max_epochs=1)
    assert (still.fit(np.full((30, 8, 8), 7.0)).sample(2, noise=True) == 7).all()


def test_more_draws_make_a_tighter_bound(images):
    X = images.reshape(-1, 64)
    model = VariationalAutoencoder(8, max_epochs=20, random_state=0).fit(X)
    X = X[:500]
    bounds = [model.score_samples(X, n_draws=n).mean() for n in (1, 10, 100)]
    assert bounds[0] + 0.3 < bounds[1] and bounds[1] + 0.1 < bounds[2]
    assert model.score(X) == pytest.approx(model.score_samples(X).mean())
    # an outlier is less likely than any row
    assert model.score_samples(np.full((1, 64), 16.0))[0] < model.score_samples(X).min()


def test_log_likelihoods_are_in_the_units_of_X(images):
    X = images.reshape(-1, 64)
    params = {"max_epochs": 8, "random_state": 0}
    model, scaled = (VariationalAutoencoder(4, **params).fit(rows) for rows in (X, 10 * X))
    assert_allclose(
        scaled.score_samples(10 * X), model.score_samples(X) - 64 * np.log(10), atol=0.05
    )
    assert scaled.noise_std_ == pytest.approx(10 * model.noise_std_, rel=1e-3)


def test_learned_noise_is_the_error_that_is_left(images):
    X = images.reshape(-1, 64)
    model = VariationalAutoencoder(8, max_epochs=40, random_state=0).fit(X)
    error = np.sqrt(np.mean((model.inverse_transform(model.transform(X)) - X) ** 2))
    assert 0.9 * error < model.noise_std_ < 1.5 * error
    plain, noisy = (model.sample(2000, noise=noise, random_state=0) for noise in (False, True))
    assert np.var(noisy - plain) == pytest.approx(model.noise_std_**2, rel=0.05)
    assert_array_equal(
        model.sample(10, random_state=0), model.sample(10, noise=True, random_state=0)
    )


def test_beta_weighs_the_divergence(images):
    X = images.reshape(-1, 64)
    divergences = [
        VariationalAutoencoder(8, beta=beta, max_epochs=12, random_state=0)
        .fit(X)
        .net_.history[-1, "divergence"]
        for beta in (0.1, 1, 10)
    ]
    assert divergences[0] > divergences[1] + 3 > divergences[2] + 6


def test_codes_of_a_variational_autoencoder_are_nearly_standard_normal(images):
    model = VariationalAutoencoder(4, max_epochs=30, random_state=0).fit(images.reshape(-1, 64))
    codes = model.transform(images.reshape(-1, 64))
    assert_array_equal(codes, model.transform(images.reshape(-1, 64)))
    assert_allclose(codes.mean(axis=0), 0, atol=0.3)
    assert_allclose(codes.std(axis=0), 1, atol=0.35)
    hidden = clone(model).set_params(features="hidden", max_epochs=2).fit(images.reshape(-1, 64))
    assert hidden.transform(images.reshape(-1, 64)).shape == (1797, 768)
    with pytest.raises(ValueError, match='Set features="code" to decode'):
        hidden.inverse_transform(codes)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [VariationalAutoencoder, AdversarialAutoencoder])
def test_samples_resemble_rows_more_than_a_normal_distribution_does(cls, images):
    X = images.reshape(-1, 64)
    samples = cls(8, max_epochs=40, random_state=0).fit(X).sample(1797, random_state=0)
    normal, _ = GaussianMixture(1, reg_covar=1e-3, random_state=0).fit(X).sample(1797)
    assert density_coverage(X, samples).coverage > density_coverage(X, normal).coverage


def test_a_code_that_runs_away_does_not_overflow():
    """Rows far from all that was seen have finite likelihoods, if small ones."""
    X = np.random.default_rng(0).random((200, 6))
    model = VariationalAutoencoder(2, hidden_layer_sizes=(16,), max_epochs=20, random_state=0)
    with np.errstate(all="raise"):
        scores = model.fit(X).score_samples(1e6 * X)
    assert np.isfinite(scores).all() and scores.max() < model.score_samples(X).min()
