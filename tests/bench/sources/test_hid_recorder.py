from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.touch import Contact, TouchReport

PANEL = HidDigitizer(
    contacts_per_packet=2, contact_count_max=10, x_max=1079, y_max=1919, width_mm=61.6, height_mm=109.6
)
DESCRIPTOR = PANEL.descriptor()
MOUSE = bytes.fromhex("05 01 09 02 a1 01 09 30 09 31 75 08 95 02 81 02 c0")


def line(tag: str, data: bytes) -> str:
    return f"{tag} {len(data)} {data.hex(' ')}\n"


def event(t: str, *contacts: tuple[int, int, int]) -> str:
    report = TouchReport(int(float(t) * 1e6), tuple(Contact(id_, True, x, y) for id_, x, y in contacts))
    return "".join(line(f"E: {t}", packet) for packet in PANEL.encode(report))


HEADER = line("R:", DESCRIPTOR) + "N: Panel of ours\nI: 3 1234 5678\n"
WHOLE = HEADER + event("0.000000", (1, 10, 20)) + event("0.010500", (1, 11, 20), (2, 30, 40), (3, 50, 60))


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], tuple[Recording, list[TouchReport]]]:
    def read(content: str | bytes) -> tuple[Recording, list[TouchReport]]:
        path = tmp_path / "some.hid"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with open_recording(path) as recording:
            return recording, list(recording)

    return read


Read = Callable[[str | bytes], tuple[Recording, list[TouchReport]]]


def test_device_and_scans_are_read(read: Read) -> None:
    recording, reports = read(WHOLE)
    assert (recording.device, recording.format) == ("Panel of ours", "hid-recorder")
    assert (recording.x_max, recording.y_max) == (1079, 1919)
    assert (recording.width_mm, recording.height_mm) == (61.6, 109.6)
    assert [report.t_us for report in reports] == [0, 10_500]
    assert [(c.id, c.x, c.y) for c in reports[1].down] == [(1, 11, 20), (2, 30, 40), (3, 50, 60)]


def test_line_ends_comments_and_instructions_do_not_matter(read: Read) -> None:
    chatty = WHOLE.replace(
        "N:", "# 1. Drag _one_ finger\n   - land a second finger\n2. Move ten\n\nP: usb-1\nN:"
    )
    assert read(chatty.replace("\n", "\r\n"))[1] == read(WHOLE)[1]


def test_a_last_line_without_line_end_is_read_if_it_is_whole(read: Read) -> None:
    assert read(WHOLE.rstrip("\n"))[1] == read(WHOLE)[1]
    assert read(WHOLE + "# Thank y")[1] == read(WHOLE)[1]


def test_the_touchscreen_is_found_among_several_devices(read: Read) -> None:
    mixed = (
        f"D: 0\n{line('R:', MOUSE)}N: Mouse\nD: 1\n{HEADER}D: 0\n{line('E: 0.000000', b'12')}D: 1\n"
        + event("0.001000", (1, 5, 6))
    )
    recording, reports = read(mixed)
    assert recording.device == "Panel of ours"
    assert [(report.t_us, len(report.down)) for report in reports] == [(1000, 1)]


def test_a_second_touchscreen_is_left_out_with_a_note(read: Read) -> None:
    second = HEADER.replace("ours", "theirs")
    two = (
        f"D: 0\n{HEADER}D: 1\n{second}"
        + event("0.000000", (1, 5, 6))
        + "D: 0\n"
        + event("0.001000", (1, 7, 8))
    )
    recording, reports = read(two)
    assert [(c.x, c.y) for report in reports for c in report.down] == [(7, 8)]
    assert recording.notes == ["read Panel of ours; left out the other touch devices: Panel of theirs"]


