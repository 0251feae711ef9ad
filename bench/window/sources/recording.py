"""A recording as a source of the window, and its time line.

It is read in a thread, so that a long one can be seen at once; it is played, paused, stepped and scrubbed, at
a tenth to ten times its speed.
"""

from __future__ import annotations

import bisect
import dataclasses
import heapq
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from stampbench.bench.sources import capture
from stampbench.bench.sources.frames import frames_of
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.bench.window.sources.touch_area import TouchArea
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.screen.reading import PRESS_GAP_US
from stampbench.sim.screen.sources import Item, PanelInfo, SourceKind, SourceState

SLOWEST: Final = 0.1
FASTEST: Final = 10.0
MOST_CONTEXT_US: Final = 3_000_000
"""Time before a place in the recording that is gone through so that trails and reading are there at once."""
WHOLE_WITHIN_S: Final = 2.0
"""A recording that is read in this time is there whole when it opens."""


class Track:
    """What a recording holds; whoever reads the file appends, in one thread, while another plays.

    Attributes:
        loading: whether more is to come.
        problem: why no more is to come, where the file is broken; empty if it is not.
        presses: begin and end of each press, us.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.times_us: list[int] = []
        self.loading = True
        self.problem = ""
        self.presses: list[tuple[int, int]] = []
        self._down_us: int | None = None

    def append(self, item: Item) -> None:
        """Take in the next report or frame; a time that runs back counts as that of the one before."""
        t_us = max(item.t_us, self.times_us[-1]) if self.times_us else item.t_us
        self.times_us.append(t_us)
        self.items.append(item)
        if isinstance(item, TouchReport) and any(contact.tip for contact in item.contacts):
            if self.presses and t_us - self.presses[-1][1] <= PRESS_GAP_US:
                self.presses[-1] = (self.presses[-1][0], t_us)
            else:
                self.presses.append((t_us, t_us))

    def finish(self, problem: str = "") -> None:
        """End it: nothing more is to come."""
        self.problem = problem
        self.loading = False

    def press_at(self, t_us: int) -> tuple[int, int] | None:
        """Return the press under way at a time."""
        place = bisect.bisect_right(self.presses, t_us, key=lambda press: press[0]) - 1
        if place >= 0 and t_us <= self.presses[place][1] + PRESS_GAP_US:
            return self.presses[place]
        return None


class RecordedSource:
    """Plays a track.

    Args:
        track: what is played.
        panel: the glass that it was recorded from.
        name: of the file.

    Attributes:
        jumps: how often the place was changed otherwise than by playing: what was known of the contacts
            before is void then.
    """

    kind = SourceKind.RECORDING
    can_press = False

    def __init__(self, track: Track, panel: PanelInfo, name: str) -> None:
        self.track = track
        self.panel = panel
        self.name = name
        self.jumps = 0
        self.speed = 1.0
        self._playing = True
        self._position_us: float | None = None
        self._next = 0
        self._clock_us: int | None = None
        self._jumped = False

    @property
    def state(self) -> SourceState:
        """Live while it plays."""
        if self.track.loading and not self.track.items:
            return SourceState.OPENING
        if self.track.problem and not self.track.items:
            return SourceState.FAILED
        if self._playing:
            return SourceState.LIVE
        return SourceState.ENDED if self._at_end else SourceState.PAUSED

    @property
    def message(self) -> str:
        """What is wrong with the file."""
        return self.track.problem

    @property
    def counters(self) -> Mapping[str, int]:
        """How much has been read from the file."""
        return {"items": len(self.track.items), "presses": len(self.track.presses)}

    @property
    def position_us(self) -> int:
        """Device time of the place in the recording."""
        return self.begin_us if self._position_us is None else int(self._position_us)

    @property
    def begin_us(self) -> int:
        """Device time of the first report."""
        return self.track.times_us[0] if self.track.times_us else 0

    @property
    def end_us(self) -> int:
        """Device time of the last report that has been read."""
        return self.track.times_us[-1] if self.track.times_us else 0

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._playing

    def play(self) -> None:
        """Go on; from the beginning if it had ended."""
        if self._at_end:
            self.seek(self.begin_us)
        self._playing = True

    def pause(self) -> None:
        """Stand still."""
        self._playing = False

    def set_speed(self, speed: float) -> None:
        """Play at a multiple of real time, within 0.1 to 10."""
        self.speed = min(FASTEST, max(SLOWEST, speed))

    def seek(self, device_us: int) -> None:
        """Go to a place, within the recording; goes on playing from there if it played."""
        self._position_us = float(min(self.end_us, max(self.begin_us, device_us)))
        self._jumped = True

    def step(self, reports: int) -> None:
        """Pause, and go some reports ahead, or back if negative."""
        self._playing = False
        times = [self.begin_us]
        if self.track.items:
            times = self._report_times(reports)
        self.seek(times[-1])

    def advance(self, to_us: int) -> Sequence[Item]:
        """Return what is played up to a time; after a jump, what leads to the place."""
        passed_us = 0 if self._clock_us is None else max(0, to_us - self._clock_us)
        self._clock_us = to_us
        if not self.track.items:
            return ()
        if self._position_us is None:
            self._position_us = float(self.begin_us)
        if self._playing and not self._jumped:
            self._position_us = min(self.end_us, self._position_us + passed_us * self.speed)
        stop = bisect.bisect_right(self.track.times_us, self._position_us)
        if self._jumped:
            self._jumped = False
            self.jumps += 1
            self._next = self._context_start()
        items = self.track.items[self._next : stop]
        self._next = max(self._next, stop)
        if self._playing and self._at_end:
            self._playing = False
        return items

    def resume(self, now_us: int) -> None:
        """Go on after a pause as if no time had passed."""
        self._clock_us = now_us

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    @property
    def _at_end(self) -> bool:
        return not self.track.loading and self.position_us >= self.end_us and bool(self.track.items)

    def _context_start(self) -> int:
        """Place of the first item that matters at the position."""
        position_us = self.position_us
        press = self.track.press_at(position_us)
        begin_us = position_us - PRESS_GAP_US if press is None else press[0]
        begin_us = max(begin_us, position_us - MOST_CONTEXT_US)
        return bisect.bisect_left(self.track.times_us, begin_us)

    def _report_times(self, reports: int) -> list[int]:
        """Return times of the next reports, or of those before; at least one."""
        track, step = self.track, 1 if reports > 0 else -1
        here = self.position_us
        place = (
            bisect.bisect_right(track.times_us, here)
            if step > 0
            else bisect.bisect_left(track.times_us, here) - 1
        )
        times = [here]
        while len(times) <= abs(reports) and 0 <= place < len(track.items):
            if isinstance(track.items[place], TouchReport):
                times.append(track.times_us[place])
            place += step
        return times


def open_recorded(path: Path, given: GivenRuler = UNTOLD) -> RecordedSource:
    """Open a recording of any known format; raw frames come from our own captures.

    One that is broken further on plays up to there, and says so.

    Raises:
        InputError: it cannot be opened, is of no known format, or its header is broken.
    """
    stack = ExitStack()
    try:
        recording = stack.enter_context(open_recording(path, given))
        area = TouchArea.of_header(recording, recording.cancel_limit)
        frames = frames_of(path, stack) if recording.format == capture.FORMAT.name else iter(())
        first_frame = next(frames, None)
    except BaseException:
        stack.close()
        raise
    panel = area.panel
    if first_frame is not None:
        rows, cols = first_frame.deltas.shape
        panel = dataclasses.replace(panel, rows=rows, cols=cols)
        frames = _chained(first_frame, frames)
    track = Track()
    source = RecordedSource(track, panel, str(path))

    def read() -> None:
        with stack:
            _fill(track, recording, area, frames)

    reader = threading.Thread(target=read, name=f"reading {path.name}", daemon=True)
    reader.start()
    reader.join(WHOLE_WITHIN_S)
    return source


def _fill(track: Track, recording: Recording, area: TouchArea, frames: Iterator[Frame]) -> None:
    """Append all that a recording holds to a track; each frame ahead of the report of its scan."""
    reports = (area.report(report) for report in recording)
    keyed: Iterator[tuple[int, int, Item]] = heapq.merge(
        ((frame.t_us, 0, frame) for frame in frames),
        ((report.t_us, 1, report) for report in reports),
        key=lambda item: item[:2],
    )
    try:
        for _, _, item in keyed:
            track.append(item)
    except InputError as error:
        track.finish(str(error))
    else:
        track.finish("; ".join(recording.notes))


def _chained(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
