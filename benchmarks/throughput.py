"""Training and inference speed, as ratios to a hand-written torch loop.

All contestants train the same network (one hidden layer, ReLU) with Adam on the same rows, in one
process, by turns, so that drift of the machine hits all alike; the figure is the median over
rounds of the ratio within a round. Run it on an otherwise idle machine::

    python benchmarks/throughput.py [--rounds 5] [--peers] [--only table]
    python benchmarks/throughput.py --regularizers | --images | --adversarial | --adaptation
"""

import argparse
import copy
import itertools
import statistics
import time
import warnings

import numpy as np
import torch
from sklearn.base import clone
from sklearn.neural_network import MLPRegressor
from torch import nn

from skgen import (
    GAN,
    Autoencoder,
    ContractiveAutoencoder,
    ConvAutoencoder,
    DomainAdversarialClassifier,
    RedundantAutoencoder,
    SparseAutoencoder,
)
from skgen.networks.convolutional import ConvolutionalAutoencoder

SHAPES = {
    "images": {"n": 60_000, "d": 784, "hidden": 256, "code": 32, "batch": 256, "epochs": 10},
    "table": {"n": 100_000, "d": 30, "hidden": 64, "code": 8, "batch": 256, "epochs": 10},
    "table, big batches": {
        "n": 100_000,
        "d": 30,
        "hidden": 64,
        "code": 8,
        "batch": 4096,
        "epochs": 20,
    },
}


def network(shape):
    d, hidden, code = shape["d"], shape["hidden"], shape["code"]
    return nn.Sequential(
        nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, code)),
        nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, d)),
    )


