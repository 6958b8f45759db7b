"""Reconstruction error on Fashion-MNIST: 60,000 train, 10,000 test, pixels in [0, 1].

Settings were chosen on 5,000 training images; the test split is only measured on. Run::

    SKGEN_DATA=... python benchmarks/reconstruction.py [--seeds 3]
"""

import argparse
import time

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from skgen import Autoencoder, LinearAutoencoder
from skgen.datasets import fetch_fashion_mnist


def mse(model, X):
    return float(-model.score_samples(X).mean(dtype=np.float64) / X.shape[1])


def pca_mse(pca, X):
    return float(np.mean((pca.inverse_transform(pca.transform(X)) - X) ** 2, dtype=np.float64))


def summary(values):
    return f"{np.mean(values):.5f} [{min(values):.5f}-{max(values):.5f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=["linear", "dense"], default=None)
    arguments = parser.parse_args()
    X, _ = fetch_fashion_mnist(subset="train", return_X_y=True)
    X_test, _ = fetch_fashion_mnist(subset="test", return_X_y=True)

    if arguments.only != "dense":
        exact = X.astype(np.float64)
        pca = PCA(32, svd_solver="full").fit(exact)
        best = pca_mse(pca, exact)
        svd = LinearAutoencoder(32).fit(exact)
        print(f"linear, svd, k=32: training MSE over PCA's {mse(svd, exact) / best:.7f}")
        for seed in range(arguments.seeds):
            start = time.perf_counter()
            sgd = LinearAutoencoder(32, solver="sgd", random_state=seed).fit(X)
            took = time.perf_counter() - start
            angle = np.rad2deg(subspace_angles(sgd.components_.T, pca.components_.T)).max()
            cosines = np.abs(np.sum(sgd.components_ * pca.components_, axis=1))
            print(
                f"linear, sgd, k=32, seed {seed}: training MSE over PCA's "
                f"{mse(sgd, exact) / best:.5f}, largest angle {angle:.2f} degrees, "
                f"least cosine {cosines.min():.4f}, {took:.0f} s",
                flush=True,
            )
    if arguments.only != "linear":
        for size in (10, 32, 64):
            errors, times = [], []
            for seed in range(arguments.seeds):
                start = time.perf_counter()
                model = Autoencoder(size, random_state=seed).fit(X)
                times.append(time.perf_counter() - start)
                errors.append(mse(model, X_test))
            linear = pca_mse(PCA(size).fit(X), X_test)
            n_weights = sum(w.numel() for w in model.net_.module_.parameters())
            print(
                f"Autoencoder({size}), {model.n_iter_} epochs, {n_weights:,} weights: test MSE "
                f"{summary(errors)}, PCA {linear:.5f}, {np.median(times):.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
