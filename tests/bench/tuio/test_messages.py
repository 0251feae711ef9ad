from __future__ import annotations

import itertools
import math
import socket
from dataclasses import replace

import pytest
from stampbench.bench.tuio.follower import PlacedStamp
from stampbench.bench.tuio.messages import (
    SOURCE,
    Teller,
    TimeTag,
    TuioEncoder,
    TuioVersion,
    osc_bundle,
    osc_message,
)
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport


def report(t_us: int, *places: tuple[int, int, int]) -> TouchReport:
    return TouchReport(t_us, tuple(Contact(number, True, x, y) for number, x, y in places))


def messages(datagram: bytes) -> list[tuple[str, list[object]]]:
    osc_packet = pytest.importorskip("pythonosc.osc_packet", reason="needs python-osc")
    return [
        (timed.message.address, list(timed.message.params))
        for timed in osc_packet.OscPacket(datagram).messages
    ]


def test_message_has_its_bytes() -> None:
    assert osc_message("/a", 1, -2, 0.5, "text", TimeTag(1_500_000)) == (
        b"/a\0\0,iifst\0\0\0\0\0\x01\xff\xff\xff\xfe\x3f\0\0\0text\0\0\0\0\0\0\0\x01\x80\0\0\0"
    )


def test_bundle_has_its_bytes() -> None:
    assert osc_bundle([osc_message("/a")]) == b"#bundle\0" + bytes(7) + b"\x01\0\0\0\x08/a\0\0,\0\0\0"


def test_contacts_are_cursors_with_velocity_and_gone_when_they_lift() -> None:
    encoder = TuioEncoder(TuioVersion.V1, (0, 1000), (0, 500))
    (first,) = encoder.datagrams(report(0, (7, 100, 100)))
    (second,) = encoder.datagrams(report(100_000, (7, 200, 100), (8, 1000, 500)))
    (third,) = encoder.datagrams(report(200_000, (8, 1000, 500)))
    assert messages(first) == [
        ("/tuio/2Dcur", ["source", SOURCE]),
        ("/tuio/2Dcur", ["alive", 1]),
        ("/tuio/2Dcur", ["set", 1, pytest.approx(0.1), pytest.approx(0.2), 0.0, 0.0, 0.0]),
        ("/tuio/2Dcur", ["fseq", 1]),
    ]
    assert messages(second)[1:] == [
        ("/tuio/2Dcur", ["alive", 1, 2]),
        (
            "/tuio/2Dcur",
            ["set", 1, *(pytest.approx(value) for value in (0.2, 0.2, 1.0, 0.0, 10.0))],
        ),
        ("/tuio/2Dcur", ["set", 2, 1.0, 1.0, 0.0, 0.0, 0.0]),
        ("/tuio/2Dcur", ["fseq", 2]),
    ]
    assert messages(third)[1] == ("/tuio/2Dcur", ["alive", 2])


def stamp(theta_rad: float, x_mm: float = 25.0) -> PlacedStamp:
    return PlacedStamp(4321, x_mm, 50.0, theta_rad, frozenset({1, 2}))


def test_two_stamps_of_one_code_are_two_objects() -> None:
    encoder = TuioEncoder(TuioVersion.V1, (0, 1000), (0, 1000), size_mm=(100.0, 200.0))
    both = [stamp(0.0), replace(stamp(0.0, 75.0), track=2, contact_ids=frozenset({3, 4}))]
    (_, objects) = encoder.datagrams(TouchReport(0, ()), both)
    assert objects.count(b"set\0") == 2
    assert objects.count((4321).to_bytes(4, "big")) == 2


def test_stamp_is_an_object_and_its_pads_are_no_cursors() -> None:
    encoder = TuioEncoder(TuioVersion.V1, (0, 1000), (0, 1000), size_mm=(100.0, 200.0))
    touches = ((1, 0, 0), (2, 10, 10), (3, 500, 500))
    encoder.datagrams(report(0, *touches), [stamp(-0.1)])
    cursors, objects = encoder.datagrams(report(100_000, *touches), [stamp(0.1, x_mm=35.0)])
    assert messages(cursors)[1] == ("/tuio/2Dcur", ["alive", 1])
    turns = 0.2 / 0.1 / (2 * math.pi)
    moved = (0.35, 0.25, 0.1, 1.0, 0.0, turns, 10.0, turns / 0.1)
    assert messages(objects)[1:3] == [
        ("/tuio/2Dobj", ["alive", 2]),
        ("/tuio/2Dobj", ["set", 2, 4321, *(pytest.approx(value) for value in moved)]),
    ]


def test_angles_go_from_zero_to_a_turn() -> None:
    encoder = TuioEncoder(TuioVersion.V1, (0, 1), (0, 1), size_mm=(100.0, 200.0))
    _, objects = encoder.datagrams(report(0), [stamp(-0.1)])
    assert messages(objects)[2][1][5] == pytest.approx(2 * math.pi - 0.1)


def test_version_2_tells_a_scan_in_one_bundle() -> None:
    encoder = TuioEncoder(TuioVersion.V2, (0, 1000), (0, 500), size_mm=(100.0, 200.0))
    (datagram,) = encoder.datagrams(report(1_500_000, (3, 500, 500)), [stamp(0.5)])
    frame, pointer, token, alive = messages(datagram)
    assert frame[0] == "/tuio2/frm"
    assert (frame[1][0], frame[1][2:]) == (1, [1000 << 16 | 500, SOURCE])
    assert pointer == ("/tuio2/ptr", [1, 1, 3, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert token == ("/tuio2/tok", [2, 0, 4321, 0.25, 0.25, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert alive == ("/tuio2/alv", [1, 2])


def test_datagram_arrives_over_udp_as_it_was_sent() -> None:
    encoder = TuioEncoder(TuioVersion.V2, (0, 1000), (0, 500))
    (datagram,) = encoder.datagrams(report(0, *((number, number, number) for number in range(64))))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(datagram, receiver.getsockname())
        assert receiver.recv(65536) == datagram


def test_empty_range_is_refused() -> None:
    with pytest.raises(InputError, match="must not be empty"):
        TuioEncoder(TuioVersion.V1, (5, 5), (0, 1))


@pytest.mark.parametrize(("version", "again"), [(TuioVersion.V1, -1), (TuioVersion.V2, 0)])
def test_what_rests_is_told_again_without_a_new_frame_and_in_the_end_nothing_is_there(version, again) -> None:
    encoder = TuioEncoder(version, (0, 1000), (0, 500))
    encoder.datagrams(report(0, (7, 100, 100)))
    (alive,) = encoder.alive()
    told = messages(alive)
    frame = next(
        values for address, values in told if address in ("/tuio2/frm", "/tuio/2Dcur") and again in values
    )
    assert frame
    alive_ids = [values for address, values in told if address == "/tuio2/alv" or "alive" in values]
    assert alive_ids in ([[1]], [["alive", 1]])
    (ended,) = encoder.ended()
    gone = [values for address, values in messages(ended) if address == "/tuio2/alv" or "alive" in values]
    assert gone in ([[]], [["alive"]])


def test_a_listener_hears_once_a_second_of_what_rests() -> None:
    now_s = 0.0

    def pause(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    sent: list[float] = []
    encoder = TuioEncoder(TuioVersion.V1, (0, 1000), (0, 500))
    teller = Teller(encoder, lambda datagram: sent.append(now_s), clock=lambda: now_s, pause=pause)
    teller.tell(report(0, (7, 100, 100)))
    teller.rest(6.0)
    teller.end()
    assert max(b - a for a, b in itertools.pairwise(sent)) <= 1.0
    assert len(sent) == 8
