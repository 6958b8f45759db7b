"""Adapting to a target without labels: accuracy there, and how well settings are chosen.

Five seeds, last epoch. Every fit gets 80% of the source's rows and 80% of the target's training
rows; the rest scores it without labels of the target, as a fold of a cross-validation would.
Labels of the target enter in the accuracy on its test rows, and nowhere else. All arms make the
same number of updates, with the same number of labeled rows in each::

    python benchmarks/adaptation.py --only mnist_m --results results.csv
    python benchmarks/adaptation.py --report results.csv
    python benchmarks/adaptation.py --xgboost
    python benchmarks/adaptation.py --class-shares

`SKGEN_DATA` has to point at the project's data. A task takes 10 to 40 minutes on one core, on which
small networks are as fast as on two.
"""

import argparse
import csv
import functools
import gzip
import itertools
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits, make_moons
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline

from skgen import (
    CoralClassifier,
    DomainAdversarialClassifier,
    LabeledOnly,
    MinimumClassConfusionClassifier,
)
from skgen.alignments import ClassConfusion
from skgen.corruptions import Inversion
from skgen.metrics import LabelFreeScorer

SEEDS = range(5)
SCORERS = ["transfer", "entropy", "importance_weighted", "dev", "snd"]


def mano(model, X_target):
    """Score by the size of normalized logits (Xie et al., "MaNo", NeurIPS 2024)."""
    log_p = np.log(np.clip(model.predict_proba(X_target), 1e-12, 1))
    p = np.exp(log_p)
    if -log_p.mean() <= 5:  # logits are not to be trusted: a Taylor polynomial in place of exp
        logits = log_p - log_p.mean(axis=1, keepdims=True)
        p = 1 + logits + logits**2 / 2
        p /= p.sum(axis=1, keepdims=True)
    return float((p**4).mean() ** 0.25)


def mixval(model, X_target, share=0.55, seed=0):
    """Score by how far mixed rows are said to be of the class of their larger part.

    The mean of its two accuracies, for rows of one class and of two, where Hu et al. ("Mixed
    samples as probes", NeurIPS 2023) take the mean of the ranks that models have by each.
    """
    X, said = np.asarray(X_target, dtype=float), model.predict(X_target)
    other = np.random.default_rng(seed).permutation(len(X))
    right = model.predict(share * X + (1 - share) * X[other]) == said
    alike = said == said[other]
    return float(np.mean([right[part].mean() for part in (alike, ~alike) if part.any()]))


def class_shares(seeds):
    """Print accuracy and scores where shares of the classes differ, and nothing else does."""
    methods = (DomainAdversarialClassifier, CoralClassifier, MinimumClassConfusionClassifier)
    for share, seed in itertools.product((0.5, 0.7, 0.9, 0.95, 0.99), seeds):
        r = np.random.default_rng(seed)
        ys, yt = np.arange(1000) % 2, (np.arange(1000) < round(1000 * (1 - share))).astype(int)
        X = np.r_[ys, yt][:, None] * 4 * np.eye(6)[0] + r.normal(size=(2000, 6))
        y = np.r_[ys, np.full(1000, -1)]
        for cls, norm in itertools.product(methods, ("per_domain", "joint")):
            model = cls(batch_norm=norm, max_epochs=40, random_state=seed).fit(X, y)
            scores = {name: LabelFreeScorer(name)(model, X, y) for name in SCORERS}
            scores |= {one.__name__: one(model, X[1000:]) for one in (mano, mixval)}
            said = " ".join(f"{name} {value:.3f}" for name, value in scores.items())
            accuracy = model.score(X[1000:], yt)
            print(share, seed, cls.__name__, norm, f"{accuracy:.3f}", said, flush=True)


def load(name):
    return np.load(Path(os.environ["SKGEN_DATA"]) / name)


# Tasks: rows and labels of the source, of the target to train on, and of the target to test on.


@functools.cache
def mnist_m():
    """Plain digits to other digits over photographs."""
    plain, photos = load("mnist_5k.npz"), load("mnist_m_5k.npz")
    X, y = np.repeat(plain["X"][..., None], 3, axis=3), plain["y"].astype(int)
    Z, z = photos["X"], photos["y"].astype(int)
    return X[:2500], y[:2500], Z[2500:4500], z[2500:4500], Z[4500:], z[4500:]


@functools.cache
def shrunk_mnist():
    """The middle 24x24 pixels, averaged over 3x3, in the range of scikit-learn's digits."""
    plain = load("mnist_5k.npz")
    X = plain["X"][:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)).reshape(-1, 64)
    return X / 255 * 16, plain["y"].astype(int)


def digits_to_mnist():
    (X, y), (Z, z) = load_digits(return_X_y=True), shrunk_mnist()
    return X, y, Z[:2500], z[:2500], Z[2500:], z[2500:]


