"""Encoders that learn codes which distortions hardly move."""

from skgen.invariant._encoder import InvariantEncoder

__all__ = ["InvariantEncoder"]
