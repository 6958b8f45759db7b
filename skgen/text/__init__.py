"""Vectors of words, and of sentences, learned from texts alone."""

from skgen.text._skip_gram import SkipGram
from skgen.text._skip_thought import SkipThought

__all__ = ["SkipGram", "SkipThought"]
