"""Codes and details of categories that are new, learned while everything else stands still."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from skgen.engine import (
    LR_SCHEDULES,
    Column,
    Engine,
    Phase,
    Rows,
    TensorColumn,
    Turn,
    TurnLoss,
    seeded,
)
from skgen.networks.volumes import VolumeDecoder
from skgen.regressors._objective import Likeness, NewCodes, NewThings, OfNewCodes, OfNewThings

__all__ = ["learned_codes"]

# Known codes that are tried as starts at most, those that are learned from, and for how many
# updates: all of them, and then the best.
_N_TRIED = 32
_N_STARTS = 3
_N_UPDATES = (40, 120)
_BATCH_SIZE, _BATCH_SIZE_OF_VOLUMES = 64, 16
_LR = 0.1

# What codes pay for being unlike those known. It decides where views are few. And what details
# pay for being there at all.
_WEIGHT = 1e-5
_WEIGHT_OF_DETAILS = 0.03

# Updates and passes of codes and details together at least, and the rates of both.
_N_LAST_UPDATES, _N_LAST_PASSES = 300, 30
_LAST_LR, _LR_OF_DETAILS = 0.05, 0.03


def learned_codes(
    module: Any,
    columns: Mapping[str, Column],
    likeness: Likeness,
    *,
    of_pixels: bool,
    seed: int,
    device: str,
    callbacks: Sequence[Callback],
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Return codes of the categories that are new, and details of them, where there are volumes.

    Parameters
    ----------
    module : torch.nn.Module
        The trained networks, which are left as they are.

    columns : mapping of str to Column
        Attributes ``x``, in which new categories have numbers beyond those that `module` knows, and
        images ``y``.

    likeness : Likeness
        What is minimized.

    of_pixels : bool
        Whether some pixels of volumes are enough to compare.

    seed : int
        Seeds the order of rows.

    device : str
        Where the networks are.

    callbacks : sequence of skorch callbacks
        What watches.

    Returns
    -------
    codes : dict of int to Tensor of shape (n_new, n_components)
        By the number of the attribute.

    details : dict of int to Tensor of shape (n_new, n_details)
        Likewise; empty without volumes.
    """
    frozen: Any = copy.deepcopy(module).eval().requires_grad_(False)
    on_device = {name: column.on(device) for name, column in columns.items()}
    x: Any = on_device["x"].take(slice(None))
    found: dict[int, Tensor] = {}
    details: dict[int, Tensor] = {}
    for number, kind in enumerate(frozen.codes.kinds):
        is_new = x[:, number] >= kind
        if kind > 0 and is_new.any():
            with seeded(seed):
                found[number], more = _learned(
                    frozen, number, x, is_new, on_device["y"], likeness, of_pixels, callbacks
                )
            if more is not None:
                details[number] = more
    return found, details


def _learned(
    frozen: Any,
    number: int,
    x: Tensor,
    is_new: Tensor,
    y: Column,
    likeness: Likeness,
    of_pixels: bool,
    callbacks: Sequence[Callback],
) -> tuple[Tensor, Tensor | None]:
    """Return the codes of one attribute's new categories, and details if there are such."""
    kind, rows = frozen.codes.kinds[number], torch.nonzero(is_new)[:, 0]
    known = frozen.codes.known_codes(number)
    mean, std = known.mean(dim=0), known.std(dim=0, correction=0)
    std = torch.where(std > 0, std, torch.ones_like(std))
    category = (x[:, number].long() - kind).clamp_min(0)
    n_rows = torch.bincount(category[rows])
    objective = OfNewCodes(
        frozen,
        number,
        likeness.loss,
        likeness.compared.n_channels,
        _WEIGHT,
        mean,
        std,
        of_pixels=of_pixels,
    )
    columns = {
        "rest": TensorColumn(frozen.codes.known(x)),
        "number": TensorColumn(category),
        "n_rows": TensorColumn(n_rows[category].clamp_min(1)),
        "y": y,
    }
    by_volumes = isinstance(frozen.decoder, VolumeDecoder)
    batch_size = _BATCH_SIZE_OF_VOLUMES if by_volumes else _BATCH_SIZE
    batches = Rows(columns, batch_size, rows.cpu().numpy())
    some = known[torch.randperm(len(known))[:_N_TRIED].to(known.device)]
    tried = torch.cat([mean[None], some])[:, None].expand(-1, len(n_rows), -1)
    order = _errors(tried, objective, batches, n_rows).argsort(dim=0)[: _N_STARTS - 1]
    of_known = tried.gather(0, order[:, :, None].expand(-1, -1, tried.shape[2]))
    codes = torch.cat([mean.expand(1, len(n_rows), -1), of_known])
    for n_updates in _N_UPDATES:
        codes = _improved(codes, objective, batches, n_updates, callbacks)
        best = _errors(codes, objective, batches, n_rows).argmin(dim=0)
        codes = codes[best, torch.arange(len(best), device=best.device)][None]
    if not by_volumes:
        return codes[0], None
    new = NewThings(codes[0], frozen.decoder.details[str(number)].shape[1])
    _trained(
        new,
        OfNewThings(objective, _WEIGHT_OF_DETAILS),
        batches,
        max(_N_LAST_UPDATES, _N_LAST_PASSES * batches.n_batches),
        callbacks,
        lr=_LAST_LR,
        optimizer__param_groups=[("new.details", {"lr": _LR_OF_DETAILS})],
    )
    return new.codes.detach(), new.details.detach()


def _improved(
    codes: Tensor,
    objective: OfNewCodes,
    batches: Rows,
    n_updates: int,
    callbacks: Sequence[Callback],
) -> Tensor:
    """Return codes (n_codes, n_new, n_components) after some updates."""
    new = NewCodes(codes)
    _trained(new, objective, batches, n_updates, callbacks, lr=_LR)
    return new.codes.detach()


def _trained(
    new: nn.Module,
    objective: TurnLoss,
    batches: Rows,
    n_updates: int,
    callbacks: Sequence[Callback],
    **settings: Any,
) -> None:
    """Make so many updates, in whole passes."""
    net = Engine(
        nn.ModuleDict({"new": new}),
        [Turn(("new",), objective)],
        lr_schedule=LR_SCHEDULES["one_cycle"],
        device=str(next(new.parameters()).device),
        callbacks=list(callbacks),
        verbose=0,
        **settings,
    )
    net.initialize()
    net.partial_fit([Phase(batches, net.turns, -(-n_updates // batches.n_batches))])


@torch.no_grad()
def _errors(codes: Tensor, objective: OfNewCodes, batches: Rows, n_rows: Tensor) -> Tensor:
    """Return the mean square error of several codes of each category: (n_codes, n_new)."""
    totals = torch.zeros(codes.shape[:2], device=codes.device)
    for batch in batches.epoch():
        number = batch["number"]
        for one, total in zip(codes, totals, strict=True):
            drawn, real = objective.compared(one[number], batch)
            total.index_add_(0, number, (drawn - real).square().mean(dim=1))
    return totals / n_rows
