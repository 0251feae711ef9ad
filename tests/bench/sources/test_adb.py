"""A program in the place of adb, which says what a phone says."""

from __future__ import annotations

import itertools
import os
import stat
import sys

import pytest
from stampbench.bench.sources import adb
from stampbench.bench.sources.adb import open_adb
from stampbench.bench.sources.devices import open_device
from stampbench.firmware_emulator.errors import InputError, NoHardwareError
from stampbench.firmware_emulator.touch import TouchReport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")

DEVICES = """add device 1: /dev/input/event3
  name:     "accelerometer"
    ABS (0003): ABS_X                 : value 0, min 0, max 9, fuzz 0, flat 0, resolution 0
add device 2: /dev/input/event2
  name:     "fts_ts"
    ABS (0003): ABS_MT_SLOT           : value 0, min 0, max 9, fuzz 0, flat 0, resolution 0
                ABS_MT_POSITION_X     : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 16
                ABS_MT_POSITION_Y     : value 0, min 0, max 2339, fuzz 0, flat 0, resolution 16
                ABS_MT_TRACKING_ID    : value 0, min 0, max 65535, fuzz 0, flat 0, resolution 0
"""
EVENTS = """[   10.000000] /dev/input/event3: EV_ABS       ABS_X                00000007
[   10.000100] /dev/input/event2: EV_ABS       ABS_MT_TRACKING_ID   00000021
[   10.000100] /dev/input/event2: EV_ABS       ABS_MT_POSITION_X    00000140
[   10.000100] /dev/input/event2: EV_ABS       ABS_MT_POSITION_Y    00000280
[   10.000100] /dev/input/event2: EV_SYN       SYN_REPORT           00000000
[   10.008400] /dev/input/event2: EV_ABS       ABS_MT_TRACKING_ID   ffffffff
[   10.008400] /dev/input/event2: EV_SYN       SYN_REPORT           00000000
"""
PROGRAM = """#!{python}
import os, sys
words, here = sys.argv[1:], {here!r}
if words == ["devices"]:
    print(open(here + "/devices").read(), end="")
elif words[2:] == ["get-state"]:
    print("device")
elif words[2:] == ["shell", "getevent", "-lip"]:
    print(open(here + "/described").read(), end="")
elif words[2:] == ["shell", "-tt", "getevent", "-lt"]:
    assert os.isatty(1)
    print(open(here + "/events").read(), end="")
else:
    sys.exit("error: unknown " + " ".join(words))
"""


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """A folder with what the phone says: devices, described, events."""
    for name, text in {
        "devices": "List of devices attached\nR58M\tdevice\n\n",
        "described": DEVICES,
        "events": EVENTS,
    }.items():
        (tmp_path / name).write_text(text)
    program = tmp_path / "adb"
    program.write_text(PROGRAM.format(python=sys.executable, here=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(adb, "LOOK_EVERY_S", 0.0)
    return tmp_path


def reports(source, count):
    return list(itertools.islice((item for item in source.items if isinstance(item, TouchReport)), count))


def test_touches_of_a_phone_come_with_its_ranges_and_size(phone):
    with open_device("adb") as source:
        first, second = reports(source, 2)
    assert source.header.device == "fts_ts R58M"
    assert (source.header.x_max, source.header.y_max) == (1079, 2339)
    assert source.header.width_mm == pytest.approx(1080 / 16, rel=0.002)
    assert [(contact.x, contact.y) for contact in first.down] == [(320, 640)]
    assert second.down == ()
    assert second.t_us - first.t_us == 8_300


def test_a_phone_that_is_unplugged_is_read_on_when_it_is_back(phone):
    with open_adb("adb:R58M") as source:
        assert len(reports(source, 6)) == 6
        assert source.counters()["reconnects"] >= 2


def test_a_phone_that_stays_away_is_missing_hardware(phone, monkeypatch):
    monkeypatch.setattr(adb, "RETURN_WITHIN_S", 0.0)
    with open_adb("adb") as source, pytest.raises(NoHardwareError, match="R58M went away"):
        reports(source, 3)


def test_of_several_phones_one_must_be_named(phone):
    (phone / "devices").write_text("List of devices attached\nA1\tdevice\nB2\tdevice\n")
    with pytest.raises(InputError, match="expected one of adb:A1, adb:B2"), open_adb("adb"):
        pass


def test_a_phone_that_has_not_allowed_debugging_is_missing_hardware(phone):
    (phone / "devices").write_text("List of devices attached\nA1\tunauthorized\n")
    with pytest.raises(NoHardwareError, match="A1 is unauthorized: expected a phone"), open_adb("adb"):
        pass


def test_a_phone_without_touchscreen_cannot_be_read(phone):
    (phone / "described").write_text('add device 1: /dev/input/event3\n  name:     "gpio-keys"\n')
    with pytest.raises(InputError, match="R58M shows no touchscreen"), open_adb("adb"):
        pass


def test_without_adb_there_is_no_hardware(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoHardwareError, match="no program adb"), open_adb("adb"):
        pass
