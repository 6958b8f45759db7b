"""Deep unsupervised and generative models as scikit-learn estimators."""

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

__all__ = [
    "GAN",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalGAN",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "DenoisingAutoencoder",
    "LinearAutoencoder",
    "RedundantAutoencoder",
    "SparseAutoencoder",
    "VariationalAutoencoder",
]
__version__ = "0.1.0"
