"""Statistics of feature maps: what of an image is its style, and how one is given another's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor

from skgen._sklearn import Interval
from skgen.parameters import Component, parameter

__all__ = [
    "MATCHINGS",
    "STATISTICS",
    "AdaIN",
    "Gram",
    "Matching",
    "MeanDeviation",
    "MeanSquares",
    "Moments",
    "Statistic",
    "Transport",
    "Whitening",
    "joined",
    "mapped",
    "mixed_map",
    "moments",
    "pooled",
]


# What is compared


class Statistic(Component, ABC):
    """What of feature maps says nothing of where things are: the style, and not the content.

    Another one is a subclass with a formula.
    """

    @abstractmethod
    def __call__(self, maps: Tensor) -> Tensor:
        """Return the statistic of every image.

        Parameters
        ----------
        maps : Tensor of shape (batch, channels, height, width)
            Feature maps.

        Returns
        -------
        statistic : Tensor of shape (batch, ...)
            One entry for every image, of a shape that depends on the channels alone.
        """


class Gram(Statistic):
    r"""The mean product of any two channels [1]_.

    .. math:: G_{ij} = \frac{1}{n} \sum_p f_i(p) f_j(p)

    over the n positions p of a feature map.

    References
    ----------
    .. [1] L. Gatys, A. Ecker, M. Bethge, "Image style transfer using convolutional neural
       networks", CVPR 2016.
    """

    def __call__(self, maps: Tensor) -> Tensor:
        """Return the matrices, (batch, channels, channels)."""
        f = maps.flatten(2)
        return f @ f.mT / f.shape[2]


class MeanDeviation(Statistic):
    r"""Mean and standard deviation of every channel [1]_.

    .. math:: \left(\mu_i, \sqrt{\tfrac{1}{n} \sum_p (f_i(p) - \mu_i)^2}\right)

    References
    ----------
    .. [1] X. Huang, S. Belongie, "Arbitrary style transfer in real-time with adaptive instance
       normalization", ICCV 2017.
    """

    def __call__(self, maps: Tensor) -> Tensor:
        """Return both, (batch, 2, channels)."""
        f = maps.flatten(2)
        mean = f.mean(dim=2)
        variance = (f - mean[..., None]).square().mean(dim=2)
        size = (variance.detach() + mean.detach().square()).mean(dim=1, keepdim=True)
        tiny = torch.finfo(size.dtype).tiny  # since a square root has no slope at 0
        return torch.stack([mean, (variance + 1e-6 * size + tiny).sqrt()], dim=1)


class MeanSquares(Statistic):
    r"""The mean square of every channel, the diagonal of the Gram matrix.

    .. math:: \frac{1}{n} \sum_p f_i(p)^2
    """

    def __call__(self, maps: Tensor) -> Tensor:
        """Return them, (batch, channels)."""
        return maps.square().mean(dim=(2, 3))


STATISTICS: Mapping[str, type[Statistic]] = {
    "gram": Gram,
    "mean_deviation": MeanDeviation,
    "mean_squares": MeanSquares,
}


# What is matched in closed form


class Moments(NamedTuple):
    """Means and covariances of the channels of feature maps, over all their positions.

    Attributes
    ----------
    mean : Tensor of shape (..., channels)
        Their means.

    covariance : Tensor of shape (..., channels, channels)
        Their covariances.
    """

    mean: Tensor
    covariance: Tensor


def moments(maps: Tensor) -> Moments:
    """Return the moments of every image's feature maps, (batch, channels, height, width)."""
    f = maps.flatten(2)
    mean = f.mean(dim=2)
    f = f - mean[..., None]
    return Moments(mean, f @ f.mT / f.shape[2])


def joined(several: Sequence[Moments]) -> Moments:
    """Return the moments of images one after the other, on the CPU."""
    means, covariances = zip(*several, strict=True)
    return Moments(torch.cat(means).cpu(), torch.cat(covariances).cpu())


def pooled(parts: Sequence[Moments], sizes: Sequence[int]) -> Moments:
    """Return the moments of all positions together, from those of parts of so many positions."""
    shares = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)
    means = torch.stack([one.mean.double() for one in parts])
    within = torch.stack([one.covariance.double() for one in parts])
    shares = shares.to(means.device)
    mean = torch.tensordot(shares, means, dims=1)
    apart = means - mean
    between = apart[..., :, None] * apart[..., None, :]
    return Moments(mean, torch.tensordot(shares, within + between, dims=1))


class Matching(Component, ABC):
    """A linear map of feature maps that gives them another image's statistics, in closed form."""

    @abstractmethod
    def matrix(self, content: Tensor, style: Tensor) -> Tensor:
        """Return what to multiply centered features by.

        Parameters
        ----------
        content, style : Tensor of shape (..., channels, channels)
            The covariances that there are, and those that are wanted.

        Returns
        -------
        matrix : Tensor of shape (..., channels, channels)
            The identity where both are the same.
        """

    def __call__(self, content: Moments, style: Moments) -> tuple[Tensor, Tensor]:
        r"""Return the map :math:`f \mapsto A f + b`.

        Parameters
        ----------
        content, style : Moments
            Those that there are, and those that are wanted.

        Returns
        -------
        matrix : Tensor of shape (..., channels, channels)
            What features are multiplied by.

        shift : Tensor of shape (..., channels)
            What is added to that.
        """
        matrix = self.matrix(content.covariance, style.covariance)
        shift = style.mean - (matrix @ content.mean.to(matrix)[..., None])[..., 0]
        return matrix, shift


