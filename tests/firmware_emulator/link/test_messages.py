from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.firmware_emulator.link.messages import (
    Answer,
    Capability,
    ContactReader,
    Heartbeat,
    Identity,
    PressDone,
    Status,
    pack_contacts,
    pack_frame,
    unpack_frame,
)
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
SHORT_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
IDENTITY = Identity(
    "SN-1", "nexus-5", "firmware", "1.0", 10, 1080, 1920, 61_600, 109_600, 10_000, 27, 15, Capability.PRESS
)

identities = st.builds(
    Identity,
    serial_number=SHORT_TEXT,
    profile=SHORT_TEXT,
    firmware_name=SHORT_TEXT,
    firmware_version=SHORT_TEXT,
    contact_limit=st.integers(1, 255),
    x_max=st.integers(1, 65535),
    y_max=st.integers(1, 65535),
    width_um=st.integers(1, 2**32 - 1),
    height_um=st.integers(1, 2**32 - 1),
    frame_interval_us=U32,
    rows=U8,
    columns=U8,
    capabilities=st.integers(0, 63).map(Capability),
    protocol_version=U8,
)
heartbeats = st.builds(
    Heartbeat,
    scans=U32,
    reports=U32,
    dropped=U32,
    host_errors=U32,
    last_command=U32,
    pressing=st.booleans(),
)
answers = st.builds(
    Answer, command_sequence=U32, command_kind=U8, status=st.sampled_from(Status), text=SHORT_TEXT
)
endings = st.builds(PressDone, command_sequence=U32, aborted=st.booleans(), reports=U32)


@given(st.one_of(identities, heartbeats, answers, endings))
def test_message_reads_back_as_it_was_packed(message: Identity | Heartbeat | Answer | PressDone) -> None:
    assert type(message).unpack(message.pack()) == message


GOLDEN = [  # written out by hand from the tables of PROTOCOL.md, numbers little-endian
    (
        Heartbeat(1, 2, 3, 4, 5, pressing=True),
        "01000000 02000000 03000000 04000000 05000000 01",
    ),
    (Answer(7, 0x41, Status.BAD_ARGUMENT, "no"), "07000000 41 03 6e6f"),
    (PressDone(7, aborted=True, reports=258), "07000000 01 02010000"),
    (PressDone(7, aborted=False, reports=258, dropped=3), "07000000 00 02010000 03000000"),
    (
        replace(IDENTITY, capabilities=Capability.PRESS | Capability.MARKS_CANCELLED),
        "01 0a 2100 3804 8007 a0f00000 20ac0100 10270000 1b 0f"
        "04 534e2d31 07 6e657875732d35 08 6669726d77617265 03 312e30",
    ),
]


@pytest.mark.parametrize(("message", "payload"), GOLDEN, ids=lambda value: type(value).__name__)
def test_message_is_the_bytes_of_the_protocol(
    message: Identity | Heartbeat | Answer | PressDone, payload: str
) -> None:
    assert message.pack() == bytes.fromhex(payload)


def test_counts_of_a_heartbeat_are_modulo_2_32() -> None:
    counts = [(1 << 32) + count for count in range(5)]
    heartbeat = Heartbeat(*counts, pressing=False)
    assert Heartbeat.unpack(heartbeat.pack()) == Heartbeat(0, 1, 2, 3, 4, pressing=False)


def test_bits_of_the_heartbeats_state_that_nobody_knows_are_passed_over() -> None:
    payload = Heartbeat(1, 2, 3, 4, 5, pressing=False).pack()
    assert not Heartbeat.unpack(payload[:-1] + b"\xfe").pressing


@pytest.mark.parametrize(
    ("flags", "tip", "cancelled"),
    [(0, False, False), (1, True, False), (2, False, True), (0xFD, True, False)],
)
def test_flags_of_a_contact_are_two_bits(flags: int, tip: bool, cancelled: bool) -> None:
    payload = bytes([9, flags]) + bytes.fromhex("0100 0200 2c01")
    (contact,) = ContactReader(IDENTITY).report(0, payload).contacts
    assert (contact.id, contact.tip, contact.cancelled) == (9, tip, cancelled)
    assert (contact.x, contact.y, contact.size_mm) == (1, 2, 3.0)


def test_size_that_rounds_to_nothing_is_still_a_size() -> None:
    sent = TouchReport(0, (Contact(1, True, 0, 0, size_mm=0.001),))
    assert ContactReader(IDENTITY).report(0, pack_contacts(sent)).contacts[0].size_mm == 0.01


def test_later_versions_may_append_to_identity_and_heartbeat() -> None:
    assert Identity.unpack(IDENTITY.pack() + b"more") == IDENTITY
    heartbeat = Heartbeat(1, 2, 3, 4, 5, pressing=False)
    assert Heartbeat.unpack(heartbeat.pack() + b"more") == heartbeat


