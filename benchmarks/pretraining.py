"""Few labels: pretraining on all rows and fine-tuning, beside what else one would do.

An encoder learns once from all training rows without labels. For every draw of labels, as many of
each class, the same network is fine-tuned from there and from random weights, with the same
distortions of labeled rows, each without and with agreement on rows without labels; beside them
scikit-learn's ways and XGBoost on raw columns. Accuracy is on the test rows; of diamonds, the root
mean squared error of the logarithm of the price. Run::

    SKGEN_DATA=... python benchmarks/pretraining.py mnist letter magic shuttle diamonds
    SKGEN_DATA=... python benchmarks/pretraining.py mnist --draws 3 --arms scratch pretrained
    SKGEN_DATA=... python benchmarks/pretraining.py magic --labels 0        # all labels
    SKGEN_DATA=... python benchmarks/pretraining.py fashion     # hours without a GPU
    python benchmarks/pretraining.py stacked harm time

`stacked` turns the clothes that ship, each by an angle of its own, and compares layers that are
trained one by one with all at once; `harm` is a task whose classes are not where the variance is;
`time` holds a fit against plain loops over the same two phases.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
import torch
from features import DATA, TABLES, flat, folder, interval, labeled, xgboost
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from skgen import (
    Autoencoder,
    DenoisingAutoencoder,
    InvariantEncoder,
    PretrainedClassifier,
    PretrainedRegressor,
)
from skgen.corruptions import Rotate
from skgen.datasets import load_fashion_mnist_10k

ARMS = ("pretrained", "pretrained + agreement", "scratch", "scratch + agreement")

# The booster that is best for raw columns, of those in features.py.
BOOSTERS = {
    True: {"n_estimators": 400, "max_depth": 2, "colsample_bytree": 0.1, "min_child_weight": 0.3},
    False: {"n_estimators": 150, "max_depth": 4},
}


def encoder_of(name, settings, epochs):
    if name in TABLES or name == "diamonds":
        own = DenoisingAutoencoder(
            256, hidden_layer_sizes=(256,), corruption="swap", corruption_level=0.3
        )
    else:
        own = InvariantEncoder(**settings)
    return own.set_params(random_state=0, **({"max_epochs": epochs} if epochs else {}))


def untrained(encoder):
    return clone(encoder).set_params(max_epochs=1, lr=1e-12)


def classifiers(name, settings, own, X, arguments):
    """Estimators that take y with -1 for rows without a label, by name."""
    flat_rows = name in TABLES
    corruption = settings.get("corruption")
    arms = {}
    for title, encoder in {"pretrained": own, "scratch": untrained(own).fit(X)}.items():
        model = PretrainedClassifier(
            encoder, corruption=corruption, consistency_weight=0.0, random_state=0
        )
        arms[title] = model
        arms[f"{title} + agreement"] = clone(model).set_params(
            encoder=encoder, consistency_weight=1.0
        )
    early = clone(arms["pretrained"]).set_params(encoder=own, supervised_weight=1.0)
    arms["pretrained with labels"] = early
    arms = {title: arms[title] for title in arguments.arms}
    vectors = SVC(C=10, gamma="scale", probability=True, random_state=0)
    of_pca = make_pipeline(PCA(0.95 if flat_rows else 50, random_state=0), vectors)
    return arms, {
        "SVM": vectors,
        "PCA + SVM": of_pca,
        "LabelSpreading": LabelSpreading(kernel="knn", n_neighbors=7),
        "SelfTraining(SVM)": SelfTrainingClassifier(vectors, threshold=0.9),
        "XGBoost, raw": xgboost(BOOSTERS[not flat_rows]),
    }


def behind(encoder, corruption, beside, data, rows):
    """What a booster is given, of labeled rows and of the test, and the rows it is fitted to.

    Features of the encoder before it saw labels; the same and class probabilities, which of labeled
    rows are out of fold; features of an encoder that was fine-tuned with the other half of labels.
    """
    (F, F_test), (X, y, X_test) = beside, data
    model = PretrainedClassifier(
        FrozenEstimator(encoder), corruption=corruption, consistency_weight=0.0, random_state=0
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    held_out = cross_val_predict(model, X[rows], y[rows], cv=folds, method="predict_proba")
    of_test = model.fit(X[rows], y[rows]).predict_proba(X_test)
    first, second = train_test_split(rows, test_size=0.5, stratify=y[rows], random_state=0)
    model.fit(X[first], y[first]).set_params(features="fine_tuned")
    tuned = [np.hstack([flat(part), model.transform(part)]) for part in (X[second], X_test)]
    pair = np.hstack([F[rows], held_out]), np.hstack([F_test, of_test])
    return {
        "raw + features": (F[rows], F_test, rows),
        "raw + features + probabilities": (*pair, rows),
        "raw + fine-tuned on other labels": (*tuned, second),
    }


SEE_ALL = ("LabelSpreading", "SelfTraining(SVM)")


def classify(name, arguments):
    (X, y, X_test, y_test), usual, settings = DATA[name]()
    own = encoder_of(name, settings, arguments.epochs)
    start = time.perf_counter()
    own.fit(X)
    print(f"{name}: encoder fitted in {time.perf_counter() - start:.0f} s", flush=True)
    arms, rivals = classifiers(name, settings, own, X, arguments)
    columns = [flat(part) for part in (X, X_test)]
    features = [own.transform(part) for part in (X, X_test)]
    beside = [np.hstack(pair) for pair in zip(columns, features, strict=True)]
    scale = StandardScaler().fit(columns[0])
    for n_labels in arguments.labels or usual:
        scores = {}
        for draw in range(arguments.draws):
            rows = labeled(y, n_labels, draw) if n_labels else np.arange(len(y))
            known = np.full(len(y), -1)
            known[rows] = y[rows]
            for title, model in arms.items():
                start = time.perf_counter()
                fitted = model.set_params(random_state=draw).fit(X, known)
                seconds = time.perf_counter() - start
                scores.setdefault(title, []).append(fitted.score(X_test, y_test))
                print(f"    {title}: {scores[title][-1]:.3f}, {seconds:.0f} s", flush=True)
            for title, model in rivals.items():
                Z, Z_test = map(scale.transform, columns)
                if title in SEE_ALL:
                    some = np.concatenate([rows, np.setdiff1d(np.arange(len(y)), rows)[:10_000]])
                    fitted = model.fit(Z[some], known[some])
                else:
                    fitted = model.fit(Z[rows], y[rows])
                scores.setdefault(title, []).append(np.mean(fitted.predict(Z_test) == y_test))
            booster = rivals["XGBoost, raw"]
            for title, (F, F_test, boosted) in behind(
                own, settings.get("corruption"), beside, (X, y, X_test), rows
            ).items():
                right = np.mean(booster.fit(F, y[boosted]).predict(F_test) == y_test)
                scores.setdefault(f"XGBoost, {title}", []).append(right)
        report(f"{name}, {n_labels or 'all'} labels, {arguments.draws} draws", scores)


def report(title, scores):
    print(title)
    for arm, values in scores.items():
        print(f"    {arm:26} {np.mean(values):.3f} +- {np.std(values):.3f}")
    base = np.array(scores.get("scratch", []))
    for arm in (*ARMS, "pretrained with labels"):
        if arm in scores and arm != "scratch" and len(base) > 1:
            print(f"    {arm} over scratch: {interval(np.array(scores[arm]) - base)}", flush=True)


def diamonds(arguments):
    frame = pd.read_csv(folder() / "diamonds.csv.gz")
    y = np.log(frame.pop("target").to_numpy(float))
    texts = frame.select_dtypes(exclude="number").columns
    kinds = OneHotEncoder(sparse_output=False).fit_transform(frame[texts])
    sizes = StandardScaler().fit_transform(frame.drop(columns=texts)).clip(-4, 4)  # a few are wrong
    X = np.hstack([sizes, kinds]).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    learn, test = np.arange(40_000), np.arange(40_000, len(X))
    own = encoder_of("diamonds", {}, arguments.epochs).fit(X[learn])
    arms = {
        "pretrained": PretrainedRegressor(own),
        "pretrained with labels": PretrainedRegressor(own, supervised_weight=1.0),
        "scratch": PretrainedRegressor(untrained(own).fit(X[learn])),
    }
    scores = {}
    for draw in range(arguments.draws):
        rows = np.random.default_rng(1000 + draw).choice(learn, 500, replace=False)
        known = np.full(len(learn), np.nan)
        known[rows] = y[rows]
        for title, model in arms.items():
            model.set_params(random_state=draw).fit(X[learn], known)
            errors = model.predict(X[test]) - y[test]
            scores.setdefault(title, []).append(np.sqrt(np.mean(errors**2)))
        grid = {
            "max_iter": [100, 200, 400],
            "learning_rate": [0.03, 0.1],
            "max_leaf_nodes": [8, 31],
        }
        boosted = GridSearchCV(HistGradientBoostingRegressor(random_state=0), grid, cv=3)
        errors = boosted.fit(X[rows], y[rows]).predict(X[test]) - y[test]
        scores.setdefault("HistGradientBoosting, tuned", []).append(np.sqrt(np.mean(errors**2)))
    print(f"diamonds, 500 prices, {arguments.draws} draws: RMSE of the logarithm")
    for title, values in scores.items():
        print(f"    {title:26} {np.mean(values):.3f} +- {np.std(values):.3f}", flush=True)
    for title in list(arms)[:2]:
        ratios = np.array(scores[title]) / np.array(scores["scratch"])
        print(f"    {title} over scratch: {interval(ratios - 1)}", flush=True)


def stacked(arguments):
    """Vincent et al. (2010), section 6, on clothes: the features of layers trained one by one."""
    X, y = load_fashion_mnist_10k(return_X_y=True)
    turned = Rotate(180)(torch.from_numpy(X.reshape(-1, 1, 28, 28)).float())
    X = turned.flatten(1).numpy() / 255
    sizes = {"n_components": 200, "hidden_layer_sizes": (500, 500), "activation": "sigmoid"}
    noise = {"corruption": "masking", "corruption_level": 0.25}
    shared = {"max_epochs": arguments.epochs or 20, "random_state": 0}
    arms = {
        "stacked, denoising": DenoisingAutoencoder(stacked=True, **noise, **sizes, **shared),
        "stacked, plain": Autoencoder(stacked=True, **sizes, **shared),
        "joint, denoising": DenoisingAutoencoder(**noise, **sizes, **shared),
        "joint, plain": Autoencoder(**sizes, **shared),
    }
    X, y, X_test, y_test = X[:8000], y[:8000], X[8000:], y[8000:]
    scores = {"SVM, pixels": [SVC(C=10).fit(X, y).score(X_test, y_test)]}
    linear = make_pipeline(StandardScaler(), LinearSVC(C=0.01))
    scores["linear SVM, pixels"] = [clone(linear).fit(X, y).score(X_test, y_test)]
    for title, encoder in arms.items():
        start = time.perf_counter()
        encoder.fit(X)
        print(f"    {title}: {time.perf_counter() - start:.0f} s", flush=True)
        codes, codes_test = encoder.transform(X), encoder.transform(X_test)
        of_codes = clone(linear).fit(codes, y).score(codes_test, y_test)
        scores[f"linear SVM, {title}"] = [of_codes]
        tuned = PretrainedClassifier(encoder, max_epochs=20, random_state=0).fit(X, y)
        scores[title] = [tuned.score(X_test, y_test)]
    tuned.set_params(encoder=untrained(arms["joint, plain"]).fit(X)).fit(X, y)
    scores["scratch"] = [tuned.score(X_test, y_test)]
    report("turned clothes, 8,000 labels", scores)


def harm(arguments):
    """Eight strong factors that say nothing of the class, and one weak column that says all."""
    scores = {}
    for draw in range(arguments.draws):
        random = np.random.default_rng(draw)
        y = random.integers(0, 2, 3000)
        X = random.normal(size=(3000, 8)) @ random.normal(size=(8, 40)) * 3
        X += random.normal(size=X.shape)
        X[:, 0] = (2 * y - 1) * 0.5 + 0.1 * random.normal(size=3000)
        known = np.where(np.arange(3000) < 100, y, -1)
        encoder = DenoisingAutoencoder(8, random_state=0).fit(X)
        arms = {
            "pretrained, frozen": PretrainedClassifier(encoder, freeze=True),
            "pretrained": PretrainedClassifier(encoder),
            "scratch": PretrainedClassifier(untrained(encoder).fit(X)),
            "pretrained, the default": PretrainedClassifier(),
            "XGBoost, raw": xgboost(BOOSTERS[False]),
        }
        for title, model in arms.items():
            rows = np.arange(100) if title.startswith("XGBoost") else np.arange(3000)
            fitted = model.set_params(random_state=draw).fit(X[rows], known[rows])
            scores.setdefault(title, []).append(np.mean(fitted.predict(X[1000:]) == y[1000:]))
    report("weak column among strong factors, 100 labels", scores)


def timed(arguments):
    """A fit over plain loops that do the same two phases, alternated."""
    random = np.random.default_rng(0)
    X = random.normal(size=(20_000, 64)).astype(np.float32)
    y = np.where(np.arange(20_000) < 1000, X[:, 0] > 0, -1).astype(int)
    encoder = DenoisingAutoencoder(
        32, hidden_layer_sizes=(256,), corruption="gaussian", max_epochs=5, random_state=0
    )
    ours = PretrainedClassifier(encoder, max_epochs=75, random_state=0)  # 300 updates
    ratios = []
    for _ in range(max(5, arguments.draws)):
        seconds = []
        for run in (lambda: ours.fit(X, y), lambda: plain_loops(X, y)):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    print(f"fit over plain loops: {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def plain_loops(X, y):
    x = torch.from_numpy(X)
    encoder = nn.Sequential(nn.Linear(64, 256), nn.SiLU(), nn.Linear(256, 32))
    decoder = nn.Sequential(nn.Linear(32, 256), nn.SiLU(), nn.Linear(256, 64))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
    for _ in range(5):
        loader = DataLoader(TensorDataset(x), batch_size=256, shuffle=True)
        for (rows,) in loader:
            noisy = rows + 0.2 * torch.randn_like(rows)
            loss = functional.mse_loss(decoder(encoder(noisy)), rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    head = nn.Linear(32, 2)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], 2e-3)
    rows = TensorDataset(x[:1000], torch.from_numpy(y[:1000]))
    for _ in range(75):
        for some, labels in DataLoader(rows, batch_size=256, shuffle=True):
            loss = functional.cross_entropy(head(encoder(some)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


OTHERS = {"diamonds": diamonds, "stacked": stacked, "harm": harm, "time": timed}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["mnist", "fashion_10k", "fashion", "digits", *TABLES, *OTHERS]
    parser.add_argument("what", nargs="+", choices=names, metavar="what")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+")
    parser.add_argument("--epochs", type=int, help="of the encoder; its default otherwise")
    parser.add_argument(
        "--arms",
        nargs="+",
        default=ARMS,
        choices=(*ARMS, "pretrained with labels"),
        help="those with networks",
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of those that stop early
    for name in arguments.what:
        OTHERS[name](arguments) if name in OTHERS else classify(name, arguments)


if __name__ == "__main__":
    main()