def mnist_to_digits():
    (Z, z), (X, y) = load_digits(return_X_y=True), shrunk_mnist()
    return X[:2500], y[:2500], Z[:1000], z[:1000], Z[1000:], z[1000:]


@functools.cache
def sentiment():
    """Is the mean human score positive? From reviews of movies to reviews of products.

    Words are counted in all texts, which takes no label.
    """
    with gzip.open(Path(os.environ["SKGEN_DATA"]) / "sentiment.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    words = TfidfVectorizer(min_df=3, max_features=5000, ngram_range=(1, 2), sublinear_tf=True)
    X = words.fit_transform([row["text"] for row in rows]).toarray().astype(np.float32)
    y = np.array([float(row["score"]) > 0 for row in rows]).astype(int)
    movie = np.array([row["domain"] == "movie" for row in rows])
    products = np.random.default_rng(0).permutation(np.flatnonzero(~movie))
    train, test = np.array_split(products, 2)
    return X[movie], y[movie], X[train], y[train], X[test], y[test]


def moons():
    """The target is turned by 40 degrees."""
    c, s = np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40))
    parts = []
    for seed, turn in enumerate([np.eye(2), [[c, s], [-s, c]], [[c, s], [-s, c]]]):
        X, y = make_moons(1000, noise=0.05, random_state=seed)
        parts += [(X - [0.5, 0.25]) @ np.asarray(turn), y]
    return tuple(parts)


IMAGES = {"max_epochs": 20, "batch_size": 128}
TASKS = {
    "mnist_m": (mnist_m, IMAGES),
    "mnist_m, inversion": (mnist_m, {**IMAGES, "corruption": Inversion()}),
    "digits to mnist": (digits_to_mnist, {"max_epochs": 40}),
    "mnist to digits": (mnist_to_digits, {"max_epochs": 40}),
    "sentiment": (
        sentiment,
        {"max_epochs": 3, "lr": 1e-3, "hidden_layer_sizes": (128,), "corruption": "dropout"},
    ),
    "moons": (moons, {"max_epochs": 100}),
}


def source_only(**params):
    return CoralClassifier(adaptation_weight=0, **params)


def with_confusion(**params):
    return DomainAdversarialClassifier(alignment=ClassConfusion(weight=3.0), **params)


def arms(few):
    """Yield names and constructors: every method, at several weights, with both kinds of norm."""
    methods = {
        "DANN": DomainAdversarialClassifier,
        "CORAL": CoralClassifier,
        "MCC": MinimumClassConfusionClassifier,
        "DANN + MCC": with_confusion,
    }
    usual = {"DANN": 0.1, "CORAL": 0.3, "MCC": 1.0, "DANN + MCC": 0.3}
    for batch_norm in ("joint", "per_domain"):
        yield (
            ("source only", 0.0, batch_norm),
            functools.partial(source_only, batch_norm=batch_norm),
        )
        for method, cls in methods.items():
            for weight in (0.1, 0.3, 1.0):
                if few and batch_norm == "joint" and weight != usual[method]:
                    continue  # a network of images takes long
                yield (
                    (method, weight, batch_norm),
                    functools.partial(cls, adaptation_weight=weight, batch_norm=batch_norm),
                )


def accuracy(task, y, predicted):
    if task == "sentiment":
        return balanced_accuracy_score(y, predicted)
    return np.mean(y == predicted)


