from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
from stampbench.firmware_emulator.touch import Contact, TouchReport

NEXUS_5 = HidDigitizer(
    contacts_per_packet=2, contact_count_max=10, x_max=1079, y_max=1919, width_mm=61.6, height_mm=109.6
)
GOLDEN_DESCRIPTOR = bytes.fromhex(
    "05 0d 09 04 a1 01 85 01"
    " 05 0d 09 22 a1 02 15 00 25 01 09 42 75 01 95 01 81 02 95 07 81 03 26 ff 00 09 51 75 08 95 01 81 02"
    " 05 01 75 10 55 0d 65 11 35 00 26 37 04 46 10 18 09 30 81 02 26 7f 07 46 d0 2a 09 31 81 02"
    " 45 00 55 00 65 00 c0"
    " 05 0d 27 ff ff 00 00 55 0c 66 01 10 09 56 81 02 55 00 65 00 25 0a 09 54 75 08 81 02"
    " 85 02 09 55 b1 02 c0"
)


def decoder_of(digitizer: HidDigitizer) -> HidTouchDecoder:
    return HidTouchDecoder(touch_screen(parse_descriptor(digitizer.descriptor())))


def test_descriptor_of_one_contact_per_packet() -> None:
    assert replace(NEXUS_5, contacts_per_packet=1).descriptor() == GOLDEN_DESCRIPTOR


def test_packets_of_three_contacts_two_per_packet() -> None:
    contacts = (Contact(1, True, 100, 200), Contact(2, True, 300, 400), Contact(3, False, 5, 6))
    assert [packet.hex(" ") for packet in NEXUS_5.encode(TouchReport(12_345, contacts))] == [
        "01 01 01 64 00 c8 00 01 02 2c 01 90 01 7b 00 03",
        "01 00 03 05 00 06 00 00 00 00 00 00 00 7b 00 00",
    ]


def test_the_descriptor_tells_range_size_and_contacts() -> None:
    screen = decoder_of(NEXUS_5).screen
    assert (screen.x_max, screen.y_max) == (1079, 1919)
    assert (screen.width_mm, screen.height_mm) == (61.6, 109.6)
    assert screen.contact_count_max == 10
    assert screen.packets[1].byte_length == NEXUS_5.packet_length == 16


@st.composite
def presses(draw: st.DrawFn) -> tuple[HidDigitizer, list[TouchReport]]:
    """A digitizer, and reports in which each contact stays down or lifts with one report of its lift."""
    most = draw(st.integers(1, 12))
    digitizer = HidDigitizer(
        draw(st.integers(1, most)),
        most,
        draw(st.integers(1, 0x7FFF)),
        draw(st.integers(1, 0x7FFF)),
        100.0,
        50.0,
    )
    coordinates = st.tuples(st.integers(0, digitizer.x_max), st.integers(0, digitizer.y_max))
    reports: list[TouchReport] = []
    down: set[int] = set()
    for number in range(draw(st.integers(1, 8))):
        tips = draw(st.sets(st.integers(0, 255), max_size=max(0, most - len(down))))
        lifts = draw(st.sets(st.sampled_from(sorted(down)))) if down else set()
        tips = (tips | down) - lifts
        contacts = tuple(Contact(id_, id_ in tips, *draw(coordinates)) for id_ in sorted(tips | lifts))
        reports.append(TouchReport(number * 10_000, contacts))
        down = tips
    return digitizer, reports


@given(presses())
def test_what_is_encoded_is_decoded(case: tuple[HidDigitizer, list[TouchReport]]) -> None:
    digitizer, reports = case
    decoder = decoder_of(digitizer)
    for report in reports:
        scans = [scan for packet in digitizer.encode(report) for scan in decoder.feed(report.t_us, packet)]
        assert [scan.t_us for scan in scans] == [report.t_us]
        plain = [contact._replace(x_mm=None, y_mm=None) for contact in scans[0].contacts]
        assert plain == list(report.contacts)
        for contact in scans[0].contacts:
            assert contact.x_mm == pytest.approx(contact.x * 100.0 / digitizer.x_max)
            assert contact.y_mm == pytest.approx(contact.y * 50.0 / digitizer.y_max)
    assert decoder.incomplete_scans == decoder.short_packets == 0


@pytest.mark.parametrize(
    "contact",
    [Contact(256, True, 0, 0), Contact(-1, True, 0, 0), Contact(0, True, 1080, 0), Contact(0, True, 0, -1)],
)
def test_a_contact_outside_its_range_is_refused(contact: Contact) -> None:
    with pytest.raises(InputError, match="expected id 0 to 255, x 0 to 1079, y 0 to 1919"):
        NEXUS_5.encode(TouchReport(0, (contact,)))


def test_too_many_contacts_are_refused() -> None:
    contacts = tuple(Contact(id_, True, 0, 0) for id_ in range(11))
    with pytest.raises(InputError, match="report of 11 contacts: expected at most 10"):
        NEXUS_5.encode(TouchReport(0, contacts))


@pytest.mark.parametrize(
    ("name", "value"),
    [("contacts_per_packet", 11), ("contact_count_max", 0), ("x_max", 0x8000), ("width_mm", 0.0)],
)
def test_an_impossible_digitizer_is_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} {value}: expected"):
        replace(NEXUS_5, **{name: value})
