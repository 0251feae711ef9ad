"""A rig on a serial port, whatever is pressed on it: identity, commands, and finding it again."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from stampbench.bench.rig.hints import HEARD_BYTES, hint
from stampbench.bench.rig.port import READ_WAIT_S, SerialPort
from stampbench.bench.rig.ports import PortSearch
from stampbench.firmware_emulator.errors import (
    InputError,
    LinkError,
    NoHardwareError,
    ProtocolError,
    StampbenchError,
)
from stampbench.firmware_emulator.link.commands import Command, Configure, Identify, Reset, Streams
from stampbench.firmware_emulator.link.messages import Answer, ContactReader, Heartbeat, Identity, Status
from stampbench.firmware_emulator.link.packets import (
    PROTOCOL_VERSION,
    LinkCounters,
    Packet,
    PacketParser,
    PacketType,
    host_sender,
)

IDENTIFY_EVERY_S = 0.5
IDENTITY_AFTER_RETURN_S = 0.5
LOOK_EVERY_S = 0.1
ATTEMPTS = 3
ANSWER_WITHIN_S = 1.0
"""How long a rig may take to answer (C2 of PROTOCOL.md)."""
GRACE_S = 0.5
"""What the line and this machine may add to the times of the protocol."""
_LONGEST_READ_S = 2 * READ_WAIT_S
"""A read that took longer was no wait for the rig: this process, or the machine, stood still."""
_SETTLING_RESETS = 3
_BITS_PER_BYTE = 10  # with start and stop bit


class ManualPressError(StampbenchError):
    """The rig has no actuator: an operator must press, while :meth:`SerialRig.watch` reads what happens."""


class RigChangedError(StampbenchError):
    """Another rig answers on the port than the one that was opened there."""


class RigConnection:
    """A rig on a serial port; a ``with`` block opens the port and makes sure that a rig answers.

    Args:
        port: whatever pyserial opens: a device, ``socket://HOST:PORT``, ...
        baudrate: bits per second, where the port has any.
        identity_deadline_s: how long the rig may take to say who it is.
        silence_s: longest time without a whole packet; the link asks for a heartbeat every 0.5 s.
        clock, pause: tell and pass seconds; in real time unless a test says otherwise.

    Raises:
        NoHardwareError: there is no such port.
        InputError: the port is in use.
        ProtocolError: what is behind the port does not speak this protocol.
    """

    def __init__(
        self,
        port: str,
        *,
        baudrate: int = 115200,
        identity_deadline_s: float = 3.0,
        silence_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.port = port
        self.identity: Identity
        """Who the rig is; known once the block is entered."""
        self.heartbeat: Heartbeat | None = None
        """The last heartbeat received."""
        self.hid_descriptor: bytes | None = None
        """The rig's HID report descriptor; known once HID reports were asked for."""
        self.dropped = 0
        """Reports that the rig threw away unsent since its first heartbeat: they were read too slowly."""
        self.reconnects = 0
        """How often the rig was found again after its port had gone."""
        self._baudrate = baudrate
        self._identity_deadline_s = identity_deadline_s
        self._silence_s = silence_s
        self._clock = clock
        self._pause = pause
        self._parser = PacketParser()
        self._sender = host_sender()
        self._inbox: deque[Packet] = deque()
        self._streams = Streams.CONTACTS
        self._waited_s = 0.0
        self._heard = bytearray()
        self._serial: SerialPort
        self._contacts: ContactReader

    @property
    def counters(self) -> LinkCounters:
        """What the link did since the port was opened, up to now."""
        return self._parser.counters.copy()

    def __enter__(self) -> Self:
        self._serial = SerialPort(self.port, baudrate=self._baudrate, write_timeout_s=self._silence_s)
        try:
            self._handshake(self._identity_deadline_s)
            self.reset()
        except LinkError as error:
            self._serial.close()
            raise InputError(
                f"port {self.port} ended the connection at once, is it in use? ({error})"
            ) from None
        except BaseException:
            self._serial.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._serial.close()

    def reconnect(self, ports: Callable[[], Iterable[str]] = tuple, *, deadline_s: float = 30.0) -> None:
        """Find this rig again after a LinkError, by its serial number, and reset it; the counters run on.

        Args:
            ports: names further ports to try, beside the one it was on; asked again each time.
            deadline_s: how long to look.

        Raises:
            NoHardwareError: the rig did not come back.
        """
        self._serial.close()
        wanted = self.identity.serial_number
        until_s = self._clock() + deadline_s
        search = PortSearch()
        while self._clock() <= until_s:
            for port in search.order((self.port, *ports())):
                found = self._found(wanted, port, search)
                if found:
                    self.reconnects += 1
                    return
                if found is False:
                    break
            self._pause(LOOK_EVERY_S)
        raise NoHardwareError(
            f"rig {wanted!r}, last on {self.port}, did not come back within {deadline_s:g} s"
        )

    def _found(self, serial_number: str, port: str, search: PortSearch) -> bool | None:
        """Say whether that rig is on ``port``, and keep it open if so; None if it cannot be opened."""
        try:
            serial = SerialPort(port, baudrate=self._baudrate, write_timeout_s=self._silence_s)
        except StampbenchError:
            return None
        last_port, self.port, self._serial = self.port, port, serial
        self._parser.rejoin()
        self._inbox.clear()
        try:
            self._handshake(IDENTITY_AFTER_RETURN_S)
            if self.identity.serial_number == serial_number:
                self.reset()
                return True
        except StampbenchError:
            pass
        serial.close()
        self.port = last_port
        search.spoke_otherwise(port)
        return False

    def reset(self) -> None:
        """End a press under way, forget all touches, and stream contacts alone.

        Raises:
            LinkError: the rig does not answer.
        """
        self._demand(Reset())
        self._streams = Streams.CONTACTS

    def settle(self) -> None:
        """Exchange a few packets, so that what the line lost last shows in the counters.

        Raises:
            LinkError: the rig does not answer.
        """
        for _ in range(_SETTLING_RESETS):
            self.reset()

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the condition of a simulated panel, as plans write it.

        Raises:
            InputError: no such condition, or a rig whose panel is real.
            LinkError: the rig does not answer.
        """
        self._demand(Configure(json.dumps(condition)))

    def _demand(self, command: Command) -> None:
        """Make the rig carry out a command that may be repeated."""
        for _ in range(ATTEMPTS):
            _, answer = self._ask(command)
            if answer is not None:
                return self._check(answer, command)
        raise LinkError(
            f"rig on {self.port}: no answer to a {command.kind.name.lower()} command in {ATTEMPTS} attempts"
        )

    def _check(self, answer: Answer, command: Command) -> None:
        what = f"rig on {self.port}: {command.kind.name.lower()}"
        if answer.status is Status.MANUAL:
            raise ManualPressError(f"{what}: the rig has no actuator, an operator must press")
        if answer.status is not Status.OK:
            raise InputError(
                f"{what} refused as {answer.status.name.lower().replace('_', ' ')}: {answer.text}"
            )

    def _send(self, command: Command) -> int:
        """Send a command and return how many bytes it took."""
        # The 0x00 in front ends whatever a disturbed line left in the rig's receiver.
        wire = b"\0" + self._sender.encode(command.kind, 0, command.pack())
        self._serial.write(wire)
        return len(wire)

    def _ask(self, command: Command) -> tuple[int, Answer | None]:
        """Send a command; return its number, and its answer, None if one of the two was lost."""
        self._inbox.extend(self._parser.feed(self._serial.read_now()))
        while self._inbox:  # what lay unread was said before the question
            self._noted(self._inbox.popleft())
        sequence = self._sender.sequence
        on_its_way_s = self._send(command) * _BITS_PER_BYTE / self._baudrate
        until_s = self._waited_s + on_its_way_s + ANSWER_WITHIN_S + GRACE_S
        while self._inbox or self._waited_s <= until_s:
            packet = self._next_packet()
            if packet.type == PacketType.ANSWER:
                answer = Answer.unpack(packet.payload)
                if answer.command_sequence == sequence:
                    return sequence, answer
            elif packet.type == PacketType.HEARTBEAT:
                answer_lost = Heartbeat.unpack(packet.payload).last_command == sequence
                if answer_lost:
                    break
        return sequence, None

    def _next_packet(self) -> Packet:
        until_s = self._waited_s + self._silence_s
        while not self._inbox:
            self._read_more()
            if not self._inbox and self._waited_s > until_s:
                raise LinkError(
                    f"rig on {self.port}: silent for {self._silence_s:g} s; a heartbeat is due every 0.5 s"
                )
        return self._noted(self._inbox.popleft())

    def _read_more(self) -> None:
        """Take in what comes within a moment; only the wait for it counts, not what this process did else."""
        begun_s = self._clock()
        data = self._serial.read()
        if not self._parser.counters.packets:
            self._heard += data[: HEARD_BYTES - len(self._heard)]
        self._inbox.extend(self._parser.feed(data))
        self._waited_s += min(self._clock() - begun_s, _LONGEST_READ_S)

    def _noted(self, packet: Packet) -> Packet:
        """Return a packet of which has been kept what it says of the rig."""
        if packet.type == PacketType.HEARTBEAT:
            self._hear(Heartbeat.unpack(packet.payload))
        elif packet.type == PacketType.HID_DESCRIPTOR:
            self.hid_descriptor = packet.payload
        elif packet.type == PacketType.IDENTITY:
            check_same_rig(self.port, self.identity, Identity.unpack(packet.payload).as_told())
        return packet

    def _hear(self, heartbeat: Heartbeat) -> None:
        if self.heartbeat is not None:
            began_anew = heartbeat.scans < self.heartbeat.scans and heartbeat.dropped < self.heartbeat.dropped
            before = 0 if began_anew else self.heartbeat.dropped
            self.dropped += (heartbeat.dropped - before) % (1 << 32)
        self.heartbeat = heartbeat

    def _handshake(self, deadline_s: float) -> None:
        """Ask for the identity until it comes."""
        until_s, ask_at_s = self._waited_s + deadline_s, self._waited_s
        while self._waited_s <= until_s:
            if self._waited_s >= ask_at_s:
                self._send(Identify())
                ask_at_s = self._waited_s + IDENTIFY_EVERY_S
            self._read_more()
            while self._inbox:
                packet = self._inbox.popleft()
                if packet.type == PacketType.IDENTITY:
                    self._know(Identity.unpack(packet.payload).as_told())
                    return
        counters = self._parser.counters
        raise ProtocolError(
            f"port {self.port} speaks another protocol: no identity within {deadline_s:g} s, "
            f"{counters.bytes} bytes in which {counters.packets} packets of version {PROTOCOL_VERSION} and "
            f"{counters.unknown_version} of other versions were found"
            + (f"; {said}" if (said := hint(bytes(self._heard))) else "")
        )

    def _know(self, identity: Identity) -> None:
        self.identity = identity
        self._contacts = ContactReader(identity)


def check_same_rig(port: str, before: Identity, now: Identity) -> None:
    """Check that it is still the same rig that answers on a port.

    Raises:
        RigChangedError: it is another one, or it says otherwise of itself.
    """
    if now != before:
        was, says = dataclasses.asdict(before), dataclasses.asdict(now)
        changes = [f"{name} {was[name]}, now {says[name]}" for name in was if was[name] != says[name]]
        raise RigChangedError(
            f"rig on {port}: {before.profile} {before.serial_number!r} became {now.profile} "
            f"{now.serial_number!r} ({'; '.join(changes)}); expected one rig from beginning to end"
        )
