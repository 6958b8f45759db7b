"""What the regularized autoencoders are good for, on Fashion-MNIST, beside simple rivals.

Trained on the official training split and scored on the test split, pixels in [0, 1], three
seeds. With ``--validate``, 5,000 training images take the place of the test split, as they did,
with shorter training, when settings were chosen. Run::

    SKGEN_DATA=... python benchmarks/regularizers.py [--only sparse] [--seeds 3] [--validate]
"""

import argparse
import time
import warnings

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    RedundantAutoencoder,
    SparseAutoencoder,
)
from skgen.datasets import fetch_fashion_mnist

ONE_LAYER = {"hidden_layer_sizes": (), "tied_weights": True}


def mse(A, B):
    return float(np.mean((A - B) ** 2, dtype=np.float64))


def restore(model, X):
    return model.inverse_transform(model.transform(X))


def fit(model, X, seed):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A code of n_components")
        start = time.perf_counter()
        model.set_params(random_state=seed).fit(X)
    return model, time.perf_counter() - start


def summary(values, digits=4):
    low, high = min(values), max(values)
    return f"{np.mean(values):.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"


# Denoising: Gaussian noise of standard deviation .5 in pixels, which are not clipped


def denoising(X, y, X_test, y_test, seeds):
    psnr = lambda error: -10 * np.log10(error)  # noqa: E731
    noisy = X_test + np.random.default_rng(1).normal(0, 0.5, X_test.shape).astype(np.float32)
    pca = PCA(128, random_state=0).fit(X)
    codes = pca.transform(noisy)
    linear = {
        k: psnr(mse(codes[:, :k] @ pca.components_[:k] + pca.mean_, X_test)) for k in range(5, 129)
    }
    k = max(linear, key=linear.get)
    print(f"PCA, best of 5 to 128 components, {k}: {linear[k]:.2f} dB")
    images = noisy.reshape(-1, 28, 28)
    for mode in ("reflect", "constant"):
        for size in (3, 5, 7):
            filtered = median_filter(images, size=(1, size, size), mode=mode)
            error = mse(filtered.reshape(noisy.shape), X_test)
            print(f"median filter of {size} x {size}, {mode}: {psnr(error):.2f} dB")
    results = []
    for seed in range(seeds):
        model = DenoisingAutoencoder(
            256, corruption="gaussian", corruption_level=0.5, hidden_layer_sizes=(1024,), lr=2e-3,
            output_activation="sigmoid",
        )  # fmt: skip
        model, took = fit(model, X, seed)
        results.append(psnr(mse(restore(model, noisy), X_test)))
    print(f"DenoisingAutoencoder: {summary(results, 2)} dB, {took:.0f} s")


# Probes: logistic regression on frozen features, 10,000 labels


def probe(F, y, F_test, y_test, strengths):
    """Accuracy for every strength of regularization."""
    scores = {}
    for C in strengths:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=300))
        scores[C] = model.fit(F, y).score(F_test, y_test)
    return scores


def labeled(y):
    return np.random.default_rng(2).choice(len(y), 10_000, replace=False)


def sparse(X, y, X_test, y_test, seeds, strengths=(0.003, 0.01, 0.03, 0.1)):
    rows = labeled(y)
    print("raw, standardized", probe(X[rows], y[rows], X_test, y_test, strengths), flush=True)
    for C in (0.1, 0.3):
        raw = LogisticRegression(C=C, max_iter=300).fit(X[rows], y[rows]).score(X_test, y_test)
        print(f"raw, C={C}: {raw:.4f}", flush=True)
    for seed in range(seeds):
        kmeans = MiniBatchKMeans(1000, random_state=seed, n_init=1, batch_size=4096, max_iter=50)
        kmeans.fit(X)
        # Coates, Lee and Ng 2011: how much nearer a centroid is than the mean of all.
        triangle = lambda A: np.maximum(0, (D := kmeans.transform(A)).mean(1, keepdims=True) - D)  # noqa: B023, E731
        scores = probe(triangle(X[rows]), y[rows], triangle(X_test), y_test, strengths)
        print(f"k-means triangle, seed {seed}", scores, flush=True)
    for seed in range(seeds):
        model, took = fit(SparseAutoencoder(1000, method="top_k", n_nonzero=100), X, seed)
        scores = probe(
            model.transform(X[rows]), y[rows], model.transform(X_test), y_test, strengths
        )
        print(f"{model}, seed {seed}, {took:.0f} s", scores, flush=True)


def redundant(X, y, X_test, y_test, seeds):
    rows = labeled(y)
    deep = {"hidden_layer_sizes": (512, 256)}
    arms = {
        "plain": Autoencoder(32),
        "plain, tied weights": Autoencoder(32, tied_weights=True),
        "redundant": RedundantAutoencoder(32, code_noise="gaussian", code_noise_level=0.5, **deep),
    }
    for name, model in arms.items():
        results = []
        for seed in range(seeds):
            fit(model, X, seed)
            F, F_test = model.transform(X[rows]), model.transform(X_test)
            results.append(max(probe(F, y[rows], F_test, y_test, (1.0,)).values()))
        print(f"{name}: {summary(results)}", flush=True)


