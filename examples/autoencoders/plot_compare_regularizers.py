"""
================================================
Four ways to keep a large code from being a copy
================================================

A code larger than the data can hold a copy of them, and learn nothing. Four regularizers prevent
that, each by another means: few active units (sparse), units that cannot be relied upon
(redundant), inputs that have to be repaired (denoising), and a code that moves as little as it can
(contractive). Here they stand beside an autoencoder without any, all with one layer of 1,000 units
for images of 784 pixels.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skgen import (
    Autoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    RedundantAutoencoder,
    SparseAutoencoder,
)
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import FilterDisplay, ReconstructionDisplay
from skgen.metrics import hoyer_sparsity

fashion = load_fashion_mnist_10k()
train, test = fashion.data[:8000], fashion.data[8000:]

one_layer = {"hidden_layer_sizes": (), "tied_weights": True}
models = {
    "none": Autoencoder(1000, code_activation="relu", **one_layer),
    "sparse": SparseAutoencoder(1000, method="top_k", n_nonzero=50),
    "redundant": RedundantAutoencoder(1000, code_noise_level=0.5),
    "denoising": DenoisingAutoencoder(
        1000, corruption="gaussian", corruption_level=1.0, code_activation="relu", **one_layer
    ),
    "contractive": ContractiveAutoencoder(1000, weight=0.1),
}
for model in models.values():
    with warnings.catch_warnings():
        # The first is warned that it can learn a copy, which is what it is here to show.
        warnings.filterwarnings("ignore", message="A code of n_components")
        model.set_params(max_epochs=15, random_state=0).fit(train)

# %%
# What each one is good at, measured: how much of the variance of new images it restores; how much
# where the images have noise, and where half of the code is lost; how sparse its codes are (0 for
# equal activity, 1 for a single active unit); and how far a code moves, against how far codes of
# different images are apart, when its image gets a little noise.

rng = np.random.default_rng(0)
noisy = test + rng.normal(0, 0.4, test.shape).astype(np.float32)
nudged = test + rng.normal(0, 0.05, test.shape).astype(np.float32)
kept = 2 * rng.integers(0, 2, size=(len(test), 1000))  # twice of what is kept, 0 of what is lost


def explained(restored):
    return 1 - np.mean((restored - test) ** 2) / np.mean((train.mean(axis=0) - test) ** 2)


print(f"{'':12} clean  noisy  half lost  sparsity  moves")
for name, model in models.items():
    codes = model.transform(test)
    moved = np.sqrt(np.mean((model.transform(nudged) - codes) ** 2))
    print(
        f"{name:12}{explained(model.inverse_transform(codes)):6.2f} "
        f"{explained(model.inverse_transform(model.transform(noisy))):6.2f} "
        f"{explained(model.inverse_transform(codes * kept)):10.2f} "
        f"{hoyer_sparsity(codes).mean():9.2f} "
        f"{moved / np.sqrt(codes.var(axis=0).mean()):6.2f}"
    )

# %%
# What units look for, how their activations are spread over 2,000 images, and what becomes of three
# images with noise that only the denoising one has seen in training.

figure, axes = plt.subplots(3, 5, figsize=(12, 7.5), layout="constrained")
for column, (name, model) in zip(axes.T, models.items(), strict=True):
    FilterDisplay.from_estimator(model, n_filters=36, ax=column[0])
    codes = model.transform(test)
    column[1].hist(codes.ravel() / codes.std(), bins=np.linspace(-8, 8, 65), log=True)
    column[1].set(xlabel="activation / its sd", ylim=(1e2, None))
    column[1].tick_params(axis="y", which="both", left=False, labelleft=False)
    column[1].set_title(f"{np.mean(codes == 0):.0%} zeros", fontsize="medium")
    ReconstructionDisplay.from_estimator(
        model, test[:3], distorted=noisy[:3], image_shape=(28, 28), ax=column[2]
    )
    column[0].set_title(name)
    if name != "none":
        column[2].set_yticks([])
plt.show()
