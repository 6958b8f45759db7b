"""
============================
What convolutional units see
============================

Of a convolutional autoencoder, only the first layer's weights can be looked at as they are: they
are little images. What a deeper unit responds to is found by going uphill: start from noise, and
change it, a little at a time, towards what the unit responds to more [1]_.
"""

import matplotlib.pyplot as plt

from skgen import ConvAutoencoder
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import FilterDisplay

images = load_fashion_mnist_10k().images
model = ConvAutoencoder(32, max_epochs=8, batch_size=128, random_state=0).fit(images)

# %%
# The network is frozen, and the images are what is trained; all of them have the length of an
# average image, and differences between neighboring pixels cost something. The deeper a unit is,
# the larger the part of the image that it looks at: 3 by 3 pixels in the first layer, 7 by 7 and 15
# by 15 in the next two.

figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
FilterDisplay.from_estimator(model, n_filters=25, ax=axes[0])
axes[0].set_title("weights of the first layer")
for ax, layer, name in zip(axes[1:], ("2", "3"), ("second", "third"), strict=True):
    FilterDisplay.from_estimator(model, layer=layer, n_filters=25, ax=ax)
    ax.set_title(f"what the {name} level's units like best")
plt.show()

# %%
# .. rubric:: References
#
# .. [1] D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing higher-layer features of a deep
#    network", technical report 1341, University of Montreal, 2009.
