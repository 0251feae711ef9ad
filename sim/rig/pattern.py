"""A device without physics, its reports mere arithmetic on seed and scan: to try and time the link alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition
from stampbench.sim.press import Keyframe, Press

CONTACTS = 5
FRAME_INTERVAL_US = 4_000


class PatternDevice:
    """Presses the object ``pattern/SCANS`` only: so many scans of five contacts.

    Args:
        serial_number: by which rigs are told apart.
        rows, columns: nodes of its raw frames.
    """

    def __init__(self, serial_number: str = "pattern", rows: int = 27, columns: int = 15) -> None:
        self.identity = Identity(
            serial_number,
            "pattern",
            "stampbench pattern rig",
            "1",
            contact_limit=10,
            x_max=4095,
            y_max=4095,
            width_um=60_000,
            height_um=120_000,
            frame_interval_us=FRAME_INTERVAL_US,
            rows=rows,
            columns=columns,
            capabilities=Capability.PRESS | Capability.RAW_FRAMES,
        )

    digitizer = None

    def configure(self, condition: Condition) -> None:
        """Refuse every condition but the ordinary one: there is nothing to set.

        Raises:
            InputError: another condition.
        """
        if condition != Condition():
            raise InputError("condition: a pattern has none to set; expected {}")

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield the scans that the object's name asks for.

        Raises:
            InputError: the object is no pattern.
        """
        kind, _, scans = press.object.partition("/")
        if kind != "pattern" or not scans.isdecimal() or not 1 <= int(scans) <= 10_000_000:
            raise InputError(f"object {press.object!r}: must be pattern/SCANS, as pattern/250")
        return self._scans(seed, int(scans))

    def _scans(self, seed: int, scans: int) -> Iterator[tuple[Frame, TouchReport]]:
        shape = (self.identity.rows, self.identity.columns)
        for scan in range(scans):
            frame = Frame(scan * FRAME_INTERVAL_US, np.full(shape, scan % 30_000, np.int16))
            yield frame, pattern_report(seed, scan)


def pattern_press(scans: int) -> Press:
    """Return a press that asks for so many scans of a pattern."""
    return Press(f"pattern/{scans}", (Keyframe(scans * FRAME_INTERVAL_US, Hold(1.0, 1.0)),))


def pattern_report(seed: int, scan: int) -> TouchReport:
    """Return the report of one scan of a pattern, its time counted from the first scan."""
    first = seed + 7 * scan
    contacts = (Contact(i, True, (first + 512 * i) % 4096, (first * 3 + i) % 4096) for i in range(CONTACTS))
    return TouchReport(scan * FRAME_INTERVAL_US, tuple(contacts))
