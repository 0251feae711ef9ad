"""The recording formats that are known, and opening a recording by its content."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

from stampbench.bench.sources import capture, evemu, evtest, frame_contacts, getevent, hid_recorder, libinput
from stampbench.bench.sources.port_formats import LOG_FORMATS
from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines, shown
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.firmware_emulator.errors import InputError

ENTRY_POINT_GROUP = "stampbench.recordings"
BUILT_IN = (
    capture.FORMAT,
    hid_recorder.FORMAT,
    evemu.FORMAT,
    libinput.FORMAT,
    evtest.FORMAT,
    getevent.FORMAT,
    *frame_contacts.FORMATS,
    *LOG_FORMATS,
)
HEAD_BYTES = 1 << 16
_GLANCE_BYTES = 1 << 12


@cache
def known_formats() -> tuple[tuple[RecordingFormat, ...], tuple[str, ...]]:
    """Return all formats, built-in ones first, and a line on each plugin that could not be loaded."""
    formats, problems = list(BUILT_IN), []
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        loaded = _load(entry_point)
        if isinstance(loaded, RecordingFormat):
            formats.append(loaded)
        else:
            problems.append(f"plugin {entry_point.name} ({entry_point.value}) was left out: {loaded}")
    return tuple(formats), tuple(problems)


def _load(entry_point: EntryPoint) -> RecordingFormat | str:
    try:
        loaded = entry_point.load()
    except Exception as error:  # somebody else's code: whatever it does, start-up goes on
        return f"{type(error).__name__}: {error}"
    if not isinstance(loaded, RecordingFormat):
        return (
            f"it is a {type(loaded).__name__}, expected a stampbench.bench.sources.recording.RecordingFormat"
        )
    return loaded


@contextmanager
def open_recording(path: str | Path, given: GivenRuler = UNTOLD) -> Iterator[Recording]:
    """Open a recording, its format recognised by its content; ``-`` is standard input.

    Args:
        path: of the file.
        given: what the user says of the device's coordinates.

    Raises:
        InputError: it cannot be read, is empty, or is of no known format; what is given needs more.
    """
    if str(path) == "-":
        yield given.apply(_recognise("standard input", _standard_input(), given.nodes))
        return
    try:
        stream = BufferedReader(FileIO(path), HEAD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be opened: {reason}; expected a recording") from error
    with stream:
        yield given.apply(_recognise(str(path), stream, given.nodes))


def is_recording(path: Path) -> bool:
    """Return whether a file begins as a recording does; False for what cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_GLANCE_BYTES).removeprefix(BOM_UTF8)
    except OSError:
        return False
    whole_lines = head[: head.rfind(b"\n") + 1] or head
    return bool(head.strip()) and any(known.recognises(whole_lines) for known in known_formats()[0])


def _standard_input() -> BufferedReader[Any]:
    # Only the buffer of a real standard input hands on what is there without waiting for more.
    stdin: Any = sys.stdin.buffer
    return stdin if isinstance(stdin, BufferedReader) else BufferedReader(stdin)


def _recognise(name: str, stream: BufferedReader[Any], nodes: tuple[int, int] | None) -> Recording:
    try:
        head = stream.peek(HEAD_BYTES)[:HEAD_BYTES].removeprefix(BOM_UTF8)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}; expected a recording") from error
    if not head.strip():
        raise InputError(f"{name}: is empty; expected a recording ({_names()})")
    formats, problems = known_formats()
    whole_lines = head[: head.rfind(b"\n") + 1] or head
    for recording_format in formats:
        if recording_format.recognises(whole_lines):
            recording = recording_format.read(RecordingLines(name, stream, nodes))
            recording.notes[:0] = problems
            return recording
    if nodes is not None:  # frames that nothing marks are known by what the user says of them
        return frame_contacts.UNMARKED.read(RecordingLines(name, stream, nodes))
    beginning = shown(head[:24].decode("latin-1"))
    raise InputError(
        f"{name}: is of no known format, it begins with {beginning}; expected one of: {_names()}"
    )


def _names() -> str:
    return ", ".join(recording_format.name for recording_format in known_formats()[0])
