"""GRBL 1.1 as a host meets it.

By gnea/grbl's documents and the reports of its users (issues 113, 731, 1061, 1316): opening the port resets
it, it starts in Alarm until homed or unlocked, ``?`` is not answered while it homes and once afterwards,
bytes beyond 128 in its buffer are dropped, and a wait (G4) is answered when it is over.
"""

from __future__ import annotations

from typing import Final

from stampbench.firmware_emulator.gcode.firmware import Firmware
from stampbench.firmware_emulator.gcode.motion import AXES, Motion

HOMING_S: Final = 2.0
_REALTIME: Final = b"?!~\x18\x85"
_SETTINGS: Final = {"rate": 110, "acceleration": 120, "travel": 130}
_KNOWN_G: Final = {0, 1, 4, 20, 21, 53, 54, 90, 91, 94}
_KNOWN_M: Final = {0, 2, 5, 9, 30}


class Grbl(Firmware):
    """GRBL 1.1: machine coordinates from minus the travel to 0, home is where all are 0."""

    def __init__(self, motion: Motion) -> None:
        super().__init__(motion)
        self._alarm = True
        self._homing_until_s: float | None = None
        self._dwell_until_s: float | None = None
        self._asked_while_homing = False
        self._mode = 0
        self._banner()

    def _banner(self) -> None:
        self._say("")
        self._say("Grbl 1.1h ['$' for help]")
        if self._alarm:
            self._say("[MSG:'$H'|'$X' to unlock]")

    def feed(self, data: bytes) -> None:
        """Take in bytes: what must act at once does, the rest waits in the buffer or is dropped."""
        for byte in data:
            if byte in _REALTIME:
                self._act(byte)
            elif len(self._received) < self.receive_bytes:
                self._received.append(byte)

    def _act(self, byte: int) -> None:
        if byte == 0x18:
            moved = self.motion.stop()
            self._received.clear()
            self._homing_until_s = self._dwell_until_s = None
            if moved:
                self._say("ALARM:3")
                self._alarm = True
            self._banner()
        elif self._homing_until_s is not None:
            self._asked_while_homing |= byte == ord("?")
        elif byte == ord("?"):
            self._status()
        elif byte == ord("!"):
            self.motion.hold()
        elif byte == ord("~"):
            self.motion.resume()
        elif byte == 0x85:
            self.motion.stop()

    def _status(self) -> None:
        held = "Hold:0" if self.motion.held else None
        state = held or ("Alarm" if self._alarm else "Run" if self.motion.busy else "Idle")
        at = self.motion.position()
        axes = [axis for axis in AXES if axis in self.motion.travel]
        self._say(f"<{state}|MPos:{','.join(f'{at[axis]:.3f}' for axis in axes)}|FS:0,0>")

    def _waits(self) -> bool:
        return self._homing_until_s is not None or self._dwell_until_s is not None or not self.motion.room

    def _due(self) -> None:
        now_s = self.motion.clock()
        if self._homing_until_s is not None and now_s >= self._homing_until_s:
            self._homing_until_s = None
            if self.motion.faults.stuck_limit:
                self._say("ALARM:8")
                self._alarm = True
            else:
                self.motion.found_home(dict.fromkeys(AXES, 0.0))
                self._alarm = False
                self._say("ok")
            if self._asked_while_homing:
                self._asked_while_homing = False
                self._status()
        if self._dwell_until_s is not None and not self.motion.busy and now_s >= self._dwell_until_s:
            self._dwell_until_s = None
            self._say("ok")

    def _obey(self, line: str) -> None:
        if line.startswith("$"):
            self._system(line)
        elif self._alarm and line:
            self._say("error:9")
        elif not line:
            self._say("ok")
        else:
            self._gcode(line)

    def _system(self, line: str) -> None:
        if line == "$H":
            self._homing_until_s = self.motion.clock() + HOMING_S
        elif line == "$X":
            if self._alarm:
                self._say("[MSG:Caution: Unlocked]")
            self._alarm = False
            self._say("ok")
        elif line == "$$":
            axes = [axis for axis in AXES if axis in self.motion.travel]
            for name, first in _SETTINGS.items():
                for number, axis in enumerate(axes):
                    low, high = self.motion.travel[axis]
                    value = {"rate": 60.0 * self.motion.rates[axis], "travel": high - low}.get(
                        name, self.motion.acceleration
                    )
                    self._say(f"${first + number}={value:.3f}")
            self._say("ok")
        elif line == "$I":
            self._say("[VER:1.1h.20190825:]")
            self._say("ok")
        elif line.startswith("$J="):
            self._jog(line[3:])
        else:
            self._say("error:3")

    def _jog(self, text: str) -> None:
        words = self._words(text)
        if self._alarm or words is None:
            self._say("error:9" if self._alarm else "error:2")
            return
        rate = dict(words).get("F", 0.0) / 60.0
        target = self._target(words, relative=("G", 91.0) in words)
        if rate <= 0.0:
            self._say("error:22")
        elif self.motion.outside(target):
            self._say("error:15")
        else:
            self.motion.go(target, rate)
            self._say("ok")

    def _gcode(self, line: str) -> None:
        words = self._words(line)
        if words is None:
            self._say("error:2")
            return
        codes = {(letter, int(number)) for letter, number in words if letter in "GM"}
        if not all(code in (_KNOWN_G if letter == "G" else _KNOWN_M) for letter, code in codes):
            self._say("error:20")
            return
        for letter, code in codes:
            if letter == "G" and code in (90, 91):
                self._relative = code == 91
            elif letter == "G" and code in (20, 21):
                self._inches = code == 20
            elif letter == "G" and code in (0, 1):
                self._mode = code
        values = dict(words)
        if ("G", 4) in codes:
            self._dwell_until_s = self.motion.clock() + values.get("P", 0.0)
            return
        if "F" in values:
            self._rate = values["F"] * (25.4 if self._inches else 1.0) / 60.0
        target = self._target(words, relative=self._relative)
        if target and self._mode == 1 and self._rate <= 0.0:
            self._say("error:22")
            return
        if target and self.motion.outside(target):
            self.motion.stop()
            self._alarm = True
            self._say("ALARM:2")
            return
        if target:
            self.motion.go(target, self._rate if self._mode == 1 else max(self.motion.rates.values()))
        self._say("ok")
