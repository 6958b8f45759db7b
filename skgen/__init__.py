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
    "InvariantEncoder",
    "LabeledOnly",
    "LinearAutoencoder",
    "MinimumClassConfusionClassifier",
    "PretrainedClassifier",
    "PretrainedRegressor",
    "RedundantAutoencoder",
    "SkipGram",
    "SkipThought",
    "SparseAutoencoder",
    "VariationalAutoencoder",
]
__version__ = "0.1.0"
