"""Losses."""

from skgen.losses.elementwise import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    Huber,
    Loss,
    SquaredError,
)
from skgen.losses.perceptual import PerceptualLoss
