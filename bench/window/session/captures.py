"""What the window saves: captures of whatever comes, with what each press was read as; and their replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from stampbench.bench.sources import capture
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.summary import PressReader
from stampbench.bench.window.session.setup import Setup
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder
from stampbench.sim.screen.sources import Item, PanelInfo
from stampbench.sim.stamps import Catalogue, load_family

_UNITS_PER_MM: Final = 100


class Folder:
    """Where files are saved that nobody gave a name; made when the first one is.

    Args:
        path: of the folder.
        now: local time, for the names of files; None: as it is then.
    """

    def __init__(self, path: Path, now: datetime | None = None) -> None:
        self._path = path
        self._now = now

    def free_path(self, stem: str, suffix: str) -> Path:
        """Return a path in the folder at which nothing is yet.

        Raises:
            InputError: the folder cannot be made.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be made: {error.strerror}") from None
        now = self._now or datetime.now().astimezone()
        name = f"{stem}-{now:%Y%m%d-%H%M%S}"
        numbered = (self._path / f"{name}-{number}{suffix}" for number in range(2, 10_000))
        path = self._path / f"{name}{suffix}"
        while path.exists():
            path = next(numbered)
        return path


class Capture:
    """Appends every report and raw frame to a file, and what each press was read as; nothing waits unwritten.

    Args:
        path: of a new file.
        panel: that is recorded; coordinates of one that does not tell its range are in 1/100 mm.

    Attributes:
        path: as given.
        reports, frames: how many have been written.

    Raises:
        InputError: the file is there already, or cannot be written.
    """

    def __init__(self, path: Path, panel: PanelInfo) -> None:
        header = CaptureHeader(
            device=panel.name,
            x_min=0,
            x_max=panel.x_max or round(panel.width_mm * _UNITS_PER_MM),
            y_min=0,
            y_max=panel.y_max or round(panel.height_mm * _UNITS_PER_MM),
            width_mm=panel.width_mm if panel.sized else None,
            height_mm=panel.height_mm if panel.sized else None,
        )
        self.path = path
        self.reports = self.frames = 0
        self._writer = CaptureWriter(path, header)
        self._begin_us: int | None = None

    def append(self, items: Sequence[Item]) -> None:
        """Record what came.

        Raises:
            StampbenchError: the file cannot be written further; what was written stays.
        """
        for item in items:
            if self._begin_us is None:
                self._begin_us = item.t_us
            if isinstance(item, Frame):
                self._writer.frame(item)
                self.frames += 1
            else:
                self._writer.report(item)
                self.reports += 1

    def press(self, decision: PressDecision, setup: Setup, cancel_limit: int | None) -> None:
        """Record what a press was read as, and by what, unless it began before the recording.

        Raises:
            StampbenchError: the file cannot be written further; what was written stays.
        """
        begun_us = decision.first_contact_us
        if begun_us is not None and self._begin_us is not None and begun_us >= self._begin_us:
            self._writer.note({"t_us": begun_us, "press": _press_fields(decision, setup, cancel_limit)})

    def close(self) -> None:
        """Close the file; everything has been written already."""
        self._writer.close()


def _press_fields(decision: PressDecision, setup: Setup, cancel_limit: int | None) -> dict[str, Any]:
    """Return what a press was read as, and all that is needed to read its reports again."""
    return {
        "family": setup.family,
        "catalogue": None if setup.catalogue is None else str(Path(setup.catalogue).resolve()),
        "sigma_mm": setup.sigma_mm,
        "cancel_limit": cancel_limit,
        "reading": _reading_fields(decision),
    }


def _reading_fields(decision: PressDecision) -> dict[str, Any]:
    """Return what a press was read as, and when."""
    reading = decision.reading
    return {
        "verdict": reading.verdict.value,
        "code": reading.code,
        "distance_mm": reading.distance_mm,
        "decided_at_us": decision.decided_at_us,
        "reports": decision.reports_used,
        "cancelled": decision.cancelled,
    }


# --- presses of a capture read once more


class _Press(msgspec.Struct):
    """What a press was read as, and by what."""

    reading: dict[str, Any]
    family: str | None = None
    catalogue: str | None = None
    sigma_mm: float | None = None
    cancel_limit: int | None = None


class _Line(msgspec.Struct):
    t_us: int = 0
    press: _Press | None = None


def is_capture(path: Path) -> bool:
    """Return whether a file is a capture; False for whatever cannot be read as one."""
    try:
        with path.open("rb") as file:
            return capture.recognises(file.readline(4096))
    except OSError:
        return False


def replay_press(path: Path, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the reports of one press again; what was read then, and what is read now.

    Args:
        path: of a capture of the screen.
        number: of the press among those that were read, from 1.

    Raises:
        InputError: the capture is broken, or has no such press.
    """
    noted = list(_noted(path))
    if not 1 <= number <= len(noted):
        raise InputError(
            f"{path}: has no press {number}: {len(noted)} were read while it was recorded; "
            "stampbench decode reads the reports of any recording"
        )
    begun_us, then = noted[number - 1]
    codebook = load_family(then.family) if then.family is not None else Catalogue.read(str(then.catalogue))
    decoder = Decoder(codebook, sigma_mm=then.sigma_mm)
    for decision in _decisions(path, decoder, then.cancel_limit):
        if decision.first_contact_us == begun_us:
            return then.reading, _reading_fields(decision)
    raise InputError(f"{path}: the reports of press {number}, from {begun_us} us on, are not all there")


def _noted(path: Path) -> Iterator[tuple[int, _Press]]:
    """Yield the time of the first contact and reading of each press that was noted."""
    decoder = msgspec.json.Decoder(_Line)
    with path.open("rb") as file:
        for line_number, line in enumerate(file, 1):
            if b'"press"' not in line or not line.endswith(b"\n"):
                continue
            try:
                found = decoder.decode(line)
            except msgspec.DecodeError as error:
                raise InputError(f"{path}:{line_number}: malformed press: {error}") from None
            if found.press is not None:
                yield found.t_us, found.press


def _decisions(path: Path, decoder: Decoder, cancel_limit: int | None) -> Iterator[PressDecision]:
    """Yield what every press of the capture is read as."""
    reader = PressReader(lambda: PressDecoder(decoder, contact_limit=cancel_limit))
    with open_recording(path) as recording:
        for report in recording:
            ended = reader.feed(report)
            if ended is not None:
                yield ended
    last = reader.finish()
    if last is not None:
        yield last
