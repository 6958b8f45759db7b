"""Generators: networks that make rows like those of X out of noise."""

from skgen.generators._conditional import ConditionalGAN
from skgen.generators._gan import GAN

__all__ = ["GAN", "ConditionalGAN"]
