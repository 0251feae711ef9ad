"""The device under test that a plan's ``[dut]`` describes, for one panel."""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from stampbench.bench.dut.adb import ANSWER_WITHIN_S, ask_adb
from stampbench.bench.dut.android import AndroidHidSink, AndroidUinputSink
from stampbench.bench.dut.answers import Heard
from stampbench.bench.dut.browser import BrowserSink, browser_programs
from stampbench.bench.dut.device import DeviceUnderTest
from stampbench.bench.dut.hearing import AnswerServer, hearing_logcat
from stampbench.bench.dut.hid import GadgetSink
from stampbench.bench.dut.kernel import UinputSink
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.python import PythonSink, load_recogniser
from stampbench.bench.dut.sink import Sink, deliver
from stampbench.bench.plans.tables import DutSettings
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import Contact, TouchReport

_TAP_US: Final = 50_000


@contextmanager
def device_under_test(dut: DutSettings, panel: Identity) -> Iterator[DeviceUnderTest]:
    """Hold the device under test of a plan; the way into it is opened with its first press.

    Args:
        dut: of the plan.
        panel: that is pressed on.

    Raises:
        NoHardwareError: what hears it is not there.
    """
    heard: Heard = queue.SimpleQueue()
    with ExitStack() as stack:
        address: Callable[[], str] = str
        if dut.answer.http:
            server = AnswerServer(dut.answer, heard)
            stack.callback(server.close)
            address = server.next_address
            if dut.serial:
                ask_adb(dut.serial, "reverse", f"tcp:{server.port}", f"tcp:{server.port}")
        if dut.answer.logcat:
            stack.enter_context(hearing_logcat(dut.serial, dut.answer, heard))
        sink = sink_of(dut, panel, heard)
        stack.callback(sink.close)
        yield DeviceUnderTest(
            sink=sink,
            heard=heard,
            codes=dut.codes,
            timeout_s=dut.timeout_s,
            late_ms=dut.late_ms,
            bring_back=lambda: _bring_back(dut, panel, sink, address()),
        )


def check_hardware(dut: DutSettings) -> None:
    """Look for what a device under test needs, ahead of a run.

    Raises:
        NoHardwareError: no browser, no adb, no such phone, or nothing to make a touchscreen of.
        InputError: no such recogniser.
    """
    if dut.kind == "python":
        load_recogniser(dut.recogniser)
    device = {"uinput": "/dev/uinput", "gadget": dut.path}.get(dut.kind)
    if device is not None and not os.access(device, os.W_OK):
        raise NoHardwareError(
            f'dut.kind = "{dut.kind}": {device} is not there, or may not be written: expected it, see '
            "docs/how-to/press-a-device.md"
        )
    if dut.kind == "browser" and not dut.serial:
        browser_programs()
    if dut.serial:
        ask_adb(dut.serial, "get-state")


def _bring_back(dut: DutSettings, panel: Identity, sink: Sink, address: str) -> None:
    """Bring the app back to where it waits for a stamp; ``address`` is where it tells its answer."""
    browser = sink if isinstance(sink, BrowserSink) else None
    if browser is not None:
        browser.bring_back(address)
    if dut.between.tap is not None:
        deliver(sink, 0, _tapped(panel, *dut.between.tap))
    if dut.between.intent:
        intent = shlex.split(dut.between.intent.replace("{answer}", address))
        ask_adb(dut.serial, "shell", shlex.join(["am", "start", "-W", *intent]))
    if dut.between.command:
        _run([word.replace("{answer}", address) for word in dut.between.command])
    if browser is not None:
        browser.until_ready()
    time.sleep(dut.between.wait_s)


def _run(command: Sequence[str]) -> None:
    """Run what brings the app back.

    Raises:
        LinkError: it fails.
    """
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=ANSWER_WITHIN_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise LinkError(f"dut.between.command: {error}: expected a program that ends with status 0") from None


def _tapped(panel: Identity, x_mm: float, y_mm: float) -> tuple[TouchReport, TouchReport]:
    """Return the reports of a finger that taps."""
    x, y = x_mm * 1000 * panel.x_max // panel.width_um, y_mm * 1000 * panel.y_max // panel.height_um
    down = Contact(id=0, tip=True, x=int(x), y=int(y), x_mm=x_mm, y_mm=y_mm)
    return TouchReport(0, (down,)), TouchReport(_TAP_US, (down._replace(tip=False),))


def sink_of(dut: DutSettings, panel: Identity, heard: Heard) -> Sink:
    """Return the way into a device under test.

    Args:
        dut: of the plan.
        panel: that is pressed on.
        heard: where answers go that come back on the same way.
    """
    match dut.kind:
        case "process":
            return ProcessSink(dut.command, panel, heard)
        case "python":
            return PythonSink(load_recogniser(dut.recogniser), heard)
        case "browser":
            return BrowserSink(dut, panel, heard)
        case "android-hid":
            return AndroidHidSink(dut.serial, panel, dut.contacts)
        case "android-uinput":
            return AndroidUinputSink(dut.serial, panel)
        case "uinput":
            return UinputSink(panel)
        case "gadget":
            return GadgetSink(Path(dut.path), panel, dut.contacts)
