from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import ProtocolError, StampbenchError
from stampbench.firmware_emulator.hid.descriptor import ReportKind, parse_descriptor
from stampbench.firmware_emulator.hid.reports import BitField, HidTouchDecoder, TouchScreen, touch_screen

FINGER = (
    "05 0d 09 22 a1 02 09 42 15 00 25 01 75 01 95 01 81 02 95 07 81 03 25 3f 09 51 75 08 95 01 81 02 "
    "05 01 26 ff 0f 35 00 46 98 03 55 0e 65 11 75 10 09 30 81 02 46 2c 02 09 31 81 02 45 00 55 00 65 00 c0 "
)
SCAN_TIME = "05 0d 27 ff ff 00 00 75 10 95 01 09 56 81 02 "
COUNT = "05 0d 25 0a 75 08 95 01 09 54 81 02 "
COUNT_MAX = "05 0d 85 02 25 0a 09 55 b1 02 "


def screen(body: str) -> TouchScreen:
    return touch_screen(parse_descriptor(bytes.fromhex(f"05 0d 09 04 a1 01 85 01 {body} c0")))


def packet(
    *contacts: tuple[int, int, int, int], scan_time: int | None = None, count: int | None = None
) -> bytes:
    """A packet of FINGER slots given as (tip, id, x, y)."""
    data = bytearray(b"\x01")
    for tip, id_, x, y in contacts:
        data += bytes((tip, id_)) + x.to_bytes(2, "little") + y.to_bytes(2, "little")
    if scan_time is not None:
        data += scan_time.to_bytes(2, "little")
    if count is not None:
        data.append(count)
    return bytes(data)


def down(decoder: HidTouchDecoder, *packets: bytes) -> list[dict[int, tuple[int, int]]]:
    """Contacts that are down after each scan the packets complete."""
    return [
        {contact.id: (contact.x, contact.y) for contact in report.down}
        for number, data in enumerate(packets)
        for report in decoder.feed(number * 1000, data)
    ]


class TestLayout:
    def test_ranges_and_sizes_come_from_the_axes(self) -> None:
        found = screen(FINGER + COUNT + COUNT_MAX)
        assert (found.x_min, found.x_max, found.y_min, found.y_max) == (0, 4095, 0, 4095)
        assert (found.width_mm, found.height_mm) == (92.0, 55.6)
        assert found.contact_count_max == 10

    def test_each_finger_collection_is_a_slot(self) -> None:
        layout = screen(FINGER * 3 + COUNT).packets[1]
        assert [slot.x.shift for slot in layout.slots] == [24, 72, 120]
        assert layout.contact_count is not None
        assert layout.byte_length == 20

    def test_fingers_without_collections_of_their_own_are_told_apart_by_their_usages(self) -> None:
        finger = "05 0d 25 01 75 08 95 01 09 42 81 02 09 51 81 02 05 01 75 10 09 30 81 02 09 31 81 02 "
        assert [slot.x.shift for slot in screen(finger * 2).packets[1].slots] == [24, 72]

    def test_a_second_x_beside_the_first_is_the_centre_and_not_the_tip(self) -> None:
        finger = (
            "05 0d 09 22 a1 02 25 01 75 08 95 01 09 42 81 02 05 01 75 10 95 02 09 30 09 30 81 02 "
            "09 31 09 31 81 02 c0 "
        )
        (slot,) = screen(finger).packets[1].slots
        assert (slot.x.shift, slot.y.shift) == (16, 48)

    def test_mouse_and_pen_are_no_touchscreen(self) -> None:
        mouse = "05 01 09 02 a1 01 09 30 09 31 75 08 95 02 81 02 c0"
        with pytest.raises(ProtocolError, match="has no touchscreen"):
            touch_screen(parse_descriptor(bytes.fromhex(mouse)))

    def test_position_in_mm_is_counted_from_the_logical_minimum(self) -> None:
        finger = (
            "05 0d 09 22 a1 02 25 01 75 08 95 01 09 42 81 02 05 01 75 10 16 00 80 26 ff 7f 35 12 46 7a 03 "
            "55 0e 65 11 09 30 81 02 09 31 81 02 c0 "
        )
        decoder = HidTouchDecoder(screen(finger))
        (report,) = decoder.feed(0, b"\x01\x01\x00\x80\xff\x7f")
        (contact,) = report.down
        assert (contact.x, contact.y) == (-32768, 32767)
        assert contact.x_mm == 0.0
        assert contact.y_mm == pytest.approx(87.2)

    def test_the_larger_of_width_and_height_is_the_size(self) -> None:
        finger = (
            "05 0d 09 22 a1 02 25 01 75 08 95 01 09 42 81 02 05 01 75 10 26 e8 03 35 00 46 e8 03 55 0e 65 11 "
            "09 30 81 02 09 31 81 02 05 0d 09 48 81 02 09 49 81 02 c0 "
        )
        (report,) = HidTouchDecoder(screen(finger)).feed(0, bytes.fromhex("01 01 6400 6400 5000 5a00"))
        assert report.contacts[0].size_mm == pytest.approx(9.0)


