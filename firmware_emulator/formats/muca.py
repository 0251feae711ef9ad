"""Muca multitouch board (FT5316): raw frames as text or bytes, and touches as text, 115200 baud 8N1 over USB.

Text: the counts of all nodes as decimals, comma-separated, TX line by TX line, CR LF after each frame.
Bytes: the least count, high byte first, then each count less that in one byte, of which the board keeps the
lowest eight bits; nothing marks the beginning. So a delta is known modulo 256, and a touch stronger than
``STRONGEST`` counts looks like a weak one or none.
Touches: ``id:flag:x:y:weight|`` for each contact, one line for a scan; flag 0 is landing, 1 lift, 2 contact.
The board has 21 TX and 12 RX lines; counts fall where it is touched. Source: muca-board/Muca; counts of an
FT5206, measured: 9700 to 10020 untouched, up to 697 less under a finger.

A reader of text passes over everything up to the first line end: it may have joined in the middle of a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

ROWS, COLUMNS = 21, 12
REST_COUNT = 10_000
"""Count of an untouched node, as the emulated board has it."""
FRAME_GAP_US = 5000
"""Silence after which bytes begin a new frame: 57 bytes' time at 115200 baud."""
_COUNT_MAX = 0xFFFF
STRONGEST = 230
"""Largest delta that bytes can tell: the 256 values left begin with noise and negative ghosts, at -25."""
_WEAKEST = 128
"""Of a frame without a stronger delta, those below 0 go down to -127."""
_LANDING, _LIFT, _CONTACT = 0, 1, 2
_CELL_CHARACTERS = 8


@dataclass(slots=True)
class MucaCounters:
    """What a reader has seen: bytes, whole frames or scans, and lines or byte runs that were neither."""

    bytes: int = 0
    scans: int = 0
    damaged: int = 0
    beyond_one_byte: int = 0
    """Frames as bytes in which something touches too strongly for one byte: nobody can believe them."""


def encode_text(frame: Frame) -> bytes:
    """Return a frame as a line of text.

    Raises:
        InputError: a delta that the board's counts cannot show.
    """
    return ",".join(map(str, _counts(frame).ravel().tolist())).encode() + b"\r\n"


def encode_bytes(frame: Frame) -> bytes:
    """Return a frame as bytes; counts more than 255 above the least wrap, as on the board.

    Raises:
        InputError: a delta that the board's counts cannot show.
    """
    counts = _counts(frame).ravel()
    least = int(counts.min())
    return least.to_bytes(2, "big") + ((counts - least) & 0xFF).astype(np.uint8).tobytes()


def _counts(frame: Frame) -> npt.NDArray[np.int32]:
    counts: npt.NDArray[np.int32] = REST_COUNT - frame.deltas.astype(np.int32)
    if counts.min() < 0:
        raise InputError(f"Muca: delta {frame.deltas.max()}, must be at most {REST_COUNT}")
    return counts


def encode_touches(report: TouchReport, landed: frozenset[int] = frozenset()) -> bytes:
    """Return a scan as a line of touches; ``landed`` are the ids that touch for the first time."""
    cells = []
    for contact in report.contacts:
        flag = _LIFT if not contact.tip else _LANDING if contact.id in landed else _CONTACT
        cells.append(f"{contact.id}:{flag}:{contact.x}:{contact.y}:0|")
    return "".join(cells).encode() + b"\r\n"


class _Reference:
    """Turns counts into deltas from the first frame, on which nothing must touch."""

    def __init__(self) -> None:
        self._untouched: npt.NDArray[np.int32] | None = None

    def frame(self, counts: npt.NDArray[np.int32], t_us: int) -> Frame:
        if self._untouched is None:
            self._untouched = counts
        deltas = np.clip(self._untouched - counts, -32768, 32767)
        return Frame(t_us, deltas.astype(np.int16))


