"""The station file: how far, how fast and how deep a machine may go, and what its head carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import parse_toml

AXES: Final = ("x", "y", "z", "a")
_Positive = Annotated[float, Meta(gt=0.0)]
_Range = tuple[float, float]


class Setup(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[robot]`` table: limits that every move is held against, and the stamp in the head.

    Attributes:
        object: what the head carries, as a plan names it: ``p5-60k/20406``, ``finger``.
        x, y, z: least and largest machine coordinate that the head may go to, mm.
        a: the same of a fourth axis that turns the head, degrees; None: there is none.
        touch_z: where the stamp just touches the glass, mm.
        depth_mm: how far below that it is pressed in full: the way of its spring.
        clear_mm: how far above the glass it travels.
        travel_mm_s, approach_mm_s: speeds, away from the glass and near it.
        turned_deg: how the stamp is mounted, against the phone's x axis, at a = 0.
        origin: machine x and y of the upper left corner of the glass, roughly; registration finds it.
        rotation_deg: of the phone on the machine, roughly.
        mirrored: whether y of the glass runs against y of the machine.
        tolerance_mm: how far from where it was pressed a press may be heard.
        register_every: presses after which the phone is found anew.
    """

    object: str
    x: _Range
    y: _Range
    z: _Range
    a: _Range | None = None
    touch_z: float
    depth_mm: Annotated[float, Meta(gt=0.0, le=20.0)] = 1.0
    clear_mm: Annotated[float, Meta(gt=0.0, le=200.0)] = 5.0
    travel_mm_s: Annotated[float, Meta(gt=0.0, le=500.0)] = 50.0
    approach_mm_s: Annotated[float, Meta(gt=0.0, le=200.0)] = 20.0
    turned_deg: float = 0.0
    origin: _Range
    rotation_deg: float = 0.0
    mirrored: bool = True
    tolerance_mm: _Positive = 0.2
    register_every: Annotated[int, Meta(ge=1)] = 100

    @property
    def clear_z(self) -> float:
        """Height at which the head travels."""
        return self.touch_z + self.clear_mm

    def check(self, target: Mapping[str, float], what: str = "a move") -> None:
        """See that a target lies within the limits.

        Raises:
            InputError: it does not.
        """
        for axis, value in target.items():
            limits = getattr(self, axis)
            if limits is None:
                raise InputError(f"{what}: {axis} = {value:.2f}: the machine has no such axis")
            if not limits[0] - 1e-9 <= value <= limits[1] + 1e-9:
                raise InputError(
                    f"{what}: {axis} = {value:.2f} lies outside {limits[0]:g} to {limits[1]:g}: "
                    "expected a place within the limits of the station file"
                )


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    robot: Setup


def write_setup(path: Path, tables: Mapping[str, Any]) -> None:
    """Write a station file.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    import tomli_w

    expect_new(path)
    try:
        path.write_text(tomli_w.dumps({"robot": dict(tables)}), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a new file") from None


def read_setup(path: Path) -> Setup:
    """Read a station file.

    Raises:
        InputError: it cannot be read, a key is unknown or missing, or its limits contradict each other.
    """
    try:
        tables = parse_toml(path.read_text(encoding="utf-8"), str(path))
        setup = msgspec.convert(tables, _Document).robot
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file: expected the station file of the robot, as `stampbench robot emulate "
            "--setup FILE` writes one"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None
    for axis in AXES:
        limits = getattr(setup, axis)
        if limits is not None and limits[0] >= limits[1]:
            raise InputError(f"{path}: robot.{axis} = {list(limits)}: expected the smaller number first")
    for name, z in (("touch_z - depth_mm", setup.touch_z - setup.depth_mm), ("clear height", setup.clear_z)):
        if not setup.z[0] <= z <= setup.z[1]:
            raise InputError(f"{path}: robot.{name} = {z:g} lies outside robot.z = {list(setup.z)}")
    return setup
