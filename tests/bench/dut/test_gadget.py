"""A whole run into a USB gadget: packets go out, a kiosk on the other end reads them, and calls the bench."""

from __future__ import annotations

import os
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from stampbench.bench.dut.hid import digitizer_of
from stampbench.bench.judging.assessment import Verdict, assess
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
from stampbench.sim.device import identity_of

import stampbench as sb

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")


class Kiosk(threading.Thread):
    """Reads stamps from HID packets, and tells the address that the file holds what it read."""

    def __init__(self, pipe: Path, address: Path) -> None:
        super().__init__(daemon=True)
        os.mkfifo(pipe)
        self.codes: list[int | None] = []
        self._address = address
        self._packets = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._held_open = os.open(pipe, os.O_WRONLY)
        os.set_blocking(self._packets, True)
        descriptor = digitizer_of(identity_of(sb.load_profile("nexus-5")), 10).descriptor()
        self._touches = HidTouchDecoder(touch_screen(parse_descriptor(descriptor)))
        self._decoder = sb.Decoder(sb.load_family("p5-60k"), sigma_mm=0.15)

    def run(self) -> None:
        fullest: tuple[sb.Contact, ...] = ()
        while packet := os.read(self._packets, 64):
            for report in self._touches.feed(0, packet):
                if len(report.down) >= len(fullest):
                    fullest = report.down
                if fullest and not report.down:
                    code = self._decoder.decode([(c.x_mm, c.y_mm) for c in fullest]).code
                    self.codes.append(code)
                    said = "null" if code is None else code
                    urllib.request.urlopen(f"{self._address.read_text()}?code={said}", timeout=10).close()
                    fullest = ()
        os.close(self._packets)

    def unplug(self) -> None:
        """End."""
        os.close(self._held_open)
        self.join(30.0)


def test_a_kiosk_reads_what_comes_over_usb(tmp_path: Path) -> None:
    address = tmp_path / "address"
    kiosk = Kiosk(tmp_path / "hidg0", address)
    kiosk.start()
    keep = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    plan = sb.Plan.of(
        {
            "plan": {"name": "kiosk", "family": "p5-60k", "seed": 3, "profiles": ["nexus-5"]},
            "decoder": {"sigma_mm": 0.15},
            "dut": {
                "kind": "gadget",
                "path": str(tmp_path / "hidg0"),
                "timeout_s": 30.0,
                "late_ms": 1000.0,
                "answer": {"http": True},
                "between": {"command": [sys.executable, "-c", keep, str(address), "{answer}"]},
            },
            "cases": [{"name": "held", "kind": "genuine", "presses": 4}],
            "limits": [{"measurement": "frr", "max": 0.0}],
        }
    )
    run = sb.run(plan, out=tmp_path / "run")
    kiosk.unplug()
    assert [press.reading.code for press in run.presses] == kiosk.codes
    assert all(press.read_right for press in run.presses)
    assert assess(plan, run).verdict is Verdict.PASSED
