"""
===================================
Spoken vowels, ahead of XGBoost
===================================

Nine speakers say a vowel. A recording is a sequence of twelve numbers a step, and some speak slower
than others, so that lengths differ. XGBoost wants rows. Padded with zeros, every column would be
another moment for every speaker. A recurrent autoencoder makes codes of one size of them, and
learns that without labels.

The recordings are made up here, so that the example needs no download: every speaker has a path
through the twelve channels, and walks it at a speed of the moment.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier

from skgen import RecurrentAutoencoder


def recordings(n, seed):
    """Draw recordings (time, 12) of nine speakers, and who speaks."""
    paths = np.random.default_rng(0).normal(size=(9, 4, 12))  # four waves of every speaker
    random = np.random.default_rng(seed)
    speakers = random.integers(9, size=n)
    X = []
    for speaker in speakers:
        length = random.integers(7, 30)
        pace = np.sort(random.uniform(size=length)) ** random.uniform(0.6, 1.6)
        waves = np.cos(np.pi * pace[:, None] * np.arange(4))
        own = paths[speaker] + 0.6 * random.normal(size=(4, 12))
        X.append(waves @ own + 0.6 * random.normal(size=(length, 12)))
    return X, speakers


X, y = recordings(600, seed=1)
X_test, y_test = recordings(400, seed=2)
print(f"{len(X)} recordings of {min(map(len, X))} to {max(map(len, X))} steps")

# %%
# The model learns from all recordings. Its pooled states suit trees better than the code does.

encoder = RecurrentAutoencoder(features="hidden", max_epochs=20, random_state=0).fit(X)
F, F_test = encoder.transform(X), encoder.transform(X_test)

# %%
# What has to be held against it: recordings padded with zeros to the longest.


def padded(sequences):
    rows = np.zeros((len(sequences), 29, 12))
    for row, one in zip(rows, sequences, strict=True):
        row[: len(one)] = one
    return rows.reshape(len(rows), -1)


features = {"padded with zeros": (padded(X), padded(X_test)), "states": (F, F_test)}

# %%
# Both get the same booster, of shallow trees, which suits few labels and many columns.

labels = (2, 3, 5, 10, 20)
accuracy = {name: [] for name in features}
rng = np.random.default_rng(0)
for n in labels:
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(y == one), n, replace=False) for one in range(9)]
    )
    for name, (train, test) in features.items():
        booster = XGBClassifier(
            n_estimators=150, max_depth=2, colsample_bytree=0.1, min_child_weight=0.3, n_jobs=1
        )
        accuracy[name].append(booster.fit(train[rows], y[rows]).score(test, y_test))

print(f"{'labels of a speaker':20}" + "".join(f"{n:8}" for n in labels))
for name, values in accuracy.items():
    print(f"{name:20}" + "".join(f"{value:8.1%}" for value in values))

# %%
# In a pipeline lists of recordings go in. `FrozenEstimator` keeps what the encoder has learned.

model = make_pipeline(
    FrozenEstimator(encoder), XGBClassifier(n_estimators=50, max_depth=2, n_jobs=1)
)
print(f"all labels, in a pipeline: {model.fit(X, y).score(X_test, y_test):.1%}")

# %%
# The picture.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for number, one in enumerate([X[n] for n in (0, 1, 2)]):
    left.plot(one[:, :3] - 6 * number, color=f"C{number}", alpha=0.8)
left.set(xlabel="step", yticks=[], title="Three recordings, three of twelve channels")
for name, values in accuracy.items():
    right.plot(labels, values, marker="o", label=name)
right.set(xlabel="labels of every speaker", ylabel="accuracy of XGBoost", xscale="log")
right.set_xticks(labels, labels)
right.minorticks_off()
right.legend()
plt.show()
