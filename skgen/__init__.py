"""Deep unsupervised and generative models as scikit-learn estimators."""

from skgen.autoencoders import (
    Autoencoder,
    ContractiveAutoencoder,
    ConvAutoencoder,
    DenoisingAutoencoder,
    LinearAutoencoder,
    RedundantAutoencoder,
    SparseAutoencoder,
)

__all__ = [
    "Autoencoder",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "DenoisingAutoencoder",
    "LinearAutoencoder",
    "RedundantAutoencoder",
    "SparseAutoencoder",
]
__version__ = "0.1.0"
