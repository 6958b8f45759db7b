"""Terms added to a reconstruction loss that keep a code from being a mere copy of its input.

Every penalty is a sum over code units and a mean over rows, times its own weight.
"""

from abc import ABC, abstractmethod
from numbers import Real

from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skgen.parameters import Component, parameter

__all__ = ["L1", "Penalty"]


class Penalty(Component, ABC):
    """Base class of the penalties: call it with the networks, a batch and its code."""

    @abstractmethod
    def __call__(self, module: nn.Module, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""


class L1(Penalty):
    r"""Make the code sparse.

    .. math:: \text{weight} \cdot \frac{1}{n} \sum_{r=1}^{n} \sum_i |\text{Enc}_i(x_r)|

    Examples
    --------
    >>> from skgen.penalties import L1
    >>> L1(weight=0.01)
    L1(weight=0.01)
    """

    weight: float = parameter(
        1e-3,
        [Interval(Real, 0, None, closed="left")],
        "float",
        """How much one unit of activation costs, against a mean squared error of 1 for predicting
        the mean of every column.""",
        positional=True,
    )

    def __call__(self, module: nn.Module, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""
        return self.weight * code.abs().sum(dim=1).mean()
