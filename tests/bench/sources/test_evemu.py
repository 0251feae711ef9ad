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

HEADER = """# EVEMU 1.3
# Input device name: "Panel"
#     Event code 47 (ABS_MT_SLOT)
#       Value      0
N: Panel of ours
I: 0018 0000 0000 0000
P: 02 00
B: 03 03 00 00 00 00 80 e0 0a
A: 2f 0 9 0 0 0
A: 35 0 1000 0 0 10
A: 36 0 500 0 0 10
################################
#      Waiting for events      #
################################
"""
LANDING = """E: 0.000001 0003 0039 0007\t# EV_ABS / ABS_MT_TRACKING_ID   7
E: 0.000001 0003 0035 0300
E: 0.000001 0003 0036 0200
E: 0.000001 0001 014a 0001
E: 0.000001 0000 0000 0000\t# ------------ SYN_REPORT (0) ----------
"""
SECOND = """E: 0.010000 0003 002f 0001
E: 0.010000 0003 0039 0008
E: 0.010000 0003 0035 0400
E: 0.010000 0003 0036 0250
E: 0.010000 0000 0000 0000
"""
LIFT = "E: 0.020000 0003 002f 0000\nE: 0.020000 0003 0039 -001\nE: 0.020000 0000 0000 0000\n"

