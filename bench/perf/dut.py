"""Timing of a device under test: reports into a page of Chromium, and what the page had of them."""

from __future__ import annotations

import math
import queue
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stampbench.bench.perf import Figure

if TYPE_CHECKING:
    from stampbench.bench.dut.browser import BrowserSink
    from stampbench.firmware_emulator.touch import TouchReport

RATES_HZ: Final = (60, 100, 120, 250)
REPORTS: Final = 400
"""Of one press at each rate."""
AWAITED_REPORTS: Final = 60
ON_TIME_MS: Final = 2.0
_CONTACTS: Final = 5
_PX_PER_MM: Final = 6.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What the page had of one press.

    Attributes:
        lost: reports of which a finger's place never came.
        reordered: reports that came before one sent ahead of them.
        error_px: largest difference between a place that was sent and the page's.
    """

    lost: int
    reordered: int
    error_px: float


def measure() -> dict[str, Figure]:
    """Return the figures of reports of five contacts that go into a page which counts them.

    ``reports_on_time_share``, ``late_p99_ms``: of all rates: reports that were sent within 2 ms of when they
    were due, and the 99th percentile of lateness; also of each rate, with its name.
    ``reports_lost``, ``reports_reordered``, ``coordinate_error_px``: by the page's own count.
    ``reports_per_s``: as fast as they go, against the same where each waits for its answer.

    Raises:
        NoHardwareError: no Chromium.
    """
    from stampbench.bench.dut.browser import COUNTING_PAGE, BrowserSink
    from stampbench.bench.dut.sink import deliver
    from stampbench.bench.plans.tables import DutAnswer, DutSettings
    from stampbench.sim.device import identity_of
    from stampbench.sim.panel import load_profile

    settings = DutSettings(
        kind="browser",
        url=COUNTING_PAGE.as_uri(),
        px_per_mm=_PX_PER_MM,
        answer=DutAnswer(expression="null"),
    )
    sink = BrowserSink(settings, identity_of(load_profile("nexus-5")), queue.SimpleQueue())
    late_ms: dict[int, list[float]] = {}
    counted = []
    try:
        deliver(sink, 0, reports_at(250, 50))  # the browser has warmed up
        for rate_hz in RATES_HZ:
            reports = reports_at(rate_hz, REPORTS)
            sink.page.value_of("touched.splice(0).length")
            delivery = deliver(sink, rate_hz, reports)
            late_us = [sent - due for due, sent in zip(delivery.due_us, delivery.sent_us, strict=True)]
            late_ms[rate_hz] = [us / 1000 for us in late_us]
            counted.append(count(reports, sink.page.value_of("touched")))
        pipelined, awaited = _as_fast_as_they_go(sink)
    finally:
        sink.close()
    figures = _lateness("", [ms for some in late_ms.values() for ms in some])
    for rate_hz, some in late_ms.items():
        figures |= _lateness(f"_{rate_hz}hz", some)
    return figures | {
        "reports_lost": Figure(sum(one.lost for one in counted), "reports"),
        "reports_reordered": Figure(sum(one.reordered for one in counted), "reports"),
        "coordinate_error_px": Figure(max(one.error_px for one in counted), "px"),
        "reports_per_s": Figure(pipelined, "reports/s", awaited, "each waits for its answer"),
    }


def reports_at(rate_hz: int, count: int) -> list[TouchReport]:
    """Return a press of five contacts that land, and move in every report until they lift."""
    from stampbench.firmware_emulator.touch import Contact, TouchReport

    reports = []
    for n in range(count):
        contacts = [
            Contact(
                id=finger,
                tip=n < count - 1,
                x=0,
                y=0,
                x_mm=10.0 + 9.0 * finger + 7.0 * math.sin(0.1 * n + finger),
                y_mm=20.0 + 0.19 * n + 2.0 * finger,
                size_mm=6.0,
            )
            for finger in range(_CONTACTS)
        ]
        reports.append(TouchReport(round(n * 1e6 / rate_hz), tuple(contacts)))
    return reports


def count(reports: list[TouchReport], touched: list[list[Any]]) -> Counted:
    """Compare what was sent with what the counting page wrote down, finger by finger.

    Args:
        reports: of one press.
        touched: of the page: what, ms, finger, x px, y px, radius px.
    """
    had: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for what, _, finger, x, y, _ in touched:
        if what in ("down", "move"):
            had[finger].append((x, y))
    lost = reordered = 0
    error_px = 0.0
    fingers = list(had.values())
    for contact in range(_CONTACTS):
        sent = np.array([(c.x_mm, c.y_mm) for report in reports for c in report.down if c.id == contact])
        places = np.array(fingers[contact] if contact < len(fingers) else []).reshape(-1, 2)
        # Every place was sent once: the nearest one tells which report it is of.
        distances = np.linalg.norm(places[:, None] - _PX_PER_MM * sent[None], axis=2)
        which = distances.argmin(axis=1)
        error_px = max(error_px, float(distances.min(axis=1).max(initial=0.0)))
        lost = max(lost, len(sent) - len(set(which.tolist())))
        reordered = max(reordered, int((np.diff(which) < 0).sum()))
    return Counted(lost, reordered, error_px)


def _lateness(of: str, late_ms: list[float]) -> dict[str, Figure]:
    on_time = float(np.mean(np.array(late_ms) <= ON_TIME_MS))
    return {
        f"reports_on_time_share{of}": Figure(on_time, "1"),
        f"late_p99_ms{of}": Figure(float(np.percentile(late_ms, 99)), "ms"),
    }


def _as_fast_as_they_go(sink: BrowserSink) -> tuple[float, float]:
    """Return reports a second, pipelined and each waiting for its answer."""
    rates = []
    for reports, awaited in ((reports_at(250, REPORTS), False), (reports_at(250, AWAITED_REPORTS), True)):
        sink.begin(0)
        begun_s = time.perf_counter()
        for report in reports:
            sink.send(report)
            if awaited:
                sink.page.settle()
        sink.end()
        rates.append(len(reports) / (time.perf_counter() - begun_s))
    return rates[0], rates[1]
