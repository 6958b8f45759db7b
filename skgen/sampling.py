"""Drawing samples from a fitted model."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skgen.engine import seeded

__all__ = ["checked_count", "drawing"]


def checked_count(name: str, count: Any) -> int:
    """Return a number of things to draw.

    Raises
    ------
    ValueError
        If it is no integer of at least 1.
    """
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{name} has to be an integer of at least 1, got {count!r}.")
    return int(count)


def drawing(random_state: int | np.random.RandomState | None) -> Any:
    """Return a context in which torch draws by that seed; the caller's generators are untouched."""
    return seeded(int(check_random_state(random_state).randint(2**31 - 1)))
