"""Where the session's reports come from: the simulated panel, a rig, a recording, or real touch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stampbench.bench.rig.ports import serial_ports
from stampbench.bench.sources.frame_files import holds_frames
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.bench.window.clocks import Clock
from stampbench.bench.window.session.messages import Messages
from stampbench.bench.window.session.setup import Setup
from stampbench.bench.window.sources.frames import open_frames
from stampbench.bench.window.sources.recording import RecordedSource, open_recorded
from stampbench.bench.window.sources.rig import RigSource
from stampbench.bench.window.sources.touch import Phase, TouchInput
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.screen.scene import Scene, SceneObject
from stampbench.sim.screen.simulated import SimulatedSource, panel_of_profile
from stampbench.sim.screen.sources import PanelInfo, Source, SourceKind, SourceState

_APPROACH_US: Final = 40_000
_DWELL_US: Final = 200_000
_LIFT_US: Final = 40_000


class SourceSwitch:
    """Changes from source to source while the session runs; the one before stays if one cannot be opened.

    Args:
        setup: of the simulated panel.
        scene: what is on it.
        clock: tells the session's time.
        messages: are told where reports come from, and how that is.
        leave: called before another source takes the place of one.
        forget: called when what was known of the contacts is void.

    Attributes:
        current: what reports come from.
        simulated: the simulated panel, as it was last.
    """

    def __init__(
        self,
        setup: Setup,
        scene: Scene,
        clock: Clock,
        messages: Messages,
        *,
        leave: Callable[[], None],
        forget: Callable[[], None],
    ) -> None:
        self._setup = setup
        self._scene = scene
        self._clock = clock
        self._messages = messages
        self._leave = leave
        self._forget = forget
        self.simulated = self._new_simulated()
        self.current: Source = self.simulated
        self._state = self.current.state
        self._dropped = 0
        self._message = ""

    @property
    def panel(self) -> PanelInfo:
        """The glass that is shown: that of the source, or the simulated one while it has none."""
        return self.current.panel or panel_of_profile(self._setup.profile)

    @property
    def recording(self) -> RecordedSource | None:
        """The source, if it is a recording."""
        return self.current if isinstance(self.current, RecordedSource) else None

    @property
    def touch(self) -> TouchInput | None:
        """The source, if it is this machine's own screen."""
        return self.current if isinstance(self.current, TouchInput) else None

    def use_simulated(self) -> None:
        """Read the simulated panel."""
        self.simulated = self._new_simulated()
        self.use(self.simulated)

    def use_port(self, port: str, given: GivenRuler = UNTOLD) -> None:
        """Read a rig or other hardware on a port; it may come and go."""
        self.use(RigSource(port, given))

    def use_recording(self, path: str | Path, given: GivenRuler = UNTOLD) -> None:
        """Play a recording of touch reports or of raw frames.

        Raises:
            InputError: it cannot be opened, or is of no known format.
        """
        path = Path(path)
        self.use(open_frames(path, given.nodes) if holds_frames(path) else open_recorded(path, given))

    def use_touch(self, width_px: float, height_px: float, mm_per_px: float) -> None:
        """Read fingers on this machine's own screen, in an area of that size."""
        self.use(TouchInput(width_px, height_px, mm_per_px))

    def use(self, source: Source) -> None:
        """Read another source."""
        self._leave()
        self.current.close()
        self.current, self._state = source, source.state
        self._dropped = 0
        self._message = ""
        self._forget()
        self._messages.say("info", "source", name=source.name)

    def finger(self, number: int, x_px: float, y_px: float, phase: Phase) -> None:
        """Pass on a finger event, positions from the top left corner of the area that is touched."""
        if self.touch is not None:
            self.touch.touch(number, x_px, y_px, phase)

    def calibrate(self, mm_per_px: float) -> None:
        """Set the size of a pixel of this machine's screen."""
        if self.touch is not None:
            self.touch.calibrate(mm_per_px)
            self._forget()

    def press_by_rig(self) -> None:
        """Let a rig that has an actuator press the selected object where it stands.

        Raises:
            InputError: the source is no rig that can press.
        """
        chosen, source = self._scene.chosen, self.current
        if chosen is None:
            return
        if not isinstance(source, RigSource) or not source.can_press:
            raise InputError(f"{source.name}: cannot press by itself; expected a rig with an actuator")
        source.press(_press_of(chosen), self._setup.seed)

    def watch(self) -> None:
        """Tell when the source is lost, comes back, ends, or loses reports."""
        source, before, say = self.current, self._state, self._messages.say
        self._state = source.state
        if source.message != self._message and source.kind is SourceKind.RECORDING:
            self._message = source.message
            say("warning", "error", text=source.message)
        dropped = source.counters.get("dropped", 0)
        if dropped > self._dropped:
            say("warning", "overflow", count=dropped - self._dropped)
            self._dropped = dropped
        if self._state is before:
            return
        if self._state is SourceState.LOST:
            say("warning", "source_lost", name=source.name)
            self._forget()
        elif self._state is SourceState.FAILED:
            say("error", "error", text=source.message)
        elif before is SourceState.LOST and self._state is SourceState.LIVE:
            say("info", "source_back", name=source.name)
            self._forget()
        elif self._state is SourceState.ENDED:
            say("info", "source_ended", name=source.name)
        elif before is SourceState.OPENING:
            self._forget()

    def _new_simulated(self) -> SimulatedSource:
        setup = self._setup
        return SimulatedSource(setup.profile, self._scene, setup.condition, setup.seed, self._clock())


def ports() -> list[str]:
    """Return the serial ports that are there now."""
    return [found.port for found in serial_ports()]


def _press_of(thing: SceneObject) -> Press:
    """Return a press straight down where the object stands, and up again."""

    def at(t_us: int, force: float) -> Keyframe:
        return Keyframe(t_us, dataclasses.replace(thing.hold, force=force))

    full_us, end_us = _APPROACH_US, _APPROACH_US + _DWELL_US
    return Press(thing.body.name, (at(0, 0.0), at(full_us, 1.0), at(end_us, 1.0), at(end_us + _LIFT_US, 0.0)))
