"""The driver of a machine that speaks G-code: GRBL 1.1 and Marlin 2, told apart by what they say.

Nothing moves when a port is opened. Lines go out one at a time, each after the answer to the one before it,
so that no buffer overflows. Whatever goes wrong ends in :class:`RobotFault`: a fault of the machine, never of
a stamp.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, Self

from stampbench.firmware_emulator.errors import InputError, LinkError

BAUDRATE: Final = 115200
ANSWER_S: Final = 3.0
"""How long a machine may take to answer a line, unless it says that it is busy."""
HOMING_S: Final = 120.0
_STATUS = re.compile(r"<(\w+)(?::\d+)?\|MPos:([-\d.,]+)")
_PLACE = re.compile(r"\b([XYZA]):(-?[\d.]+)")
_ALARMS: Final = {
    "1": "a limit switch was hit",
    "2": "the target lies beyond the travel",
    "3": "it was reset while it moved, and no longer knows where it is",
    "8": "a limit switch did not open while it went home",
    "9": "no limit switch was found while it went home",
}


class RobotFault(LinkError):  # noqa: N818 - a fault of the bench, as in the words of the house
    """The machine did not do as it was told, or nobody can say that it did: no stamp is judged by it."""


class Line(Protocol):
    """A byte stream to a machine; :class:`stampbench.bench.rig.port.SerialPort` is one."""

    def read(self) -> bytes:
        """Return what has arrived, waiting a little for it."""

    def read_now(self) -> bytes:
        """Return what has arrived already."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def close(self) -> None:
        """Close the stream."""


