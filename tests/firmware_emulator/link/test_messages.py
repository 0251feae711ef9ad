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
    capabilities=st.integers(0, 31).map(Capability),
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


def test_identity_without_size_is_refused() -> None:
    payload = bytearray(IDENTITY.pack())
    payload[4:6] = b"\0\0"
    with pytest.raises(ProtocolError, match="maxima 0 x 1920"):
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


def test_identity_tells_the_limit_beyond_which_all_is_cancelled() -> None:
    assert IDENTITY.cancel_limit is None
    assert replace(IDENTITY, contact_limit=5, capabilities=Capability.CANCELS_ALL).cancel_limit == 5
    marked = Capability.CANCELS_ALL | Capability.MARKS_CANCELLED
    assert replace(IDENTITY, contact_limit=5, capabilities=marked).cancel_limit is None
