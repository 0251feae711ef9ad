"""Touches as sketches print them, a line a touch or a line a scan, for people: 115200 baud 8N1.

Known are ``NumTouches:2`` with ``Touch 0 x:12 y:34 id:1 weight:5 |`` for each on the next line
(muca-board/Muca, Muca_TouchPoints), ``Point 1: x = 12, y = 34`` (FT5x06 libraries), ``X = 12 Y = 34``
(FT6206) and ``Touch 1: (12, 34)``; a clock in front, as serial monitors add it, is read.

A scan ends where a number comes again, where touches are counted anew, or at another line; lifts are not
printed: what a scan does not mention has lifted, and all has after ``RELEASED_US`` of silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stampbench.firmware_emulator.touch import Contact, TouchReport

RELEASED_US = 100_000
MOST_CONTACTS = 16
_LONGEST_LINE = 2048
_CLOCK = re.compile(rb"\s*(\d{1,2}):(\d\d):(\d\d)\.(\d{3})\d*\s*->\s*")
_COUNT = re.compile(rb"\s*NumTouches\s*:\s*(\d{1,2})\s*\Z")
_TOUCH = re.compile(
    rb"(?:\b(?:touch|point|finger|id)\s*#?\s*(\d{1,3})\s*[:=]?\s*)?"
    rb"(?:\(\s*(\d{1,5})\s*,\s*(\d{1,5})\s*\)|\bx\s*[:=]\s*(\d{1,5})[\s,;]*y\s*[:=]\s*(\d{1,5}))"
    rb"(?:[\s,;]*id\s*[:=]\s*(\d{1,3}))?",
    re.IGNORECASE,
)


def encode(report: TouchReport) -> bytes:
    """Return a scan as the sketch of a Muca board prints it; contacts that lift are left out."""
    down = report.down
    cells = [f"Touch {n}\tx:{c.x}\ty:{c.y}\tid:{c.id}\tweight:0 |\t" for n, c in enumerate(down)]
    lines = [f"NumTouches:{len(down)}", *(["".join(cells)] if cells else [])]
    return "".join(f"{line}\r\n" for line in lines).encode()


@dataclass(slots=True)
class PrintedCounters:
    """What a reader has seen: bytes, whole scans, and lines that tell of no touch."""

    bytes: int = 0
    scans: int = 0
    damaged: int = 0


class PrintedParser:
    """Reads touches as sketches print them. The first line may lack its beginning, and is left out."""

    def __init__(self) -> None:
        self.counters = PrintedCounters()
        self.timed = False
        """Whether lines have begun with a clock, whose times are then those of the reports."""
        self._joined = False
        self._partial = b""
        self._scan: dict[int, Contact] = {}
        self._awaited = 0
        self._down: dict[int, Contact] = {}
        self._last_us = 0
        self._scan_us = 0

    def feed(self, data: bytes, t_us: int) -> list[TouchReport]:
        """Take bytes that arrived at ``t_us``, none to let time pass; return the scans they complete."""
        self.counters.bytes += len(data)
        reports: list[TouchReport] = []
        if not data and not self.timed and t_us - self._last_us > RELEASED_US:
            reports += self.end(t_us)
        *lines, partial = (self._partial + data).split(b"\n")
        self._partial = partial[: _LONGEST_LINE + 1]
        for line in lines:
            if self._joined:
                reports += self._line(line, t_us)
            self._joined = True
        return reports

    def end(self, t_us: int | None = None) -> list[TouchReport]:
        """Return the scan under way and the lift of what is down, when no more lines come."""
        reports = self._ended(self._scan_us) if self._scan else []
        last_us = self._last_us if t_us is None else t_us
        return reports + (self._ended(last_us) if self._down else [])

    def _line(self, line: bytes, t_us: int) -> list[TouchReport]:
        if clock := _CLOCK.match(line):
            hours, minutes, seconds, thousandths = map(int, clock.groups())
            t_us = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + thousandths * 1000
            self.timed = True
            line = line[clock.end() :]
        line = line.strip()
        if not line:
            return []
        touches = list(_TOUCH.finditer(line))
        counted = _COUNT.match(line)
        if not touches and counted is None:
            self.counters.damaged += 1
            return self._ended(self._scan_us) if self._scan else []
        reports: list[TouchReport] = []
        if self._last_us and t_us - self._last_us > RELEASED_US:
            reports += self.end(self._last_us + RELEASED_US)
        self._last_us = t_us
        if counted is not None:
            if self._scan:
                reports += self._ended(self._scan_us)
            self._awaited, self._scan_us = int(counted[1]), t_us
            if self._awaited == 0:
                reports += self._ended(t_us)
            return reports
        for touch in touches:
            number, *places, named = touch.groups()
            x, y = (int(place) for place in places if place is not None)
            id_ = int(named or number or 0)
            if id_ in self._scan or len(self._scan) >= MOST_CONTACTS:
                reports += self._ended(self._scan_us)
            if not self._scan:
                self._scan_us = t_us
            self._scan[id_] = Contact(id_, True, x, y)
        if self._awaited and len(self._scan) >= self._awaited:
            reports += self._ended(self._scan_us)
        return reports

    def _ended(self, t_us: int) -> list[TouchReport]:
        """Return the scan under way, with the lift of what it does not mention."""
        lifted = [gone._replace(tip=False) for id_, gone in self._down.items() if id_ not in self._scan]
        report = TouchReport(t_us, (*self._scan.values(), *lifted))
        self._down, self._scan, self._awaited = self._scan, {}, 0
        self.counters.scans += 1
        return [report]


def tells_touches(head: bytes) -> bool:
    """Return whether one of the first lines counts touches or tells a numbered or lone one as sketches do."""
    for line in head.splitlines()[:50]:
        clock = _CLOCK.match(line)
        text = line[clock.end() :] if clock else line
        touch = _TOUCH.search(text)
        if _COUNT.match(text.strip()) or (touch and not text[: touch.start()].strip()):
            return True
    return False
