"""What every sink owes: a press arrives as it was, at its own times, and nothing else does."""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.dut import android
from stampbench.bench.dut.android import AndroidHidSink, AndroidUinputSink
from stampbench.bench.dut.browser import COUNTING_PAGE, BrowserSink, css_scale
from stampbench.bench.dut.hid import GadgetSink, digitizer_of
from stampbench.bench.dut.kernel import EvemuSink, UinputSink
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.python import PythonSink
from stampbench.bench.dut.sink import Sink, deliver
from stampbench.bench.plans.tables import DutAnswer, DutSettings
from stampbench.bench.sources.evdev_events import AxisRange, EvdevAssembler
from stampbench.bench.sources.protocol_b import EventPanel
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
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


class TestPython(SinkContract):
    """A function that keeps what it is called with."""

    marks_cancelled = False

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        kept: list[TouchReport] = []

        def recogniser(reports: Sequence[TouchReport]) -> None:
            if len(reports) > 100:
                raise SystemExit
            kept.extend(reports)

        sink = PythonSink(recogniser, queue.SimpleQueue())

        def arrived() -> list[TouchReport]:
            last = TouchReport(0, ())
            deliver(sink, 99, [last])
            until_s = time.monotonic() + WAIT_S
            while not any(report is last for report in kept):
                assert time.monotonic() < until_s
                time.sleep(0.01)
            return list(kept)

        yield sink, arrived
        sink.close()

    def break_off(self, sink: Sink) -> None:
        assert isinstance(sink, PythonSink)
        assert sink._thread is not None
        deliver(sink, 2, stamped(moves=200))
        sink._thread.join(WAIT_S)


class TestEvemu(SinkContract):
    """A file, as our reader of evemu's files has it."""

    tolerance_mm = 0.00501
    marks_cancelled = False

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        sink = EvemuSink(folder / "presses.evemu", PANEL)

        def arrived() -> list[TouchReport]:
            with open_recording(folder / "presses.evemu") as recording:
                return list(recording)

        yield sink, arrived
        sink.close()

    def break_off(self, sink: Sink) -> None:
        assert isinstance(sink, EvemuSink)
        assert sink._file is not None
        sink._file.close()


@pytest.mark.skipif(not Path("/dev/uinput").exists(), reason="no /dev/uinput: expected Linux's module uinput")
class TestUinput(SinkContract):
    """A touchscreen of this machine's kernel, as a program here reads it."""

    tolerance_mm = 0.00501
    marks_cancelled = False

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        evdev = pytest.importorskip("evdev")
        sink = UinputSink(PANEL)
        try:
            sink.begin(0)
        except NoHardwareError as error:
            pytest.skip(str(error))
        devices = []
        read: list[TouchReport] = []

        def listen() -> None:
            device = evdev.InputDevice(sink._device.device.path)
            assembler = EvdevAssembler({c: AxisRange(a, b, r) for c, a, b, r in EventPanel.of(PANEL).axes})
            devices.append((device, assembler))

        def arrived() -> list[TouchReport]:
            time.sleep(0.1)
            for device, assembler in devices:
                with suppress(BlockingIOError):
                    for e in device.read():
                        t_us = e.sec * 1_000_000 + e.usec
                        read.extend(filter(None, [assembler.feed(t_us, e.type, e.code, e.value)]))
            return read

        listen()
        yield sink, arrived
        sink.close()

    def break_off(self, sink: Sink) -> None:
        pytest.skip("a device of the kernel's own is not broken off")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name, in the place of /dev/hidg0")
class TestGadget(SinkContract):
    """A pipe in the place of /dev/hidg0; what is read there is read by our HID decoder."""

    tolerance_mm = 0.00501
    marks_cancelled = False

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        self._pipe, self._other_end = folder / "hidg0", -1
        self._plug_in()
        sink = GadgetSink(self._pipe, PANEL)
        packets: list[bytes] = []

        def arrived() -> list[TouchReport]:
            with suppress(BlockingIOError):
                while data := os.read(self._other_end, 64):
                    packets.append(data)
            return hid_reports(digitizer_of(PANEL, 10).descriptor(), packets)

        yield sink, arrived
        sink.close()
        os.close(self._other_end)

    def _plug_in(self) -> None:
        os.mkfifo(self._pipe)
        self._other_end = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)

    def break_off(self, sink: Sink) -> None:
        os.close(self._other_end)
        self._pipe.unlink()
        self._plug_in()


