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
    RedundantAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from skgen.generators import GAN, ConditionalGAN
from skgen.invariant import InvariantEncoder
from skgen.pretraining import PretrainedClassifier, PretrainedRegressor
from skgen.style import FastStyleTransfer, StyleTransfer

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
    "InvariantEncoder",
    "LabeledOnly",
    "LinearAutoencoder",
    "MinimumClassConfusionClassifier",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "RedundantAutoencoder",
    "SparseAutoencoder",
    "StyleTransfer",
    "VariationalAutoencoder",
]
__version__ = "0.1.0"
