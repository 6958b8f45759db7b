"""Networks that users bring along, and the encoder as a network that they take with them."""

import copy
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import nn

from skgen import (
    GAN,
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalGAN,
    ConvAutoencoder,
    DenoisingAutoencoder,
    LinearAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)

QUICK = {"max_epochs": 2, "batch_size": 20, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(60, 6))


@pytest.fixture(scope="module")
def images(digits):
    return digits.reshape(-1, 8, 8)[:100]


def rows_to_anything(shape=(6,)):
    return nn.Sequential(nn.Linear(shape[0], 9), nn.BatchNorm1d(9), nn.Tanh())


def images_to_anything(shape=(1, 8, 8)):
    return nn.Sequential(nn.Conv2d(shape[0], 5, 3), nn.ReLU())


def to_rows(shape):
    return nn.Sequential(nn.Linear(shape[0], 7), nn.Tanh(), nn.Linear(7, 6))


def to_images(shape):
    return nn.Sequential(
        nn.Linear(shape[0], 2 * 4 * 4), nn.Unflatten(1, (2, 4, 4)), nn.ConvTranspose2d(2, 1, 2, 2)
    )


class Merged(nn.Module):
    """Makes one row of all."""

    def forward(self, x):
        return x.reshape(1, -1)


of_rows = pytest.mark.parametrize(
    "model",
    [
        Autoencoder(2, **QUICK),
        DenoisingAutoencoder(2, **QUICK),
        SparseAutoencoder(20, method="top_k", n_nonzero=3, tied_weights=False, **QUICK),
        VariationalAutoencoder(2, **QUICK),
        AdversarialAutoencoder(2, **QUICK),
    ],
    ids=lambda model: type(model).__name__,
)
of_images = pytest.mark.parametrize(
    "model",
    [
        ConvAutoencoder(2, **QUICK),
        ConvAutoencoder(**QUICK),
        VariationalAutoencoder(2, **QUICK),
    ],
    ids=["dense code", "code of images", "variational"],
)


# Autoencoders


@of_rows
def test_an_encoder_of_ones_own(model, X):
    model = clone(model).set_params(encoder=rows_to_anything).fit(X)
    codes = model.transform(X)
    assert codes.shape == (60, model.n_components_) and np.ptp(codes) > 0
    assert model.inverse_transform(codes).shape == X.shape
    if model.n_components == 20:
        assert ((codes != 0).sum(axis=1) <= 3).all()


@of_rows
def test_a_decoder_of_ones_own(model, X):
    model = clone(model).set_params(decoder=to_rows).fit(X)
    assert model.inverse_transform(model.transform(X)).shape == X.shape
    assert model.net_.module_.decoder[0][0].out_features == 7


@of_images
def test_networks_of_images_of_ones_own(model, images):
    model = clone(model).set_params(encoder=images_to_anything, decoder=to_images).fit(images)
    codes = model.transform(images)
    assert codes.shape == (100, model.n_components_)
    assert model.inverse_transform(codes).shape == images.shape
    longer = clone(model).set_params(max_epochs=60).fit(images)
    assert longer.loss_curve_[-1] < 0.9 * longer.loss_curve_[0]


def test_images_reach_ones_own_layers_as_they_are(images):
    """In torch's layout, and so do channels; and come back from there."""
    seen = []

    class Spy(nn.Identity):
        def forward(self, x):
            seen.append(x.detach().clone())
            return x

    colors = np.stack([images, 16 - images, images.transpose(0, 2, 1)], axis=3)
    model = ConvAutoencoder(2, encoder=Spy(), batch_size=100, max_epochs=1, random_state=0)
    model.fit(colors)
    seen.clear()
    model.transform(colors[:1])
    x = (colors[0].reshape(-1) - model.scaling_.offset) / model.scaling_.scale
    assert_allclose(seen[-1][0], x.reshape(8, 8, 3).transpose(2, 0, 1), rtol=1e-4, atol=1e-5)


def test_training_starts_from_a_copy_of_a_module(X):
    own = rows_to_anything()
    before = copy.deepcopy(own.state_dict())
    model = Autoencoder(2, encoder=own, lr=1e-12, **QUICK).fit(X)
    weight = model.net_.module_.encoder[0][0].weight
    torch.testing.assert_close(weight, own[0].weight)
    model.set_params(lr=0.1).fit(X)
    assert not torch.equal(model.net_.module_.encoder[0][0].weight, own[0].weight)
    for name, value in own.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("own", [rows_to_anything(), rows_to_anything], ids=["module", "callable"])
