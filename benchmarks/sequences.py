"""Sequences: codes and pooled states ahead of classifiers, missing values, restoring, time, memory.

A model learns from the sequences of the training part without labels. Classifiers learn from the
labeled ones of it; the C of a support vector machine is chosen by cross-validation within these.
The test part is scored once. Run::

    SKGEN_DATA=... python benchmarks/sequences.py ucr vowels few_labels two_patterns missing
    python benchmarks/sequences.py two_patterns time memory
    SKGEN_DATA=... python benchmarks/sequences.py ucr --seeds 1
    SKGEN_DATA=... python benchmarks/sequences.py rivals     # with aeon installed
"""

import argparse
import os
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import SVC
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from xgboost import XGBClassifier

from skgen import RecurrentAutoencoder

UCR = ["arrowhead", "coffee", "gunpoint", "italy_power_demand", "osuleaf"]
FEATURES = ("code", "hidden")


# Data: X, y, X_test, y_test


def of_equal_length(name):
    """Return one of the sets of univariate sequences of one length."""
    data = np.load(Path(os.environ["SKGEN_DATA"]) / f"{name}.npz")
    train = data["split"] == "train"
    return data["X"][train], data["y"][train], data["X"][~train], data["y"][~train]


def vowels():
    """Return the Japanese vowels of nine speakers: twelve channels, 7 to 29 steps."""
    data = np.load(Path(os.environ["SKGEN_DATA"]) / "japanese_vowels.npz")
    sequences = np.split(data["X"], np.cumsum(data["lengths"])[:-1])
    train = data["split"] == "train"
    X, X_test = ([sequences[n] for n in np.flatnonzero(part)] for part in (train, ~train))
    return X, data["y"][train], X_test, data["y"][~train]


