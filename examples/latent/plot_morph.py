"""
==============
Image morphing
==============

Halfway between the codes of two images lies the code of a third. If codes describe what is in an
image, the third should be a thing in between: half boot, half sandal. Halfway between the pixels
lies only one image shining through the other.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgen import ConvAutoencoder
from skgen.corruptions import Gaussian
from skgen.datasets import load_fashion_mnist_10k
from skgen.inspection import LatentDisplay, MorphDisplay

data = load_fashion_mnist_10k()
images, kinds = data.images, np.array(data.target_names)[data.target]

# %%
# A code of 16 numbers. Noise on the code in training leaves no holes between the codes of images:
# every place near a code has to decode to that image, too. The code is bounded, or it would grow
# until the noise did not matter.

settings = {"n_filters": (16, 32, 64), "max_epochs": 15, "batch_size": 128, "random_state": 0}
model = ConvAutoencoder(16, code_activation="tanh", code_noise=Gaussian(0.3), **settings)
model.fit(images)

pairs = [("Trouser", "Dress"), ("Sneaker", "Ankle boot"), ("T-shirt/top", "Coat"), ("Bag", "Shirt")]
start = np.stack([images[kinds == one][0] for one, _ in pairs])
stop = np.stack([images[kinds == other][0] for _, other in pairs])

figure, axes = plt.subplots(2, 1, figsize=(9, 8), layout="constrained")
MorphDisplay.from_estimator(model, start, stop, ax=axes[0])
axes[0].set_title("between codes")
t = np.linspace(0, 1, 9)[:, None, None]
faded = (1 - t) * start[:, None] + t * stop[:, None]
MorphDisplay(start, stop, faded).plot(ax=axes[1])
axes[1].set_title("between pixels")
plt.show()

# %%
# With a code of two numbers, all of it can be drawn: every point is an image, and behind the
# points is what the decoder makes of each place. Neighbors look alike, and where two kinds meet,
# there are images that belong to neither.

plane = ConvAutoencoder(2, **settings).fit(images)
figure, ax = plt.subplots(figsize=(9, 7), layout="constrained")
LatentDisplay.from_estimator(plane, images[:1500], kinds[:1500], ax=ax)
plt.show()