@given(message=st.one_of(identities, heartbeats, endings), data=st.data())
def test_message_cut_short_is_refused(message: Identity | Heartbeat | PressDone, data: st.DataObject) -> None:
    payload = message.pack()
    with pytest.raises(ProtocolError):
        type(message).unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


@pytest.mark.parametrize(
    "unpack",
    [Identity.unpack, Heartbeat.unpack, Answer.unpack, PressDone.unpack, lambda data: unpack_frame(0, data)],
)
@given(payload=st.binary(max_size=80))
def test_rubbish_raises_nothing_but_protocol_errors(
    unpack: Callable[[bytes], object], payload: bytes
) -> None:
    try:
        unpack(payload)
    except ProtocolError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (1, 2, "contact limit 0"),
        (4, 6, "maxima 0 x 1920"),
        (6, 8, "maxima 1080 x 0"),
        (8, 12, "size 0 x 109600"),
        (12, 16, "size 61600 x 0"),
    ],
)
def test_identity_without_a_size_or_limit_is_refused(start: int, end: int, said: str) -> None:
    payload = bytearray(IDENTITY.pack())
    payload[start:end] = bytes(end - start)
    with pytest.raises(ProtocolError, match=said):
        Identity.unpack(bytes(payload))


def test_text_of_more_than_255_bytes_is_refused() -> None:
    with pytest.raises(InputError, match="at most 255 fit"):
        Identity("ä" * 128, "", "", "", 1, 1, 1, 1, 1, 1).pack()


def test_answer_with_an_unknown_status_is_refused() -> None:
    with pytest.raises(ProtocolError, match="status 9"):
        Answer.unpack(b"\0\0\0\0\x40\x09")


@given(
    st.lists(
        st.tuples(U8, st.booleans(), st.integers(0, 1080), st.integers(0, 1920), st.integers(0, 60_000)),
        max_size=12,
    )
)
def test_contacts_read_back_with_positions_in_mm(values: list[tuple[int, bool, int, int, int]]) -> None:
    sent = TouchReport(
        5,
        tuple(
            Contact(i, tip, x, y, size_mm=size / 100 or None, cancelled=not tip and x % 2 == 1)
            for i, tip, x, y, size in values
        ),
    )
    received = ContactReader(IDENTITY).report(5, pack_contacts(sent))
    assert received.t_us == 5
    for contact, (number, tip, x, y, size) in zip(received.contacts, values, strict=True):
        assert (contact.id, contact.tip, contact.x, contact.y) == (number, tip, x, y)
        assert contact.x_mm == pytest.approx(x * 61.6 / 1080)
        assert contact.y_mm == pytest.approx(y * 109.6 / 1920)
        assert contact.size_mm == (size / 100 if size else None)
    assert [contact.cancelled for contact in received.contacts] == [
        contact.cancelled for contact in sent.contacts
    ]


def test_contact_outside_the_fields_is_refused_when_packed() -> None:
    with pytest.raises(InputError, match="0 to 65535"):
        pack_contacts(TouchReport(0, (Contact(0, True, -1, 0),)))


def test_contacts_of_a_broken_length_are_refused() -> None:
    with pytest.raises(ProtocolError, match="multiple of 8"):
        ContactReader(IDENTITY).report(0, b"123456789")


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 99))
def test_raw_frame_reads_back_node_by_node(rows: int, columns: int, seed: int) -> None:
    deltas = np.random.default_rng(seed).integers(-32768, 32768, (rows, columns)).astype(np.int16)
    frame = unpack_frame(7, pack_frame(Frame(7, deltas)))
    assert frame.t_us == 7
    assert frame.deltas.dtype == np.int16
    np.testing.assert_array_equal(frame.deltas, deltas)


@pytest.mark.parametrize("more", [-1, 1])
def test_raw_frame_of_another_length_than_its_nodes_take_is_refused(more: int) -> None:
    payload = pack_frame(Frame(0, np.zeros((3, 2), np.int16)))
    with pytest.raises(ProtocolError, match=r"3 x 2 nodes take 12 bytes, got 1[13]"):
        unpack_frame(0, payload[:more] if more < 0 else payload + b"\0")


def test_identity_tells_the_limit_beyond_which_all_is_cancelled() -> None:
    assert IDENTITY.cancel_limit is None
    assert replace(IDENTITY, contact_limit=5, capabilities=Capability.CANCELS_ALL).cancel_limit == 5
    marked = Capability.CANCELS_ALL | Capability.MARKS_CANCELLED
    assert replace(IDENTITY, contact_limit=5, capabilities=marked).cancel_limit is None
