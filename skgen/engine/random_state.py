"""Torch's random numbers and settings, apart from the caller's."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state

__all__ = ["drawing", "seeded"]

# Torch's layers draw from one generator for all threads: whoever draws does so alone.
_ALONE = threading.RLock()


def _forget_other_threads() -> None:
    """Let a forked process have a lock of its own: the thread that held it is not there."""
    global _ALONE
    _ALONE = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


@contextmanager
def seeded(seed: int | None = None) -> Iterator[None]:
    """Run a block with torch's generators and settings apart from the caller's.

    The generators come back untouched. Gradients are on, and numbers are in single precision on
    the CPU where nothing else is said, whatever the caller has set. One thread at a time is inside.

    Parameters
    ----------
    seed : int, default=None
        Seeds the generators for the block. None leaves them where they stand.
    """
    with ExitStack() as stack:
        stack.enter_context(_ALONE)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        on_gpu = torch.cuda.is_initialized()
        devices = range(torch.cuda.device_count()) if on_gpu else []
        stack.enter_context(torch.random.fork_rng(devices))
        if (usual := torch.get_default_dtype()) != torch.float32:
            stack.callback(torch.set_default_dtype, usual)
            torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if seed is not None and on_gpu:
            torch.manual_seed(seed)
        elif seed is not None:
            torch.default_generator.manual_seed(seed)  # queues nothing for a GPU not yet in use
        yield


@contextmanager
def drawing(random_state: int | np.random.RandomState | None) -> Iterator[None]:
    """Run a block in which torch draws by that seed; the caller's generators are untouched."""
    with seeded(int(check_random_state(random_state).randint(2**31 - 1))):
        yield
