"""Reconstruction losses: how far a network's output is from the rows it should give back.

Every loss is a mean over rows and features.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

from skgen.inputs import RowInput
from skgen.parameters import POSITIVE, Component, parameter

__all__ = ["LOSSES", "AbsoluteError", "BinaryCrossEntropy", "Huber", "Loss", "SquaredError"]


class Loss(Component, ABC):
    """Base class of the losses: call it with an output and its target to get a scalar."""

    @abstractmethod
    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`."""

    def in_units(self, taken: RowInput) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss as a function of rows in network units, which is all that most need.

        Parameters
        ----------
        taken : RowInput
            The fitted input of the model: scaling, shape and range of images.

        Returns
        -------
        loss : callable
            ``loss(output, target)``.
        """
        return self


class SquaredError(Loss):
    r"""The squared error :math:`(\hat x - x)^2`: reconstructs means, as PCA does."""

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`."""
        return functional.mse_loss(output, target)


class AbsoluteError(Loss):
    r"""The absolute error :math:`|\hat x - x|`: reconstructs medians, forgives single bad cells."""

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`."""
        return functional.l1_loss(output, target)


class Huber(Loss):
    """Squared up to a distance `delta`, absolute beyond: for tables with heavy tails."""

    delta: float = parameter(
        1.0,
        POSITIVE,
        """Where the loss turns linear, in units of ``scaling_.scale``, the overall standard
        deviation of X.""",
        positional=True,
    )

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`."""
        return functional.huber_loss(output, target, delta=self.delta)


class BinaryCrossEntropy(Loss):
    r"""The cross-entropy :math:`-x \log \hat x - (1 - x) \log(1 - \hat x)`, for X in [0, 1].

    The decoder ends in a sigmoid. The range of images is mapped to [0, 1]; rows outside it are
    refused by `fit`.
    """

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of `output` against `target`."""
        return functional.binary_cross_entropy(output, target)


LOSSES: Mapping[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "binary_cross_entropy": BinaryCrossEntropy,
}
