"""Models that are fitted before one can say their name, for tests of all of them."""

import inspect

import numpy as np
from sklearn.base import is_regressor

import skgen
from skgen import (
    DenoisingAutoencoder,
    FastStyleTransfer,
    PretrainedClassifier,
    PretrainedRegressor,
    StyleTransfer,
)
from skgen.base import BaseModel
from skgen.extractors import FeatureExtractor

# Those that take lists of images, and no rows.
OF_IMAGES = [StyleTransfer, FastStyleTransfer]

CLASSES = [
    cls
    for name in skgen.__all__
    if inspect.isclass(cls := getattr(skgen, name))
    and issubclass(cls, BaseModel)
    and cls not in OF_IMAGES
]

LAYERS = ["relu1_1", "relu2_1"]


def small(cls, **params):
    """One of a class, with little to compute.

    The encoder of one that has one to fit before trains no longer than itself, and a network that
    looks at images has random weights.
    """
    if cls in OF_IMAGES:
        random = FeatureExtractor(weights="random")
        layers = {"content_layers": ["relu2_1"], "style_layers": LAYERS}
        few = {"n_steps": 2, "n_scales": 2} if cls is StyleTransfer else {"max_epochs": 2}
        if cls is FastStyleTransfer:
            few |= {"crop_size": 32, "layer": "relu2_1"}
        return cls(**{"extractor": random, **layers, **few, **params})
    if cls in (PretrainedClassifier, PretrainedRegressor):
        epochs = params.get("max_epochs", 3)
        encoder = DenoisingAutoencoder(4, hidden_layer_sizes=(16,), max_epochs=epochs)
        params = {"encoder": encoder, **params}
    return cls(**params)


def target(model, labels):
    """What a model learns of labels: these, or numbers in their place."""
    learns_numbers = model is not None and is_regressor(model)
    return np.unique(labels, return_inverse=True)[1].astype(float) if learns_numbers else labels


def images(n=3, seed=0):
    """As many color images of several sizes, in bytes."""
    random = np.random.default_rng(seed)
    sizes = [(33, 40), (48, 37), (32, 32), (41, 64)]
    drawn = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(n)]
    return [
        np.kron(one, np.ones((8, 8, 1), np.uint8))[:height, :width]
        for one, (height, width) in zip(drawn, sizes[:n], strict=True)
    ]