def run(task, seed, write):
    """Fit every arm; a network to the target's labels, and a linear model to the source's."""
    data, settings = TASKS[task]
    Xs, ys, Xt, yt, X_test, y_test = data()
    draw = np.random.default_rng(seed)
    s, t = draw.permutation(len(Xs)), draw.permutation(len(Xt))
    (s_out, s), (t_out, t) = (np.split(one, [len(one) // 5]) for one in (s, t))
    X, domains = np.concatenate([Xs[s], Xt[t]]), np.repeat([1, -1], [len(s), len(t)])
    y = np.concatenate([ys[s], np.full(len(t), -1)])
    X_out = np.concatenate([Xs[s_out], Xt[t_out]])
    y_out = np.concatenate([ys[s_out], np.full(len(t_out), -1)])
    domains_out = np.repeat([1, -1], [len(s_out), len(t_out)])
    for (method, weight, batch_norm), make in arms(few=task.startswith("mnist_m")):
        start = time.perf_counter()
        row = {"task": task, "seed": seed, "method": method, "weight": weight, "norm": batch_norm}
        try:
            model = make(random_state=seed, **settings).fit(X, y, sample_domain=domains)
        except FloatingPointError:
            write(row)
            continue
        row["seconds"] = round(time.perf_counter() - start, 1)
        row["target"] = accuracy(task, y_test, model.predict(X_test))
        predicted = model.predict(Xs[s_out], np.ones(len(s_out)))
        row["source"] = accuracy(task, ys[s_out], predicted)
        for scorer in SCORERS:
            row[scorer] = LabelFreeScorer(scorer)(model, X_out, y_out, sample_domain=domains_out)
        write(row)
    alone = {**settings, "batch_size": settings.get("batch_size", 256) // 2}
    bounds = {
        "target-trained": (source_only(random_state=seed, **alone), Xt[t], yt[t]),
        "linear, source": (LogisticRegression(max_iter=2000), Xs[s].reshape(len(s), -1), ys[s]),
    }
    for name, (model, rows, labels) in bounds.items():
        rows_test = X_test.reshape(len(X_test), *rows.shape[1:])
        predicted = model.fit(rows / rows.max(), labels).predict(rows_test / rows.max())
        score = accuracy(task, y_test, predicted)
        write({"task": task, "seed": seed, "method": name, "weight": 0.0, "target": score})


def report(results):
    """Print the table of every task, and what label-free choices lose."""
    keys = ["method", "weight", "norm"]
    losses = {}
    for task, rows in results.groupby("task", sort=False):
        rows = rows.fillna({"norm": "", "target": 0.0})
        by_arm = rows.groupby(keys, sort=False)
        table = by_arm["target"].agg(["mean", "std", "min"])
        table["source"] = by_arm["source"].mean()
        table["s"] = by_arm["seconds"].mean()
        print(f"\n{task}\n{(table * [100, 100, 100, 100, 1]).round(1).to_string()}")
        scored = rows[rows["norm"] != ""].fillna({scorer: -np.inf for scorer in SCORERS})
        means = scored.groupby(keys, sort=False)[["target", *SCORERS]].mean()
        losses[task] = {
            scorer: means["target"].max() - means["target"].loc[means[scorer].idxmax()]
            for scorer in SCORERS
        }
        losses[task] |= {
            f"{scorer}, of one seed": np.mean(
                [
                    one["target"].max() - one["target"].loc[one[scorer].idxmax()]
                    for _, one in scored.groupby("seed")
                ]
            )
            for scorer in SCORERS
        }
    lost = pd.DataFrame(losses) * 100
    lost["mean"], lost["worst"] = lost.mean(axis=1), lost.max(axis=1)
    print(f"\nPoints lost against choosing with labels\n{lost.round(1).to_string()}")


def xgboost():
    """XGBoost on raw pixels, on features of the source alone, and on adapted ones."""
    from xgboost import XGBClassifier

    Xs, ys, Xt, _, X_test, y_test = mnist_m()
    X, y = np.concatenate([Xs, Xt]), np.concatenate([ys, np.full(len(Xt), -1)])
    trees = {"n_estimators": 200, "max_depth": 4, "n_jobs": 1}
    for name, settings in (("plain", {}), ("inversion", {"corruption": Inversion()})):
        rows, labels = Xs, ys
        if settings:  # trees get the negatives as rows
            rows, labels = np.concatenate([Xs, 255 - Xs]), np.tile(ys, 2)
        raw = XGBClassifier(**trees).fit(rows.reshape(len(rows), -1), labels)
        print(f"{name}: raw {raw.score(X_test.reshape(len(X_test), -1), y_test):.3f}", flush=True)
        for method, make in {
            "source only": source_only,
            "DANN": DomainAdversarialClassifier,
            "MCC": MinimumClassConfusionClassifier,
        }.items():
            scores = []
            for seed in SEEDS:
                model = make(random_state=seed, **IMAGES, **settings)
                pipeline = make_pipeline(model, LabeledOnly(XGBClassifier(**trees)))
                scores.append(round(pipeline.fit(X, y).score(X_test, y_test), 3))
            print(f"{name}: {method} {scores}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--results", default="adaptation.csv", help="where rows are added")
    parser.add_argument("--report", nargs="+", help="print tables of such files, and stop")
    parser.add_argument("--xgboost", action="store_true")
    parser.add_argument("--class-shares", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # signs of harm are what is measured here
    if args.report:
        report(pd.concat([pd.read_csv(path) for path in args.report]))
    elif args.class_shares:
        class_shares(args.seeds)
    elif args.xgboost:
        xgboost()
    else:
        names = ["task", "seed", "method", "weight", "norm", "target", "source", "seconds"]
        new = not Path(args.results).exists()
        with open(args.results, "a", newline="") as file:
            table = csv.DictWriter(file, [*names, *SCORERS], restval="")
            if new:
                table.writeheader()

            def write(row):
                table.writerow(row)
                file.flush()

            for task in args.only:
                for seed in args.seeds:
                    run(task, seed, write)
        report(pd.read_csv(args.results))


if __name__ == "__main__":
    main()
