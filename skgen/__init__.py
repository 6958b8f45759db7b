"""Deep unsupervised and generative models as scikit-learn estimators."""

from skgen.autoencoders import Autoencoder, DenoisingAutoencoder, LinearAutoencoder

__all__ = ["Autoencoder", "DenoisingAutoencoder", "LinearAutoencoder"]
__version__ = "0.1.0"
