"""The objective of autoencoders of sequences."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from skgen.corruptions import OnSequences
from skgen.engine import Batch, Progress
from skgen.losses import Loss
from skgen.networks.frames import Frames, unpacked

__all__ = ["SequenceReconstruction"]


@dataclass(frozen=True)
class SequenceReconstruction:
    """The objective: how far what is decoded is from the values observed of a sequence.

    With `of_states` it is so twice in training: of codes, and of the states of the encoder alone.
    """

    loss: Loss
    corruption: OnSequences | None
    teacher_forcing: float
    of_states: bool = False

    is_mean_over_rows: ClassVar[bool] = False  # but over the values of a batch

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        x = batch["x"]
        frames = unpacked(x)
        seen = self.corruption(x) if self.corruption and module.training else x
        states, codes = module.encoder.states_and_codes(seen)
        shown = None
        share = self.teacher_forcing * max(0.0, 1 - 2 * state.fraction)
        if share and module.training:
            draw = torch.rand(*x.shape[:2], 1, device=x.device)
            shown = frames.values * (draw < share)
        made = module.decoder(codes, frames.lengths, x.shape[1], shown)
        objective = self._error(made, frames)
        if self.of_states and module.training:
            alone = module.decoder.alone(states, frames.lengths, x.shape[1], shown)
            objective = objective + self._error(alone, frames)
        return objective

    def _error(self, made: Tensor, frames: Frames) -> Tensor:
        observed = frames.observed > 0
        error = self.loss(torch.where(observed, made, frames.values), frames.values)
        return error * (observed.numel() / observed.sum().clamp(min=1))
