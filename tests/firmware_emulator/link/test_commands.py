from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.firmware_emulator.link.commands import (
    Command,
    Configure,
    Identify,
    PressCommand,
    Reset,
    Stream,
    Streams,
    WireKeyframe,
    unpack_command,
)
from stampbench.firmware_emulator.link.packets import PacketType

I32 = st.integers(-(2**31), 2**31 - 1)
PERMILLE = st.integers(0, 1000)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
KEYFRAME = WireKeyframe(0, 1, 2, 3, 4, 5, 6, 7)

keyframes = st.builds(
    WireKeyframe,
    t_us=st.integers(0, 2**32 - 1),
    x_um=I32,
    y_um=I32,
    theta_urad=I32,
    force_permille=PERMILLE,
    grip_permille=PERMILLE,
    tilt_x_urad=I32,
    tilt_y_urad=I32,
)
presses = st.builds(
    PressCommand,
    seed=st.integers(0, 2**64 - 1),
    object_name=TEXT,
    keyframes=st.lists(keyframes, min_size=1, max_size=8)
    .map(
        lambda some: sorted(
            {keyframe.t_us: keyframe for keyframe in some}.values(), key=lambda keyframe: keyframe.t_us
        )
    )
    .map(tuple),
)
anything = st.one_of(
    st.just(Identify()),
    st.just(Reset()),
    st.builds(Stream, st.integers(0, 7).map(Streams)),
    st.builds(Configure, TEXT),
    presses,
)


@given(anything)
def test_command_reads_back_as_it_was_packed(command: Command) -> None:
    assert unpack_command(command.kind, command.pack()) == command


@given(kind=st.sampled_from(PacketType), payload=st.binary(max_size=120))
def test_rubbish_raises_nothing_but_protocol_errors(kind: PacketType, payload: bytes) -> None:
    try:
        unpack_command(kind, payload)
    except ProtocolError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_packet_that_is_no_command_is_none() -> None:
    assert unpack_command(PacketType.CONTACTS, b"") is None
    assert unpack_command(0x7F, b"") is None


@pytest.mark.parametrize(
    ("command", "right"),
    [
        (PressCommand(0, "x", ()), "must be one or more"),
        (PressCommand(0, "x", (WireKeyframe(5, *[0] * 7), WireKeyframe(4, *[0] * 7))), "must rise"),
        (PressCommand(0, "x", (WireKeyframe(0, 0, 0, 0, 1001, 0, 0, 0),)), "0 to 1000"),
    ],
)
def test_press_that_makes_no_sense_is_refused(command: PressCommand, right: str) -> None:
    with pytest.raises(ProtocolError, match=right):
        unpack_command(PacketType.PRESS, command.pack())


@pytest.mark.parametrize("payload", [b"", b"\x08", b"\x01\x01"])
def test_stream_of_an_unknown_kind_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="00 to 07"):
        unpack_command(PacketType.STREAM, payload)


@pytest.mark.parametrize("kind", [PacketType.IDENTIFY, PacketType.RESET])
def test_payload_where_none_belongs_is_refused(kind: PacketType) -> None:
    with pytest.raises(ProtocolError, match="must be empty"):
        unpack_command(kind, b"\0")


def test_seed_beyond_64_bits_is_refused_when_packed() -> None:
    with pytest.raises(InputError, match="do not fit"):
        PressCommand(1 << 64, "x", (KEYFRAME,)).pack()
