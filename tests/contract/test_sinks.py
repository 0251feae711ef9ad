"""What every sink owes: a press arrives as it was, at its own times, and nothing else does."""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.dut.browser import COUNTING_PAGE, BrowserSink, css_scale
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.sink import Sink, deliver
from stampbench.bench.plans.tables import DutAnswer, DutSettings
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.device import identity_of
from stampbench.sim.panel import load_profile

PANEL = identity_of(load_profile("nexus-5"))
INTERVAL_US = 10_000
WAIT_S = 20.0

Arrived = Callable[[], list[TouchReport]]
"""Returns the reports as the other end has them; ids and times may be its own."""


def contact(number: int, x_mm: float, y_mm: float, **how: bool) -> Contact:
    """Return a contact of the panel; its units are the profile's."""
    x = round(x_mm / (PANEL.width_um / 1000) * PANEL.x_max)
    y = round(y_mm / (PANEL.height_um / 1000) * PANEL.y_max)
    return Contact(id=number, **{"tip": True, **how}, x=x, y=y, x_mm=x_mm, y_mm=y_mm, size_mm=6.0)


def scans(*contacts: tuple[Contact, ...]) -> list[TouchReport]:
    """Return reports of scans that follow one another."""
    return [TouchReport(n * INTERVAL_US, some) for n, some in enumerate(contacts)]


