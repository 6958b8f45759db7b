"""Distributions that codes are drawn to, and that new codes are drawn from."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skgen.parameters import Component, parameter, resolve

__all__ = ["PRIORS", "Mixture", "Normal", "Prior", "SwissRoll", "prior_codes"]


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

    .. math:: (t \cos t, t \sin t) / s, \quad t \sim U(1.5 \pi, 4.5 \pi)

    with :math:`s` such that the variance is 1 in all. Points lie evenly by angle, as in
    `sklearn.datasets.make_swiss_roll`.
    """

    noise: float = parameter(
        0.05,
        [Interval(Real, 0, None, closed="left")],
        "float",
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
        # The mean of t^2 over the interval is 3.25 (1.5 pi)^2 * 4 / 3, half of it on each axis.
        roll = torch.stack([t * t.cos(), t * t.sin()], dim=1) / (1.5 * math.pi * math.sqrt(13 / 6))
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
        [Interval(Integral, 1, None, closed="left")],
        "int",
        """How many.""",
        positional=True,
    )
    radius: float = parameter(
        3.0,
        [Interval(Real, 0, None, closed="left")],
        "float",
        """How far their centres are from the middle.""",
    )
    std: float = parameter(
        0.3,
        [Interval(Real, 0, None, closed="neither")],
        "float",
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
        centres = self.radius * torch.stack([angle.cos(), angle.sin()], dim=1)
        codes[:, :2] = centres + self.std * codes[:, :2]
        return codes


PRIORS: Mapping[str, type[Prior]] = {
    "normal": Normal,
    "swiss_roll": SwissRoll,
    "mixture": Mixture,
}


def prior_codes(
    prior: str | Callable[[int, int], Any], n_samples: int, n_components: int
) -> Tensor:
    """Return codes drawn from a prior, in single precision.

    Parameters
    ----------
    prior : str, Prior or callable
        A name in `PRIORS`, or ``prior(n_samples, n_components)``, which returns an array or a
        tensor.

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
    known = isinstance(prior, str | Prior)
    draw: Any = resolve(prior, PRIORS) if known else prior
    codes = torch.as_tensor(draw(n_samples, n_components), dtype=torch.float32)
    if codes.shape != (n_samples, n_components) or not torch.isfinite(codes).all():
        raise ValueError(
            f"prior({n_samples}, {n_components}) has to return finite numbers of shape "
            f"({n_samples}, {n_components}), got shape {tuple(codes.shape)}."
        )
    return codes