def test_a_model_with_layers_of_ones_own_is_like_any(own, X):
    """It is the same for a seed, and can be copied, pickled and gone on with."""
    model = Autoencoder(2, encoder=own, warm_start=True, **QUICK).fit(X)
    assert_array_equal(clone(model).fit(X).transform(X), model.transform(X))
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.transform(X), model.transform(X))
    assert_array_equal(loaded.partial_fit(X).transform(X), model.partial_fit(X).transform(X))
    with pytest.raises(ValueError, match=r"(?s)encoder was .* when the networks were built"):
        model.set_params(encoder=None).fit(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"encoder": nn.Linear(5, 3)},
            r"layers of encoder do not work on rows of 6 numbers.*: mat1",
        ),
        ({"encoder": lambda shape: nn.Conv2d(1, 2, 3)}, r"layers of encoder do not work on rows"),
        ({"encoder": lambda shape: None}, r"encoder has to return a torch.nn.Module, got None"),
        ({"encoder": Merged()}, "encoder has to make one thing of every row"),
        ({"encoder": "large"}, "The 'encoder' parameter of Autoencoder must be"),
        ({"decoder": nn.Linear(3, 6)}, r"layers of decoder do not work on codes \(2,\).*: mat1"),
        ({"decoder": nn.Linear(2, 5)}, "decoder makes 5 numbers of a code, but a row of X has 6"),
        ({"decoder": lambda shape: nn.Linear}, "decoder has to return a torch.nn.Module"),
        ({"encoder": nn.Linear(6, 3), "features": "hidden"}, "encoder= takes their place"),
        ({"encoder": nn.Linear(6, 3), "tied_weights": True}, "encoder= takes their place"),
    ],
)
def test_layers_that_do_not_fit_rows(params, message, X):
    model = Autoencoder(2, **params, **QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    assert vars(model).keys() == model.get_params().keys()


@pytest.mark.parametrize("model", [ConvAutoencoder(2), VariationalAutoencoder(2)])
@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"encoder": nn.Conv2d(3, 4, 3)},
            r"layers of encoder do not work on images of 8 x 8 pixels",
        ),
        ({"encoder": nn.Linear(64, 4)}, r"layers of encoder do not work on images of 8 x 8 pixels"),
        ({"decoder": nn.Linear(2, 63)}, "decoder makes 63 numbers of a code, but a row of X"),
        ({"decoder": nn.Conv2d(1, 1, 3)}, r"layers of decoder do not work on codes \(2,\)"),
    ],
)
def test_layers_that_do_not_fit_images(model, params, message, images):
    with pytest.raises(ValueError, match=message):
        clone(model).set_params(**params).fit(images)


# Players


def test_players_of_ones_own(X):
    players = {"generator": to_rows, "discriminator": rows_to_anything}
    model = GAN(3, **players, **QUICK).fit(X)
    assert model.sample(5, random_state=0).shape == (5, 6)
    assert model.net_.module_.generator[0][0].in_features == 3
    features = model.transform(X)
    assert features.shape == (60, 9) == (60, len(model.get_feature_names_out()))
    assert model.discriminate(X).shape == (60,)
    assert_array_equal(clone(model).fit(X).transform(X), features)


def test_players_that_are_modules_are_copied(X):
    generator, discriminator = to_rows((3,)), rows_to_anything()
    before = copy.deepcopy([generator.state_dict(), discriminator.state_dict()])
    GAN(3, generator=generator, discriminator=discriminator, **QUICK).fit(X)
    for player, state in zip((generator, discriminator), before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in player.state_dict().items())


def test_players_of_images_of_ones_own(images):
    players = {"generator": to_images, "discriminator": images_to_anything}
    model = GAN(3, **players, **QUICK).fit(images)
    samples = model.sample(5, random_state=0)
    assert samples.shape == (5, 8, 8) and samples.min() >= 0 and samples.max() <= 16
    features = model.transform(images)
    assert features.shape == (100, len(model.get_feature_names_out()))


