"""Marlin 2 as a host meets it.

By marlinfw.org's pages on G-code: every line is answered ``ok``, a line that takes long says ``busy:
processing`` every two seconds, ``M400`` is answered when all moves are over, and moves beyond the travel are
cut to it in silence.
"""

from __future__ import annotations

from typing import Final

from stampbench.firmware_emulator.gcode.firmware import Firmware
from stampbench.firmware_emulator.gcode.motion import AXES, Motion

HOMING_S: Final = 2.0
BUSY_S: Final = 2.0


class Marlin(Firmware):
    """Marlin 2: coordinates from 0 to the travel; x and y find home at 0, z at its top."""

    receive_bytes = 1024

    def __init__(self, motion: Motion) -> None:
        super().__init__(motion)
        self._homed = self._killed = False
        self._homing_until_s: float | None = None
        self._waiting = False
        self._dwell_until_s: float | None = None
        self._busy_s = 0.0
        self._say("start")
        self._say("echo:Marlin 2.1.2")

    def feed(self, data: bytes) -> None:
        """Take in bytes; an emergency stop is seen while it waits in the buffer."""
        self._received += data[: self.receive_bytes - len(self._received)]
        if b"M112" in self._received and not self._killed:
            self._killed = True
            self.motion.stop()
            self._say("Error:Printer halted. kill() called!")
        if b"M410" in self._received:
            self.motion.stop()
            self._waiting = False
            self._dwell_until_s = None

    def _blocked(self) -> bool:
        return self._homing_until_s is not None or self._waiting or self._dwell_until_s is not None

    def _waits(self) -> bool:
        return self._killed or self._blocked() or not self.motion.room

    def _due(self) -> None:
        now_s = self.motion.clock()
        if self._homing_until_s is not None and now_s >= self._homing_until_s:
            self._homing_until_s = None
            if self.motion.faults.stuck_limit:
                self._killed = True
                self._say("Error:Homing Failed")
                self._say("Error:Printer halted. kill() called!")
                return
            top = {"x": 0.0, "y": 0.0, "a": 0.0, "z": self.motion.travel["z"][1]}
            self.motion.found_home(top)
            self._homed = True
            self._say("ok")
        if self._waiting and not self.motion.busy:
            self._waiting = False
            self._say("ok")
        if self._dwell_until_s is not None and not self.motion.busy and now_s >= self._dwell_until_s:
            self._dwell_until_s = None
            self._say("ok")
        if not self._blocked():
            self._busy_s = now_s
        elif now_s - self._busy_s >= BUSY_S:
            self._busy_s = now_s
            self._say("echo:busy: processing")

    def _obey(self, line: str) -> None:
        words = self._words(line)
        if not line or words is None:
            if line:
                self._say(f'echo:Unknown command: "{line}"')
            self._say("ok")
            return
        code, values = words[0], dict(words)
        if code in (("G", 0.0), ("G", 1.0)):
            if "F" in values:
                self._rate = values["F"] / 60.0
            target = self._target(words[1:], relative=self._relative)
            for axis in target:  # software endstops
                low, high = self.motion.travel.get(axis, (0.0, 0.0))
                target[axis] = min(max(target[axis], low), high)
            self.motion.go(target, self._rate or max(self.motion.rates.values()))
        elif code == ("G", 4.0):
            self._dwell_until_s = self.motion.clock() + values.get("S", 0.0) + values.get("P", 0.0) / 1000.0
            return
        elif code == ("G", 28.0):
            self._homing_until_s = self.motion.clock() + HOMING_S
            return
        elif code in (("G", 90.0), ("G", 91.0)):
            self._relative = code[1] == 91.0
        elif code == ("M", 400.0):
            self._waiting = True
            return
        elif code == ("M", 114.0):
            at = self.motion.position()
            said = " ".join(f"{axis.upper()}:{at[axis]:.2f}" for axis in AXES if axis in self.motion.travel)
            self._say(f"{said} E:0.00 Count X:0 Y:0 Z:0")
        elif code == ("M", 115.0):
            self._say("FIRMWARE_NAME:Marlin 2.1.2 SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin")
        elif code not in (("M", 410.0), ("G", 21.0)):
            self._say(f'echo:Unknown command: "{line}"')
        self._say("ok")
