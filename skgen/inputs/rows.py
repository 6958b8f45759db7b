"""Rows of numbers as input: tables."""

import copy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from skgen.engine import Column
from skgen.exceptions import warn
from skgen.inputs.base import Input
from skgen.inputs.scaling import ScaledColumn, Scaling, Units, result_dtype

__all__ = ["RowInput"]

# Rows by which units are compared, at least and at most, and the factor that is no chance.
_LEAST_COMPARED = 10
_MOST_COMPARED = 500
_FACTOR = 50.0


class RowInput(Input):
    """Rows of finite numbers, which networks see as the column ``x`` in network units.

    Parameters
    ----------
    units : Units
        The network units.

    precise : bool, default=False
        Whether the column keeps double precision where X has it.

    Attributes
    ----------
    name : str
        What the column is called: ``x``, or ``y`` where it is y that consists of such rows.

    scaling : Scaling
        The fitted map from X to network units.

    value_range : tuple of float or None
        The range that what is made keeps to, if one is known.

    image_shape : tuple of int or None
        Height, width and channels of the images that rows hold, if they do.
    """

    name: str = "x"
    scaling: Scaling
    value_range: tuple[float, float] | None = None
    image_shape: tuple[int, int, int] | None = None

    def __init__(self, units: Units, *, precise: bool = False):
        self.units = units
        self.precise = precise

    @property
    def given(self) -> str:
        """What errors call it: X, or y."""
        return "X" if self.name == "x" else "y"

    def of_target(self) -> Self:
        """Return the input as one of y, which leaves alone what an estimator knows of X."""
        self.name = "y"
        return self

    def fit(self, X: Any, estimator: Any) -> dict[str, Column]:
        """Check X, measure it, and return its column."""
        rows = self._validated(X, estimator, reset=True)
        self._learn_layout(rows)
        self.units.check(rows, self.value_range)
        self.scaling = self.units.fit(rows, self.value_range)
        self.dtype = result_dtype(rows)
        self.row_bytes = 4 * rows.shape[1]
        self.sizes = _sizes(rows)
        return self._column(rows, checked=True)

    def columns(self, X: Any, estimator: Any, *, to_train: bool = False) -> dict[str, Column]:
        """Check that X is like that of `fit`, and return its column.

        That X is finite is seen on the way where it is not trained on, since another pass over X
        would show in the time that inference takes.
        """
        rows = self._validated(X, estimator, reset=False)
        if to_train:
            assert_all_finite(rows, input_name=self.given)
            self.units.check(rows, self.value_range)
        else:
            self._warn_of_values_beyond(rows)
            if self.value_range is None and len(rows) >= _LEAST_COMPARED:
                self._warn_of_other_units(rows)
        return self._column(rows, checked=to_train)

    def _validated(self, X: Any, estimator: Any, *, reset: bool) -> NDArray:
        """Return X as an array of rows, its dtype and memory map kept."""
        options: dict[str, Any] = {
            "dtype": "numeric",
            "ensure_min_samples": 2 if reset else 1,
            "ensure_all_finite": reset,
        }
        checked: NDArray
        if self.name == "x":
            checked = validate_data(estimator, X, reset=reset, **options)
        else:
            checked = check_array(X, input_name="y", estimator=estimator, **options)
            if not reset and 4 * checked.shape[1] != self.row_bytes:
                raise ValueError(
                    f"y has {checked.shape[1]} columns, but fit saw {self.row_bytes // 4}."
                )
        if isinstance(checked, Tensor):  # where array-API dispatch is on
            checked = checked.detach().cpu().numpy()
        if checked.dtype.isnative:
            return checked
        return checked.astype(checked.dtype.newbyteorder("="))

    def _learn_layout(self, rows: NDArray) -> None:
        self.shape = (rows.shape[1],)

    def _column(self, rows: NDArray, *, checked: bool) -> dict[str, Column]:
        clip = self.units.output_range if self.units.needed_by else None
        column = ScaledColumn(rows, self.scaling, checked=checked, clip=clip, precise=self.precise)
        return {self.name: column}

    def _warn_of_values_beyond(self, rows: NDArray) -> None:
        """Say that values are clipped, where a model cannot do with what `fit` did not see."""
        try:
            self.units.check(rows, self.value_range)
        except ValueError as error:
            warn(f"{error} Values beyond count as the nearest within.", UserWarning)

    def _warn_of_other_units(self, rows: NDArray) -> None:
        """Say that X looks as if it were in other units than in `fit`, by one factor for all."""
        there = (self.sizes > 0) & ((sizes := _sizes(rows)) > 0)
        if there.sum() < 2 or not np.isfinite(sizes).all():
            return
        ratios = sizes[there] / self.sizes[there]
        factor = float(np.median(ratios))
        alike = np.mean((ratios > factor / 2) & (ratios < factor * 2)) > 0.8
        if alike and not 1 / _FACTOR < factor < _FACTOR:
            warn(
                f"The values of X are about {factor:.3g} times those that fit saw, in nearly all "
                "columns. Bring X to the same units, or fit on rows in these.",
                UserWarning,
            )

    def undo(self, x: Tensor, dtype: np.dtype) -> Tensor:
        """Return rows of network units in those of X, within the range of values."""
        precise = x.to(torch.float64) if dtype == np.float64 else x
        rows = self.scaling.undo(precise)
        return rows if self.value_range is None else rows.clamp_(*self.value_range)

    def bounded(self, x: Tensor) -> Tensor:
        """Return rows of network units within the range of values, still in network units."""
        if self.value_range is None:
            return x
        scaling = self.scaling
        low, high = (
            torch.from_numpy((end - scaling.offset) / scaling.scale).to(x)
            for end in self.value_range
        )
        return x.clamp(low, high)

    def restore(self, values: NDArray) -> NDArray:
        """Return rows in the layout in which X was given to `fit`."""
        return values

    def widened(self, columns: dict[str, Column]) -> "RowInput":
        """Return an input whose range of values holds those of a later chunk, too."""
        column = columns[self.name]
        if self.value_range is None or not isinstance(column, ScaledColumn):
            return self
        X: Any = column.X
        low, high = self.value_range
        wider_range = min(low, float(X.min())), max(high, float(X.max()))
        if wider_range == self.value_range:
            return self
        wider = copy.copy(self)
        wider.value_range = wider_range
        return wider


def _sizes(rows: NDArray) -> NDArray[np.float64]:
    """Return the largest absolute value of every column, in some of the rows."""
    some = rows[:: max(1, len(rows) // _MOST_COMPARED)]
    sizes: NDArray[np.float64] = np.abs(some.astype(np.float64)).max(axis=0)
    return sizes
