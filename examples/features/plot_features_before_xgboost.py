"""
============================================================
Features ahead of XGBoost: where they help, where they don't
============================================================

Many images, few of them labeled. An encoder learns from all images, XGBoost from the labeled ones.
Is what the encoder learned worth putting in front of XGBoost?

The answer has to be measured against what is free: raw pixels, and principal components beside
them. Two encoders take part. An autoencoder restores pixels, so its activations keep all that
pixels say. An invariant encoder asks two distorted views of an image for one code, so what a small
shift or a hidden sleeve changes is lost to it, and what is left are shapes.

With few labels shallow trees that look at few columns each are far better than deep ones, on raw
pixels as well. A lift over a badly set booster is no lift, so all arms of the images share such
trees.

Run it as a script: it prints the table below and saves the picture. ``--full`` takes all 60,000
training images, up to 10,000 labels, ten draws and the official test split; expect hours.
"""

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm
from xgboost import XGBClassifier

from skgen import DenoisingAutoencoder, InvariantEncoder
from skgen.corruptions import Brightness, Crop, ErasedPatches, Flip
from skgen.datasets import fetch_fashion_mnist, load_fashion_mnist_10k

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--full", action="store_true", help="all of Fashion-MNIST; takes hours")
parser.add_argument("--output", default="features_before_xgboost.png", help="the picture's file")
options = parser.parse_args()

# %%
# Images
# ------
# The 10,000 images that ship with skgen come out of the training split: 8,000 to learn from and
# 2,000 to test on. The labels of the 8,000 are hidden, but for a few.

if options.full:
    X, y = fetch_fashion_mnist(subset="train", return_X_y=True)
    X_test, y_test = fetch_fashion_mnist(subset="test", return_X_y=True)
    label_counts, n_draws = (100, 300, 1000, 3000, 10_000), 10
else:
    X, y = load_fashion_mnist_10k(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=2000, stratify=y, random_state=0)
    label_counts, n_draws = (100, 300, 1000), 3


