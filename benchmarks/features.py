"""Autoencoder features ahead of XGBoost on Fashion-MNIST, few labels, ten draws.

Encoders learn from all 60,000 training images without labels; XGBoost (200 trees, depth 4) from
100 or 1,000 labeled ones, as many of each class; accuracy is on the 10,000 test images. The two
encoders were chosen on 5,000 training images held out, with other draws. For every draw the arm
is the one that did best on the other draws, and is held against the better of raw pixels and raw
pixels with 64 principal components; beside it stands the arm that was best in validation. Run::

    SKGEN_DATA=... python benchmarks/features.py
"""

import argparse

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from sklearn.decomposition import PCA
from xgboost import XGBClassifier

from skgen import DenoisingAutoencoder
from skgen.datasets import fetch_fashion_mnist

DRAWS = 10
ENCODERS = {
    "sigmoid": DenoisingAutoencoder(
        32, corruption="masking", corruption_level=0.5, activation="sigmoid"
    ),
    "silu": DenoisingAutoencoder(64, corruption="masking", corruption_level=0.75),
}
# The arm that did best on the held-out training images (20 draws; 2 draws for 1,000 labels).
CHOSEN_IN_VALIDATION = {100: "sigmoid code", 1000: "silu raw + hidden"}


def accuracy(F, y, F_test, y_test):
    model = XGBClassifier(n_estimators=200, max_depth=4, n_jobs=1, random_state=0).fit(F, y)
    return np.mean(model.predict(F_test) == y_test)


def interval(difference):
    """Mean and its 95% interval, in points."""
    gain = 100 * difference
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    return f"{gain.mean():+.2f} points, {gain.mean() - half:+.2f} to {gain.mean() + half:+.2f}"


def labeled(y, n_labels, draw):
    rng = np.random.default_rng(1000 + draw)
    classes = [np.flatnonzero(y == label) for label in range(10)]
    return np.concatenate([rng.choice(rows, n_labels // 10, replace=False) for rows in classes])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 1000], choices=[100, 1000])
    parser.add_argument("--seed", type=int, default=0, help="of the encoders")
    arguments = parser.parse_args()
    X, y = fetch_fashion_mnist(subset="train", return_X_y=True)
    X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    pca = PCA(64, random_state=0).fit(X)
    arms = {
        "raw": (X, X_test),
        "raw + PCA-64": tuple(np.hstack([A, pca.transform(A)]) for A in (X, X_test)),
    }
    for name, encoder in ENCODERS.items():
        encoder.set_params(random_state=arguments.seed).fit(X)
        code = tuple(encoder.transform(A) for A in (X, X_test))
        encoder.set_params(features="hidden")
        hidden = tuple(encoder.transform(A) for A in (X, X_test))
        arms |= {f"{name} code": code, f"{name} hidden": hidden}
        arms[f"{name} raw + code"] = tuple(map(np.hstack, zip((X, X_test), code, strict=True)))
        arms[f"{name} raw + hidden"] = tuple(map(np.hstack, zip((X, X_test), hidden, strict=True)))
    parallel = Parallel(n_jobs=2)
    for n_labels in arguments.labels:
        rows = [labeled(y, n_labels, draw) for draw in range(DRAWS)]
        scores = {}
        for name, (F, F_test) in arms.items():
            scores[name] = np.array(
                parallel(delayed(accuracy)(F[r], y[r], F_test, y_test) for r in rows)
            )
            mean, deviation = scores[name].mean(), scores[name].std(ddof=1)
            print(f"{n_labels} labels, {name}: {mean:.4f} +- {deviation:.4f}", flush=True)
        ours = np.array([values for name, values in scores.items() if not name.startswith("raw")])
        others = ours.sum(axis=1, keepdims=True) - ours
        chosen = ours[others.argmax(axis=0), np.arange(DRAWS)]
        best = max((scores["raw"], scores["raw + PCA-64"]), key=np.mean)
        fixed = scores[CHOSEN_IN_VALIDATION[n_labels]]
        print(
            f"{n_labels} labels: lift of the arm best on the other draws", interval(chosen - best)
        )
        print(
            f"{n_labels} labels: lift of {CHOSEN_IN_VALIDATION[n_labels]}", interval(fixed - best)
        )


if __name__ == "__main__":
    main()
