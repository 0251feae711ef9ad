from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.formats.muca import (
    COLUMNS,
    ROWS,
    MucaByteParser,
    MucaTextParser,
    MucaTouchParser,
    encode_bytes,
    encode_text,
    encode_touches,
)
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

UNTOUCHED = Frame(0, np.zeros((ROWS, COLUMNS), np.int16))


def frame(seed: int, low: int = -20, high: int = 230) -> Frame:
    return Frame(0, np.random.default_rng(seed).integers(low, high, (ROWS, COLUMNS)).astype(np.int16))


@given(seed=st.integers(0, 1000), cut=st.integers(1, 2000))
def test_frame_as_text_reads_back(seed: int, cut: int) -> None:
    parser = MucaTextParser()
    wire = b"\r\n" + encode_text(UNTOUCHED) + encode_text(frame(seed))
    received = parser.feed(wire[:cut], 5) + parser.feed(wire[cut:], 7)
    assert len(received) == 2
    np.testing.assert_array_equal(received[1].deltas, frame(seed).deltas)
    assert received[1].t_us == 7
    assert parser.counters.damaged == 0


@given(seed=st.integers(0, 1000), cut=st.integers(1, 507))
def test_frame_as_bytes_reads_back(seed: int, cut: int) -> None:
    parser = MucaByteParser()
    wire = encode_bytes(UNTOUCHED) + encode_bytes(frame(seed))
    assert len(wire) == 2 * 254
    received = parser.feed(wire[:cut], 0) + parser.feed(wire[cut:], 1000)
    np.testing.assert_array_equal(received[1].deltas, frame(seed).deltas)


def test_a_touch_too_strong_for_a_byte_is_counted() -> None:
    parser = MucaByteParser()
    parser.feed(encode_bytes(UNTOUCHED), 0)
    strong = Frame(0, np.zeros((ROWS, COLUMNS), np.int16))
    strong.deltas[3, 4] = 700
    (received,) = parser.feed(encode_bytes(strong), 0)
    assert received.deltas[3, 4] == 700
    assert received.deltas[0, 0] == 0
    assert parser.counters.beyond_one_byte == 1


def test_bytes_wrap_as_the_board_stores_them() -> None:
    strong = Frame(0, np.zeros((ROWS, COLUMNS), np.int16))
    strong.deltas[3, 4] = 600
    assert encode_bytes(strong)[2] == 600 & 0xFF


def test_bytes_after_a_silence_begin_a_new_frame() -> None:
    parser = MucaByteParser()
    wire = encode_bytes(UNTOUCHED)
    parser.feed(wire[100:], 0)
    assert len(parser.feed(wire, 20_000)) == 1
    assert parser.counters.damaged == 1


@pytest.mark.parametrize(
    "line",
    [
        b"1,2,3",
        b",".join([b"x"] * 252),
        b",".join([b"70000"] * 252),
        b",".join([b"9" * 50] * 252),
        b"\xff" * 9000,
    ],
)
def test_line_that_is_no_frame_is_counted_and_passed_over(line: bytes) -> None:
    parser = MucaTextParser()
    assert parser.feed(b"\r\n" + line + b"\r\n", 0) == []
    assert len(parser.feed(encode_text(UNTOUCHED), 0)) == 1
    assert parser.counters.damaged == 1


def test_line_joined_in_the_middle_is_no_frame_and_no_fault() -> None:
    parser = MucaTextParser()
    received = parser.feed(encode_text(frame(1))[300:] + encode_text(UNTOUCHED), 0)
    assert len(received) == 1
    assert parser.counters.damaged == 0


def test_line_without_end_is_not_kept() -> None:
    parser = MucaTextParser()
    for _ in range(100):
        parser.feed(b"1," * 5000, 0)
    assert len(parser._lines._partial) <= ROWS * COLUMNS * 8 + 1


def test_delta_beyond_the_counts_is_refused() -> None:
    with pytest.raises(InputError, match="at most 10000"):
        encode_text(frame(0, 20_000, 20_001))


UNSAID = (*[st.none()] * 3, st.just(False))
coordinate = st.integers(0, 4095)
contacts = st.lists(
    st.builds(Contact, st.integers(0, 15), st.booleans(), coordinate, coordinate, *UNSAID), max_size=5
).map(tuple)


@given(st.lists(contacts, max_size=5))
def test_touches_read_back(scans: list[tuple[Contact, ...]]) -> None:
    parser = MucaTouchParser()
    wire = b"\r\n" + b"".join(encode_touches(TouchReport(9, scan)) for scan in scans)
    assert parser.feed(wire, 9) == [TouchReport(9, scan) for scan in scans]


def test_touch_lands_with_flag_0_and_stays_with_2_and_lifts_with_1() -> None:
    touch, lift = Contact(3, True, 10, 20), Contact(3, False, 10, 20)
    assert encode_touches(TouchReport(0, (touch,)), frozenset({3})) == b"3:0:10:20:0|\r\n"
    assert encode_touches(TouchReport(0, (touch,))) == b"3:2:10:20:0|\r\n"
    assert encode_touches(TouchReport(0, (lift,))) == b"3:1:10:20:0|\r\n"


@given(st.binary(max_size=200))
def test_rubbish_raises_nothing(rubbish: bytes) -> None:
    for parser in (MucaTextParser(), MucaByteParser(), MucaTouchParser()):
        parser.feed(b"\r\n" + rubbish + b"\r\n", 0)