Read = Callable[[str], tuple[Recording, list[TouchReport]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str) -> tuple[Recording, list[TouchReport]]:
        path = tmp_path / "some.events"
        path.write_bytes(content.encode())
        with open_recording(path) as recording:
            return recording, list(recording)

    return read


def down(reports: list[TouchReport]) -> list[dict[int, tuple[int, int]]]:
    return [{contact.id: (contact.x, contact.y) for contact in report.down} for report in reports]


def test_device_and_ranges_are_read(read: Read) -> None:
    recording, _ = read(HEADER + LANDING)
    assert (recording.device, recording.format) == ("Panel of ours", "evemu")
    assert (recording.x_min, recording.x_max, recording.y_max) == (0, 1000, 500)
    assert (recording.width_mm, recording.height_mm) == (100.0, 50.0)


def test_slots_are_contacts(read: Read) -> None:
    _, reports = read(HEADER + LANDING + SECOND + LIFT)
    assert down(reports) == [{7: (300, 200)}, {7: (300, 200), 8: (400, 250)}, {8: (400, 250)}]
    assert [report.t_us for report in reports] == [1, 10_000, 20_000]
    assert [(c.id, c.tip) for c in reports[2].contacts] == [(8, True), (7, False)]
    (contact,) = reports[0].down
    assert (contact.x_mm, contact.y_mm) == (30.0, 20.0)


def test_a_coordinate_that_stays_the_same_in_a_slot_is_not_sent_again(read: Read) -> None:
    again = "E: 0.030000 0003 0039 0009\nE: 0.030000 0003 0035 0310\nE: 0.030000 0000 0000 0000\n"
    assert down(read(HEADER + LANDING + LIFT + again)[1])[-1] == {9: (310, 200)}


def test_events_without_description_are_read(read: Read) -> None:
    recording, reports = read(LANDING)
    assert down(reports) == [{7: (300, 200)}]
    assert (recording.device, recording.x_max, recording.width_mm) == ("", None, None)


def test_the_slot_that_was_current_before_is_in_the_description(read: Read) -> None:
    moved = "E: 0.1 0003 002f 0\nE: 0.1 0003 0039 -1\nE: 0.1 0000 0000 0\n"
    _, reports = read(HEADER.replace("Value      0", "Value      3") + LANDING + moved)
    assert down(reports) == [{7: (300, 200)}] * 2


def test_a_touch_that_began_before_the_recording_is_down(read: Read) -> None:
    _, reports = read("E: 0.1 0003 0035 5\nE: 0.1 0003 0036 6\nE: 0.1 0000 0000 0\n" + LIFT)
    assert [list(scan.values()) for scan in down(reports)] == [[(5, 6)], []]


def test_a_hovering_contact_is_not_down(read: Read) -> None:
    hover = "E: 0.010000 0003 003b 0001\nE: 0.010000 0000 0000 0000\n"
    assert down(read(HEADER + LANDING + hover)[1]) == [{7: (300, 200)}, {}]


def test_protocol_a_gives_all_contacts_in_each_scan(read: Read) -> None:
    contact = "E: 0.1 0003 0035 {}\nE: 0.1 0003 0036 {}\nE: 0.1 0000 0002 0\n"
    sync = "E: 0.1 0000 0000 0\n"
    both = contact.format(5, 6) + contact.format(7, 8) + sync
    _, reports = read(both + contact.format(9, 8) + sync + "E: 0.2 0000 0002 0\n" + sync)
    assert [sorted(scan.values()) for scan in down(reports)] == [[(5, 6), (7, 8)], [(9, 8)], []]


def test_a_single_touch_device_has_one_contact(read: Read) -> None:
    press = "E: 0.1 0003 0000 5\nE: 0.1 0003 0001 6\nE: 0.1 0001 014a 1\nE: 0.1 0000 0000 0\n"
    lift = "E: 0.2 0001 014a 0\nE: 0.2 0000 0000 0\n"
    assert down(read(press + lift)[1]) == [{0: (5, 6)}, {}]


LOST = "E: 0.010000 0000 0003 0\nE: 0.010000 0003 0035 9\nE: 0.010000 0000 0000 0\n"


def test_a_touch_of_which_nothing_comes_after_lost_events_is_not_held_down(read: Read) -> None:
    recording, reports = read(HEADER + LANDING + LOST)
    assert down(reports)[-1] == {}
    assert [contact.cancelled for contact in reports[-1].contacts] == [True]
    (note,) = recording.notes
    assert note.startswith("the kernel lost events 1 times (SYN_DROPPED)")


def test_a_touch_that_goes_on_after_lost_events_is_the_same_touch(read: Read) -> None:
    _, reports = read(HEADER + LANDING + LOST + "E: 0.020000 0003 0035 310\nE: 0.020000 0000 0000 0\n")
    assert down(reports)[-1] == {7: (310, 200)}


def test_a_touch_that_the_device_calls_a_palm_is_cancelled_from_then_on(read: Read) -> None:
    palm = (
        "E: 0.010000 0003 0037 2\nE: 0.010000 0000 0000 0\nE: 0.020000 0003 0035 9\nE: 0.020000 0000 0000 0\n"
    )
    recording, reports = read(HEADER + LANDING + palm)
    assert down(reports) == [{7: (300, 200)}, {}, {}]
    assert [contact.cancelled for contact in reports[1].contacts] == [True]
    assert recording.notes == ["1 touches became a palm (MT_TOOL_PALM) and count as cancelled"]


def test_a_touch_ends_where_the_key_says_so_and_its_slot_does_not(read: Read) -> None:
    lift = "E: 0.010000 0001 014a 0\nE: 0.010000 0000 0000 0\n"
    again = "E: 5.000000 0003 0035 20\nE: 5.000000 0001 014a 1\nE: 5.000000 0000 0000 0\n"
    _, reports = read(HEADER + LANDING + lift + again)
    assert down(reports) == [{7: (300, 200)}, {}, {7: (20, 200)}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER, "some.events: describes a device but holds no events"),
        (HEADER + "E: 0.1 0003 zz 5\n", r":15: malformed event 'E: 0.1 0003 zz 5'"),
        (HEADER + "E: 0.1 0003\n", r":15: malformed event"),
        (HEADER + "E: x 0003 0035 5\n", r":15: malformed event"),
        (HEADER + "E: 0.1 0003 0035 5 6\n", r":15: malformed event"),
        (HEADER + "hello\n", r":15: 'hello' is no line of evemu"),
        (HEADER + LANDING + "A: 35 zero\n", r":20: malformed axis 'A: 35 zero'"),
        (HEADER + LANDING + "E: 0.5 0003 0035 12", r":20: the last line is cut in the middle"),
        (HEADER + LANDING[:-20], r":19: the last line is cut in the middle"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(read: Read, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_a_last_scan_without_line_end_is_whole(read: Read) -> None:
    assert read(LANDING.rstrip("\n"))[1] == read(LANDING)[1]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_rubbish_anywhere_raises_nothing_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.events"
    whole = (HEADER + LANDING + SECOND + LIFT).encode()
    path.write_bytes(whole[: len(HEADER) + at] + rubbish + whole[len(HEADER) + at :])
    with contextlib.suppress(InputError), open_recording(path) as recording:
        list(recording)


@pytest.mark.parametrize(
    ("name", "fingers"),
    [
        ("Atmel_maXTouch_Touchscreen.1-finger-drag-up-down.events", 1),
        ("Atmel_maXTouch_Touchscreen.1-finger-fast-taps.events", 1),
        ("Atmel_maXTouch_Touchscreen.2-fingers-touch-release.events", 2),
        ("Atmel_maXTouch_Touchscreen.4-finger-drag-down.events", 4),
        ("EP0430M09.1-finger-drag-up-down.events", 1),
        ("EP0430M09.2-finger-scroll-down.events", 2),
        ("EP0430M09.2-fingers-touch-release.events", 2),
        ("EP0430M09.4-finger-drag-down.events", 4),
    ],
)
def test_a_real_recording_shows_the_fingers_in_its_name(real: Path, name: str, fingers: int) -> None:
    with open_recording(real / "evemu" / name) as recording:
        assert max(len(report.down) for report in recording) == fingers
