"""Recordings of hid-recorder (hid-replay and hid-tools): report descriptors and packets as hexadecimal text.

``D: index`` names the device that the following lines are about, ``N: name`` and ``R: length bytes`` are
its name and report descriptor, ``I: bus vendor product`` its identity, by which Linux knows some devices that
need rules of their own, ``E: seconds.microseconds length bytes`` is one input report. Everything else
(``P:``, comments, the steps that the tester was asked to do) is passed over.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from stampbench.bench.sources.recording import (
    Recording,
    RecordingFormat,
    RecordingLines,
    Ruler,
    shown,
    timestamp_us,
)
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.reports import NOT_SEEN_MEANS_UP, HidTouchDecoder, touch_screen
from stampbench.firmware_emulator.touch import TouchReport

_RECOGNISED = re.compile(
    rb"^(R: \d+ [0-9a-fA-F]{2}( |\r?$)|D: \d+\r?$|E: \d+\.\d+ \d+ [0-9a-fA-F]{2}( |\r?$))", re.MULTILINE
)
_BARE_DATA = re.compile(r"[0-9a-fA-F.\s]*\Z")


def recognises(head: bytes) -> bool:
    """Return whether a report descriptor, a device or a packet line is there."""
    return _RECOGNISED.search(head) is not None


def read(lines: RecordingLines) -> Recording:
    """Read the devices; the reports of the first with a touchscreen follow as they are asked for.

    Raises:
        InputError: a line is malformed, or there is no touchscreen or no packet.
    """
    reader = _Reader(lines)
    first = next(reader.packets(), None)
    if first is None:
        raise InputError(
            f"{lines.name}: holds no input reports; expected lines of the form 'E: 0.000000 2 01 00'"
        )
    index, name, decoder = reader.touch_device()
    decoder.not_seen_means_up = reader.devices[index].not_seen_means_up
    screen = decoder.screen
    others = [
        other.name for key, other in reader.devices.items() if other.decoder is not None and key != index
    ]
    recording = Recording(
        name,
        FORMAT.name,
        reader.reports(index, decoder, first),
        screen.x_min,
        screen.x_max,
        screen.y_min,
        screen.y_max,
        descriptor_ruler(screen.width_mm, screen.height_mm),
    )
    reader.notes = recording.notes
    if others:
        recording.notes.append(f"read {name}; left out the other touch devices: {', '.join(others)}")
    return recording


def descriptor_ruler(width_mm: float | None, height_mm: float | None) -> Ruler | None:
    """Return the size by a report descriptor; None where it gives none."""
    if width_mm is None or height_mm is None:
        return None
    return Ruler(width_mm, height_mm, "the HID descriptor")


FORMAT = RecordingFormat("hid-recorder", recognises, read)


@dataclass(slots=True)
class _Device:
    name: str = ""
    decoder: HidTouchDecoder | None = None
    why_not: str = "it has no report descriptor (R: line)"
    not_seen_means_up: bool = False


class _Reader:
    def __init__(self, lines: RecordingLines) -> None:
        self.lines = lines
        self.devices: dict[int, _Device] = {}
        self.current = 0
        self.notes: list[str] = []

    def touch_device(self) -> tuple[int, str, HidTouchDecoder]:
        for index, device in self.devices.items():
            if device.decoder is not None:
                return index, device.name, device.decoder
        why = "; ".join(f"{device.name or 'device'}: {device.why_not}" for device in self.devices.values())
        raise InputError(f"{self.lines.name}: no device with a touchscreen ({why or 'no R: line'})")

    def reports(
        self, index: int, decoder: HidTouchDecoder, first: tuple[int, int, bytes]
    ) -> Iterator[TouchReport]:
        for device, t_us, packet in chain((first,), self.packets()):
            if device == index:
                yield from decoder.feed(t_us, packet)
        yield from decoder.flush()
        if decoder.short_packets:
            self.notes.append(
                f"{decoder.short_packets} packets are shorter than described, their rest is read as zero"
            )
        if decoder.incomplete_scans:
            self.notes.append(f"{decoder.incomplete_scans} scans lack contacts that their count announced")
        if decoder.duplicates:
            self.notes.append(f"{decoder.duplicates} contacts came again in the same scan and are left out")
        if decoder.assumed_lifts:
            self.notes.append(f"{decoder.assumed_lifts} lifts are assumed: the device did not tell them")
        if decoder.palms:
            self.notes.append(
                f"{decoder.palms} contacts became a palm (no confidence) and count as cancelled"
            )

    def packets(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (device, t_us, packet) of each E: line; takes note of the other lines on the way."""
        lines = self.lines
        for line in lines:
            tag = line[:2]
            if tag == "E:":
                yield self.current, *self.packet(line)
            elif tag == "R:":
                self.add_descriptor(line)
            elif tag == "N:":
                self.device().name = line[2:].strip()
            elif tag == "I:":
                self.add_identity(line)
            elif tag == "D:":
                self.current = self.device_index(line)
            elif line.startswith("#") or not line.strip():
                continue
            elif not lines.whole:
                raise lines.cut(line)
            elif "\ufffd" in line or not line.replace("\t", " ").isprintable() or _BARE_DATA.match(line):
                raise lines.wrong(f"{shown(line)} is no line of hid-recorder", "R:, N:, I:, E: or # lines")

    def device(self) -> _Device:
        return self.devices.setdefault(self.current, _Device())

    def device_index(self, line: str) -> int:
        text = line[2:].strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 4):
            raise self.lines.wrong(f"device number {shown(text)}", "a number such as 'D: 0'")
        return int(text)

    def add_identity(self, line: str) -> None:
        words = line.split()[-2:]
        with contextlib.suppress(ValueError, IndexError):  # older recordings say other things there
            vendor, product = (int(word, 16) for word in words)
            self.device().not_seen_means_up = (vendor, product) in NOT_SEEN_MEANS_UP

    def packet(self, line: str) -> tuple[int, bytes]:
        words = line.split(None, 3)
        try:
            t_us, length, data = timestamp_us(words[1]), int(words[2]), bytes.fromhex(words[3])
        except (IndexError, ValueError):
            if not self.lines.whole:
                raise self.lines.cut(line) from None
            raise self.lines.wrong(
                f"malformed packet {shown(line)}", "'E: seconds.microseconds length bytes'"
            ) from None
        if len(data) != length:
            if not self.lines.whole:
                raise self.lines.cut(line)
            raise self.lines.wrong(f"packet of {len(data)} bytes said to have {length}", f"{length} bytes")
        return t_us, data

    def add_descriptor(self, line: str) -> None:
        words = line.split(None, 2)
        try:
            length, data = int(words[1]), bytes.fromhex(words[2])
        except (IndexError, ValueError):
            if not self.lines.whole:
                raise self.lines.cut(line) from None
            raise self.lines.wrong(
                f"malformed report descriptor {shown(line)}", "'R: length bytes'"
            ) from None
        if len(data) != length:
            if not self.lines.whole:
                raise self.lines.cut(line)
            raise self.lines.wrong(
                f"report descriptor of {len(data)} bytes said to have {length}", f"{length} bytes"
            )
        device = self.device()
        try:
            descriptor = parse_descriptor(data)
        except ProtocolError as error:
            raise InputError(f"{self.lines.name}:{self.lines.number}: {error}") from error
        try:
            device.decoder = HidTouchDecoder(touch_screen(descriptor))
        except ProtocolError as error:
            device.decoder, device.why_not = None, str(error)
