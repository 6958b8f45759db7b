"""Scores of codes, of samples, and of domains."""

from skgen.metrics._codes import hoyer_sparsity
from skgen.metrics._domains import (
    LabelFreeScorer,
    deep_embedded_validation,
    density_ratio,
    prediction_certainty,
    prediction_information_score,
    proxy_a_distance,
    soft_neighborhood_density,
)
from skgen.metrics._samples import (
    c2st_distance,
    density_coverage,
    frechet_distance,
    kernel_distance,
    manifold_precision_recall_score,
    memorization,
    mmd_distance,
)

__all__ = [
    "LabelFreeScorer",
    "c2st_distance",
    "deep_embedded_validation",
    "density_coverage",
    "density_ratio",
    "frechet_distance",
    "hoyer_sparsity",
    "kernel_distance",
    "manifold_precision_recall_score",
    "memorization",
    "mmd_distance",
    "prediction_certainty",
    "prediction_information_score",
    "proxy_a_distance",
    "soft_neighborhood_density",
]
