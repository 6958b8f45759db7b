"""Reconstruction losses: how far what a network gives is from what it should give back."""

from skgen.losses.elementwise import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    Huber,
    Loss,
    SquaredError,
)
from skgen.losses.perceptual import PerceptualLoss

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "Huber",
    "Loss",
    "PerceptualLoss",
    "SquaredError",
]