def plain(X, shape):
    """The loop that most people write: gather a permutation batch by batch, Adam as it comes."""
    torch.manual_seed(0)
    net, rows = network(shape), torch.from_numpy(X)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(shape["epochs"]):
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), shape["batch"]):
            x = rows[order[start : start + shape["batch"]]]
            loss = nn.functional.mse_loss(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def tuned(X, shape):
    """Views after one permutation an epoch, and the fused optimizer."""
    torch.manual_seed(0)
    net, rows = network(shape), torch.from_numpy(X)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for _ in range(shape["epochs"]):
        for x in rows[torch.randperm(len(rows))].split(shape["batch"]):
            loss = nn.functional.mse_loss(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def skgen(X, shape):
    return Autoencoder(
        shape["code"],
        hidden_layer_sizes=(shape["hidden"],),
        activation="relu",
        batch_size=shape["batch"],
        max_epochs=shape["epochs"],
        random_state=0,
    ).fit(X)


def mlp(X, shape):
    """scikit-learn's own network, as an autoencoder."""
    sizes = (shape["hidden"], shape["code"], shape["hidden"])
    model = MLPRegressor(
        hidden_layer_sizes=sizes,
        batch_size=shape["batch"],
        max_iter=shape["epochs"],
        tol=0,
        random_state=0,
    )
    return model.fit(X, X)


def skorch_defaults(X, shape):
    from skorch import NeuralNetRegressor

    net = NeuralNetRegressor(
        network(shape),
        optimizer=torch.optim.Adam,
        batch_size=shape["batch"],
        max_epochs=shape["epochs"],
        verbose=0,
    )
    return net.fit(X, X)


def pyod(X, shape):
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(
        hidden_neuron_list=[shape["hidden"], shape["code"]],
        batch_size=shape["batch"],
        epoch_num=shape["epochs"],
        batch_norm=False,
        dropout_rate=0,
        preprocessing=False,
        verbose=0,
    )
    return model.fit(X)


def pythae(X, shape):
    import tempfile

    from pythae.data.datasets import BaseDataset
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = network(shape)[0]

        def forward(self, x):
            return ModelOutput(embedding=self.net(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = network(shape)[1]

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z))

    with tempfile.TemporaryDirectory() as folder:
        config = AEConfig(input_dim=(shape["d"],), latent_dim=shape["code"])
        training = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=shape["epochs"],
            per_device_train_batch_size=shape["batch"],
            learning_rate=1e-3,
        )
        rows = BaseDataset(torch.from_numpy(X), torch.ones(len(X)))
        model = AE(config, Encoder(), Decoder())
        BaseTrainer(model, train_dataset=rows, training_config=training).train()
    return model


# Regularizers, each beside a plain loop with the same one, written by hand: one layer of tied
# weights, and for the last one two.

REGULARIZED_SHAPES = {
    "images": {"n": 60_000, "d": 784, "code": 1000, "batch": 256, "epochs": 2},
    "table": {"n": 100_000, "d": 30, "code": 60, "batch": 256, "epochs": 5},
}


def l1(x, code, encoder):
    return 1e-3 * code.abs().sum(dim=1).mean()


def kl(x, code, encoder):
    rate = code.mean(dim=0)
    divergence = 0.05 * torch.log(0.05 / rate) + 0.95 * torch.log(0.95 / (1 - rate))
    return 1e-2 * divergence.sum()


def contractive(x, code, encoder):
    slope = code * (1 - code)
    return 1e-2 * (slope.square() @ encoder[0].weight.square().sum(dim=1)).mean()


def contractive_deep(x, code, encoder):
    x = x.clone().requires_grad_()
    code = encoder(x)
    signs = torch.randint(0, 2, code.shape).to(code).mul_(2).sub_(1)
    (pulled,) = torch.autograd.grad(code, x, signs, create_graph=True)
    return 1e-2 * pulled.square().sum(dim=1).mean()


class TopK(nn.Module):
    def forward(self, code):
        values, units = code.topk(code.shape[1] // 10, dim=1)
        return torch.zeros_like(code).scatter_(1, units, values)


RELU = [nn.ReLU()]
SIGMOID = [nn.Sigmoid()]
REGULARIZERS = {  # ours; after the code's layer, on the code, and in the loss of the plain loop
    "L1": (SparseAutoencoder(weight=1e-3), RELU, None, l1),
    "KL": (SparseAutoencoder(method="kl", weight=1e-2), SIGMOID, None, kl),
    "top-k": (SparseAutoencoder(method="top_k"), [nn.ReLU(), TopK()], None, None),
    "dropout": (RedundantAutoencoder(), [], nn.functional.dropout, None),
    "contractive": (ContractiveAutoencoder(), SIGMOID, None, contractive),
    "contractive, deep": (
        ContractiveAutoencoder(hidden_layer_sizes=(64,), activation="relu"),
        SIGMOID,
        None,
        contractive_deep,
    ),
}


def plain_regularized(X, shape, hidden, activations, noise, penalty):
    torch.manual_seed(0)
    sizes = [shape["d"], *hidden, shape["code"]]
    layers = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    between = [[layer, nn.ReLU()] for layer in layers[:-1]]
    encoder = nn.Sequential(*itertools.chain(*between), layers[-1], *activations)
    biases = [nn.Parameter(torch.zeros(size)) for size in sizes[-2::-1]]
    rows = torch.from_numpy(X)
    optimizer = torch.optim.Adam([*encoder.parameters(), *biases], lr=1e-3)
    for _ in range(shape["epochs"]):
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), shape["batch"]):
            x = rows[order[start : start + shape["batch"]]]
            code = encoder(x)
            output = noise(code, 0.3) if noise else code
            for number, (layer, bias) in enumerate(zip(layers[::-1], biases, strict=True), 1):
                output = nn.functional.linear(output, layer.weight.T, bias)
                output = output.relu() if number < len(layers) else output
            loss = nn.functional.mse_loss(output, x)
            if penalty:
                loss = loss + penalty(x, code, encoder)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def regularizers(rounds, only):
    for name, shape in REGULARIZED_SHAPES.items():
        if not name.startswith(only):
            continue
        X = np.random.default_rng(0).normal(size=(shape["n"], shape["d"])).astype(np.float32)
        for kind, (model, activations, noise, penalty) in REGULARIZERS.items():
            model.set_params(n_components=shape["code"], max_epochs=shape["epochs"], random_state=0)
            theirs = (plain_regularized, X, shape, model.hidden_layer_sizes, activations)
            pairs = [
                (seconds(model.fit, X), seconds(*theirs, noise, penalty)) for _ in range(rounds + 1)
            ][1:]
            ratios = [ours / plain for ours, plain in pairs]
            print(
                f"{name}, {kind}: {statistics.median(ratios):.2f} [{min(ratios):.2f}-"
                f"{max(ratios):.2f}] of the plain loop, {np.median(pairs, axis=0)[0]:.2f} s",
                flush=True,
            )


# Images, beside a plain loop over the same network, as most would write it: upsampling and a
# convolution as two layers, channels first, Adam as it comes. And over our own modules.

IMAGES = {  # images, and epochs: enough for what is done once not to count
    "gray, 28 x 28": ((20_000, 28, 28, 1), 1),
    "color, 64 x 64": ((2_000, 64, 64, 3), 4),
}
CHANNELS = (32, 64, 128)


def two_layers(shape, size=32):
    height, width, n_in = shape
    activation = nn.SiLU
    down, sizes = [], [(height, width)]
    for n_out in CHANNELS:
        down += [nn.Conv2d(n_in, n_out, 3, 2, 1), activation()]
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
        n_in = n_out
    height, width = sizes[-1]
    up = [nn.Linear(size, n_in * height * width), nn.Unflatten(1, (n_in, height, width))]
    for n_out, after in zip((*CHANNELS[-2::-1], shape[2]), sizes[-2::-1], strict=True):
        up += [activation(), nn.Upsample(after), nn.Conv2d(n_in, n_out, 3, padding=1)]
        n_in = n_out
    return nn.Sequential(*down, nn.Flatten(), nn.Linear(CHANNELS[-1] * height * width, size), *up)