class MucaTextParser:
    """Reads frames as text. The first whole line is taken as the untouched panel.

    Args:
        rows, columns: TX and RX lines.
    """

    def __init__(self, rows: int = ROWS, columns: int = COLUMNS) -> None:
        self.counters = MucaCounters()
        self._shape = (rows, columns)
        self._lines = _Lines(rows * columns * _CELL_CHARACTERS)
        self._reference = _Reference()

    def feed(self, data: bytes, t_us: int) -> list[Frame]:
        """Take bytes that arrived at ``t_us``; return the frames they complete."""
        self.counters.bytes += len(data)
        frames = []
        for line in self._lines.feed(data):
            counts = self._line(line)
            if counts is None:
                self.counters.damaged += 1
            else:
                self.counters.scans += 1
                frames.append(self._reference.frame(counts.reshape(self._shape), t_us))
        return frames

    def _line(self, line: bytes) -> npt.NDArray[np.int32] | None:
        cells = line.split(b",")
        if len(cells) != self._shape[0] * self._shape[1] or not all(cell.isdigit() for cell in cells):
            return None
        values = [int(cell) for cell in cells if len(cell) <= _CELL_CHARACTERS]
        return np.array(values, np.int32) if len(values) == len(cells) and max(values) <= _COUNT_MAX else None


class MucaByteParser:
    """Reads frames as bytes; only silence tells where one begins. The first is taken as the untouched panel.

    Args:
        rows, columns: TX and RX lines.
        gap_us: silence before a frame.
    """

    def __init__(self, rows: int = ROWS, columns: int = COLUMNS, gap_us: int = FRAME_GAP_US) -> None:
        self.counters = MucaCounters()
        self._shape = (rows, columns)
        self._gap_us = gap_us
        self._partial = bytearray()
        self._last_us = 0
        self._untouched: npt.NDArray[np.int32] | None = None

    def feed(self, data: bytes, t_us: int) -> list[Frame]:
        """Take bytes that arrived at ``t_us``; return the frames they complete."""
        self.counters.bytes += len(data)
        if self._partial and t_us - self._last_us > self._gap_us:
            self.counters.damaged += 1
            self._partial.clear()
        self._last_us = t_us
        self._partial += data
        length = 2 + self._shape[0] * self._shape[1]
        frames = []
        while len(self._partial) >= length:
            least = int.from_bytes(self._partial[:2], "big")
            counts = least + np.frombuffer(bytes(self._partial[2:length]), np.uint8).astype(np.int32)
            del self._partial[:length]
            self.counters.scans += 1
            frames.append(Frame(t_us, self._deltas(counts.reshape(self._shape))))
        return frames

    def _deltas(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int16]:
        if self._untouched is None:
            self._untouched = counts
        modulo = self._untouched - counts
        # The least count is told whole, and with it the strongest delta.
        least = counts.min()
        strongest = int(modulo[counts == least].max())
        self.counters.beyond_one_byte += strongest > STRONGEST
        lowest = min(max(strongest, _WEAKEST), STRONGEST) - 255
        deltas = (modulo - lowest & 0xFF) + lowest
        deltas[(counts == least) & (modulo == strongest)] = strongest
        return np.clip(deltas, -32768, 32767).astype(np.int16)


class MucaTouchParser:
    """Reads touches as text."""

    _LONGEST_LINE = 512

    def __init__(self) -> None:
        self.counters = MucaCounters()
        self._lines = _Lines(self._LONGEST_LINE)

    def feed(self, data: bytes, t_us: int) -> list[TouchReport]:
        """Take bytes that arrived at ``t_us``; return the scans they complete."""
        self.counters.bytes += len(data)
        reports = []
        for line in self._lines.feed(data):
            contacts = _contacts(line)
            if contacts is None:
                self.counters.damaged += 1
            else:
                self.counters.scans += 1
                reports.append(TouchReport(t_us, contacts))
        return reports


def _contacts(line: bytes) -> tuple[Contact, ...] | None:
    """Return the contacts in a line of touches; None if it is none."""
    *cells, rest = line.split(b"|")
    if rest:
        return None
    contacts = []
    for cell in cells:
        values = cell.split(b":")
        if len(values) != 5 or not all(
            value.isdigit() and len(value) <= _CELL_CHARACTERS for value in values
        ):
            return None
        number, flag, x, y, _ = map(int, values)
        if flag not in (_LANDING, _LIFT, _CONTACT):
            return None
        contacts.append(Contact(number, flag != _LIFT, x, y))
    return tuple(contacts)


class _Lines:
    """Cuts bytes into lines; the first may lack its beginning and is left out, and none grows without end."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._partial = b""
        self._joined = False

    def feed(self, data: bytes) -> list[bytes]:
        *lines, partial = (self._partial + data).split(b"\n")
        self._partial = partial[: self._longest + 1]
        if lines and not self._joined:
            self._joined = True
            del lines[0]
        return [line.removesuffix(b"\r") for line in lines]
