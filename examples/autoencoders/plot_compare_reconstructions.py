"""
==================================
What a code of 32 numbers restores
==================================

Images of 784 pixels go through a code of 32 numbers and back: by principal components, by a plain
autoencoder, and by one that was trained to undo noise. The second half of the picture shows the
same with noisy inputs. The score is the share of the variance of clean images explained.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgen import Autoencoder, DenoisingAutoencoder, LinearAutoencoder
from skgen.datasets import load_fashion_mnist_10k

fashion = load_fashion_mnist_10k()
train, test = fashion.data[:8000], fashion.data[8000:]
noisy = test + np.random.default_rng(0).normal(0, 0.4, size=test.shape).astype(np.float32)

# %%
# Three models, one interface. Noise is given in units of the standard deviation of the data, here
# about 0.3, so 1.3 of them are about the 0.4 that the noisy images got.

models = {
    "linear": LinearAutoencoder(32),
    "plain": Autoencoder(32, max_epochs=20, random_state=0),
    "denoising": DenoisingAutoencoder(
        32, corruption="gaussian", corruption_level=1.3, max_epochs=20, random_state=0
    ),
}
for model in models.values():
    model.fit(train)


def share_explained(model, seen):
    errors = np.mean((model.inverse_transform(model.transform(seen)) - test) ** 2)
    return 1 - errors / np.mean((train.mean(axis=0) - test) ** 2)


print(f"{'':10} clean input  noisy input")
for name, model in models.items():
    print(f"{name:10} {model.score(test):11.3f}  {share_explained(model, noisy):11.3f}")

# %%
# The plain autoencoder restores clean images best. Where the input is noisy, it is the denoising
# one that knows what to leave out.

shown = [np.flatnonzero(fashion.target[8000:] == label)[0] for label in range(10)]
rows = {}
for kind, images in {"clean": test[shown], "noisy": noisy[shown]}.items():
    rows[kind] = images
    for name, model in models.items():
        rows[f"{kind}, {name}"] = model.inverse_transform(model.transform(images))

figure, axes = plt.subplots(len(rows), 10, figsize=(8, 6.6), layout="constrained")
for line, (name, images) in zip(axes, rows.items(), strict=True):
    for axis, image in zip(line, images, strict=True):
        axis.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("Inputs, and what 32 numbers restore of them")
plt.show()
