"""Features ahead of XGBoost and of logistic regression, where few rows are labeled.

Encoders learn from all training rows without labels, classifiers from the labeled ones, as many of
each class; accuracy is on the test rows. On every data set and number of labels

* every arm gets the booster that is best for the raw columns,
* and what is held against the better of raw and raw + PCA is the arm of ours that is best,

both chosen on other draws of labels, within the training rows. Run::

    SKGEN_DATA=... python benchmarks/features.py mnist fashion_10k digits tables objectives shifts
    SKGEN_DATA=... python benchmarks/features.py mnist --quick        # one seed, three draws
    SKGEN_DATA=... python benchmarks/features.py fashion --labels 100 1000     # hours
    SKGEN_DATA=... python benchmarks/features.py faces    # who wears glasses
"""

import argparse
import copy
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, Normalizer, StandardScaler
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from xgboost import XGBClassifier

from skgen import ConvAutoencoder, DenoisingAutoencoder, InvariantEncoder
from skgen.corruptions import Brightness, Crop, ErasedPatches, Flip
from skgen.datasets import fetch_fashion_mnist, load_fashion_mnist_10k
from skgen.extractors import FeatureExtractor
from skgen.invariances import INVARIANCES

BOOSTERS = {
    "400 of depth 2": {
        "n_estimators": 400,
        "max_depth": 2,
        "colsample_bytree": 0.1,
        "min_child_weight": 0.3,
    },
    "150 of depth 4": {"n_estimators": 150, "max_depth": 4},
}
MIRRORED = [Flip(), Crop(), Brightness(0.3), ErasedPatches(0.3)]
CLOTHES = {"corruption": MIRRORED}


# Data: (X, y, X_test, y_test), numbers of labels, settings of the encoder


def folder():
    return Path(os.environ["SKGEN_DATA"])


def mnist():
    X, y = (np.load(folder() / "mnist_5k.npz")[name] for name in "Xy")
    return (X[:4000], y[:4000], X[4000:], y[4000:]), (100, 500), {}


def fashion_10k():
    X, y = load_fashion_mnist_10k(return_X_y=True)
    images = X.reshape(-1, 28, 28)
    parts = train_test_split(images, y, test_size=2000, stratify=y, random_state=0)
    return (parts[0], parts[2], parts[1], parts[3]), (100, 300, 1000), CLOTHES


def fashion():
    parts = [fetch_fashion_mnist(subset=name, return_X_y=True) for name in ("train", "test")]
    return [a for X, y in parts for a in (X.reshape(-1, 28, 28), y)], (100, 1000), CLOTHES


def digits():
    data = load_digits()
    images = data.images.astype(np.float32)
    parts = train_test_split(
        images, data.target, test_size=400, stratify=data.target, random_state=0
    )
    return (parts[0], parts[2], parts[1], parts[3]), (50,), {}


def table(name, n_train):
    frame = pd.read_csv(folder() / f"{name}.csv.gz")
    y = LabelEncoder().fit_transform(frame.pop("target"))
    X = frame.to_numpy(np.float32)
    if name == "magic":  # sorted by class
        order = np.random.default_rng(0).permutation(len(X))
        X, y = X[order], y[order]
    X = StandardScaler().fit(X[:n_train]).transform(X)
    kept = np.isin(y, np.flatnonzero(np.bincount(y[:n_train]) >= 100))  # too few to draw from
    y = np.where(kept, y, -1)
    train, test = np.flatnonzero(y[:n_train] >= 0), n_train + np.flatnonzero(y[n_train:] >= 0)
    y = np.unique(y, return_inverse=True)[1] - int((y < 0).any())
    n_labels = len(train) // 20
    return (X[train], y[train], X[test], y[test]), (n_labels,), {}


DATA = {
    "mnist": mnist,
    "fashion_10k": fashion_10k,
    "fashion": fashion,
    "digits": digits,
    "letter": lambda: table("letter", 16_000),
    "magic": lambda: table("magic", 15_000),
    "shuttle": lambda: table("shuttle", 43_500),
}
TABLES = ("letter", "magic", "shuttle")


