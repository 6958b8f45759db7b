"""What the engine runs: turns and phases, and the rate at which they move."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.optim import Optimizer

from skgen.engine.batches import Batch, Batches

__all__ = ["LR_SCHEDULES", "Phase", "Progress", "Turn", "TurnLoss", "one_cycle"]


@dataclass
class Progress:
    """How far training has come. Losses get it as `state`, for ramps and annealing.

    Attributes
    ----------
    epoch : int
        Passes completed under the present plan.

    n_epochs : int
        Passes planned.

    update : int
        Optimizer steps made under the present plan, all turns together.

    n_updates : int
        Optimizer steps planned.

    phase, n_phases : int
        The number of the phase that this is the plan of, and how many there are.

    n_epochs_of_all : int
        Passes planned, all phases together.
    """

    epoch: int = 0
    n_epochs: int = 0
    update: int = 0
    n_updates: int = 0
    phase: int = 0
    n_phases: int = 1
    n_epochs_of_all: int = 0

    @property
    def fraction(self) -> float:
        """The share of the plan that is done, from 0 to 1; 1 where there is no plan."""
        return self.update / self.n_updates if self.n_updates else 1.0


TurnLoss = Callable[[nn.Module, Batch, Progress], Tensor | tuple[Tensor, Mapping[str, Tensor]]]


class Turn(NamedTuple):
    """One move in an iteration: these players step down the gradient of this loss.

    Attributes
    ----------
    players : tuple of str
        Names of the submodules whose weights move. All others stand still, and let gradients pass.

    loss : callable
        ``loss(module, batch, state)`` returns a scalar tensor, a mean over the batch's rows; or
        that and a mapping of names to further such means, which the history shows by these names.
        `module` is the whole network, `batch` a mapping of tensors, `state` a `Progress`. It has
        to pickle: a function of a module, or an object with `__call__`.

    name : str
        What the history calls it: ``train_loss_<name>``, unless it is a single turn called "loss".

    repeats : int
        Updates in one iteration.

    optimizer : mapping or None
        Settings of this turn's optimizer that differ from the model's, such as
        ``{"lr": 4e-4, "betas": (0.0, 0.9)}``.

    after_step : callable or None
        ``after_step(module, state)``, called without gradients after every update of this turn:
        a moving average of weights, or clipping.

    shares_batch : bool
        Whether it plays on the batch of the turn before, in place of a fresh one for every update.

    optimizer_class : type or None
        Class of this turn's optimizer, where it is not the model's.
    """

    players: tuple[str, ...]
    loss: TurnLoss
    name: str = "loss"
    repeats: int = 1
    optimizer: Mapping[str, Any] | None = None
    after_step: Callable[[nn.Module, Progress], None] | None = None
    shares_batch: bool = False
    optimizer_class: type[Optimizer] | None = None


class Phase(NamedTuple):
    """A part of a run with rows and turns of its own: pretraining, and then fine-tuning.

    Attributes
    ----------
    batches : Batches
        The rows to train on.

    turns : sequence of Turn
        Who moves, towards what. Their optimizers start anew with the phase.

    n_epochs : int
        Passes to make.

    validation : Batches or None
        Rows whose loss is measured after every epoch.
    """

    batches: Batches
    turns: Sequence[Turn]
    n_epochs: int
    validation: Batches | None = None


def one_cycle(fraction: float) -> float:
    """Return the learning rate, as a share of its peak, at a point of training.

    A cosine from 1/25 up to 1 over the first 30% of the updates, and another down to nearly 0.

    References
    ----------
    .. [1] L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using
       large learning rates", arXiv:1708.07120, 2017.
    """
    rise = 0.3
    if fraction < rise:
        low, position = 1 / 25, 1 - fraction / rise
    else:
        low, position = 1e-5, (fraction - rise) / (1 - rise)
    return low + (1 - low) * (1 + math.cos(math.pi * position)) / 2


LR_SCHEDULES: Mapping[str, Callable[[float], float] | None] = {
    "one_cycle": one_cycle,
    "constant": None,
}
