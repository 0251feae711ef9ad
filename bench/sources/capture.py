"""Our own recordings: JSON lines, appended and flushed one by one.

The first line is the header ``{"format": "stampbench-capture", "version": 1, "device": ...}``, each further
one a report ``{"t_us": ..., "contacts": [...]}`` or a raw frame ``{"t_us": ..., "deltas": [[...]]}``. A
capture can be read while it is written, and after a kill at any byte: a last line without line end is left
out with a note. Unknown fields and lines of unknown kind are passed over; a higher version is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, BinaryIO, Self

import msgspec
import numpy as np
from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines, Ruler, shown
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

VERSION = 1
_Integer = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]


class CaptureHeader(msgspec.Struct, kw_only=True, omit_defaults=True):
    """First line of a capture: the device, the range of its coordinates (inclusive) and its size in mm."""

    format: str = "stampbench-capture"
    version: int = VERSION
    device: str = ""
    x_min: _Integer | None = None
    x_max: _Integer | None = None
    y_min: _Integer | None = None
    y_max: _Integer | None = None
    width_mm: float | None = None
    height_mm: float | None = None
    ruler: str = ""
    """Who says that size, and below, how far off the units per mm can be, as a share."""
    x_error: float = 0.0
    y_error: float = 0.0

    @classmethod
    def of(cls, recording: Recording) -> CaptureHeader:
        """Return the header of a capture that is to hold a recording."""
        ruler = recording.ruler
        return cls(
            device=recording.device,
            x_min=recording.x_min,
            x_max=recording.x_max,
            y_min=recording.y_min,
            y_max=recording.y_max,
            width_mm=None if ruler is None else ruler.width_mm,
            height_mm=None if ruler is None else ruler.height_mm,
            ruler="" if ruler is None else ruler.source,
            x_error=0.0 if ruler is None else ruler.x_error,
            y_error=0.0 if ruler is None else ruler.y_error,
        )

    def recording(self, format_name: str) -> Recording:
        """Return the recording of that device, without reports."""
        return Recording(
            self.device,
            format_name,
            iter(()),
            self.x_min,
            self.x_max,
            self.y_min,
            self.y_max,
            self.measure(),
        )

    def measure(self) -> Ruler | None:
        """Return the ruler; None where the size is not known."""
        if self.width_mm is None or self.height_mm is None:
            return None
        return Ruler(
            self.width_mm,
            self.height_mm,
            self.ruler or "the device",
            x_error=self.x_error,
            y_error=self.y_error,
        )


class _ContactLine(msgspec.Struct, omit_defaults=True):
    id: _Integer
    tip: bool
    x: _Integer
    y: _Integer
    x_mm: float | None = None
    y_mm: float | None = None
    size_mm: float | None = None
    cancelled: bool = False


class _Line(msgspec.Struct, omit_defaults=True):
    t_us: _Integer | None = None
    contacts: list[_ContactLine] | None = None
    deltas: list[list[int]] | None = None


_headers = msgspec.json.Decoder(CaptureHeader)
_lines = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()
# A reader recognises a capture by these two, so they are written although they are defaults.
_MARK = {"format": CaptureHeader().format, "version": VERSION}


class CaptureWriter:
    """Writes a capture; every line is handed to the system before the call returns.

    Raises:
        InputError: the file is there already, or cannot be written (the disk is full, for example).
    """

    def __init__(self, path: str | Path, header: CaptureHeader) -> None:
        self._path = path
        try:
            self._file: BinaryIO = open(path, "xb", buffering=0)  # noqa: SIM115 (closed by close)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; expected a new file") from error
        fields: dict[str, Any] = msgspec.to_builtins(header)
        self._write(_encoder.encode({**_MARK, **fields}))

    def report(self, report: TouchReport) -> None:
        """Append one report."""
        contacts = [_ContactLine(*contact) for contact in report.contacts]
        self._write(_encoder.encode(_Line(report.t_us, contacts)))

    def frame(self, frame: Frame) -> None:
        """Append one raw frame."""
        self._write(_encoder.encode(_Line(frame.t_us, deltas=frame.deltas.tolist())))

    def note(self, fields: dict[str, Any]) -> None:
        """Append a line of another kind; readers that do not know it pass it over."""
        self._write(_encoder.encode(fields))

    def close(self) -> None:
        """Close the file; everything has been written already."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        """Append a whole line, or none: the system may take a part of it before the disk is full."""
        left, written = line + b"\n", 0
        try:
            while left:
                taken = self._file.write(left)
                left, written = left[taken:], written + taken
        except OSError as error:
            with suppress(OSError):
                self._file.seek(-written, os.SEEK_CUR)
                self._file.truncate()
            raise InputError(
                f"{self._path}: cannot be written further: {error.strerror}; what stands there is whole"
            ) from error


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of a capture."""
    first = head.lstrip().split(b"\n", 1)[0]
    return first.startswith(b"{") and b'"stampbench-capture"' in first


def read(lines: RecordingLines) -> Recording:
    """Read the header; the reports follow as they are asked for.

    Raises:
        InputError: a line is malformed, or the version is higher than this one.
    """
    header = _header(lines)
    recording = header.recording(FORMAT.name)
    recording.reports = _reports(lines, recording.notes)
    return recording


def frames(lines: RecordingLines) -> Iterator[Frame]:
    """Yield the raw frames of a capture, one after the other.

    Raises:
        InputError: a line is malformed, or a frame is no matrix of int16.
    """
    _header(lines)
    for line in _whole_lines(lines, []):
        if line.t_us is None or line.deltas is None:
            continue
        try:
            deltas = np.array(line.deltas, dtype=np.int16)
        except (ValueError, OverflowError) as error:
            raise lines.wrong(f"raw frame: {error}", "rows of equal length, each value in int16") from None
        if deltas.ndim != 2:
            raise lines.wrong("raw frame without nodes", "rows of equal length")
        yield Frame(line.t_us, deltas)


FORMAT = RecordingFormat("capture", recognises, read)


def _header(lines: RecordingLines) -> CaptureHeader:
    first = next(lines, "")
    if not lines.whole:
        raise lines.cut(first)
    try:
        header = _headers.decode(first)
    except msgspec.DecodeError as error:
        raise lines.wrong(f"malformed header: {error}", "the header of a capture") from None
    if not 1 <= header.version <= VERSION:
        raise lines.wrong(f"capture of version {header.version}", f"at most version {VERSION}")
    return header


def _whole_lines(lines: RecordingLines, notes: list[str]) -> Iterator[_Line]:
    for text in lines:
        if not lines.whole:
            notes.append(f"line {lines.number} is not finished and was left out")
            return
        try:
            yield _lines.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise lines.wrong(
                f"malformed line {shown(text)}: {error}", "a JSON object such as a report"
            ) from None


def _reports(lines: RecordingLines, notes: list[str]) -> Iterator[TouchReport]:
    for line in _whole_lines(lines, notes):
        if line.t_us is not None and line.contacts is not None:
            yield TouchReport(line.t_us, tuple(Contact(*msgspec.structs.astuple(c)) for c in line.contacts))
