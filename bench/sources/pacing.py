"""Recordings played in time: every report at its own deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport


def paced(
    reports: Iterable[TouchReport],
    speed: float = 1.0,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[TouchReport]:
    """Yield each report when it is due, as the device sent it.

    Deadlines count from the first report, so that nothing adds up: a report that is late comes at once, and
    the next one is in time again. Long pauses are kept.

    Args:
        reports: in order; one whose time lies before that of the one ahead comes at once.
        speed: 2 plays in half the time; above 0.
        clock: tells seconds.
        pause: passes seconds.

    Raises:
        InputError: the speed is not above 0.
    """
    if not speed > 0.0:
        raise InputError(f"--speed {speed:g}: expected a number above 0")
    begun_s = first_us = None
    for report in reports:
        if begun_s is None or first_us is None:
            begun_s, first_us = clock(), report.t_us
        early_s = begun_s + (report.t_us - first_us) / 1e6 / speed - clock()
        if early_s > 0:
            pause(early_s)
        yield report
