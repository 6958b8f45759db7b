"""Deep autoencoders that are trained layer by layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from skgen.corruptions import Corruption, OnImages
from skgen.engine import Batch, Progress, Turn
from skgen.losses import SquaredError

__all__ = ["LayerReconstruction", "turns_of_layers"]


@dataclass(frozen=True)
class LayerReconstruction:
    r"""What one layer of a stack learns: the clean activations of the layer below.

    .. math:: L_k = \ell(g_k(f_k(c(h_{k-1}))), h_{k-1}), \qquad h_{k-1} = f_{k-1}(\dots f_1(x))

    with a corruption :math:`c`, and no gradient through :math:`h_{k-1}`.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked denoising
       autoencoders", JMLR 11, 2010, section 3.5.
    """

    number: int
    n_layers: int
    loss: Callable[[Tensor, Tensor], Tensor]
    corruption: Corruption | OnImages | None

    is_mean_over_rows: ClassVar[bool] = True

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        first, last = 2 * self.number, 2 * (self.n_layers - 1 - self.number)
        with torch.no_grad():
            below = module.encoder[:first](batch["x"])
        seen = self.corruption(below) if self.corruption and module.training else below
        code = module.encoder[first : first + 2](seen)
        return self.loss(module.decoder[last : last + 2](code), below)


def turns_of_layers(
    n_layers: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    corruption: Corruption | OnImages | None,
) -> list[Turn]:
    """Return a turn for every layer; the loss is that of the first, whose target are rows."""
    turns: list[Turn] = []
    for number in range(n_layers):
        objective = LayerReconstruction(
            number, n_layers, SquaredError() if number else loss, corruption
        )
        players = (f"encoder.{2 * number}", f"decoder.{2 * (n_layers - 1 - number)}")
        turns.append(Turn(players, objective, f"layer_{number + 1}"))
    return turns