class TestScans:
    def test_parallel_slots_beyond_the_count_are_filler(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 3 + COUNT))
        data = packet((1, 4, 10, 20), (1, 5, 30, 40), (1, 0, 0, 0), count=2)
        assert down(decoder, data) == [{4: (10, 20), 5: (30, 40)}]

    def test_hybrid_packets_are_one_scan_at_the_time_of_the_last(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 2 + SCAN_TIME + COUNT))
        first = packet((1, 1, 1, 1), (1, 2, 2, 2), scan_time=7, count=3)
        second = packet((1, 3, 3, 3), (0, 0, 0, 0), scan_time=7, count=0)
        assert decoder.feed(100, first) == []
        (report,) = decoder.feed(350, second)
        assert (report.t_us, [contact.id for contact in report.down]) == (350, [1, 2, 3])

    def test_serial_packets_are_one_scan_by_their_count(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT))
        packets = [packet((1, n, n, n), count=0 if n else 3) for n in range(3)]
        assert down(decoder, *packets, *packets) == [{0: (0, 0), 1: (1, 1), 2: (2, 2)}] * 2

    def test_without_a_count_each_packet_is_a_scan_and_other_contacts_stay(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER))
        scans = down(decoder, packet((1, 1, 5, 5)), packet((1, 2, 9, 9)), packet((0, 1, 5, 5)))
        assert scans == [{1: (5, 5)}, {1: (5, 5), 2: (9, 9)}, {2: (9, 9)}]

    def test_a_lift_is_reported_once(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT))
        reports = [
            decoder.feed(t, packet((tip, 3, 8, 8), count=1))[0].contacts for t, tip in enumerate((1, 0, 0))
        ]
        assert [[(c.id, c.tip) for c in contacts] for contacts in reports] == [[(3, True)], [(3, False)], []]

    def test_a_lift_beyond_the_count_counts_where_it_repeats_the_last_position(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 2 + COUNT))
        scans = down(
            decoder,
            packet((1, 0, 10, 10), (1, 1, 20, 20), count=2),
            packet((1, 1, 21, 21), (0, 0, 10, 10), count=1),
        )
        assert scans[-1] == {1: (21, 21)}

    def test_zero_filler_does_not_lift_a_contact(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 2 + COUNT))
        scans = down(
            decoder,
            packet((1, 0, 10, 10), (1, 1, 20, 20), count=2),
            packet((1, 1, 21, 21), (0, 0, 0, 0), count=1),
        )
        assert scans[-1] == {0: (10, 10), 1: (21, 21)}

    def test_of_a_contact_sent_twice_the_first_is_meant_where_there_is_a_scan_time(self) -> None:
        data = ((1, 1, 10, 10), (1, 1, 99, 99))
        with_time = HidTouchDecoder(screen(FINGER * 2 + SCAN_TIME + COUNT))
        without = HidTouchDecoder(screen(FINGER * 2 + COUNT))
        assert down(with_time, packet(*data, scan_time=1, count=2)) == [{1: (10, 10)}]
        assert down(without, packet(*data, count=2)) == [{1: (99, 99)}]

    def test_a_lost_continuation_ends_the_scan_with_the_next_scan_time(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + SCAN_TIME + COUNT))
        scans = down(
            decoder,
            packet((1, 1, 1, 1), scan_time=1, count=2),
            packet((1, 1, 2, 2), scan_time=2, count=2),
            packet((1, 2, 3, 3), scan_time=2, count=0),
        )
        assert scans == [{1: (1, 1)}, {1: (2, 2), 2: (3, 3)}]
        assert decoder.incomplete_scans == 1

    def test_a_lost_continuation_ends_the_scan_with_the_next_count_in_hybrid_mode(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT))
        whole = packet((1, 1, 1, 1), count=2), packet((1, 2, 2, 2), count=0)
        scans = down(decoder, *whole, packet((1, 1, 5, 5), count=2), *whole)
        assert scans[1:] == [{1: (5, 5), 2: (2, 2)}, {1: (1, 1), 2: (2, 2)}]

    def test_a_count_of_zero_with_slots_that_claim_contacts_lifts_all(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT))
        assert down(decoder, packet((1, 1, 1, 1), count=1), packet((1, 0, 0, 0), count=0)) == [
            {1: (1, 1)},
            {},
        ]

    def test_a_scan_without_contacts_is_empty(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 2 + COUNT))
        assert down(decoder, packet((0, 0, 0, 0), (0, 0, 0, 0), count=0)) == [{}]

    def test_a_short_packet_is_counted_and_read_as_zero(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER))
        (report,) = decoder.feed(0, packet((1, 1, 0x123, 0x456))[:5])
        assert [(c.x, c.y) for c in report.down] == [(0x123, 0)]
        assert decoder.short_packets == 1

    def test_other_reports_and_empty_packets_are_passed_over(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER))
        assert decoder.feed(0, b"\x07\x01\x02") == []
        assert decoder.feed(0, b"") == []

    def test_what_is_incomplete_at_the_end_is_flushed(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT))
        decoder.feed(5, packet((1, 1, 1, 1), count=2))
        (report,) = decoder.flush()
        assert (report.t_us, len(report.down)) == (5, 1)
        assert decoder.flush() == []


