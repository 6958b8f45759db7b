"""Autoencoders: transformers that learn a code from which rows can be restored."""

from skgen.autoencoders._autoencoder import Autoencoder
from skgen.autoencoders._denoising import DenoisingAutoencoder
from skgen.autoencoders._linear import LinearAutoencoder

__all__ = ["Autoencoder", "DenoisingAutoencoder", "LinearAutoencoder"]
