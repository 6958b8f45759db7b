"""Generators: what they cover, how far their samples are from rows, and what these are good for.

Settings were chosen on a part of the training split that was held out; what is printed is of the
test split. Run all of it (three hours on one core), or a part::

    python benchmarks/generators.py [--only gaussians fashion conditional codes likelihood tables]
                                    [--seeds 0 1 2]
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from torch import nn

from skgen import (
    GAN,
    AdversarialAutoencoder,
    Autoencoder,
    ConditionalGAN,
    VariationalAutoencoder,
)
from skgen.datasets import fetch_fashion_mnist
from skgen.engine import seeded
from skgen.metrics import c2st_distance, density_coverage, frechet_distance, memorization

CENTERS = np.array([(a, b) for a in range(-4, 5, 2) for b in range(-4, 5, 2)], dtype=float)


def gaussians(seeds):
    """25 normal distributions of standard deviation .05 on a grid of spacing 2."""
    print("25 Gaussians: modes with at least 20 of 10,000 samples within 3 sd; share within 3 sd")
    for name in ("non_saturating", "wasserstein", "minimax", "least_squares", "hinge"):
        for seed in seeds:
            random = np.random.default_rng(seed)
            noise = 0.05 * random.normal(size=(20_000, 2))
            X = CENTERS[random.integers(25, size=20_000)] + noise
            start = time.perf_counter()
            model = GAN(2, adversarial_loss=name, max_epochs=126, random_state=seed).fit(X)
            seconds = time.perf_counter() - start
            samples = model.sample(10_000, random_state=seed)
            distances = np.linalg.norm(samples[:, None] - CENTERS, axis=2)
            near = distances.min(axis=1) < 3 * 0.05
            counts = np.bincount(distances.argmin(axis=1)[near], minlength=25)
            print(
                f"  {name:15} seed {seed}: {(counts >= 20).sum()} modes, {near.mean():.3f}, "
                f"{seconds:.0f} s",
                flush=True,
            )


def train_cnn(X, y, *, epochs):
    """Return a small convolutional classifier of images; its 64 features come before its end."""
    images, labels = torch.from_numpy(X).view(-1, 1, 28, 28), torch.from_numpy(y)
    with seeded(0):
        network = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 49, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )
        optimizer = torch.optim.Adam(network.parameters(), fused=True)
        steps = epochs * (len(X) // 128)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        for _ in range(epochs):
            for rows in torch.randperm(len(X))[: len(X) // 128 * 128].split(128):
                loss = nn.functional.cross_entropy(network(images[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return network.eval()


@torch.no_grad()
def run(network, X):
    rows = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)).view(-1, 1, 28, 28)
    return torch.cat([network(part) for part in rows.split(1000)]).numpy()


def judge(features, X, samples):
    real, fake = features(X), features(samples)
    result = density_coverage(real, fake)
    return (
        f"FID-cnn64 {frechet_distance(real, fake):7.2f}, density {result.density:.2f}, "
        f"coverage {result.coverage:.3f}"
    )


def fashion(seeds):
    """A convolutional GAN of Fashion-MNIST."""
    X, y = fetch_fashion_mnist(return_X_y=True)
    X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    cnn = train_cnn(X, y, epochs=4)
    accuracy = accuracy_score(y_test, run(cnn, X_test).argmax(axis=1))
    print(f"Fashion-MNIST, against the 10,000 test images; cnn64 classifies {accuracy:.4f}")

    def features(rows):
        return run(cnn[:-1], rows)

    halves = frechet_distance(features(X[::2]), features(X[1::2]))
    print(f"  train half against train half   FID-cnn64 {halves:7.2f}")
    print("  10,000 training images       ", judge(features, X_test, X[::6]))
    pca = PCA(64, random_state=0).fit(X)
    mixture = GaussianMixture(50, random_state=0).fit(pca.transform(X[::2]))
    drawn = pca.inverse_transform(mixture.sample(10_000)[0]).clip(0, 1)
    print("  a Gaussian mixture of 50 in PCA-64", judge(features, X_test, drawn))
    noise = np.random.default_rng(0).random((10_000, 784))
    print("  noise                          ", judge(features, X_test, noise), flush=True)
    images = X.reshape(-1, 28, 28)
    for seed in seeds:
        start = time.perf_counter()
        model = GAN(lr=4e-3, batch_size=64, max_epochs=24, random_state=seed).fit(images)
        minutes = (time.perf_counter() - start) / 60
        samples = model.sample(10_000, random_state=seed).reshape(-1, 784)
        copied = memorization(X, X_test, samples[:2000], features=features)
        print(
            f"  GAN seed {seed}: {judge(features, X_test, samples)}, {minutes:.1f} min; nearest "
            f"row a training row: {copied.share:.3f} (expected {copied.expected:.3f}); score "
            f"{model.score(X_test.reshape(-1, 28, 28)):.3f}",
            flush=True,
        )
    for seed in seeds:
        model = VariationalAutoencoder(32, max_epochs=10, random_state=seed).fit(images)
        samples = model.sample(10_000, random_state=seed).reshape(-1, 784)
        print(f"  VAE seed {seed}: {judge(features, X_test, samples)}", flush=True)


def conditional(seeds):
    """A classifier trained on samples alone, tested on real images."""
    X, y = fetch_fashion_mnist(return_X_y=True)
    X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    real = accuracy_score(y_test, run(train_cnn(X, y, epochs=3), X_test).argmax(axis=1))
    print(f"Conditional GAN of Fashion-MNIST; a classifier of real images has {real:.4f}")
    for seed in seeds:
        start = time.perf_counter()
        model = ConditionalGAN(lr=4e-3, batch_size=64, max_epochs=6, random_state=seed)
        model.fit(X.reshape(-1, 28, 28), y)
        minutes = (time.perf_counter() - start) / 60
        samples = model.sample(len(y), y=y, random_state=seed).reshape(-1, 784)
        of_samples = train_cnn(samples, y, epochs=3)
        accuracy = accuracy_score(y_test, run(of_samples, X_test).argmax(axis=1))
        print(f"  seed {seed}: {accuracy:.4f}, {minutes:.1f} min", flush=True)


def codes(seeds):
    """Codes of an adversarial autoencoder against their prior."""
    X = fetch_fashion_mnist(return_X_y=True)[0]
    X_test = fetch_fashion_mnist(subset="test", return_X_y=True)[0]
    print("Code of 8, Fashion-MNIST: test MSE; accuracy of 1-NN telling test codes from the prior")
    nearest = KNeighborsClassifier(1)
    for seed in seeds:
        prior = np.random.default_rng(seed).normal(size=(10_000, 8))
        errors = []
        for model in (
            Autoencoder(8, max_epochs=20, random_state=seed),
            AdversarialAutoencoder(8, max_epochs=20, random_state=seed),
            VariationalAutoencoder(8, max_epochs=20, random_state=seed),
        ):
            z = model.fit(X).transform(X_test)
            errors.append(np.mean((model.inverse_transform(z) - X_test) ** 2))
            if isinstance(model, Autoencoder):
                z = PCA(whiten=True).fit_transform(z)
            told = c2st_distance(z, prior, classifier=nearest, cv=10).statistic
            print(
                f"  {type(model).__name__:22} seed {seed}: MSE {errors[-1]:.5f} "
                f"({errors[-1] / errors[0]:.3f} of plain), 1-NN {told:.3f}",
                flush=True,
            )


def likelihood(seeds):
    """Importance-weighted log-likelihood of binarized images, and the gap of the bound."""
    X = fetch_fashion_mnist(return_X_y=True)[0]
    X_test = fetch_fashion_mnist(subset="test", return_X_y=True)[0]
    X, X_test = (np.where(rows > 0.5, 1, 0).astype(np.float32) for rows in (X, X_test))
    print("Fashion-MNIST binarized at .5: nats a test image")
    for seed in seeds:
        model = VariationalAutoencoder(
            32, likelihood="bernoulli", max_epochs=20, random_state=seed
        ).fit(X)
        bound = model.score_samples(X_test, n_draws=1, random_state=seed).mean()
        some = X_test[:2000]
        steps = [
            f"{n} draws {model.score_samples(some, n_draws=n, random_state=seed).mean():.2f}"
            for n in (1, 10, 100, 1000)
        ]
        print(
            f"  seed {seed}: bound {bound:.2f}, divergence "
            f"{model.net_.history[-1, 'divergence']:.2f}; on 2,000: {', '.join(steps)}",
            flush=True,
        )


def read_table(name):
    """Return a table's columns and classes, training part first."""
    folder = os.environ.get("SKGEN_DATA")
    if not folder:
        raise SystemExit("The tables are looked for in the folder that SKGEN_DATA names.")
    table = pd.read_csv(Path(folder) / f"{name}.csv.gz")
    X = table.drop(columns="target").to_numpy(float)
    return X, np.unique(table["target"].to_numpy(), return_inverse=True)[1]


