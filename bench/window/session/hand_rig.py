"""The panel in the window as a rig that a person presses, whatever is behind it.

It is given what the source brings, frame by frame; a press in progress takes it from there, and pauses where
nothing has come yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from stampbench.bench.rig.connection import ManualPressError
from stampbench.bench.rig.report_checks import ReportChecker, ReportCounters
from stampbench.bench.window.sources.rig import RigSource
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.link.packets import LinkCounters
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.press import Press
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.screen.sources import Item, Source, SourceState

LayOut = Callable[[Press, Mapping[str, Any]], None]
"""Takes what is to be pressed, and the condition of the panel."""

_ANY: Final = 2**31 - 1
"""Stands for a limit that a device does not tell."""


class HandRig:
    """Stands in for :class:`stampbench.bench.rig.serial_rig.SerialRig` where the window reads the port.

    Args:
        profile: of the panel, for hardware that does not tell it.
        lay_out: is told what a person is to press now.

    Attributes:
        identity: of the rig; known once it has been opened.
        source: what the window shows; None before the first frame.
        is_open: whether somebody presses on it.
        touching: whether anything was down in the last report that was taken.
        clearing: whether it waits for the glass to be clear before a press begins.
        press_counters, press_reports, press_whole: as those of a serial rig.
    """

    identity: Identity

    def __init__(self, profile: str, lay_out: LayOut) -> None:
        self.source: Source | None = None
        self.is_open = False
        self.touching = False
        self.clearing = False
        self.press_counters = LinkCounters()
        self.press_reports = ReportCounters()
        self.press_whole = True
        self._profile = profile
        self._lay_out = lay_out
        self._now_us = 0
        self._counters: Mapping[str, int] = {}
        self._waiting: deque[Item] = deque()
        self._on_frame: Callable[[Frame], None] | None = None
        self._condition: Mapping[str, Any] = {}
        self._lost = False

    @property
    def live(self) -> bool:
        """Whether the source is there, with a panel that is known."""
        source = self.source
        return source is not None and source.state is SourceState.LIVE and source.panel is not None

    @property
    def counters(self) -> LinkCounters:
        """What the link did so far; reports that the window had no time for are lost, too."""
        counters = LinkCounters(**{name: self._counters.get(name, 0) for name in LinkCounters.names()})
        counters.lost += self._counters.get("dropped", 0)
        return counters

    def give(self, now_us: int, source: Source, items: Sequence[Item]) -> None:
        """Take in what the source brought for a drawn frame."""
        self._now_us, self.source, self._counters = now_us, source, source.counters
        if self.live:
            self._waiting.extend(items)
        else:
            self._waiting.clear()
            self.touching = False

    @contextmanager
    def opened(self) -> Iterator[HandRig]:
        """Let presses be made on the panel that is live now.

        Raises:
            InputError: nobody can press it, or nothing can be read on it.
        """
        if self.source is None:
            raise RuntimeError("opened() before give()")
        self.identity = identity_of_source(self.source, self._profile)
        self._lost, self.is_open = False, True
        try:
            yield self
        finally:
            self.is_open = self.clearing = False

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the condition of a simulated panel, from the next press on."""
        self._condition = dict(condition)

    def press(self, press: Press, seed: int, *, on_frame: Callable[[Frame], None] | None = None) -> NoReturn:
        """Lay out what a person is to press.

        Raises:
            ManualPressError: always: nothing but a person presses here.
        """
        self._lay_out(press, self._condition)
        raise ManualPressError("the window has no actuator, an operator must press")

    def watch(
        self,
        *,
        first_contact_s: float,
        quiet_us: int,
        meanwhile: Callable[[], None] = lambda: None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> Iterator[TouchReport | None]:
        """Yield reports from when the glass is clear until nothing has touched for a while, in window time.

        None tells that a frame has no more: another must be given before it goes on.

        Raises:
            LinkError: nobody pressed in time, or the source was lost during the press.
        """
        self.press_whole = False
        self.clearing, self._on_frame = True, None
        meanwhile()
        while self.touching:  # else what was pressed before would be read as this
            if self._next() is None:
                yield None
            meanwhile()
        self.clearing, self._on_frame = False, on_frame
        before = self.counters
        checker = ReportChecker(self.identity)
        self.press_reports = checker.counters
        begun_us = self._now_us
        touched_us: int | None = None
        while True:
            meanwhile()
            report = self._next()
            if report is not None:
                checker.see(report)
                if report.down:
                    touched_us = self._now_us
                yield report
            if touched_us is None:
                if self._now_us - begun_us > 1e6 * first_contact_s:
                    raise LinkError(f"nobody pressed within {first_contact_s:g} s")
            elif not self.live:
                self._lost = True
                raise LinkError("the source was lost during the press")
            elif not self.touching and self._now_us - touched_us > quiet_us:
                self.press_counters = self.counters - before
                self.press_whole = self.press_counters.faultless
                return
            if report is None:
                yield None

    def _next(self) -> TouchReport | None:
        """Take the next report of this frame; None where there is no more."""
        while self._waiting:
            item = self._waiting.popleft()
            if isinstance(item, TouchReport):
                self.touching = bool(item.down)
                return item
            if self._on_frame is not None:
                self._on_frame(item)
        return None

    def reset(self) -> None:
        """Do nothing, unless the source was lost during a press.

        Raises:
            LinkError: it was.
        """
        if self._lost:
            raise LinkError("the source was lost during the press")

    def settle(self) -> None:
        """Do nothing: no faults befall this line."""


def identity_of_source(source: Source, profile: str) -> Identity:
    """Return who the rig is that a person presses.

    Args:
        source: what the window shows, live.
        profile: of the panel, for hardware that does not tell it.

    Raises:
        InputError: a rig that presses by itself, or a device that tells no size.
    """
    if isinstance(source, SimulatedSource):
        return source.identity
    panel = source.panel
    if isinstance(source, RigSource) and source.identity is not None:
        if source.can_press:
            raise InputError(
                f"rig on {source.name} presses by itself: expected stampbench run PLAN --rig {source.name}"
            )
        return source.identity
    if panel is None or not panel.sized:
        raise InputError(f"{source.name} tells no size in mm: expected a device on which stamps can be read")
    return Identity(
        serial_number="",
        profile=profile,
        firmware_name=panel.name,
        firmware_version="",
        contact_limit=panel.cancel_limit or panel.contact_limit or _ANY,
        x_max=panel.x_max or _ANY,
        y_max=panel.y_max or _ANY,
        width_um=round(panel.width_mm * 1000),
        height_um=round(panel.height_mm * 1000),
        frame_interval_us=panel.frame_interval_us or 0,
        capabilities=Capability.CANCELS_ALL if panel.cancel_limit is not None else Capability(0),
    )
