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
from skgen.networks.volumes import VolumeDecoder

__all__ = [
    "Compared",
    "Likeness",
    "NewCodes",
    "NewThings",
    "OfNewCodes",
    "OfNewThings",
    "Persuasion",
    "TellDrawnApart",
]


@dataclass(frozen=True)
class Compared:
    """What is drawn of attributes beside the images that they are of, over black.

    Of a volume, ``"some"`` pixels may be drawn, or a ``"part"``; nothing stands for all of it.
    """

    n_channels: int
    of: str | None = None

    def __call__(self, module: Any, codes: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the drawings and the images, (batch, n_pixels)."""
        real = batch["y"]
        if self.of is None:
            drawn = module.decoder(codes)
        else:
            drawn, pixels = getattr(module.decoder, self.of)(codes)
            real = real[:, pixels]
        return over_black(drawn, self.n_channels), over_black(real, self.n_channels)


@dataclass(frozen=True)
class Likeness:
    """How far what is drawn of attributes is from the image that they are of."""

    loss: Callable[[Tensor, Tensor], Tensor]
    compared: Compared

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the loss on a batch."""
        return self.loss(*self.compared(module, module.codes(batch["x"]), batch))


@dataclass(frozen=True)
class Persuasion:
    """Likeness, and what the second network says of what is drawn and sees in it."""

    loss: Callable[[Tensor, Tensor], Tensor]
    compared: Compared
    adversarial_loss: AdversarialLoss
    weight: float

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and its parts."""
        codes = module.codes(batch["x"])
        drawn, real = self.compared(module, codes, batch)
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

    compared: Compared
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
            drawn, real = self.compared(module, codes, batch)
        objective, of_real, of_drawn = discriminator_objective(
            self.adversarial_loss,
            lambda rows: module.discriminator(rows, codes),
            real,
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

    with mean and standard deviation of the codes that are known of an attribute, by its number, and
    the number n of rows that a category has.
    """

    module: Any
    number: int
    loss: Callable[[Tensor, Tensor], Tensor]
    n_channels: int
    weight: float
    mean: Tensor
    std: Tensor
    of_pixels: bool = True  # some pixels of a volume are enough to compare

    @property
    def place(self) -> slice:
        """Where these codes stand in a row of codes."""
        place: slice = self.module.codes.places[self.number]
        return place

    def compared(
        self, codes: Tensor, batch: Batch, details: Tensor | None = None, every: int = 4
    ) -> tuple[Tensor, Tensor]:
        """Return what is drawn of a batch with other codes, (batch, n_components), and images.

        Of a volume, pixels of every so many rows and columns.
        """
        rest, decoder, real = batch["rest"], self.module.decoder, batch["y"]
        whole = torch.cat([rest[:, : self.place.start], codes, rest[:, self.place.stop :]], dim=1)
        if isinstance(decoder, VolumeDecoder):
            given = {} if details is None else {str(self.number): details}
            drawn, pixels = decoder.some(whole, given, every=every)
            real = real[:, pixels]
        else:
            drawn = decoder(whole)
        return over_black(drawn, self.n_channels), over_black(real, self.n_channels)

    def likeness(self, codes: Tensor, batch: Batch, details: Tensor | None = None) -> Tensor:
        """Return the loss of codes, and what they pay for being unlike those known."""
        away = ((codes - self.mean) / self.std).square().sum(dim=1) / batch["n_rows"]
        every = 1 if not self.of_pixels else 4 if details is None else 2
        likeness = self.loss(*self.compared(codes, batch, details, every))
        return likeness + self.weight * away.mean()

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the sum over starts of the objective on a batch."""
        number = batch["number"]
        return torch.stack([self.likeness(one[number], batch) for one in module.new.codes]).sum()


class NewThings(nn.Module):
    """Codes of categories that are new, and their details, which begin as none."""

    def __init__(self, codes: Tensor, n_details: int):
        super().__init__()
        self.codes = nn.Parameter(codes.clone())
        self.details = nn.Parameter(codes.new_zeros(len(codes), n_details))


@dataclass(frozen=True)
class OfNewThings:
    r"""What codes of new categories and their details :math:`R` minimize together.

    That is `OfNewCodes`, and :math:`\lambda \overline{R^2} / n`, with the mean of squares, and the
    number n of rows that a category has.
    """

    of_codes: OfNewCodes
    weight: float

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        details, number = module.new.details[batch["number"]], batch["number"]
        size = details.square().mean(dim=1) / batch["n_rows"]
        likeness = self.of_codes.likeness(module.new.codes[number], batch, details)
        return likeness + self.weight * size.mean()
