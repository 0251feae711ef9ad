from __future__ import annotations

import struct
import zlib

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.packets import (
    LONGEST_COUNTED_GAP,
    MAX_BODY_BYTES,
    MAX_WIRE_BYTES,
    LinkCounters,
    Packet,
    PacketParser,
    PacketSender,
    PacketType,
    encode_packet,
)

CONTACTS = PacketType.CONTACTS
DEFECTS = ("crc_errors", "cobs_errors", "too_short", "too_long")
"""What a stretch between two ends can have."""


def stream(*sequences: int, step_us: int = 10_000) -> list[bytes]:
    """Packets with these numbers, their payload and time telling them apart."""
    return [encode_packet(CONTACTS, number, number * step_us, stream_payload(number)) for number in sequences]


def stream_payload(number: int) -> bytes:
    return number.to_bytes(8, "little")


def numbers(packets: list[Packet]) -> list[int]:
    return [packet.sequence for packet in packets]


def started_parser() -> PacketParser:
    """A parser that has seen packet 0."""
    parser = PacketParser()
    parser.feed(b"\0" + stream(0)[0])
    return parser


@given(
    payloads=st.lists(st.binary(max_size=600), min_size=1, max_size=20),
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=30),
)
def test_packets_survive_being_cut_into_any_chunks(payloads: list[bytes], cuts: list[int]) -> None:
    sender = PacketSender()
    wire = b"".join(sender.encode(CONTACTS, 1000 * i, payload) for i, payload in enumerate(payloads))
    parser = PacketParser()
    received: list[Packet] = []
    position = turn = 0
    while position < len(wire):
        cut = cuts[turn % len(cuts)]
        received += parser.feed(wire[position : position + cut])
        position, turn = position + cut, turn + 1
    assert received == [Packet(CONTACTS, i, 1000 * i, payload) for i, payload in enumerate(payloads)]
    assert parser.counters == LinkCounters(bytes=len(wire), packets=len(payloads))


def test_layout_on_the_wire_is_header_payload_crc_in_cobs() -> None:
    body = struct.pack("<BBII", 1, 0x10, 7, 123456) + b"\x00\x01\x02"
    body += struct.pack("<I", zlib.crc32(body))
    assert encode_packet(0x10, 7, 123456, b"\x00\x01\x02") == cobs.encode(body) + b"\0"


def test_longest_payload_fits_and_one_byte_more_is_refused() -> None:
    longest = b"\x55" * (MAX_BODY_BYTES - 14)
    wire = encode_packet(CONTACTS, 0, 0, longest)
    assert len(wire) <= MAX_WIRE_BYTES + 1
    assert PacketParser().feed(wire)[0].payload == longest
    with pytest.raises(InputError, match="at most 32754 fit"):
        encode_packet(CONTACTS, 0, 0, longest + b"\0")


@given(st.integers(0, 47))
def test_joining_in_the_middle_of_a_packet_is_no_fault(start: int) -> None:
    first, second, third = stream(5, 6, 7)
    wire = (first + second + third)[start:]
    parser = PacketParser()
    received = parser.feed(wire)
    assert numbers(received) == [5, 6, 7][-len(received) :]
    assert len(received) >= wire.count(b"\0") - 1
    assert parser.counters.faultless
    assert parser.counters.damaged == 0


def test_gap_in_the_numbers_is_counted_as_lost() -> None:
    parser = started_parser()
    assert numbers(parser.feed(b"".join(stream(1, 5, 6)))) == [1, 5, 6]
    assert parser.counters.lost == 3


def test_numbers_wrap_without_loss() -> None:
    parser = PacketParser()
    top = (1 << 32) - 1
    wire = b"".join(encode_packet(CONTACTS, number, 0) for number in (top - 1, top, top + 1, top + 2))
    assert numbers(parser.feed(wire)) == [top - 1, top, 0, 1]
    assert parser.counters.faultless


