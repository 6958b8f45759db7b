"""Distributions that codes are drawn to, and that new codes are drawn from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from skgen.parameters import COUNT, NOT_NEGATIVE, POSITIVE, Component, parameter, resolve

__all__ = ["PRIORS", "Mixture", "Normal", "Prior", "SwissRoll", "prior_codes", "resolve_prior"]


class Prior(Component, ABC):
    """Base class of the priors: call it with a number of codes and their size."""

    @abstractmethod
    def __call__(self, n_samples: int, n_components: int) -> Tensor:
        """Return codes: (n_samples, n_components), drawn by torch's generator."""


class Normal(Prior):
    r"""The standard normal distribution :math:`N(0, I)`."""

    def __call__(self, n_samples: int, n_components: int) -> Tensor:
        """Return codes: (n_samples, n_components), drawn by torch's generator."""
        return torch.randn(n_samples, n_components)


class SwissRoll(Prior):
    r"""A rolled-up band, for codes of two numbers, or of three, the third along its axis.

    .. math:: ((t \cos t, t \sin t) - m) / s, \quad t \sim U(1.5 \pi, 4.5 \pi)

    with :math:`m` and :math:`s` such that the mean is 0, and the variance of a coordinate 1 on
    average. Points lie evenly by angle, as in `sklearn.datasets.make_swiss_roll`.
    """

    noise: float = parameter(
        0.05,
        NOT_NEGATIVE,
        """Standard deviation of the band's thickness.""",
        positional=True,
    )

    def __call__(self, n_samples: int, n_components: int) -> Tensor:
        """Return codes: (n_samples, n_components), drawn by torch's generator."""
        if n_components not in (2, 3):
            raise ValueError(
                f"A swiss roll has two dimensions or three: set n_components=2, got {n_components}."
            )
        t = 1.5 * math.pi * (1 + 2 * torch.rand(n_samples))
        middle = torch.tensor([2.0, 2 / (3 * math.pi)])  # integrals of t cos t and of t sin t
        mean_square = 9.75 * math.pi**2  # the integral of t^2
        scale = math.sqrt((mean_square - float(middle @ middle)) / 2)
        roll = (torch.stack([t * t.cos(), t * t.sin()], dim=1) - middle) / scale
        if n_components == 3:
            height = (torch.rand(n_samples, 1) - 0.5) * math.sqrt(12)
            roll = torch.cat([roll, height], dim=1)
        return roll + self.noise * torch.randn_like(roll)


class Mixture(Prior):
    """Equal normal distributions around a circle in the first two numbers of the code.

    The other numbers are standard normal.
    """

    n_modes: int = parameter(
        10,
        COUNT,
        """How many.""",
        positional=True,
    )
    radius: float = parameter(
        3.0,
        NOT_NEGATIVE,
        """How far their centers are from the middle.""",
    )
    std: float = parameter(
        0.3,
        POSITIVE,
        """Standard deviation of each.""",
    )

    def __call__(self, n_samples: int, n_components: int) -> Tensor:
        """Return codes: (n_samples, n_components), drawn by torch's generator."""
        if n_components < 2:
            raise ValueError(
                f"A mixture around a circle needs n_components=2 at least, got {n_components}."
            )
        angle = torch.randint(self.n_modes, (n_samples,)) * (2 * math.pi / self.n_modes)
        codes = torch.randn(n_samples, n_components)
        centers = self.radius * torch.stack([angle.cos(), angle.sin()], dim=1)
        codes[:, :2] = centers + self.std * codes[:, :2]
        return codes


PRIORS: Mapping[str, type[Prior]] = {
    "normal": Normal,
    "swiss_roll": SwissRoll,
    "mixture": Mixture,
}


def resolve_prior(prior: str | Callable[[int, int], Any]) -> Callable[[int, int], Any]:
    """Return a prior of its own for a name or an object, and a callable as it is."""
    if not isinstance(prior, str | Prior):
        return prior
    resolved = resolve(prior, PRIORS)
    assert resolved is not None
    return resolved


def prior_codes(prior: Callable[[int, int], Any], n_samples: int, n_components: int) -> Tensor:
    """Return codes drawn from a prior, in single precision, on the CPU.

    Parameters
    ----------
    prior : callable
        ``prior(n_samples, n_components)``, which returns an array or a tensor.

    n_samples, n_components : int
        How many codes, of how many numbers.

    Returns
    -------
    codes : Tensor of shape (n_samples, n_components)
        The codes.

    Raises
    ------
    ValueError
        If a callable returns anything else.
    """
    drawn = prior(n_samples, n_components)
    wanted = f"prior({n_samples}, {n_components}) has to return finite numbers of shape"
    try:
        codes = torch.as_tensor(drawn, dtype=torch.float32, device="cpu")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{wanted} ({n_samples}, {n_components}), got {drawn!r}.") from error
    if codes.shape != (n_samples, n_components):
        shape = tuple(codes.shape)
        raise ValueError(f"{wanted} ({n_samples}, {n_components}), got shape {shape}.")
    if not torch.isfinite(codes).all():
        raise ValueError(f"{wanted} ({n_samples}, {n_components}), but some are not finite.")
    return codes
