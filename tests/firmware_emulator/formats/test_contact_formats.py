"""3M PX and PenMount: contacts one by one, without an end of scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.formats import microtouch_px, penmount
from stampbench.firmware_emulator.formats.microtouch_px import PxParser
from stampbench.firmware_emulator.formats.penmount import PenMountParser
from stampbench.firmware_emulator.touch import Contact, TouchReport

Encode = Callable[[TouchReport], bytes]
INTERVAL_US = 10_000
FORMATS = [
    pytest.param(microtouch_px.encode, PxParser, 0x3FFF, 127, id="3m-px"),
    pytest.param(penmount.encode, PenMountParser, 0xFFFF, 11, id="penmount"),
    pytest.param(
        partial(penmount.encode, model=penmount.PM_3000),
        partial(PenMountParser, penmount.PM_3000),
        0xFFFF,
        1,
        id="penmount-3000",
    ),
]
UNSAID = (*[st.none()] * 3, st.just(False))
formats = pytest.mark.parametrize(("encode", "parser_of", "coordinate_max", "id_max"), FORMATS)


def scans_of(data: st.DataObject, coordinate_max: int, id_max: int) -> list[TouchReport]:
    coordinate = st.integers(0, coordinate_max)
    contact = st.builds(Contact, st.integers(0, id_max), st.booleans(), coordinate, coordinate, *UNSAID)
    scan = st.lists(contact, min_size=1, max_size=10, unique_by=lambda contact: contact.id)
    return [
        TouchReport(number * INTERVAL_US, tuple(contacts))
        for number, contacts in enumerate(data.draw(st.lists(scan, max_size=6)))
    ]


@formats
@given(data=st.data())
def test_scans_read_back_when_silence_parts_them(
    encode: Encode, parser_of: type[PxParser], coordinate_max: int, id_max: int, data: st.DataObject
) -> None:
    scans = scans_of(data, coordinate_max, id_max)
    parser = parser_of()
    received = [report for scan in scans for report in parser.feed(encode(scan), scan.t_us)]
    assert received + parser.end() == scans
    assert parser.counters.stray_bytes == 0


@formats
def test_scan_ends_when_an_id_comes_again(
    encode: Encode, parser_of: type[PxParser], coordinate_max: int, id_max: int
) -> None:
    first = TouchReport(0, (Contact(0, True, 5, 6), Contact(1, True, 7, 8)))
    second = TouchReport(0, (Contact(1, True, 9, 8), Contact(0, False, 5, 6)))
    parser = parser_of()
    assert parser.feed(encode(first) + encode(second), 0) == [first]
    assert parser.feed(b"", 3001) == [second]


@formats
def test_value_beyond_the_format_is_refused(
    encode: Encode, parser_of: type[PxParser], coordinate_max: int, id_max: int
) -> None:
    for contact in (
        Contact(id_max + 1, True, 0, 0),
        Contact(0, True, coordinate_max + 1, 0),
        Contact(0, True, 0, -1),
    ):
        with pytest.raises(InputError, match=f"0 to {coordinate_max}"):
            encode(TouchReport(0, (contact,)))


@formats
@given(rubbish=st.binary(max_size=60))
def test_reader_is_in_step_after_rubbish(
    encode: Encode, parser_of: type[PxParser], coordinate_max: int, id_max: int, rubbish: bytes
) -> None:
    parser = parser_of()
    parser.feed(rubbish, 0)
    scan = TouchReport(INTERVAL_US, (Contact(1, True, 11, 22),))
    wire = encode(scan)
    received = parser.feed(wire, INTERVAL_US) + parser.feed(wire, 2 * INTERVAL_US)
    received += parser.feed(wire, 3 * INTERVAL_US) + parser.end()
    assert received[-1].contacts == scan.contacts
    counters = parser.counters
    assert counters.bytes == len(rubbish) + 3 * len(wire)
    assert counters.contacts * 6 + counters.stray_bytes >= counters.bytes - 5


def test_bytes_of_a_px_contact_are_those_of_the_manual() -> None:
    touch = TouchReport(0, (Contact(5, True, 0x1234, 0x3FFF),))
    assert microtouch_px.encode(touch) == bytes([0xC0, 0x34, 0x24, 0x7F, 0x7F, 5])


def test_bytes_of_a_penmount_contact_are_those_of_the_driver() -> None:
    touch = TouchReport(0, (Contact(2, True, 0x0123, 0x0456),))
    assert penmount.encode(touch) == bytes(
        [0x72, 0x23, 0x01, 0x56, 0x04, 0xFF - (0x72 + 0x23 + 0x01 + 0x56 + 0x04) % 256]
    )


def test_bytes_of_a_penmount_3000_are_those_of_the_driver() -> None:
    scan = TouchReport(0, (Contact(1, True, 0x0123, 0x0456), Contact(0, False, 1, 2)))
    body = bytes([0x71, 0x23, 0x01, 0x56, 0x04])
    lift = bytes([0x40, 1, 0, 2, 0])
    right = body + bytes([0xFF - sum(body) % 256]) + lift + bytes([0xFF - sum(lift) % 256])
    assert penmount.encode(scan, penmount.PM_3000) == right


def test_penmount_contact_with_a_wrong_checksum_is_never_delivered() -> None:
    wire = bytearray(penmount.encode(TouchReport(0, (Contact(2, True, 300, 400),))))
    for place in range(1, 6):
        damaged = bytearray(wire)
        damaged[place] ^= 0x10
        parser = PenMountParser()
        assert parser.feed(bytes(damaged), 0) + parser.end() == []


def test_px_contact_cut_short_is_dropped_at_the_next_first_byte() -> None:
    wire = microtouch_px.encode(TouchReport(0, (Contact(1, True, 5, 6), Contact(2, True, 7, 8))))
    parser = PxParser()
    parser.feed(wire[:4] + wire[6:], 0)
    assert [contact.id for report in parser.end() for contact in report.contacts] == [2]
    assert parser.counters.stray_bytes == 4