def stamped(pads: int = 5, moves: int = 8) -> list[TouchReport]:
    """Return a press whose pads land one by one, tremble, and lift in two steps."""
    places = [(12.0 + 9.3 * (n % 5), 30.0 + 11.1 * (n // 5) + 3.7 * (n % 2)) for n in range(pads)]
    landing = [tuple(contact(n, *places[n]) for n in range(down + 1)) for down in range(pads)]
    moving = [
        tuple(contact(n, x + 0.11 * step, y - 0.07 * step) for n, (x, y) in enumerate(places))
        for step in range(moves)
    ]
    last = moving[-1]
    half = (*(c._replace(tip=False) for c in last[:2]), *last[2:])
    return scans((), *landing, *moving, half, tuple(c._replace(tip=False) for c in last[2:]), ())


def places(reports: list[TouchReport]) -> list[list[tuple[float, float]]]:
    """Return where contacts are down, of every report that differs from the one ahead."""
    found: list[list[tuple[float, float]]] = []
    for report in reports:
        here = sorted((c.x_mm, c.y_mm) for c in report.down if c.x_mm is not None and c.y_mm is not None)
        if not found or found[-1] != here:
            found.append(here)
    return [here for here in found if here]


class SinkContract:
    """One kind of sink, with an other end that tells what arrived."""

    tolerance_mm = 1e-4
    """How exact a place arrives."""
    marks_cancelled = True
    """Whether the other end can tell a touch that was taken away from one that lifted."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        """Make the sink for PANEL, and tell what arrives."""
        raise NotImplementedError
        yield

    def break_off(self, sink: Sink) -> None:
        """Break the other end, as a cable that is pulled or a program that dies would."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, _):
            assert sink.name
            assert sink.contact_limit >= 5

    def test_a_press_arrives_whole_and_in_order(self, tmp_path: Path) -> None:
        reports = stamped()
        with self.opened(tmp_path) as (sink, arrived):
            deliver(sink, 1, reports)
            there = places(arrived())
        sent = places(reports)
        assert [len(here) for here in there] == [len(here) for here in sent]
        for here, was in zip(there, sent, strict=True):
            for one, other in zip(here, was, strict=True):
                assert one == pytest.approx(other, abs=self.tolerance_mm)

    def test_nothing_is_down_after_a_press(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, arrived):
            deliver(sink, 1, stamped())
            assert arrived()[-1].down == ()

    def test_presses_follow_one_another(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, arrived):
            for press in (1, 2, 3):
                deliver(sink, press, stamped(moves=3))
            there = places(arrived())
        assert [len(here) for here in there] == 3 * [len(here) for here in places(stamped(moves=3))]

    def test_reports_go_out_when_they_are_due(self, tmp_path: Path) -> None:
        now_s = 0.0

        def pause(seconds: float) -> None:
            nonlocal now_s
            now_s += seconds

        reports = stamped()
        with self.opened(tmp_path) as (sink, _):
            delivery = deliver(sink, 1, reports, clock=lambda: now_s, pause=pause)
            if not sink.paced:
                assert delivery.due_us == ()
                return
        assert delivery.sent_us == delivery.due_us == tuple(report.t_us for report in reports)
        assert delivery.late_us == 0

    def test_touches_that_the_panel_takes_away_are_taken_away_there(self, tmp_path: Path) -> None:
        down = tuple(contact(n, 10.0 + 9.0 * n, 40.0) for n in range(3))
        gone = tuple(c._replace(tip=False, cancelled=True) for c in down)
        with self.opened(tmp_path) as (sink, arrived):
            deliver(sink, 1, scans((), down, gone, ()))
            there = arrived()
        assert there[-1].down == ()
        assert max(len(report.down) for report in there) == 3
        if self.marks_cancelled:
            assert any(c.cancelled for report in there for c in report.contacts)

    def test_one_contact_too_many_is_refused_by_name_and_nothing_is_sent(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, arrived):
            if sink.contact_limit > 100:
                pytest.skip("it takes as many as any panel reports")
            many = tuple(contact(n, 2.0 + n, 50.0) for n in range(sink.contact_limit + 1))
            with pytest.raises(
                LinkError, match=f"{sink.name}: {len(many)} contacts at once: expected at most"
            ):
                deliver(sink, 1, scans((), many, ()))
            deliver(sink, 2, stamped(moves=1))
            assert max(len(report.down) for report in arrived()) == 5

    def test_a_broken_way_is_a_fault_of_the_bench_and_can_be_opened_anew(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, arrived):
            deliver(sink, 1, stamped(moves=1))
            self.break_off(sink)
            with pytest.raises(LinkError):
                deliver(sink, 2, stamped(moves=200)[:100])
            sink.renew()
            deliver(sink, 3, stamped(moves=1))
            assert arrived()[-1].down == ()

    def test_a_press_that_was_broken_off_leaves_nothing_down(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as (sink, arrived):
            sink.begin(1)
            for report in stamped()[:7]:
                sink.send(report)
            sink.renew()
            deliver(sink, 2, stamped(moves=2))
            there = arrived()
        assert max(len(report.down) for report in there) == 5
        assert there[-1].down == ()


class TestProcess(SinkContract):
    """A child process that writes down the lines it is given."""

    marks_cancelled = False

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        log, script = folder / "lines", folder / "writes.py"
        script.write_text(
            "import sys\n"
            f"with open({str(log)!r}, 'a') as log:\n"
            "    for line in sys.stdin:\n"
            "        log.write(line)\n"
            "        log.flush()\n"
        )
        sink = ProcessSink([sys.executable, str(script)], PANEL, queue.SimpleQueue())

        def arrived() -> list[TouchReport]:
            sink.begin(99)
            until_s = time.monotonic() + WAIT_S
            while not log.exists() or '"press":99,' not in log.read_text():
                assert time.monotonic() < until_s
                time.sleep(0.01)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            return [
                TouchReport(line["t_us"], tuple(Contact(**contact) for contact in line["contacts"]))
                for line in lines
                if "contacts" in line
            ]

        yield sink, arrived
        sink.close()

    def break_off(self, sink: Sink) -> None:
        assert isinstance(sink, ProcessSink)
        process = sink._process
        assert process is not None
        process.kill()
        process.wait()


@pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no chromium and chromedriver: expected Debian's chromium and chromium-driver",
)
class TestBrowser(SinkContract):
    """A real Chromium, with a page that writes down what its fingers did."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        settings = DutSettings(
            kind="browser", url=COUNTING_PAGE.as_uri(), answer=DutAnswer(expression="null")
        )
        sink = BrowserSink(settings, PANEL, queue.SimpleQueue())

        def arrived() -> list[TouchReport]:
            return told(sink.page.value_of("touched"), css_scale(PANEL)[0])

        yield sink, arrived
        sink.close()

    def break_off(self, sink: Sink) -> None:
        assert isinstance(sink, BrowserSink)
        sink.page.ask("Browser.close")


def _ms(one: list[Any]) -> float:
    return one[1]


def told(touched: list[list[Any]], px_per_mm: float) -> list[TouchReport]:
    """Return what the counting page wrote down, as a report for each moment at which it heard something.

    A finger's moves come together, once a frame, so that what belongs to one moment must be gathered.
    """
    down: dict[int, Contact] = {}
    reports = []
    for ms, together in itertools.groupby(sorted(touched, key=_ms), key=_ms):
        gone = []
        for what, _, finger, x, y, radius in together:
            contact = Contact(
                id=finger,
                tip=what in ("down", "move"),
                x=round(x),
                y=round(y),
                x_mm=x / px_per_mm,
                y_mm=y / px_per_mm,
                size_mm=2.0 * radius / px_per_mm,
                cancelled=what == "cancel",
            )
            if contact.tip:
                down[finger] = contact
            else:
                down.pop(finger)
                gone.append(contact)
        reports.append(TouchReport(round(1000 * ms), (*down.values(), *gone)))
    return reports
