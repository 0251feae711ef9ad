"""Frames as in the tests of citruz/beacontools at 513e1c7f (MIT), whose parser reads ours."""

from __future__ import annotations

import contextlib
from uuid import UUID

import beacontools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.ble.frames import Eid, IBeacon, OtpStamp, Tlm, Uid, parse_frame, structures

KNOWN = {
    "0201060303AAFE0D16AAFE30E34549445F74657374": Eid(b"EID_test", -29),
    "0201061AFF4C0002154142434445464748494041424344454600010002F8": IBeacon(
        UUID(bytes=b"ABCDEFGHI@ABCDEF"), 1, 2, -8
    ),
    "0201060303AAFE1716AAFE00E3123456789012346789010000000000010000": Uid(
        bytes.fromhex("12345678901234678901"), bytes.fromhex("000000000001"), -29
    ),
    "0201060303AAFE1116AAFE20000B18130000001467" + "00002AC4": Tlm(2840, 19.0, 5223, 10948),
}


@pytest.mark.parametrize(("text", "frame"), KNOWN.items())
def test_known_frame_is_built_and_parsed(text, frame):
    assert frame.encoded.hex().upper() == text
    assert parse_frame(bytes.fromhex(text)) == frame


@given(st.binary(min_size=8, max_size=8), st.integers(-128, 127))
def test_identifiers_are_those_that_beacontools_reads(identifier, power):
    theirs = beacontools.parse_packet(Eid(identifier, power).encoded)
    assert (theirs.eid, theirs.tx_power) == (identifier, power)


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=6, max_size=6), st.integers(-128, 127))
def test_uids_are_those_that_beacontools_reads(namespace, instance, power):
    theirs = beacontools.parse_packet(Uid(namespace, instance, power).encoded)
    assert (theirs.namespace, theirs.instance) == (namespace.hex(), instance.hex())
    assert theirs.tx_power == power


@given(st.integers(0, 5000), st.integers(-100, 100), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_telemetry_is_that_which_beacontools_reads(voltage, temperature, count, uptime):
    theirs = beacontools.parse_packet(Tlm(voltage, temperature, count, uptime).encoded)
    assert (theirs.voltage, theirs.advertising_count, theirs.seconds_since_boot) == (voltage, count, uptime)


@given(st.uuids(), st.integers(0, 65535), st.integers(0, 65535), st.integers(-128, 127))
def test_ibeacons_are_those_that_beacontools_reads(uuid, major, minor, power):
    theirs = beacontools.parse_packet(IBeacon(uuid, major, minor, power).encoded)
    assert (theirs.uuid, theirs.major, theirs.minor, theirs.tx_power) == (str(uuid), major, minor, power)


@given(st.binary(min_size=8, max_size=8), st.integers(0, 99_999_999))
def test_one_time_password_is_read_as_it_was_shown(stamp, number):
    frame = OtpStamp(stamp, f"{number:08d}")
    assert len(frame.encoded) <= 31
    assert parse_frame(frame.encoded) == frame


@given(st.binary(max_size=31))
def test_any_bytes_are_a_frame_or_none_or_refused(text):
    with contextlib.suppress(ProtocolError):
        parse_frame(text)


def test_foreign_advertisement_holds_no_frame():
    assert parse_frame(bytes.fromhex("020106" + "05094142434400")) is None
    assert parse_frame(bytes.fromhex("0201060303AAFE0516AAFE1000")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0501", "structure at byte 0 says 5: expected at most 1"),
        ("0C16AAFE30E34549445F746573", "EID of 9 bytes: expected 10"),
        ("13FFFFFF5342" + "00" * 8 + "FFFFFFFF" + "0000", "expected"),
    ],
)
def test_frame_of_a_wrong_length_is_refused(text, said):
    with pytest.raises(ProtocolError, match=said):
        parse_frame(bytes.fromhex(text))


def test_structures_end_at_a_length_of_zero():
    assert list(structures(bytes.fromhex("02010600FF"))) == [(1, b"\x06")]
