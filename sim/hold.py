"""One pose of one object: where it stands, how it is turned and tilted, how hard it is pressed and held."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

_LINK_UNITS: Final = (1e3, 1e3, 1e6, 1e3, 1e3, 1e6, 1e6)
"""The link's whole numbers in one mm, rad or share: micrometres, microradians, thousandths (PROTOCOL.md)."""


@dataclass(frozen=True, slots=True)
class Hold:
    """How a hand holds an object on a panel at one moment.

    Attributes:
        x_mm, y_mm, theta_rad: pose; a point p of the object stands at R(theta) p + (x, y), from the top left
            corner of the active area.
        force: share of its area with which the lowest pad touches, 0..1; 0 is above the glass.
        grip: how well the hand grounds it, 0..1; 1 is firmly held, 0 is released.
        tilt_x_rad, tilt_y_rad: slope of the face along x and y of the panel; positive lifts the right, the
            lower side.

    >>> sb.Hold(30.0, 60.0, force=0.0).towards(sb.Hold(32.0, 60.0), 0.5)
    Hold(x_mm=31.0, y_mm=60.0, theta_rad=0.0, force=0.5, grip=1.0, tilt_x_rad=0.0, tilt_y_rad=0.0)
    """

    x_mm: float
    y_mm: float
    theta_rad: float = 0.0
    _: KW_ONLY
    force: float = 1.0
    grip: float = 1.0
    tilt_x_rad: float = 0.0
    tilt_y_rad: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> Hold:
        """Build a pose from its seven numbers, as :attr:`values` has them."""
        x_mm, y_mm, theta_rad, force, grip, tilt_x_rad, tilt_y_rad = values
        return cls(
            x_mm, y_mm, theta_rad, force=force, grip=grip, tilt_x_rad=tilt_x_rad, tilt_y_rad=tilt_y_rad
        )

    @classmethod
    def of_link(cls, whole: Iterable[int]) -> Hold:
        """Build a pose from the whole numbers of the link, as :attr:`link_values` has them."""
        return cls.of([value / unit for value, unit in zip(whole, _LINK_UNITS, strict=True)])

    @property
    def values(self) -> tuple[float, float, float, float, float, float, float]:
        """The seven numbers, in the order of plans and records."""
        return (
            self.x_mm,
            self.y_mm,
            self.theta_rad,
            self.force,
            self.grip,
            self.tilt_x_rad,
            self.tilt_y_rad,
        )

    @property
    def link_values(self) -> tuple[int, ...]:
        """The seven numbers rounded to the units of the link."""
        return tuple([round(value * unit) for value, unit in zip(self.values, _LINK_UNITS, strict=True)])

    def towards(self, other: Hold, share: float) -> Hold:
        """Return the pose on the straight line to another: 0 is this one, 1 the other."""
        u, v = share, 1.0 - share
        return Hold(
            v * self.x_mm + u * other.x_mm,
            v * self.y_mm + u * other.y_mm,
            v * self.theta_rad + u * other.theta_rad,
            force=v * self.force + u * other.force,
            grip=v * self.grip + u * other.grip,
            tilt_x_rad=v * self.tilt_x_rad + u * other.tilt_x_rad,
            tilt_y_rad=v * self.tilt_y_rad + u * other.tilt_y_rad,
        )

    def place(self, points_mm: Points) -> Points:
        """Return where points of the object, shape (n, 2), stand on the panel."""
        cos, sin = math.cos(self.theta_rad), math.sin(self.theta_rad)
        placed: Points = points_mm @ np.array([[cos, sin], [-sin, cos]]) + (self.x_mm, self.y_mm)
        return placed