def draw_labeled(n_labels, draw):
    """Rows that get a label: as many of each class."""
    rng = np.random.default_rng(draw)
    classes = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.concatenate([rng.choice(rows, n_labels // 10, replace=False) for rows in classes])


# %%
# The encoders
# ------------
# The autoencoder sees images with half of their pixels masked, and learns to fill them in. Views
# for the invariant encoder are mirrored, cropped, lighter or darker, and a part of them is erased.
# It is the one that takes time.

autoencoder = DenoisingAutoencoder(
    32,
    activation="sigmoid",
    corruption="masking",
    corruption_level=0.5,
    features="hidden",
    max_epochs=None if options.full else 30,
    random_state=0,
    verbose=1,
).fit(X)
invariant = InvariantEncoder(
    image_shape=(28, 28),
    corruption=[Flip(), Crop(), Brightness(0.3), ErasedPatches(0.3)],
    max_epochs=None if options.full else 10,
    random_state=0,
    verbose=1,
).fit(X)
pca = PCA(64, random_state=0).fit(X)


def codes(model, X):
    """Codes, and their distances to centers, which suit trees."""
    return model.set_params(features=["code", "distances"]).transform(X)


representations = {
    "raw": lambda X: X,
    "raw + PCA-64": lambda X: np.hstack([X, pca.transform(X)]),
    "raw + autoencoder": lambda X: np.hstack([X, autoencoder.transform(X)]),
    "raw + invariant": lambda X: np.hstack([X, codes(invariant, X)]),
}
baselines = ["raw", "raw + PCA-64"]
ours = ["raw + autoencoder", "raw + invariant"]


def xgboost():
    """Shallow trees that see a tenth of the columns each."""
    return XGBClassifier(
        n_estimators=100, max_depth=2, colsample_bytree=0.1, min_child_weight=0.3, random_state=0
    )


def xgboost_for_tables():
    return XGBClassifier(n_estimators=60, max_depth=3, random_state=0)


def logistic_regression():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300))


# %%
# The learning curve
# ------------------

arms = [("XGBoost", name) for name in representations] + [("LR", "raw"), ("LR", "invariant")]
accuracy = {arm: np.empty((len(label_counts), n_draws)) for arm in arms}
seconds = {arm: np.empty((len(label_counts), n_draws)) for arm in arms}
features = {name: (make(X), make(X_test)) for name, make in representations.items()}
features["invariant"] = codes(invariant, X), codes(invariant, X_test)

bar = tqdm(total=len(arms) * len(label_counts) * n_draws, desc="classifiers", unit="fit")
for row, n_labels in enumerate(label_counts):
    for draw in range(n_draws):
        labeled = draw_labeled(n_labels, draw)
        for arm in arms:
            classifier = xgboost() if arm[0] == "XGBoost" else logistic_regression()
            F, F_test = features[arm[1]]
            start = time.perf_counter()
            classifier.fit(F[labeled], y[labeled])
            seconds[arm][row, draw] = time.perf_counter() - start
            accuracy[arm][row, draw] = np.mean(classifier.predict(F_test) == y_test)
            bar.update()
bar.close()

# %%
# What it comes to: for every draw, our arm is the one that did best on the *other* draws, and what
# it is held against is the better of raw pixels and raw pixels with principal components.


def lift(row):
    """Mean and standard error of the gain over the better baseline, in points."""
    table = np.array([accuracy["XGBoost", name][row] for name in ours])
    others = table.sum(axis=1, keepdims=True) - table
    chosen = table[others.argmax(axis=0), np.arange(n_draws)]
    best = max((accuracy["XGBoost", name][row] for name in baselines), key=np.mean)
    gain = 100 * (chosen - best)
    return gain.mean(), gain.std(ddof=1) / np.sqrt(n_draws)


lifts = [lift(row) for row in range(len(label_counts))]

print(f"\nAccuracy on {len(X_test):,} test images, mean and standard deviation of {n_draws} draws")
print(f"{'':26}" + "".join(f"{n:>9,} labels" for n in label_counts) + "    s to fit")
for arm in arms:
    cells = [f"{100 * a.mean():9.1f} +- {a.std():.1%}"[:-1] for a in accuracy[arm]]
    took = f"{seconds[arm][-1].mean():12.1f}"
    print(f"{arm[0]:8} {arm[1]:17}" + "".join(f"{cell:>16}" for cell in cells) + took)

# %%
# Tables
# ------
# Two tables that are clean and fully labeled, where trees need no help; and one that is made for
# denoising: three latent factors behind sixty columns that are waves of them, three cells in ten
# with another row's value, and 5% of 6,000 rows labeled. (Where the columns are linear in the
# factors, and raw columns already tell them, nothing was gained.)


def noisy_waves(n_rows, rng, waves):
    directions, phases = waves.normal(0, 2.5, size=(3, 60)), waves.uniform(0, 6, size=60)
    factors = rng.uniform(-1, 1, size=(n_rows, 3))
    table = np.sin(factors @ directions + phases)
    swapped = rng.random(table.shape) < 0.3
    return np.where(swapped, rng.permuted(table, axis=0), table), (factors > 0).sum(axis=1) % 2


def gains(Z, y, splits, **noise):
    """Accuracy of XGBoost with PCA and with the code, less that on raw columns, in points."""
    rows, seen = [], None
    for unlabeled, labeled, test in splits:
        if unlabeled is not seen:
            model = DenoisingAutoencoder(8, corruption="swap", random_state=0, **noise).fit(
                Z[unlabeled]
            )
            pca, seen = PCA(8).fit(Z[unlabeled]), unlabeled
        inputs = [Z, np.hstack([Z, pca.transform(Z)]), np.hstack([Z, model.transform(Z)])]
        fits = [xgboost_for_tables().fit(F[labeled], y[labeled]) for F in inputs]
        raw, *others = [
            np.mean(fit.predict(F[test]) == y[test]) for fit, F in zip(fits, inputs, strict=True)
        ]
        rows.append([100 * raw, *(100 * (other - raw) for other in others)])
    return np.array(rows)


tables = {}
for title, load in {"breast cancer": load_breast_cancer, "wine": load_wine}.items():
    Z, labels = load(return_X_y=True)
    Z = StandardScaler().fit_transform(Z)
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(Z, labels)
    tables[f"{title},\nall labeled"] = gains(Z, labels, [(a, a, b) for a, b in folds])
rng = np.random.default_rng(0)
waves = np.random.default_rng(5)
Z, labels = noisy_waves(8000, rng, waves)
learn, test = np.arange(6000), np.arange(6000, 8000)
splits = [(learn, rng.choice(learn, 300, replace=False), test) for _ in range(3)]
tables["noisy waves,\n5% labeled"] = gains(Z, labels, splits, corruption_level=0.3)

print("\nTables: accuracy on raw columns, and what is gained by adding, in points")
for title, values in tables.items():
    raw, pca_gain, code_gain = values.mean(axis=0)
    print(
        f"{title.replace(chr(10), ' '):28} raw {raw:.1f}, + PCA-8 {pca_gain:+.1f}, "
        f"+ code {code_gain:+.1f} +- {values[:, 2].std(ddof=1) / np.sqrt(len(values)):.1f}"
    )

# %%
# The picture
# -----------

figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(14, 4.5), width_ratios=(5, 3, 3), layout="constrained"
)
colors = dict(zip(arms, plt.colormaps["tab10"].colors, strict=False))
for number, arm in enumerate(arms):
    left.errorbar(
        np.array(label_counts) * 1.02 ** (number - 4),
        100 * accuracy[arm].mean(axis=1),
        100 * accuracy[arm].std(axis=1),
        marker="o" if arm[0] == "XGBoost" else "s",
        linestyle="-" if arm[1] in ours else "--",
        color=colors[arm],
        label=f"{arm[0]}, {arm[1]}",
    )
