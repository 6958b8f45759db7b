"""
=============================================
How many labels does a digit classifier need?
=============================================

Scikit-learn's 1,797 digits, and labels for 20 to 200 of them. A support vector machine sees the
labeled digits alone. So does a small network that starts from random weights. The same network can
also start from what it learned of all digits without labels; and it can be asked to say of a
distorted digit what it says of the digit itself, labeled or not.

All networks get the same distortions of labeled digits, so none of the gain is due to these.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skgen import InvariantEncoder, PretrainedClassifier

images, y = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8).astype(np.float32)
rng = np.random.default_rng(0)
# A digit of every class, then another one of every class, and so on.
of_classes = [rng.permutation(np.flatnonzero(y == label))[:170] for label in range(10)]
order = np.column_stack(of_classes).ravel()
others = order[200:]

# %%
# The encoder learns from all digits, once. Its twin keeps random weights, since its rate is nearly
# nothing. Both are handed on fitted, so that no fit below trains them again.

encoder = InvariantEncoder(64, n_filters=(16, 32), max_epochs=20, random_state=0).fit(images)
random_twin = InvariantEncoder(64, n_filters=(16, 32), max_epochs=1, lr=1e-12, random_state=0)
random_twin.fit(images)
arms = {
    "support vector machine": None,
    "network, random start": PretrainedClassifier(
        random_twin, consistency_weight=0.0, max_epochs=150, random_state=0
    ),
    "pretrained": PretrainedClassifier(
        encoder, consistency_weight=0.0, max_epochs=150, random_state=0
    ),
    "pretrained, and agreeing": PretrainedClassifier(encoder, max_epochs=25, random_state=0),
}

# %%
# Rows without a label have -1.

label_counts = (20, 50, 100, 200)
accuracy = {arm: [] for arm in arms}
for n_labels in label_counts:
    known = np.full(len(y), -1)
    known[order[:n_labels]] = y[order[:n_labels]]
    for arm, model in arms.items():
        if model is None:
            rows = images.reshape(-1, 64)
            labeled = known >= 0
            model = SVC(C=10).fit(rows[labeled], y[labeled])
            accuracy[arm].append(model.score(rows[others], y[others]))
        else:
            accuracy[arm].append(model.fit(images, known).score(images[others], y[others]))

print(f"{'':26}" + "".join(f"{n:>6} labels" for n in label_counts))
for arm, values in accuracy.items():
    print(f"{arm:26}" + "".join(f"{value:13.3f}" for value in values))

# %%

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for arm, values in accuracy.items():
    axes.plot(label_counts, 100 * np.array(values), marker="o", label=arm)
axes.set(
    xscale="log",
    xticks=label_counts,
    xticklabels=label_counts,
    xlabel="labeled digits",
    ylabel="accuracy on others, %",
    title="What rows without labels are worth",
)
axes.minorticks_off()
axes.grid(alpha=0.3)
axes.legend()
plt.show()
