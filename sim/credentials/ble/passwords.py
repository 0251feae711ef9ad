"""The server's side of stamps that advertise a one-time password.

Who guesses may guess often, and the longer a stamp was not heard, the more steps its clock may stand in. So
one password alone is enough only near the step that the clock is expected in, and only while few were wrong
lately (RFC 4226, sections 7.3 and 7.4: throttling, bounded look-ahead). Otherwise two that follow each
other are needed (section 7.4, resynchronisation): nobody is shut out by another's guesses, and a stamp that
was silent for a year is read at its second password, within a minute.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
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
MOST_STEPS: Final = 700
"""Looked at, at most: a stamp that nobody heard for more than two years is set anew."""
_FIRSTS: Final = 4
"""First passwords that are waited with for their second."""


class PasswordBelief:
    """What a server believes of one stamp with one-time passwords, wherever it keeps that.

    Args:
        clock: what is believed of its clock.
        seen: when it was last believed, s, and the step it showed then.
        wrong_s: when wrong passwords were shown lately.
        firsts: steps of right ones that wait for their second, each with when it was shown.
    """

    def __init__(
        self,
        clock: ClockBounds,
        seen: tuple[float, float],
        wrong_s: Sequence[float] = (),
        firsts: Sequence[tuple[int, float]] = (),
    ) -> None:
        self.clock, self.seen = clock, seen
        self.wrong_s, self.firsts = list(wrong_s), [(step, at_s) for step, at_s in firsts]

    def window(self, time_s: float) -> tuple[int, int]:
        """Return the first and last step whose password is looked at."""
        first, last = self.clock.allowed(time_s)
        return max(first, last - MOST_STEPS), last

    def right_alone(self, time_s: float) -> int:
        """Return how many of all passwords are right now, one alone: the odds of a guess."""
        if self._wrong_lately(time_s) >= WRONG:
            return 0
        first, last = self.window(time_s)
        expected = self._expected(time_s)
        low = max(first, math.ceil(expected - LOOK_AHEAD))
        return max(0, min(last, math.floor(expected + LOOK_AHEAD)) - low + 1)

    def step_of(self, key: Secret, password: str, time_s: float) -> int | None:
        """Return the step whose password this is, and learn from it.

        Returns:
            None if it is not one of this stamp's, or one that must be followed by the next to be believed.
        """
        step = find_counter(key, password, *self.window(time_s), OTP_DIGITS)
        alone = self._wrong_lately(time_s) < WRONG
        if step is None:
            self.wrong_s = [*self.wrong_s, time_s][-WRONG:]
            return None
        near = abs(step - self._expected(time_s)) <= LOOK_AHEAD
        if not (near and alone) and not self._follows(step, time_s):
            return None
        self.clock.heard(step, time_s)
        self.seen = time_s, step
        return step

    def _expected(self, time_s: float) -> float:
        seen_s, step = self.seen
        return step + (time_s - seen_s) / STEP_S

    def _wrong_lately(self, time_s: float) -> int:
        self.wrong_s = [at_s for at_s in self.wrong_s if 0.0 <= time_s - at_s < WRONG_S]
        return len(self.wrong_s)

    def _follows(self, step: int, time_s: float) -> bool:
        """Return whether this password follows one that was shown before; if not, keep it as a first."""
        firsts = [(earlier, at_s) for earlier, at_s in self.firsts if 0.0 <= time_s - at_s < FOLLOWS_S]
        for earlier, at_s in firsts:
            if step > earlier and abs((step - earlier) - (time_s - at_s) / STEP_S) <= 1.0:
                self.firsts = []
                return True
        if step not in [earlier for earlier, _ in firsts]:
            firsts.append((step, time_s))
        self.firsts = firsts[-_FIRSTS:]
        return False


@dataclass(frozen=True, slots=True)
class _Registered:
    """One stamp: its key and what is believed of it; one guess at a time, of one stamp alone."""

    key: Secret
    belief: PasswordBelief
    lock: threading.Lock = field(default_factory=threading.Lock)


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
            belief = PasswordBelief(clock, (time_s, clock_s / STEP_S))
            self._registered[stamp] = _Registered(key, belief)

    def step_of(self, shown: OtpStamp, time_s: float) -> int | None:
        """Return the step whose password this is, at this time.

        Returns:
            None if it is not one of this stamp's, or one that must be followed by the next to be believed.
        """
        with self._lock:
            registered = self._registered.get(shown.stamp)
        if registered is None:
            return None
        with registered.lock:
            return registered.belief.step_of(registered.key, shown.password, time_s)

    def right_alone(self, stamp: bytes, time_s: float) -> int:
        """Return how many of the 10^8 passwords one guess alone may be; see :class:`PasswordBelief`."""
        registered = self._registered[stamp]
        with registered.lock:
            return registered.belief.right_alone(time_s)

    def __repr__(self) -> str:
        return f"PasswordVerifier({len(self._registered)} stamps, tolerance={self._tolerance})"
