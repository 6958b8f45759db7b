"""Ways to distort sequences: they act on padded frames, see `skgen.networks.frames`.

What is dropped or masked is missing to the network, which is told so, as of values that are NaN in
X. Padding is neither distorted nor drawn from.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from skgen.corruptions.rows_and_images import (
    Compose,
    Corruption,
    Gaussian,
    ImageCorruption,
    SaltAndPepper,
    Swap,
)
from skgen.networks.frames import unpacked
from skgen.parameters import COUNT, SHARE, parameter

__all__ = [
    "DroppedChannels",
    "DroppedSteps",
    "OnSequences",
    "SequenceCorruption",
    "TimeCrop",
    "TimeMasks",
    "on_sequences",
    "usual_sequence_views",
]


class SequenceCorruption(Corruption, ABC):
    """Base class of the corruptions that know what a step and a channel are."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return a distorted copy of frames, (batch, time, 2 * channels + 1)."""
        if x.ndim != 3:
            raise ValueError(
                f"{self} needs sequences, and got rows of {x.shape[1]} numbers. Use it in a "
                "RecurrentAutoencoder, or take a corruption that works on rows, such as Dropout."
            )
        return self.distorted(x)

    @abstractmethod
    def distorted(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""


def _without(frames: Tensor, kept: Tensor) -> Tensor:
    """Return frames whose values are missing but for those kept, (batch, time, 1 or channels)."""
    n_channels = frames.shape[2] // 2
    both = kept.to(frames).expand(*frames.shape[:2], n_channels)
    return frames * torch.cat([both, both, torch.ones_like(frames[..., -1:])], dim=2)


class DroppedSteps(SequenceCorruption):
    """Have each step, with probability `level`, be missing, all channels of it.

    Examples
    --------
    >>> from skgen import RecurrentAutoencoder
    >>> from skgen.corruptions import DroppedSteps
    >>> model = RecurrentAutoencoder(corruption=DroppedSteps(0.3))
    """

    level: float = parameter(0.2, SHARE, "Share of the steps that are dropped.", positional=True)

    def distorted(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""
        draw = torch.rand(*frames.shape[:2], 1, device=frames.device)
        return _without(frames, draw >= self.level)


class DroppedChannels(SequenceCorruption):
    """Have each channel of a sequence, with probability `level`, be missing throughout."""

    level: float = parameter(0.2, SHARE, "Share of the channels that are dropped.", positional=True)

    def distorted(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""
        draw = torch.rand(len(frames), 1, frames.shape[2] // 2, device=frames.device)
        return _without(frames, draw >= self.level)


class TimeMasks(SequenceCorruption):
    """Have spans of every sequence be missing.

    Spans lie anywhere within the sequence, each independently, and may overlap.

    References
    ----------
    .. [1] D. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
       recognition", Interspeech 2019; with spans of one size.
    """

    size: float = parameter(
        0.1, SHARE, "The length of a span, as a share of the sequence's.", positional=True
    )
    n_masks: int = parameter(3, COUNT, "Spans masked in every sequence.")

    def distorted(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""
        lengths = unpacked(frames).lengths[:, None]
        sizes = (self.size * lengths).round().clamp(min=1 if self.size else 0)
        steps = torch.arange(frames.shape[1], device=frames.device)
        kept = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        for _ in range(self.n_masks):
            starts = _drawn_starts(lengths - sizes)
            kept &= (steps < starts) | (steps >= starts + sizes)
        return _without(frames, kept[..., None])


class TimeCrop(SequenceCorruption):
    """Show a part of every sequence alone, of a length and at a place that are drawn.

    Unlike what is masked, what is cut away leaves no gap: the part begins where the sequence did.
    A model that is to restore the whole has to know where the part was.
    """

    least: float = parameter(
        0.5, SHARE, "The shortest part, as a share of the sequence.", positional=True
    )

    def distorted(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""
        lengths = unpacked(frames).lengths[:, None]
        shares = torch.empty(len(frames), 1, device=frames.device).uniform_(self.least, 1)
        sizes = (shares * lengths).round().clamp(min=1)
        steps = torch.arange(frames.shape[1], device=frames.device)
        places = (steps + _drawn_starts(lengths - sizes)).long().clamp(max=frames.shape[1] - 1)
        moved = frames.gather(1, places[..., None].expand_as(frames))
        return moved * (steps < sizes)[..., None]


def _drawn_starts(last: Tensor) -> Tensor:
    """Draw whole numbers from 0 to those given: (batch, 1)."""
    return (torch.rand_like(last, dtype=torch.float32) * (last + 1)).floor()


@dataclass(frozen=True)
class OnSequences:
    """Applies a corruption to frames: one of rows to the values observed, and to no padding."""

    corruption: Corruption

    def __call__(self, frames: Tensor) -> Tensor:
        """Return a distorted copy of frames."""
        return _distorted(frames, self.corruption)


def _distorted(frames: Tensor, corruption: Corruption) -> Tensor:
    if isinstance(corruption, Compose):
        for one in corruption.corruptions:
            frames = _distorted(frames, one)
        return frames
    if isinstance(corruption, SequenceCorruption):
        return corruption(frames)
    values, observed, there = unpacked(frames)
    return torch.cat([corruption(values) * observed, observed, there[..., None]], dim=2)


def on_sequences(corruption: Corruption | None) -> OnSequences | None:
    """Return a corruption as one of frames.

    Raises
    ------
    ValueError
        If it is one of images, or takes values from other rows, which may be padding.
    """
    if corruption is None:
        return None
    parts: Sequence[Corruption] = (
        corruption.corruptions if isinstance(corruption, Compose) else [corruption]
    )
    for one in parts:
        if isinstance(one, Swap | SaltAndPepper | ImageCorruption):
            raise ValueError(
                f"{one} is not for sequences. Take Gaussian, Masking or Dropout for single values, "
                "or DroppedSteps, DroppedChannels, TimeMasks or TimeCrop."
            )
    return OnSequences(corruption)


def usual_sequence_views() -> list[Corruption]:
    """Return what makes a sequence another one of the same meaning, where nothing is known."""
    parts: list[tuple[Any, dict[str, float]]] = [(TimeMasks, {}), (Gaussian, {"level": 0.2})]
    return [make(**settings) for make, settings in parts]
