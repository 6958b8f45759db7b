r"""Adversarial losses: what a discriminator and a generator each descend.

Every loss is a formula in the discriminator's output :math:`f`, which is not yet squashed: the
probability of being real is :math:`D = \sigma(f)` where a loss has one. All losses are means over
rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from skgen._sklearn import StrOptions
from skgen.parameters import NOT_NEGATIVE, Component, Declared, parameter, resolve

__all__ = [
    "ADVERSARIAL_LOSSES",
    "Adversarial",
    "AdversarialLoss",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "Wasserstein",
    "discriminator_objective",
]


class AdversarialLoss(Component, ABC):
    """Base class of the adversarial losses.

    It is stateless. Other quantities that a discriminator may pay for, such as the size of its
    gradient on real rows, are parameters of the model.

    Attributes
    ----------
    has_probabilities : bool
        Whether `verdict` is a probability.
    """

    has_probabilities: ClassVar[bool] = False

    @abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator descends, from its outputs on rows and on samples."""

    @abstractmethod
    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""

    def verdict(self, output: Tensor) -> Tensor:
        """Return outputs as the loss reads them: as probabilities of being real if it can."""
        return output

    def penalty(
        self, discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor
    ) -> Tensor | None:
        """Return what the discriminator pays beside its loss, if the loss has it pay."""
        return None

    def has_penalty(self) -> bool:
        """Return whether it does."""
        return type(self).penalty is not AdversarialLoss.penalty


class _CrossEntropy(AdversarialLoss, ABC):
    """Base class of the losses whose discriminator says a probability by cross-entropy."""

    has_probabilities: ClassVar[bool] = True

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator descends, from its outputs on rows and on samples."""
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def verdict(self, output: Tensor) -> Tensor:
        """Return the probability of being real."""
        return output.sigmoid()


@final
class Minimax(_CrossEntropy):
    r"""The zero-sum game, as first written.

    .. math:: L_D = -\log D(x) - \log(1 - D(G(z))), \qquad L_G = \log(1 - D(G(z)))

    Where the discriminator is sure, :math:`L_G` is flat, and the generator learns nothing.

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, algorithm 1.
    """

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""
        return -functional.softplus(fake).mean()


@final
class NonSaturating(_CrossEntropy):
    r"""The loss whose generator makes samples more likely to be taken for real.

    .. math:: L_D = -\log D(x) - \log(1 - D(G(z))), \qquad L_G = -\log D(G(z))

    The equilibrium is the minimax game's, and the gradient is there when the discriminator is sure.

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.
    """

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""
        return functional.softplus(-fake).mean()


class LeastSquares(AdversarialLoss):
    r"""Regression onto 1 for rows and 0 for samples.

    .. math:: L_D = \tfrac12 (f(x) - 1)^2 + \tfrac12 f(G(z))^2, \qquad
              L_G = \tfrac12 (f(G(z)) - 1)^2

    At its best :math:`f` is the probability of being real.

    References
    ----------
    .. [1] X. Mao et al., "Least squares generative adversarial networks", ICCV 2017, equation 9.
    """

    has_probabilities: ClassVar[bool] = True

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator descends, from its outputs on rows and on samples."""
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""
        return (fake - 1).square().mean() / 2

    def verdict(self, output: Tensor) -> Tensor:
        """Return the probability of being real."""
        return output.clamp(0, 1)


class Hinge(AdversarialLoss):
    r"""A margin: the discriminator stops where rows are beyond 1 and samples beyond -1.

    .. math:: L_D = \max(0, 1 - f(x)) + \max(0, 1 + f(G(z))), \qquad L_G = -f(G(z))

    References
    ----------
    .. [1] J. Lim, J. Ye, "Geometric GAN", arXiv:1705.02894, 2017.
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator descends, from its outputs on rows and on samples."""
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""
        return -fake.mean()


