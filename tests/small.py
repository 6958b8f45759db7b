"""Models that are fitted before one can say their name, for tests of all of them."""

import inspect

import numpy as np
from sklearn.base import is_regressor

import skgen
from skgen import DenoisingAutoencoder, PretrainedClassifier, PretrainedRegressor
from skgen.base import BaseModel

CLASSES = [
    cls
    for name in skgen.__all__
    if inspect.isclass(cls := getattr(skgen, name)) and issubclass(cls, BaseModel)
]


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
