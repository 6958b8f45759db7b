"""
============================================
Compression: JPEG, PCA, dense, convolutional
============================================

An autoencoder is a code for one kind of image. JPEG is one for all kinds. Here both get the same
number of bytes for an image of clothes. One byte a number is what codes are rounded to, after
training, and JPEG packs many images into one sheet, so that its header of some 600 bytes does not
count. What the table leaves out: the autoencoders' weights, a megabyte or more, have to be known to
whoever reads the codes, and they are of no use for images of anything else.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skgen import Autoencoder, ConvAutoencoder
from skgen.datasets import load_fashion_mnist_10k

images = load_fashion_mnist_10k().images
train, test = images[:8000], images[8000:]

# %%
# JPEG, of all 2,000 test images on one sheet of 50 by 40: the best quality that keeps to the
# budget, if there is one.


def jpeg(n_bytes):
    sheet = test.reshape(50, 40, 28, 28).swapaxes(1, 2).reshape(50 * 28, 40 * 28)
    gray = Image.fromarray((255 * sheet).round().astype(np.uint8))
    for quality in range(95, 0, -1):
        file = io.BytesIO()
        gray.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= n_bytes * len(test):
            decoded = np.asarray(Image.open(file), np.float32) / 255
            return decoded.reshape(50, 28, 40, 28).swapaxes(1, 2).reshape(-1, 28, 28)
    return None


# %%
# The others, of as many numbers as there are bytes. Every number of a code is rounded to one of 256
# steps between its least and its largest value among the training images.

flat = FunctionTransformer(
    lambda X: X.reshape(len(X), -1), inverse_func=lambda X: X.reshape(-1, 28, 28)
)


def through_codes(model):
    model.fit(train)
    low, high = model.transform(train).min(axis=0), model.transform(train).max(axis=0)
    step = (high - low) / 255
    code = np.clip(np.round((model.transform(test) - low) / step), 0, 255).astype(np.uint8)
    return model.inverse_transform((code * step + low).astype(np.float32))


settings = {"max_epochs": 8, "batch_size": 128, "random_state": 0}
restored, errors = {}, {}
for n_bytes in (16, 32, 64):
    models = {
        "PCA": make_pipeline(flat, PCA(n_bytes, random_state=0)),
        "dense": make_pipeline(flat, Autoencoder(n_bytes, **settings)),
        "convolutional": ConvAutoencoder(n_bytes, **settings),
    }
    decoded = {name: through_codes(model) for name, model in models.items()}
    decoded["JPEG"] = jpeg(n_bytes)
    for name, some in decoded.items():
        restored[name, n_bytes] = some
        errors[name, n_bytes] = np.nan if some is None else np.mean((some - test) ** 2)

# %%
# The error in decibels, as images' errors are given (PSNR: more is better, 3 dB are half of the
# squared error). JPEG cannot keep to the smallest budget at any quality. The autoencoders are ahead
# where there are few bytes, since they know what clothes look like. They do not make much of more:
# at 64 bytes, JPEG keeps detail of which they know nothing.

names = ["JPEG", "PCA", "dense", "convolutional"]
print("bytes an image" + "".join(f"{name:>15}" for name in names))
for n_bytes in (16, 32, 64):
    decibels = [-10 * np.log10(errors[name, n_bytes]) for name in names]
    print(f"{n_bytes:15}" + "".join(f"{value:15.1f}" for value in decibels))

figure, axes = plt.subplots(len(names) + 1, 10, figsize=(9, 4.9), layout="constrained")
shown = {"original": test, **{f"{name}, 64 bytes": restored[name, 64] for name in names}}
for line, (name, images) in zip(axes, shown.items(), strict=True):
    for ax, image in zip(line, test[:10] if images is None else images[:10], strict=True):
        ax.imshow(np.zeros((28, 28)) if images is None else image, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
    line[0].set_title(name, loc="left", fontsize=10)
plt.show()
