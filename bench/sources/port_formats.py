"""What comes out of a serial port: its format recognised, and the formats of other hardware read."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines
from stampbench.firmware_emulator.formats import WireFormat, microtouch_px, muca, penmount, printed
from stampbench.firmware_emulator.formats.microtouch_px import PxParser
from stampbench.firmware_emulator.formats.muca import MucaByteParser, MucaTextParser, MucaTouchParser
from stampbench.firmware_emulator.formats.penmount import PenMountParser
from stampbench.firmware_emulator.formats.printed import PrintedParser
from stampbench.firmware_emulator.link.packets import PacketParser
from stampbench.firmware_emulator.touch import Frame, TouchReport

BAUDRATES = {WireFormat.PENMOUNT: 19_200, WireFormat.PENMOUNT_3000: 38_400}
"""Of the formats that do not run at 115200."""
ENOUGH_CONTACTS = 4
ENOUGH_SCANS = 3
MUCA_NODES = (muca.ROWS, muca.COLUMNS)
"""TX and RX lines of a Muca board; others speak its format, too."""
_FRAME_HEAD_BYTES = 2
_UNDECIDED_CONTACTS = 400
"""So many may two models of one series share; a lift, which they tell apart, comes sooner."""
LOG_INTERVAL_US = 10_000
"""Between two scans of a log without times."""
_MUCA_TOUCHES = re.compile(rb"\s*(\d{1,3}:[012]:\d{1,8}:\d{1,8}:\d{1,8}\|)+\r?\n")
PX_DOUBT = (
    "3M PX: no manual at hand says which way y counts, and older MicroTouch formats count it from the "
    "bottom: if a touch at the top is told at the bottom, every stamp reads as its mirror image; --flip-y "
    "turns it"
)


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
        doubt: what is not known of it, and what the user can do about it.
    """

    parser: Callable[[int, int], FormatParser]
    coordinate_max: int | None = None
    raw_frames: bool = False
    doubt: str = ""


STREAM_FORMATS: dict[WireFormat, StreamFormat] = {
    WireFormat.MUCA: StreamFormat(MucaTextParser, raw_frames=True),
    WireFormat.MUCA_BYTES: StreamFormat(MucaByteParser, raw_frames=True),
    WireFormat.MUCA_TOUCHES: StreamFormat(lambda rows, columns: MucaTouchParser()),
    WireFormat.PX: StreamFormat(
        lambda rows, columns: PxParser(), microtouch_px.COORDINATE_MAX, doubt=PX_DOUBT
    ),
    WireFormat.PENMOUNT: StreamFormat(
        lambda rows, columns: PenMountParser(penmount.PM_6250), penmount.PM_6250.coordinate_max
    ),
    WireFormat.PENMOUNT_3000: StreamFormat(
        lambda rows, columns: PenMountParser(penmount.PM_3000), penmount.PM_3000.coordinate_max
    ),
    WireFormat.PRINTED: StreamFormat(lambda rows, columns: PrintedParser()),
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
        self._penmounts = {
            WireFormat.PENMOUNT: PenMountParser(penmount.PM_6250),
            WireFormat.PENMOUNT_3000: PenMountParser(penmount.PM_3000),
        }
        self._texts: dict[WireFormat, MucaTextParser | MucaTouchParser | PrintedParser] = {
            WireFormat.MUCA: MucaTextParser(*nodes),
            WireFormat.MUCA_TOUCHES: MucaTouchParser(),
            WireFormat.PRINTED: PrintedParser(),
        }
        self._parsers: tuple[FormatParser, ...] = (
            self._px,
            *self._penmounts.values(),
            *self._texts.values(),
        )
        self._bursts = _Bursts(_FRAME_HEAD_BYTES + nodes[0] * nodes[1])

    def feed(self, data: bytes, t_us: int) -> WireFormat | None:
        """Take bytes that arrived at ``t_us``, or none; return the format once it is known."""
        self._link.feed(data)
        for parser in self._parsers:
            parser.feed(data, t_us)
        self._bursts.feed(data, t_us)
        if self._link.counters.packets:
            return WireFormat.LINK
        whole = {kind: parser for kind, parser in self._penmounts.items() if _makes_sense(parser)}
        if whole:
            counted = sorted((parser.counters.contacts, kind) for kind, parser in whole.items())
            if len(counted) == 1 or counted[0][0] < counted[1][0] or counted[0][0] > _UNDECIDED_CONTACTS:
                return counted[-1][1]
            return None
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


def _reads_log(wire_format: WireFormat) -> Callable[[RecordingLines], Recording]:
    """Return what reads a file in which the text of a port was kept."""

    def read(lines: RecordingLines) -> Recording:
        parser = STREAM_FORMATS[wire_format].parser(*MUCA_NODES)
        recording = Recording("", wire_format, iter(()))

        def reports() -> Iterator[TouchReport]:
            parser.feed(b"\n", 0)  # a file begins with a whole line
            scans = 0
            for line in chain((f"{text}\n".encode() for text in lines), (None,)):
                if line is not None:
                    found = parser.feed(line, scans * LOG_INTERVAL_US)
                else:
                    found = parser.end() if isinstance(parser, PrintedParser) else []
                for report in found:
                    if isinstance(report, TouchReport):
                        scans += 1
                        yield report
            counters = counts(parser)
            if not (isinstance(parser, PrintedParser) and parser.timed):
                recording.notes.append(f"scans without times, taken as {LOG_INTERVAL_US / 1000:g} ms apart")
            if counters["damaged"]:
                recording.notes.append(f"passed over {counters['damaged']} other lines")

        recording.reports = reports()
        return recording

    return read


LOG_FORMATS = (
    RecordingFormat(
        WireFormat.MUCA_TOUCHES,
        lambda head: _MUCA_TOUCHES.match(head) is not None,
        _reads_log(WireFormat.MUCA_TOUCHES),
    ),
    RecordingFormat(WireFormat.PRINTED, printed.tells_touches, _reads_log(WireFormat.PRINTED)),
)
"""Text of ports that serial monitors keep in files."""


def counts(parser: FormatParser) -> dict[str, int]:
    """Return what a parser has seen, by name."""
    return dataclasses.asdict(parser.counters)
