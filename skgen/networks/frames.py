"""Frames: what padded sequences consist of, and what is done to them step by step.

A batch of sequences is one tensor of *frames*, (batch, time, 2 * channels + 1): the values of a
step, 0 where one is missing; then, for every value, 1 if it was observed; and last 1 for a step of
the sequence, and 0 for padding, which is 0 throughout.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "Frames",
    "bridged",
    "filled_up",
    "frames_of",
    "in_reverse",
    "steps_there",
    "tokens_of",
    "unpacked",
]


class Frames(NamedTuple):
    """What frames consist of."""

    values: Tensor  # (batch, time, channels)
    observed: Tensor  # (batch, time, channels)
    there: Tensor  # (batch, time)

    @property
    def lengths(self) -> Tensor:
        """The number of steps of every sequence, at least 1: (batch,)."""
        return self.there.sum(dim=1).long().clamp(min=1)


def unpacked(frames: Tensor) -> Frames:
    """Return values, which of them were observed, and which steps there are."""
    n_channels = frames.shape[2] // 2
    return Frames(
        frames[..., :n_channels], frames[..., n_channels : 2 * n_channels], frames[..., -1]
    )


def frames_of(values: Tensor, there: Tensor | None = None) -> Tensor:
    """Return values (..., channels) as frames (..., 2 * channels + 1): those missing are NaN.

    Parameters
    ----------
    values : Tensor of shape (..., channels)
        In network units.

    there : Tensor of shape (...,), default=None
        Which steps there are. None stands for all.
    """
    steps = torch.ones_like(values[..., :1]) if there is None else there[..., None].to(values)
    observed = (~values.isnan()).to(values) * steps
    return torch.cat([values.nan_to_num(0.0) * observed, observed, steps], dim=-1)


def steps_there(lengths: Tensor, n_steps: int) -> Tensor:
    """Return which steps there are in sequences of those lengths: (batch, n_steps)."""
    return torch.arange(n_steps, device=lengths.device) < lengths[:, None]


def bridged(frames: Frames) -> Tensor:
    """Return values (batch, time, channels) with straight lines over what is missing.

    Before the first value observed, and after the last, it is that one; 0 where there is none.
    """
    values, observed, there = frames
    places = torch.arange(values.shape[1], device=values.device)[None, :, None].expand_as(values)
    known = observed > 0
    before = places.masked_fill(~known, -1).cummax(dim=1).values
    end = values.shape[1]
    after = places.masked_fill(~known, end).flip(1).cummin(dim=1).values.flip(1)
    left, right = (values.gather(1, at.clamp(0, end - 1)) for at in (before, after))
    share = (places - before) / (after - before).clamp(min=1)
    line = torch.where(before < 0, right, torch.where(after == end, left, left.lerp(right, share)))
    return line * there[..., None]


def in_reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Return sequences (batch, time, ...) from their last step to their first; padding stays."""
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    mirrored = lengths[:, None] - 1 - places
    places = torch.where(mirrored < 0, places, mirrored)
    return x.gather(1, places[..., None].expand_as(x))


def filled_up(steps: Tensor, patch: int) -> Tensor:
    """Return steps (batch, time, n), padded to a whole number of tokens."""
    return functional.pad(steps, (0, 0, 0, -steps.shape[1] % patch))


def tokens_of(steps: Tensor, patch: int) -> Tensor:
    """Return steps (batch, time, n), so many side by side: (batch, time / patch, patch * n)."""
    return steps.reshape(len(steps), -1, patch * steps.shape[2])
