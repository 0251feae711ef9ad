"""The server's side of stamps that advertise a one-time password.

Who guesses may guess often, and the longer a stamp was not heard, the more steps its clock may stand in. So
one password alone is enough only near the step that the clock is expected in, and only while few were wrong
lately (RFC 4226, sections 7.3 and 7.4: throttling, bounded look-ahead). Otherwise two that follow each
other are needed (section 7.4, resynchronisation): nobody is shut out by another's guesses, and a stamp that
was silent for a year is read at its second password, within a minute.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.clocks import ClockBounds
from stampbench.sim.credentials.ble.frames import OTP_DIGITS, OtpStamp
from stampbench.sim.credentials.otp import STEP_S, find_counter
from stampbench.sim.credentials.secrets import Secret

LOOK_AHEAD: Final = 10
"""Steps before and after the expected one in which one password alone is enough."""
WRONG: Final = 5
WRONG_S: Final = 600.0
"""So many wrong passwords within this time, and one alone is not enough until it is over."""
FOLLOWS_S: Final = 90.0
"""Within which the second of two passwords must come."""
_FIRSTS: Final = 4
"""First passwords that are waited with for their second."""


@dataclass
class _Registered:
    """One stamp: its key, its clock as believed and as last seen, wrong passwords, firsts of two."""

    key: Secret
    clock: ClockBounds
    seen_s: float
    seen_step: float
    wrong_s: list[float] = field(default_factory=list)
    firsts: list[tuple[int, float]] = field(default_factory=list)


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
        self._registered: dict[bytes, _Registered] = {}

    def register(self, stamp: bytes, key: Secret, time_s: float, clock_s: float) -> None:
        """Get to know a stamp.

        Args:
            stamp: its id, 8 bytes.
            key: of its passwords.
            time_s: now.
            clock_s: what its clock stands at.

        Raises:
            InputError: an id of another length or one taken, or a key of zeros or fewer than 16 bytes.
        """
        if key.is_factory or len(key.reveal()) < 16:
            raise InputError(f"stamp {stamp.hex()}: expected an agreed key of 16 bytes or more, not zeros")
        with self._lock:
            if len(stamp) != 8 or stamp in self._registered:
                raise InputError(f"stamp {stamp.hex()}: expected an id of 8 bytes that is not known yet")
            clock = ClockBounds(time_s, clock_s, STEP_S, self._tolerance)
            self._registered[stamp] = _Registered(key, clock, time_s, clock_s / STEP_S)

    def step_of(self, shown: OtpStamp, time_s: float) -> int | None:
        """Return the step whose password this is, at this time.

        Returns:
            None if it is not one of this stamp's, or one that must be followed by the next to be believed.
        """
        with self._lock:
            registered = self._registered.get(shown.stamp)
            if registered is None:
                return None
            first, last = registered.clock.allowed(time_s)
            step = find_counter(registered.key, shown.password, first, last, OTP_DIGITS)
            registered.wrong_s = [at_s for at_s in registered.wrong_s if 0.0 <= time_s - at_s < WRONG_S][
                -WRONG:
            ]
            if step is None:
                registered.wrong_s.append(time_s)
                return None
            expected = registered.seen_step + (time_s - registered.seen_s) / STEP_S
            near = abs(step - expected) <= LOOK_AHEAD
            if not (near and len(registered.wrong_s) < WRONG) and not _follows(registered, step, time_s):
                return None
            registered.clock.heard(step, time_s)
            registered.seen_s, registered.seen_step = time_s, step
            return step

    def __repr__(self) -> str:
        return f"PasswordVerifier({len(self._registered)} stamps, tolerance={self._tolerance})"


def _follows(registered: _Registered, step: int, time_s: float) -> bool:
    """Return whether this password follows one that was shown before; if not, keep it as a first."""
    firsts = [(earlier, at_s) for earlier, at_s in registered.firsts if 0.0 <= time_s - at_s < FOLLOWS_S]
    for earlier, at_s in firsts:
        if step > earlier and abs((step - earlier) - (time_s - at_s) / STEP_S) <= 1.0:
            registered.firsts = []
            return True
    if step not in [earlier for earlier, _ in firsts]:
        firsts.append((step, time_s))
    registered.firsts = firsts[-_FIRSTS:]
    return False
