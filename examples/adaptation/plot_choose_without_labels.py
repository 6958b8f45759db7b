"""
=========================================
How to choose settings without any labels
=========================================

A method that adapts has a weight, and the wrong one does harm. There are no labels of the target to
find that out by. How good are the scores that do without?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from skgen import CoralClassifier, DomainAdversarialClassifier, MinimumClassConfusionClassifier
from skgen.alignments import PseudoLabels
from skgen.metrics import LabelFreeScorer

# %%
# Two moons, and the same turned by 40 degrees. A third of the rows is kept to score on. Labels of
# the target are used for the picture alone.

turn = np.deg2rad(40)
rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
X_source, y_source = make_moons(900, noise=0.05, random_state=0)
X_target, y_target = make_moons(900, noise=0.05, random_state=1)
X_source, X_target = X_source - [0.5, 0.25], (X_target - [0.5, 0.25]) @ rotation

X = np.concatenate([X_source[:600], X_target[:600]])
y = np.concatenate([y_source[:600], np.full(600, -1)])
X_out = np.concatenate([X_source[600:], X_target[600:]])
domains, domains_out = np.repeat([1, -1], 600), np.repeat([1, -1], 300)
y_out = np.concatenate([y_source[600:], np.full(300, -1)])

# %%
# Some settings, good and bad ones among them. The last takes all of its own guesses for labels, and
# much too seriously.

settings = {
    "hidden_layer_sizes": (64, 64),
    "batch_norm": "joint",
    "max_epochs": 60,
    "random_state": 0,
}
models = {"source only": CoralClassifier(adaptation_weight=0, **settings)}
for weight in (0.1, 0.3, 1.0, 3.0):
    for name, cls in {
        "adversarial": DomainAdversarialClassifier,
        "correlation": CoralClassifier,
        "confusion": MinimumClassConfusionClassifier,
    }.items():
        models[f"{name}, {weight:g}"] = cls(adaptation_weight=weight, **settings)
greedy = {"adaptation_schedule": "constant", "alignment": PseudoLabels(100.0, threshold=0.0)}
models["self-training, 100"] = CoralClassifier(**greedy, **settings)

scorers = {
    "transfer (recommended)": LabelFreeScorer(),
    "entropy": LabelFreeScorer("entropy"),
    "importance_weighted": LabelFreeScorer("importance_weighted"),
    "snd": LabelFreeScorer("snd"),
}
accuracies, scores = [], {name: [] for name in scorers}
for model in models.values():
    model.fit(X, y, sample_domain=domains)
    accuracies.append(100 * np.mean(model.predict(X_target[600:]) == y_target[600:]))
    for name, scorer in scorers.items():
        scores[name].append(scorer(model, X_out, y_out, sample_domain=domains_out))

# %%
# Every point is one of the models. The star is what a score would choose; the line, what labels of
# the target would. The recommended score gives the collapsed model nothing, and finds one that is
# far better than training on the source alone; but a classifier can be sure, and diverse, and
# wrong. Accuracy on the source says nothing here, however its rows are weighted: it is 1 for nearly
# all.

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), sharey=True, layout="constrained")
for ax, (name, values) in zip(axes, scores.items(), strict=True):
    chosen = int(np.argmax(values))
    ax.scatter(values, accuracies, s=18, alpha=0.7)
    ax.scatter(values[chosen], accuracies[chosen], marker="*", s=160, color="C1")
    ax.axhline(max(accuracies), color="0.6", linewidth=0.8)
    ax.set(title=f"{name}\n{list(models)[chosen]}", xlabel="score")
axes[0].set(ylabel="accuracy on the target, in %")
plt.show()
