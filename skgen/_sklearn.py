"""Names that scikit-learn keeps private. They are imported here alone."""

from sklearn.base import _clone_parametrized, _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import _check_sample_weight, _num_samples

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "_check_sample_weight",
    "_clone_parametrized",
    "_fit_context",
    "_num_samples",
    "_safe_indexing",
    "is_pandas_na",
    "is_scalar_nan",
    "validate_params",
]
