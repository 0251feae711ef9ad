"""What a server believes of one beacon, wherever it keeps that: in memory, or in a database."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stampbench.sim.credentials.ble.beacon import SAVED_EVERY_S
from stampbench.sim.credentials.ble.clocks import ClockBounds

_MOST: Final = 8
"""Clocks kept beside the one known before: so often may a change be said before the beacon caught up."""
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

    A battery that was changed sets its clock back by up to a day, and nothing on the air tells the beacon
    from a recording of that day. So a clock that may have been set back stands beside the one known
    before, one for each time that somebody said so, until a window is heard that was never shown: nobody
    can have recorded it, and clocks that it does not fit are forgotten. Until then a recording taken for
    the beacon counts as repeated, for a day at most.

    Args:
        exponent: it rotates every 2**exponent seconds.
        clock: what is believed of its clock, as if it had not been set back.
        repeats_to: last window that it may have shown before its battery was changed.
        back_until_s: until when an identifier of the day before is taken for its own.
        set_back: clocks that it may have now instead.
    """

    def __init__(
        self,
        exponent: int,
        clock: ClockBounds,
        repeats_to: int = -1,
        back_until_s: float = -math.inf,
        set_back: Sequence[ClockBounds] = (),
    ) -> None:
        self.exponent, self.clock = exponent, clock
        self.repeats_to, self.back_until_s = repeats_to, back_until_s
        self.set_back = list(set_back)

    def present(self, time_s: float) -> tuple[int, int]:
        """Return the first and last window that may be on the air."""
        allowed = [clock.allowed(time_s) for clock in (self.clock, *self.set_back)]
        return min(first for first, _ in allowed), max(last for _, last in allowed)

    def since_yesterday(self, time_s: float) -> tuple[int, int]:
        """Return the same, with those that it may have gone back to when its battery was changed."""
        first, last = self.present(time_s)
        return max(0, first - math.ceil(SAVED_EVERY_S / (1 << self.exponent))), last

    def battery_changed(self, time_s: float) -> None:
        """Take the next identifier of the day before as the beacon's own, once and within the hour.

        From now on, and until the beacon has passed what it may have shown already, its windows are repeated:
        what it may have shown counts, not what was heard here, for others may have recorded it. If somebody
        else's recording was quicker, the same may be said again.
        """
        self.back_until_s = time_s + EXPECTED_BACK_S
        self.repeats_to = max(self.repeats_to, self.clock.allowed(time_s)[1])

    def judge(self, window: int, time_s: float) -> Judged | None:
        """Judge an identifier that was heard, and learn from it; None if it cannot be on the air."""
        first, last = self.since_yesterday(time_s)
        if not first <= window <= last:
            return None
        expected_back, repeated = time_s <= self.back_until_s, window <= self.repeats_to
        fitting = [clock for clock in (self.clock, *self.set_back) if _may_show(clock, window, time_s)]
        if not fitting:
            if expected_back:
                self.back_until_s = -math.inf
                self.set_back = [*self.set_back, self.clock.set_back(window, time_s)][-_MOST:]
            return Judged(expected_back, repeated, expected_back)
        if not repeated:
            self.clock, *self.set_back = fitting
        for clock in fitting:
            if not repeated:
                clock.heard(window, time_s)
            elif expected_back:
                clock.may_stand_in(window, time_s)
            # Otherwise it may be a recording of a window that the beacon will only reach: it teaches nothing.
        return Judged(True, repeated, False)


def _may_show(clock: ClockBounds, window: int, time_s: float) -> bool:
    first, last = clock.allowed(time_s)
    return first <= window <= last
