"""Records what comes, whatever it comes from; closing the window at any moment loses nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stampbench.bench.window.session.setup import Setup
from stampbench.bench.window.session.view import CaptureView
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.decoder import PressDecision
from stampbench.sim.screen.sources import Item
from stampbench.sim.screen.workbench import CaptureSink


class Recorder:
    """Appends every report and raw frame to a capture, and what each press was read as.

    Args:
        sink: takes them; each is handed to the system at once.
        path: of the file.

    Attributes:
        view: how much has been written.
    """

    def __init__(self, sink: CaptureSink, path: Path) -> None:
        self._sink = sink
        self._begin_us: int | None = None
        self.view = CaptureView(str(path), 0, 0)

    def append(self, items: Sequence[Item]) -> None:
        """Record what came.

        Raises:
            StampbenchError: the file cannot be written further; what was written stays.
        """
        reports = frames = 0
        try:
            for item in items:
                if self._begin_us is None:
                    self._begin_us = item.t_us
                if isinstance(item, Frame):
                    self._sink.frame(item)
                    frames += 1
                else:
                    self._sink.report(item)
                    reports += 1
        finally:
            view = self.view
            self.view = dataclasses.replace(view, reports=view.reports + reports, frames=view.frames + frames)

    def press(self, decision: PressDecision, setup: Setup, cancel_limit: int | None) -> None:
        """Record what a press was read as, and by what, unless it began before the recording.

        Raises:
            StampbenchError: the file cannot be written further; what was written stays.
        """
        begun_us = decision.first_contact_us
        if begun_us is not None and self._begin_us is not None and begun_us >= self._begin_us:
            self._sink.note({"t_us": begun_us, "press": press_fields(decision, setup, cancel_limit)})

    def close(self) -> None:
        """Close the file; everything has been written already."""
        self._sink.close()


def press_fields(decision: PressDecision, setup: Setup, cancel_limit: int | None) -> dict[str, Any]:
    """What a press was read as, and all that is needed to read its reports again."""
    return {
        "family": setup.family,
        "catalogue": None if setup.catalogue is None else str(Path(setup.catalogue).resolve()),
        "sigma_mm": setup.sigma_mm,
        "cancel_limit": cancel_limit,
        "reading": reading_fields(decision),
    }


def reading_fields(decision: PressDecision) -> dict[str, Any]:
    """What a press was read as, and when."""
    reading = decision.reading
    return {
        "verdict": reading.verdict.value,
        "code": reading.code,
        "distance_mm": reading.distance_mm,
        "decided_at_us": decision.decided_at_us,
        "reports": decision.reports_used,
        "cancelled": decision.cancelled,
    }
