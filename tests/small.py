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
from skgen.text._base import BaseTextModel

# Those that take lists of images, and no rows.
OF_IMAGES = [StyleTransfer, FastStyleTransfer]

MODELS = [
    cls
    for name in skgen.__all__
    if inspect.isclass(cls := getattr(skgen, name))
    and issubclass(cls, BaseModel)
    and cls not in OF_IMAGES
]
TEXT_CLASSES = [cls for cls in MODELS if issubclass(cls, BaseTextModel)]
CLASSES = [cls for cls in MODELS if cls not in TEXT_CLASSES]  # those that take rows

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
            few |= {"crop_size": 32, "layers": LAYERS}
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


def texts(n):
    """Lines of a small world, in which weather follows weather, and animals follow animals."""
    random = np.random.default_rng(0)
    worlds = (
        [
            ("the rain", "a cloud", "the wind", "snow"),
            ("fell", "went on", "stopped", "came"),
            ("all day", "at night", "in the hills", "over the sea"),
        ],
        [
            ("the cat", "a dog", "the horse", "a bird"),
            ("slept", "ran off", "ate", "came"),
            ("in the yard", "at noon", "under a tree", "near the house"),
        ],
    )
    # Ten lines of the one, then ten of the other.
    return [
        " ".join(random.choice(part) for part in worlds[number // 10 % 2]) for number in range(n)
    ]


def images(n=3, seed=0):
    """As many color images of several sizes, in bytes."""
    random = np.random.default_rng(seed)
    sizes = [(33, 40), (48, 37), (32, 32), (41, 64)]
    drawn = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(n)]
    return [
        np.kron(one, np.ones((8, 8, 1), np.uint8))[:height, :width]
        for one, (height, width) in zip(drawn, sizes[:n], strict=True)
    ]
