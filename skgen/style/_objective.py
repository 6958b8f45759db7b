"""How far pictures are from a content, and from a style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skgen.statistics import Statistic

__all__ = ["Objective", "relative_error"]


def relative_error(seen: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared error of every entry of a batch, over the squares of what is wanted."""
    error = (seen - wanted).square().flatten(1).sum(dim=1)
    size = wanted.square().flatten(1).sum(dim=1)
    return error / size.clamp_min(torch.finfo(size.dtype).tiny)


@dataclass(frozen=True)
class Objective:
    r"""Content and style, compared layer by layer.

    .. math:: L = \sum_l v_l \frac{\|f_l(x) - f_l(c)\|^2}{\|f_l(c)\|^2}
              + w \sum_l w_l \frac{\|S(f_l(x)) - S_l\|^2}{\|S_l\|^2}

    for a picture x, a content c and the wanted statistics S_l of a style.

    Attributes
    ----------
    content, style : dict of str to float
        The layers and their weights v and w, which sum to 1.

    statistic : Statistic
        What is compared of maps of the style's layers.

    style_weight : float
        The weight w.
    """

    content: dict[str, float]
    style: dict[str, float]
    statistic: Statistic
    style_weight: float

    @property
    def layers(self) -> list[str]:
        """All layers to look at."""
        return list({**self.content, **self.style})

    def contents(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the maps that say what a picture shows, out of those of all layers."""
        return [maps[self.layers.index(name)] for name in self.content]

    def statistics(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the statistics that say in which manner it shows it."""
        return [self.statistic(maps[self.layers.index(name)]) for name in self.style]

    def of_content(self, seen: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the loss of contents, one for every picture."""
        return _weighted(self.content, seen, wanted)

    def of_style(self, seen: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the loss of statistics, one for every picture."""
        return _weighted(self.style, seen, wanted)


def _weighted(
    weights: Mapping[str, float], seen: Sequence[Tensor], wanted: Sequence[Tensor]
) -> Tensor:
    pairs = zip(weights.values(), seen, wanted, strict=True)
    losses: Tensor = torch.stack([w * relative_error(s, t) for w, s, t in pairs]).sum(dim=0)
    return losses