def our_modules(shape, size=32):
    return ConvolutionalAutoencoder(shape, CHANNELS, (size,))


def plain_images(network, X, epochs, batch=256):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), batch):
            x = X[order[start : start + batch]]
            loss = nn.functional.mse_loss(network(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def images(rounds, only):
    for name, ((n, *shape), epochs) in IMAGES.items():
        if not name.startswith(only):
            continue
        X = np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(np.uint8)
        floats = X.reshape(n, -1).astype(np.float32) / 127.5 - 1
        first = torch.from_numpy(floats).view(n, *shape).permute(0, 3, 1, 2).contiguous()
        model = ConvAutoencoder(32, n_filters=CHANNELS, max_epochs=epochs, random_state=0)
        theirs = {
            "a plain loop": (two_layers, first),
            "one over our modules": (our_modules, torch.from_numpy(floats)),
        }
        for kind, (build, rows) in theirs.items():
            pairs = [
                (seconds(model.fit, X), seconds(plain_images, build(shape), rows, epochs))
                for _ in range(rounds + 1)
            ][1:]
            ratios = [ours / plain for ours, plain in pairs]
            print(
                f"{name}: {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}] of "
                f"{kind}, {np.median(pairs, axis=0)[0] / epochs:.2f} s an epoch of {n:,}",
                flush=True,
            )


# A GAN, beside a plain loop over the same networks: the same updates, as most would write them.

ADVERSARIAL = {  # rows or images, networks, minibatch, and epochs
    "25 Gaussians": ((20_000, 2), {"latent_dim": 2, "max_epochs": 10}),
    "images, 28 x 28": ((6_000, 28, 28), {"batch_size": 64, "max_epochs": 2}),
}


def plain_adversarial(players, X, model):
    torch.manual_seed(0)
    generator, discriminator = (
        copy.deepcopy(players.generator),
        copy.deepcopy(players.discriminator),
    )
    average = copy.deepcopy(generator)
    weight = 0.1 * X.shape[1] ** 0.5
    settings = {"lr": model.lr, "betas": (0.0, 0.9)}
    of_discriminator = torch.optim.Adam(discriminator.parameters(), **settings)
    of_generator = torch.optim.Adam(generator.parameters(), **settings)
    softplus = nn.functional.softplus
    for _ in range(model.max_epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), model.batch_size):
            x = X[order[start : start + model.batch_size]].requires_grad_()
            fake = generator(torch.randn(len(x), model.latent_dim)).detach()
            real = discriminator(x)
            (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
            loss = softplus(-real).mean() + softplus(discriminator(fake)).mean()
            loss = loss + weight / 2 * slope.square().sum(dim=1).mean()
            of_discriminator.zero_grad()
            loss.backward()
            of_discriminator.step()
            loss = softplus(-discriminator(generator(torch.randn(len(x), model.latent_dim)))).mean()
            of_generator.zero_grad()
            loss.backward()
            of_generator.step()
            with torch.no_grad():
                for mean, now in zip(average.parameters(), generator.parameters(), strict=True):
                    mean.lerp_(now, 0.001)


def adversarial(rounds, only):
    for name, (shape, settings) in ADVERSARIAL.items():
        if not name.startswith(only):
            continue
        X = np.random.default_rng(0).normal(size=shape).astype(np.float32).clip(-1, 1)
        model = GAN(random_state=0, **settings)
        players = clone(model).set_params(max_epochs=1).fit(X).net_.module_
        rows = torch.from_numpy(X).flatten(1)
        pairs = [
            (seconds(model.fit, X), seconds(plain_adversarial, players, rows, model))
            for _ in range(rounds + 1)
        ][1:]
        ratios = [ours / plain for ours, plain in pairs]
        n_iterations = model.max_epochs * -(-shape[0] // model.batch_size)
        print(
            f"{name}: {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}] of the "
            f"plain loop, {1000 * np.median(pairs, axis=0)[0] / n_iterations:.2f} ms an iteration",
            flush=True,
        )


# Domain-adversarial training, beside a plain loop over the same networks.

DOMAINS = {  # rows or images of each domain, and settings
    "table": ((20_000, 30), {"hidden_layer_sizes": (64, 64), "max_epochs": 5}),
    "images, 28 x 28": ((2_000, 28, 28, 3), {"batch_size": 128, "max_epochs": 20}),
}


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.weight * gradient, None


def plain_adaptation(networks, X, y, Z, model):
    torch.manual_seed(0)
    networks = copy.deepcopy(networks).train()
    optimizer = torch.optim.Adam(networks.parameters(), lr=model.lr)
    half = model.batch_size // 2
    is_source = (torch.arange(2 * half) < half).float()
    n_steps, step = model.max_epochs * (len(X) // half), 0
    for _ in range(model.max_epochs):
        of_source, of_target = torch.randperm(len(X)), torch.randperm(len(Z))
        for start in range(0, len(X) - half + 1, half):
            rows = of_source[start : start + half]
            x = torch.cat([X[rows], Z[of_target[start : start + half]]])
            weight = model.adaptation_weight * (2 / (1 + np.exp(-10 * step / n_steps)) - 1)
            features = networks.features(x, half)
            loss = nn.functional.cross_entropy(networks.label_head(features[:half]), y[rows])
            domain = networks.domain_head(Reversed.apply(features, weight))[:, 0]
            loss = loss + nn.functional.binary_cross_entropy_with_logits(domain, is_source)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1


def adaptation(rounds, only):
    warnings.simplefilter("ignore", UserWarning)  # there is nothing to learn from random labels
    for name, ((n, *shape), settings) in DOMAINS.items():
        if not name.startswith(only):
            continue
        X = np.random.default_rng(0).normal(size=(2 * n, *shape)).astype(np.float32)
        y = np.append(np.arange(n) % 5, np.full(n, -1))
        for batch_norm in ("joint", "per_domain"):
            model = DomainAdversarialClassifier(batch_norm=batch_norm, random_state=0, **settings)
            networks = clone(model).set_params(max_epochs=1).fit(X, y).net_.module_
            rows, labels = torch.from_numpy(X).flatten(1), torch.from_numpy(y[:n])
            theirs = (networks, rows[:n], labels, rows[n:], model)
            pairs = [
                (seconds(model.fit, X, y), seconds(plain_adaptation, *theirs))
                for _ in range(rounds + 1)
            ][1:]
            ratios = [ours / plain for ours, plain in pairs]
            n_steps = model.max_epochs * (n // (model.batch_size // 2))
            print(
                f"{name}, {batch_norm}: {statistics.median(ratios):.2f} "
                f"[{min(ratios):.2f}-{max(ratios):.2f}] of the plain loop, "
                f"{1000 * np.median(pairs, axis=0)[0] / n_steps:.2f} ms an iteration",
                flush=True,
            )


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def inference(X, shape, rounds):
    """`transform` against a bare batched forward pass of the same encoder."""
    model = skgen(X, {**shape, "epochs": 1})
    encoder = model.net_.module_.encoder.eval()

    def bare(X):
        rows = torch.from_numpy(X)
        with torch.inference_mode():
            return torch.cat([encoder(x) for x in rows.split(2048)]).numpy()

    bare(X), model.transform(X)
    pairs = [(seconds(model.transform, X), seconds(bare, X)) for _ in range(4 * rounds)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="also skorch, pyod and pythae")
    parser.add_argument("--only", default="", help="shapes whose name starts like this")
    parser.add_argument("--regularizers", action="store_true", help="these in place of the rest")
    parser.add_argument("--images", action="store_true", help="these in place of the rest")
    parser.add_argument("--adversarial", action="store_true", help="these in place of the rest")
    parser.add_argument("--adaptation", action="store_true", help="this in place of the rest")
    arguments = parser.parse_args()
    contestants = [plain, tuned, mlp]
    if arguments.peers:
        contestants += [skorch_defaults, pyod, pythae]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    if arguments.regularizers:
        return regularizers(arguments.rounds, arguments.only)
    if arguments.images:
        return images(arguments.rounds, arguments.only)
    if arguments.adversarial:
        return adversarial(arguments.rounds, arguments.only)
    if arguments.adaptation:
        return adaptation(arguments.rounds, arguments.only)
    for name, shape in SHAPES.items():
        if not name.startswith(arguments.only):
            continue
        X = np.random.default_rng(0).normal(size=(shape["n"], shape["d"])).astype(np.float32)
        skgen(X, {**shape, "epochs": 1})
        ratios = {contestant.__name__: [] for contestant in contestants}
        ours = []
        for _ in range(arguments.rounds):
            for contestant in contestants:
                theirs = seconds(contestant, X, shape)
                ours.append(seconds(skgen, X, shape))
                ratios[contestant.__name__].append(ours[-1] / theirs)
        print(f"{name}: fit {statistics.median(ours):.2f} s; time over that of", end=" ")
        print(
            ", ".join(
                f"{who} {statistics.median(r):.2f} [{min(r):.2f}-{max(r):.2f}]"
                for who, r in ratios.items()
            )
        )
        print(f"{name}: transform over a bare forward {inference(X, shape, arguments.rounds):.2f}")


if __name__ == "__main__":
    main()
