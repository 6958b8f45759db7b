"""Warnings that point at the line that called skgen, however deep inside they arise."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

import joblib
import sklearn
import skorch
from sklearn.exceptions import ConvergenceWarning

__all__ = ["TrainingWarning", "called_directly", "deferred_warnings", "warn"]

_WRAPPERS = ("base.py", "utils/_set_output.py", "callback/_callback_support.py")

_INSIDE = (
    *(
        str(Path(str(file)).parent) + os.sep
        for file in (__file__, *(package.__file__ for package in (joblib, sklearn, skorch)))
    ),
    contextlib.__file__,
)

# What stands between a call of `fit` or `fit_transform` and its method in scikit-learn itself.
_OWN = (
    str(Path(__file__).parent) + os.sep,
    str(Path(str(skorch.__file__)).parent) + os.sep,
    contextlib.__file__,
    *(str(Path(str(sklearn.__file__)).parent / file) for file in _WRAPPERS),
)

_WAITING: ContextVar[list[tuple[str, type[Warning]]] | None] = ContextVar("_WAITING", default=None)


class TrainingWarning(ConvergenceWarning):
    """Training shows a sign of trouble, or was asked for something that cannot go well."""


def warn(message: str, category: type[Warning] = TrainingWarning) -> None:
    """Issue a warning on behalf of the first caller outside skgen and what it is built on.

    Within `deferred_warnings` it waits for the end of the block.
    """
    waiting = _WAITING.get()
    if waiting is not None:
        waiting.append((message, category))
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def called_directly() -> bool:
    """Whether skgen was called by the user, not by a pipeline, a search or another of those."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        if not frame.f_code.co_filename.startswith(_OWN):
            return False
        frame = frame.f_back
    return True


@contextlib.contextmanager
def deferred_warnings() -> Iterator[None]:
    """Hold warnings of this thread back until the block is done; a block that fails has none.

    So a warning that is turned into an error finds all that the block does done.
    """
    waiting: list[tuple[str, type[Warning]]] = []
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)
    for message, category in waiting:
        warn(message, category)
