"""Regressors whose target is an image."""

from skgen.regressors._image import ImageRegressor

__all__ = ["ImageRegressor"]
