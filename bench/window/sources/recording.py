"""A recording as a source of the screen: read in a thread, so that a long one can be seen at once."""

from __future__ import annotations

import dataclasses
import heapq
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from stampbench.bench.sources import capture
from stampbench.bench.sources.frames import frames_of
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.window.sources.glass import Glass
from stampbench.bench.window.sources.timeline import RecordedSource, Track
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.screen.sources import Item

WHOLE_WITHIN_S: Final = 2.0
"""A recording that is read in this time is there whole when it opens."""


def open_recorded(path: Path) -> RecordedSource:
    """Open a recording of any known format; raw frames come from our own captures.

    One that is broken further on plays up to there, and says so.

    Raises:
        InputError: it cannot be opened, is of no known format, or its header is broken.
    """
    stack = ExitStack()
    try:
        recording = stack.enter_context(open_recording(path))
        glass = Glass.of_header(recording, recording.cancel_limit)
        frames = frames_of(path, stack) if recording.format == capture.FORMAT.name else iter(())
        first_frame = next(frames, None)
    except BaseException:
        stack.close()
        raise
    panel = glass.panel
    if first_frame is not None:
        rows, cols = first_frame.deltas.shape
        panel = dataclasses.replace(panel, rows=rows, cols=cols)
        frames = _chained(first_frame, frames)
    track = Track()
    source = RecordedSource(track, panel, str(path))

    def read() -> None:
        with stack:
            _fill(track, recording, glass, frames)

    reader = threading.Thread(target=read, name=f"reading {path.name}", daemon=True)
    reader.start()
    reader.join(WHOLE_WITHIN_S)
    return source


def _fill(track: Track, recording: Recording, glass: Glass, frames: Iterator[Frame]) -> None:
    """Append all that a recording holds to a track; each frame ahead of the report of its scan."""
    reports = (glass.report(report) for report in recording)
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