left.set(xscale="log", xticks=label_counts, xlabel="labeled images", ylabel="accuracy, %")
left.set_xticklabels([f"{n:,}" for n in label_counts])
left.minorticks_off()
left.legend(fontsize=8)
left.set_title(f"{len(X):,} images, few labeled")

trees = [arm for arm in arms if arm[0] == "XGBoost"]
middle.barh(
    [arm[1] for arm in trees],
    [seconds[arm][-1].mean() for arm in trees],
    color=[colors[arm] for arm in trees],
)
middle.invert_yaxis()
middle.set(xlabel="seconds")
middle.set_title(f"XGBoost's time to fit {label_counts[-1]:,} rows")

positions = np.arange(len(tables))
for offset, column, title in ((-0.2, 1, "raw + PCA-8"), (0.2, 2, "raw + code")):
    values = [table[:, column] for table in tables.values()]
    right.bar(
        positions + offset,
        [v.mean() for v in values],
        0.4,
        yerr=[v.std(ddof=1) / np.sqrt(len(v)) for v in values],
        label=title,
    )
right.axhline(0, color="black", linewidth=0.8)
right.set_xticks(positions, tables, fontsize=8)
right.set(ylabel="points of accuracy over raw")
right.legend(fontsize=8, loc="upper left")
right.set_title("Tables")
figure.savefig(options.output, dpi=120)

# %%
# Where the lift is, and where it ends:

where = [
    f"{mean:+.1f} +- {error:.1f} points at {n:,} labels"
    for n, (mean, error) in zip(label_counts, lifts, strict=True)
]
largest = int(np.argmax([mean for mean, _ in lifts]))
later = zip(label_counts[largest:], lifts[largest:], strict=True)
gone = next((n for n, (mean, _) in later if mean < 0.5), None)
print(
    f"\nLift over the better of raw and raw + PCA: {', '.join(where)}. It is largest at "
    f"{label_counts[largest]:,} labels, and",
    f"under half a point from {gone:,} on."
    if gone
    else "not under half a point at any later count.",
)
