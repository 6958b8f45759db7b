"""Autoencoders: transformers that learn a code from which rows can be restored."""

from skgen.autoencoders._adversarial import AdversarialAutoencoder
from skgen.autoencoders._autoencoder import Autoencoder
from skgen.autoencoders._contractive import ContractiveAutoencoder
from skgen.autoencoders._conv import ConvAutoencoder
from skgen.autoencoders._denoising import DenoisingAutoencoder
from skgen.autoencoders._linear import LinearAutoencoder
from skgen.autoencoders._recurrent import RecurrentAutoencoder
from skgen.autoencoders._redundant import RedundantAutoencoder
from skgen.autoencoders._sparse import SparseAutoencoder
from skgen.autoencoders._variational import VariationalAutoencoder

__all__ = [
    "AdversarialAutoencoder",
    "Autoencoder",
    "ContractiveAutoencoder",
    "ConvAutoencoder",
    "DenoisingAutoencoder",
    "LinearAutoencoder",
    "RecurrentAutoencoder",
    "RedundantAutoencoder",
    "SparseAutoencoder",
    "VariationalAutoencoder",
]
