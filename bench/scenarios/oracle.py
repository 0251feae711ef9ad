"""An oracle that knows the truth about beacons, for the scenarios that hold a server against it.

It finds the window of an identifier by the specification, spelled out here once more, and takes it where the
beacon's clock may stand when it is presented: the clock was known once, has reached every window that was
heard, and runs slow or fast by at most 150 ppm. One window is tolerated on either side, and one more before,
for a beacon changes its identifier at an instant within its window.
"""

from __future__ import annotations

import math
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from stampbench.sim.credentials.ble.frames import Eid, parse_frame
from stampbench.sim.credentials.secrets import Secret

TOLERANCE: Final = 1
LARGEST_PPM: Final = 150.0
NEAR_DBM: Final = -50


class ClockOracle:
    """Which windows a clock may stand in that was known once, and errs.

    Args:
        since_s: when it stood at ``clock_s``.
        clock_s: what it stood at.
        window_s: length of its windows.
        late: windows by which what is shown may lag behind the clock.
    """

    def __init__(self, since_s: float, clock_s: float, window_s: int, late: int = 0) -> None:
        self._window_s, self._late = window_s, late
        self._since_s, self._earliest_s, self._latest_s = since_s, clock_s, clock_s

    def allowed(self, time_s: float) -> tuple[int, int]:
        """First and last window that may be shown."""
        slow_s, fast_s = self._at(time_s)
        first = math.floor(slow_s / self._window_s) - self._late - TOLERANCE
        return max(0, first), math.floor(fast_s / self._window_s) + TOLERANCE

    def accepted(self, window: int, time_s: float) -> None:
        """Note that a window was shown: the clock has reached it."""
        slow_s, fast_s = self._at(time_s)
        self._earliest_s, self._since_s = max(slow_s, window * self._window_s), time_s
        self._latest_s = max(fast_s, self._earliest_s)

    def _at(self, time_s: float) -> tuple[float, float]:
        passed_s = time_s - self._since_s
        return (
            self._earliest_s + passed_s * (1.0 - 1e-6 * LARGEST_PPM),
            self._latest_s + passed_s * (1.0 + 1e-6 * LARGEST_PPM),
        )


class EidOracle:
    """The right decisions about the identifiers of one beacon.

    Args:
        key: of the beacon.
        exponent: it rotates every 2**exponent seconds.
        since_s: when its clock stood at ``clock_s``.
        clock_s: what it stood at.
    """

    def __init__(self, key: Secret, exponent: int, since_s: float, clock_s: float) -> None:
        self._key, self._exponent = key, exponent
        self._clock = ClockOracle(since_s, clock_s, 1 << exponent, late=1)

    def right(self, data: bytes, time_s: float) -> bool:
        """The right decision for a member who has not used this identifier."""
        window = self.window_of(data, *self._clock.allowed(time_s))
        if window is None:
            return False
        self._clock.accepted(window, time_s)
        return True

    def window_of(self, data: bytes, first: int, last: int) -> int | None:
        """Which of these windows an advertisement is of; None if of none."""
        frame = parse_frame(data)
        if isinstance(frame, Eid):
            for window in range(first, last + 1):
                if _spelled_out(self._key, self._exponent, window) == frame.identifier:
                    return window
        return None


def _spelled_out(key: Secret, exponent: int, window: int) -> bytes:
    """google/eddystone, ``eid-computation.md``, byte by byte."""
    clock = (window * 2**exponent % 2**32).to_bytes(4, "big")
    first = Cipher(algorithms.AES(key.reveal()), modes.ECB()).encryptor()
    temporary = first.update(bytes(11) + bytes([0xFF, 0, 0, clock[0], clock[1]]))
    second = Cipher(algorithms.AES(temporary), modes.ECB()).encryptor()
    return second.update(bytes(11) + bytes([exponent]) + clock)[:8]
