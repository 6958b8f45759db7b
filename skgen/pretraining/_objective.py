"""What pretrained networks descend: the loss on labeled rows, and what rows without labels add."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from skgen.encoders import RowFunction
from skgen.engine import Batch, Progress, TurnLoss
from skgen.networks.fine_tuning import one_below_the_other

__all__ = ["FineTuning", "LabeledLoss", "WithLabels"]


@dataclass(frozen=True)
class LabeledLoss:
    """Cross-entropy of classes, weighted if they have weights; or the squared error of numbers."""

    of_classes: bool
    is_mean_over_rows: ClassVar[bool] = True

    def of(self, module: Any, predictions: Tensor, y: Tensor) -> Tensor:
        """Return the loss of predictions."""
        if self.of_classes:
            return functional.cross_entropy(predictions, y, weight=module.class_weights)
        return functional.mse_loss(predictions[:, 0], y)

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the loss of rows as they are: what stopping early looks at."""
        return self.of(module, module(batch["labeled"]), batch["y"])


@dataclass(frozen=True)
class FineTuning:
    r"""The loss on labeled rows, and the agreement of predictions on all rows.

    .. math:: \ell(f(c(x)), y) + w \, \overline{1[\max_k p_k(u) \ge \tau] \;
              \ell(f(c'(u)), \operatorname{argmax}_k p_k(u))}

    with a corruption :math:`c` of labeled rows, another one :math:`c'` of any rows :math:`u`, and
    the probabilities :math:`p(u)` that the network gives to these as they are. No gradient passes
    through them. Of numbers, it is the squared distance of the two predictions.
    """

    of_labels: LabeledLoss
    corruption: RowFunction | None
    views: RowFunction | None
    consistency_weight: float
    confidence: float
    frozen: bool = False

    @property
    def is_mean_over_rows(self) -> bool:
        """Whether processes that compute it on shares of a batch have it right."""
        return self.consistency_weight == 0

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and what it is made of."""
        predict = module.of_frozen_codes if self.frozen else module
        labeled = batch["labeled"]
        if self.corruption is not None and module.training:
            labeled = self.corruption(labeled)
        if not self.consistency_weight or self.frozen:
            return self.of_labels.of(module, predict(labeled), batch["y"]), {}
        assert self.views is not None
        u, n = batch["x"], len(labeled)
        with torch.no_grad():
            expected = module(u)
        predictions = module(one_below_the_other(labeled, self.views(u)))
        of_labels = self.of_labels.of(module, predictions[:n], batch["y"])
        agreement = self._agreement(expected, predictions[n:])
        objective = of_labels + self.consistency_weight * agreement
        return objective, {"label_loss": of_labels, "consistency_loss": agreement}

    def _agreement(self, expected: Tensor, predictions: Tensor) -> Tensor:
        if not self.of_labels.of_classes:
            return functional.mse_loss(predictions, expected)
        sure, classes = expected.softmax(dim=1).max(dim=1)
        losses = functional.cross_entropy(predictions, classes, reduction="none")
        return (losses * (sure >= self.confidence)).mean()


@dataclass(frozen=True)
class WithLabels:
    """The encoder's own objective on all rows, and the loss on labeled rows beside it."""

    own: TurnLoss
    of_labels: LabeledLoss
    weight: float

    is_mean_over_rows: ClassVar[bool] = False

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and what it is made of."""
        result = self.own(module.pretrained, batch, state)
        own, parts = result if isinstance(result, tuple) else (result, {})
        if not self.weight:
            return own, parts
        of_labels = self.of_labels(module, batch, state)
        return own + self.weight * of_labels, {**parts, "label_loss": of_labels}
