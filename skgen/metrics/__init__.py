"""Scores of codes, of samples, and of domains."""

from skgen.metrics._codes import hoyer_sparsity
from skgen.metrics._domains import (
    LabelFreeScorer,
    deep_embedded_validation,
    density_ratio,
    mutual_information,
    prediction_certainty,
    proxy_a_distance,
    soft_neighborhood_density,
)
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
    "LabelFreeScorer",
    "c2st",
    "deep_embedded_validation",
    "density_coverage",
    "density_ratio",
    "frechet_distance",
    "hoyer_sparsity",
    "kernel_distance",
    "memorisation",
    "mmd",
    "mutual_information",
    "precision_recall",
    "prediction_certainty",
    "proxy_a_distance",
    "soft_neighborhood_density",
]