def two_patterns(n, seed):
    """Draw the Two Patterns of Geurts (PKDD 2001): two steps, up or down, in one of four orders.

    A sequence is noise N(0, 1) of 128 steps, but for two patterns of random lengths at random
    places, one after the other, that lie at -5 and then at 5, or at 5 and then at -5.
    """
    random = np.random.default_rng(seed)
    y = random.integers(4, size=n)
    X = random.normal(size=(n, 128)).astype(np.float32)
    for row, label in zip(X, y, strict=True):
        first, second = random.integers(10, 31, size=2)
        start = random.integers(0, 128 - first - second + 1)
        other = random.integers(start + first, 128 - second + 1)
        for at, length, goes_up in ((start, first, label // 2), (other, second, label % 2)):
            step = np.where(np.arange(length) < length / 2, -5, 5)
            row[at : at + length] = step if goes_up else -step
    return X, y


def padded(sequences, n_steps):
    """Return sequences as rows: padded with zeros, cut where they are longer."""
    rows = np.zeros((len(sequences), n_steps, sequences[0].shape[1]), np.float32)
    for row, one in zip(rows, sequences, strict=True):
        row[: len(one)] = one[:n_steps]
    return rows.reshape(len(rows), -1)


# Classifiers


def svm(F, y, F_test, y_test):
    n_folds = min(5, np.bincount(np.unique(y, return_inverse=True)[1]).min())
    if n_folds < 2:  # nothing to search by
        return make_pipeline(StandardScaler(), SVC(C=10)).fit(F, y).score(F_test, y_test)
    folds = StratifiedKFold(n_folds)
    grid = {"svc__C": 10.0 ** np.arange(-1, 5)}
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=folds)
    return search.fit(F, y).score(F_test, y_test)


def booster(F, y, F_test, y_test):
    """With few rows and many columns shallow trees are better, for every arm."""
    labels = LabelEncoder().fit(y)
    model = XGBClassifier(
        n_estimators=200, max_depth=2, colsample_bytree=0.1, min_child_weight=0.3, n_jobs=1
    )
    return model.fit(F, labels.transform(y)).score(F_test, labels.transform(y_test))


def reservoir(X, X_test, seed):
    """Return pooled states of the same network, untrained."""
    model = RecurrentAutoencoder(features="hidden", max_epochs=1, lr=1e-12, random_state=seed)
    return model.fit(X).transform(X), model.transform(X_test)


def features(X, X_test, seed, **params):
    """Fit without labels, and return the model with features of both parts, by their name."""
    model, both = RecurrentAutoencoder(random_state=seed, **params).fit(X), {}
    for name in FEATURES:
        model.set_params(features=name)
        both[name] = model.transform(X), model.transform(X_test)
    return model.set_params(features="code"), both


def say(title, rows, header):
    """Print means over seeds, with their spread."""
    print(f"\n{title}")
    print(" " * 34 + "".join(f"{name[:10]:>12}" for name in header))
    for name, values in rows.items():
        values = np.array(values, dtype=float)
        spread = values.std(axis=0)
        cells = [f"{m:8.3f}±{s:.2f}" for m, s in zip(values.mean(axis=0), spread, strict=True)]
        print(f"{name:34}" + "".join(cells), flush=True)


# What is measured


def ucr(seeds):
    """Accuracy on five sets, and the share of PCA's error that restoring leaves."""
    rows = {}
    for seed in range(seeds):
        found = {}
        for name in UCR:
            X, y, X_test, y_test = of_equal_length(name)
            began = time.perf_counter()
            model, both = features(X, X_test, seed)
            seconds = time.perf_counter() - began
            both |= {"raw": (X, X_test), "untrained states": reservoir(X, X_test, seed)}
            for kind, (F, F_test) in both.items():
                found.setdefault(f"{kind}, SVM", []).append(svm(F, y, F_test, y_test))
                found.setdefault(f"{kind}, XGBoost", []).append(booster(F, y, F_test, y_test))
            pca = PCA(min(len(X) - 1, X.shape[1], model.n_components_)).fit(X)
            by_pca = X_test - pca.inverse_transform(pca.transform(X_test))
            ours = X_test - model.inverse_transform(model.transform(X_test))
            found.setdefault("error over PCA's, same size", []).append(
                np.square(ours).sum() / np.square(by_pca).sum()
            )
            found.setdefault("seconds", []).append(seconds)
        for name, values in found.items():
            rows.setdefault(name, []).append([*values, np.mean(values)])
    say("Five sets, official split", rows, [*UCR, "mean"])


def restoring(seeds):
    """The error on test rows at codes of 4, 8 and 16 numbers, over PCA's."""
    rows = {}
    for size in (4, 8, 16):
        for seed in range(seeds):
            ratios = []
            for name in UCR:
                X, _, X_test, _ = of_equal_length(name)
                model = RecurrentAutoencoder(size, random_state=seed).fit(X)
                pca = PCA(size).fit(X)
                by_pca = X_test - pca.inverse_transform(pca.transform(X_test))
                ours = X_test - model.inverse_transform(model.transform(X_test))
                ratios.append(np.square(ours).sum() / np.square(by_pca).sum())
            rows.setdefault(f"{size} numbers", []).append(ratios)
    say("Squared error on test rows over PCA's", rows, UCR)


def few_labels(seeds):
    """The vowels with all labels, and with 3 and 5 of every speaker."""
    X, y, X_test, y_test = vowels()
    n_steps = max(map(len, X))
    raw = padded(X, n_steps), padded(X_test, n_steps)
    rows = {}
    for seed in range(seeds):
        both = features(X, X_test, seed)[1]
        both |= {"padded": raw, "untrained states": reservoir(X, X_test, seed)}
        for kind, (F, F_test) in both.items():
            for name, classify in (("SVM", svm), ("XGBoost", booster)):
                accuracies = []
                for n in (3, 5):
                    draws = [labeled(y, n, 10 * seed + draw) for draw in range(10 // seeds or 1)]
                    accuracies.append(
                        np.mean([classify(F[rows], y[rows], F_test, y_test) for rows in draws])
                    )
                accuracies.append(classify(F, y, F_test, y_test))
                rows.setdefault(f"{kind}, {name}", []).append(accuracies)
    say("Japanese vowels, labels of every speaker", rows, ["3", "5", "30 (all)"])


def labeled(y, n, seed):
    """Draw so many rows of every class."""
    random = np.random.default_rng(seed)
    return np.concatenate(
        [random.choice(np.flatnonzero(y == one), n, replace=False) for one in np.unique(y)]
    )


def few_patterns(seeds):
    """Two Patterns: 1,000 rows to learn from, some of them labeled, 4,000 to test."""
    rows = {}
    for seed in range(seeds):
        X, y = two_patterns(1000, seed)
        X_test, y_test = two_patterns(4000, seed + 1000)
        both = features(X, X_test, seed)[1]
        alone = features(X, X_test, seed, n_waves=0)[1]  # the phase of patterns means nothing
        both |= {f"{name}, n_waves=0": found for name, found in alone.items()}
        both |= {"raw": (X, X_test), "untrained states": reservoir(X, X_test, seed)}
        for kind, (F, F_test) in both.items():
            for name, classify in (("SVM", svm), ("XGBoost", booster)):
                few = [np.random.default_rng(seed).permutation(1000)[:n] for n in (12, 36, 71, 111)]
                rows.setdefault(f"{kind}, {name}", []).append(
                    [classify(F[some], y[some], F_test, y_test) for some in few]
                )
    say("Two Patterns, labels of 1,000 rows", rows, ["12", "36", "71", "111"])


def missing(seeds):
    """GunPoint with 30% of the steps missing, in training and in the test."""
    X, y, X_test, y_test = of_equal_length("gunpoint")
    rows = {}
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        holes, holes_test = (
            np.where(random.random(one.shape) < 0.3, np.nan, one) for one in (X, X_test)
        )
        whole, gaps = features(X, X_test, seed)[1], features(holes, holes_test, seed)[1]
        for kind in FEATURES:
            accuracies = [svm(F, y, T, y_test) for F, T in (whole[kind], gaps[kind])]
            rows.setdefault(kind, []).append([*accuracies, accuracies[0] - accuracies[1]])
    say("GunPoint, SVM", rows, ["complete", "30% gone", "loss"])


class PlainLoop(nn.Module):
    """A recurrent autoencoder as most would write it: GRUs, on what is padded to the longest."""

    def __init__(self, n_channels, n_code=64, width=64):
        super().__init__()
        self.encoder = nn.GRU(n_channels, width, batch_first=True, bidirectional=True)
        self.to_code = nn.Linear(2 * width, n_code)
        self.decoder = nn.GRU(n_code, width, batch_first=True)
        self.output = nn.Linear(width, n_channels)

    def forward(self, x):
        last = self.encoder(x)[1]
        code = self.to_code(torch.cat([last[0], last[1]], dim=1))
        return self.output(self.decoder(code[:, None].expand(-1, x.shape[1], -1))[0])


def plain_fit(X, epochs):
    """Train it on batches of 32."""
    lengths = torch.tensor([len(one) for one in X])
    x = pad_sequence([torch.from_numpy(one) for one in X], batch_first=True)
    there = (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
    network = PlainLoop(x.shape[2])
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            error = (network(x[rows]) - x[rows]).square() * there[rows]
            (error.sum() / there[rows].sum()).backward()
            optimizer.step()


def walks(n, shortest, longest, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest, size=n, endpoint=True)
    return [random.normal(size=(length, 3)).cumsum(axis=0).astype(np.float32) for length in lengths]


def speed(seeds):
    """The time of `fit` over that of the plain loop, alternated."""
    cases = {"20 to 400 steps": walks(320, 20, 400), "20 to 40 steps": walks(640, 20, 40)}
    for title, X in cases.items():
        times = {"plain loop": [], "defaults": [], "patch=1": []}
        for _ in range(2 + seeds):
            for name, epochs in times.items():
                began = time.perf_counter()
                if name == "plain loop":
                    plain_fit(X, 2)
                else:
                    patch = 1 if name == "patch=1" else None
                    RecurrentAutoencoder(max_epochs=2, patch=patch, random_state=0).fit(X)
                epochs.append(time.perf_counter() - began)
        plain = np.median(times["plain loop"][1:])
        for name, taken in times.items():
            seconds = np.median(taken[1:])
            print(f"{title:18} {name:12} {seconds:7.2f} s for 2 epochs, {seconds / plain:.2f}")


def memory(seeds):
    """The peak of memory on 10,000 sequences of 20 to 2,000 steps, beyond what they take."""
    X = walks(10_000, 20, 2000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = RecurrentAutoencoder(max_epochs=1, patch=32, random_state=0).fit(X)
    model.transform(X)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = sum(one.nbytes for one in X)
    frames = held / 3 * 7  # 2 * 3 + 1 numbers a step
    print(
        f"10,000 sequences: {held / 2**20:.0f} MB, as frames {frames / 2**20:.0f} MB; peak "
        f"{(after - before) / 2**10:.0f} MB above what was there; padded to the longest, frames "
        f"alone would be {10_000 * 2000 * 7 * 4 / 2**20:.0f} MB"
    )


def rivals(seeds):
    """MiniROCKET and Catch22 of aeon on the five sets, with the same support vector machine."""
    from aeon.transformations.collection.convolution_based import MiniRocket
    from aeon.transformations.collection.feature_based import Catch22
    from sklearn.linear_model import RidgeClassifierCV

    rows = {}
    for seed in range(seeds):
        found = {}
        for name in UCR:
            X, y, X_test, y_test = of_equal_length(name)
            rocket = MiniRocket(random_state=seed).fit(X[:, None])
            F, T = (np.asarray(rocket.transform(one[:, None])) for one in (X, X_test))
            ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
            found.setdefault("MiniROCKET, ridge", []).append(ridge.fit(F, y).score(T, y_test))
            catch = Catch22(replace_nans=True)
            F, T = (np.asarray(catch.fit_transform(one[:, None])) for one in (X, X_test))
            found.setdefault("Catch22, SVM", []).append(svm(F, y, T, y_test))
        for name, values in found.items():
            rows.setdefault(name, []).append([*values, np.mean(values)])
    say("Rivals on five sets", rows, [*UCR, "mean"])


PARTS = {
    "ucr": ucr,
    "restoring": restoring,
    "vowels": few_labels,
    "two_patterns": few_patterns,
    "missing": missing,
    "time": speed,
    "memory": memory,
    "rivals": rivals,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", message="The least populated class")
    for part in chosen.parts:
        PARTS[part](chosen.seeds)
