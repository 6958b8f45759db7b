"""
==================
Paint a photograph
==================

What a picture shows is where its features lie; its style is which features there are, and which go
together. So a photograph can be changed until its features go together as those of a painting, and
still lie where they were.

Features come from a network that looks at images. The best one learned to recognize things in
photographs: VGG16, whose weights are a download. Here they are drawn at random instead, so that
this page needs none. That does for colors and strokes, and not for shapes; the guide
:doc:`../../style` shows pictures by the network that learned.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from sklearn.datasets import load_sample_images

from skgen import StyleTransfer
from skgen.extractors import FeatureExtractor

photograph = load_sample_images().images[0][40:424:4, ::4]

# %%
# Two paintings
# -------------
# No museum ships with this package, so two paintings are made up: strokes of a brush that follow
# swirls, and blocks of plain colors.


def strokes(size, palette, seed):
    """Smear random dots along a turning field of directions."""
    random = np.random.default_rng(seed)
    angles = 9 * gaussian_filter(random.normal(size=size), 14, mode="wrap") * 14
    places = np.indices(size).astype(float)
    dots = gaussian_filter(random.normal(size=size), 1.2)
    smeared = np.zeros(size)
    for step in np.linspace(-1, 1, 21):
        along = places + 9 * step * np.stack([np.sin(angles), np.cos(angles)])
        smeared += map_coordinates(dots, along, order=1, mode="wrap")
    shade = smeared.argsort(axis=None).argsort().reshape(size) / smeared.size
    colors = np.array(palette, dtype=float)
    light = np.stack([np.interp(shade, np.linspace(0, 1, len(colors)), c) for c in colors.T], -1)
    return light.astype(np.uint8)


def blocks(size, palette, seed):
    """Divide a canvas again and again, and paint the parts."""
    random = np.random.default_rng(seed)
    canvas = np.zeros((*size, 3), dtype=np.uint8)

    def divide(top, bottom, left, right, depth):
        height, width = bottom - top, right - left
        if depth == 0 or min(height, width) < 12:
            canvas[top + 2 : bottom, left + 2 : right] = palette[random.integers(len(palette))]
        elif height > width:
            cut = top + int(height * random.uniform(0.3, 0.7))
            divide(top, cut, left, right, depth - 1)
            divide(cut, bottom, left, right, depth - 1)
        else:
            cut = left + int(width * random.uniform(0.3, 0.7))
            divide(top, bottom, left, cut, depth - 1)
            divide(top, bottom, cut, right, depth - 1)

    divide(0, size[0], 0, size[1], 6)
    return canvas


night = [(8, 18, 60), (20, 60, 130), (70, 130, 180), (200, 205, 150), (250, 215, 80)]
primary = [(240, 236, 220)] * 4 + [(200, 30, 30), (30, 60, 150), (245, 205, 50)]
paintings = {
    "swirls": strokes((96, 160), night, seed=1),
    "blocks": blocks((96, 160), primary, seed=4),
}

# %%
# Learn the styles, and paint
# ---------------------------
# `fit` looks at the paintings. `transform` paints, which takes a while: it changes the picture step
# by step, first at small sizes, where strokes are broad.

model = StyleTransfer(
    extractor=FeatureExtractor(weights="random"),
    style_layers=["relu1_1", "relu2_1", "relu3_1"],
    content_layers=["relu3_1"],
    n_steps=15,
)
model.fit(list(paintings.values()), list(paintings))

figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), layout="constrained")
for row, (name, painting) in zip(axes, paintings.items(), strict=True):
    (picture,) = model.transform([photograph], style=name)
    row[0].imshow(painting)
    row[0].set_title(name)
    row[1].imshow(picture)
    row[1].set_title(f"the photograph, in {name}")
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %%
# How much, of what, and where
# ----------------------------
# `style_weight` says how much the style counts. It has a unit: each loss is a share of its target,
# so that the same weight means as much for another painting, size or network. Styles mix, a mask
# keeps parts as they are, and the photograph may keep its colors.

mask = np.zeros(photograph.shape[:2])
mask[:, : mask.shape[1] // 2] = 1
ways = {
    "style_weight=1": ({"style_weight": 1.0}, {"style": "swirls"}),
    "style_weight=100": ({"style_weight": 100.0}, {"style": "swirls"}),
    "half swirls, half blocks": ({}, {"style": {"swirls": 1, "blocks": 1}}),
    "preserve_color, left half": ({"preserve_color": True}, {"style": "swirls", "mask": [mask]}),
}
usual = model.get_params()
figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), layout="constrained")
for ax, (title, (params, options)) in zip(axes.flat, ways.items(), strict=True):
    model.set_params(**{**usual, **params})
    (picture,) = model.transform([photograph], **options)
    ax.imshow(picture)
    ax.set_title(title)
    ax.axis("off")
plt.show()
