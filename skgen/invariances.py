"""What asks two distorted views of a row for one code, and keeps codes from being all the same.

An objective is called with what the networks make of the first and of the second view of every row
in a batch, (batch, n_outputs) each. One term brings the two together. Alone it would be 0 for codes
that say nothing; the other terms forbid these, and it is in them that the objectives differ.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from skgen.parameters import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Component, parameter, resolve

__all__ = [
    "INVARIANCES",
    "Contrastive",
    "Invariance",
    "VICReg",
    "VISReg",
    "resolve_invariance",
]


class Invariance(Component, ABC):
    """Base class of the objectives: call it with both views of a batch."""

    is_mean_over_rows: ClassVar[bool] = False  # but a function of statistics of the batch

    @abstractmethod
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the objective of two views, (batch, n_outputs) each."""


class VICReg(Invariance):
    r"""Two views alike, the variance of every output kept, covariances of outputs removed.

    .. math:: \lambda \, \overline{(a - b)^2}
              + \frac{1}{2} \sum_{z \in \{a, b\}} \frac{\mu}{d} \sum_j
                \max\left(0,\, 1 - \sqrt{\text{Var}(z_j) + 10^{-4}}\right)
              + \sum_{z \in \{a, b\}} \frac{\nu}{d} \sum_{j \ne k} \text{Cov}(z)_{jk}^2

    with views :math:`a` and :math:`b` of :math:`d` numbers each. Nothing compares one row with
    another, so it works with small batches, and rows that are alike need not be pushed apart.

    References
    ----------
    .. [1] A. Bardes, J. Ponce, Y. LeCun, "VICReg: variance-invariance-covariance regularization for
       self-supervised learning", ICLR 2022.

    Examples
    --------
    >>> from skgen.invariances import VICReg
    >>> VICReg(covariance_weight=1.0)
    VICReg(covariance_weight=1.0)
    """

    invariance_weight: float = parameter(
        25.0, NOT_NEGATIVE, "The weight of the distance of the two views."
    )
    variance_weight: float = parameter(
        25.0, NOT_NEGATIVE, "The weight of standard deviations that are below 1."
    )
    covariance_weight: float = parameter(
        4.0,
        NOT_NEGATIVE,
        "The weight of the squared covariances of outputs. The paper has 1, for far larger images.",
    )

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the objective of two views, (batch, n_outputs) each."""
        alike = functional.mse_loss(first, second)
        spread, together = first.new_zeros(()), first.new_zeros(())
        for view in (first, second):
            covariance = _covariance(view)
            variances = covariance.diagonal()
            spread = spread + (1 - (variances + 1e-4).sqrt()).relu().mean() / 2
            together = together + _off_diagonal(covariance) / view.shape[1]
        return (
            self.invariance_weight * alike
            + self.variance_weight * spread
            + self.covariance_weight * together
        )


class Contrastive(Invariance):
    r"""Tell which of all views in the batch is the other one of the same row.

    .. math:: -\frac{1}{2n} \sum_{i=1}^{2n} \log \frac{\exp(\cos(z_i, z_{i'}) / \tau)}
              {\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}

    over both views :math:`z` of :math:`n` rows, with :math:`i'` the other view of the same row and
    the temperature :math:`\tau`. Rows of one class are pushed apart as well, so it wants large
    batches, in which they are few.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for contrastive
       learning of visual representations", ICML 2020.
    """

    temperature: float = parameter(
        0.3,
        POSITIVE,
        "How far similarities are divided; a low one looks at the nearest views alone.",
        positional=True,
    )

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the objective of two views, (batch, n_outputs) each."""
        n = len(first)
        views = functional.normalize(torch.cat([first, second]), dim=1)
        alike = (views @ views.T / self.temperature).fill_diagonal_(-torch.inf)
        return functional.cross_entropy(alike, torch.arange(2 * n, device=views.device).roll(n))


class VISReg(Invariance):
    r"""Two views alike, and outputs of mean 0, deviation 1 and normal shape, each held apart.

    .. math:: (1 - \text{weight}) \, \overline{(a - b)^2} + \text{weight} \cdot
              \frac{1}{2} \sum_{z \in \{a, b\}} \left[ \overline{\mu_j^2} +
              \overline{(1 - \sigma_j)^2} +
              \mathbb{E}_u \frac{1}{n} \sum_i \left(s_{(i)} - q_i\right)^2 \right]

    with means :math:`\mu_j` and deviations :math:`\sigma_j` of the outputs; :math:`s_{(i)}` are the
    standardized outputs on a random direction :math:`u`, in order, and :math:`q_i` the quantiles
    of the normal distribution: a sliced Wasserstein distance. The gradient of the deviations stays
    when all codes become the same.

    References
    ----------
    .. [1] H. Wu, R. Balestriero, M. Levine, "VISReg: variance-invariance-sketching regularization
       for JEPA training", arXiv:2606.02572, 2026.
    """

    weight: float = parameter(
        0.6, SHARE, "The weight of mean, deviation and shape.", positional=True
    )
    n_directions: int = parameter(256, COUNT, "Directions drawn for every batch.")

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the objective of two views, (batch, n_outputs) each."""
        n = len(first)
        places = (torch.arange(n, device=first.device) + 0.5) / n
        quantiles = torch.special.ndtri(places)[:, None]
        directions = _directions(self.n_directions, first)
        held = first.new_zeros(())
        for view in (first, second):
            mean = view.mean(dim=0)
            deviation = (view.var(dim=0, correction=0) + 1e-8).sqrt()
            slices = ((view - mean) / deviation) @ directions
            shape = (slices.sort(dim=0).values - quantiles).square().mean()
            held = held + (mean.square().mean() + (1 - deviation).square().mean() + shape) / 2
        return (1 - self.weight) * functional.mse_loss(first, second) + self.weight * held


def _covariance(view: Tensor) -> Tensor:
    centered = view - view.mean(dim=0)
    return centered.T @ centered / max(1, len(view) - 1)


def _off_diagonal(matrix: Tensor) -> Tensor:
    """Return the sum of the squares of what is not on the diagonal."""
    return matrix.square().sum() - matrix.diagonal().square().sum()


def _directions(n: int, like: Tensor) -> Tensor:
    """Draw directions of length 1: (n_outputs, n)."""
    return functional.normalize(torch.randn(like.shape[1], n, device=like.device), dim=0)


INVARIANCES: dict[str, type[Invariance]] = {
    "vicreg": VICReg,
    "contrastive": Contrastive,
    "visreg": VISReg,
}


def resolve_invariance(given: str | Invariance) -> Invariance:
    """Return a validated objective for a name or an object."""
    resolved = resolve(given, INVARIANCES)
    assert resolved is not None  # the parameter's constraint
    return resolved
