"""The optimizers of all turns, as one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["TurnOptimizers"]


class TurnOptimizers(torch.optim.Optimizer):
    """What one optimizer is to skorch: those of all turns, and where training stands.

    Schedulers and `set_params(lr=...)` see joined parameter groups. The state holds, beside every
    optimizer's own, the random generators and the progress, so that whatever skorch saves as "the
    optimizer" is enough to go on as if training had never stopped.
    """

    # Not super().__init__: it refuses a weight that several turns move.
    def __init__(self, optimizers: Sequence[torch.optim.Optimizer]):
        self.optimizers = list(optimizers)
        self.defaults: dict[str, Any] = {}
        self.training: dict[str, Any] = {}

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The parameter groups of all turns, in order."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def state(self) -> dict[Tensor, Any]:  # type: ignore[override]
        """The state of all turns' weights. A weight of several turns shows its last turn's."""
        return {key: value for one in self.optimizers for key, value in one.state.items()}

    def tensors(self) -> list[Tensor]:
        """Return all tensors of the state, in order."""
        return [
            value
            for optimizer in self.optimizers
            for state in optimizer.state.values()
            for value in state.values()
            if isinstance(value, Tensor)
        ]

    def settings(self) -> Any:
        """Return all of the state but the tensors."""
        return (
            [[dict(group) for group in one.param_groups] for one in self.optimizers],
            [{key: dict(state) for key, state in one.state.items()} for one in self.optimizers],
            dict(self.training),
        )

    def take_settings(self, settings: Any) -> None:
        """Go back to what `settings` returned, tensors left as they are."""
        groups, states, training = settings
        for optimizer, of_groups, of_state in zip(self.optimizers, groups, states, strict=True):
            for group, values in zip(optimizer.param_groups, of_groups, strict=True):
                group.clear()
                group.update(values)
            optimizer.state.clear()
            optimizer.state.update(of_state)
        self.training = training

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all turns."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none)

    def step(self, turn: int = 0) -> None:  # type: ignore[override]
        """Update the weights of one turn's players."""
        self.optimizers[turn].step()

    step.hooked = True  # type: ignore[attr-defined]  # torch profiles the inner steps; once is enough

    def state_dict(self) -> dict[str, Any]:
        """Return the state of all optimizers and of training."""
        return {
            "turns": [optimizer.state_dict() for optimizer in self.optimizers],
            "training": dict(self.training),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that `state_dict` returned."""
        for optimizer, state in zip(self.optimizers, state_dict["turns"], strict=True):
            optimizer.load_state_dict(state)
        self.training = dict(state_dict["training"])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.optimizers})"
