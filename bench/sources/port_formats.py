"""What comes out of a serial port: its format recognised, and the formats of other hardware read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from stampbench.firmware_emulator.formats import WireFormat, microtouch_px, muca, penmount
from stampbench.firmware_emulator.formats.microtouch_px import PxParser
from stampbench.firmware_emulator.formats.muca import MucaByteParser, MucaTextParser, MucaTouchParser
from stampbench.firmware_emulator.formats.penmount import PenMountParser
from stampbench.firmware_emulator.link.packets import PacketParser
from stampbench.firmware_emulator.touch import Frame, TouchReport

BAUDRATES = {WireFormat.PENMOUNT: 19_200}
"""Of the formats that do not run at 115200."""
ENOUGH_CONTACTS = 4
ENOUGH_SCANS = 3
MUCA_NODES = (muca.ROWS, muca.COLUMNS)
"""TX and RX lines of a Muca board; others speak its format, too."""
_FRAME_HEAD_BYTES = 2


class FormatParser(Protocol):
    """A parser of one of the formats of other hardware."""

    @property
    def counters(self) -> Any:
        """What it has seen, a dataclass of counts."""

    def feed(self, data: bytes, t_us: int) -> list[TouchReport] | list[Frame]:
        """Take bytes that arrived at ``t_us``; return what they complete."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """One of the formats of other hardware.

    Attributes:
        parser: makes a parser, from TX and RX lines of the raw frames.
        coordinate_max: at the right and the lower edge; None where the format does not say.
        raw_frames: True if it carries raw frames, and no contacts.
    """

    parser: Callable[[int, int], FormatParser]
    coordinate_max: int | None = None
    raw_frames: bool = False


STREAM_FORMATS: dict[WireFormat, StreamFormat] = {
    WireFormat.MUCA: StreamFormat(MucaTextParser, raw_frames=True),
    WireFormat.MUCA_BYTES: StreamFormat(MucaByteParser, raw_frames=True),
    WireFormat.MUCA_TOUCHES: StreamFormat(lambda rows, columns: MucaTouchParser()),
    WireFormat.PX: StreamFormat(lambda rows, columns: PxParser(), microtouch_px.COORDINATE_MAX),
    WireFormat.PENMOUNT: StreamFormat(lambda rows, columns: PenMountParser(), penmount.COORDINATE_MAX),
}


class Recogniser:
    """Gives what a port sends to every parser, until one of them makes sense of it.

    A packet of the link is proof by its CRC. Contacts need to be several with hardly a byte between them,
    lines whole without exception; the bytes of a Muca board, which nothing marks, come in bursts.

    Args:
        nodes: TX and RX lines of raw frames.
    """

    def __init__(self, nodes: tuple[int, int] = MUCA_NODES) -> None:
        self._link = PacketParser()
        self._px = PxParser()
        self._penmount = PenMountParser()
        self._texts: dict[WireFormat, MucaTextParser | MucaTouchParser] = {
            WireFormat.MUCA: MucaTextParser(*nodes),
            WireFormat.MUCA_TOUCHES: MucaTouchParser(),
        }
        self._parsers: tuple[FormatParser, ...] = (self._px, self._penmount, *self._texts.values())
        self._bursts = _Bursts(_FRAME_HEAD_BYTES + nodes[0] * nodes[1])

    def feed(self, data: bytes, t_us: int) -> WireFormat | None:
        """Take bytes that arrived at ``t_us``, or none; return the format once it is known."""
        self._link.feed(data)
        for parser in self._parsers:
            parser.feed(data, t_us)
        self._bursts.feed(data, t_us)
        if self._link.counters.packets:
            return WireFormat.LINK
        if _makes_sense(self._penmount):
            return WireFormat.PENMOUNT
        if _makes_sense(self._px):
            return WireFormat.PX
        for wire_format, text_parser in self._texts.items():
            if text_parser.counters.scans >= ENOUGH_SCANS and not text_parser.counters.damaged:
                return wire_format
        return WireFormat.MUCA_BYTES if self._bursts.whole_frames >= ENOUGH_SCANS else None


def _makes_sense(parser: PxParser | PenMountParser) -> bool:
    counters = parser.counters
    joined_in_the_middle = microtouch_px.CONTACT_BYTES - 1
    return counters.contacts >= ENOUGH_CONTACTS and counters.stray_bytes <= joined_in_the_middle


class _Bursts:
    """Counts frames that came in bursts of nothing but whole frames; any other burst sets it back to 0."""

    def __init__(self, frame_bytes: int) -> None:
        self.whole_frames = 0
        self._frame_bytes = frame_bytes
        self._bytes = 0
        self._last_us = 0

    def feed(self, data: bytes, t_us: int) -> None:
        if t_us - self._last_us > muca.FRAME_GAP_US:
            frames, rest = divmod(self._bytes, self._frame_bytes)
            self.whole_frames = 0 if rest else self.whole_frames + frames
            self._bytes = 0
        if data:
            self._bytes += len(data)
            self._last_us = t_us


def counts(parser: FormatParser) -> dict[str, int]:
    """Return what a parser has seen, by name."""
    return dataclasses.asdict(parser.counters)
