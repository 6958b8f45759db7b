"""
===============================
Codes, and where they should be
===============================

To draw new rows from an autoencoder, one has to know where codes are. A plain one puts them
anywhere. A variational one holds each to a standard normal distribution, with noise of its own. An
adversarial one has a discriminator hold all of them together to any distribution that can be
sampled.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.metrics import r2_score

from skgen import AdversarialAutoencoder, Autoencoder, VariationalAutoencoder
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import LatentDisplay, SamplesDisplay
from skgen.priors import Mixture, Normal, SwissRoll

data = load_fashion_mnist_10k()
X, kinds = data.data, np.array(data.target_names)[data.target]
settings = {"max_epochs": 15, "batch_size": 128, "random_state": 0}
sharp = {**settings, "adversarial_lr_ratio": 1.0}

models = {
    "plain": (Autoencoder(2, **settings), None),
    "variational": (VariationalAutoencoder(2, **settings), Normal()),
    "adversarial, normal": (AdversarialAutoencoder(2, **sharp), Normal()),
    "adversarial, swiss roll": (
        AdversarialAutoencoder(2, prior="swiss_roll", **sharp),
        SwissRoll(),
    ),
    "adversarial, mixture": (AdversarialAutoencoder(2, prior="mixture", **sharp), Mixture()),
}

figure, axes = plt.subplots(2, 5, figsize=(15, 6.4), layout="constrained")
train, held_out = X[:6000], X[9000:]
for column, (name, (model, prior)) in zip(axes.T, models.items(), strict=True):
    model.fit(train)
    LatentDisplay.from_estimator(model, held_out, kinds[9000:], n_images=0, ax=column[1])
    column[0].set(title=name)
    column[1].get_legend().set_visible(False)
    restored = model.inverse_transform(model.transform(held_out))
    share = r2_score(held_out, restored, multioutput="variance_weighted")
    column[1].set(xlabel=f"{share:.0%} of variance restored", ylabel="")
    if prior is None:
        column[0].text(0.5, 0.5, "no prior", ha="center", transform=column[0].transAxes)
        column[0].set_axis_off()
        continue
    torch.manual_seed(0)
    column[0].scatter(*prior(1000, 2).numpy().T, s=4, color="0.6", linewidths=0)
    column[0].set(xlabel="draws from the prior")
    column[1].set(xlim=column[0].get_xlim(), ylim=column[0].get_ylim())
axes[1, 0].set(ylabel="codes of 1,000 other images")
handles, labels = axes[1, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=5, markerscale=3, frameon=False)
plt.show()

# %%
# What the decoders make of draws from the prior. Those of the plain autoencoder are decoded from a
# normal distribution of the same mean and variance as its codes, for want of a better one: many are
# of places where it has seen nothing.

figure, axes = plt.subplots(1, 5, figsize=(15, 3.4), layout="constrained")
for ax, (name, (model, prior)) in zip(axes, models.items(), strict=True):
    if prior is None:
        codes = model.transform(train)
        drawn = np.random.default_rng(0).multivariate_normal(codes.mean(0), np.cov(codes.T), 49)
        samples = model.inverse_transform(drawn)
    else:
        options = {"noise": False} if name == "variational" else {}
        samples = model.sample(49, random_state=0, **options)
    SamplesDisplay(samples, X=held_out, image_shape=(28, 28)).plot(ax=ax)
    ax.set_title(name)
plt.show()