@pytest.mark.parametrize("apart", [False, True])
def test_copy_of_a_packet_is_counted_and_not_delivered(apart: bool) -> None:
    parser = started_parser()
    one, two = stream(1, 2)
    wires = [one, two, one, two] if apart else [one + two + one + two]
    assert numbers([packet for wire in wires for packet in parser.feed(wire)]) == [1, 2]
    assert parser.counters.duplicates == 2
    assert parser.counters.lost == parser.counters.restarts == 0


def test_packet_after_a_younger_one_is_late_and_stays_counted_as_lost() -> None:
    parser = started_parser()
    one, two, three = stream(1, 2, 3)
    assert numbers(parser.feed(two + one + three)) == [2, 3]
    assert (parser.counters.lost, parser.counters.late) == (1, 1)


def test_rig_that_starts_anew_is_followed_at_once_and_time_goes_on() -> None:
    parser = PacketParser()
    before = parser.feed(b"".join(stream(40, 41, 42)))
    after = parser.feed(b"".join(stream(2, 3)))
    assert numbers(after) == [2, 3]
    assert (parser.counters.restarts, parser.counters.lost) == (1, 2)
    assert after[0].t_us > before[-1].t_us
    assert after[1].t_us - after[0].t_us == 10_000
    assert parser.counters.clock_jumps == 0


def test_number_far_ahead_is_a_restart_and_no_million_lost() -> None:
    parser = started_parser()
    assert numbers(parser.feed(encode_packet(CONTACTS, LONGEST_COUNTED_GAP + 2, 0))) == [
        LONGEST_COUNTED_GAP + 2
    ]
    assert (parser.counters.restarts, parser.counters.lost) == (1, 0)


@pytest.mark.parametrize(("ahead", "restarts"), [(1 << 20, 0), ((1 << 20) + 1, 1)])
def test_up_to_2_20_packets_ahead_are_lost_and_more_a_new_life(ahead: int, restarts: int) -> None:
    parser = started_parser()
    parser.feed(encode_packet(CONTACTS, 1 + ahead, 0))
    assert (parser.counters.restarts, parser.counters.lost) == (restarts, 0 if restarts else ahead)


@pytest.mark.parametrize(("back", "duplicates"), [(64, 1), (65, 0)])
def test_copies_are_known_among_the_last_64_packets(back: int, duplicates: int) -> None:
    wire = stream(*range(100))
    parser = PacketParser()
    for packet in wire:
        parser.feed(packet)
    parser.feed(wire[100 - back])
    assert (parser.counters.duplicates, parser.counters.restarts) == (duplicates, 1 - duplicates)


def test_same_number_with_another_payload_or_time_is_a_new_life() -> None:
    for other in (
        encode_packet(CONTACTS, 1, 10_000, b"other"),
        encode_packet(CONTACTS, 1, 10_001, stream_payload(1)),
    ):
        parser = started_parser()
        parser.feed(stream(1)[0])
        assert len(parser.feed(other)) == 1
        assert (parser.counters.duplicates, parser.counters.restarts) == (0, 1)


def test_packet_lost_in_one_life_is_not_late_in_the_next() -> None:
    parser = started_parser()
    far = 1 << 30
    parser.feed(stream(5)[0])
    parser.feed(encode_packet(CONTACTS, far, 0))
    assert numbers(parser.feed(encode_packet(CONTACTS, 3, 0))) == [3]
    assert (parser.counters.late, parser.counters.restarts) == (0, 2)


def test_late_packet_is_late_once() -> None:
    parser = started_parser()
    one, two = stream(1, 2)
    parser.feed(two + one)
    assert numbers(parser.feed(one)) == [1]
    assert (parser.counters.late, parser.counters.restarts) == (1, 1)