def tables(seeds):
    """XGBoost trained on samples of a conditional GAN, tested on real rows."""
    from xgboost import XGBClassifier

    print("XGBoost trained on as many samples as rows, tested on real rows; over that of real rows")
    for name in ("letter", "magic"):
        for seed in seeds:
            X, y = read_table(name)
            n_train = 16_000
            if name == "magic":  # sorted by class, and without an official split
                order = np.random.default_rng(seed).permutation(len(X))
                X, y, n_train = X[order], y[order], 15_000
            train, test = slice(None, n_train), slice(n_train, None)
            scaler = StandardScaler().fit(X[train])
            start = time.perf_counter()
            model = ConditionalGAN(
                32, hidden_layer_sizes=(256, 256, 256), max_epochs=100, random_state=seed
            )
            model.fit(scaler.transform(X[train]), y[train])
            seconds = time.perf_counter() - start
            drawn = model.sample(n_train, y=y[train], random_state=seed)
            samples = scaler.inverse_transform(drawn)
            if name == "letter":
                samples = samples.round()  # all its columns are integers
            accuracies = [
                XGBClassifier(n_estimators=200, max_depth=6, random_state=0)
                .fit(rows, y[train])
                .score(X[test], y[test])
                for rows in (X[train], samples)
            ]
            told = c2st_distance(X[test], samples[: len(X[test])]).statistic
            print(
                f"  {name} seed {seed}: real {accuracies[0]:.4f}, samples {accuracies[1]:.4f}, "
                f"ratio {accuracies[1] / accuracies[0]:.3f}; trees tell samples from rows "
                f"{told:.3f}; {seconds:.0f} s",
                flush=True,
            )


PARTS = {
    "gaussians": gaussians,
    "fashion": fashion,
    "conditional": conditional,
    "codes": codes,
    "likelihood": likelihood,
    "tables": tables,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    for part in arguments.only:
        PARTS[part](arguments.seeds)
