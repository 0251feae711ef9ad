"""Beacons: stamps that advertise a rotating identifier, or a one-time password, on a clock that errs.

A beacon's clock is a crystal: it errs by up to 150 ppm. It is written to memory once a day, so that a beacon
whose battery is changed goes on from where it was up to a day before. Neither is known to the resolver.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stampbench.sim.credentials.ble.eid import CLOCK_SPAN_S, identifier
from stampbench.sim.credentials.ble.frames import OTP_DIGITS, Eid, OtpStamp
from stampbench.sim.credentials.otp import totp
from stampbench.sim.credentials.secrets import Secret

SAVED_EVERY_S = 86_400.0
FIRST_CLOCK_S = 65_280
"""Recommended at registration: the temporary key rolls over soon, and who does that wrong is found out."""


@dataclass(slots=True)
class BeaconClock:
    """Seconds as a beacon counts them.

    Attributes:
        set_at_s: true time at which the clock stood at ``clock_s``; both move on when the battery is changed.
        clock_s: what it stood at.
        error_ppm: how much too fast it is.
    """

    set_at_s: float
    clock_s: float = FIRST_CLOCK_S
    error_ppm: float = 0.0

    def at(self, time_s: float) -> float:
        """Return what the clock stands at, not rolled over."""
        return self.clock_s + (time_s - self.set_at_s) * (1.0 + 1e-6 * self.error_ppm)

    def change_battery(self, out_s: float, in_s: float) -> None:
        """Go on from what was saved last before the battery was taken out.

        Args:
            out_s: true time at which it was taken out.
            in_s: and at which the new one was put in.
        """
        ran_s = self.at(out_s) - self.clock_s
        self.clock_s += ran_s // SAVED_EVERY_S * SAVED_EVERY_S
        self.set_at_s = in_s


class EidBeacon:
    """A beacon that advertises Eddystone-EID.

    Args:
        identity_key: known to it and its resolver.
        exponent: it rotates every 2**exponent seconds on average.
        clock: its clock.
        tx_power_dbm: what would be received at no distance.
    """

    def __init__(
        self, identity_key: Secret, exponent: int, clock: BeaconClock, tx_power_dbm: int = 0
    ) -> None:
        self._identity_key, self.exponent, self.clock = identity_key, exponent, clock
        self.tx_power_dbm = tx_power_dbm

    def window_at(self, time_s: float) -> int:
        """Return the number of the window whose identifier is advertised.

        The new one comes some time into its window, at an instant drawn for every window from the key, so
        that nobody can tell beacons apart by when they change. The first one comes at once.
        """
        clock_s = self.clock.at(time_s)
        window = int(clock_s) >> self.exponent
        if clock_s >= (window << self.exponent) + self._delay_s(window):
            return window
        return max(window - 1, int(self.clock.clock_s) >> self.exponent)

    def frame_at(self, time_s: float) -> Eid:
        """Return what is advertised."""
        clock_s = self.window_at(time_s) << self.exponent
        return Eid(identifier(self._identity_key, self.exponent, clock_s % CLOCK_SPAN_S), self.tx_power_dbm)

    def address_at(self, time_s: float) -> bytes:
        """Return the sender's address, 6 bytes: random, not resolvable, new with every identifier."""
        drawn = self._drawn(b"address", self.window_at(time_s))[:6]
        return drawn[:5] + bytes([drawn[5] & 0x3F])

    def _delay_s(self, window: int) -> float:
        share = int.from_bytes(self._drawn(b"instant", window)[:4], "big") / 2**32
        return share * (1 << self.exponent)

    def _drawn(self, purpose: bytes, window: int) -> bytes:
        text = self._identity_key.reveal() + purpose + window.to_bytes(8, "big", signed=True)
        return hashlib.sha256(text).digest()

    def __repr__(self) -> str:
        return f"EidBeacon(exponent={self.exponent}, clock={self.clock})"


class OtpBeacon:
    """A stamp that advertises a one-time password, new every 30 s of its clock (8 digits, SHA-1).

    Args:
        stamp: its id, 8 bytes.
        key: known to it and the server.
        clock: set to seconds since 1970.
    """

    def __init__(self, stamp: bytes, key: Secret, clock: BeaconClock) -> None:
        self.stamp, self._key, self.clock = stamp, key, clock

    def frame_at(self, time_s: float) -> OtpStamp:
        """Return what is advertised."""
        return OtpStamp(self.stamp, totp(self._key, self.clock.at(time_s), OTP_DIGITS))

    def __repr__(self) -> str:
        return f"OtpBeacon(stamp={self.stamp.hex()}, clock={self.clock})"
