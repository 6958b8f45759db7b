"""Style transfer: photographs in the manner of paintings."""

from skgen.style._fast import FastStyleTransfer
from skgen.style._optimized import StyleTransfer

__all__ = ["FastStyleTransfer", "StyleTransfer"]
