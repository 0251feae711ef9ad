"""Where the session's reports come from: the simulated panel, a rig, a recording, or real touch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

from stampbench.bench.window.session.tabletop import Tabletop
from stampbench.bench.window.sources.timeline import RecordedSource
from stampbench.bench.window.sources.touch import Phase, TouchInput
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.panel import Profile
from stampbench.sim.screen.simulated import SimulatedSource, panel_info
from stampbench.sim.screen.sources import PanelInfo, Source, SourceKind, SourceState
from stampbench.sim.screen.workbench import Clock, Workbench
from stampbench.sim.stamps import Catalogue, Family


class Switchboard(Tabletop):
    """Changes from source to source while the session runs; see ``Session``.

    Attributes:
        source: what reports come from.
    """

    def __init__(
        self,
        codebook: Family | Catalogue,
        profile: Profile,
        *,
        clock: Clock,
        sigma_mm: float | None = None,
        seed: int = 0,
        workbench: Workbench | None = None,
    ) -> None:
        super().__init__(codebook, profile, clock=clock, sigma_mm=sigma_mm, seed=seed)
        self._workbench = workbench
        self._simulated = self._new_simulated()
        self.source: Source = self._simulated
        self._state = self.source.state
        self._dropped = 0
        self._told = ""

    @abstractmethod
    def _forget(self) -> None:
        """What was known of the contacts is void."""

    @abstractmethod
    def _leave_source(self) -> None:
        """Another source takes the place of this one."""

    @property
    def panel(self) -> PanelInfo:
        """The glass that is shown: that of the source, or the simulated one while it has none."""
        return self.source.panel or panel_info(self.setup.profile)

    def use_simulated(self) -> bool:
        """Read the simulated panel."""
        return self._use(lambda: self._new_simulated())

    def use_port(self, port: str) -> bool:
        """Read a rig or other hardware on a port; it may come and go."""
        return self._use(lambda: self._bench("ports").open_port(port, self._clock))

    def use_recording(self, path: str | Path) -> bool:
        """Play a recording."""
        return self._use(lambda: self._bench("recordings").open_recording(Path(path)))

    def use_touch(self, width_px: float, height_px: float, mm_per_px: float) -> bool:
        """Read fingers on this machine's own screen, in an area of that size."""
        return self._use(lambda: TouchInput(width_px, height_px, mm_per_px))

    def touch(self, finger: int, x_px: float, y_px: float, phase: Phase) -> None:
        """Pass on a finger event, positions from the top left corner of the area."""
        if isinstance(self.source, TouchInput):
            self.source.touch(finger, x_px, y_px, phase)

    def calibrate(self, mm_per_px: float) -> None:
        """Set the size of a pixel of this machine's screen."""
        if isinstance(self.source, TouchInput):
            self.source.calibrate(mm_per_px)
            self._forget()

    def ports(self) -> list[str]:
        """Serial ports that are there now."""
        return [] if self._workbench is None else self._workbench.ports()

    def press_by_rig(self) -> bool:
        """Let a rig that has an actuator press the selected stamp where it stands."""
        chosen = self.scene.chosen
        if chosen is None:
            return False
        try:
            self._bench("rigs").press_by_rig(self.source, chosen, self.setup.seed)
        except StampbenchError as error:
            return self._refused(error)
        return True

    # --- time line of a recording

    def play(self) -> None:
        """Go on playing; from the beginning if the recording had ended."""
        if isinstance(self.source, RecordedSource):
            self.source.play()

    def pause(self) -> None:
        """Stand still in the recording."""
        if isinstance(self.source, RecordedSource):
            self.source.pause()

    def step(self, reports: int = 1) -> None:
        """Go some reports ahead, or back if negative, and stand still there."""
        if isinstance(self.source, RecordedSource):
            self.source.step(reports)

    def seek(self, device_us: int) -> None:
        """Go to a place in the recording."""
        if isinstance(self.source, RecordedSource):
            self.source.seek(device_us)

    def set_speed(self, speed: float) -> None:
        """Play at 0.1 to 10 times the speed of life."""
        if isinstance(self.source, RecordedSource):
            self.source.set_speed(speed)

    def _bench(self, what: str) -> Workbench:
        if self._workbench is None:
            raise InputError(f"{what}: not to be had in this window; expected stampbench screen")
        return self._workbench

    def _new_simulated(self) -> SimulatedSource:
        setup = self.setup
        self._simulated = SimulatedSource(
            setup.profile, self.scene, setup.condition, setup.seed, self._clock()
        )
        return self._simulated

    def _use(self, opened: Callable[[], Source]) -> bool:
        """Change to another source; the one before stays if it cannot be opened."""
        try:
            source = opened()
        except StampbenchError as error:
            return self._refused(error)
        self._leave_source()
        self.source.close()
        self.source, self._state = source, source.state
        self._dropped = 0
        self._told = ""
        self._forget()
        self.say("info", "source", name=source.name)
        return True

    def _watch_source(self) -> None:
        """Tell when the source is lost, comes back, ends, or loses reports."""
        source, before = self.source, self._state
        self._state = source.state
        if source.message != self._told and source.kind is SourceKind.RECORDING:
            self._told = source.message
            self.say("warning", "error", text=source.message)
        dropped = source.counters.get("dropped", 0)
        if dropped > self._dropped:
            self.say("warning", "overflow", count=dropped - self._dropped)
            self._dropped = dropped
        if self._state is before:
            return
        if self._state is SourceState.LOST:
            self.say("warning", "source_lost", name=source.name)
            self._forget()
        elif self._state is SourceState.FAILED:
            self.say("error", "error", text=source.message)
        elif before is SourceState.LOST and self._state is SourceState.LIVE:
            self.say("info", "source_back", name=source.name)
        elif self._state is SourceState.ENDED:
            self.say("info", "source_ended", name=source.name)
        elif before is SourceState.OPENING:
            self._forget()
