"""
===========================
One network for many styles
===========================

:class:`~skgen.FastStyleTransfer` trains a decoder once, on photographs. Then it paints in one pass,
in the style of any painting: features of the photograph are given the means and covariances of
those of the painting, in closed form, and the decoder says what that changes.

This page trains for half a minute, on two small photographs, and looks at them through a network of
random weights. So its pictures are rough. What training for twenty minutes gives is in the guide,
:doc:`../../style`.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from skgen import FastStyleTransfer
from skgen.extractors import FeatureExtractor

temple, flower = (image[::3, ::3] for image in load_sample_images().images)

# %%
# Paintings to begin with: a woven cloth, and a page of digits.

rows, columns = np.indices((128, 192))
cloth = np.stack(
    [
        150 + 80 * np.sin(rows / 3) * (columns // 8 % 2),
        70 + 50 * np.sin(columns / 3) * (rows // 8 % 2),
        60 + 30 * np.sin((rows + columns) / 5),
    ],
    axis=-1,
).astype(np.uint8)
page = np.block(
    [[image for image in line] for line in load_digits().images[:384].reshape(16, 24, 8, 8)]
)
page = np.uint8(255 - 15.9 * page)

model = FastStyleTransfer(
    extractor=FeatureExtractor(weights="random"),
    layers=["relu1_1", "relu2_1"],
    style_layers=["relu1_1", "relu2_1"],
    content_layers=["relu2_1"],
    crop_size=64,
    max_epochs=100,
    random_state=0,
)
model.fit([cloth, page], ["cloth", "page"], content=[temple, flower])

# %%
# A painting more needs no training. Here it is the photograph of the flower.

start = time.perf_counter()
model.partial_fit([flower], ["flower"])
print(f"one more style: {time.perf_counter() - start:.2f} s")

start = time.perf_counter()
pictures = {name: model.transform([temple], style=name)[0] for name in model.styles_}
print(f"a picture: {(time.perf_counter() - start) / 3:.2f} s")

figure, axes = plt.subplots(2, 3, figsize=(9, 4.4), layout="constrained")
for column, (name, painting) in zip(
    axes.T, {"cloth": cloth, "flower": flower, "page": page}.items(), strict=True
):
    column[0].imshow(painting, cmap="gray")
    column[0].set_title(name)
    column[1].imshow(pictures[name])
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %%
# `alpha` says how far to go: 0 is the photograph as it is, and 1 the style.

figure, axes = plt.subplots(1, 4, figsize=(11, 2.4), layout="constrained")
for ax, alpha in zip(axes, (0, 0.33, 0.67, 1), strict=True):
    ax.imshow(model.set_params(alpha=alpha).transform([temple], style="flower")[0])
    ax.set_title(f"alpha={alpha}")
    ax.axis("off")
plt.show()
