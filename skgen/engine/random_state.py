"""Torch's random numbers, apart from the caller's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

__all__ = ["drawing", "seeded"]


@contextmanager
def seeded(seed: int | None = None) -> Iterator[None]:
    """Run a block with torch's generators apart from the caller's, which come back untouched.

    Parameters
    ----------
    seed : int, default=None
        Seeds the generators for the block. None leaves them where they stand.
    """
    on_gpu = torch.cuda.is_initialized()
    with torch.random.fork_rng(range(torch.cuda.device_count()) if on_gpu else []):
        if seed is not None and on_gpu:
            torch.manual_seed(seed)
        elif seed is not None:
            torch.default_generator.manual_seed(seed)  # queues nothing for a GPU not yet in use
        yield


def drawing(random_state: int | np.random.RandomState | None) -> Any:
    """Return a context in which torch draws by that seed; the caller's generators are untouched."""
    return seeded(int(check_random_state(random_state).randint(2**31 - 1)))
