"""A serial-attached rig in software: a panel and its firmware behind a byte channel, on its own device clock.

The rig does nothing but answer: it runs as fast as its reports are read, its clock advances by the scans it
makes, and real time decides nothing but when an idle rig shows that it is alive.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from stampbench.firmware_emulator.errors import InputError, LinkError, ProtocolError
from stampbench.firmware_emulator.link import commands
from stampbench.firmware_emulator.link.messages import (
    NO_COMMAND,
    Answer,
    Heartbeat,
    PressDone,
    Status,
    pack_contacts,
    pack_frame,
)
from stampbench.firmware_emulator.link.packets import Packet, PacketParser, PacketSender, PacketType
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import Device, RigDevice
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, load_profile
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.rig.channels import Channel, Listen, open_channel
from stampbench.sim.rig.faulty import RigFaults

HEARTBEAT_US = 400_000
"""Device time between heartbeats while scanning; the link asks for 500 ms at most."""

_IDLE_HEARTBEAT_S = 0.4
_BATCH_BYTES = 2048
_MOST_WAITING = 64
_WARM_UP = ("finger", "random-stamp/0")


class VirtualRig:
    """Serves the link protocol on a channel: answers commands, presses, streams scans (PROTOCOL.md).

    Args:
        device: what it presses on.
        channel: what it is reached through.
        clock: real seconds, by which a rig that does not press sends its heartbeat.
    """

    def __init__(
        self, device: RigDevice, channel: Channel, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._device = device
        self._channel = channel
        self._clock = clock
        self._sender = PacketSender()
        self._parser = PacketParser()
        self._outbox = bytearray()
        self._waiting: deque[Packet] = deque()
        self._streams = commands.Streams.CONTACTS
        self._clock_us = 0
        self._heartbeat_due_us = HEARTBEAT_US
        self._scans = 0
        self._reports = 0
        self._last_command = NO_COMMAND
        self._pressing = False
        self._aborted = False

    def serve(self) -> None:
        """Serve until the channel is interrupted."""
        self._queue(PacketType.IDENTITY, self._device.identity.pack())
        self._channel.write_now(b"\0" + self._outbox)
        self._outbox.clear()
        due_s = self._clock() + _IDLE_HEARTBEAT_S
        while not self._channel.interrupted:
            idle_s = due_s - self._clock()
            if idle_s <= 0:
                self._idle_heartbeat()
                due_s = self._clock() + _IDLE_HEARTBEAT_S
            elif self._receive(idle_s):
                self._obey_waiting()
                self._flush()

    def _receive(self, timeout_s: float) -> bool:
        """Take in what the host says; False if it said nothing for ``timeout_s``."""
        if len(self._waiting) >= _MOST_WAITING:
            return True
        data = self._channel.read(timeout_s)
        self._waiting.extend(self._parser.feed(data))
        return bool(data)

    def _obey_waiting(self) -> None:
        while self._waiting and not self._channel.interrupted:
            packet = self._waiting.popleft()
            try:
                status, text = self._obey(packet)
            except InputError as error:
                status, text = Status.BAD_ARGUMENT, str(error)
            if status is not None:
                self._answer(packet, status, text)

    def _answer(self, packet: Packet, status: Status, text: str = "") -> None:
        self._last_command = packet.sequence
        self._queue(PacketType.ANSWER, Answer(packet.sequence, packet.type, status, text).pack())

    def _obey(self, packet: Packet) -> tuple[Status | None, str]:
        """Carry out one command and return how it is answered; None if that has been done."""
        match commands.unpack_command(packet.type, packet.payload):
            case commands.Identify():
                self._queue(PacketType.IDENTITY, self._device.identity.pack())
                self._queue(PacketType.HEARTBEAT, self._heartbeat().pack())
            case commands.Reset():
                self._aborted = self._pressing
                self._streams = commands.Streams.CONTACTS
            case commands.Stream(streams):
                if commands.Streams.HID_REPORTS in streams:
                    if self._device.digitizer is None:
                        return Status.UNSUPPORTED, "stream: this rig sends no HID reports"
                    self._queue(PacketType.HID_DESCRIPTOR, self._device.digitizer.descriptor())
                self._streams = streams
            case commands.Configure() | commands.PressCommand() if self._pressing:
                return Status.BAD_ARGUMENT, "a press is under way; wait for its end or reset"
            case commands.Configure(json_text):
                self._configure(json_text)
            case commands.PressCommand() as command:
                self._press(packet, command)
                return None, ""
            case None:
                return Status.UNSUPPORTED, f"packet type 0x{packet.type:02x} is no command this rig knows"
        return Status.OK, ""

    def _configure(self, json_text: str) -> None:
        try:
            condition = json.loads(json_text)
        except ValueError as error:
            raise ProtocolError(f"configure: {json_text[:40]!r} is not JSON: {error}") from None
        if not isinstance(condition, dict):
            raise ProtocolError(f"configure: {json_text[:40]!r} must be a JSON object")
        self._device.configure(Condition.from_mapping(condition))

    def _press(self, packet: Packet, command: commands.PressCommand) -> None:
        scans = self._device.press(Press.of_command(command), command.seed)
        first = next(scans)  # an object that does not exist shows here, before the press is promised
        self._answer(packet, Status.OK)
        self._pressing, self._aborted = True, False
        reports_before = self._reports
        start_us = self._clock_us + self._device.identity.frame_interval_us - first[0].t_us
        for frame, report in itertools.chain([first], scans):
            self._clock_us = start_us + frame.t_us
            self._scan(frame, report)
            if len(self._outbox) >= _BATCH_BYTES and not self._flush():
                self._aborted = True
            self._receive(0.0)
            self._obey_waiting()
            if self._aborted or self._channel.interrupted:
                break
        self._pressing = False
        done = PressDone(packet.sequence, self._aborted, self._reports - reports_before, dropped=0)
        self._queue(PacketType.PRESS_DONE, done.pack())

    def _scan(self, frame: Frame, report: TouchReport) -> None:
        self._scans += 1
        if commands.Streams.RAW_FRAMES in self._streams:
            self._queue(PacketType.RAW_FRAME, pack_frame(frame))
        if commands.Streams.HID_REPORTS in self._streams and self._device.digitizer is not None:
            for packet in self._device.digitizer.encode(report):
                self._queue(PacketType.HID_REPORT, packet)
        if commands.Streams.CONTACTS in self._streams:
            self._reports += 1
            self._queue(PacketType.CONTACTS, pack_contacts(report))
        if self._clock_us >= self._heartbeat_due_us:
            self._queue(PacketType.HEARTBEAT, self._heartbeat().pack())
            self._heartbeat_due_us = self._clock_us + HEARTBEAT_US

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            self._scans,
            self._reports,
            dropped=0,
            host_errors=self._parser.counters.damaged,
            last_command=self._last_command,
            pressing=self._pressing,
        )

    def _idle_heartbeat(self) -> None:
        """Show that the rig is alive, unless nobody reads: then the packet never existed."""
        sequence = self._sender.sequence
        packet = self._sender.encode(PacketType.HEARTBEAT, self._clock_us, self._heartbeat().pack())
        if not self._channel.write_now(packet):
            self._sender.sequence = sequence

    def _queue(self, kind: PacketType, payload: bytes) -> None:
        self._outbox += self._sender.encode(kind, self._clock_us, payload)

    def _flush(self) -> bool:
        """Send what is queued; False if the host went away."""
        sent = self._channel.write(bytes(self._outbox))
        self._outbox.clear()
        return sent


@contextmanager
def served(device: RigDevice, channel: Channel) -> Iterator[str]:
    """Serve ``device`` in a thread of this process while the block runs; yields the port to open.

    Raises:
        LinkError: the rig died; raised when the block ends, from whatever killed it.
    """
    port = channel.port
    rig = VirtualRig(device, channel)

    def serve() -> None:
        with closing(channel):
            rig.serve()

    with ThreadPoolExecutor(1, thread_name_prefix="virtual-rig") as executor:
        served_until = executor.submit(serve)
        try:
            yield port
        finally:
            channel.interrupt()
            if error := served_until.exception():
                raise LinkError(f"the virtual rig on {port} died: {type(error).__name__}: {error}") from error


def warmed_up(device: Device) -> Device:
    """Return a device whose kernels are compiled: once on a link, no press may keep it from its heartbeat."""
    for name in _WARM_UP:
        keyframes = (
            Keyframe(0, Hold(30.0, 40.0, force=0.0, tilt_x_rad=0.001)),
            Keyframe(50_000, Hold(30.0, 40.0, grip=0.5)),
        )
        deque(device.press(Press(name, keyframes), 0), maxlen=0)
    return device


@contextmanager
def virtual_rig(
    profile_name: str,
    *,
    listen: Listen | str = Listen.AUTO,
    tcp_port: int = 0,
    serial_number: str = "virtual",
    faults: RigFaults | None = None,
) -> Iterator[str]:
    """Serve the virtual rig of a device profile while the block runs; yields the port to open.

    Args:
        profile_name: name of a profile, or path of a profile file.
        listen: see :class:`Listen`.
        tcp_port: TCP port to listen on; 0 lets the system choose.
        serial_number: by which rigs are told apart.
        faults: what befalls its reports and its line; None for nothing.

    Raises:
        InputError: there is no such profile, or the channel cannot be had.
        LinkError: the rig died; raised when the block ends.
    """
    device: RigDevice = warmed_up(Device(load_profile(profile_name), serial_number=serial_number))
    channel: Channel = open_channel(listen, tcp_port)
    if faults is not None:
        device, channel = faults.befall(device, channel)
    with served(device, channel) as port:
        yield port
