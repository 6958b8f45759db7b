"""Losses that bring two domains together: values without weights, for classifiers that adapt.

They compare what a network makes of a minibatch of source rows and of as many target rows.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import torch
from torch import Tensor
from torch.nn import functional

from skgen.parameters import NOT_NEGATIVE, POSITIVE, SHARE, Component, parameter

__all__ = ["Alignment", "ClassConfusion", "Coral", "PseudoLabels", "Side"]


class Side(NamedTuple):
    """What a network makes of the rows of one domain.

    Attributes
    ----------
    features : Tensor of shape (batch, n_components)
        What the extractor gives.

    outputs : Tensor of shape (batch, n_classes)
        The logits of the classes.

    shares : Tensor of shape (n_classes,) or None
        The shares that the classes are taken to have there, if they are not the source's.
    """

    features: Tensor
    outputs: Tensor
    shares: Tensor | None = None


class Alignment(Component, ABC):
    """Base class of the alignments: call it with both sides to get a scalar."""

    weight: float = parameter(
        1.0,
        NOT_NEGATIVE,
        """How much it counts, times the `adaptation_weight` of the classifier.""",
        positional=True,
    )

    @abstractmethod
    def __call__(self, source: Side, target: Side) -> Tensor:
        """Return how far the two sides are from what is wanted of them."""


@final
class Coral(Alignment):
    r"""The distance between the covariances of features, in units of their size.

    .. math:: w \frac{\|C_S - C_T\|_F^2}{\|C_S\|_F^2 + \|C_T\|_F^2}

    with the covariance matrices :math:`C_S, C_T` of the features of the source and of the target:
    from 0 to w. The paper divides by :math:`4 d^2` for :math:`d` features instead. Then the loss
    depends on their number, and can be made small by making all features small.

    References
    ----------
    .. [1] B. Sun, K. Saenko, "Deep CORAL: correlation alignment for deep domain adaptation", ECCV
       workshops 2016, equation 1.
    """

    def __call__(self, source: Side, target: Side) -> Tensor:
        """Return the distance between both sides' covariances."""
        of_source, of_target = (_covariance(side.features) for side in (source, target))
        size = of_source.square().sum() + of_target.square().sum()
        return self.weight * (of_source - of_target).square().sum() / size.clamp(min=1e-12)


def _covariance(features: Tensor) -> Tensor:
    with torch.autocast(features.device.type, enabled=False):  # small differences matter
        centered = features.float() - features.float().mean(dim=0)
        return centered.T @ centered / max(1, len(features) - 1)


@final
class ClassConfusion(Alignment):
    r"""How much the classes of target rows are confused with each other.

    .. math:: w \frac1K \sum_{j \ne k} \frac{C_{jk}}{\sum_l C_{jl}}, \qquad
              C_{jk} = \sum_i w_i \hat y_{ij} \hat y_{ik}, \qquad w_i \propto 1 + e^{-H(\hat y_i)}

    with the probabilities :math:`\hat y_i` of target row :math:`i` at a temperature, and their
    entropy :math:`H`. The source's rows do not enter. Where the target is taken to have other
    shares of the classes than the source, these stand in place of :math:`1/K`: otherwise the loss
    asks for rows of every class, however rare.

    References
    ----------
    .. [1] Y. Jin, X. Wang, M. Long, J. Wang, "Minimum class confusion for versatile domain
       adaptation", ECCV 2020, equations 2 to 6.
    """

    temperature: float = parameter(
        2.5,
        POSITIVE,
        "What logits are divided by before they become probabilities.",
    )

    def __call__(self, source: Side, target: Side) -> Tensor:
        """Return the confusion of the target's classes."""
        log_p = functional.log_softmax(target.outputs / self.temperature, dim=1)
        p = log_p.exp()
        certainty = 1 + (p.detach() * log_p.detach()).sum(dim=1).exp()  # 1 + exp(-entropy)
        certainty = certainty / certainty.mean()
        confusion = p.T @ (p * certainty[:, None])  # (n_classes, n_classes)
        tiny = torch.finfo(confusion.dtype).tiny  # no row may be of some class
        shares = confusion / confusion.sum(dim=1, keepdim=True).clamp(min=tiny)
        confused = 1 - shares.diagonal()
        if target.shares is None:
            return self.weight * confused.mean()
        return self.weight * (target.shares * confused).sum()


@final
class PseudoLabels(Alignment):
    r"""Self-training: cross-entropy of target rows with the labels that they are surely given.

    .. math:: -w \frac1n \sum_i 1[\max_k \hat y_{ik} \ge t] \log \max_k \hat y_{ik}

    for :math:`n` target rows and a threshold :math:`t`.

    References
    ----------
    .. [1] D.-H. Lee, "Pseudo-label: the simple and efficient semi-supervised learning method for
       deep neural networks", ICML workshops 2013.
    """

    threshold: float = parameter(
        0.9,
        SHARE,
        "The probability from which on a prediction counts as a label.",
    )

    def __call__(self, source: Side, target: Side) -> Tensor:
        """Return the loss of the target's rows on labels of their own."""
        log_p = functional.log_softmax(target.outputs, dim=1).amax(dim=1)
        sure = log_p.detach().exp() >= self.threshold
        return -self.weight * torch.where(sure, log_p, 0.0).mean()
