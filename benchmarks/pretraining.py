"""Few labels: pretraining on all rows and fine-tuning, beside what else one would do.

An encoder learns once from all training rows without labels. For every draw of labels, as many of
each class, the same network is fine-tuned from there and from random weights, with the same
distortions of labeled rows, each without and with agreement on rows without labels; beside them
scikit-learn's ways and XGBoost on raw columns. Accuracy is on the test rows; of diamonds, the root
mean squared error of the logarithm of the price. Run::

    SKGEN_DATA=... python benchmarks/pretraining.py mnist letter magic shuttle diamonds
    SKGEN_DATA=... python benchmarks/pretraining.py mnist --draws 3 --labels 100 --no-agreement
    SKGEN_DATA=... python benchmarks/pretraining.py fashion     # hours without a GPU
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from features import DATA, TABLES, flat, folder, interval, labeled, xgboost
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from skgen import (
    DenoisingAutoencoder,
    InvariantEncoder,
    PretrainedClassifier,
    PretrainedRegressor,
)

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
        if arguments.agreement:
            arms[f"{title} + agreement"] = clone(model).set_params(
                encoder=encoder, consistency_weight=1.0
            )
    vectors = SVC(C=10, gamma="scale", probability=True, random_state=0)
    of_pca = make_pipeline(PCA(0.95 if flat_rows else 50, random_state=0), vectors)
    return arms, {
        "SVM": vectors,
        "PCA + SVM": of_pca,
        "LabelSpreading": LabelSpreading(kernel="knn", n_neighbors=7),
        "SelfTraining(SVM)": SelfTrainingClassifier(vectors, threshold=0.9),
        "XGBoost, raw": xgboost(BOOSTERS[not flat_rows]),
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
            rows = labeled(y, n_labels, draw)
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
            fitted = rivals["XGBoost, raw"].fit(beside[0][rows], y[rows])
            right = np.mean(fitted.predict(beside[1]) == y_test)
            scores.setdefault("XGBoost, raw + features", []).append(right)
        report(f"{name}, {n_labels} labels, {arguments.draws} draws", scores)


def report(title, scores):
    print(title)
    for arm, values in scores.items():
        print(f"    {arm:26} {np.mean(values):.3f} +- {np.std(values):.3f}")
    base = np.array(scores["scratch"])
    for arm in ("pretrained", "pretrained + agreement", "scratch + agreement"):
        if arm in scores and len(base) > 1:
            print(f"    {arm} over scratch: {interval(np.array(scores[arm]) - base)}", flush=True)


def diamonds(arguments):
    frame = pd.read_csv(folder() / "diamonds.csv.gz")
    y = np.log(frame.pop("target").to_numpy(float))
    texts = frame.select_dtypes(exclude="number").columns
    frame[texts] = OrdinalEncoder().fit_transform(frame[texts])
    X = StandardScaler().fit_transform(frame).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    learn, test = np.arange(40_000), np.arange(40_000, len(X))
    own = encoder_of("diamonds", {}, arguments.epochs).fit(X[learn])
    arms = {"pretrained": own, "scratch": untrained(own).fit(X[learn])}
    scores = {}
    for draw in range(arguments.draws):
        rows = np.random.default_rng(1000 + draw).choice(learn, 500, replace=False)
        known = np.full(len(learn), np.nan)
        known[rows] = y[rows]
        for title, encoder in arms.items():
            model = PretrainedRegressor(encoder, random_state=draw).fit(X[learn], known)
            errors = model.predict(X[test]) - y[test]
            scores.setdefault(title, []).append(np.sqrt(np.mean(errors**2)))
        boosted = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.05, random_state=0)
        errors = boosted.fit(X[rows], y[rows]).predict(X[test]) - y[test]
        scores.setdefault("HistGradientBoosting", []).append(np.sqrt(np.mean(errors**2)))
    print(f"diamonds, 500 prices, {arguments.draws} draws: RMSE of the logarithm")
    for title, values in scores.items():
        print(f"    {title:26} {np.mean(values):.3f} +- {np.std(values):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["mnist", "fashion_10k", "fashion", "digits", *TABLES, "diamonds"]
    parser.add_argument("what", nargs="+", choices=names, metavar="what")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+")
    parser.add_argument("--epochs", type=int, help="of the encoder; its default otherwise")
    parser.add_argument("--no-agreement", dest="agreement", action="store_false")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of those that stop early
    for name in arguments.what:
        diamonds(arguments) if name == "diamonds" else classify(name, arguments)


if __name__ == "__main__":
    main()