# Distorted images: mean squared error to the clean ones


def distorted(X):
    rng = np.random.default_rng(3)
    salt_and_pepper = np.where(rng.random(X.shape) < 0.2, rng.integers(0, 2, X.shape), X)
    columns = np.arange(X.shape[1])
    swapped = X[rng.integers(0, len(X), X.shape), columns]
    occluded = X.reshape(-1, 28, 28).copy()
    for image, (row, column) in zip(occluded, rng.integers(4, 14, (len(X), 2)), strict=True):
        image[row : row + 10, column : column + 10] = 0
    striped = X.reshape(-1, 28, 28).copy()
    striped[:, ::4] = 0
    kinds = {
        "none": X,
        "Gaussian": X + rng.normal(0, 0.3, X.shape),
        "masked": X * (rng.random(X.shape) > 0.3),
        "salt": salt_and_pepper,
        "swapped": np.where(rng.random(X.shape) < 0.2, swapped, X),
        "striped": striped,
        "occluded": occluded,
        "blurred": gaussian_filter(X.reshape(-1, 28, 28), (0, 1, 1)),
        "darker": X / 2,
        "brighter": X + 0.2,
    }
    return {name: seen.reshape(X.shape).astype(np.float32) for name, seen in kinds.items()}


def distortions(X, y, X_test, y_test, seeds):
    kinds = distorted(X_test)
    relu = {"code_activation": "relu", **ONE_LAYER}
    arms = {
        "none": Autoencoder(1000, **relu),
        "sparse": SparseAutoencoder(1000, weight=2e-3),
        "redundant": RedundantAutoencoder(1000, code_noise_level=0.5, code_activation="relu"),
        "denoising": DenoisingAutoencoder(
            1000, corruption="gaussian", corruption_level=1.0, **relu
        ),
        "contractive": ContractiveAutoencoder(1000, weight=0.01),
    }
    print(f"{'MSE x 10,000':20}", *(f"{kind:>9}" for kind in kinds))
    print(f"{'nothing done':20}", *(f"{1e4 * mse(seen, X_test):9.0f}" for seen in kinds.values()))
    for name, model in arms.items():
        errors = []
        for seed in range(seeds):
            fit(model.set_params(max_epochs=10), X, seed)
            errors.append([1e4 * mse(restore(model, seen), X_test) for seen in kinds.values()])
        print(f"{name:20}", *(f"{error:9.0f}" for error in np.mean(errors, axis=0)), end="")
        print(f"   largest spread over seeds {np.ptp(errors, axis=0).max():.0f}", flush=True)


# Outliers: one class in turn is unknown in training


def outliers(X, y, X_test, y_test, seeds):
    def auc(score_samples, label):
        return 100 * roc_auc_score(y_test == label, -score_samples(X_test))

    def pca_scores(pca):
        return lambda X: -np.sum((restore(pca, X) - X) ** 2, axis=1)

    makers = {
        "IsolationForest": lambda seed: IsolationForest(random_state=seed),
        **{f"PCA({k})": lambda seed, k=k: PCA(k, random_state=seed) for k in (5, 8, 32, 64)},
        **{
            f"Autoencoder({k})": lambda seed, k=k: Autoencoder(k, max_epochs=10, random_state=seed)
            for k in (5,)
        },
    }
    for name, make in makers.items():
        scores = np.empty((seeds if "PCA" not in name else 1, 10))  # PCA draws next to nothing
        for label in range(10):
            known = X[y != label]
            for seed, row in enumerate(scores):
                model = make(seed).fit(known)
                samples = pca_scores(model) if "PCA" in name else model.score_samples
                row[label] = auc(samples, label)
        by_class = " ".join(f"{value:4.0f}" for value in scores.mean(axis=0))
        print(f"{name:16} mean {summary(scores.mean(axis=1), 1)}, by class {by_class}", flush=True)


TASKS = (denoising, sparse, redundant, distortions, outliers)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[task.__name__ for task in TASKS], default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validate", action="store_true")
    arguments = parser.parse_args()
    X, y = fetch_fashion_mnist(subset="train", return_X_y=True)
    if arguments.validate:
        order = np.random.default_rng(0).permutation(len(X))
        X_test, y_test = X[order[:5000]], y[order[:5000]]
        X, y = X[order[5000:]], y[order[5000:]]
    else:
        X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    for task in TASKS:
        if arguments.only in {None, task.__name__}:
            print(f"== {task.__name__}", flush=True)
            task(X, y, X_test, y_test, arguments.seeds)


if __name__ == "__main__":
    main()
