"""Networks that look at two domains: features, and what is read from them."""

import itertools
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skgen.networks.convolutional import FlattenImages, UnflattenImages, halved
from skgen.networks.dense import ACTIVATIONS

__all__ = ["DomainClassifier", "DomainNorm", "pooling_levels", "reverse_gradient"]


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is turned round."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | float) -> Tensor:
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        return gradient * -ctx.weight, None


def reverse_gradient(x: Tensor, weight: Tensor | float) -> Tensor:
    """Return `x`, through which a gradient comes back times ``-weight``."""
    reversed_: Tensor = _Reversal.apply(x, weight)
    return reversed_


def pooling_levels(
    shape: Sequence[int], n_filters: Sequence[int], activation: str, *, batch_norm: bool
) -> list[nn.Module]:
    """Return layers from rows through 3x3 convolutions, each before a maximum over 2x2, to rows.

    A side of 1 stays as it is, and an odd one is rounded up.
    """
    levels: list[nn.Module] = [UnflattenImages(shape)]
    sizes = halved(shape, len(n_filters))
    for (n_in, n_out), size in zip(itertools.pairwise([shape[2], *n_filters]), sizes, strict=False):
        high, wide = (int(side > 1) for side in size)
        conv = nn.Conv2d(n_in, n_out, (1 + 2 * high, 1 + 2 * wide), padding=(high, wide))
        norms = [nn.BatchNorm2d(n_out)] if batch_norm else []
        pool = nn.MaxPool2d((1 + high, 1 + wide), ceil_mode=True)
        levels.append(nn.Sequential(conv, *norms, ACTIVATIONS[activation](), pool))
    return [*levels, FlattenImages()]


# How many of the rows at hand, the first ones, are of the source, and how many rows there are. Each
# thread has its own.
_SIDES: ContextVar[tuple[int, int]] = ContextVar("_SIDES", default=(0, 1))

# How much rows of the source count in its statistics; None for all the same.
_WEIGHTS: ContextVar[Tensor | None] = ContextVar("_WEIGHTS", default=None)


class DomainNorm(nn.Module):
    """Batch normalization with the statistics of each domain its own, and common weights.

    Rows of the source may count unequally in its statistics. If their classes have the shares of
    the target thereby, equal rows of both domains are normalized alike.

    Parameters
    ----------
    norm : torch.nn.BatchNorm1d, BatchNorm2d or such
        Whose weights and settings to take, and whose statistics become those of the source.

    References
    ----------
    .. [1] Y. Li, N. Wang, J. Shi, J. Liu, X. Hou, "Revisiting batch normalization for practical
       domain adaptation", ICLR workshops 2017.
    """

    target_mean: Tensor
    target_var: Tensor

    def __init__(self, norm: Any):
        super().__init__()
        self.source = norm
        self.register_buffer("target_mean", norm.running_mean.clone())
        self.register_buffer("target_var", norm.running_var.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows, those of each domain normalized by their own statistics."""
        n_source, n_rows = _SIDES.get()
        if n_source == n_rows:
            return self._of_source(x)
        if n_source == 0:
            return self._of_target(x)
        if len(x) % n_rows:
            raise ValueError(
                f"Out of {n_rows} rows the extractor made {len(x)} before a batch normalization, "
                'so it is not known what domain each is of. Take batch_norm="joint".'
            )
        n = len(x) // n_rows * n_source  # a row may have become several: frames, or patches
        return torch.cat([self._of_source(x[:n]), self._of_target(x[n:])])

    def _of_source(self, x: Tensor) -> Tensor:
        norm, weights = self.source, _WEIGHTS.get()
        if weights is None or not self.training:
            normalized: Tensor = norm(x)
            return normalized
        flat = x.float().reshape(len(weights), len(x) // len(weights), x.shape[1], -1)
        share = weights / weights.sum()
        mean = share @ flat.mean(dim=(1, 3))
        var = (share @ flat.square().mean(dim=(1, 3)) - mean.square()).clamp(min=0)
        momentum = 0.1 if norm.momentum is None else norm.momentum
        with torch.no_grad():
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(var, momentum)
        # torch's own function would let no gradient through statistics that it is given.
        scale = (var + norm.eps).rsqrt() * norm.weight
        shape = (1, -1, *[1] * (x.ndim - 2))
        return x * scale.view(shape) + (norm.bias - mean * scale).view(shape)

    def _of_target(self, x: Tensor) -> Tensor:
        return functional.batch_norm(
            x,
            self.target_mean,
            self.target_var,
            self.source.weight,
            self.source.bias,
            training=self.training,
            momentum=0.1 if self.source.momentum is None else self.source.momentum,
            eps=self.source.eps,
        )


class DomainClassifier(nn.Module):
    """An extractor of features, a head for classes, and one for domains if there is need of it.

    Parameters
    ----------
    extractor : torch.nn.Module
        From rows to flat features.

    n_components : int
        Number of features.

    n_classes : int
        Number of classes.

    domain_head : torch.nn.Module or None
        From features to one number, high for the source.

    per_domain : bool
        Whether the statistics of batch normalization in the extractor are each domain's own.

    class_weights : Tensor of shape (n_classes,) or None
        How much rows of the source count where they are compared with the target's, by class.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        extractor: nn.Module,
        n_components: int,
        n_classes: int,
        domain_head: nn.Module | None,
        per_domain: bool,
        class_weights: Tensor | None = None,
    ):
        super().__init__()
        self.extractor = _with_domain_norms(extractor) if per_domain else extractor
        self.label_head = nn.Linear(n_components, n_classes)
        self.domain_head = domain_head
        self.register_buffer("class_weights", class_weights)

    def features(self, x: Tensor, n_source: int, weights: Tensor | None = None) -> Tensor:
        """Return the features of rows, of which so many, the first ones, are of the source.

        In training, these count by their weights in the source's statistics.
        """
        sides, counting = _SIDES.set((n_source, len(x))), _WEIGHTS.set(weights)
        try:
            features: Tensor = self.extractor(x)
        finally:
            _SIDES.reset(sides)
            _WEIGHTS.reset(counting)
        return features


def _with_domain_norms(module: nn.Module) -> nn.Module:
    """Return the module with `DomainNorm` in place of every batch normalization."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        if not module.track_running_stats:
            raise ValueError(
                f"The extractor has a {type(module).__name__} with track_running_stats=False, by "
                "which a row's features depend on the rows beside it. Leave that out."
            )
        return DomainNorm(module)
    for name, child in list(module.named_children()):
        setattr(module, name, _with_domain_norms(child))
    return module
