"""The bench as the screen sees it; see :class:`stampbench.sim.screen.workbench.Workbench`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from stampbench.bench.rig.ports import serial_ports
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.bench.window.session.cases import plan_of_moment
from stampbench.bench.window.session.folded_screen_autopress import RunPresser
from stampbench.bench.window.sources.frames import holds_frames, open_frames
from stampbench.bench.window.sources.recording import open_recorded
from stampbench.bench.window.sources.rig import RigSource
from stampbench.bench.window.sources.timeline import RecordedSource
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.screen.scene import SceneObject
from stampbench.sim.screen.sources import PanelInfo, Source
from stampbench.sim.screen.workbench import AutoPressOrder, Clock, Moment

_UNITS_PER_MM = 100
_APPROACH_US, _DWELL_US, _LIFT_US = 40_000, 200_000, 40_000


class Bench:
    """Ports, recordings, captures, judged presses and test cases.

    Args:
        folder: where files are saved that nobody gave a name; made when the first one is.
        now: local time, for the names of files.
    """

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._folder = folder
        self._now = now

    def ports(self) -> list[str]:
        """Serial ports that are there now."""
        return [found.port for found in serial_ports()]

    def open_port(self, port: str, clock: Clock) -> Source:
        """A rig or other hardware on a port; its thread looks for it from now on."""
        return RigSource(port)

    def press_by_rig(self, source: Source, thing: SceneObject, seed: int) -> None:
        """Ask the rig behind a source to press an object as it stands in the scene.

        Raises:
            InputError: the source is no rig that can press.
        """
        if not isinstance(source, RigSource) or not source.can_press:
            raise InputError(f"{source.name}: cannot press by itself; expected a rig with an actuator")
        source.press(_press_of(thing), seed)

    def open_recording(self, path: Path) -> RecordedSource:
        """A recording of touch reports or of raw frames, with its time line.

        Raises:
            InputError: it cannot be opened, or is of no known format.
        """
        return open_frames(path) if holds_frames(path) else open_recorded(path)

    def autopress(self, order: AutoPressOrder) -> RunPresser:
        """Presses that are judged as in a run.

        Raises:
            InputError: the order names something that does not exist.
        """
        return RunPresser(order)

    def capture(self, path: Path, panel: PanelInfo) -> CaptureWriter:
        """A new capture; coordinates of a panel that does not tell its range are in 1/100 mm.

        Raises:
            InputError: the file is there already, or cannot be written.
        """
        width_mm, height_mm = panel.width_mm, panel.height_mm
        return CaptureWriter(
            path,
            CaptureHeader(
                device=panel.name,
                x_min=0,
                x_max=panel.x_max or round(width_mm * _UNITS_PER_MM),
                y_min=0,
                y_max=panel.y_max or round(height_mm * _UNITS_PER_MM),
                width_mm=width_mm if panel.sized else None,
                height_mm=height_mm if panel.sized else None,
            ),
        )

    def save_case(self, path: Path, moment: Moment) -> None:
        """Write a plan of one case.

        Raises:
            InputError: the file is there already, or cannot be written.
        """
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(plan_of_moment(moment))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; expected a new file") from None

    def free_path(self, stem: str, suffix: str) -> Path:
        """A path in the folder at which nothing is yet.

        Raises:
            InputError: the folder cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be made: {error.strerror}") from None
        now = self._now or datetime.now().astimezone()
        name = f"{stem}-{now:%Y%m%d-%H%M%S}"
        numbered = (self._folder / f"{name}-{number}{suffix}" for number in range(2, 10_000))
        path = self._folder / f"{name}{suffix}"
        while path.exists():
            path = next(numbered)
        return path


def _press_of(thing: SceneObject) -> Press:
    """Down where the object stands, and up again."""

    def at(t_us: int, force: float) -> Keyframe:
        return Keyframe(
            t_us,
            thing.x_mm,
            thing.y_mm,
            thing.theta_rad,
            force,
            thing.grip,
            thing.tilt_x_rad,
            thing.tilt_y_rad,
        )

    full_us, end_us = _APPROACH_US, _APPROACH_US + _DWELL_US
    return Press(thing.body.name, (at(0, 0.0), at(full_us, 1.0), at(end_us, 1.0), at(end_us + _LIFT_US, 0.0)))