class Machine:
    """A machine on a port; a ``with`` block greets it, and lifts nothing, homes nothing, moves nothing.

    Args:
        line: the open port.
        name: of the port, for messages.
        clock: seconds.

    Attributes:
        firmware: "grbl" or "marlin", known once the block is entered.
        greeting: what it says of itself.

    Raises:
        RobotFault: it is silent, or speaks neither.
    """

    def __init__(self, line: Line, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.firmware = ""
        self.greeting = ""
        self._line = line
        self._clock = clock
        self._text = ""
        self._said: deque[str] = deque()
        self._queue: deque[str] = deque()
        self._unanswered: str | None = None
        self._sent_s = 0.0
        self._patience_s = ANSWER_S
        self._heard: list[str] = []

    def __enter__(self) -> Self:
        until_s = self._clock() + ANSWER_S
        asked = False
        while self._clock() < until_s and not self.firmware:
            self._take(self._line.read())
            for said in tuple(self._said):
                if said.startswith("Grbl"):
                    self.firmware, self.greeting = "grbl", said.partition(" [")[0]
                elif "Marlin" in said:
                    self.firmware, self.greeting = "marlin", said.removeprefix("echo:").strip()
            if not asked and not self.firmware and self._clock() > until_s - 0.7 * ANSWER_S:
                self._line.write(b"\nM115\n$I\n")  # one that was open already does not greet
                asked = True
            if any(said.startswith("[VER:") for said in self._said):
                self.firmware, self.greeting = "grbl", "Grbl"
        if not self.firmware:
            self._line.close()
            raise RobotFault(f"machine on {self.name}: expected GRBL 1.1 or Marlin 2: it said neither name")
        self._settle()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def _settle(self) -> None:
        """Let the answers to the greeting pass."""
        until_s = self._clock() + 0.3
        while self._clock() < until_s:
            self._take(self._line.read())
        self._said.clear()

    def home(self) -> None:
        """Find the limit switches; the machine knows where it is from then on.

        Raises:
            RobotFault: it does not find them.
        """
        self.do(["$H" if self.firmware == "grbl" else "G28"], patience_s=HOMING_S)

    def unlock(self) -> None:
        """Let a machine in alarm move again without going home."""
        if self.firmware == "grbl":
            self.do(["$X"])

    def settings(self) -> dict[str, float]:
        """Return GRBL's numbered settings; of Marlin nothing."""
        if self.firmware != "grbl":
            return {}
        found = dict(re.findall(r"\$(\d+)=([\d.]+)", "\n".join(self.do(["$$"]))))
        return {f"${number}": float(value) for number, value in found.items()}

    def position(self) -> dict[str, float]:
        """Return where the machine believes it is.

        Raises:
            RobotFault: it does not say so, or is in alarm.
        """
        if self.firmware == "grbl":
            self._line.write(b"?")
            until_s = self._clock() + ANSWER_S
            while self._clock() < until_s:
                self._take(self._line.read())
                for said in self._taken():
                    if found := _STATUS.search(said):
                        self._check_state(found[1])
                        return dict(zip("xyza", map(float, found[2].split(",")), strict=False))
            raise RobotFault(f"machine on {self.name}: no answer to ? within {ANSWER_S:g} s")
        said = "\n".join(self.do(["M114"]))
        return {axis.lower(): float(value) for axis, value in _PLACE.findall(said.partition("Count")[0])}

    def _check_state(self, state: str) -> None:
        if state == "Alarm":
            raise RobotFault(
                f"machine on {self.name} is in alarm: it has to find home: stampbench robot home"
            )

    def move(self, target: Mapping[str, float], speed_mm_s: float) -> None:
        """Move and wait until it has arrived."""
        self.do([move_line(target, speed_mm_s), *self._arrived()])

    def start(self, lines: Iterable[str]) -> None:
        """Queue lines that :meth:`pump` sends, and wait for their end behind them."""
        self._queue.extend([*lines, *self._arrived()])

    def dwell_line(self, seconds: float) -> str:
        """Return the line that waits; it is answered when the wait is over."""
        return f"G4 P{seconds:.3f}" if self.firmware == "grbl" else f"G4 P{1000.0 * seconds:.0f}"

    def _arrived(self) -> list[str]:
        """Return lines whose answer says that all moves are over."""
        return ["G4 P0.01"] if self.firmware == "grbl" else ["M400"]

    def pump(self, *, wait: bool = False) -> bool:
        """Go on with what was queued; return whether all of it is done.

        Raises:
            RobotFault: an error, an alarm, or silence.
        """
        self._take(self._line.read() if wait else self._line.read_now())
        for said in self._taken():
            self._heed(said)
        if self._unanswered is not None and self._clock() - self._sent_s > self._patience_s:
            raise self._failed(f"no answer to {self._unanswered} within {self._patience_s:g} s")
        if self._unanswered is None and self._queue:
            self._unanswered = self._queue.popleft()
            self._sent_s = self._clock()
            self._line.write(self._unanswered.encode() + b"\n")
        return self._unanswered is None and not self._queue

    def do(self, lines: Iterable[str], *, patience_s: float = HOMING_S) -> list[str]:
        """Send lines, wait for all answers, and return what was said meanwhile.

        Raises:
            RobotFault: an error, an alarm, or silence.
        """
        self._patience_s = patience_s
        self._heard = []
        self._queue.extend(lines)
        while not self.pump(wait=True):
            pass
        return self._heard

    def lift(self, clear: Mapping[str, float], speed_mm_s: float) -> None:
        """Stop at once and lift the head, as far as the machine still obeys; nothing is raised."""
        self._queue.clear()
        self._unanswered = None
        try:
            if self.firmware == "grbl":
                self._line.write(b"!")
                self._line.write(b"\x18" if self._moves() else b"~")
                self._settle()
                self._line.write(b"$X\n")
            else:
                self._line.write(b"M410\n")
            self._settle()
            self.do([move_line(clear, speed_mm_s), *self._arrived()], patience_s=HOMING_S)
        except LinkError:
            return

    def _moves(self) -> bool:
        """Return whether the machine holds a move that has not ended."""
        self._said.clear()
        self._line.write(b"?")
        until_s = self._clock() + 0.5
        while self._clock() < until_s:
            self._take(self._line.read())
            for said in self._taken():
                if found := _STATUS.search(said):
                    return found[1] in ("Hold", "Run", "Jog")
        return True

    def _heed(self, said: str) -> None:
        self._heard.append(said)
        if said == "ok" or said.startswith("ok "):
            self._unanswered = None
        elif "busy:" in said:
            self._sent_s = self._clock()
        elif said.startswith("error:"):
            raise self._failed(f"it refused {self._unanswered} ({said})")
        elif said.startswith("ALARM:"):
            why = _ALARMS.get(said.partition(":")[2], "see its manual")
            raise self._failed(f"{said}: {why}")
        elif said.startswith("Error:"):
            raise self._failed(said.removeprefix("Error:"))
        elif said.startswith("Grbl") and self._unanswered is not None:
            raise self._failed("it was reset")

    def _failed(self, why: str) -> RobotFault:
        self._queue.clear()
        self._unanswered = None
        return RobotFault(f"machine on {self.name}: {why}")

    def _take(self, data: bytes) -> None:
        self._text += data.decode("ascii", "replace")
        *lines, self._text = self._text.replace("\r", "\n").split("\n")
        self._said.extend(line.strip() for line in lines if line.strip())

    def _taken(self) -> list[str]:
        said = list(self._said)
        self._said.clear()
        return said


def move_line(target: Mapping[str, float], speed_mm_s: float) -> str:
    """Return the line that moves straight to a target.

    Raises:
        InputError: no speed.
    """
    if not speed_mm_s > 0.0:
        raise InputError(f"speed = {speed_mm_s:g} mm/s: expected more than 0")
    places = " ".join(f"{axis.upper()}{value:.4f}" for axis, value in target.items())
    return f"G1 {places} F{60.0 * speed_mm_s:.1f}"