def test_a_generator_of_ones_own_sees_the_condition_beside_the_noise(X):
    y = np.tile(["a", "b", "c"], 20)
    shapes = []

    def generator(shape):
        shapes.append(shape)
        return to_rows(shape)

    model = ConditionalGAN(4, generator=generator, discriminator=rows_to_anything, **QUICK)
    model.fit(X, y)
    assert shapes == [(7,)]
    one, other = (model.generate(np.zeros((1, 4)), y=label) for label in "ab")
    assert not np.allclose(one, other)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"generator": nn.Linear(2, 6)}, r"layers of generator do not work on noise \(3,\)"),
        ({"generator": nn.Linear(3, 7)}, "generator makes 7 numbers, but a row of X has 6"),
        ({"generator": lambda shape: 3}, "generator has to return a torch.nn.Module, got 3"),
        (
            {"discriminator": nn.Linear(7, 6)},
            r"layers of discriminator do not work on rows of 6 numbers",
        ),
        ({"discriminator": Merged()}, "discriminator has to make one thing of every row"),
        ({"discriminator": 3}, "The 'discriminator' parameter of GAN must be"),
    ],
)
def test_players_that_do_not_fit(params, message, X):
    model = GAN(3, **params, **QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    assert vars(model).keys() == model.get_params().keys()


def test_players_that_do_not_fit_images(images):
    with pytest.raises(ValueError, match=r"layers of discriminator .* on images of 8 x 8 pixels"):
        GAN(3, discriminator=nn.Conv2d(3, 2, 3), **QUICK).fit(images)
    with pytest.raises(ValueError, match="generator makes 25 numbers, but a row of X has 64"):
        GAN(3, generator=nn.Linear(3, 25), **QUICK).fit(images)


# The encoder, to take along


@pytest.mark.parametrize(
    "model",
    [
        Autoencoder(2, **QUICK),
        Autoencoder(2, output_activation="sigmoid", encoder=rows_to_anything, **QUICK),
        VariationalAutoencoder(2, **QUICK),
        AdversarialAutoencoder(2, **QUICK),
        SparseAutoencoder(20, **QUICK),
        LinearAutoencoder(2),
        LinearAutoencoder(2, solver="sgd", **QUICK),
    ],
    ids=lambda model: str(model)[:40],
)
def test_the_encoder_as_a_module_returns_the_codes_of_rows(model, X):
    rows = (1000 + 5 * X).astype(np.float32)
    model = clone(model).fit(rows)
    codes = model.encoder_module()(torch.from_numpy(rows)).detach()
    assert_allclose(codes, model.transform(rows), rtol=1e-4, atol=1e-3)
    assert np.ptp(codes.numpy()) > 0.1


@pytest.mark.parametrize(
    "model",
    [ConvAutoencoder(2, **QUICK), ConvAutoencoder(**QUICK), VariationalAutoencoder(2, **QUICK)],
)
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_the_encoder_as_a_module_takes_images_in_the_layout_of_X(model, channels, images):
    X = np.broadcast_to(
        images.reshape(*images.shape, *[1] * len(channels)), (*images.shape, *channels)
    )
    X = (15 * X).astype(np.uint8)
    X[:, 0] = np.arange(100).reshape(100, 1, *[1] * len(channels))
    model = clone(model).fit(X)
    module = model.encoder_module()
    expected = model.transform(X)
    for given in (X, X.reshape(100, -1)):
        codes = module(torch.from_numpy(given)).detach()
        assert_allclose(codes, expected, rtol=1e-4, atol=1e-4)


def test_the_encoder_as_a_module_is_a_copy(X):
    model = Autoencoder(2, **QUICK).fit(X)
    before = model.transform(X)
    module = model.encoder_module()
    assert not module.training
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
    assert_array_equal(model.transform(X), before)
    module = model.encoder_module()
    model.partial_fit(X)
    codes = module(torch.from_numpy(X).float()).detach()
    assert_allclose(codes, before, rtol=1e-4, atol=1e-5)


def test_the_encoder_as_a_module_is_trained_further_by_a_classifier(X):
    y = torch.from_numpy(X[:, 0] > 0).float()
    torch.manual_seed(0)
    encoder = Autoencoder(2, **QUICK).fit(X).encoder_module()
    network = nn.Sequential(encoder, nn.Linear(2, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(torch.from_numpy(X).float())[:, 0], y
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
