"""What GRBL and Marlin have in common: a buffer of received bytes, lines taken from it, words of G-code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stampbench.firmware_emulator.gcode.motion import AXES, Motion

_WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))")
_COMMENT = re.compile(r"\([^)]*\)|;.*")


class Firmware:
    """A motion controller at the end of a byte stream, which a server steps as time goes on.

    Args:
        motion: its axes.

    Attributes:
        cut: True once the port is dead.
    """

    receive_bytes = 128

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self.cut = False
        self._received = bytearray()
        self._out = bytearray()
        self._lines = 0
        self._relative = False
        self._rate = 0.0
        self._inches = False

    def feed(self, data: bytes) -> None:
        """Take in bytes as they arrive."""
        raise NotImplementedError

    def step(self) -> bytes:
        """Do what is due by now, and return what is said."""
        while not self.cut and (line := self._next_line()) is not None:
            self._lines += 1
            if self._lines == self.motion.faults.cut_after_lines:
                self.cut = True
                self.motion.stop()
                break
            self._obey(line)
        self._due()
        said, self._out = bytes(self._out), bytearray()
        return b"" if self.cut else said

    def _due(self) -> None:
        """Do what time brings."""

    def _next_line(self) -> str | None:
        """Take the next whole line; None: there is none, or it has to wait."""
        end = next((i for i, byte in enumerate(self._received) if byte in b"\r\n"), None)
        if end is None or self._waits():
            return None
        line = self._received[:end].decode("ascii", "replace")
        del self._received[: end + 1]
        return _COMMENT.sub("", line).strip().upper()

    def _waits(self) -> bool:
        raise NotImplementedError

    def _obey(self, line: str) -> None:
        raise NotImplementedError

    def _say(self, text: str) -> None:
        self._out += text.encode() + b"\r\n"

    def _words(self, line: str) -> list[tuple[str, float]] | None:
        """Return letters and numbers of a line; None: it is no G-code."""
        words = [(letter, float(number)) for letter, number in _WORD.findall(line)]
        return words if not _WORD.sub("", line).strip() else None

    def _target(self, words: list[tuple[str, float]], *, relative: bool) -> dict[str, float]:
        """Return where the axis words lead."""
        unit = 25.4 if self._inches else 1.0
        planned = self.motion.planned()
        return {
            axis: (number if axis == "a" else unit * number) + (planned[axis] if relative else 0.0)
            for axis, number in self._axes(words)
        }

    @staticmethod
    def _axes(words: list[tuple[str, float]]) -> Iterator[tuple[str, float]]:
        for letter, number in words:
            if letter.lower() in AXES:
                yield letter.lower(), number