def test_new_life_after_the_clock_wrapped_begins_later_than_all_before() -> None:
    parser = PacketParser()
    before = parser.feed(
        encode_packet(CONTACTS, 7, (1 << 32) - 1000) + encode_packet(CONTACTS, 8, (1 << 32) + 1000)
    )
    (after,) = parser.feed(encode_packet(CONTACTS, 0, 5))
    assert [packet.t_us for packet in before] == [(1 << 32) - 1000, (1 << 32) + 1000]
    assert after.t_us == (2 << 32) + 5


def test_device_time_is_unwrapped_over_any_number_of_wraps() -> None:
    parser = PacketParser()
    times_us = [step * 400_000 for step in range(30_000)]
    received = [
        packet.t_us
        for number, t_us in enumerate(times_us)
        for packet in parser.feed(encode_packet(PacketType.HEARTBEAT, number, t_us))
    ]
    assert received == times_us
    assert times_us[-1] > 2 * (1 << 32)
    assert parser.counters.clock_jumps == 0


def test_jumps_of_the_device_clock_are_counted() -> None:
    parser = PacketParser()
    times_us = [5_000_000, 5_010_000, 4_000_000, 4_010_000, 9_000_000]
    wire = b"".join(encode_packet(CONTACTS, number, t_us) for number, t_us in enumerate(times_us))
    assert [packet.t_us for packet in parser.feed(wire)] == times_us
    assert parser.counters.clock_jumps == 2


@pytest.mark.parametrize(("step_us", "jumps"), [(0, 0), (1_000_000, 0), (1_000_001, 1), (-1, 1)])
def test_clock_may_stand_still_and_run_a_second_ahead(step_us: int, jumps: int) -> None:
    parser = PacketParser()
    times_us = (5_000_000, 5_000_000 + step_us)
    wire = b"".join(encode_packet(CONTACTS, number, t_us) for number, t_us in enumerate(times_us))
    assert tuple(packet.t_us for packet in parser.feed(wire)) == times_us
    assert parser.counters.clock_jumps == jumps


