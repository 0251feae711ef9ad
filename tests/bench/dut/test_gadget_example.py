"""The example that makes a small computer a USB touchscreen, on a folder in the place of configfs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.reports import touch_screen

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, as configfs has them")


def test_the_gadget_is_a_touchscreen_of_the_panels_size(project: Path, tmp_path: Path) -> None:
    script = project / "examples/usb_touchscreen.py"
    subprocess.run(
        [sys.executable, script, "nexus-5", "--configfs", tmp_path, "--port", "usb0"], check=True, timeout=60
    )
    gadget = tmp_path / "usb_gadget/stampbench"
    hid = gadget / "functions/hid.usb0"
    screen = touch_screen(parse_descriptor((hid / "report_desc").read_bytes()))
    assert (screen.width_mm, screen.height_mm) == pytest.approx((61.6, 109.6), abs=0.01)
    assert (hid / "report_length").read_text() == "64"
    assert (gadget / "configs/c.1/hid.usb0").resolve() == hid.resolve()
    assert (gadget / "UDC").read_text() == "usb0"
