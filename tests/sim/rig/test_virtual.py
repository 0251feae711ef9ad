from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.commands import (
    Command,
    Configure,
    Identify,
    PressCommand,
    Reset,
    Stream,
    Streams,
    WireKeyframe,
)
from stampbench.firmware_emulator.link.messages import (
    Answer,
    Heartbeat,
    Identity,
    PressDone,
    Status,
    unpack_frame,
)
from stampbench.firmware_emulator.link.packets import (
    Packet,
    PacketParser,
    PacketSender,
    PacketType,
    encode_packet,
)
from stampbench.sim.rig import VirtualRig, open_channel
from stampbench.sim.rig.pattern import FRAME_INTERVAL_US, PatternDevice
from stampbench.sim.rig.virtual import HEARTBEAT_US

SCANS = 250
KEYFRAMES = (WireKeyframe(0, 0, 0, 0, 1000, 1000, 0, 0),)
PRESS = PressCommand(1, f"pattern/{SCANS}", KEYFRAMES)


class ScriptedChannel:
    """A channel whose host speaks its lines whenever the rig has nothing left to do, and then hangs up.

    Lines in ``amid`` are heard instead between two scans, one at a time.
    """

    port = "scripted"

    def __init__(self, *lines: bytes, amid: tuple[bytes, ...] = (), reading: bool = True) -> None:
        self.lines = list(lines)
        self.amid = list(amid)
        self.reading = reading
        self.sent = bytearray()
        self.now_s = 0.0
        self.interrupted = False

    def read(self, timeout_s: float) -> bytes:
        if timeout_s == 0.0:
            return self.amid.pop(0) if self.amid else b""
        if self.lines:
            line = self.lines.pop(0)
            self.now_s += 0.0 if line else timeout_s
            return line
        self.interrupted = True
        return b""

    def clock(self) -> float:
        """Time passes only where the host keeps silent."""
        return self.now_s

    def write(self, data: bytes) -> bool:
        self.sent += data
        return self.reading

    def write_now(self, data: bytes) -> bool:
        return self.reading and self.write(data)

    def pause(self, seconds: float) -> None:
        pass

    def interrupt(self) -> None:
        self.interrupted = True

    def close(self) -> None:
        pass

    def received(self) -> list[Packet]:
        """What the host finds in the bytes sent; nothing may be lost or damaged on the way."""
        parser = PacketParser()
        packets = parser.feed(bytes(self.sent))
        assert parser.counters.faultless
        return packets


def said(*spoken: Command) -> list[bytes]:
    sender = PacketSender()
    return [sender.encode(command.kind, 0, command.pack()) for command in spoken]


def replies(*spoken: Command, amid: tuple[Command, ...] = ()) -> list[Packet]:
    lines = said(*spoken, *amid)
    channel = ScriptedChannel(*lines[: len(spoken)], amid=tuple(lines[len(spoken) :]))
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    return channel.received()


def of_kind(packets: list[Packet], kind: PacketType) -> list[Packet]:
    return [packet for packet in packets if packet.type == kind]


def answers(packets: list[Packet]) -> list[Answer]:
    return [Answer.unpack(packet.payload) for packet in of_kind(packets, PacketType.ANSWER)]


def test_rig_says_who_it_is_when_it_starts() -> None:
    (first, *_) = replies()
    assert Identity.unpack(first.payload) == PatternDevice().identity
    assert first.sequence == 0


def test_every_command_is_answered_once_with_its_number() -> None:
    packets = replies(Identify(), Reset(), Stream(Streams.CONTACTS), Configure("{}"), PRESS)
    assert [(answer.command_sequence, answer.status) for answer in answers(packets)] == [
        (number, Status.OK) for number in range(5)
    ]


def test_identity_comes_ahead_of_its_answer() -> None:
    _, *said = replies(Identify())
    assert [packet.type for packet in said] == [PacketType.IDENTITY, PacketType.HEARTBEAT, PacketType.ANSWER]


def test_press_sends_answer_then_every_scan_then_done() -> None:
    packets = [packet for packet in replies(PRESS)[1:] if packet.type != PacketType.HEARTBEAT]
    assert packets[0].type == PacketType.ANSWER
    assert {packet.type for packet in packets[1:-1]} == {PacketType.CONTACTS}
    assert len(packets) == 2 + SCANS
    assert PressDone.unpack(packets[-1].payload) == PressDone(0, aborted=False, reports=SCANS, dropped=0)


def test_device_clock_advances_by_scans_alone() -> None:
    times_us = [packet.t_us for packet in of_kind(replies(PRESS, PRESS), PacketType.CONTACTS)]
    assert times_us == [FRAME_INTERVAL_US * (1 + scan) for scan in range(2 * SCANS)]


def test_heartbeat_comes_by_device_time_and_tells_that_it_presses() -> None:
    beats = of_kind(replies(PRESS), PacketType.HEARTBEAT)
    assert [beat.t_us for beat in beats] == [HEARTBEAT_US, 2 * HEARTBEAT_US]
    assert all(Heartbeat.unpack(beat.payload).pressing for beat in beats)


