"""What a server may believe of a clock that it cannot see.

It keeps the earliest and the latest that the stamp's clock can stand at. Both run on, the one as slowly and
the other as fast as a clock may. That a window was heard proves that the clock has reached it, and no more:
it may have been recorded and played late. So the earliest moves up, and the latest never moves down; whoever
plays recordings, however slowly, cannot draw the belief back with him.
"""

from __future__ import annotations

import math

LARGEST_ERROR_PPM = 150.0
"""Of a beacon's clock (google/eddystone, ``eid-computation.md``)."""


class ClockBounds:
    """The earliest and the latest that a stamp's clock can stand at.

    Args:
        time_s: at which the clock was known.
        clock_s: what it stood at.
        period_s: length of a window of the clock.
        tolerance: windows before and after those that may be on the air that are taken as well.
        late: windows by which what is on the air may lag behind the clock (1 where the change comes at an
            instant drawn within the window).
        latest_s: the latest that it stood at, where that was not known exactly; ``clock_s`` is the earliest.
    """

    def __init__(
        self,
        time_s: float,
        clock_s: float,
        period_s: int,
        tolerance: int,
        late: int = 0,
        latest_s: float | None = None,
    ) -> None:
        self._period_s, self._tolerance, self._late = period_s, tolerance, late
        self._time_s, self._earliest_s = time_s, clock_s
        self._latest_s = clock_s if latest_s is None else latest_s

    @property
    def known(self) -> tuple[float, float, float]:
        """All that is believed: a time, and the earliest and the latest that the clock stood at then."""
        return self._time_s, self._earliest_s, self._latest_s

    def allowed(self, time_s: float) -> tuple[int, int]:
        """Return the first and last window that may be heard."""
        passed_s = time_s - self._time_s
        error_s = abs(passed_s) * 1e-6 * LARGEST_ERROR_PPM
        first = math.floor((self._earliest_s + passed_s - error_s) / self._period_s)
        last = math.floor((self._latest_s + passed_s + error_s) / self._period_s)
        return first - self._late - self._tolerance, last + self._tolerance

    def heard(self, window: int, time_s: float) -> None:
        """Learn that the clock has reached this window."""
        self._run_on(time_s)
        self._earliest_s = max(self._earliest_s, window * self._period_s)
        self._latest_s = max(self._latest_s, self._earliest_s)

    def may_stand_in(self, window: int, time_s: float) -> None:
        """Learn that the clock may have been set back by a little, and stand in this window."""
        self._run_on(time_s)
        self._earliest_s = min(self._earliest_s, window * self._period_s)

    def set_back(self, window: int, time_s: float) -> ClockBounds:
        """Return what may be believed if the clock was set back, and this is its window now."""
        earliest_s, latest_s = window * self._period_s, (window + 1 + self._late) * self._period_s
        return ClockBounds(time_s, earliest_s, self._period_s, self._tolerance, self._late, latest_s)

    def _run_on(self, time_s: float) -> None:
        passed_s = max(0.0, time_s - self._time_s)
        error_s = passed_s * 1e-6 * LARGEST_ERROR_PPM
        self._earliest_s += passed_s - error_s
        self._latest_s += passed_s + error_s
        self._time_s += passed_s
