"""Presses of a capture read once more, and compared with what was read when it was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from stampbench.bench.sources import capture
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.summary import PressReader
from stampbench.bench.window.session.captures import reading_fields
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder
from stampbench.sim.stamps import Catalogue, load_family


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
    """Whether a file is a capture; False for whatever cannot be read as one."""
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
            return then.reading, reading_fields(decision)
    raise InputError(f"{path}: the reports of press {number}, from {begun_us} us on, are not all there")


def _noted(path: Path) -> Iterator[tuple[int, _Press]]:
    """Time of the first contact and reading of each press that was noted."""
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
    """What every press of the capture is read as."""
    reader = PressReader(lambda: PressDecoder(decoder, contact_limit=cancel_limit))
    with open_recording(path) as recording:
        for report in recording:
            ended = reader.feed(report)
            if ended is not None:
                yield ended
    last = reader.finish()
    if last is not None:
        yield last
