"""Volumes out of codes, and images of them from where a camera stands."""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.conditioned import AttributeCodes, ConditionedLevels

__all__ = ["View", "VolumeDecoder", "part_of", "voxels_of"]

# The side of a volume at most, and numbers in the details of all categories together.
_MOST_VOXELS, _N_DETAILS = 48, 1 << 25

# Points on a ray, over voxels of a side: in training, where they are shaken, and in drawing.
_TRAINED, _DRAWN = 2 / 3, 4 / 3

# Volumes begin as a thin haze: nothing is learned of what is hidden from the start.
_HAZE = -4.0

# The density at a network's output of 1 or so: in units of one over half the volume's side.
_DENSE = 32.0

# Images that are drawn at once at most, and points on their rays.
_DRAWN_AT_ONCE, _POINTS_AT_ONCE = 8, 1 << 22

# Images of fewer pixels a side are not looked at in parts.
_LEAST_SIDE = 16

_EPS = 1e-4

ALL, NONE = "all", {}  # type: ignore[var-annotated]


def voxels_of(shape: Sequence[int]) -> int:
    """Return the side of the volume of images of that height and width."""
    return min(max(shape[:2]), _MOST_VOXELS)


def part_of(shape: Sequence[int]) -> tuple[int, int]:
    """Return height and width of the parts of images that a second network looks at."""
    height, width = shape[:2]
    return (height // 2, width // 2) if min(height, width) >= _LEAST_SIDE else (height, width)


@torch.no_grad()
def between_known(codes: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return where codes lie between two of those known, and how far on the way: (batch,) each.

    The first of the two is the one that is closest, the second the one on the line to which they
    come closest.
    """
    one = (codes[:, None] - known).square().sum(dim=2).argmin(dim=1)
    away, ways = codes - known[one], known - known[one][:, None]
    along, lengths = (ways @ away[:, :, None])[:, :, 0], ways.square().sum(dim=2)
    share = (along / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)).clamp(0, 1)
    gained = share * (2 * along - share * lengths)  # of the square distance
    other = gained.argmax(dim=1)
    return one, other, share.gather(1, other[:, None])[:, 0]


class View(nn.Module):
    r"""Where a camera stands, and what it sees of a volume.

    Rays leave the camera, which looks at the middle of the volume: the cube from -1 to 1. At the
    depth :math:`t` from -1 to 1 they are :math:`z (1 + p t)` times as far apart as pixels are, with
    the zoom :math:`z` and the perspective :math:`p`, which are learned; so is where in the image
    the axis and the middle are, and a tilt beyond the elevation that is known.

    Densities up to `empty` are drawn as none: what is left of the haze that volumes begin as. In
    training they are not, since what is empty would never fill again.

    Parameters
    ----------
    shape : sequence of int
        Height and width of an image. Its longer side is as long as the cube.
    """

    direction: Tensor
    empty: Tensor

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.perspective = nn.Parameter(torch.tensor(0.1))
        self.zoom = nn.Parameter(torch.tensor(0.95))
        self.aside = nn.Parameter(torch.zeros(2))  # across, and downwards
        self.tilt = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("direction", torch.tensor(1.0))  # or -1: which way things turn
        self.register_buffer("empty", torch.tensor(0.0))
        longest = max(shape)
        self.sides = [(torch.arange(n) + 0.5) * 2 / longest - n / longest for n in shape]

    def forward(
        self,
        volumes: Tensor,  # (batch, 1 + n_colors, n_voxels, n_voxels, n_voxels)
        azimuth: Tensor,  # (batch, 2), sine and cosine
        elevation: Tensor,  # (batch, 2)
        n_depths: int,
        every: int = 1,
        first: Sequence[int] = (0, 0),
        *,
        size: Sequence[int | None] = (None, None),
        shaken: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Return colors times opacity (batch, n_colors, h, w), and opacities (batch, 1, h, w).

        Those of pixels in every so many rows and columns, from the first on, and not of more rows
        and columns than `size` says.
        """
        rows, across = (
            side[start::every][:n].to(volumes)
            for side, start, n in zip(self.sides, first, size, strict=True)
        )
        depth = (torch.arange(n_depths, device=volumes.device) + 0.5) * 2 / n_depths - 1
        t = depth.view(1, -1, 1, 1)
        if shaken:
            places = torch.rand(len(volumes), 1, len(rows), len(across), device=volumes.device)
            t = t + (places - 0.5) * 2 / n_depths
        apart = (1 + self.perspective * t) * self.zoom
        x, y = across * apart + self.aside[0], rows[:, None] * apart + self.aside[1]
        sin_a, cos_a = _sine_and_cosine(azimuth)
        sin_e, cos_e = _sine_and_cosine(elevation)
        by, along = self.tilt.sin(), self.tilt.cos()
        sin_e, cos_e = sin_e * along + cos_e * by, cos_e * along - sin_e * by
        sin_a = sin_a * self.direction
        y, z = cos_e * y + sin_e * t, cos_e * t - sin_e * y  # rows go down, as elevations do not
        points = torch.stack(
            torch.broadcast_tensors(cos_a * x - sin_a * z, y, sin_a * x + cos_a * z), dim=-1
        )
        seen = functional.grid_sample(volumes, points, padding_mode="border", align_corners=False)
        is_inside = (points.detach().abs() < 1).all(dim=-1)
        density = functional.softplus(seen[:, 0])
        if not shaken:
            density = density * (density > self.empty)
        density = density * is_inside * (2 * _DENSE / n_depths)
        left = functional.pad(torch.exp(-density.cumsum(dim=1)), (0, 0, 0, 0, 1, 0), value=1.0)
        weight = (left[:, :-1] - left[:, 1:])[:, None]
        colors = (weight * seen[:, 1:].sigmoid()).sum(dim=2)
        return colors, 1 - left[:, None, -1]


def _sine_and_cosine(angle: Tensor) -> tuple[Tensor, ...]:  # (batch, 2) -> twice (batch, 1, 1, 1)
    return functional.normalize(angle)[:, :, None, None, None].unbind(dim=1)


class VolumeDecoder(nn.Module):
    r"""Images of things that turn, out of codes: a volume of all but the angles, and a view of it.

    The volume of a code is made in two parts. Levels that the code modulates make it of an image of
    the front, whose channels are its layers. To that come details, one volume :math:`R_i` for each
    category,

    .. math:: (1 - t) R_i + t R_j

    where the code lies, or comes closest to lying, at :math:`t` on the line between the codes of
    two categories. So at the code of a category they are its own.

    Parameters
    ----------
    codes : AttributeCodes
        What makes the codes. Details go by its categories.

    azimuth, elevation : int
        Numbers of the attributes that are angles of the camera; -1 for an elevation that is the
        same in all images.

    shape : sequence of int
        Height, width and channels of an image. The fourth channel, if there is one, is a mask.

    n_voxels : int
        Side of the volume.

    n_filters, hidden_layer_sizes, activation
        Those of the levels.

    background : sequence of float
        Colors behind things, between 0 and 1, which are learned from there on. Of images with a
        mask they are not used.
    """

    behind: nn.Parameter
    rest: Tensor

    def __init__(
        self,
        codes: AttributeCodes,
        azimuth: int,
        elevation: int,
        shape: Sequence[int],
        n_voxels: int,
        n_filters: Sequence[int],
        hidden_layer_sizes: Sequence[int],
        activation: str,
        background: Sequence[float],
    ):
        super().__init__()
        self._codes = (codes,)  # within a tuple it is no part of this module
        self.places = codes.places[azimuth], codes.places[elevation] if elevation >= 0 else None
        angles = {place for one in self.places if one for place in range(codes.width)[one]}
        of_thing = [place for place in range(codes.width) if place not in angles]
        self.register_buffer("rest", torch.tensor(of_thing, dtype=torch.long), persistent=False)
        self.shape, self.n_voxels = tuple(shape), n_voxels
        self.has_mask = shape[2] == 4
        self.n_made = 1 + min(shape[2], 3) if self.has_mask else 1 + shape[2]
        self.levels = ConditionedLevels(
            max(1, len(of_thing)), (n_voxels, n_voxels), n_filters, hidden_layer_sizes, activation
        )
        self.layers = nn.Linear(self.levels.n_channels + 1, self.n_made * n_voxels, bias=False)
        with torch.no_grad():
            self.layers.weight[:, -1] = 0.0  # what is added everywhere
            self.layers.weight[:n_voxels, -1] = _HAZE
        kinds = {str(n): kind for n, kind in enumerate(codes.kinds) if kind > 0} or {ALL: 1}
        most = (_N_DETAILS / (self.n_made * sum(kinds.values()))) ** (1 / 3)
        self.n_fine = max(1, min(n_voxels, int(most)))
        self.details = nn.ParameterDict(
            {name: nn.Parameter(self._no_details(kind)) for name, kind in kinds.items()}
        )
        self.view = View(shape[:2])
        self.behind = nn.Parameter(torch.logit(torch.as_tensor(background).float(), eps=_EPS))

    def _no_details(self, n: int) -> Tensor:
        return torch.zeros(n, self.n_made * self.n_fine**3)

    def extend(self, details: Mapping[int, Tensor]) -> None:
        """Know further categories, by the details of those of some attributes."""
        for number, more in details.items():
            known = self.details[str(number)].detach()
            self.details[str(number)] = nn.Parameter(torch.cat([known, more.to(known)]))

    # Volumes

    def of_thing(self, codes: Tensor) -> Tensor:
        """Return the codes without the angles: what a volume is made of."""
        return codes[:, self.rest] if len(self.rest) else codes.new_zeros(len(codes), 1)

    def volumes(self, codes: Tensor, details: Mapping[str, Tensor] = NONE) -> Tensor:
        """Return the volumes of codes: (batch, n_made, n_voxels, n_voxels, n_voxels).

        Given details, (batch, n_made * n_fine**3), stand for those of the categories of an
        attribute.
        """
        n, n_made, side = len(codes), self.n_made, self.n_voxels
        parts = []
        for flat in self._details(codes, details):
            part = flat.view(n, n_made, *[self.n_fine] * 3)
            if self.n_fine < side:
                part = functional.interpolate(
                    part, [side] * 3, mode="trilinear", align_corners=False
                )
            parts.append(part)
        (first, *more) = parts
        places = self.levels(self.of_thing(codes)).contiguous().flatten(2)
        layers = torch.baddbmm(  # a convolution of 1x1, and the sum, in one pass over the volumes
            first.reshape(n, n_made * side, side**2),
            self.layers.weight.expand(n, -1, -1),
            functional.pad(places, (0, 0, 0, 1), value=1.0),
        )
        volumes = layers.view(n, n_made, side, side, side)
        for part in more:
            volumes = volumes + part
        return volumes

    def _details(self, codes: Tensor, given: Mapping[str, Tensor]) -> list[Tensor]:
        (known,) = self._codes
        found = []
        for name, details in self.details.items():
            if name in given:
                found.append(given[name])
                continue
            if name == ALL:
                found.append(details.expand(len(codes), -1))
                continue
            place = known.places[int(name)]
            one, other, share = between_known(codes[:, place], known.known_codes(int(name)))
            own = details[one]
            found.append(torch.lerp(own, details[other], share[:, None]) if share.any() else own)
        return found

    # Images

    def forward(self, codes: Tensor) -> Tensor:  # (batch, n_code) -> (batch, n_features)
        """Return flat images."""
        return self.some(codes, every=1)[0]

    def some(
        self, codes: Tensor, details: Mapping[str, Tensor] = NONE, *, every: int = 2
    ) -> tuple[Tensor, Tensor]:
        """Return some pixels of flat images, (batch, n_some), and where they are, (n_some,).

        Those of every so many rows and columns: in training from anywhere on.
        """
        shaken = self.training or torch.is_grad_enabled()
        every = min(every, *self.shape[:2])
        first = torch.randint(every, (2,)).tolist() if shaken else [every // 2] * 2
        if shaken:
            n_depths = max(1, round(_TRAINED * self.n_voxels))
            volumes = self.volumes(codes, details)
            images = self._seen(volumes, codes, n_depths, every, first, shaken=True)
        else:
            images = self._drawn(codes, details, every, first)
        rows = images.permute(0, 2, 3, 1).flatten(1)
        return rows, self.where(every, first).to(codes.device)

    def part(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return parts of flat images, (batch, n_part), in training, and where they are, (n_part,).

        By chance that is a piece, or the whole image at half its resolution (Schwarz et al., 2020).
        """
        size = part_of(self.shape)
        every = int(torch.randint(1, 3, ())) if size != self.shape[:2] else 1
        first = [
            int(torch.randint(side - every * (n - 1), ()))
            for side, n in zip(self.shape[:2], size, strict=True)
        ]
        n_depths = max(1, round(_TRAINED * self.n_voxels))
        images = self._seen(
            self.volumes(codes), codes, n_depths, every, first, size=size, shaken=True
        )
        rows = images.permute(0, 2, 3, 1).flatten(1)
        return rows, self.where(every, first, size).to(codes.device)

    def where(
        self,
        every: int,
        first: Sequence[int] | None = None,
        size: Sequence[int | None] = (None, None),
    ) -> Tensor:
        """Return the places in flat images of every so many rows and columns, as drawn of them."""
        every = min(every, *self.shape[:2])
        down, across = first or [every // 2] * 2
        places = torch.arange(prod(self.shape)).view(self.shape)
        return places[down::every, across::every][: size[0], : size[1]].flatten()

    def _drawn(
        self, codes: Tensor, details: Mapping[str, Tensor], every: int, first: Sequence[int]
    ) -> Tensor:
        """Return images; a volume is made once for all codes that differ in their angles alone."""
        n_depths = max(1, round(_DRAWN * self.n_voxels / (1 if every == 1 else 2)))
        n_points = n_depths * prod(self.shape[:2]) // every**2
        at_once = max(1, min(_DRAWN_AT_ONCE, _POINTS_AT_ONCE // max(1, n_points)))
        distinct, which = torch.unique(self.of_thing(codes), dim=0, return_inverse=True)
        order = which.argsort(stable=True)
        parts = []
        for group in order.split(torch.bincount(which, minlength=len(distinct)).tolist()):
            own = {name: values[group[:1]] for name, values in details.items()}
            volume = self.volumes(codes[group[:1]], own)
            for some in group.split(at_once):
                same = volume.expand(len(some), -1, -1, -1, -1)
                parts.append(self._seen(same, codes[some], n_depths, every, first))
        return torch.cat(parts)[order.argsort()]

    def _seen(
        self,
        volumes: Tensor,
        codes: Tensor,
        n_depths: int,
        every: int,
        first: Sequence[int],
        *,
        size: Sequence[int | None] = (None, None),
        shaken: bool = False,
    ) -> Tensor:
        level = torch.tensor([[0.0, 1.0]], device=codes.device)
        azimuth, elevation = (level if at is None else codes[:, at] for at in self.places)
        colors, opacity = self.view(
            volumes, azimuth, elevation, n_depths, every, first, size=size, shaken=shaken
        )
        if self.has_mask:
            return torch.cat([colors / opacity.clamp_min(_EPS), opacity], dim=1)
        return colors + (1 - opacity) * self.behind.sigmoid()[:, None, None]
