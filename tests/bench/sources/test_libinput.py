from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport

HEADER = """# libinput record
version: 1
ndevices: 1
libinput:
  version: "1.26.0"
  git: "unknown"
system:
  os: "debian:13"
  kernel: "6.12.1"
devices:
- node: /dev/input/event9
  evdev:
    # Name: Panel
    name: "Panel of ours"
    id: [24, 1267, 17, 256, 0]
    codes:
      0: [0, 1, 2]
      3: [0, 1, 47, 53, 54, 57]
    absinfo:
      47: [0, 9, 0, 0, 0]
      53: [0, 1000, 0, 0, 10]
      54: [0, 500, 0, 0, 10]
    properties: [1]
  udev:
    properties:
    - ID_INPUT=1
  events:
  # Current time is 12:00:00
"""
EVENTS = """  - evdev:
    - [  0,      0,   3,  57,       4] # EV_ABS / ABS_MT_TRACKING_ID        4
    - [  0,      0,   3,  53,     300] # EV_ABS / ABS_MT_POSITION_X       300
    - [  0,      0,   3,  54,     200] # EV_ABS / ABS_MT_POSITION_Y       200
    - [  0,      0,   0,   0,       0] # ------------ SYN_REPORT (0) ---------- +0ms
  - evdev:
    - [  1,  10007,   3,  57,      -1]
    - [  1,  10007,   0,   0,       0]
"""

Read = Callable[[str], tuple[Recording, list[TouchReport]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str) -> tuple[Recording, list[TouchReport]]:
        path = tmp_path / "touch.yml"
        path.write_bytes(content.encode())
        with open_recording(path) as recording:
            return recording, list(recording)

    return read


def test_device_and_reports_are_read(read: Read) -> None:
    recording, reports = read(HEADER + EVENTS)
    assert (recording.device, recording.format) == ("Panel of ours", "libinput")
    assert (recording.x_max, recording.y_max, recording.width_mm, recording.height_mm) == (
        1000,
        500,
        100.0,
        50.0,
    )
    assert [report.t_us for report in reports] == [0, 1_010_007]
    (contact,) = reports[0].down
    assert (contact.id, contact.x, contact.y, contact.x_mm, contact.y_mm) == (4, 300, 200, 30.0, 20.0)
    assert reports[1].down == ()


def test_events_of_a_second_device_are_left_out_with_a_note(read: Read) -> None:
    second = HEADER[HEADER.index("- node:") :].replace("ours", "theirs")
    recording, reports = read(HEADER + EVENTS + second + EVENTS)
    assert (recording.device, len(reports)) == ("Panel of ours", 2)
    assert recording.notes == ["left out 6 events of other devices: Panel of theirs"]


def test_unknown_keys_are_passed_over(read: Read) -> None:
    later = HEADER.replace("ndevices: 1", "ndevices: 1\nweather:\n  sky: [1, 2]")
    assert read(later + EVENTS)[1] == read(HEADER + EVENTS)[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER, "touch.yml: holds no events"),
        (HEADER.replace("version: 1\n", "version: 2\n", 1) + EVENTS, ":2: libinput record of version 2"),
        (HEADER.replace("[0, 500, 0, 0, 10]", "[0]") + EVENTS, ":22: malformed axis '0'"),
        (HEADER + EVENTS + "    - [  1,  100", ":37: the last line is cut in the middle"),
        (HEADER + EVENTS + "    - [  1,  100]\n", ":37: malformed event"),
        ("# libinput record\n" + EVENTS, ":3: event before any device"),
        (HEADER + "\x00\x01\n", ":29: .* is no text"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(read: Read, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text)


@given(st.binary(max_size=200), st.integers(0, 1100))
def test_rubbish_anywhere_raises_nothing_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.yml"
    whole = (HEADER + EVENTS).encode()
    path.write_bytes(whole[:at] + rubbish + whole[at:])
    with contextlib.suppress(InputError), open_recording(path) as recording:
        list(recording)


KEYBOARD = """- node: /dev/input/event3
  evdev:
    name: "Some keyboard"
    codes:
      0: [0, 1]
      1: [28, 30]
    properties: []
  udev:
    properties:
    - ID_INPUT_KEYBOARD=1
  events:
  - evdev:
    - [  0,      0,   1,  28,       0]
    - [  0,      0,   0,   0,       0]
"""
PEN = """- node: /dev/input/event4
  evdev:
    name: "Some pen"
    codes:
      1: [320, 330, 331]
    absinfo:
      0: [0, 20000, 0, 0, 100]
      1: [0, 10000, 0, 0, 100]
    properties: [1]
  udev:
    properties:
    - ID_INPUT_TABLET=1
  events:
  - evdev:
    - [  0,      0,   3,   0,     700]
    - [  0,      0,   3,   1,     800]
    - [  0,      0,   1, 330,       1]
    - [  0,      0,   0,   0,       0]
"""


@pytest.mark.parametrize("other", [KEYBOARD, PEN, KEYBOARD + PEN])
def test_the_touchscreen_is_read_wherever_it_stands_among_devices(read: Read, other: str) -> None:
    start = HEADER.index("- node:")
    recording, reports = read(HEADER[:start] + other + HEADER[start:] + EVENTS)
    assert recording.device == "Panel of ours"
    assert [len(report.down) for report in reports] == [1, 0]
    assert all("left out" in note and "Some" in note for note in recording.notes)


def test_devices_of_which_none_is_a_touchscreen_are_named(read: Read) -> None:
    start = HEADER.index("- node:")
    with pytest.raises(InputError, match=r"events of Some keyboard, Some pen only; expected .* touchscreen"):
        read(HEADER[:start] + KEYBOARD + PEN)


def test_what_the_tool_says_on_standard_output_is_passed_over(read: Read) -> None:
    content = "Recording to 'stdout'.\n" + HEADER.removeprefix("# libinput record\n") + EVENTS
    assert len(read(content)[1]) == 2
