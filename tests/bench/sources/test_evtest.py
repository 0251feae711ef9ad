from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport

# Written after the format strings of evtest.c.
HEADER = """Input driver version is 1.0.1
Input device ID: bus 0x18 vendor 0x4f3 product 0x2af7 version 0x100
Input device name: "Panel of ours"
Supported events:
  Event type 0 (EV_SYN)
  Event type 1 (EV_KEY)
    Event code 330 (BTN_TOUCH)
  Event type 3 (EV_ABS)
    Event code 47 (ABS_MT_SLOT)
      Value      0
      Min        0
      Max        9
    Event code 53 (ABS_MT_POSITION_X)
      Value      0
      Min        0
      Max     1000
      Resolution      10
    Event code 54 (ABS_MT_POSITION_Y)
      Value      0
      Min        0
      Max      500
      Resolution      10
Properties:
  Property type 1 (INPUT_PROP_DIRECT)
Testing ... (interrupt to exit)
"""
TOUCH = """Event: time 1.000000, type 3 (EV_ABS), code 57 (ABS_MT_TRACKING_ID), value 7
Event: time 1.000000, type 3 (EV_ABS), code 53 (ABS_MT_POSITION_X), value 300
Event: time 1.000000, type 3 (EV_ABS), code 54 (ABS_MT_POSITION_Y), value 200
Event: time 1.000000, type 4 (EV_MSC), code 5 (MSC_TIMESTAMP), value 1f40
Event: time 1.000000, -------------- SYN_REPORT ------------
Event: time 1.010000, type 3 (EV_ABS), code 57 (ABS_MT_TRACKING_ID), value -1
Event: time 1.010000, -------------- SYN_REPORT ------------
"""

Read = Callable[[str], tuple[Recording, list[TouchReport]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str) -> tuple[Recording, list[TouchReport]]:
        path = tmp_path / "evtest.txt"
        path.write_text(content)
        with open_recording(path) as recording:
            return recording, list(recording)

    return read


def test_a_touch_is_read_with_its_device(read: Read) -> None:
    recording, reports = read(HEADER + TOUCH)
    assert (recording.format, recording.device, recording.width_mm) == ("evtest", "Panel of ours", 100.0)
    assert [[(c.id, c.x_mm, c.y_mm) for c in report.down] for report in reports] == [[(7, 30.0, 20.0)], []]


def test_events_without_a_description_are_read(read: Read) -> None:
    recording, reports = read(TOUCH)
    assert (recording.width_mm, len(reports)) == (None, 2)


def test_lost_events_end_what_was_down(read: Read) -> None:
    lost = "Event: time 1.005000, >>>>>>>>>>>>>> SYN_DROPPED <<<<<<<<<<<<\n"
    again = "Event: time 1.006000, -------------- SYN_REPORT ------------\n"
    _, reports = read(HEADER + TOUCH[: TOUCH.index("Event: time 1.01")] + lost + again)
    assert [len(report.down) for report in reports] == [1, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER, "holds no events"),
        (HEADER + "Event: time 1.0, type 3\n", ":26: malformed event"),
        (HEADER + TOUCH + "Event: time 1.02, type 3 (EV_ABS), code 5", "the last line is cut in the middle"),
        (
            HEADER + TOUCH.replace("value 300", "value 9999999999"),
            "value '9999999999'; expected a number of 32 bits",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read: Read, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)