# Arms


def flat(X):
    return X.reshape(len(X), -1).astype(np.float32)


VGG_LAYERS = ["relu2_2", "relu3_3", "relu4_3"]


@torch.no_grad()
def frozen_features(X, X_test):
    """VGG16's means over positions at twice the size, their PCA-100, and distances to centers."""
    network = FeatureExtractor().build(VGG_LAYERS)
    pooled = []
    for images in (X, X_test):
        largest = 255 if images.dtype == np.uint8 else 1
        x = torch.from_numpy(images[:, None].repeat(3, axis=1).astype(np.float32) / largest)
        parts = functional.interpolate(x, scale_factor=2, mode="bilinear").split(200)
        pooled.append(
            torch.cat([torch.cat([one.mean((2, 3)) for one in network(part)], 1) for part in parts])
        )
    pca = PCA(100, whiten=True, random_state=0).fit(pooled[0])
    codes = [pca.transform(part) for part in pooled]
    sphere = make_pipeline(Normalizer(), KMeans(100, n_init=1, random_state=0)).fit(codes[0])
    axes = [code * np.sqrt(pca.explained_variance_) for code in codes]
    beside = [np.hstack([a, sphere.transform(b)]) for a, b in zip(axes, codes, strict=True)]
    return {"VGG16, PCA-100": tuple(axes), "VGG16, PCA-100 + distances": tuple(beside)}


def features_of(X, X_test, settings, seed, arguments):
    """Features of training and test rows, by the name of their arm.

    Those that no seed of ours changes are made for the first one alone.
    """
    quick, of_images, is_first = arguments.quick, X.ndim > 2, seed == arguments.seed
    raw = flat(X), flat(X_test)
    arms = {"raw": raw}
    pca = PCA(min(64, raw[0].shape[1]), random_state=0).fit(raw[0])
    arms["PCA"] = tuple(map(pca.transform, raw))
    if of_images and is_first and not quick and X.shape[1] >= 28 and len(X) < 20_000:
        arms |= frozen_features(X, X_test)
    start = time.perf_counter()
    encoder = InvariantEncoder(random_state=seed, **settings).fit(X)
    print(f"InvariantEncoder: fit in {time.perf_counter() - start:.0f} s", flush=True)
    kinds = ["code", "distances"] if of_images else ["code", "hidden"]
    for kind in kinds:
        encoder.set_params(features=kind)
        arms[f"our {kind}"] = tuple(map(encoder.transform, (X, X_test)))
    if not quick and is_first:
        encoder.set_params(max_epochs=1, lr=1e-12, features="code").fit(X)
        arms["random encoder"] = tuple(map(encoder.transform, (X, X_test)))
        centers = KMeans(100, n_init=1, random_state=seed).fit(raw[0])
        arms["k-means"] = tuple(map(centers.transform, raw))
        corruption = "masking" if of_images else "swap"
        denoising = DenoisingAutoencoder(64, corruption=corruption, random_state=seed)
        denoising.set_params(features="hidden").fit(raw[0])
        arms["denoising, hidden"] = tuple(map(denoising.transform, raw))
    first, second = (f"our {kind}" for kind in kinds)
    beside = [("raw", "PCA"), ("raw", first), ("raw", second), (first, second)]
    beside += [("raw", first, second)]
    beside += [("raw", name) for name in ("denoising, hidden", "VGG16, PCA-100") if name in arms]
    for names in beside:
        parts = zip(*(arms[name] for name in names), strict=True)
        arms[" + ".join(names)] = tuple(map(np.hstack, parts))
    return arms


# Figures


