"""
=============================
Samples that grow over epochs
=============================

The losses of a generator and of its discriminator do not tell how good samples are: each is
measured against an opponent that learns as well. Looking at samples of the same noise does, and so
does the score.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgen import GAN
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import AdversarialLossDisplay, SamplesDisplay

images = load_fashion_mnist_10k().images
train, held_out = images[:9000], images[9000:]
noise = np.random.default_rng(0).normal(size=(12, 64))

# %%
# `partial_fit` makes one pass at a constant rate; `generate` makes rows of noise of our choice.

model = GAN(batch_size=64, random_state=0)
max_epochs = 8
shown, samples, scores = [], [], []
for epoch in range(1, max_epochs + 1):
    model.partial_fit(train)
    scores.append(model.score(held_out))
    if epoch in (1, 2, 3, 5, 8):
        shown.append(epoch)
        samples.append(model.generate(noise))

figure, ax = plt.subplots(figsize=(9, 4.2), layout="constrained")
labels = [f"epoch {epoch}" for epoch in shown]
SamplesDisplay(np.concatenate(samples), labels=labels, image_shape=(28, 28)).plot(ax=ax)
plt.show()

# %%
# The losses of both players hardly move, while the samples get better all the time. The score is
# how well samples cover held-out images, and these samples; `early_stopping` looks at it.

figure, axes = plt.subplots(3, 1, figsize=(7, 6), sharex=True, layout="constrained")
display = AdversarialLossDisplay.from_estimator(model, axes=axes[:2])
axes[2].plot(range(1, max_epochs + 1), scores, marker=".")
axes[2].set(xlabel="epoch", ylabel="score")
axes[1].set(xlabel="")
plt.show()
