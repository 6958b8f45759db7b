"""
=================================
Filters: sparse against denoising
=================================

Shown patches of photographs, units of an autoencoder come to look for edges and gratings, much as
cells of the visual cortex do. That is a famous picture [1]_ [2]_, and it is tempting to read the
differences between two such pictures as differences between two methods. This example draws three
of them, of 12 x 12 patches out of the two photographs that come with scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import extract_patches_2d

from skgen import DenoisingAutoencoder, SparseAutoencoder
from skgen.inspection import FilterDisplay

# %%
# Patches of the logarithm of brightness, without their mean; the flattest quarter is left out, and
# the rest brought to one contrast. Then they are whitened: photographs are mostly smooth, and
# without this step, units would look for brightness alone. The finest detail, half of the
# components and a tenth of the variance, is noise of the camera and its compression, and goes.

random = np.random.RandomState(0)
patches = []
for photograph in load_sample_images().images:
    brightness = np.log(photograph.mean(axis=2) + 20)
    drawn = extract_patches_2d(brightness, (12, 12), max_patches=20_000, random_state=random)
    patches.append(drawn.reshape(-1, 144))
patches = np.vstack(patches)
patches -= patches.mean(axis=1, keepdims=True)
contrast = patches.std(axis=1, keepdims=True)
textured = contrast[:, 0] > np.quantile(contrast, 0.25)
patches = patches[textured] / contrast[textured]

pca = PCA(72, whiten=True).fit(patches)
white = (pca.transform(patches) @ pca.components_).astype(np.float32)

# %%
# One layer of 100 units each. The third differs from the second in the strength of the noise alone.

one_layer = {"hidden_layer_sizes": (), "tied_weights": True, "code_activation": "relu"}
denoising = {"corruption": "gaussian", "max_epochs": 120, "lr": 0.02, **one_layer}
models = {
    "sparse": SparseAutoencoder(100, weight=0.01, max_epochs=60),
    "denoising, noise of 3": DenoisingAutoencoder(100, corruption_level=3.0, **denoising),
    "denoising, noise of 1": DenoisingAutoencoder(100, corruption_level=1.0, **denoising),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 4.8), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    model.set_params(random_state=0).fit(white)
    FilterDisplay.from_estimator(model, image_shape=(12, 12), ax=ax)
    ax.set_title(f"{name}\n{model.score(white):.0%} of the variance explained")
plt.show()

# %%
# Two methods give the same kind of picture, and one method gives two kinds. How strong the noise or
# the penalty is, how patches were whitened, and how long training lasted show in the filters at
# least as much as what the method is called. Nor do handsome filters make good features: the
# sharpest pictures here explain the least. So the difference between the first two pictures means
# next to nothing. To choose a method, score what comes after it: a classifier on its codes, or its
# reconstructions of rows it has not seen.
#
# .. rubric:: References
#
# .. [1] B. Olshausen, D. Field, "Emergence of simple-cell receptive field properties by learning a
#    sparse code for natural images", Nature 381, 1996.
# .. [2] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked denoising
#    autoencoders", JMLR 11, 2010.
