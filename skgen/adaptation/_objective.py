"""What classifiers that adapt descend."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from skgen.alignments import Alignment, Side
from skgen.corruptions import Corruption, OnImages
from skgen.engine import Batch, Progress
from skgen.networks.adaptation import reverse_gradient

__all__ = ["SCHEDULES", "HeldOutLoss", "Objective", "ramp"]


def ramp(fraction: float) -> float:
    """Return the share of its weight that adaptation has at a point of training.

    References
    ----------
    .. [1] Y. Ganin et al., "Domain-adversarial training of neural networks", JMLR 17, 2016, section
       5.2.2.
    """
    return 2 / (1 + math.exp(-10 * fraction)) - 1


SCHEDULES: Mapping[str, Callable[[float], float]] = {"ramp": ramp, "constant": lambda _: 1.0}


@dataclass(frozen=True)
class Objective:
    r"""Cross-entropy on the source, and what brings the target closer.

    .. math:: L = L_y + \lambda(t) \sum_a L_a + L_d

    with alignments :math:`L_a`. The domain loss :math:`L_d` is descended by the domain head, and
    ascended by the features, :math:`\lambda(t)` times as fast.

    If classes have weights, what is compared with the target is a selection of the source's rows
    that has the target's shares of the classes. All rows count in :math:`L_y`, and the same.
    """

    corruption: Corruption | OnImages | None
    weight: float
    schedule: str | Callable[[float], float]
    alignments: Sequence[Alignment]
    sees_target: bool

    @property
    def adapts(self) -> bool:
        """Whether the target counts, beyond statistics of batch normalization."""
        return self.sees_target and self.weight > 0

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and the losses that it is made of."""
        sides, n = [batch["x"]], len(batch["x"])
        if self.sees_target:
            sides.append(batch["target"])
        if self.corruption is not None and module.training:
            sides = [self.corruption(side) for side in sides]
        weights = None
        if self.sees_target and module.class_weights is not None:
            weights = module.class_weights[batch["y"]]
        features = module.features(torch.cat(sides) if len(sides) > 1 else sides[0], n, weights)
        outputs = module.label_head(features)
        of_labels = functional.cross_entropy(outputs[:n], batch["y"])
        parts = {"label_loss": of_labels}
        if not self.adapts:
            return of_labels, parts
        shares = None
        if weights is not None:
            shares = outputs.new_zeros(outputs.shape[1]).index_add_(0, batch["y"], weights)
            shares = shares / shares.sum()
            at = torch.cat([_selected(weights), torch.arange(n, len(features)).to(weights.device)])
            features, outputs = features[at], outputs[at]
        weight = self._weight_now(state, features)
        source = Side(features[:n], outputs[:n], shares)
        target = Side(features[n:], outputs[n:], shares)
        objective = of_labels
        for alignment in self.alignments:
            loss, name = alignment(source, target), f"{type(alignment).__name__}_loss"
            parts[name] = parts[name] + loss if name in parts else loss
            objective = objective + weight * loss
        if module.domain_head is not None:
            said = module.domain_head(reverse_gradient(features, weight))[:, 0]
            of_domains = (
                functional.softplus(-said[:n]).mean() + functional.softplus(said[n:]).mean()
            )
            parts["domain_loss"] = of_domains / 2
            objective = objective + of_domains / 2
        return objective, parts

    @torch.compiler.disable  # which would compile anew for every number
    def _weight_now(self, state: Progress, features: Tensor) -> Tensor:
        """Return lambda at this point of training."""
        schedule = SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        return torch.full((), self.weight * schedule(state.fraction), device=features.device)


def _selected(weights: Tensor) -> Tensor:
    """Return as many numbers of rows as there are, each about as often as its weight says."""
    ends = torch.cumsum(weights / weights.sum(), dim=0)
    at = (torch.arange(len(weights), device=weights.device) + 0.5) / len(weights)
    return torch.searchsorted(ends, at).clamp(max=len(weights) - 1)


@dataclass(frozen=True)
class HeldOutLoss:
    r"""What stopping early looks at.

    .. math:: L_y - \left( H(\bar y) - \overline{H(\hat y_i)} \right)

    the cross-entropy of source rows set aside, less the mutual information of target rows set aside
    and their predicted classes, if the target counts.
    """

    adapts: bool

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return it for a batch."""
        outputs = module.label_head(module.features(batch["x"], len(batch["x"])))
        loss = functional.cross_entropy(outputs, batch["y"])
        if not self.adapts:
            return loss
        outputs = module.label_head(module.features(batch["target"], 0))
        log_p = functional.log_softmax(outputs, dim=1)
        of_mean, mean_of = log_p.exp().mean(dim=0), -(log_p.exp() * log_p).sum(dim=1).mean()
        return loss - (torch.special.entr(of_mean).sum() - mean_of)
