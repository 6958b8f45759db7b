"""
=======================================================
From plain digits to digits over photographs, unlabeled
=======================================================

Labels are known for scanned digits. Predictions are wanted for digits over patches of photographs,
of which there are plenty, without a single label.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits, load_sample_images

from skgen import CoralClassifier, DomainAdversarialClassifier, MinimumClassConfusionClassifier
from skgen.corruptions import Inversion
from skgen.inspection import DomainConfusionDisplay

# %%
# scikit-learn has both: digits, and two photographs. Pixels of digits are doubled, to 16 by 16, and
# what is seen in the target is the difference of a patch and a digit.

random = np.random.default_rng(0)
images, digits = load_digits(return_X_y=True)
gray = images.reshape(-1, 8, 8, 1).repeat(2, axis=1).repeat(2, axis=2) / 16
plain = gray.repeat(3, axis=3).astype(np.float32)
photos = [photo / 255 for photo in load_sample_images().images]


def over_photographs(images):
    """Return |patch - digit| for a patch of its own for every digit."""
    result = np.empty_like(images)
    for number, image in enumerate(images):
        photo = photos[random.integers(len(photos))]
        top, left = (random.integers(side - 16) for side in photo.shape[:2])
        result[number] = np.abs(photo[top : top + 16, left : left + 16] - image)
    return result


X_source, y_source = plain[:900], digits[:900]
target, y_target = over_photographs(plain[900:]), digits[900:]
X_target, X_test, y_test = target[:600], target[600:], y_target[600:]

figure, axes = plt.subplots(2, 10, figsize=(10, 2.2), layout="constrained")
for ax, image in zip(axes.flat, [*X_source[:10], *X_target[:10]], strict=True):
    ax.imshow(image)
    ax.set(xticks=[], yticks=[])
axes[0, 0].set(ylabel="source")
axes[1, 0].set(ylabel="target")

# %%
# Classifiers with the same network. The label -1 says that there is none. What is known of the
# target is said to all alike: in front of something bright, a digit is its negative. The first
# looks at nothing else of the target; the second, at its statistics of batch normalization. The
# other three are Deep CORAL, DANN and MCC.

X = np.concatenate([X_source, X_target])
y = np.concatenate([y_source, np.full(len(X_target), -1)])
settings = {
    "corruption": Inversion(),
    "max_epochs": 30,
    "batch_size": 128,
    "random_state": 0,
}
models = {
    "source only": CoralClassifier(adaptation_weight=0, batch_norm="joint", **settings),
    "+ statistics of the target": CoralClassifier(adaptation_weight=0, **settings),
    "correlation alignment": CoralClassifier(**settings),
    "domain-adversarial": DomainAdversarialClassifier(**settings),
    "minimum class confusion": MinimumClassConfusionClassifier(**settings),
}
rows = {}
for name, model in models.items():
    model.fit(X, y)
    rows[name] = {"target": model.score(X_test, y_test), "source": model.score(X, y)}
table = pd.DataFrame(rows).T
print((100 * table).round(1))

figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
bars = ax.barh(table.index[::-1], 100 * table["target"][::-1])
ax.bar_label(bars, fmt="%.0f", padding=3)
ax.set(xlabel="accuracy on 297 test images of the target, in %", xlim=(0, 100))

# %%
# Statistics are worth most here, and cost nothing. Two methods add a little to them; class
# confusion, which builds on first guesses, does not.
#
# Rows and features in two dimensions. On the left, images over photographs lie apart. On the
# right each digit has its cloud, of both domains, but for one in the middle: digits over foliage,
# of which the model makes nothing.

DomainConfusionDisplay.from_estimator(models["domain-adversarial"], X, y)
plt.show()
