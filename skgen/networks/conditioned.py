"""Networks that make rows and images of attributes."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skgen.networks.convolutional import FlattenImages, ResizeConv, UnflattenImages, halved
from skgen.networks.dense import ACTIVATIONS, dense_levels

__all__ = [
    "AttributeCodes",
    "ConditionedDecoder",
    "ConditionedLevels",
    "DenseDecoder",
    "Modulated",
    "over_black",
]

# What an attribute is, where it is not a number of categories.
NUMBER, ANGLE = 0, -1

# How far from 0 and 1 the colors are that drawings begin in.
_EPS = 0.01


class AttributeCodes(nn.Module):
    r"""What networks see of attributes: codes of categories, numbers, and places on circles.

    A category has a learned code, a number is itself, and of an angle :math:`\varphi` there are
    :math:`\sin k \varphi` and :math:`\cos k \varphi`, :math:`k = 1, \ldots, K`.

    Between angles that were trained on, codes go straight from one to the next, unless these are
    half a turn apart. On their circles, they would take values there that no layer ever saw: with
    an image every 30 degrees, :math:`\sin 6 \varphi` is 0 in all of them, and 1 in between.

    Parameters
    ----------
    kinds : sequence of int
        Of every attribute: its number of categories, `NUMBER` or `ANGLE`.

    n_components : int
        Numbers in the code of a category.

    n_harmonics : int
        K.

    plain : sequence of int
        Numbers of angles of which the sine and the cosine are enough, without multiples and without
        straight ways.

    Attributes
    ----------
    places : list of slice
        Where in a row of codes every attribute stands.
    """

    def __init__(
        self,
        kinds: Sequence[int],
        n_components: int,
        n_harmonics: int,
        plain: Sequence[int] = (),
    ):
        super().__init__()
        self.kinds = list(kinds)
        self.n_harmonics = [1 if number in plain else n_harmonics for number in range(len(kinds))]
        self.plain = set(plain)
        self.categories = nn.ModuleDict(
            {str(n): nn.Embedding(kind, n_components) for n, kind in enumerate(kinds) if kind > 0}
        )
        widths = [
            n_components if kind > 0 else 1 if kind == NUMBER else 2 * n_waves
            for kind, n_waves in zip(kinds, self.n_harmonics, strict=True)
        ]
        ends = list(itertools.accumulate(widths))
        self.places = [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]
        self.width = ends[-1]
        for number, kind in enumerate(kinds):
            if kind == ANGLE:  # not part of the weights, whose sizes stay
                self.register_buffer(f"angles_{number}", torch.empty(0), persistent=False)

    def know_angles(self, x: Tensor) -> None:  # (n_rows, n_attributes)
        """Add angles to those that were trained on."""
        for number, kind in enumerate(self.kinds):
            if kind == ANGLE:
                known = self.get_buffer(f"angles_{number}")
                new = x[:, number].to(known) % (2 * torch.pi)
                setattr(self, f"angles_{number}", torch.cat([known, new]).unique())

    def forward(self, x: Tensor) -> Tensor:  # (batch, n_attributes) -> (batch, width)
        """Return the codes of rows: places of categories, numbers, and angles in radians."""
        return torch.cat([self.part(n, x[:, n]) for n in range(len(self.kinds))], dim=1)

    def part(self, number: int, values: Tensor) -> Tensor:  # (batch,) -> (batch, its width)
        """Return the codes of one attribute."""
        kind = self.kinds[number]
        if kind > 0:
            codes: Tensor = self.categories[str(number)](values.long())
            return codes
        if kind == NUMBER:
            return values[:, None]
        known = self.get_buffer(f"angles_{number}")
        n_waves = self.n_harmonics[number]
        on_circles = _on_circles(values, n_waves)
        if self.training or not len(known) or number in self.plain:
            return on_circles
        turned = values % (2 * torch.pi)
        place = torch.searchsorted(known, turned.contiguous())
        before, after = known[place - 1], known[place % len(known)]
        gap = (after - before) % (2 * torch.pi)
        is_short = (gap > 0) & (gap < torch.pi)
        share = (turned - before) % (2 * torch.pi) / torch.where(is_short, gap, 1)
        ends = _on_circles(before, n_waves), _on_circles(after, n_waves)
        return torch.where(is_short[:, None], torch.lerp(*ends, share[:, None]), on_circles)

    def known_codes(self, number: int) -> Tensor:  # (n_categories, n_components)
        """Return the learned codes of an attribute."""
        weight: Any = self.categories[str(number)].weight
        codes: Tensor = weight.detach()
        return codes

    def between(self, start: Tensor, stop: Tensor, share: float) -> Tensor:
        """Return codes on the way from rows to rows, of angles along the shorter arc."""
        away = stop - start
        shorter = (away + torch.pi).remainder(2 * torch.pi) - torch.pi
        is_angle = torch.tensor([kind == ANGLE for kind in self.kinds], device=start.device)
        there = start + share * torch.where(is_angle, shorter, away)
        parts = []
        for number, kind in enumerate(self.kinds):
            if kind > 0:
                one, other = (self.part(number, end[:, number]) for end in (start, stop))
                parts.append(torch.lerp(one, other, share))
            else:
                parts.append(self.part(number, there[:, number]))
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def known(self, x: Tensor) -> Tensor:  # (batch, n_attributes) -> (batch, width)
        """Return codes, where those of categories that are not known are the mean code."""
        parts = []
        for number, kind in enumerate(self.kinds):
            values = x[:, number]
            if kind > 0 and (values >= kind).any():
                mean = self.known_codes(number).mean(dim=0)
                codes = self.part(number, values.clamp_max(kind - 1))
                parts.append(torch.where(values[:, None] >= kind, mean, codes))
            else:
                parts.append(self.part(number, values))
        return torch.cat(parts, dim=1)

    def extend(self, codes: Mapping[int, Tensor]) -> None:
        """Know further categories, by the codes of those of some attributes."""
        for number, more in codes.items():
            known = self.known_codes(number)
            weight = torch.cat([known, more.to(known)])
            self.categories[str(number)] = nn.Embedding.from_pretrained(weight, freeze=False)
            self.kinds[number] = len(weight)


def _on_circles(radians: Tensor, n_harmonics: int) -> Tensor:  # (batch,) -> (batch, 2 n_harmonics)
    turns = radians[:, None] * torch.arange(1, n_harmonics + 1, device=radians.device)
    return torch.cat([turns.sin(), turns.cos()], dim=1)


class Modulated(nn.Module):
    r"""A layer of images whose channels are scaled and shifted as something else says.

    .. math:: (1 + \gamma(h))\, \text{layer}(x) + \beta(h)

    with linear functions of :math:`h`, feature-wise linear modulation [1]_.

    References
    ----------
    .. [1] E. Perez, F. Strub, H. de Vries, V. Dumoulin, A. Courville, "FiLM: visual reasoning with
       a general conditioning layer", AAAI 2018.
    """

    def __init__(self, layer: nn.Module, n_channels: int, n_seen: int):
        super().__init__()
        self.layer = layer
        self.modulation = nn.Linear(n_seen, 2 * n_channels)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return the images (batch, n_channels, ...) as `seen` (batch, n_seen) says."""
        scale, shift = self.modulation(seen)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, 1 + scale, self.layer(x))