def labeled(y, n_labels, draw):
    rng = np.random.default_rng(1000 + draw)
    classes = [np.flatnonzero(y == label) for label in np.unique(y)]
    n = max(1, n_labels // len(classes))
    return np.concatenate([rng.choice(rows, min(n, len(rows)), replace=False) for rows in classes])


def xgboost(settings):
    return XGBClassifier(n_jobs=1, random_state=0, **settings)


def logistic_regression():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300))


def accuracy(model, F, y, F_test, y_test):
    return np.mean(model.fit(F, y).predict(F_test) == y_test)


def interval(gains):
    """Mean and its 95% interval, in points."""
    gains = 100 * np.asarray(gains)
    half = stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():+.1f} points, {gains.mean() - half:+.1f} to {gains.mean() + half:+.1f}"


class Probe:
    """Accuracies of classifiers on arms, on the test rows or, to choose by, on training rows."""

    def __init__(self, arms, y, y_test, n_labels, draws, n_jobs):
        self.arms, self.y, self.y_test, self.n_labels = arms, y, y_test, n_labels
        self.draws, self.parallel = draws, Parallel(n_jobs=n_jobs)

    def __call__(self, model, name, *, to_choose=False):
        F, F_test = self.arms[name]
        jobs = []
        for draw in range(3 if to_choose else self.draws):
            rows = labeled(self.y, self.n_labels, draw + 100 * to_choose)
            test, y_test = F_test, self.y_test
            if to_choose:
                others = np.setdiff1d(np.arange(len(F)), rows)[:2000]
                test, y_test = F[others], self.y[others]
            jobs.append(delayed(accuracy)(model, F[rows], self.y[rows], test, y_test))
        return np.array(self.parallel(jobs))


def lifts(name, arguments):
    (X, y, X_test, y_test), usual, settings = DATA[name]()
    settings = settings | ({"max_epochs": arguments.epochs} if arguments.epochs else {})
    known: dict = {}  # what does not depend on our seed
    for seed in range(arguments.seed, arguments.seed + (1 if arguments.quick else arguments.seeds)):
        arms = features_of(X, X_test, settings, seed, arguments)
        for n_labels in arguments.labels or usual:
            title = f"{name}, {n_labels} labels, seed {seed}"
            report(title, arms, y, y_test, n_labels, arguments, known.setdefault(n_labels, {}))


def report(title, arms, y, y_test, n_labels, arguments, known):
    draws = arguments.draws or (3 if arguments.quick else 10)
    probe = Probe(arms, y, y_test, n_labels, draws, arguments.jobs)
    if "booster" not in known:
        known["booster"] = max(
            BOOSTERS, key=lambda one: probe(xgboost(BOOSTERS[one]), "raw", to_choose=True).mean()
        )
    chosen = known["booster"]
    print(f"{title}, {draws} draws, XGBoost with {chosen}", flush=True)
    booster, linear = xgboost(BOOSTERS[chosen]), logistic_regression()
    scores = {}
    for arm in arms:
        if arm in known:
            scores[arm] = known[arm]
            continue
        scores[arm] = probe(booster, arm)
        by_linear = probe(linear, arm)
        if "our" not in arm:
            known[arm] = scores[arm]
        print(
            f"    {arm:30} XGBoost {scores[arm].mean():.3f} +- {scores[arm].std():.3f}   "
            f"LR {by_linear.mean():.3f} +- {by_linear.std():.3f}",
            flush=True,
        )
    ours = [arm for arm in arms if "our" in arm]
    best = max(ours, key=lambda arm: probe(booster, arm, to_choose=True).mean())
    rival = max(("raw", "raw + PCA"), key=lambda arm: scores[arm].mean())
    print(f"    {best} over {rival}: {interval(scores[best] - scores[rival])}", flush=True)


