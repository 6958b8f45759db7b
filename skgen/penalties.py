"""Terms added to a reconstruction loss that keep a code from being a mere copy of its input.

Every penalty is a sum over code units, times its own weight, and a mean over rows, or a function of
such means.
"""

import math
from abc import ABC, abstractmethod
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from skgen._sklearn import Interval
from skgen.networks.dense import ACTIVATIONS
from skgen.parameters import COUNT, NOT_NEGATIVE, Component, parameter

__all__ = ["KL", "L1", "Contractive", "Penalty"]

_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_ELEMENTWISE: Any = tuple(ACTIVATIONS.values())


class Penalty(Component, ABC):
    """Base class of the penalties: call it with the networks, a batch and its code."""

    @abstractmethod
    def __call__(self, module: Any, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""

    def initialize(self, module: Any) -> None:
        """Set the networks' initial weights, where the penalty needs a certain start."""

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether it takes a gradient, of which training takes another."""
        return False


class L1(Penalty):
    r"""Make the code sparse: few units that are not 0.

    .. math:: \text{weight} \cdot \frac{1}{n} \sum_{r=1}^{n} \sum_i |\text{Enc}_i(x_r)|

    Small activations with a large decoder would pay little and say as much, so it takes tied
    weights, or another bound on the decoder, to mean anything.

    Examples
    --------
    >>> from skgen.penalties import L1
    >>> L1(weight=0.01)
    L1(weight=0.01)
    """

    weight: float = parameter(
        1e-3,
        NOT_NEGATIVE,
        """How much one unit of activation costs, against a mean squared error of 1 for predicting
        the mean of every column.""",
        positional=True,
    )

    def __call__(self, module: Any, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""
        return self.weight * code.abs().sum(dim=1).mean()


class KL(Penalty):
    r"""Make every unit active at a target rate: seldom, and none of them never.

    .. math:: \text{weight} \cdot \sum_i \left[ \rho \log \frac{\rho}{\hat\rho_i}
              + (1 - \rho) \log \frac{1 - \rho}{1 - \hat\rho_i} \right],
              \quad \hat\rho_i = \frac{1}{n} \sum_{r=1}^{n} \text{Enc}_i(x_r)

    with the target rate :math:`\rho`, and :math:`\hat\rho_i` the mean activation of a unit over a
    batch. Activations have to lie in [0, 1], as those of ``code_activation="sigmoid"`` do. Training
    starts from units at the target rate, since the way there from a sigmoid's own start, 0.5, is
    long. The mean alone is held: that a unit is active for some rows and not for others is left to
    the reconstruction, so a weight that outvotes it gives constant units.

    References
    ----------
    .. [1] A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011, section 3.
    """

    weight: float = parameter(
        0.03,
        NOT_NEGATIVE,
        """How much a unit's divergence of 1 costs, against a mean squared error of 1 for
        predicting the mean of every column.""",
        positional=True,
    )
    target_rate: float = parameter(
        0.05,
        [Interval(Real, 0, 1, closed="neither")],
        """The mean activation that every unit is drawn to.""",
    )

    def __call__(self, module: Any, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""
        target = self.target_rate
        # A unit that has died out costs much, not infinity, and is still drawn back.
        smallest = torch.finfo(code.dtype).tiny
        on = code.mean(dim=0).clamp_min(smallest)
        off = (1 - code).mean(dim=0).clamp_min(smallest)
        divergence = target * (target / on).log() + (1 - target) * ((1 - target) / off).log()
        return self.weight * divergence.sum()

    is_mean_over_rows: ClassVar[bool] = False  # but a function of means

    def initialize(self, module: Any) -> None:
        """Start from units that are active at the target rate."""
        *_, last = (layer for layer in module.encoder if isinstance(layer, nn.Linear | nn.Conv2d))
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(self.target_rate / (1 - self.target_rate)))


class Contractive(Penalty):
    r"""Make the code insensitive to small changes of the input.

    .. math:: \text{weight} \cdot \frac{1}{n} \sum_{r=1}^{n}
              \left\| \frac{\partial\, \text{Enc}(x_r)}{\partial x} \right\|_F^2

    An encoder with one nonlinearity, after its first layer, has a closed form, which is used. It
    costs next to nothing where that layer gives the code. Where a linear code follows, it takes a
    product of the layers' weights for every batch: more than an estimate would, if the hidden layer
    is wider than a batch is long. For others the norm is estimated without bias from random
    directions,

    .. math:: \|J\|_F^2 = \mathbb{E}_u \|J^\top u\|^2, \quad u_i = \pm 1 \text{ with equal odds}

    A small code with a large decoder would pay little and say as much, so it takes tied weights,
    or another bound on the decoder, to mean anything.

    References
    ----------
    .. [1] S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio, "Contractive auto-encoders:
       explicit invariance during feature extraction", ICML 2011.
    .. [2] M. Hutchinson, "A stochastic estimator of the trace of the influence matrix for
       Laplacian smoothing splines", Communications in Statistics 18, 1989.
    """

    weight: float = parameter(
        1e-2,
        NOT_NEGATIVE,
        """How much a squared norm of 1 costs, in network units on both sides, against a mean
        squared error of 1 for predicting the mean of every column.""",
        positional=True,
    )
    n_directions: int = parameter(
        1,
        COUNT,
        """Random directions for every row, where there is no closed form. More of them make the
        estimate steadier and training slower.""",
    )

    def __call__(self, module: Any, x: Tensor, code: Tensor) -> Tensor:
        """Return the weighted penalty of `code`, which `module.encoder` made of `x`."""
        return self.weight * self._squared_norm(module.encoder, x, code).mean()

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether the encoder is of a kind that has no closed form."""
        match list(module.encoder):
            case [nn.Linear()] | [nn.Linear(), nn.Sigmoid() | nn.Tanh()]:
                return False
        return True

    def _squared_norm(self, encoder: nn.Module, x: Tensor, code: Tensor) -> Tensor:
        """Return the squared Frobenius norm of the Jacobian at every row, or an estimate."""
        layers = list(encoder) if isinstance(encoder, nn.Sequential) else [encoder]
        match layers:
            case [nn.Linear() as only]:
                return only.weight.square().sum()
            case [nn.Linear() as first, activation] if isinstance(activation, _ELEMENTWISE):
                slope = _slope(activation, first, x, code)
                return slope.square() @ first.weight.square().sum(dim=1)
            case [nn.Linear() as first, activation, nn.Linear() as second] if isinstance(
                activation, _ELEMENTWISE
            ):  # ||V diag(s) W||^2 = s' (V'V * WW') s
                slope = _slope(activation, first, x)
                gram = (second.weight.T @ second.weight) * (first.weight @ first.weight.T)
                return ((slope @ gram) * slope).sum(dim=1)
        with torch.enable_grad():  # also on rows set aside, where no weight gets a gradient
            x = x.detach().requires_grad_()
            code = encoder(x)
            squares = []
            for _ in range(self.n_directions):
                signs = torch.empty_like(code).random_(2).mul_(2).sub_(1)
                (pulled,) = torch.autograd.grad(code, x, signs, create_graph=True)
                squares.append(pulled.square().sum(dim=1))
        return torch.stack(squares).mean(dim=0)


def _slope(
    activation: nn.Module, layer: nn.Linear, x: Tensor, output: Tensor | None = None
) -> Tensor:
    """Return the derivative of an elementwise activation, from its output where that is easy."""
    if output is not None and isinstance(activation, nn.Sigmoid):
        return output * (1 - output)
    if output is not None and isinstance(activation, nn.Tanh):
        return 1 - output.square()
    with torch.enable_grad():
        before = layer(x).requires_grad_()
        (slope,) = torch.autograd.grad(activation(before).sum(), before, create_graph=True)
    return slope
