"""Sinks: where the reports of a press go, each at its own time; what came of it is heard elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

from stampbench.bench.sources.pacing import paced
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.touch import TouchReport


class Sink(Protocol):
    """One way into a device under test, made for one panel; see ``tests/contract/test_sinks.py``.

    A sink encodes and sends, nothing more: times are kept by :func:`deliver`, answers are heard by a queue
    of :class:`~stampbench.bench.dut.answers.Said`.
    """

    @property
    def name(self) -> str:
        """What it is, as messages say it."""

    @property
    def contact_limit(self) -> int:
        """How many contacts it takes at once; a press with more of them is refused."""

    @property
    def paced(self) -> bool:
        """Whether reports go out when they are due; False: they say their times, and go at once."""

    def begin(self, press: int) -> None:
        """Make ready for a press of this number, and open the way where it is not open.

        Raises:
            InputError, NoHardwareError: it cannot be opened as it was asked for.
            LinkError: it was open, and has failed.
        """

    def send(self, report: TouchReport) -> None:
        """Send one report, all contacts of one scan together, without waiting for what becomes of it.

        Raises:
            LinkError: the way is broken.
        """

    def end(self) -> None:
        """Wait until all that was sent has been taken; the press is over, and nothing is left down.

        Raises:
            LinkError: something was not taken.
        """

    def renew(self) -> None:
        """Begin anew at the other end: nothing is left down, and no answer of an earlier press can come."""

    def close(self) -> None:
        """Close the way; it may be opened again by :meth:`begin`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """When the reports of one press went out.

    Attributes:
        begun_s: when the first was due, by the clock.
        due_us: when each was due, since then; empty where the sink is not paced.
        sent_us: when each had been sent, since then.
    """

    begun_s: float
    due_us: tuple[int, ...]
    sent_us: tuple[int, ...]

    @property
    def late_us(self) -> int:
        """Lateness of the latest report; 0 where the reports say their times themselves."""
        return max((sent - due for due, sent in zip(self.due_us, self.sent_us, strict=False)), default=0)


def deliver(
    sink: Sink,
    press: int,
    reports: Sequence[TouchReport],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Send the reports of one press into a sink, and return when they went out.

    Args:
        sink: where to.
        press: its number.
        reports: whole, in order; nothing is computed while they go out.
        clock: tells seconds.
        pause: passes seconds.

    Raises:
        LinkError: the sink failed, or a report has more contacts than it takes: nothing was sent then.
        InputError, NoHardwareError: the sink cannot be opened.
    """
    most = max((len(report.down) for report in reports), default=0)
    if most > sink.contact_limit:
        raise LinkError(f"{sink.name}: {most} contacts at once: expected at most {sink.contact_limit}")
    sink.begin(press)
    begun_s = clock()
    sent_us = []
    with _ahead_of_others() if sink.paced else nullcontext():
        for report in paced(reports, clock=clock, pause=pause) if sink.paced else reports:
            sink.send(report)
            sent_us.append(round(1e6 * (clock() - begun_s)))
    sink.end()
    due_us = tuple(report.t_us - reports[0].t_us for report in reports) if sink.paced else ()
    return Delivery(begun_s, due_us, tuple(sent_us))


@contextmanager
def _ahead_of_others() -> Iterator[None]:
    """Run this thread ahead of ordinary ones, where the system allows it; it sleeps nearly all the time.

    On two cores at a load of 10, the 99th percentile of 400 sleeps was 3.9 ms late without, 0.1 ms with.
    """
    before = None
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):  # not allowed to: Linux asks for CAP_SYS_NICE
            before = os.sched_getscheduler(0), os.sched_getparam(0)
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        if before is not None:
            with suppress(OSError):
                os.sched_setscheduler(0, *before)
