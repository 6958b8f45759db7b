"""The inputs that units of a model respond to most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor, nn
from torch.nn import functional

from skgen.engine import Batch, Engine, Progress, Steps, Turn, one_cycle, seeded
from skgen.networks.features import LayerOutputs

__all__ = ["preferred_rows"]


class _Candidates(nn.Module):
    """One row for each unit, all of the length of an average row in network units."""

    def __init__(self, n_units: int, n_features: int):
        super().__init__()
        self.free = nn.Parameter(torch.randn(n_units, n_features))

    def forward(self) -> Tensor:
        """Return the rows."""
        length = self.free.shape[1] ** 0.5
        return length * functional.normalize(self.free, dim=1)


class _Viewer(nn.Module):
    """Candidates, and the frozen layer that looks at them."""

    def __init__(self, layer: LayerOutputs, n_units: int, n_features: int):
        super().__init__()
        self.candidates = _Candidates(n_units, n_features)
        self.layer = layer.requires_grad_(False)


@dataclass(frozen=True)
class _Response:
    r"""The objective: every unit's response to its own row, less the row's roughness.

    .. math:: \min_x \sum_u \left[ -a_u(x_u) + \text{smoothness} \cdot s_u
              \overline{(\nabla x_u)^2} \right], \quad \|x_u\|^2 = n_\text{features}

    with :math:`s_u` the unit's present response, so that neither term outgrows the other.
    """

    smoothness: float
    image_shape: Sequence[int]

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective; there is no data in it."""
        rows = module.candidates()
        response = _own_responses(module.layer(rows)[0])
        return (response.detach().abs() * self.smoothness * self._roughness(rows) - response).sum()

    def _roughness(self, rows: Tensor) -> Tensor:
        images = rows.view(len(rows), *self.image_shape)
        steps = [images.diff(dim=dim).square().flatten(1) for dim in (1, 2)]
        return torch.cat(steps, dim=1).mean(dim=1)


def _own_responses(outputs: Tensor) -> Tensor:
    """Return unit u's response to row u; of a channel, in the middle of the image."""
    if outputs.ndim == 4:
        outputs = outputs[:, :, outputs.shape[2] // 2, outputs.shape[3] // 2]
    return outputs.diagonal()


def preferred_rows(
    estimator: Any,
    layer: str,
    n_units: int,
    *,
    n_steps: int,
    smoothness: float,
    image_shape: Sequence[int],
    random_state: int | np.random.RandomState | None,
) -> NDArray:  # (n_units, n_features), in network units
    """Return for each of a layer's first units the row that it responds to most."""
    if not hasattr(estimator, "encoder_module"):
        raise ValueError(f"{estimator} has no encoder whose layers could be looked into.")
    encoder = estimator.encoder_module().encoder
    n_features = estimator.n_features_in_
    device = next(encoder.parameters()).device

    looked_into = LayerOutputs(encoder, [layer])
    with torch.no_grad():
        n_there = looked_into(torch.zeros(1, n_features, device=device))[0].shape[1]
    seed = check_random_state(random_state).randint(2**31 - 1)
    with seeded(seed):
        viewer = _Viewer(looked_into, min(n_units, n_there), n_features)
        ascent = Engine(
            viewer,
            [Turn(("candidates",), _Response(smoothness, image_shape))],
            lr=0.1,
            lr_schedule=one_cycle,
            max_epochs=1,
            device=str(device),
            verbose=0,
        )
        ascent.partial_fit(Steps(n_steps))
    with torch.no_grad():
        rows: NDArray = viewer.candidates().cpu().numpy()
    return rows