def bit_by_bit(packet: bytes, bit_offset: int, bit_size: int, *, signed: bool) -> int:
    """The slow twin of reading a field: HID 1.11, 8.4, least significant bit of the first byte first."""
    bits = [packet[at // 8] >> at % 8 & 1 for at in range(bit_offset, bit_offset + bit_size)]
    value = sum(bit << weight for weight, bit in enumerate(bits))
    return value - (1 << bit_size) if signed and bits[-1] else value


@given(st.binary(min_size=16, max_size=16), st.integers(0, 96), st.integers(1, 32), st.booleans())
def test_fields_are_read_as_bit_by_bit(data: bytes, padding: int, bit_size: int, signed: bool) -> None:
    low, high = (-(1 << bit_size - 1), (1 << bit_size - 1) - 1) if signed else (0, (1 << bit_size) - 1)
    logical = (
        b"\x17" + low.to_bytes(4, "little", signed=True) + b"\x27" + (high & 0xFFFFFFFF).to_bytes(4, "little")
    )
    (field,) = (
        parse_descriptor(
            bytes.fromhex("05 01 09 02 a1 01 75 01 95")
            + bytes((padding, 0x81, 0x03, 0x75, bit_size, 0x95, 1, 0x09, 0x30))
            + logical
            + b"\x81\x02\xc0"
        )
        .reports[ReportKind.INPUT, 0]
        .fields[1:]
    )
    (_, bit_offset) = next(field.elements())
    assert bit_offset == padding
    read = BitField.of(field, bit_offset).read(int.from_bytes(data, "little"))
    assert read == bit_by_bit(data, bit_offset, bit_size, signed=signed)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=24), max_size=30))
def test_any_packets_keep_the_state_bounded(packets: list[bytes]) -> None:
    decoder = HidTouchDecoder(screen(FINGER * 2 + SCAN_TIME + COUNT))
    for data in packets:
        for report in decoder.feed(0, b"\x01" + data):
            ids = [contact.id for contact in report.contacts]
            assert len(ids) == len(set(ids)) <= 256


@given(st.binary(max_size=120), st.lists(st.binary(max_size=40), max_size=5))
def test_any_descriptor_and_packets_raise_nothing_but_our_errors(
    rubbish: bytes, packets: list[bytes]
) -> None:
    try:
        descriptor = parse_descriptor(bytes.fromhex(f"05 0d 09 04 a1 01 {FINGER}") + rubbish + b"\xc0")
        decoder = HidTouchDecoder(touch_screen(descriptor))
    except StampbenchError:
        return
    for data in packets:
        decoder.feed(0, data)


