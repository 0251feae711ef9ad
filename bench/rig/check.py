"""Whether a rig keeps the clauses of the link protocol (PROTOCOL.md), by talking to it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum

from stampbench.bench.rig.port import SerialPort
from stampbench.bench.rig.report_checks import ReportChecker
from stampbench.firmware_emulator.errors import ProtocolError
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
    Capability,
    ContactReader,
    Heartbeat,
    Identity,
    PressDone,
    Status,
    unpack_frame,
)
from stampbench.firmware_emulator.link.packets import Packet, PacketParser, PacketType, host_sender

ANSWER_WITHIN_S = 1.0
HEARTBEAT_WITHIN_S = 0.5
TOLERANCE_S = 0.2
"""What the line and this machine may add to the times of the protocol."""
PRESS_US = 1_500_000
_UNKNOWN_COMMAND = 0x7F
_WATCH_S = 1.2
_LOOK_S = 0.1
_DATA = (PacketType.CONTACTS, PacketType.HID_REPORT, PacketType.RAW_FRAME)


class Outcome(StrEnum):
    """What became of one clause."""

    KEPT = "kept"
    BROKEN = "broken"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause and what became of it; ``detail`` says what was seen where it is not kept."""

    clause: str
    outcome: Outcome
    detail: str = ""