def test_idle_rig_shows_that_it_lives_and_what_it_answered_last() -> None:
    channel = ScriptedChannel(*said(Reset()), b"", b"")
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    beats = of_kind(channel.received(), PacketType.HEARTBEAT)
    assert [Heartbeat.unpack(beat.payload).last_command for beat in beats] == [0, 0]


def test_heartbeat_that_nobody_reads_takes_no_number() -> None:
    channel = ScriptedChannel(b"", b"", *said(Identify()), reading=False)
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    assert [packet.sequence for packet in PacketParser().feed(bytes(channel.sent))] == [1, 2, 3]


def test_raw_frames_come_ahead_of_their_contacts_when_asked_for() -> None:
    packets = replies(Stream(Streams.CONTACTS | Streams.RAW_FRAMES), PRESS)
    scans = [p for p in packets if p.type in (PacketType.RAW_FRAME, PacketType.CONTACTS)]
    assert [p.type for p in scans] == [PacketType.RAW_FRAME, PacketType.CONTACTS] * SCANS
    assert unpack_frame(scans[2].t_us, scans[2].payload).deltas[0, 0] == 1


def test_stream_without_contacts_sends_none() -> None:
    packets = replies(Stream(Streams(0)), PRESS)
    assert of_kind(packets, PacketType.CONTACTS) == []
    assert PressDone.unpack(packets[-1].payload).reports == 0


def test_reset_ends_the_press() -> None:
    packets = replies(PRESS, amid=(Reset(),))
    assert len(of_kind(packets, PacketType.CONTACTS)) == 1
    assert PressDone.unpack(of_kind(packets, PacketType.PRESS_DONE)[0].payload).aborted


def test_press_during_a_press_is_refused_and_the_first_goes_on() -> None:
    packets = replies(PRESS, amid=(PRESS, Identify()))
    assert [answer.status for answer in answers(packets)] == [Status.OK, Status.BAD_ARGUMENT, Status.OK]
    assert len(of_kind(packets, PacketType.CONTACTS)) == SCANS


def test_press_ends_when_the_host_is_gone() -> None:
    channel = ScriptedChannel(*said(PRESS), reading=False)
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    packets = PacketParser().feed(bytes(channel.sent))
    assert 0 < len(of_kind(packets, PacketType.CONTACTS)) < SCANS / 2


@pytest.mark.parametrize(
    ("command", "status", "text"),
    [
        (PressCommand(1, "no-such-object", KEYFRAMES), Status.BAD_ARGUMENT, "no-such-object"),
        (PressCommand(1, "pattern/1", ()), Status.BAD_ARGUMENT, "one or more"),
        (Configure("{"), Status.BAD_ARGUMENT, "not JSON"),
        (Configure("[]"), Status.BAD_ARGUMENT, "JSON object"),
        (Configure('{"colour": 1}'), Status.BAD_ARGUMENT, "colour"),
        (Stream(Streams.HID_REPORTS), Status.UNSUPPORTED, "HID"),
    ],
)
def test_command_that_cannot_be_obeyed_is_refused_in_words(
    command: Command, status: Status, text: str
) -> None:
    (answer,) = answers(replies(command))
    assert answer.status is status
    assert text in answer.text


def test_packet_that_is_no_command_is_unsupported() -> None:
    channel = ScriptedChannel(encode_packet(0x7E, 5, 0))
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    (answer,) = answers(channel.received())
    assert (answer.command_sequence, answer.status) == (5, Status.UNSUPPORTED)


def test_rubbish_from_the_host_is_counted_in_the_heartbeat() -> None:
    channel = ScriptedChannel(b"\0rubbish\0rubbish\0", b"")
    VirtualRig(PatternDevice(), channel, channel.clock).serve()
    beat = of_kind(channel.received(), PacketType.HEARTBEAT)[0]
    assert Heartbeat.unpack(beat.payload).host_errors == 2


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_pseudo_terminal_is_named_like_a_device() -> None:
    channel = open_channel("pty")
    assert os.path.exists(channel.port)
    channel.close()


def test_tcp_channel_is_named_as_pyserial_wants_it() -> None:
    channel = open_channel("tcp")
    assert channel.port.startswith("socket://127.0.0.1:")
    channel.close()


def test_tcp_port_that_is_taken_is_an_input_error() -> None:
    channel = open_channel("tcp")
    taken = int(channel.port.rpartition(":")[2])
    with pytest.raises(InputError, match=f"TCP port {taken} cannot be listened on"):
        open_channel("tcp", taken)
    channel.close()


@pytest.fixture(params=["pty", "tcp"])
def interrupted_port(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "pty" and not hasattr(os, "openpty"):
        pytest.skip("this system has no pseudo-terminals")
    channel = open_channel(request.param)
    channel.interrupt()
    assert channel.read(60.0) == b""
    assert not channel.write(b"x")
    yield channel.port
    channel.close()


def test_interrupted_channel_waits_for_nothing(interrupted_port: str) -> None:
    assert interrupted_port
