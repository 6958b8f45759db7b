"""Warnings that point at the line that called skgen, however deep inside they arise."""

import contextlib
import os
import sys
import warnings
from pathlib import Path

import sklearn

__all__ = ["complain"]

_INSIDE = (
    *(str(Path(package).parent) + os.sep for package in (__file__, str(sklearn.__file__))),
    contextlib.__file__,
)


def complain(message: str) -> None:
    """Issue a `UserWarning` on behalf of the first caller outside skgen and scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
