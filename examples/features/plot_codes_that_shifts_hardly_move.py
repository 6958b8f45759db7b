"""
=============================
Codes that shifts hardly move
=============================

To pixels, a digit that is shifted by one column is another picture, often farther away than some
other digit at the same place. A code that is made to restore pixels inherits that. One that has to
be the same for two distorted views of a digit does not.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen import ConvAutoencoder, InvariantEncoder

images, y = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8).astype(np.float32)
plain = ConvAutoencoder(32, max_epochs=30, random_state=0).fit(images)
invariant = InvariantEncoder(64, features="code", max_epochs=15, random_state=0).fit(images)
codes = {
    "pixels": lambda X: X.reshape(len(X), -1),
    "autoencoder": plain.transform,
    "invariant": invariant.transform,
}

# %%
# How far does a code move when its picture slides to the right? The unit is the mean distance
# between two classes: at 1, the picture has gone as far as to another digit.


def slid(X, share):
    """Pictures slid to the right by a share of a pixel, or several; the edge is repeated."""
    padded = np.pad(X, ((0, 0), (0, 0), (3, 0)), mode="edge")
    whole = int(share)
    there, next_one = (padded[:, :, 3 - n : 11 - n] for n in (whole, whole + 1))
    return there + (share - whole) * (next_one - there)


shares = np.arange(0, 2.1, 0.25)
moved = {}
for name, transform in codes.items():
    of_class = [transform(images[y == label]).mean(axis=0) for label in range(10)]
    apart = np.mean([np.linalg.norm(a - b) for n, a in enumerate(of_class) for b in of_class[:n]])
    start = transform(images[:300])
    moved[name] = [
        np.linalg.norm(transform(slid(images[:300], share)) - start, axis=1).mean() / apart
        for share in shares
    ]

# %%
# Who is nearest to a picture that was slid by a pixel, among all others?

asked = [np.flatnonzero(y == label)[7] for label in (1, 3, 4, 8)]
queries = slid(images, 1)[asked]
nearest = {}
for name, transform in codes.items():
    distances = np.linalg.norm(transform(queries)[:, None] - transform(images), axis=2)
    distances[np.arange(len(asked)), asked] = np.inf  # the picture itself does not count
    nearest[name] = distances.argmin(axis=1)

# %%
# And what is it worth to a classifier that sees five digits of each class?

rng = np.random.default_rng(0)
draws = [
    np.concatenate(
        [rng.choice(np.flatnonzero(y == label), 5, replace=False) for label in range(10)]
    )
    for _ in range(10)
]
accuracy = {}
for name, transform in codes.items():
    F = transform(images)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300))
    accuracy[name] = np.mean(
        [
            model.fit(F[rows], y[rows]).score(np.delete(F, rows, 0), np.delete(y, rows))
            for rows in draws
        ]
    )
    print(f"{name:12} {accuracy[name]:.1%} with 50 labels")

# %%
# The picture: on the left what sliding does to codes, on the right the nearest others.

figure = plt.figure(figsize=(11, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(5, 4))
ax = left.subplots()
for name, distances in moved.items():
    ax.plot(shares, distances, marker="o", label=f"{name} ({accuracy[name]:.0%} with 50 labels)")
ax.set(xlabel="slid to the right by, pixels of 8", ylabel="moved, in distances between classes")
ax.set_ylim(bottom=0)
ax.legend()
grid = right.subplots(len(asked), 1 + len(codes))
for row, axes in enumerate(grid):
    shown = [queries[row], *(images[nearest[name][row]] for name in codes)]
    for ax, image in zip(axes, shown, strict=True):
        ax.imshow(image, cmap="gray_r")
        ax.set(xticks=[], yticks=[])
    for ax, name in zip(axes[1:], codes, strict=True):
        is_right = y[nearest[name][row]] == y[asked[row]]
        for spine in ax.spines.values():
            spine.set(color="tab:green" if is_right else "tab:red", linewidth=2)
for ax, title in zip(grid[0], ["slid by 1", *codes], strict=True):
    ax.set_title(title, fontsize=9)
right.suptitle("Nearest of all others, red where of another class")
plt.show()
