"""The optimizers of all turns, as one; and one for tables of which a batch moves few rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["RowAdagrad", "TurnOptimizers"]


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


class RowAdagrad(torch.optim.Optimizer):
    r"""Adagrad with one step size for every row of a table, for sparse gradients.

    .. math::

        s_i \leftarrow s_i + \tfrac{1}{d} \lVert g_i \rVert^2, \qquad
        w_i \leftarrow w_i - \frac{\eta}{\sqrt{s_i}} \, g_i

    Rows that have no part in a batch are neither read nor written. A row that has many parts in it,
    as a frequent word does, moves by their sum, and its steps become smaller the more it moved. The
    scale of the loss does not matter.

    Parameters
    ----------
    params : iterable
        Matrices whose gradients are sparse.

    lr : float, default=0.1
        The learning rate.

    weight_decay : float, default=0.0
        The share, times the rate, that a step takes off the rows that it moves.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and
       stochastic optimization", JMLR 12, 2011.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.1, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the rows that have a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group["lr"], group["weight_decay"])

    def _move(self, weight: Tensor, lr: float, weight_decay: float) -> None:
        gradient: Any = weight.grad
        # What coalesce() does, in two thirds of the time.
        rows, places = torch.unique(gradient._indices()[0], return_inverse=True)
        parts = gradient._values()
        values = parts.new_zeros(len(rows), parts.shape[1]).index_add_(0, places, parts)
        state = self.state[weight]
        if not state:
            state["sum"] = weight.new_zeros(len(weight), 1)
        total = state["sum"].index_select(0, rows)
        total += torch.linalg.vecdot(values, values)[:, None] / values.shape[1]
        state["sum"].index_copy_(0, rows, total)
        if weight_decay:
            weight.index_copy_(0, rows, weight.index_select(0, rows) * (1 - lr * weight_decay))
        weight.index_add_(0, rows, values.mul_(total.add_(1e-20).rsqrt_()), alpha=-lr)
