"""Models that are fitted before one can say their name, for tests of all of them."""

import inspect

import numpy as np
from sklearn.base import is_regressor

import skgen
from skgen import DenoisingAutoencoder, PretrainedClassifier, PretrainedRegressor
from skgen.base import BaseModel
from skgen.text._base import BaseTextModel

MODELS = [
    cls
    for name in skgen.__all__
    if inspect.isclass(cls := getattr(skgen, name)) and issubclass(cls, BaseModel)
]
TEXT_CLASSES = [cls for cls in MODELS if issubclass(cls, BaseTextModel)]
CLASSES = [cls for cls in MODELS if cls not in TEXT_CLASSES]  # those that take rows


def small(cls, **params):
    """One of a class, whose encoder, if it has one to fit before, trains no longer than itself."""
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
