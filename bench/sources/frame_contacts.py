"""Contacts from raw frames of panels of which no profile is known: the emulated controller says what touches.

Nodes count as 5 mm apart until a size is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from stampbench.bench.sources.frame_files import FRAME_FORMATS, V4L2, FrameFormat
from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines, Ruler
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.firmware_emulator.controller import Controller

PITCH_MM: Final = 5.0
UNITS_PER_MM: Final = 100
INTERVAL_US: Final = 10_000
"""Between two frames that carry no times."""
_TOUCHED_COUNTS: Final = 50.0
"""Threshold of the emulated controller; frames are scaled so that a quarter of the strongest touch is it."""
_NOISE_SIGMAS: Final = 10.0


def controller_for(width_mm: float, height_mm: float, rows: int, columns: int) -> Controller:
    """Return an emulated controller for a panel of which only size and nodes are known."""
    from stampbench.firmware_emulator.controller import Controller, ControllerSettings, PanelGeometry

    return Controller(
        PanelGeometry(
            rows=rows,
            cols=columns,
            pitch_x_mm=width_mm / columns,
            pitch_y_mm=height_mm / rows,
            x_max=round(width_mm * UNITS_PER_MM),
            y_max=round(height_mm * UNITS_PER_MM),
            width_mm=width_mm,
            height_mm=height_mm,
        ),
        ControllerSettings(touch_threshold=_TOUCHED_COUNTS, idle_after_us=0),
    )


def _touches(known: FrameFormat, lines: RecordingLines) -> Recording:
    recorded = known.read(lines)
    rows, cols = recorded.frames.shape[1:]
    width_mm, height_mm = recorded.size_mm or (PITCH_MM * cols, PITCH_MM * rows)
    controller = controller_for(width_mm, height_mm, rows, cols)
    recording = Recording(f"{rows} x {cols} nodes", known.name, iter(()))
    recording.x_min = recording.y_min = 0
    recording.x_max, recording.y_max = controller.geometry.x_max, controller.geometry.y_max
    if recorded.size_mm is not None:
        recording.ruler = Ruler(width_mm, height_mm, "the dump")
    recording.notes.append("contacts are those that the emulated controller finds on the raw frames")
    if recorded.times_us is None:
        recording.notes.append(f"frames without times, taken as {INTERVAL_US / 1000:g} ms apart")
    frames = list(recorded.in_time(INTERVAL_US))
    scale = _TOUCHED_COUNTS / _threshold(frames)

    def reports() -> Iterator[TouchReport]:
        for frame in frames:
            scaled = np.clip(np.rint(scale * frame.deltas), -32768, 32767).astype(np.int16)
            report = controller.process(Frame(frame.t_us, scaled))
            yield report if recorded.size_mm is not None else _unmeasured(report)

    recording.reports = reports()
    return recording


def _threshold(frames: list[Frame]) -> float:
    """Return the counts from which a touch lands: of noise and of the strongest touch in the recording."""
    strongest = max((int(frame.deltas.max()) for frame in frames), default=0)
    sample = np.concatenate([frame.deltas.ravel() for frame in frames[:: max(1, len(frames) // 100)]])
    sigma = 1.4826 * float(np.median(np.abs(sample - np.median(sample)))) if len(sample) else 0.0
    return max(0.25 * strongest, _NOISE_SIGMAS * sigma, 1.0)


def _unmeasured(report: TouchReport) -> TouchReport:
    return report._replace(
        contacts=tuple(contact._replace(x_mm=None, y_mm=None, size_mm=None) for contact in report.contacts)
    )


def _format(known: FrameFormat) -> RecordingFormat:
    return RecordingFormat(known.name, known.recognises, partial(_touches, known))


FORMATS: Final = tuple(map(_format, FRAME_FORMATS))
"""The formats of raw frames as formats of recordings."""
UNMARKED: Final = _format(V4L2)
"""What frames that nothing marks are taken for, where the user names their nodes."""
