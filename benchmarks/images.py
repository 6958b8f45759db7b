"""Convolutional autoencoders on Fashion-MNIST: error, features, perceptual loss, shifts, morphs.

60,000 train, 10,000 test, official split. An independent classifier, a small convolutional network
trained on real training images with their labels, says what reconstructions and midpoints look
like. Settings were chosen on 5,000 training images held out (`--validate`); the test split is
only measured on. Run::

    SKGEN_DATA=... python benchmarks/images.py [--only reconstruction ...] [--seeds 3]
"""

import argparse
import os
import time

import numpy as np
import torch
from features import accuracy, interval, labeled
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from skgen import Autoencoder, ConvAutoencoder
from skgen.corruptions import Dropout, Gaussian
from skgen.datasets import fetch_fashion_mnist
from skgen.latent import interpolate
from skgen.losses import PerceptualLoss

DRAWS = 10
JOBS = int(os.environ.get("OMP_NUM_THREADS", 2))


def summary(values, digits=4):
    return f"{np.mean(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def load(validate):
    """Images and labels to learn from, and to measure on."""
    train = fetch_fashion_mnist(subset="train")
    X, y = train.images, train.target
    if validate:
        return X[:55_000], y[:55_000], X[55_000:], y[55_000:]
    test = fetch_fashion_mnist(subset="test")
    return X, y, test.images, test.target


def mse(model, X):
    return float(-model.score_samples(X).mean(dtype=np.float64) / X[0].size)


# The independent classifier


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        layers, n_in = [], 1
        for n_out in (32, 64, 128):
            layers += [nn.Conv2d(n_in, n_out, 3, 2, 1), nn.BatchNorm2d(n_out), nn.ReLU()]
            n_in = n_out
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(128 * 16, 10))

    def forward(self, x):
        features = self.body(x)
        return features, self.head(features)


