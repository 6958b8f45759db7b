"""What drawing from attributes minimizes, alone and with a second network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.adversarial_losses import AdversarialLoss, discriminator_objective
from skgen.engine import Batch, Progress
from skgen.networks.conditioned import over_black

__all__ = ["Likeness", "NewCodes", "OfNewCodes", "Persuasion", "TellDrawnApart"]


@dataclass(frozen=True)
class Likeness:
    """How far what is drawn of attributes is from the image that they are of."""

    loss: Callable[[Tensor, Tensor], Tensor]
    n_channels: int

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the loss on a batch."""
        drawn = module.decoder(module.codes(batch["x"]))
        return self.loss(*(over_black(one, self.n_channels) for one in (drawn, batch["y"])))


@dataclass(frozen=True)
class Persuasion:
    """Likeness, and what the second network says of what is drawn and sees in it."""

    loss: Callable[[Tensor, Tensor], Tensor]
    n_channels: int
    adversarial_loss: AdversarialLoss
    weight: float

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and its parts."""
        codes = module.codes(batch["x"])
        drawn, real = (
            over_black(one, self.n_channels) for one in (module.decoder(codes), batch["y"])
        )
        likeness = self.loss(drawn, real)
        said, seen = module.discriminator.said_and_seen(drawn, codes.detach())
        with torch.no_grad():
            wanted = module.discriminator.pooled(real)
        fooling = self.adversarial_loss.generator_loss(said)
        distance = functional.mse_loss(seen, wanted)
        objective = likeness + self.weight * (fooling + distance)
        return objective, {"likeness": likeness, "fooling": fooling, "distance": distance}


@dataclass(frozen=True)
class TellDrawnApart:
    """The second network's turn: images against drawings of the same attributes, which it knows."""

    n_channels: int
    adversarial_loss: AdversarialLoss
    r1_weight: float

    is_mean_over_rows: ClassVar[bool] = True

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether it has a penalty on a gradient."""
        return self.r1_weight > 0 or self.adversarial_loss.has_penalty()

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and what the discriminator says of both sides."""
        with torch.no_grad():
            codes = module.codes(batch["x"])
            drawn = over_black(module.decoder(codes), self.n_channels)
        objective, of_real, of_drawn = discriminator_objective(
            self.adversarial_loss,
            lambda rows: module.discriminator(rows, codes),
            over_black(batch["y"], self.n_channels),
            drawn,
            self.r1_weight,
        )
        return objective, {"D(image)": of_real, "D(drawn)": of_drawn}


class NewCodes(nn.Module):
    """Codes of categories that are new, each from several starts.

    Parameters
    ----------
    starts : Tensor of shape (n_starts, n_new, n_components)
        Where they start from.
    """

    def __init__(self, starts: Tensor):
        super().__init__()
        self.codes = nn.Parameter(starts.clone())


@dataclass(frozen=True)
class OfNewCodes:
    r"""What new codes :math:`c` minimize, those of every start on their own.

    .. math:: \ell(\text{Dec}(c, \cdot), y) + \lambda \| (c - \bar c) / s \|^2 / n

    with mean and standard deviation of the codes that are known, and the number n of rows that a
    category has.
    """

    module: Any
    place: slice
    loss: Callable[[Tensor, Tensor], Tensor]
    n_channels: int
    weight: float
    mean: Tensor
    std: Tensor

    def drawn(self, codes: Tensor, batch: Batch) -> Tensor:
        """Return what is drawn of a batch with other codes: (batch, n_components)."""
        rest = batch["rest"]
        whole = torch.cat([rest[:, : self.place.start], codes, rest[:, self.place.stop :]], dim=1)
        return over_black(self.module.decoder(whole), self.n_channels)

    def real(self, batch: Batch) -> Tensor:
        """Return the images of a batch."""
        return over_black(batch["y"], self.n_channels)

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the sum over starts of the objective on a batch."""
        real = self.real(batch)
        total = torch.zeros((), device=real.device)
        for codes in module.new.codes:
            mine = codes[batch["number"]]
            away = ((mine - self.mean) / self.std).square().sum(dim=1) / batch["n_rows"]
            total = total + self.loss(self.drawn(mine, batch), real) + self.weight * away.mean()
        return total
