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

DEVICES = """add device 1: /dev/input/event3
  name:     "gpio-keys"
add device 2: /dev/input/event7
  bus:      0018
  name:     "touch_dev"
  events:
    KEY (0001): BTN_TOUCH
    ABS (0003): ABS_MT_SLOT           : value 0, min 0, max 9, fuzz 0, flat 0, resolution 0
                ABS_MT_POSITION_X     : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 18
                ABS_MT_POSITION_Y     : value 0, min 0, max 2339, fuzz 0, flat 0, resolution 18
"""
TOUCH = """[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_TRACKING_ID   0000002d
[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_POSITION_X    000001d2
[   34562.123456] /dev/input/event3: EV_KEY       KEY_VOLUMEDOWN       DOWN
[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_POSITION_Y    00000258
[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_PRESSURE      00000040
[   34562.123456] /dev/input/event7: EV_KEY       BTN_TOUCH            DOWN
[   34562.123456] /dev/input/event7: EV_SYN       SYN_REPORT           00000000
[   34562.140000] /dev/input/event7: EV_ABS       ABS_MT_TRACKING_ID   ffffffff
[   34562.140000] /dev/input/event7: EV_KEY       BTN_TOUCH            UP
[   34562.140000] /dev/input/event7: EV_SYN       SYN_REPORT           00000000             rate 60
"""
NUMBERS = """[   34562.123456] /dev/input/event7: 0003 0039 0000002d
[   34562.123456] /dev/input/event7: 0003 0035 000001d2
[   34562.123456] /dev/input/event7: 0003 0036 00000258
[   34562.123456] /dev/input/event7: 0000 0000 00000000
[   34562.140000] /dev/input/event7: 0003 0039 ffffffff
[   34562.140000] /dev/input/event7: 0000 0000 00000000
"""

Read = Callable[[str], tuple[Recording, list[TouchReport]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str) -> tuple[Recording, list[TouchReport]]:
        path = tmp_path / "android.txt"
        path.write_bytes(content.encode())
        with open_recording(path) as recording:
            return recording, list(recording)

    return read


def down(reports: list[TouchReport]) -> list[list[tuple[int, int, int, int]]]:
    return [
        [(report.t_us, contact.id, contact.x, contact.y) for contact in report.down] for report in reports
    ]


ONE_TOUCH = [[(34_562_123_456, 45, 466, 600)], []]


@pytest.mark.parametrize("text", [TOUCH, NUMBERS, TOUCH.replace("/dev/input/event7: ", ""), DEVICES + TOUCH])
def test_names_numbers_and_a_single_device_are_read_alike(read: Read, text: str) -> None:
    assert down(read(text)[1]) == ONE_TOUCH


def test_line_ends_of_adb_do_not_matter(read: Read) -> None:
    assert down(read(TOUCH.replace("\n", "\r\n"))[1]) == ONE_TOUCH


def test_name_and_ranges_come_from_the_device_blocks(read: Read) -> None:
    recording, reports = read(DEVICES + TOUCH)
    assert (recording.device, recording.format) == ("touch_dev", "getevent")
    assert (recording.x_max, recording.y_max) == (1079, 2339)
    assert recording.width_mm == pytest.approx(1079 / 18)
    assert reports[0].down[0].x_mm == pytest.approx(466 / 18)


def test_an_accelerometer_is_no_touchscreen(read: Read) -> None:
    shake = "[   34562.000000] /dev/input/event1: EV_ABS       ABS_X                00000009\n"
    assert down(read(shake + TOUCH)[1]) == ONE_TOUCH


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DEVICES, "android.txt: holds no touch events"),
        (TOUCH + "/dev/input/event7: EV_SYN SYN_REPORT 00000000\n", ":11: event without time .*getevent -lt"),
        (TOUCH + "[ 34562.15] /dev/input/event7: EV_ABS ABS_MT_POSITION_X zz\n", ":11: malformed event"),
        (TOUCH + "[ 34562.15] /dev/input/event7: EV_A", ":11: the last line is cut in the middle"),
        (
            TOUCH + "[ 34562.15] /dev/input/event7: 0003 0035 0000001",
            ":11: the last line is cut in the middle",
        ),
        (TOUCH + "\x00\x7f\n", ":11: malformed event"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(read: Read, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text)


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_rubbish_anywhere_raises_nothing_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.getevent"
    whole = (DEVICES + TOUCH).encode()
    path.write_bytes(whole[:at] + rubbish + whole[at:])
    with contextlib.suppress(InputError), open_recording(path) as recording:
        list(recording)


def test_a_tool_is_printed_by_its_name(read: Read) -> None:
    tool = "[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_TOOL_TYPE     MT_TOOL_FINGER      \n"
    start = TOUCH.index("\n") + 1
    _, reports = read(DEVICES + TOUCH[:start] + tool + TOUCH[start:])
    assert [len(report.down) for report in reports] == [1, 0]


def test_a_code_without_a_name_is_read_by_its_number(read: Read) -> None:
    second = """[   34562.130000] /dev/input/event7: EV_ABS       002f                 00000001
[   34562.130000] /dev/input/event7: EV_ABS       ABS_MT_TRACKING_ID   0000002e
[   34562.130000] /dev/input/event7: EV_ABS       ABS_MT_POSITION_X    00000010
[   34562.130000] /dev/input/event7: EV_ABS       ABS_MT_POSITION_Y    00000020
[   34562.130000] /dev/input/event7: EV_SYN       SYN_REPORT           00000000
"""
    end = TOUCH.index("[   34562.14")
    _, reports = read(DEVICES + TOUCH[:end] + second)
    assert len(reports[-1].down) == 2


def test_times_of_old_androids_are_seconds_and_microseconds(read: Read) -> None:
    old = NUMBERS.replace("[   34562.123456] ", "1340-997480: ", 3).replace(
        "[   34562.123456] ", "1341-80: ", 1
    )
    _, reports = read(old)
    assert reports[0].t_us == 1_341_000_080
