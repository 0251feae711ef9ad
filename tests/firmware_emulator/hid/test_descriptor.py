from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.firmware_emulator.hid.descriptor import (
    MAX_DESCRIPTOR_BYTES,
    MAX_REPORT_BYTES,
    Field,
    ReportKind,
    parse_descriptor,
)


def fields(text: str) -> list[Field]:
    """Input fields of a descriptor written in hexadecimal, inside one application collection."""
    descriptor = parse_descriptor(bytes.fromhex(f"05 01 09 02 a1 01 {text} c0"))
    return [field for report in descriptor.of_kind(ReportKind.INPUT) for field in report.fields]


def test_fields_follow_each_other_bit_by_bit() -> None:
    first, second, third = fields("75 01 95 03 09 30 81 02 75 05 95 01 81 03 75 10 95 02 09 31 81 02")
    assert [(f.bit_offset, f.bit_size, f.count) for f in (first, second, third)] == [
        (0, 1, 3),
        (3, 5, 1),
        (8, 16, 2),
    ]


def test_each_report_id_has_its_own_bits_after_the_id_byte() -> None:
    a, more_of_a, b = fields("75 08 95 01 85 01 09 30 81 02 85 02 09 30 81 02 85 01 09 31 81 02")
    assert [(f.report_id, f.bit_offset) for f in (a, more_of_a, b)] == [(1, 8), (1, 16), (2, 8)]


def test_usages_and_ranges_are_given_to_elements_in_order() -> None:
    (field,) = fields("09 38 19 30 29 31 75 08 95 04 81 02")
    assert list(field.elements()) == [(0x010038, 0), (0x010030, 8), (0x010031, 16)]


def test_a_usage_of_four_bytes_carries_its_page() -> None:
    (field,) = fields("0b 42 00 0d 00 75 08 95 01 81 02")
    assert [usage for usage, _ in field.elements()] == [0x0D0042]


def test_of_delimited_usages_the_first_is_taken() -> None:
    (field,) = fields("a9 01 09 30 09 31 a9 00 75 08 95 01 81 02")
    assert [usage for usage, _ in field.elements()] == [0x010030]


def test_pop_brings_back_all_that_push_saved() -> None:
    before, after, between = fields(
        "75 08 95 01 26 ff 00 09 30 81 02 a4 75 10 26 ff 0f 85 05 09 30 81 02 b4 09 30 81 02"
    )
    assert (between.bit_size, between.logical_max, between.report_id) == (16, 0xFFF, 5)
    assert (after.bit_size, after.logical_max, after.report_id) == (8, 255, 0)
    assert after.bit_offset == before.bit_offset + 8


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("15 00 25 ff", (0, 255)),
        ("15 81 25 7f", (-127, 127)),
        ("15 ff 25 ff", (-1, -1)),
        ("25 ff 15 00", (0, 255)),
        ("16 00 80 26 ff 7f", (-32768, 32767)),
    ],
)
def test_the_maximum_is_unsigned_unless_the_minimum_is_negative(
    items: str, expected: tuple[int, int]
) -> None:
    (field,) = fields(f"{items} 75 10 95 01 09 30 81 02")
    assert (field.logical_min, field.logical_max) == expected


@pytest.mark.parametrize(
    ("items", "size_mm"),
    [
        ("46 2a 0c 55 0e 65 11", 311.4),  # 3114 x 10^-2 cm
        ("46 2a 0c 55 fe 65 11", 311.4),  # the exponent as a signed byte
        ("46 ff 00 55 0f 65 11", 255.0 * 10 / 10),
        ("46 56 0a 55 0e 65 13", 2646 * 0.254),
        ("46 2a 0c 55 0e 65 33", None),  # inch to the third power is no length
        ("46 2a 0c 55 00 65 00", None),
        ("46 00 00 55 0e 65 11", None),
    ],
)
def test_physical_size_in_mm(items: str, size_mm: float | None) -> None:
    (field,) = fields(f"15 00 26 ff 0f 35 00 {items} 75 10 95 01 09 30 81 02")
    assert field.size_mm == (None if size_mm is None else pytest.approx(size_mm))


def test_the_application_is_the_nearest_one() -> None:
    (field,) = fields("05 0d 09 04 a1 01 09 22 a1 02 75 08 95 01 09 42 81 02 c0 c0")
    assert field.collection is not None
    assert field.collection.application == 0x0D0004


def test_long_items_are_passed_over() -> None:
    (field,) = fields("fe 02 77 aa bb 75 08 95 01 09 30 81 02")
    assert field.bit_size == 8


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("", "empty"),
        ("05", "byte 0: item 0x05 is cut short"),
        ("27 ff ff", "byte 0: item 0x27 is cut short, 5 bytes needed, 3 left"),
        ("fe 05 00", "cut short"),
        ("c0", "byte 0: end of a collection; expected a collection open"),
        ("09 02 a1 01", "ends with 1 collections open"),
        ("b4", "pop; expected a push before it"),
        ("85 00", "report id 0; expected 1 to 255"),
        ("55 20", "unit exponent 32; expected -8 to 7"),
        ("0c", "item of the reserved type"),
        ("19 31 29 30", "usage maximum 0x30; expected at least the usage minimum 0x31"),
        ("75 01 97 ff ff ff ff", "report count 4294967295; expected at most"),
        ("77 ff ff ff 7f", "report size 2147483647; expected at most"),
        ("a4 " * 65, "push 65 deep; expected at most 64"),
        ("a1 01 " * 65, "collection 65 deep; expected at most 64"),
        ("00 " * (MAX_DESCRIPTOR_BYTES + 1), "expected at most 4096"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(descriptor: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message.replace("(", r"\(")):
        parse_descriptor(bytes.fromhex(descriptor))


def test_a_report_can_not_ask_for_more_than_the_limit() -> None:
    field = "09 30 75 20 96 00 10 81 02 "
    parse_descriptor(bytes.fromhex(f"a1 01 {field} c0"))
    with pytest.raises(ProtocolError, match=f"report 0 of .* bits; expected at most {8 * MAX_REPORT_BYTES}"):
        parse_descriptor(bytes.fromhex(f"a1 01 {field} {field} c0"))


def test_the_widest_descriptor_is_read_in_bounded_time() -> None:
    widest = bytes.fromhex("19 00 2a ff ff 75 01 95 e0") + bytes.fromhex("19 00 2a ff ff 81 02") * 583
    start = time.process_time()
    parsed = parse_descriptor(widest)
    assert sum(1 for report in parsed.reports.values() for f in report.fields for _ in f.elements()) < 1 << 18
    assert time.process_time() - start < 2.0


@given(st.binary(max_size=200))
@example(b"\xfe")
@example(b"\x0b\xff\xff\xff\xff\x81")
def test_any_bytes_parse_or_raise_our_error(descriptor: bytes) -> None:
    try:
        parsed = parse_descriptor(descriptor)
    except ProtocolError:
        return
    for report in parsed.reports.values():
        assert report.byte_length <= MAX_REPORT_BYTES
