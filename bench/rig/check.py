"""Whether a rig keeps the clauses of the link protocol (PROTOCOL.md), by talking to it."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from stampbench.bench.rig.hints import HEARD_BYTES, hint
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

from stampbench import firmware_emulator

ANSWER_WITHIN_S = 1.0
HEARTBEAT_WITHIN_S = 0.5
TOLERANCE_S = 0.2
"""What the line and this machine may add to the times of the protocol."""
PRESS_US = 1_500_000
_UNKNOWN_COMMAND = 0x7F
_WATCH_S = 1.2
_LOOK_S = 0.1
SHORT_PRESS_US = 400_000
OBJECTS = ("finger", "p5-60k/777", "p5-600k/777", "p5-6m/777")
"""What rigs are asked to press; a rig that holds something else is told what."""
SEVERAL = ("fingers/5", *OBJECTS)
_JUMP_S = 1.0
_KINDS = (
    (PacketType.RAW_FRAME, Streams.RAW_FRAMES),
    (PacketType.HID_REPORT, Streams.HID_REPORTS),
    (PacketType.CONTACTS, Streams.CONTACTS),
)
"""In the order in which a scan's are sent."""
_Message = TypeVar("_Message")
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
        object_name: what the rig is to press; without, what rigs in software know is tried.

    Raises:
        NoHardwareError: there is no such port.
        InputError: the port is in use.
        ProtocolError: no packet of this protocol comes from it.
    """

    def __init__(
        self, port: str, clock: Callable[[], float] = time.monotonic, *, object_name: str | None = None
    ) -> None:
        self._port_name = port
        self._clock = clock
        self._findings: dict[str, Finding] = {}
        self._sender = host_sender()
        self._parser = PacketParser()
        self._seen: list[tuple[float, Packet]] = []
        self._port: SerialPort
        self._identity: Identity | None = None
        self._heard = bytearray()
        self._object = object_name
        self._dropped = 0

    def run(self) -> list[Finding]:
        """Return the findings, in the order of the clauses."""
        with closing(SerialPort(self._port_name)) as self._port:
            self._watch(_WATCH_S)
            if not self._seen:
                self._watch(_WATCH_S, self._say(Identify()))
            if not self._seen:
                received, said = self._parser.counters.bytes, hint(bytes(self._heard))
                raise ProtocolError(
                    f"port {self._port_name} speaks another protocol: no packet of it in {received} bytes"
                    + (f"; {said}" if said else "")
                )
            self._check_identify()
            self._check_refusals()
            self._check_order()
            self._check_damaged_command()
            self._check_zeros()
            self._check_streams()
            self._check_press()
            self._check_several_streams()
            self._check_same_rig()
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
            data = self._port.read()
            self._heard += data[: HEARD_BYTES - len(self._heard)]
            for packet in self._parser.feed(data):
                self._seen.append((self._clock(), packet))
                packets.append(packet)
            if until_answer is not None and self._answers(packets, until_answer):
                break
        return packets

    def _ask(self, kind: int, payload: bytes = b"") -> tuple[list[Packet], Answer | None]:
        """Send a command and return what came up to its answer, and the answer; judges C1 and C2."""
        sequence = self._say_raw(kind, payload)
        asked_s = self._clock()
        packets = self._watch(3 * ANSWER_WITHIN_S, sequence)
        found = self._answers(packets, sequence)
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
        numbers = [answer.command_sequence for answer in self._answers(packets)]
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

    def _check_zeros(self) -> None:
        before = self._last_heartbeat()
        self._port.write(bytes(5))
        _, answer = self._ask(PacketType.IDENTIFY)
        self._watch(HEARTBEAT_WITHIN_S + TOLERANCE_S / 2 if TOLERANCE_S < 1.0 else 1.0)
        after = self._last_heartbeat()
        errors = 0 if before is None or after is None else after.host_errors - before.host_errors
        self._judge("P4", answer is not None and not errors, f"five 00 ahead of a command: {errors} errors")

    def _last_heartbeat(self) -> Heartbeat | None:
        for _, packet in reversed(self._seen):
            if packet.type == PacketType.HEARTBEAT:
                return self._unpacked("T2", Heartbeat.unpack, packet)
        return None

    def _unpacked(self, clause: str, unpack: Callable[[bytes], _Message], packet: Packet) -> _Message | None:
        """Return what a packet carries; a payload of another form breaks the clause, and is None."""
        try:
            return unpack(packet.payload)
        except ProtocolError as error:
            self._judge(clause, False, str(error))
            return None

    def _answers(self, packets: list[Packet], sequence: int | None = None) -> list[Answer]:
        said = (self._unpacked("C1", Answer.unpack, packet) for packet in _of(packets, PacketType.ANSWER))
        return [it for it in said if it is not None and sequence in (None, it.command_sequence)]

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
        able = Capability.PRESS in self._identity.capabilities
        sequence, command, packets, answer = self._begin_press(OBJECTS)
        if not able:
            self._expect("C8", "press without an actuator", answer, Status.MANUAL)
            self._untried("the rig has no actuator", "C9", "C10", "R2", "R6", "R7", "S2")
            return
        if self._object is None and answer is not None and answer.status is Status.BAD_ARGUMENT:
            refused = f"it refuses {', '.join(OBJECTS)}: name what it holds with --object"
            self._untried(refused, "C8", "C9", "C10", "R2", "R6", "R7", "S2")
            return
        self._expect("C8", f"press of {command.object_name}", answer, Status.OK)
        second = self._say(command)
        begun_s = self._clock()
        while not _of(packets, PacketType.PRESS_DONE) and self._clock() - begun_s < 5 * PRESS_US / 1e6:
            packets += self._watch(_LOOK_S)
        packets += self._watch(ANSWER_WITHIN_S)
        self._judge_press(packets, sequence, PRESS_US)
        refusals = self._answers(packets, second)
        if refusals and refusals[0].status is Status.OK:
            done_first = [p.type for p in packets if p.type in (PacketType.ANSWER, PacketType.PRESS_DONE)]
            overtaken = done_first[:2] == [PacketType.ANSWER, PacketType.PRESS_DONE]
            self._judge("C10", overtaken, "a press during a press was answered OK, must be BAD_ARGUMENT")
        else:
            self._expect(
                "C10", "a press during a press", refusals[0] if refusals else None, Status.BAD_ARGUMENT
            )

    def _begin_press(
        self, names: tuple[str, ...], press_us: int = PRESS_US
    ) -> tuple[int, PressCommand, list[Packet], Answer | None]:
        """Ask for a press of the first of these objects that the rig does not refuse."""
        identity = self._identity
        assert identity is not None, "asked for after who it is"
        x_um, y_um = identity.width_um // 2, identity.height_um // 2
        keyframes = tuple(
            WireKeyframe(t_us, x_um, y_um, 0, force, 1000, 0, 0)
            for t_us, force in ((0, 1000), (press_us, 1000), (press_us + 20_000, 0))
        )
        for name in names if self._object is None else (self._object,):
            sequence, command = self._sender.sequence, PressCommand(1, name, keyframes)
            packets, answer = self._ask(PacketType.PRESS, command.pack())
            if answer is None or answer.status is not Status.BAD_ARGUMENT:
                break
        return sequence, command, packets, answer

    def _check_several_streams(self) -> None:
        """Press several contacts with every kind streamed: R3 and R5 are tried, and the order of kinds."""
        if self._identity is None or Capability.PRESS not in self._identity.capabilities:
            return
        able, streams = self._identity.capabilities, Streams.CONTACTS
        streams |= Streams.HID_REPORTS if Capability.HID_REPORTS in able else Streams(0)
        streams |= Streams.RAW_FRAMES if Capability.RAW_FRAMES in able else Streams(0)
        self._ask(PacketType.STREAM, Stream(streams).pack())
        sequence, _, packets, answer = self._begin_press(SEVERAL, SHORT_PRESS_US)
        begun_s = self._clock()
        if answer is None or answer.status is not Status.OK:
            self._untried("no press of several contacts was made", "R7")
            return
        while not _of(packets, PacketType.PRESS_DONE) and self._clock() - begun_s < 5 * PRESS_US / 1e6:
            packets += self._watch(_LOOK_S)
        self._judge_press(packets, sequence, SHORT_PRESS_US, streams)
        if streams is Streams.CONTACTS:
            self._untried("the rig streams one kind alone", "R7")
        else:
            self._judge_kinds(packets, streams)
        self._ask(PacketType.RESET)

    def _judge_kinds(self, packets: list[Packet], streams: Streams) -> None:
        """Judge R7: of each scan the raw frame, then its HID reports, then its contacts, at one time."""
        order = [kind for kind, stream in _KINDS if stream in streams]
        scans: dict[int, list[int]] = {}
        for packet in packets:
            if packet.type in order:
                scans.setdefault(packet.t_us, []).append(order.index(PacketType(packet.type)))
        last = order.index(PacketType.CONTACTS)  # scans without touch may lack them
        wrong = sum(
            kinds != sorted(kinds) or (last in kinds and len(set(kinds)) < len(order))
            for kinds in scans.values()
        )
        names = ", ".join(kind.name for kind in order)
        self._judge("R7", not wrong, f"{wrong} of {len(scans)} times do not have {names} in this order")

    def _check_same_rig(self) -> None:
        for _, packet in self._seen:
            if packet.type == PacketType.IDENTITY and self._identity is not None:
                said = self._unpacked("R1", Identity.unpack, packet)
                self._judge("R1", said in (None, self._identity), "who it is changed while it was checked")

    def _judge_press(
        self, packets: list[Packet], sequence: int, press_us: int, streams: Streams = Streams.CONTACTS
    ) -> None:
        done = (
            self._unpacked("C8", PressDone.unpack, packet) for packet in _of(packets, PacketType.PRESS_DONE)
        )
        ends = [end for end in done if end is not None]
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
        if streams is Streams.CONTACTS:
            data = {PacketType(kind).name for kind in kinds[begin:end] if kind in _DATA}
            self._judge(
                "R6",
                data <= {"CONTACTS"},
                f"after a reset {sorted(data)} are streamed, must be contacts alone",
            )
        self._dropped += ends[0].dropped or 0
        self._judge_reports(packets[begin : end + 1], press_us)

    def _judge_reports(self, packets: list[Packet], press_us: int) -> None:
        """Judge R2: a report for each scan with a touch, and for that of the last lift, before press done."""
        assert self._identity is not None, "asked for after who it is"
        reader, checker = ContactReader(self._identity), ReportChecker(self._identity)
        for packet in _of(packets, PacketType.CONTACTS):
            report = self._unpacked("R3", partial(reader.report, packet.t_us), packet)
            if report is not None:
                checker.see(report)
        checker.press_done()
        counters = checker.counters
        missed = counters.missed_scans - self._dropped
        self._judge("R2", missed <= 0, f"{missed} scans without a report while something touched")
        self._judge("R2", not counters.unlifted, f"{counters.unlifted} contacts down when the press was done")

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
        beats_s = [at_s for at_s, packet in self._seen if packet.type == PacketType.HEARTBEAT]
        pauses_s = [later - earlier for earlier, later in itertools.pairwise(beats_s)]
        longest_s = max(pauses_s, default=float("inf"))
        self._judge(
            "T2",
            longest_s <= HEARTBEAT_WITHIN_S + TOLERANCE_S,
            f"{longest_s:.2f} s between two heartbeats, must be at most 0.5 s",
        )
        if counters.clock_jumps and longest_s > _JUMP_S:
            self._untried("the rig was silent for so long that its clock may have run on", "T1")
        else:
            self._judge(
                "T1", not counters.clock_jumps, f"the device clock jumped {counters.clock_jumps} times"
            )
        if self._dropped:
            self._judge(
                "S2", not gaps, f"{self._dropped} reports thrown away, {counters.lost} numbers missing"
            )
        else:
            self._untried("the rig threw no report away", "S2")

    def _check_contacts(self) -> None:
        if self._identity is None:
            self._untried("no identity", "R3", "R4", "R5")
            return
        reader, checker = ContactReader(self._identity), ReportChecker(self._identity)
        tried = False
        for _, packet in self._seen:
            if packet.type == PacketType.RAW_FRAME:
                self._unpacked("R7", partial(unpack_frame, packet.t_us), packet)
            if packet.type == PacketType.CONTACTS:
                report = self._unpacked("R3", partial(reader.report, packet.t_us), packet)
                if report is not None:
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


def _order(clause: str) -> tuple[int, int]:
    return "PSTRC".index(clause[0]), int(clause[1:])


def clauses() -> dict[str, str]:
    """Return what each clause of the protocol says, word for word as PROTOCOL.md has it."""
    text = Path(firmware_emulator.__file__).with_name("PROTOCOL.md").read_text(encoding="utf-8")
    found = re.findall(r"\*\*([PSTRC]\d+)\*\* (.*?)(?=\n\n|\n- \*\*|\Z)", text, re.DOTALL)
    return {clause: " ".join(said.split()) for clause, said in found}


def closing_line(findings: list[Finding]) -> str:
    """Return what the findings come to, in one sentence."""
    counted = Counter(finding.outcome for finding in findings)
    figures = ", ".join(f"{counted[outcome]} {outcome}" for outcome in Outcome)
    broken = [finding.clause for finding in findings if finding.outcome is Outcome.BROKEN]
    if broken:
        return f"{figures}: the rig breaks {', '.join(broken)}; --explain {broken[0]} says what is asked for"
    return f"{figures}: the rig keeps the protocol as far as it was tried"