def mapped(maps: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Return ``matrix @ f + shift`` for the features f at every position of maps."""
    f = maps.flatten(2)
    moved = torch.baddbmm(shift.to(f)[..., None], matrix.to(f).expand(len(f), -1, -1), f)
    return moved.view_as(maps)


def mixed_map(
    matching: Matching, content: Moments, styles: Moments, shares: Tensor, alpha: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return the mean of the maps to several styles, and of none if alpha is less than 1.

    Parameters
    ----------
    matching : Matching
        What maps.

    content : Moments
        Those of a batch of one image.

    styles : Moments
        Those of all paintings.

    shares : Tensor of shape (n_paintings,)
        How much each counts, summing to 1.

    alpha : float, default=1
        How much they count together.

    Returns
    -------
    matrix : Tensor of shape (1, channels, channels)
        What features are multiplied by.

    shift : Tensor of shape (1, channels)
        What is added to that.
    """
    (chosen,) = shares.nonzero(as_tuple=True)
    there = Moments(*(one[chosen].to(content.mean) for one in styles))
    matrices, shifts = matching(content, there)
    weights = alpha * shares[chosen].to(matrices)
    eye = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    matrix = torch.tensordot(weights, matrices, dims=1) + (1 - alpha) * eye
    return matrix[None], torch.tensordot(weights, shifts, dims=1)[None]


class AdaIN(Matching):
    r"""Give every channel another mean and deviation, each on its own [1]_.

    .. math:: f_i \mapsto \frac{\sigma_i^s}{\sigma_i^c} (f_i - \mu_i^c) + \mu_i^s

    References
    ----------
    .. [1] X. Huang, S. Belongie, "Arbitrary style transfer in real-time with adaptive instance
       normalization", ICCV 2017.
    """

    def matrix(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the ratios of deviations, on a diagonal."""
        have, want = (one.diagonal(dim1=-2, dim2=-1) for one in (content, style))
        least = 1e-5 * (have + want).mean(dim=-1, keepdim=True) + torch.finfo(have.dtype).tiny
        return torch.diag_embed(((want + least) / (have + least)).sqrt())


class _OfCovariances(Matching, ABC):
    """A matching of full covariance matrices."""

    ridge: float = parameter(
        1e-3,
        [Interval(Real, 0, None, closed="neither")],
        """What is added to all variances, as a share of their mean: directions in which the content
        hardly varies are stretched no further than that allows.""",
        positional=True,
    )

    def _with_ridge(self, *covariances: Tensor) -> list[Tensor]:
        """Return covariances in double precision, with a ridge that is the same for all."""
        double = [one.double() for one in covariances]
        sizes = [one.diagonal(dim1=-2, dim2=-1).mean(dim=-1) for one in double]
        ridge = self.ridge * torch.stack(torch.broadcast_tensors(*sizes)).mean(dim=0)
        ridge = ridge + torch.finfo(torch.float32).tiny
        eye = torch.eye(double[0].shape[-1], dtype=torch.float64, device=double[0].device)
        return [one + ridge[..., None, None] * eye for one in double]


class Whitening(_OfCovariances):
    r"""Make all channels uncorrelated, and then as correlated as those of the style [1]_.

    .. math:: f \mapsto \Sigma_s^{1/2} \Sigma_c^{-1/2} (f - \mu_c) + \mu_s

    References
    ----------
    .. [1] Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, "Universal style transfer via
       feature transforms", NeurIPS 2017.
    """

    def matrix(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the product of both square roots."""
        have, want = self._with_ridge(content, style)
        return (_power(want, 0.5) @ _power(have, -0.5)).to(content.dtype)


class Transport(_OfCovariances):
    r"""Move features no further than it takes to have the covariances of the style [1]_.

    .. math:: f \mapsto \Sigma_c^{-1/2} \left(\Sigma_c^{1/2} \Sigma_s
              \Sigma_c^{1/2}\right)^{1/2} \Sigma_c^{-1/2} (f - \mu_c) + \mu_s

    Of all linear maps that do so it changes features least, in mean squared distance: it is the
    optimal transport between two normal distributions.

    References
    ----------
    .. [1] M. Lu, H. Zhao, A. Yao, Y. Chen, F. Xu, L. Zhang, "A closed-form solution to universal
       style transfer", ICCV 2019.
    """

    def matrix(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the transport between normal distributions."""
        have, want = self._with_ridge(content, style)
        values, vectors = torch.linalg.eigh(have)
        root = values.clamp_min(0).sqrt()
        half = (vectors * root[..., None, :]) @ vectors.mT
        inverse = (vectors / root[..., None, :]) @ vectors.mT
        return (inverse @ _power(half @ want @ half, 0.5) @ inverse).to(content.dtype)


def _power(matrix: Tensor, power: float) -> Tensor:
    """Return a power of a symmetric matrix with eigenvalues of 0 or more."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(1e-30).pow(power)[..., None, :]) @ vectors.mT


MATCHINGS: Mapping[str, type[Matching]] = {
    "adain": AdaIN,
    "whitening": Whitening,
    "transport": Transport,
}
