"""Models that learn from all rows first, and then from those with a label."""

from skgen.pretraining._classifier import PretrainedClassifier
from skgen.pretraining._regressor import PretrainedRegressor

__all__ = ["PretrainedClassifier", "PretrainedRegressor"]
