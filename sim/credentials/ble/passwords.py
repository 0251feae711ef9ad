"""The server's side of stamps that advertise a one-time password."""

from __future__ import annotations

import threading

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.clocks import ClockBounds
from stampbench.sim.credentials.ble.frames import OTP_DIGITS, OtpStamp
from stampbench.sim.credentials.otp import STEP_S, find_counter
from stampbench.sim.credentials.secrets import Secret


class PasswordVerifier:
    """Knows stamps by their keys; for any number of threads.

    Args:
        tolerance: steps before and after those that the stamp's clock may stand in, 0 to 2.

    Raises:
        InputError: another tolerance.
    """

    def __init__(self, tolerance: int = 1) -> None:
        if not 0 <= tolerance <= 2:
            raise InputError(f"tolerance = {tolerance}: expected 0 to 2 steps")
        self._tolerance = tolerance
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[Secret, ClockBounds]] = {}

    def register(self, stamp: bytes, key: Secret, time_s: float, clock_s: float) -> None:
        """Get to know a stamp.

        Args:
            stamp: its id, 8 bytes.
            key: of its passwords.
            time_s: now.
            clock_s: what its clock stands at.

        Raises:
            InputError: an id of another length, or one that is taken.
        """
        if len(stamp) != 8 or stamp in self._known:
            raise InputError(f"stamp {stamp.hex()}: expected an id of 8 bytes that is not known already")
        self._known[stamp] = key, ClockBounds(time_s, clock_s, STEP_S, self._tolerance)

    def step_of(self, shown: OtpStamp, time_s: float) -> int | None:
        """Return the step whose password this is, at this time; None if it is not one of this stamp's."""
        with self._lock:
            if shown.stamp not in self._known:
                return None
            key, clock = self._known[shown.stamp]
            step = find_counter(key, shown.password, *clock.allowed(time_s), OTP_DIGITS)
            if step is not None:
                clock.heard(step, time_s)
            return step

    def __repr__(self) -> str:
        return f"PasswordVerifier({len(self._known)} stamps, tolerance={self._tolerance})"
