"""
===================================
The second network trains the first
===================================

The square error draws the mean of all images that would fit, and where the drawing is not sure, the
mean is blurred. A second network that tells images from drawings sees that at once. So it trains
the first: `adversarial_weight` above 0 has it say how real a drawing looks, and compares what its
levels see in both.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skgen import ImageRegressor
from skgen.datasets import make_chairs

data = make_chairs(12, elevations=[20], size=24, random_state=4)
X, images = pd.DataFrame(data.attributes).drop(columns="elevation"), data.images
known = np.random.default_rng(0).random(len(X)) < 0.6
settings = {"periods": {"azimuth": 360}, "n_filters": (24, 48), "max_epochs": 60, "random_state": 0}


def over_white(images):
    alpha = images[..., 3:] / 255
    return images[..., :3] / 255 * alpha + 1 - alpha


def edges(images):
    """The mean square of the Laplacian."""
    sides = [np.roll(images, by, axis) for axis in (1, 2) for by in (1, -1)]
    return np.mean((4 * images - sum(sides)) ** 2)


wanted = np.flatnonzero(~known)
real = over_white(images[wanted])
rows, shown = [], {"real": real}
for name, weight in {"square error alone": 0, "with a second network": 3e-2}.items():
    model = ImageRegressor(adversarial_weight=weight, **settings).fit(X[known], images[known])
    drawn = over_white(model.predict(X.iloc[wanted]))
    shown[name] = drawn
    rows.append((name, np.mean((drawn - real) ** 2), edges(drawn) / edges(real)))
print(pd.DataFrame(rows, columns=["", "error", "edges of real"]).round(4).to_string(index=False))

# %%
# Views that nobody took, side by side.

some = np.arange(0, len(wanted), 13)[:8]
figure, axes = plt.subplots(3, 8, figsize=(11, 4.6), layout="constrained")
for line, (name, drawn) in zip(axes, shown.items(), strict=True):
    for ax, image in zip(line, drawn[some], strict=True):
        ax.imshow(image)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    line[0].set_ylabel(name.replace(" ", "\n", 1), fontsize=9)
plt.show()
