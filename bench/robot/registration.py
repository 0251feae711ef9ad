"""Where the phone lies under a machine, from places that both name: machine mm and mm of the panel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student
from stampbench.firmware_emulator.errors import InputError

Points = npt.NDArray[np.float64]
LEAST: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with the half width of its 95 % interval."""

    value: float
    u95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An affine map from machine to glass: ``glass = matrix @ machine + offset``.

    Attributes:
        matrix: (2, 2), mm of the glass per mm of the machine.
        offset: (2,), mm.
        residual_mm: root mean square of what the map leaves, per axis, with the degrees of freedom it took.
        scale_x, scale_y: mm of the glass per mm of the machine along its axes.
        rotation_deg: of the machine's x axis on the glass.
        skew_deg: by which the machine's axes, seen on the glass, are not square.
    """

    matrix: Points
    offset: Points
    residual_mm: float
    scale_x: Figure
    scale_y: Figure
    rotation_deg: Figure
    skew_deg: Figure

    @classmethod
    def fit(cls, machine: npt.ArrayLike, glass: npt.ArrayLike) -> Registration:
        """Fit by least squares.

        Args:
            machine: places as the machine names them, shape (n, 2), mm; four at least, not on one line.
            glass: the same places as the touch panel names them.

        Raises:
            InputError: too few places, or all on one line.

        >>> import numpy as np
        >>> corners = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0], [25.0, 25.0]])
        >>> found = Registration.fit(corners, 1.01 * corners + [3.0, 4.0])
        >>> round(found.scale_x.value, 6), found.to_glass([10.0, 0.0]).round(6).tolist()
        (1.01, [13.1, 4.0])
        """
        a, b = np.asarray(machine, np.float64), np.asarray(glass, np.float64)
        if len(a) < LEAST or np.linalg.matrix_rank(a - a.mean(axis=0), tol=1.0) < 2:
            raise InputError(f"registration: {len(a)} places: expected {LEAST} at least, not on one line")
        design = np.column_stack([a, np.ones(len(a))])
        solved, *_ = np.linalg.lstsq(design, b, rcond=None)
        left = b - design @ solved
        freedom = 2 * (len(a) - 3)
        sd = math.sqrt(float((left**2).sum()) / freedom)
        inverse = np.linalg.inv(design.T @ design)
        widen = float(student.ppf(0.975, freedom)) * sd
        matrix = np.asarray(solved[:2].T, np.float64)
        (xx, xy), (yx, yy) = matrix
        scale_x, scale_y = math.hypot(xx, yx), math.hypot(xy, yy)
        u_x, u_y = (widen * math.sqrt(float(inverse[axis, axis])) for axis in (0, 1))
        turned = math.atan2(yx, xx)
        handed = 1.0 if np.linalg.det(matrix) > 0.0 else -1.0
        square = math.atan2(yy, xy) - turned - handed * math.pi / 2.0
        square = math.remainder(square, 2.0 * math.pi)
        return cls(
            matrix=matrix,
            offset=solved[2],
            residual_mm=sd,
            scale_x=Figure(value=scale_x, u95=u_x),
            scale_y=Figure(value=scale_y, u95=u_y),
            rotation_deg=Figure(value=math.degrees(turned), u95=math.degrees(u_x / scale_x)),
            skew_deg=Figure(
                value=math.degrees(square), u95=math.degrees(math.hypot(u_x / scale_x, u_y / scale_y))
            ),
        )

    @classmethod
    def rough(cls, origin: tuple[float, float], rotation_deg: float, *, mirrored: bool) -> Registration:
        """Return the map that a station file says, before anything was touched."""
        turn = math.radians(rotation_deg)
        axes = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])  # to machine
        if mirrored:
            axes = axes @ np.diag([1.0, -1.0])
        matrix = np.linalg.inv(axes)
        unknown = Figure(value=1.0, u95=math.inf)
        return cls(
            matrix=matrix,
            offset=-matrix @ np.asarray(origin),
            residual_mm=math.inf,
            scale_x=unknown,
            scale_y=unknown,
            rotation_deg=Figure(value=rotation_deg, u95=math.inf),
            skew_deg=Figure(value=0.0, u95=math.inf),
        )

    def to_glass(self, machine: npt.ArrayLike) -> Points:
        """Return places on the glass, shape (..., 2), mm."""
        return np.asarray(machine, np.float64) @ self.matrix.T + self.offset

    def to_machine(self, glass: npt.ArrayLike) -> Points:
        """Return places of the machine, shape (..., 2), mm."""
        return (np.asarray(glass, np.float64) - self.offset) @ np.linalg.inv(self.matrix).T

    def turned(self, direction_rad: float) -> float:
        """Return the direction on the machine, radians, of a direction on the glass."""
        way = np.linalg.inv(self.matrix) @ [math.cos(direction_rad), math.sin(direction_rad)]
        return math.atan2(way[1], way[0])