CERTIFICATION = "06 00 ff 09 c5 15 00 26 ff 00 75 08 96 00 01 85 44 b1 02 "
"""The blob of 256 bytes by which Linux knows a device certified for Windows 8."""
CONFIDENT_FINGER = FINGER.replace("95 07 81 03", "09 47 81 02 95 06 81 03")


class TestWindows8:
    """What Linux does with such devices (``hid-multitouch``, MT_CLS_WIN_8), scan time or not."""

    @pytest.mark.parametrize("tail", [COUNT, SCAN_TIME + COUNT])
    def test_a_repeated_id_is_passed_over_and_not_counted(self, tail: str) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 3 + tail + COUNT_MAX + CERTIFICATION))
        times = {"scan_time": 7} if tail != COUNT else {}
        (report,) = decoder.feed(0, packet((1, 1, 5, 10), (1, 1, 15, 20), (1, 2, 50, 100), count=2, **times))
        assert [(contact.id, contact.x) for contact in report.down] == [(1, 5), (2, 50)]
        assert decoder.duplicates == 1

    def test_in_hybrid_mode_a_scan_with_a_repeated_id_goes_on_in_the_next_packet(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER * 2 + SCAN_TIME + COUNT + COUNT_MAX + CERTIFICATION))
        first = packet((1, 1, 5, 10), (1, 1, 15, 20), scan_time=1, count=2)
        second = packet((1, 2, 50, 100), (0, 0, 0, 0), scan_time=1, count=0)
        assert down(decoder, first, second) == [{1: (5, 10), 2: (50, 100)}]

    def test_what_a_silent_device_left_down_is_lifted_after_100_ms(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT + COUNT_MAX + CERTIFICATION))
        touch = packet((1, 1, 5, 10), count=1)
        decoder.feed(0, touch)
        assert len(decoder.feed(99_000, touch)) == 1
        lift, again = decoder.feed(199_000, touch)
        assert (lift.t_us, len(lift.down), len(again.down)) == (199_000, 0, 1)
        assert decoder.assumed_lifts == 1

    def test_a_contact_without_confidence_is_a_palm(self) -> None:
        decoder = HidTouchDecoder(screen(CONFIDENT_FINGER + COUNT + COUNT_MAX + CERTIFICATION))
        (landed,) = decoder.feed(0, packet((3, 1, 5, 10), count=1))
        (palm,) = decoder.feed(10_000, packet((1, 1, 5, 10), count=1))
        assert [len(landed.down), len(palm.down)] == [1, 0]
        assert [contact.cancelled for contact in palm.contacts] == [True]

    def test_without_certification_a_silent_touch_stays_down(self) -> None:
        decoder = HidTouchDecoder(screen(FINGER + COUNT + COUNT_MAX))
        touch = packet((1, 1, 5, 10), count=1)
        decoder.feed(0, touch)
        assert [len(report.down) for report in decoder.feed(500_000, touch)] == [1]


def test_a_contact_that_is_not_seen_has_lifted_where_the_device_tells_no_lifts() -> None:
    decoder = HidTouchDecoder(screen(FINGER * 2 + COUNT + COUNT_MAX), not_seen_means_up=True)
    both = packet((1, 1, 50, 100), (1, 2, 150, 200), count=2)
    one = packet((1, 1, 50, 100), (0, 0, 0, 0), count=1)
    assert down(decoder, both, one) == [{1: (50, 100), 2: (150, 200)}, {1: (50, 100)}]


def test_a_usage_takes_the_page_that_is_declared_after_it() -> None:
    # HID 1.11, 6.2.2.8: the page in force at the main item completes a usage.
    late = FINGER.replace(
        "05 01 26 ff 0f 35 00 46 98 03 55 0e 65 11 75 10 09 30", "09 30 05 01 26 ff 0f 75 10"
    )
    assert late != FINGER
    (slot,) = screen(late + COUNT).packets[1].slots
    assert slot.x.mask == 0xFFFF


def test_a_contact_id_marked_constant_is_read_all_the_same() -> None:
    constant = FINGER.replace("09 51 75 08 95 01 81 02", "09 51 75 08 95 01 81 03")
    assert constant != FINGER
    decoder = HidTouchDecoder(screen(constant + COUNT))
    (report,) = decoder.feed(0, packet((1, 9, 5, 10), count=1))
    assert [contact.id for contact in report.down] == [9]