def objectives(arguments):
    """All objectives, trained for as many epochs each: their time is the networks' time."""
    (X, y, X_test, y_test), _, _ = digits() if arguments.quick else mnist()
    for name in INVARIANCES:
        model = InvariantEncoder(
            invariance=name, max_epochs=arguments.epochs or 25, random_state=arguments.seed
        )
        start = time.perf_counter()
        model.fit(X)
        seconds = time.perf_counter() - start
        arms = {"ours": (model.transform(X), model.transform(X_test))}
        probe = Probe(arms, y, y_test, 100, 3 if arguments.quick else 10, arguments.jobs)
        of_trees = probe(xgboost(BOOSTERS["400 of depth 2"]), "ours").mean()
        of_linear = probe(logistic_regression(), "ours").mean()
        print(
            f"{name:14} XGBoost {of_trees:.3f}  LR {of_linear:.3f}  score {model.score(X):.3f}  "
            f"{seconds:.0f} s",
            flush=True,
        )


def shifted(images, n):
    """All images shifted by so many pixels in four directions, what is new taken from the edge."""
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (n, n), (n, n)), mode="edge")
    for dy, dx in [(0, n), (2 * n, n), (n, 0), (n, 2 * n)]:
        yield padded[:, dy : dy + height, dx : dx + width]


def movement(transform, images, y, n):
    """How far codes move under shifts by n pixels, over the distance between means of classes."""
    codes = transform(images)
    moved = [np.linalg.norm(transform(one) - codes, axis=1).mean() for one in shifted(images, n)]
    means = np.array([codes[y == label].mean(axis=0) for label in np.unique(y)])
    apart = np.linalg.norm(means[:, None] - means, axis=2)
    return np.mean(moved) / apart[np.triu_indices(len(means), 1)].mean()


def shifts(arguments):
    (X, _, X_test, y_test), _, settings = fashion_10k()
    epochs = {"max_epochs": arguments.epochs} if arguments.epochs else {}
    plain = ConvAutoencoder(32, random_state=arguments.seed).set_params(**epochs).fit(X)
    ours = InvariantEncoder(random_state=arguments.seed, **settings, **epochs)
    models = {"pixels": flat, "ConvAutoencoder(32)": plain.transform}
    models["InvariantEncoder"] = ours.set_params(features="code").fit(X).transform
    for name, transform in models.items():
        ratios = [f"{movement(transform, X_test[:500], y_test[:500], n):.2f}" for n in (1, 2, 3)]
        print(f"{name:20} moved by 1, 2, 3 pixels: {' '.join(ratios)}", flush=True)


def timed(arguments):
    """An epoch of the encoder over one of a plain loop on the same network, alternated."""
    (X, *_), _, settings = fashion_10k()
    ours = InvariantEncoder(random_state=0, max_epochs=2, **settings).fit(X[:300])
    loop = PlainLoop(X, ours)
    ratios = []
    for _ in range(arguments.draws or 5):
        start = time.perf_counter()
        ours.set_params(max_epochs=1).fit(X)
        middle = time.perf_counter()
        loop.epoch()
        ratios.append((middle - start) / (time.perf_counter() - middle))
    print(f"a fit of one epoch over a plain epoch: {np.median(ratios):.2f} {np.round(ratios, 2)}")


class PlainLoop:
    """VICReg as most would write it: a sampling grid for every batch, and Adam."""

    def __init__(self, X, ours):
        self.x = torch.from_numpy(X[:, None]).float() / 255
        network = copy.deepcopy(ours.net_.module_)
        self.network = nn.Sequential(nn.Flatten(), network.encoder, network.projector)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), 2e-3)

    def view(self, x):
        n = len(x)
        maps = torch.zeros(n, 2, 3)
        scale = torch.empty(n).uniform_(0.75, 1.1)
        maps[:, 0, 0], maps[:, 1, 1] = scale * (torch.rand(n) < 0.5).float().mul(2).sub(1), scale
        maps[:, :, 2] = torch.empty(n, 2).uniform_(-0.2, 0.2)
        grid = functional.affine_grid(maps, x.shape, align_corners=False)
        x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        x = x * torch.empty(n, 1, 1, 1).uniform_(0.7, 1.3)
        for row, (i, j) in enumerate(torch.randint(0, 20, (n, 2)).tolist()):
            x[row, :, i : i + 8, j : j + 8] = 0
        return x

    def epoch(self):
        for (x,) in DataLoader(TensorDataset(self.x), batch_size=256, shuffle=True):
            a, b = self.network(self.view(x)), self.network(self.view(x))
            loss = 25 * functional.mse_loss(a, b)
            for z in (a, b):
                z = z - z.mean(dim=0)
                covariance = z.T @ z / (len(z) - 1)
                spread = functional.relu(1 - (covariance.diagonal() + 1e-4).sqrt()).mean()
                off = covariance - torch.diag(covariance.diagonal())
                loss = loss + 12.5 * spread + 4 * off.square().sum() / z.shape[1]
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


