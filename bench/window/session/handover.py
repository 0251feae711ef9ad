"""Where two threads meet: the window hands over what its source brings, a run takes it as from a rig."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence

from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.screen.sources import Item, Source, SourceState


class Handover:
    """Reports go one way, and a beat with each drawn frame, so that a run that waits can look up.

    Args:
        in_step: the window waits until the run has taken all in: then the same script gives the same records.

    Attributes:
        now_us: the window's time.
        source: what the window shows; None before the first frame.
        counters: of that source.
        touching: whether anything was down in the last report that was taken.
        closed: whether the window is gone: nobody waits any more.
    """

    def __init__(self, *, in_step: bool) -> None:
        self.now_us = 0
        self.source: Source | None = None
        self.counters: Mapping[str, int] = {}
        self.touching = False
        self.closed = False
        self._in_step = in_step
        self._changed = threading.Condition()
        self._reports: deque[TouchReport] = deque()
        self._beat = self._idle = self._over = False

    @property
    def live(self) -> bool:
        """Whether the source is there, with a panel that is known."""
        source = self.source
        return source is not None and source.state is SourceState.LIVE and source.panel is not None

    def give(self, now_us: int, source: Source, items: Sequence[Item]) -> None:
        """Hand over what came for a drawn frame."""
        with self._changed:
            self.now_us, self.source, self.counters = now_us, source, source.counters
            if self.live:
                self._reports.extend(item for item in items if isinstance(item, TouchReport))
            else:
                self._reports.clear()
                self.touching = False
            self._beat, self._idle = True, False
            self._changed.notify_all()
            if self._in_step:
                self._changed.wait_for(lambda: self._idle or self._over)

    def next(self) -> TouchReport | None:
        """The next report; None once a frame where none waits, and at once when the window is gone."""
        with self._changed:
            if not (self._reports or self._beat or self.closed):
                self._idle = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._reports or self._beat or self.closed)
            self._idle = False
            if self._reports:
                report = self._reports.popleft()
                self.touching = bool(report.down)
                return report
            self._beat = False
            return None

    def close(self) -> None:
        """The window is gone."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def end(self) -> None:
        """The run is over: it takes nothing more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
