"""
======================================
A heartbeat that is not like the rest
======================================

A model that restores sequences from a short code can restore what it has often seen. What it cannot
restore is unlike the rest: `score_samples` says by how much, whatever the length of a beat.

The beats are drawn: a small wave, a sharp one, and a broad one, at a pace that differs from beat to
beat. Some miss a part of their values, as when a contact was loose.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgen import RecurrentAutoencoder
from skgen.inspection import SequenceDisplay

# Place, width and height of the waves of a beat, in shares of its length.
WAVES = (
    (0.2, 0.03, 0.2),
    (0.38, 0.012, -0.2),
    (0.4, 0.015, 1.2),
    (0.43, 0.012, -0.3),
    (0.68, 0.05, 0.4),
)


def beat(random, *, early=False, flat=False, gap=False):
    """Draw a usual beat, one that is early and broad, or one whose last wave is turned."""
    time = np.linspace(0, 1, random.integers(90, 150))
    signal = 0.02 * random.normal(size=len(time))
    for number, (place, width, height) in enumerate(WAVES):
        if flat and number == 4:
            height = -0.3 * height
        if early:
            place, width = 0.6 * place, 2.5 * width
        place += 0.01 * random.normal()
        height *= 1 + 0.1 * random.normal()
        signal += height * np.exp(-0.5 * ((time - place) / width) ** 2)
    if gap:
        start = random.integers(len(time) - 20)
        signal[start : start + 20] = np.nan
    return signal


random = np.random.default_rng(0)
X = [beat(random, gap=n % 5 == 0) for n in range(200)]
odd = [beat(random, early=True), beat(random, flat=True)]
usual = [beat(random), beat(random, gap=True)]
others = [beat(random, gap=n % 5 == 0) for n in range(200)]

# %%
# The model gets the beats as they are: of unlike lengths, with gaps. No beat has a label. It reads
# three steps at once, which is three times as fast. With ``n_waves=0`` it has no linear maps around
# the recurrent networks: these would restore a wave that is turned as well as one that is not.

model = RecurrentAutoencoder(8, n_waves=0, patch=3, max_epochs=120, random_state=0).fit(X)
print(f"explained of the variance: {model.score(X):.1%}")

# %%
# How unlike the rest is a beat? The error of its reconstruction, in units of the signal's variance.
# Those it was trained on it restores better than any: usual is what it makes of others.

scores = -model.score_samples(others)
threshold = np.quantile(scores, 0.99)
shown = {"usual": usual[0], "usual, with a gap": usual[1], "early": odd[0], "turned": odd[1]}
for name, one in shown.items():
    error = -model.score_samples([one])[0]
    share = np.mean(scores < error)
    print(f"{name:20} error {error:.3f}, larger than that of {share:.1%} of the beats")

# %%
# What the model restores of them: of an unusual beat, the usual one that is most like it.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 5), width_ratios=(3, 2), layout="constrained"
)
SequenceDisplay.from_estimator(model, list(shown.values()), labels=list(shown), ax=left)
right.hist(np.log10(scores), bins=30, color="0.7")
right.axvline(np.log10(threshold), color="0.3", linestyle=":", label="99% of the beats")
for number, (name, one) in enumerate(shown.items()):
    error = np.log10(-model.score_samples([one])[0])
    right.axvline(error, color=f"C{number}", label=name)
right.set(xlabel="error, logarithm", ylabel="beats")
right.legend()
plt.show()