class Wasserstein(AdversarialLoss):
    r"""The earth mover's distance, by a critic whose slope is held to 1.

    .. math:: L_D = f(G(z)) - f(x) + \text{weight} \cdot (\|\nabla f(\hat x)\| - 1)^2, \qquad
              L_G = -f(G(z))

    with :math:`\hat x` between a row and a sample, uniformly along the line.

    References
    ----------
    .. [1] I. Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS 2017, algorithm 1.
    """

    weight: float = parameter(
        1.0,
        NOT_NEGATIVE,
        """How much a slope that differs from 1 costs, in units of the network's input. The paper
        has 10, for images; 1 leaves the critic more room, which small clouds of points need.""",
        positional=True,
    )

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator descends, from its outputs on rows and on samples."""
        return fake.mean() - real.mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """Return what the generator descends, from the discriminator's outputs on samples."""
        return -fake.mean()

    def penalty(
        self, discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor
    ) -> Tensor | None:
        """Return the penalty on the critic's slope between rows and samples."""
        share = torch.rand(len(real), 1, device=real.device)
        between = torch.lerp(real, fake, share).requires_grad_()
        slope = _input_gradient(discriminator(between), between).norm(dim=1)
        return self.weight * (slope - 1).square().mean()


def discriminator_objective(
    adversarial_loss: AdversarialLoss,
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    r1_weight: float,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return what a discriminator descends, penalties included.

    .. math:: L_D + \frac{w}{2} \|\nabla_x f(x)\|^2

    Parameters
    ----------
    adversarial_loss : AdversarialLoss
        Says :math:`L_D`, and may add a penalty of its own.

    discriminator : callable
        :math:`f`: from rows to one number each.

    real, fake : Tensor of shape (batch, n_features)
        What it should tell apart.

    r1_weight : float
        :math:`w`, the weight of the squared gradient at real rows [1]_.

    Returns
    -------
    objective, said_of_real, said_of_fake : Tensor
        The objective; and the mean verdicts on both sides, without gradients.

    References
    ----------
    .. [1] L. Mescheder, A. Geiger, S. Nowozin, "Which training methods for GANs do actually
       converge?", ICML 2018, equation 9.
    """
    if r1_weight:
        real = real.detach().requires_grad_()
    of_real, of_fake = discriminator(real), discriminator(fake)
    objective = adversarial_loss.discriminator_loss(of_real, of_fake)
    if r1_weight:
        slope = _input_gradient(of_real, real)
        objective = objective + r1_weight / 2 * slope.square().sum(dim=1).mean()
    penalty = adversarial_loss.penalty(discriminator, real, fake)
    if penalty is not None:
        objective = objective + penalty
    said_of_real, said_of_fake = (
        adversarial_loss.verdict(output.detach()).mean() for output in (of_real, of_fake)
    )
    return objective, said_of_real, said_of_fake


def _input_gradient(output: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of every row's output by that row, itself differentiable."""
    (gradient,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    return gradient


ADVERSARIAL_LOSSES: Mapping[str, type[AdversarialLoss]] = {
    "non_saturating": NonSaturating,
    "minimax": Minimax,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
}


class Adversarial(Declared, ABC):
    """Mixed into a model, has it take an adversarial loss, and a penalty on its gradient."""

    adversarial_loss: str | AdversarialLoss = parameter(
        "non_saturating",
        [StrOptions(set(ADVERSARIAL_LOSSES)), AdversarialLoss],
        f"""What the players descend: {", ".join(ADVERSARIAL_LOSSES)}, or an object of
        `skgen.adversarial_losses`.""",
        kind="str or AdversarialLoss",
    )
    r1_weight: float | None = parameter(
        None,
        [*NOT_NEGATIVE, None],
        """Weight of the squared gradient of the discriminator at real rows, known as R1.""",
    )

    def _adversarial_loss(self, usual_weight: float) -> tuple[AdversarialLoss, float]:
        """Return the loss, and the weight of the gradient, for which None stands for a usual one.

        It is 0 in the Wasserstein loss, which has a penalty of its own.
        """
        loss = resolve(self.adversarial_loss, ADVERSARIAL_LOSSES)
        assert loss is not None  # the parameter's constraint
        if self.r1_weight is not None:
            return loss, self.r1_weight
        return loss, 0.0 if isinstance(loss, Wasserstein) else usual_weight