class ConditionedLevels(nn.Module):
    """Features of places out of codes, which modulate every level.

    Dense layers make features of a code. Of these a linear layer makes an image of a few places,
    and levels double its height and width, each modulated by the features.

    Parameters
    ----------
    n_code : int
        Numbers in a code.

    shape : sequence of int
        Height and width of what is made.

    n_filters : sequence of int
        Channels of the levels, the last level first. What is made has half as many as the first
        says.

    hidden_layer_sizes : sequence of int
        Sizes of the dense layers.

    activation : str
        A name in `ACTIVATIONS`.

    Attributes
    ----------
    n_channels : int
        Channels of what is made.
    """

    def __init__(
        self,
        n_code: int,
        shape: Sequence[int],
        n_filters: Sequence[int],
        hidden_layer_sizes: Sequence[int],
        activation: str,
    ):
        super().__init__()
        self.dense = nn.Sequential(*dense_levels([n_code, *hidden_layer_sizes], activation))
        n_seen = [n_code, *hidden_layer_sizes][-1]
        sizes = halved(shape, len(n_filters))
        *_, n_first = n_filters
        first = (*sizes[-1], n_first)
        act = ACTIVATIONS[activation]
        self.start = nn.Sequential(
            nn.Linear(n_seen, first[0] * first[1] * first[2]), UnflattenImages(first), act()
        )
        self.n_channels = max(1, n_filters[0] // 2)  # of all places, so they cost most
        widths = [self.n_channels, *n_filters][::-1]
        self.levels = nn.ModuleList(
            Modulated(ResizeConv(n_in, n_out, size), n_out, n_seen)
            for (n_in, n_out), size in zip(itertools.pairwise(widths), sizes[-2::-1], strict=True)
        )
        self.activation = act()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, codes: Tensor) -> Tensor:  # (batch, n_code) -> (batch, n_channels, h, w)
        """Return features of places."""
        seen = self.dense(codes)
        x: Tensor = self.start(seen)
        for level in self.levels:
            x = self.activation(level(x, seen))
        return x


class ConditionedDecoder(nn.Sequential):
    """Images out of codes, which modulate every level: `ConditionedLevels`, and colors of them.

    Parameters
    ----------
    n_code : int
        Numbers in a code.

    shape : sequence of int
        Height, width and channels of an image.

    n_filters, hidden_layer_sizes, activation
        Those of `ConditionedLevels`.

    means : sequence of float
        Means of the channels, between 0 and 1. Images begin in these colors: on the way there from
        gray, large steps end in images that are black or white for good.
    """

    def __init__(
        self,
        n_code: int,
        shape: Sequence[int],
        n_filters: Sequence[int],
        hidden_layer_sizes: Sequence[int],
        activation: str,
        means: Sequence[float],
    ):
        levels = ConditionedLevels(n_code, shape[:2], n_filters, hidden_layer_sizes, activation)
        draw = nn.Conv2d(levels.n_channels, shape[2], 3, padding=1)
        with torch.no_grad():
            draw.bias.copy_(torch.logit(torch.as_tensor(means), eps=_EPS))  # type: ignore[union-attr]
        super().__init__(levels, draw, nn.Sigmoid(), FlattenImages())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class DenseDecoder(nn.Sequential):
    """Rows out of codes, by dense layers."""

    def __init__(
        self,
        n_code: int,
        n_features: int,
        hidden_layer_sizes: Sequence[int],
        activation: str,
        output_activation: str,
    ):
        sizes = [n_code, *hidden_layer_sizes]
        last = nn.Linear(sizes[-1], n_features), ACTIVATIONS[output_activation]()
        super().__init__(*dense_levels(sizes, activation), *last)


def over_black(rows: Tensor, n_channels: int) -> Tensor:
    """Return flat images with their colors as strong as their fourth channel, if there is one."""
    if n_channels != 4:
        return rows
    pixels = rows.view(len(rows), -1, 4)
    alpha = pixels[..., 3:]
    return torch.cat([pixels[..., :3] * alpha, alpha], dim=2).flatten(1)
