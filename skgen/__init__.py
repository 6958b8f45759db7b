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
    "VariationalAutoencoder",
]
__version__ = "0.1.0"
