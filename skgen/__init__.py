"""Deep unsupervised and generative models as scikit-learn estimators."""

from skgen.adaptation import (
    CoralClassifier,
    DomainAdversarialClassifier,
    LabeledOnly,
    MinimumClassConfusionClassifier,
)
from skgen.autoencoders import (
    AdversarialAutoencoder,
    Autoencoder,
    ContractiveAutoencoder,
    ConvAutoencoder,
    DenoisingAutoencoder,
    LinearAutoencoder,
    RecurrentAutoencoder,
    RedundantAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skgen.generators import GAN, ConditionalGAN
from skgen.invariant import InvariantEncoder
from skgen.pretraining import PretrainedClassifier, PretrainedRegressor
from skgen.regressors import ImageRegressor
from skgen.style import FastStyleTransfer, StyleTransfer
from skgen.text import SkipGram, SkipThought

__all__ = [
    "GAN",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalGAN",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "CoralClassifier",
    "DenoisingAutoencoder",
    "DomainAdversarialClassifier",
    "FastStyleTransfer",
    "ImageRegressor",
    "InvariantEncoder",
    "LabeledOnly",
    "LinearAutoencoder",
    "MinimumClassConfusionClassifier",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "RecurrentAutoencoder",
    "RedundantAutoencoder",
    "SkipGram",
    "SkipThought",
    "SparseAutoencoder",
    "StyleTransfer",
    "VariationalAutoencoder",
]
__version__ = "0.1.0"
