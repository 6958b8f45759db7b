"""How images look at what they show, where that is known."""

from abc import ABC
from numbers import Integral
from typing import Any

from skgen._sklearn import Interval
from skgen.parameters import COUNT, POSITIVE, Component, parameter

__all__ = ["Camera", "Turntable"]

COLUMN = [str, Interval(Integral, 0, None, closed="left")]


class Camera(Component, ABC):
    """Base class of the cameras, which say what attributes have to do with where one looks from."""


class Turntable(Camera):
    r"""A camera that looks at objects which turn on a table, or one that goes round them.

    All images are taken from one distance, of objects that stand upright in one place. Then what is
    drawn need not be learned view by view: it is a volume, of a density :math:`\sigma` and colors
    :math:`c`, and an image is what rays through it see [1]_,

    .. math:: y = \sum_k (T_k - T_{k+1})\, c_k + T_{K+1}\, b, \qquad
              T_k = \exp \Big( -\sum_{j < k} \sigma_j \delta \Big)

    with points :math:`k` on a ray at distances :math:`\delta`, and the background :math:`b`. How
    far away the camera is, its height, and which way angles turn, is learned. Volumes begin as a
    haze. What `fit` leaves of it is drawn as empty, as far as images trained on come out better.

    What glosses, and shades that stay where the light is, do not turn with the object: a volume
    draws them as they are on average.

    References
    ----------
    .. [1] B. Mildenhall, P. Srinivasan, M. Tancik, J. Barron, R. Ramamoorthi, R. Ng, "NeRF:
       representing scenes as neural radiance fields for view synthesis", ECCV 2020.

    Examples
    --------
    >>> from skgen.cameras import Turntable
    >>> Turntable("azimuth", "elevation")
    Turntable(elevation='elevation')
    """

    azimuth: Any = parameter(
        "azimuth",
        COLUMN,
        """The column of X that says how far things are turned; of an array, its number.""",
        positional=True,
        kind="str or int",
    )
    elevation: Any = parameter(
        None,
        [*COLUMN, None],
        """The column that says from how high above the horizon one looks. None if that is the same
        in all images.""",
        positional=True,
        kind="str, int or None",
    )
    period: float = parameter(
        360.0,
        POSITIVE,
        """A full turn, in the unit of both columns.""",
    )
    n_voxels: int | None = parameter(
        None,
        [*COUNT, None],
        """Side of the volume. None stands for the longer side of the images, and 48 at most. Time
        and memory grow with its third power.""",
    )

    @property
    def angles(self) -> list[Any]:
        """The columns that are angles."""
        if self.azimuth == self.elevation:
            raise ValueError(
                f"azimuth and elevation are both {self.azimuth!r}: they have to be two columns."
            )
        return [self.azimuth] if self.elevation is None else [self.azimuth, self.elevation]
