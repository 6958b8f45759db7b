"""Torch's random numbers and settings, apart from the caller's."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state

__all__ = ["drawing", "seeded", "usual_settings"]

# Torch's layers draw from one generator for all threads: whoever draws does so alone.
_ALONE = threading.RLock()


class _SinglePrecision:
    """Has torch make numbers in single precision while any thread is inside.

    That is one setting for all threads: the first one in changes it, the last one out gives back
    what the caller had.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_inside = 0
        self.of_caller = torch.float32

    def __enter__(self) -> None:
        with self.lock:
            if self.n_inside == 0:
                self.of_caller = torch.get_default_dtype()
                if self.of_caller != torch.float32:
                    torch.set_default_dtype(torch.float32)
            self.n_inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0 and self.of_caller != torch.float32:
                torch.set_default_dtype(self.of_caller)


_SINGLE_PRECISION = _SinglePrecision()


def _forget_other_threads() -> None:
    """Let a forked process have locks of its own: the threads that held them are not there."""
    global _ALONE
    _ALONE, _SINGLE_PRECISION.lock = threading.RLock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


@contextmanager
def usual_settings() -> Iterator[None]:
    """Run a block in single precision on the CPU where nothing else is said.

    So it is whatever the caller has set, and as many threads as like may be inside.
    """
    with ExitStack() as stack:
        stack.enter_context(_SINGLE_PRECISION)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


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
        stack.enter_context(usual_settings())
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
