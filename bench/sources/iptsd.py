"""Dumps of iptsd, the daemon of Microsoft Surface touchscreens: heatmaps in frames within frames.

Since version 3 a dump begins with the device as hidraw tells it (bus u32, vendor and product u16), the size
of its HID descriptor (u32) and the descriptor; then each report follows its size (u64). Before, it began with
vendor, product and the size of a buffer, a byte that says whether metadata follow, and each report filled
the buffer. Numbers are little endian; a heatmap is a byte a node, row by row, and falls where it is touched.
Source: linux-surface/iptsd, src/apps/dump and src/ipts/protocol.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

VENDORS: Final = (0x045E, 0x1B96)
"""Microsoft and N-trig."""
_DEVICE = struct.Struct("<IHHI")  # bus, vendor, product, size of the descriptor
_OLD_DEVICE = struct.Struct("<HHIQB")  # vendor, product, nothing, size of the buffer, whether metadata follow
_METADATA_SIZE: Final = 105
_PANEL = struct.Struct("<IIII")  # rows, columns, width and height in 1/100 mm
_REPORT_HEAD = struct.Struct("<BH")  # id, timestamp
_FRAME = struct.Struct("<IBBB")  # size with this head, -, type, -
_HEATMAP_HEAD = struct.Struct("<5xI")
_PIECE = struct.Struct("<BBH")  # type, flags, size
_DIMENSIONS_SIZE: Final = 8
"""Rows, columns, least and largest y, x and value, a byte each."""
_LEGACY_HEAD, _LEGACY_GROUP = struct.Struct("<II4x"), struct.Struct("<HHI8x")
_HID, _HEATMAP, _METADATA, _LEGACY, _REPORTS = 0x00, 0x01, 0x02, 0xEE, 0xFF
_PIECE_DIMENSIONS, _PIECE_HEATMAP = 0x03, 0x25
_TICK_US: Final = 100
"""Of the timestamp of a report, as of a HID scan time."""
_DEEPEST: Final = 8
_MOST_BUFFER: Final = 1 << 16
_MOST_DESCRIPTOR: Final = 4096


@dataclass(frozen=True, slots=True)
class Heatmaps:
    """What a dump holds.

    Attributes:
        deltas: int16, shape (frames, rows, cols), from the median node, above 0 where it is touched.
        times_us: of the frames, from the first; None where they do not rise.
        size_mm: of the panel; None where the dump does not tell.
    """

    deltas: npt.NDArray[np.int16]
    times_us: tuple[int, ...] | None
    size_mm: tuple[float, float] | None


def recognises(head: bytes) -> bool:
    """Return whether the beginning of a dump, of either form, is there."""
    return _is_new(head) or _is_old(head)


def _is_new(head: bytes) -> bool:
    if len(head) <= _DEVICE.size:
        return False
    _, vendor, _, size = _DEVICE.unpack_from(head)
    return vendor in VENDORS and 0 < size <= _MOST_DESCRIPTOR and head[_DEVICE.size] in (0x05, 0x06)


def _is_old(head: bytes) -> bool:
    if len(head) < _OLD_DEVICE.size:
        return False
    vendor, _, _, size, metadata = _OLD_DEVICE.unpack_from(head)
    return vendor in VENDORS and 0 < size <= _MOST_BUFFER and metadata <= 1


def heatmaps(name: str, content: bytes) -> Heatmaps:
    """Read a dump.

    Args:
        name: of the file, for messages.
        content: all of it.

    Raises:
        InputError: it holds no heatmaps, or heatmaps of several sizes.
    """
    reader = _Reader()
    if _is_new(content):
        reports = _reports(content, _DEVICE.size + _DEVICE.unpack_from(content)[3], None)
    elif not _is_old(content):
        raise InputError(f"{name}: is no dump of iptsd; expected a device of Microsoft or N-trig first")
    else:
        *_, size, metadata = _OLD_DEVICE.unpack_from(content)
        begin = _OLD_DEVICE.size
        if metadata:
            reader.panel(content[begin : begin + _METADATA_SIZE])
            begin += _METADATA_SIZE
        reports = _reports(content, begin, size)
    for report in reports:
        reader.report(report)
    if not reader.frames:
        raise InputError(f"{name}: a dump of iptsd without heatmaps; expected one made while it was touched")
    if len({frame.shape for frame in reader.frames}) > 1:
        raise InputError(f"{name}: heatmaps of several sizes; expected the dump of one device")
    return Heatmaps(np.stack(reader.frames), _unwrapped(reader.ticks), reader.size_mm)


def _reports(content: bytes, at: int, buffer_size: int | None) -> Iterator[bytes]:
    """Yield the reports; the last is left out where the dump was cut in it."""
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 8], "little", signed=True)
        at += 8
        room = max(0, size) if buffer_size is None else buffer_size
        if at + room > len(content):
            return
        if 0 <= size <= room:
            yield content[at : at + size]
        at += room


def _unwrapped(ticks: list[int]) -> tuple[int, ...] | None:
    times_us = [0]
    for before, now in itertools.pairwise(ticks):
        times_us.append(times_us[-1] + ((now - before) & 0xFFFF) * _TICK_US)
    rises = all(before < now for before, now in itertools.pairwise(times_us))
    return tuple(times_us) if rises else None


@dataclass(slots=True)
class _Reader:
    frames: list[npt.NDArray[np.int16]] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    shape: tuple[int, int] = (0, 0)
    size_mm: tuple[float, float] | None = None
    tick: int = 0

    def report(self, report: bytes) -> None:
        if len(report) >= _REPORT_HEAD.size:
            _, self.tick = _REPORT_HEAD.unpack_from(report)
            self.chain(report[_REPORT_HEAD.size :], _DEEPEST)

    def chain(self, data: bytes, deepest: int) -> None:
        """Read frames, one behind the other."""
        at = 0
        while deepest and at + _FRAME.size <= len(data):
            size, _, kind, _ = _FRAME.unpack_from(data, at)
            if size < _FRAME.size or at + size > len(data):
                return
            payload = data[at + _FRAME.size : at + size]
            at += size
            if kind == _HID:
                self.chain(payload, deepest - 1)
            elif kind == _HEATMAP and len(payload) >= _HEATMAP_HEAD.size:
                (length,) = _HEATMAP_HEAD.unpack_from(payload)
                self.heatmap(payload[_HEATMAP_HEAD.size :][:length])
            elif kind == _METADATA:
                self.panel(payload)
            elif kind == _REPORTS:
                self.pieces(payload)
            elif kind == _LEGACY:
                self.groups(payload)

    def groups(self, data: bytes) -> None:
        at = _LEGACY_HEAD.size
        while at + _LEGACY_GROUP.size <= len(data):
            _, _, size = _LEGACY_GROUP.unpack_from(data, at)
            at += _LEGACY_GROUP.size
            self.pieces(data[at : at + size])
            at += size

    def pieces(self, data: bytes) -> None:
        at = 0
        while at + _PIECE.size <= len(data):
            kind, _, size = _PIECE.unpack_from(data, at)
            payload = data[at + _PIECE.size : at + _PIECE.size + size]
            at += _PIECE.size + size
            if kind == _PIECE_DIMENSIONS and len(payload) >= _DIMENSIONS_SIZE:
                self.shape = payload[0], payload[1]
            elif kind == _PIECE_HEATMAP:
                self.heatmap(payload)

    def panel(self, data: bytes) -> None:
        if len(data) >= _PANEL.size:
            rows, columns, width, height = _PANEL.unpack_from(data)
            if 0 < rows < 256 and 0 < columns < 256:
                self.shape = rows, columns
            if 0 < width < 1_000_000 and 0 < height < 1_000_000:
                self.size_mm = width / 100, height / 100

    def heatmap(self, data: bytes) -> None:
        rows, columns = self.shape
        if min(rows, columns) >= 2 and len(data) == rows * columns:
            values = np.frombuffer(data, np.uint8).astype(np.int16).reshape(rows, columns)
            self.frames.append(int(np.median(values)) - values)
            self.ticks.append(self.tick)