def test_packets_without_their_end_are_noted(read: Read) -> None:
    recording, _ = read(HEADER + line("E: 0.000000", PANEL.encode(TouchReport(0, ()))[0][:-1]))
    assert recording.notes == ["1 packets are shorter than described, their rest is read as zero"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "some.hid: is empty; expected a recording"),
        ("\n \n", "some.hid: is empty"),
        (HEADER, "holds no input reports"),
        (event("0.000000", (1, 1, 1)), "no device with a touchscreen .no R: line"),
        ("N: Panel\n" + event("0.000000", (1, 1, 1)), "Panel: it has no report descriptor"),
        (
            line("R:", MOUSE) + "N: Mouse\nE: 0.0 1 00\n",
            "no device with a touchscreen .Mouse: .* has no touchscreen",
        ),
        (HEADER + "E: 0.000000 3 01 02\n", r":4: packet of 2 bytes said to have 3; expected 3 bytes"),
        (HEADER + "E: 0.000000 2 01 0g\n", r":4: malformed packet 'E: 0.000000 2 01 0g'"),
        (HEADER + "E: 0 1 01\n", r":4: malformed packet"),
        (HEADER + "E: 0.1234567 1 01\n", r":4: malformed packet"),
        (HEADER + "E:\n", r":4: malformed packet"),
        (HEADER + "0.000000 2 01 02\n", r":4: '0.000000 2 01 02' is no line of hid-recorder"),
        (HEADER + "\x00\x01\x02\n", r":4: .* is no line of hid-recorder"),
        ("R: 4 05 0d 09\n", r":1: report descriptor of 3 bytes said to have 4"),
        ("R: 2 05 0d 0\n", r":1: malformed report descriptor"),
        ("R: 1 05\nE: 0.0 1 00\n", r":1: report descriptor byte 0: item 0x05 is cut short"),
        ("D: x\n" + HEADER, r":1: device number 'x'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(read: Read, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_a_cut_at_any_byte_is_an_error_or_leaves_a_whole_recording(read: Read) -> None:
    whole = read(WHOLE)[1]
    for cut in range(1, len(WHOLE)):
        try:
            _, reports = read(WHOLE[:cut])
        except InputError:
            continue
        assert WHOLE[cut - 1] == "\n" or WHOLE[cut] == "\n"
        assert reports[0] == whole[0]


def test_a_cut_in_the_middle_of_a_packet_is_named_as_such(read: Read) -> None:
    with pytest.raises(
        InputError, match=r":5: the last line is cut in the middle: .* expected it whole, or removed"
    ):
        read(WHOLE[: WHOLE.index("E: 0.0105") + 30])


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_rubbish_anywhere_raises_nothing_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.hid"
    path.write_bytes(WHOLE[:at].encode() + rubbish + WHOLE[at:].encode())
    with contextlib.suppress(InputError), open_recording(path) as recording:
        list(recording)


FINGERS = {
    "3m_0596_051c": 10,
    "atmel_03eb_211c": 8,
    "egalax-capacitive_0eef_790a": 10,
    "elan_04f3_0732": 10,
    "focaltech_10c4_81b9": 5,
    "n-trig_1b96_0c03": 10,
    "synaptics_06cb_1d10": 10,
    "unitec_227d_0103": 5,
}
"""What each panel can report of the ten fingers that its tester put down."""


@pytest.mark.parametrize("name", FINGERS)
def test_a_real_touchscreen_shows_one_two_and_all_its_fingers(real: Path, name: str) -> None:
    with open_recording(real / "hid-recorder" / f"{name}.hid") as recording:
        counts = [len(report.down) for report in recording]
    steps = [count for count, _ in itertools.groupby(counts)]
    assert max(counts) == FINGERS[name]
    assert 1 in steps
    assert 2 in steps
    assert counts[-1] == 0
    assert recording.notes == []


def test_a_real_touchscreen_is_read_as_the_kernel_reads_it(real: Path) -> None:
    def scans(path: Path) -> list[frozenset[tuple[int, int]]]:
        with open_recording(path) as recording:
            down = [frozenset((contact.x, contact.y) for contact in report.down) for report in recording]
        return [scan for scan, _ in itertools.groupby(down)]

    packets = scans(real / "hid-recorder" / "focaltech_10c4_81b9.hid")
    kernel = scans(real / "evemu" / "focaltech_10c4_81b9_kernel314.ev")
    assert len(kernel) > 300
    assert packets == kernel
