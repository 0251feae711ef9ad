"""What a recording of touch reports is, whoever reads it, and the lines of a text recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import told
from stampbench.firmware_emulator.touch import Contact, TouchReport

MAX_LINE_BYTES = 1 << 20
"""Longest line of a text recording; the longest that a report descriptor needs is 12 kB."""


COARSE_SHARE = 0.001
"""A scale that may be off by more makes another shape of a stamp: 0.05 mm of 50."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """The size of the range of a recording's coordinates, who says it, and how wrong it can be.

    >>> told = Ruler(344.0, 194.0, "the kernel's resolution", x_error=0.05)
    >>> told.coarse, [round(factor, 3) for factor in told.x_scales]
    (True, [0.952, 1.053])

    Attributes:
        width_mm, height_mm: of the range.
        source: who says so.
        x_error, y_error: how far off the units per mm can be along each axis, as a share.
    """

    width_mm: float
    height_mm: float
    source: str
    x_error: float = 0.0
    y_error: float = 0.0

    @property
    def error(self) -> float:
        """The larger of the two errors."""
        return max(self.x_error, self.y_error)

    @property
    def coarse(self) -> bool:
        """Whether stamps must be read at more than one scale."""
        return self.error > COARSE_SHARE

    @property
    def x_scales(self) -> tuple[float, float]:
        """Least and largest factor from this ruler's millimetres to true ones along x."""
        return 1.0 / (1.0 + self.x_error), 1.0 / (1.0 - self.x_error)

    @property
    def y_scales(self) -> tuple[float, float]:
        """Least and largest factor along y."""
        return 1.0 / (1.0 + self.y_error), 1.0 / (1.0 - self.y_error)

    def __str__(self) -> str:
        about = f", off by up to {100 * self.error:.2g} %" if self.coarse else ""
        return f"{self.width_mm:.1f} x {self.height_mm:.1f} mm by {self.source}{about}"


@dataclass(slots=True)
class Recording:
    """Touch reports of one device.

    Attributes:
        device: its name; empty where the recording does not say.
        format: name of the format it was read from.
        reports: the scans in order, read as they are asked for; may raise InputError on the way.
        x_min, x_max, y_min, y_max: range of the coordinates in device units; None where it is not known.
        ruler: size of that range; None where it is not known.
        notes: what the reader should be told, a line each; grows while the reports are read.
        cancel_limit: contacts beyond which the device cancels all touches; None if it never does.
    """

    device: str
    format: str
    reports: Iterator[TouchReport]
    x_min: int | None = None
    x_max: int | None = None
    y_min: int | None = None
    y_max: int | None = None
    ruler: Ruler | None = None
    notes: list[str] = field(default_factory=list)
    cancel_limit: int | None = None

    def __post_init__(self) -> None:
        self.device = told(self.device)

    def __iter__(self) -> Iterator[TouchReport]:
        return self.reports

    @property
    def width_mm(self) -> float | None:
        """Width of the range; None where it is not known."""
        return None if self.ruler is None else self.ruler.width_mm

    @property
    def height_mm(self) -> float | None:
        """Height of the range; None where it is not known."""
        return None if self.ruler is None else self.ruler.height_mm


@dataclass(frozen=True, slots=True)
class RecordingFormat:
    """One format: how it is recognised, and how it is read.

    A package adds one by an entry point of the group ``stampbench.recordings`` that names such an object.

    Attributes:
        name: as it stands in summaries.
        recognises: says from the first whole lines (up to 64 KiB, less of a live stream) whether it is that.
        read: the header at once, the reports as they are asked for; raises InputError.
    """

    name: str
    recognises: Callable[[bytes], bool]
    read: Callable[[RecordingLines], Recording]


class RecordingLines:
    """The lines of a recording, without their line ends, one by one as they come.

    Attributes:
        name: of the file, for messages.
        stream: the bytes themselves, for formats that are no text; do not mix with iterating.
        number: of the line last handed out, from 1.
        whole: whether that line had a line end; the last line of a file that was cut short has none.
        nodes: TX and RX lines of raw frames, where the user names them.
    """

    def __init__(self, name: str, stream: BufferedReader[Any], nodes: tuple[int, int] | None = None) -> None:
        self.name = name
        self.stream = stream
        self.nodes = nodes
        self.number = 0
        self.whole = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self.stream.readline(MAX_LINE_BYTES)
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read further: {error.strerror or error}") from error
        if not line:
            raise StopIteration
        self.number += 1
        self.whole = line.endswith(b"\n")
        if len(line) == MAX_LINE_BYTES and not self.whole:
            raise self.wrong(f"line of more than {MAX_LINE_BYTES} bytes", "text lines")
        encoding = "utf-8-sig" if self.number == 1 else "utf-8"
        return line.decode(encoding, errors="replace").rstrip("\r\n")

    def rewind(self) -> None:
        """Begin again with the first line, where the stream can go back."""
        self.stream.seek(0)
        self.number = 0
        self.whole = True

    def wrong(self, what: str, right: str) -> InputError:
        """Return the error for the current line: ``file:line: what; right``."""
        return InputError(f"{self.name}:{self.number}: {what}; expected {right}")

    def cut(self, line: str) -> InputError:
        """Return the error for a last line that ends in the middle."""
        return self.wrong(f"the last line is cut in the middle: {shown(line[-40:])}", "it whole, or removed")


def contact_fields(contact: Contact) -> dict[str, int | float | bool | None]:
    """Return a contact as programs outside read it: a JSON object; millimetres to a tenth of a micrometre."""
    return {
        "id": contact.id,
        "tip": contact.tip,
        "x": contact.x,
        "y": contact.y,
        "x_mm": None if contact.x_mm is None else round(contact.x_mm, 4),
        "y_mm": None if contact.y_mm is None else round(contact.y_mm, 4),
    }


def in_mm(report: TouchReport, x_scale: float, y_scale: float, x_min: int = 0, y_min: int = 0) -> TouchReport:
    """Return the report with positions in mm: device units from the minimum, times mm per unit."""
    return report._replace(
        contacts=tuple(
            contact._replace(x_mm=(contact.x - x_min) * x_scale, y_mm=(contact.y - y_min) * y_scale)
            for contact in report.contacts
        )
    )


def node_counts(text: str) -> tuple[int, int]:
    """Return TX and RX lines from ``ROWSxCOLUMNS``, as ``--nodes`` gives them.

    Raises:
        InputError: it is not two numbers from 2 to 255.
    """
    rows, _, columns = text.lower().partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and all(2 <= int(n) <= 255 for n in (rows, columns))):
        raise InputError(f"--nodes {text}: expected TX and RX lines, 2 to 255 each, such as 21x12")
    return int(rows), int(columns)


def shown(text: str) -> str:
    """Return a value as it stands in a message: quoted, printable, at most 60 characters."""
    return ascii(text) if len(text) <= 60 else f"{text[:57]!a}..."


def int32(text: str) -> int:
    """Return a decimal number as the kernel's input events have it.

    Raises:
        ValueError: it is none, or needs more than 32 bits.
    """
    number = int(text)
    if not -(1 << 31) <= number < 1 << 31:
        raise ValueError(text)
    return number


def timestamp_us(text: str) -> int:
    """Convert ``seconds.microseconds`` to microseconds, without rounding.

    Raises:
        ValueError: it is not two decimal numbers, or more than six digits follow the point.
    """
    seconds, point, fraction = text.partition(".")
    if not (point and text.isascii() and seconds.isdigit() and fraction.isdigit() and len(fraction) <= 6):
        raise ValueError(text)
    if len(seconds) > 12:
        raise ValueError(text)
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))