def test_clock_may_run_ahead_as_long_as_packets_are_missing() -> None:
    parser = PacketParser()
    parser.feed(encode_packet(CONTACTS, 0, 0) + encode_packet(CONTACTS, 900, 9_000_000))
    assert (parser.counters.lost, parser.counters.clock_jumps) == (899, 0)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_packet_of_another_version_is_counted_and_not_delivered(version: int) -> None:
    body = struct.pack("<BBII", version, 0x10, 1, 0)
    parser = started_parser()
    assert parser.feed(cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0") == []
    assert parser.counters.unknown_version == 1


def test_packet_of_an_unknown_type_is_counted_and_delivered() -> None:
    parser = started_parser()
    assert [packet.type for packet in parser.feed(encode_packet(0x3F, 1, 0))] == [0x3F]
    assert parser.counters.unknown_type == 1
    assert parser.counters.lost == 0


@given(data=st.data())
def test_changed_byte_is_never_delivered_and_always_noticed(data: st.DataObject) -> None:
    one, two, three = stream(1, 2, 3)
    position = data.draw(st.integers(0, len(two) - 1))
    damaged = bytearray(two)
    damaged[position] ^= data.draw(st.integers(1, 255))
    parser = started_parser()
    received = parser.feed(one + bytes(damaged) + three)
    after = parser.feed(stream(4)[0])
    assert set(received) <= set(PacketParser().feed(one + two + three))
    assert numbers(after) == [4]
    counters = parser.counters
    assert counters.packets + counters.lost == 5
    assert counters.damaged >= 1
    assert counters.resyncs >= 1


def test_stretch_without_end_is_dropped_and_counted_once() -> None:
    parser = started_parser()
    for _ in range(20):
        assert parser.feed(b"\x11" * MAX_WIRE_BYTES) == []
    assert numbers(parser.feed(b"\0" + stream(1)[0])) == [1]
    assert (parser.counters.too_long, parser.counters.resyncs, parser.counters.lost) == (1, 1, 0)


def test_too_short_and_undecodable_stretches_are_told_apart() -> None:
    parser = started_parser()
    parser.feed(cobs.encode(b"short") + b"\0" + b"\x09bad\0")
    assert (parser.counters.too_short, parser.counters.cobs_errors) == (1, 1)


def test_empty_stretches_are_no_packets() -> None:
    parser = started_parser()
    assert numbers(parser.feed(b"\0\0\0" + stream(1)[0] + b"\0\0")) == [1]
    assert parser.counters.faultless


def test_bytes_before_the_first_end_of_a_packet_are_joined_bytes() -> None:
    parser = PacketParser()
    parser.feed(b"\x11" * 10 + b"\0" + stream(4)[0])
    assert (parser.counters.joined_bytes, parser.counters.damaged) == (10, 0)
    parser.feed(stream(5)[0][:7])
    parser.rejoin()
    assert parser.counters.joined_bytes == 17
    parser.feed(b"\x11" * (MAX_WIRE_BYTES + 1))
    assert parser.counters.joined_bytes == 17 + MAX_WIRE_BYTES + 1


@pytest.mark.parametrize(("length", "defect"), [(13, "too_short"), (14, "crc_errors")])
def test_body_of_14_bytes_is_the_shortest(length: int, defect: str) -> None:
    parser = started_parser()
    parser.feed(cobs.encode(b"\x01" * length) + b"\0")
    assert [name for name in DEFECTS if getattr(parser.counters, name)] == [defect]


@pytest.mark.parametrize(
    ("length", "defect"), [(MAX_WIRE_BYTES, "cobs_errors"), (MAX_WIRE_BYTES + 1, "too_long")]
)
@pytest.mark.parametrize("whole", [True, False])
def test_stretch_longer_than_any_packet_is_too_long(length: int, defect: str, whole: bool) -> None:
    stretch = b"\xff" * length + b"\0"
    parser = started_parser()
    for piece in [stretch] if whole else [stretch[:9], stretch[9:]]:
        parser.feed(piece)
    assert [name for name in DEFECTS if getattr(parser.counters, name)] == [defect]


FAULTS = ("lost", "restarts", "clock_jumps", *DEFECTS)


@pytest.mark.parametrize("name", LinkCounters.names())
def test_link_is_lossless_unless_one_of_its_faults_was_counted(name: str) -> None:
    counters = LinkCounters(**{name: 1})
    assert counters.lossless == (name not in FAULTS)
    assert counters.faultless == (name not in (*FAULTS, "duplicates"))
    assert counters.damaged == (name in DEFECTS)


def test_rejoining_forgets_half_a_packet_and_counts_what_was_missed() -> None:
    parser = started_parser()
    one, two, three = stream(1, 2, 3)
    parser.feed(one + two[:9])
    parser.rejoin()
    assert numbers(parser.feed(two[12:] + three)) == [3]
    assert (parser.counters.lost, parser.counters.damaged) == (1, 0)


def test_rig_that_was_unplugged_may_begin_with_the_very_packets_of_its_last_life() -> None:
    life = b"\0" + b"".join(stream(*range(5)))
    parser = PacketParser()
    parser.feed(life)
    parser.rejoin()
    assert numbers(parser.feed(life)) == list(range(5))
    assert (parser.counters.restarts, parser.counters.duplicates, parser.counters.lost) == (1, 0, 0)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=200), max_size=30))
def test_rubbish_raises_nothing_and_is_not_kept(chunks: list[bytes]) -> None:
    parser = PacketParser()
    for chunk in chunks:
        parser.feed(chunk)
    assert len(parser._partial) <= MAX_WIRE_BYTES
    assert parser.counters.bytes == sum(map(len, chunks))


def test_counters_subtract_by_name() -> None:
    parser = started_parser()
    before = parser.counters.copy()
    parser.feed(b"".join(stream(1, 3)))
    since = parser.counters - before
    assert (since.packets, since.lost) == (2, 1)
    assert since.to_mapping()["crc_errors"] == 0
