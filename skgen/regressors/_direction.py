"""Which way things turn: what fits a few of them best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.engine import LR_SCHEDULES, Batch, Engine, Phase, Progress, Rows, Turn
from skgen.networks.conditioned import over_black
from skgen.networks.convolutional import as_images
from skgen.networks.volumes import View, VolumeDecoder

__all__ = ["find_direction"]

# Things that are tried, images of each, the longer side of these, and updates. Every so many
# images are not trained on: their error decides.
_N_THINGS, _N_IMAGES, _SIDE, _N_UPDATES, _ASIDE = 6, 32, 16, 50, 4
_BATCH_SIZE = 16

# Images of a thing, in the mean, from which on it is one.
_LEAST = 3

_LR, _LR_OF_VIEW = 0.1, 2e-3

# Where the camera stands at first if its elevation is not known, in radians above the horizon.
_TILT = 0.25


class _Trial(nn.Module):
    """A volume of its own for each of a few things, and a view of them."""

    def __init__(self, n_things: int, shape: tuple[int, ...], background: Tensor):
        super().__init__()
        side = max(shape[:2])
        self.volumes = nn.Parameter(torch.zeros(n_things, 1 + shape[2], side, side, side))
        with torch.no_grad():
            self.volumes[:, 0] = -4.0
        self.view = View(shape[:2])
        self.register_buffer("background", background)

    def forward(self, batch: Batch) -> Tensor:
        """Return the square error of images."""
        n_depths, volumes = self.volumes.shape[-1], self.volumes[batch["thing"]]
        colors, opacity = self.view(
            volumes, batch["azimuth"], batch["elevation"], n_depths, shaken=True
        )
        drawn = colors + (1 - opacity) * self.background
        return functional.mse_loss(drawn.flatten(1), batch["y"])


@dataclass(frozen=True)
class _ErrorOfTrial:
    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        error: Tensor = module.trial(batch)
        return error


def _things(told_by: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the things that rows show, by number, and those with most rows.

    They are told by the first of some columns by which there are several rows of each. Where a
    number beside is another one in all rows, that is by categories; or else all are one thing.
    """
    for columns in told_by:
        _, thing = torch.unique(columns, dim=0, return_inverse=True)
        counts, most = torch.bincount(thing).sort(descending=True)
        if counts[:_N_THINGS].double().mean() >= _LEAST:
            return thing, most[:_N_THINGS]
    return torch.zeros_like(thing), most.new_zeros(1)


def _some(rows: Tensor) -> Tensor:
    """Return some rows by chance where there are many, which may be in order of azimuths."""
    return rows if len(rows) <= _N_IMAGES else rows[torch.randperm(len(rows))[:_N_IMAGES]]


def find_direction(decoder: VolumeDecoder, codes: nn.Module, given: Rows) -> None:
    """Set which way things turn, and where the camera stands at first, of a decoder's view.

    Both ways are tried on a few things at little size, with a free volume for each of them.

    Parameters
    ----------
    decoder : VolumeDecoder
        Whose view is set.

    codes : torch.nn.Module
        What makes codes of attributes.

    given : Rows
        Batches of attributes ``x`` and images ``y``, as networks see them, that are trained on.
    """
    columns: Mapping[str, Any] = given.columns
    x: Tensor = columns["x"].take(given.rows)
    with torch.no_grad():
        of_rows = codes(x)
    is_category = [kind > 0 for kind in codes.kinds]  # type: ignore[union-attr]
    thing, most = _things([decoder.of_thing(of_rows), x[:, is_category]])
    rows = torch.cat([_some(torch.nonzero(thing == one)[:, 0]) for one in most])
    number = (thing[rows][:, None] == most).long().argmax(dim=1)
    y = over_black(columns["y"].take(given.rows[rows.cpu()]), decoder.shape[2] * decoder.has_mask)
    images = as_images(y, decoder.shape)
    background = decoder.behind.detach().sigmoid()[:, None, None]
    if decoder.has_mask:
        images, background = images[:, :3], torch.zeros_like(background[:3])
    factor = min(1, _SIDE / max(decoder.shape[:2]))
    size = [max(1, round(n * factor)) for n in decoder.shape[:2]]
    images = functional.adaptive_avg_pool2d(images, (size[0], size[1]))
    level = torch.tensor([[0.0, 1.0]], device=x.device).expand(len(rows), -1)
    azimuth, elevation = (level if at is None else of_rows[rows, at] for at in decoder.places)
    tried = {"thing": number, "azimuth": azimuth, "elevation": elevation, "y": images.flatten(1)}
    order = torch.randperm(len(rows)).numpy()
    is_aside = np.arange(len(order)) % _ASIDE == 0 if len(order) >= _ASIDE else order < 0
    batches = Rows(tried, _BATCH_SIZE, order[~is_aside])
    judged = Rows(tried, len(order), order[is_aside if is_aside.any() else ~is_aside])
    best, least = None, np.inf
    state = torch.get_rng_state()
    for direction in (1.0, -1.0):
        torch.set_rng_state(state)  # both are tried on the same rays
        trial = _Trial(len(most), (*size, images.shape[1]), background)
        trial.view.direction.fill_(direction)
        if decoder.places[1] is None:
            trial.view.tilt.data.fill_(_TILT)
        net = Engine(
            nn.ModuleDict({"trial": trial}),
            [Turn(("trial",), _ErrorOfTrial())],
            lr=_LR,
            lr_schedule=LR_SCHEDULES["one_cycle"],
            device=str(x.device),
            optimizer__param_groups=[("trial.view*", {"lr": _LR_OF_VIEW})],
            verbose=0,
        )
        net.initialize()
        net.partial_fit([Phase(batches, net.turns, -(-_N_UPDATES // batches.n_batches))])
        with torch.no_grad():
            error = float(trial(next(iter(judged.epoch()))))
        if error < least:
            best, least = trial.view, error
    assert best is not None  # losses are finite, or the engine has raised
    decoder.view.load_state_dict(best.state_dict())