def train_classifier(X, y, seed=99, epochs=5):
    torch.manual_seed(seed)
    network = Classifier()
    n_steps = epochs * -(-len(X) // 128)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, n_steps)
    x, target = torch.from_numpy(X)[:, None], torch.from_numpy(y)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(128):
            loss = functional.cross_entropy(network(x[rows])[1], target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def classify(network, X):
    """Features and predicted classes of images."""
    parts = [network(part) for part in torch.from_numpy(X)[:, None].split(1000)]
    features, scores = (torch.cat(values) for values in zip(*parts, strict=True))
    return features.numpy(), scores.argmax(dim=1).numpy()


# The figures


def reconstruction(X, y, X_test, y_test, seeds):
    errors, times = [], []
    for seed in range(seeds):
        model = clone(SMALLEST_ERROR).set_params(random_state=seed)
        start = time.perf_counter()
        model.fit(X)
        times.append(time.perf_counter() - start)
        errors.append(mse(model, X_test))
    n_weights = sum(weight.numel() for weight in model.net_.module_.parameters())
    print(
        f"{model.n_components_} numbers, {model.n_iter_} epochs, {n_weights:,} weights: MSE "
        f"{summary(errors, 5)}, {np.median(times):.0f} s a fit",
        flush=True,
    )


def features(X, y, X_test, y_test, seeds):
    """Of encoders that learn from 20,000 images without labels."""
    flat, flat_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    pca = PCA(64, random_state=0).fit(flat)
    raw = {
        "raw": (flat, flat_test),
        "raw + PCA-64": tuple(np.hstack([A, pca.transform(A)]) for A in (flat, flat_test)),
    }
    codes = []
    for seed in range(seeds):
        encoders = [
            clone(model).set_params(random_state=len(FEATURES) * seed + number).fit(X[:20_000])
            for number, model in enumerate(FEATURES)
        ]
        codes.append([np.hstack([one.transform(A) for one in encoders]) for A in (X, X_test)])
    parallel = Parallel(n_jobs=JOBS)
    for n_labels in (100, 1000):
        rows = [labeled(y, n_labels, draw) for draw in range(DRAWS)]

        def scores(name, F, F_test, rows=rows, n_labels=n_labels):
            drawn = parallel(delayed(accuracy)(F[r], y[r], F_test, y_test) for r in rows)
            print(f"  {n_labels} labels, {name}: {np.mean(drawn):.4f}", flush=True)
            return np.array(drawn)

        best = max((scores(name, *both) for name, both in raw.items()), key=np.mean)
        for seed in range(seeds if n_labels == 100 else 1):
            code = codes[seed]
            both = zip((flat, flat_test), code, strict=True)
            arms = {"alone": code, "with raw": tuple(map(np.hstack, both))}
            for name, both in arms.items():
                gain = scores(f"{code[0].shape[1]} features {name}, seed {seed}", *both) - best
                print(f"  lift: {interval(gain)}", flush=True)


def probe(model, X, y, X_test, y_test):
    """Accuracy of logistic regression on codes, from 1,000 labels, mean over draws."""
    results = []
    for draw in range(DRAWS):
        rows = labeled(y, 1000, draw)
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        classifier.fit(model.transform(X[rows]), y[rows])
        results.append(classifier.score(model.transform(X_test), y_test))
    return np.mean(results)


def shift_ratios(model, X, y):
    """Distance of codes under shifts to the right, over that between images of two classes."""
    codes = model.transform(X)
    other = np.random.default_rng(0).permutation(len(X))
    between = np.linalg.norm(codes - codes[other], axis=1)[y != y[other]].mean()
    shifted = [model.transform(np.roll(X, step, axis=2)) for step in (1, 2, 3)]
    return [np.linalg.norm(codes - moved, axis=1).mean() / between for moved in shifted]


def perceptual(X, y, X_test, y_test, seeds):
    """Of codes learned from 10,000 images, since VGG16 takes its time."""
    network = train_classifier(X, y)
    print(f"  on the originals: {np.mean(classify(network, X_test)[1] == y_test):.4f}", flush=True)
    few = X[:10_000]
    for seed in range(seeds):
        for name, loss in LOSSES.items():
            model = clone(STUDENT).set_params(random_state=seed, loss=loss).fit(few)
            restored = model.inverse_transform(model.transform(X_test))
            seen = np.mean(classify(network, restored)[1] == y_test)
            linear = probe(model, X, y, X_test, y_test)
            print(
                f"  {name}, seed {seed}: classifier {seen:.4f}, probe {linear:.4f}, MSE "
                f"{mse(model, X_test):.5f}, shifts of 1 to 3 pixels "
                + " ".join(f"{ratio:.3f}" for ratio in shift_ratios(model, X_test, y_test)),
                flush=True,
            )
        flat = make_pipeline(_Flat(), Autoencoder(32, max_epochs=10, random_state=seed)).fit(few)
        ratios = " ".join(f"{ratio:.3f}" for ratio in shift_ratios(flat, X_test, y_test))
        print(f"  dense, seed {seed}: shifts of 1 to 3 pixels {ratios}", flush=True)
    pixels = shift_ratios(_Flat(), X_test, y_test)
    print("  pixels themselves: shifts " + " ".join(f"{ratio:.3f}" for ratio in pixels))


class _Flat:
    """Images as rows, as a step of a pipeline."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.reshape(len(X), -1)


def looks_real(features, real):
    """Accuracy of a 1-nearest-neighbor test between two sets of equal size: 0.5 is ideal."""
    both = np.vstack([features, real])
    label = np.repeat([0, 1], len(features))
    nearest = NearestNeighbors(n_neighbors=2).fit(both).kneighbors(both)[1][:, 1]
    return np.mean(label[nearest] == label)


def midpoints(X, y, X_test, y_test, seeds):
    network = train_classifier(X, y)
    random = np.random.default_rng(0)
    one, other, held = np.split(random.permutation(len(X_test))[: 3 * (len(X_test) // 3)], 3)
    apart = y_test[one] != y_test[other]
    one, other = one[apart], other[apart]
    real = classify(network, X_test[held[: len(one)]])[0]

    def report(name, images):
        found, classes = classify(network, images)
        parents = np.mean((classes == y_test[one]) | (classes == y_test[other]))
        size = min(len(found), len(real))
        print(
            f"  {name}: a parent's class {parents:.4f}, told from real ones "
            f"{looks_real(found[:size], real[:size]):.4f}",
            flush=True,
        )

    report("pixels", (X_test[one] + X_test[other]) / 2)
    for seed in range(seeds):
        for name, model in MORPHS.items():
            fitted = clone(model).set_params(random_state=seed).fit(X[:20_000])
            middle = interpolate(fitted, X_test[one], X_test[other], 3)[:, 1]
            report(f"{name}, seed {seed}", np.ascontiguousarray(middle))


SMALLEST_ERROR = ConvAutoencoder(
    32, n_filters=(32, 96, 256), batch_size=128, lr=6e-3, max_epochs=10
)
SIGMOID = ConvAutoencoder(
    64, activation="sigmoid", corruption=Dropout(0.5), batch_size=128, max_epochs=8
)
BINARY = clone(SIGMOID).set_params(
    n_components=128, activation="silu", code_activation="sigmoid", code_noise=Gaussian(0.5)
)
FEATURES = [SIGMOID, SIGMOID, BINARY]  # side by side: 256 columns
STUDENT = ConvAutoencoder(32, batch_size=128, max_epochs=10)
LOSSES = {"pixel": "squared_error", "perceptual": PerceptualLoss("vgg16", ["relu2_2"])}
MORPHS = {
    "code of 32": STUDENT,
    "code of 8": clone(STUDENT).set_params(n_components=8),
    "noise on a code of 32": clone(STUDENT).set_params(
        code_activation="tanh", code_noise=Gaussian(0.3)
    ),
}

PARTS = {
    "reconstruction": reconstruction,
    "features": features,
    "perceptual": perceptual,
    "midpoints": midpoints,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validate", action="store_true")
    arguments = parser.parse_args()
    data = load(arguments.validate)
    for name in arguments.only:
        print(name, flush=True)
        PARTS[name](*data, arguments.seeds)


if __name__ == "__main__":
    main()
