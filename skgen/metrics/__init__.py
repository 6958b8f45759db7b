"""Scores of codes, and of samples."""

from skgen.metrics._codes import hoyer_sparsity
from skgen.metrics._samples import (
    c2st,
    density_coverage,
    frechet_distance,
    kernel_distance,
    memorisation,
    mmd,
    precision_recall,
)

__all__ = [
    "c2st",
    "density_coverage",
    "frechet_distance",
    "hoyer_sparsity",
    "kernel_distance",
    "memorisation",
    "mmd",
    "precision_recall",
]
