"""What a server believes of one beacon, wherever it keeps that: in memory, or in a database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from stampbench.sim.credentials.ble.beacon import SAVED_EVERY_S
from stampbench.sim.credentials.ble.clocks import ClockBounds

EXPECTED_BACK_S: Final = 3600.0
"""How long after a battery change an identifier of the day before is waited for."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An identifier of a known window.

    Attributes:
        in_time: False: of the day before; recorded, or the battery was changed and nobody said so.
        repeated: True: the beacon had shown this window before its battery was changed.
        set_back: True: the clock was set back to this window just now.
    """

    in_time: bool
    repeated: bool
    set_back: bool


class BeaconBelief:
    """One beacon with a rotating identifier, as far as its resolver knows.

    Args:
        exponent: it rotates every 2**exponent seconds.
        clock: what is believed of its clock.
        repeats_to: last window that it may have shown before its battery was changed.
        back_until_s: until when an identifier of the day before is taken for its own.
    """

    def __init__(
        self, exponent: int, clock: ClockBounds, repeats_to: int = -1, back_until_s: float = -math.inf
    ) -> None:
        self.exponent, self.clock = exponent, clock
        self.repeats_to, self.back_until_s = repeats_to, back_until_s

    def present(self, time_s: float) -> tuple[int, int]:
        """Return the first and last window that may be on the air."""
        return self.clock.allowed(time_s)

    def since_yesterday(self, time_s: float) -> tuple[int, int]:
        """Return the same, with those that it may have gone back to when its battery was changed."""
        first, last = self.present(time_s)
        return max(0, first - math.ceil(SAVED_EVERY_S / (1 << self.exponent))), last

    def battery_changed(self, time_s: float) -> None:
        """Take the next identifier of the day before as the beacon's own, once and within the hour.

        From now on, and until the beacon has passed what it may have shown already, its windows are repeated:
        what it may have shown counts, not what was heard here, for others may have recorded it.
        """
        self.back_until_s = time_s + EXPECTED_BACK_S
        self.repeats_to = max(self.repeats_to, self.present(time_s)[1])

    def judge(self, window: int, time_s: float) -> Judged | None:
        """Judge an identifier that was heard, and learn from it; None if it cannot be on the air."""
        first, last = self.present(time_s)
        if window > last or window < self.since_yesterday(time_s)[0]:
            return None
        expected_back = time_s <= self.back_until_s
        set_back = window < first and expected_back
        if set_back:
            self.back_until_s = -math.inf
            self.clock.set_back(window, time_s)
        elif window >= first and expected_back:
            self.clock.may_stand_in(window, time_s)
        elif window >= first:
            self.clock.heard(window, time_s)
        return Judged(window >= first or expected_back, window <= self.repeats_to, set_back)