def faces(arguments):
    """Who wears glasses, read off codes by logistic regression and by XGBoost.

    At half the size. Of drawn faces 3,000 are learned from, 100 of them with labels, and 1,000 are
    the test. Of photographs, people are kept apart.
    """
    data = np.load(folder() / "avatars.npz")
    X, y = data["X"][:, ::2, ::2], LabelEncoder().fit_transform(data["glasses_kind"])
    report_faces("avatars", X, arguments, lambda draw: (labeled(y[:3000], 100, draw), 3000), y)
    data = np.load(folder() / "orl_faces.npz")
    X, y, people = data["X"][:, ::2, ::2], data["glasses"], data["subject"]
    known = np.flatnonzero(y >= 0)
    splits = list(
        GroupShuffleSplit(15, test_size=0.4, random_state=0).split(known, groups=people[known])
    )
    report_faces("ORL", X, arguments, lambda draw: tuple(known[part] for part in splits[draw]), y)


def report_faces(title, X, arguments, split, y):
    epochs = {"max_epochs": arguments.epochs} if arguments.epochs else {}
    n_learned = 3000 if title == "avatars" else len(X)
    models = {
        "ConvAutoencoder(64)": ConvAutoencoder(64, random_state=arguments.seed),
        "our code": InvariantEncoder(
            features="code", corruption=MIRRORED, random_state=arguments.seed
        ),
    }
    arms = {"raw": flat(X)}
    for name, model in models.items():
        arms[name] = model.set_params(**epochs).fit(X[:n_learned]).transform(X)
    ours = models["our code"]
    for kind in ("distances", "hidden"):
        arms[f"our {kind}"] = ours.set_params(features=kind).transform(X)
    booster = xgboost(BOOSTERS["400 of depth 2"])
    for name, F in arms.items():
        scores = []
        for draw in range(arguments.draws or 10):
            rows, test = split(draw)
            test = np.arange(test, len(X)) if np.ndim(test) == 0 else test
            for model in (booster, logistic_regression()):
                scores.append(accuracy(model, F[rows], y[rows], F[test], y[test]))
        of_trees, of_linear = np.reshape(scores, (-1, 2)).T
        print(
            f"{title}, {name:20} XGBoost {of_trees.mean():.3f} +- {of_trees.std():.3f}   "
            f"LR {of_linear.mean():.3f} +- {of_linear.std():.3f}",
            flush=True,
        )


OTHERS = {"objectives": objectives, "shifts": shifts, "time": timed, "faces": faces}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=[*DATA, "tables", *OTHERS], metavar="what")
    parser.add_argument("--quick", action="store_true", help="one seed, three draws, fewer arms")
    parser.add_argument("--draws", type=int, help="of labels")
    parser.add_argument("--labels", type=int, nargs="+")
    parser.add_argument("--seed", type=int, default=0, help="of the first encoder")
    parser.add_argument("--seeds", type=int, default=3, help="how many encoders")
    parser.add_argument("--epochs", type=int, help="of our encoders; their default otherwise")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    for what in arguments.what:
        if what in OTHERS:
            OTHERS[what](arguments)
            continue
        for name in TABLES if what == "tables" else [what]:
            lifts(name, arguments)


if __name__ == "__main__":
    main()