class RigCheck:
    """A conversation with a rig in which it can break clauses.

    Args:
        port: whatever pyserial opens.
        clock: seconds; real time unless a test says otherwise.

    Raises:
        NoHardwareError: there is no such port.
        InputError: the port is in use.
        ProtocolError: no packet of this protocol comes from it.
    """

    def __init__(self, port: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._port_name = port
        self._clock = clock
        self._findings: dict[str, Finding] = {}
        self._sender = host_sender()
        self._parser = PacketParser()
        self._seen: list[tuple[float, Packet]] = []
        self._port: SerialPort
        self._identity: Identity | None = None

    def run(self) -> list[Finding]:
        """Return the findings, in the order of the clauses."""
        with closing(SerialPort(self._port_name)) as self._port:
            self._watch(_WATCH_S)
            if not self._seen:
                self._watch(_WATCH_S, self._say(Identify()))
            if not self._seen:
                received = self._parser.counters.bytes
                raise ProtocolError(
                    f"port {self._port_name} speaks another protocol: no packet of it in {received} bytes"
                )
            self._check_identify()
            self._check_refusals()
            self._check_order()
            self._check_damaged_command()
            self._check_streams()
            self._check_press()
            self._check_stream_of_packets()
            self._check_contacts()
        return [self._findings[clause] for clause in sorted(self._findings, key=_order)]

    def _judge(self, clause: str, kept: bool, detail: str = "") -> None:
        """Record a clause; once broken it stays broken."""
        before = self._findings.get(clause)
        if before is None or before.outcome is not Outcome.BROKEN:
            self._findings[clause] = (
                Finding(clause, Outcome.KEPT) if kept else Finding(clause, Outcome.BROKEN, detail)
            )

    def _untried(self, detail: str, *clauses: str) -> None:
        for clause in clauses:
            self._findings.setdefault(clause, Finding(clause, Outcome.UNTRIED, detail))

    def _say(self, command: Command) -> int:
        return self._say_raw(command.kind, command.pack())

    def _say_raw(self, kind: int, payload: bytes = b"") -> int:
        sequence = self._sender.sequence
        self._port.write(b"\0" + self._sender.encode(kind, 0, payload))
        return sequence

    def _watch(self, seconds: float, until_answer: int | None = None) -> list[Packet]:
        """Return what comes within some time, or up to and with the answer to a command."""
        packets: list[Packet] = []
        begun_s = self._clock()
        while self._clock() - begun_s <= seconds:
            for packet in self._parser.feed(self._port.read()):
                self._seen.append((self._clock(), packet))
                packets.append(packet)
            if until_answer is not None and _answers(packets, until_answer):
                break
        return packets

    def _ask(self, kind: int, payload: bytes = b"") -> tuple[list[Packet], Answer | None]:
        """Send a command and return what came up to its answer, and the answer; judges C1 and C2."""
        sequence = self._say_raw(kind, payload)
        asked_s = self._clock()
        packets = self._watch(3 * ANSWER_WITHIN_S, sequence)
        found = _answers(packets, sequence)
        name = f"0x{kind:02x}"
        self._judge("C1", len(found) == 1, f"command {name}: {len(found)} answers to it, must be 1")
        if not found:
            return packets, None
        taken_s = self._clock() - asked_s
        in_time = taken_s <= ANSWER_WITHIN_S + TOLERANCE_S
        self._judge("C2", in_time, f"command {name}: answered after {taken_s:.1f} s, must be within 1 s")
        kind_said = found[0].command_kind
        self._judge("C1", kind_said == kind, f"command {name}: answered as type 0x{kind_said:02x}")
        return packets, found[0]

    def _expect(self, clause: str, what: str, answer: Answer | None, *right: Status) -> None:
        status = "nothing" if answer is None else answer.status.name
        self._judge(
            clause,
            answer is not None and answer.status in right,
            f"{what}: answered {status}, must be {' or '.join(status.name for status in right)}",
        )

    def _check_identify(self) -> None:
        packets, answer = self._ask(PacketType.IDENTIFY)
        self._expect("C5", "identify", answer, Status.OK)
        kinds = [packet.type for packet in packets]
        self._judge("C5", PacketType.IDENTITY in kinds[:-1], "identify: no identity ahead of the answer")
        for packet in packets:
            if packet.type == PacketType.IDENTITY:
                try:
                    self._identity = Identity.unpack(packet.payload).as_told()
                    self._judge("R1", True)
                    self._judge(
                        "R1", bool(self._identity.serial_number), "identity: the serial number is empty"
                    )
                except ProtocolError as error:
                    self._judge("R1", False, str(error))
        self._untried("needs a power-up while the port is open", "T3")

    def _check_refusals(self) -> None:
        _, answer = self._ask(_UNKNOWN_COMMAND)
        self._expect("C1", "unknown command 0x7f", answer, Status.UNSUPPORTED)
        _, answer = self._ask(PacketType.STREAM, b"\xff\xff")
        self._expect("C1", "stream with a payload of two bytes", answer, Status.BAD_ARGUMENT)
        _, answer = self._ask(PacketType.PRESS, b"\x00")
        self._expect("C1", "press with a payload of one byte", answer, Status.BAD_ARGUMENT, Status.MANUAL)

    def _check_order(self) -> None:
        first, second = self._say(Identify()), self._say(Reset())
        self._sender.sequence = second
        self._say(Reset())  # the same packet again
        packets = self._watch(ANSWER_WITHIN_S)
        numbers = [
            Answer.unpack(packet.payload).command_sequence for packet in _of(packets, PacketType.ANSWER)
        ]
        self._judge(
            "C3",
            numbers == [first, second],
            f"packets {first}, {second} and {second} again: answers to {numbers}, must be {[first, second]}",
        )

    def _check_damaged_command(self) -> None:
        before = self._last_heartbeat()
        damaged = bytearray(self._sender.encode(PacketType.IDENTIFY, 0))
        damaged[-2] ^= 0x55 if damaged[-2] != 0x55 else 0x54
        self._port.write(b"\0" + bytes(damaged))
        packets = self._watch(3 * HEARTBEAT_WITHIN_S)
        self._judge("C4", not _of(packets, PacketType.ANSWER), "a damaged command was answered")
        after = self._last_heartbeat()
        counted = None if before is None or after is None else after.host_errors - before.host_errors
        self._judge("C4", counted == 1, f"host errors in the heartbeat rose by {counted}, must be 1")

    def _last_heartbeat(self) -> Heartbeat | None:
        for _, packet in reversed(self._seen):
            if packet.type == PacketType.HEARTBEAT:
                return Heartbeat.unpack(packet.payload)
        return None

    def _check_streams(self) -> None:
        able = self._identity.capabilities if self._identity is not None else Capability(0)
        for streams, needed in (
            (Streams.RAW_FRAMES, Capability.RAW_FRAMES),
            (Streams.HID_REPORTS, Capability.HID_REPORTS),
        ):
            packets, answer = self._ask(PacketType.STREAM, Stream(Streams.CONTACTS | streams).pack())
            right = Status.OK if needed in able else Status.UNSUPPORTED
            self._expect("C7", f"stream {streams.name} with capabilities {int(able):04x}", answer, right)
            if streams is Streams.HID_REPORTS and right is Status.OK:
                described = bool(_of(packets, PacketType.HID_DESCRIPTOR))
                self._judge("C7", described, "stream HID_REPORTS: no HID descriptor ahead of the answer")
        if Capability.CONFIGURE not in able:
            _, answer = self._ask(PacketType.CONFIGURE, Configure("{}").pack())
            self._expect("C1", "configure without that capability", answer, Status.UNSUPPORTED, Status.OK)
        _, answer = self._ask(PacketType.RESET)
        self._expect("C6", "reset", answer, Status.OK)

    def _check_press(self) -> None:
        if self._identity is None:
            self._untried("no identity", "C8", "C9", "C10", "R6")
            return
        x_um, y_um = self._identity.width_um // 2, self._identity.height_um // 2
        keyframes = tuple(
            WireKeyframe(t_us, x_um, y_um, 0, force, 1000, 0, 0)
            for t_us, force in ((0, 1000), (PRESS_US, 1000), (PRESS_US + 20_000, 0))
        )
        sequence = self._sender.sequence
        command = PressCommand(1, "finger", keyframes)
        packets, answer = self._ask(PacketType.PRESS, command.pack())
        if Capability.PRESS not in self._identity.capabilities:
            self._expect("C8", "press without an actuator", answer, Status.MANUAL)
            self._untried("the rig has no actuator", "C9", "C10", "R6")
            return
        self._expect("C8", "press of a finger", answer, Status.OK)
        second = self._say(command)
        begun_s = self._clock()
        while not _of(packets, PacketType.PRESS_DONE) and self._clock() - begun_s < 5 * PRESS_US / 1e6:
            packets += self._watch(_LOOK_S)
        packets += self._watch(ANSWER_WITHIN_S)
        self._judge_press(packets, sequence)
        refusals = _answers(packets, second)
        if refusals and refusals[0].status is Status.OK:
            done_first = [p.type for p in packets if p.type in (PacketType.ANSWER, PacketType.PRESS_DONE)]
            overtaken = done_first[:2] == [PacketType.ANSWER, PacketType.PRESS_DONE]
            self._judge("C10", overtaken, "a press during a press was answered OK, must be BAD_ARGUMENT")
        else:
            self._expect(
                "C10", "a press during a press", refusals[0] if refusals else None, Status.BAD_ARGUMENT
            )

    def _judge_press(self, packets: list[Packet], sequence: int) -> None:
        ends = [PressDone.unpack(packet.payload) for packet in _of(packets, PacketType.PRESS_DONE)]
        self._judge(
            "C8", [end.command_sequence for end in ends[:1]] == [sequence], "press: no press done for it"
        )
        kinds = [packet.type for packet in packets]
        if not ends or PacketType.ANSWER not in kinds:
            self._untried("a press without an answer or without an end", "C9", "R6")
            return
        begin, end = kinds.index(PacketType.ANSWER), kinds.index(PacketType.PRESS_DONE)
        reports = kinds[begin:end].count(PacketType.CONTACTS)
        self._judge(
            "C9",
            reports == ends[0].reports,
            f"press done speaks of {ends[0].reports} reports, {reports} came between the answer and it",
        )
        data = {PacketType(kind).name for kind in kinds[begin:end] if kind in _DATA}
        self._judge(
            "R6", data <= {"CONTACTS"}, f"after a reset {sorted(data)} are streamed, must be contacts alone"
        )

    def _check_stream_of_packets(self) -> None:
        counters = self._parser.counters
        self._judge("P1", not counters.crc_errors, f"{counters.crc_errors} packets with a wrong CRC")
        broken = counters.cobs_errors + counters.too_short
        self._judge("P2", not broken, f"{broken} stretches between two 00 are no COBS-coded packet")
        self._judge("P3", not counters.too_long, f"{counters.too_long} packets longer than 32768 bytes")
        self._judge(
            "P5", not counters.unknown_version, f"{counters.unknown_version} packets are not of version 1"
        )
        gaps = counters.lost + counters.restarts
        self._judge(
            "S1", not gaps, f"{counters.lost} packets missing by their numbers, {counters.restarts} restarts"
        )
        self._judge("S3", not counters.duplicates, f"{counters.duplicates} packets came twice")
        self._judge("T1", not counters.clock_jumps, f"the device clock jumped {counters.clock_jumps} times")
        beats_s = [at_s for at_s, packet in self._seen if packet.type == PacketType.HEARTBEAT]
        pauses_s = [later - earlier for earlier, later in itertools.pairwise(beats_s)]
        longest_s = max(pauses_s, default=float("inf"))
        self._judge(
            "T2",
            longest_s <= HEARTBEAT_WITHIN_S + TOLERANCE_S,
            f"{longest_s:.2f} s between two heartbeats, must be at most 0.5 s",
        )

    def _check_contacts(self) -> None:
        if self._identity is None:
            self._untried("no identity", "R3", "R4", "R5")
            return
        reader, checker = ContactReader(self._identity), ReportChecker(self._identity)
        tried = False
        for _, packet in self._seen:
            if packet.type == PacketType.RAW_FRAME:
                unpack_frame(packet.t_us, packet.payload)
            if packet.type == PacketType.CONTACTS:
                report = reader.report(packet.t_us, packet.payload)
                tried = tried or bool(report.contacts)
                checker.see(report)
        if not tried:
            self._untried("nothing touched the panel meanwhile", "R3", "R4", "R5")
            return
        breaches = checker.counters.breaches
        for clause in ("R3", "R4", "R5"):
            self._judge(clause, clause not in breaches, breaches.get(clause, ""))


def _of(packets: list[Packet], kind: PacketType) -> list[Packet]:
    return [packet for packet in packets if packet.type == kind]


def _answers(packets: list[Packet], sequence: int) -> list[Answer]:
    answers = (Answer.unpack(packet.payload) for packet in _of(packets, PacketType.ANSWER))
    return [answer for answer in answers if answer.command_sequence == sequence]


def _order(clause: str) -> tuple[int, int]:
    return "PSTRC".index(clause[0]), int(clause[1:])