def hid_reports(descriptor: bytes, packets: Sequence[bytes]) -> list[TouchReport]:
    """Return what our decoder reads of HID packets."""
    decoder = HidTouchDecoder(touch_screen(parse_descriptor(descriptor)))
    reports = [report for n, packet in enumerate(packets) for report in decoder.feed(10_000 * n, packet)]
    return reports + decoder.flush()


ADB = """#!{python}
import sys
log = {log!r}
words = sys.argv[1:]
assert words[:3] == ["-s", "R58M", "shell"], words
if words[3:] == ["getevent", "-pl"]:
    print('  name:     "stampbench nexus-5"' if open(log).read() else "")
elif words[3] == "-T":
    with open(log, "a") as file:
        print("#", words[4], file=file, flush=True)
        for line in sys.stdin:
            print(line, end="", file=file, flush=True)
else:
    sys.exit("error: unknown " + " ".join(words))
"""


class PhoneContract(SinkContract):
    """A program in the place of adb, which writes down what the phone's command would read."""

    tolerance_mm = 0.00501
    marks_cancelled = False

    @pytest.fixture(autouse=True)
    def _adb(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = tmp_path / "log"
        self.log.touch()
        adb = tmp_path / "bin" / "adb"
        adb.parent.mkdir()
        adb.write_text(ADB.format(python=sys.executable, log=str(self.log)))
        adb.chmod(0o755)
        monkeypatch.setenv("PATH", f"{adb.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(android, "_SETTLES_S", 0.05)

    def read(self, lines: list[str]) -> list[TouchReport]:
        """Return the reports of one device, from the lines that its command read."""
        raise NotImplementedError

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Sink, Arrived]]:
        sink = self.sink()

        def arrived() -> list[TouchReport]:
            sink.close()  # whatever was sent has been read then
            devices = self.log.read_text().split("# ")[1:]
            return [report for device in devices for report in self.read(device.splitlines()[1:])]

        yield sink, arrived
        sink.close()

    def sink(self) -> Sink:
        """Return the sink."""
        raise NotImplementedError

    def break_off(self, sink: Sink) -> None:
        assert isinstance(sink, AndroidHidSink | AndroidUinputSink)
        process = sink._phone._process
        assert process is not None
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="a script in the place of adb")
class TestAndroidHid(PhoneContract):
    """What AOSP's ``hid`` reads, as our HID decoder has it."""

    def sink(self) -> Sink:
        return AndroidHidSink("R58M", PANEL)

    def read(self, lines: list[str]) -> list[TouchReport]:
        register, *said = map(json.loads, lines)
        assert register["command"] == "register"
        assert {(one["id"], one["command"]) for one in said} <= {(register["id"], "report")}
        return hid_reports(bytes(register["descriptor"]), [bytes(one["report"]) for one in said])


@pytest.mark.skipif(sys.platform == "win32", reason="a script in the place of adb")
class TestAndroidUinput(PhoneContract):
    """What AOSP's ``uinput`` reads: in its order, and as our reader of evemu's files has it."""

    def sink(self) -> Sink:
        return AndroidUinputSink("R58M", PANEL)

    def read(self, lines: list[str]) -> list[TouchReport]:
        order = "".join(line[0] for line in lines)
        assert re.fullmatch("NIP+B+A+EE+", order)
        times = [float(line.split()[1]) for line in lines if line.startswith("E")]
        assert times == sorted(times)
        # It handles a line once it has the next one: only what nobody waits for may be the last.
        assert lines[-1].split()[2:] == ["0000", "0000", "0"]
        path = self.log.with_suffix(".evemu")
        path.write_text("\n".join(lines) + "\n")
        with open_recording(path) as recording:
            return list(recording)
