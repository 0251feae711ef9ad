"""The reader of a rig on a serial port: presses, and what the link lost of each (PROTOCOL.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from stampbench.bench.rig.connection import ATTEMPTS, ManualPressError, RigConnection
from stampbench.bench.rig.report_checks import ReportChecker, ReportCounters
from stampbench.firmware_emulator.errors import LinkError, StampbenchError
from stampbench.firmware_emulator.link.commands import Identify, PressCommand, Stream, Streams
from stampbench.firmware_emulator.link.messages import Heartbeat, Identity, PressDone, unpack_frame
from stampbench.firmware_emulator.link.packets import LinkCounters, PacketType
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.press import Press

__all__ = ["ManualPressError", "SerialRig"]

END_GRACE_S = 5.0
"""How much longer than asked for a press may take, by the clock and by its scans; beyond, it is endless."""
LONGEST_TOUCH_US = 60_000_000
"""Device time that a press by hand may take; beyond, it is endless."""
IDENTIFY_EVERY_PRESSES = 20
"""So often a rig is asked whether it is still the same."""


class SerialRig(RigConnection):
    """A rig that presses, or is pressed by hand; see :class:`RigConnection` for how it is opened.

    Attributes:
        press_counters: what the link did during the last press.
        press_reports: what was odd about the reports of the last press; no fault of the link.
        press_whole: True if every report of the last press arrived, and the rig threw none away; one that is
            not whole says nothing of the stamp.
    """

    press_counters = LinkCounters()
    press_reports = ReportCounters()
    press_whole = True
    _presses = _restarts = 0

    def press(
        self,
        press: Press,
        seed: int,
        *,
        on_frame: Callable[[Frame], None] | None = None,
        on_hid: Callable[[int, bytes], None] | None = None,
    ) -> Iterator[TouchReport]:
        """Let the rig press, and yield its reports as they arrive, with unwrapped device time.

        When the iteration is over, ``press_counters`` and ``press_whole`` say what the link did to this
        press; leaving it early ends the press.

        Args:
            press: what to press, and how.
            seed: 0 to 2^64 - 1; from which a simulated rig draws its noise.
            on_frame: called with every raw frame of the press, ahead of its report; None leaves them unsent.
            on_hid: called with device time and bytes of every HID report, ahead of the touch report that says
                the same; ``hid_descriptor`` tells how to read them. None leaves them unsent.

        Raises:
            ManualPressError: the rig cannot press by itself.
            InputError: the rig knows no such object.
            LinkError: the link died, or the rig fell silent.
        """
        if self.heartbeat is None:
            self._await_heartbeat()  # what was dropped before is not of this press
        before, dropped = self.counters, self.dropped
        command = press.command(seed)
        streams = Streams.CONTACTS
        streams |= Streams.RAW_FRAMES if on_frame is not None else Streams(0)
        streams |= Streams.HID_REPORTS if on_hid is not None else Streams(0)
        sequence = self._start_press(command, streams)
        self.press_whole = False
        checker = self._new_checker()
        reports = 0
        allowed_s = press.duration_us / 1e6 + END_GRACE_S
        until_s = self._waited_s + allowed_s
        most_reports = 1e6 * allowed_s / max(1, self.identity.frame_interval_us)
        try:
            while True:
                packet = self._next_packet()
                if self._waited_s > until_s or reports > most_reports:
                    raise LinkError(
                        f"rig on {self.port}: a press of {press.duration_us / 1e6:g} s did not end within "
                        f"{allowed_s:g} s"
                    )
                if packet.type == PacketType.CONTACTS:
                    reports += 1
                    report = self._contacts.report(packet.t_us, packet.payload)
                    checker.see(report)
                    yield report
                elif packet.type == PacketType.RAW_FRAME and on_frame is not None:
                    on_frame(unpack_frame(packet.t_us, packet.payload))
                elif packet.type == PacketType.HID_REPORT and on_hid is not None:
                    on_hid(packet.t_us, packet.payload)
                elif packet.type == PacketType.PRESS_DONE:
                    done = PressDone.unpack(packet.payload)
                    if done.command_sequence == sequence:
                        if done.dropped is None:
                            self._await_heartbeat()
                        self.press_counters = self.counters - before
                        self.press_reports.dropped = done.dropped or self.dropped - dropped
                        self.press_whole = (
                            done.reports == reports
                            and not done.aborted
                            and self.press_counters.lossless
                            and not self.press_reports.breaches
                        )
                        return
                elif packet.type == PacketType.HEARTBEAT and not Heartbeat.unpack(packet.payload).pressing:
                    # The rig is through, so the packet that says so was lost.
                    self.press_counters = self.counters - before
                    return
        except GeneratorExit:
            if self._serial.is_open:
                self.reset()
                self.press_counters = self.counters - before
            raise

    def watch(
        self,
        *,
        first_contact_s: float,
        quiet_us: int,
        meanwhile: Callable[[], None] = lambda: None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> Iterator[TouchReport]:
        """Yield reports while somebody presses by hand, until nothing has touched for a while.

        Args:
            first_contact_s: how long the operator may take to the first contact.
            quiet_us: device time without contact after which the press is over.
            meanwhile: called at each packet, heartbeats too; what it raises ends the press.
            on_frame: as for :meth:`press`.

        Raises:
            LinkError: nobody pressed in time or lifted, the link died, or the rig fell silent.
        """
        self._demand_streams(Streams.CONTACTS | (Streams(0) if on_frame is None else Streams.RAW_FRAMES))
        before = self.counters
        self.press_whole = False
        deadline_s = self._clock() + first_contact_s
        checker = self._new_checker()
        touched_us: int | None = None
        landed_us = 0
        while True:
            meanwhile()
            packet = self._next_packet()
            if packet.type == PacketType.CONTACTS:
                report = self._contacts.report(packet.t_us, packet.payload)
                checker.see(report)
                if report.down:
                    landed_us = report.t_us if touched_us is None else landed_us
                    touched_us = report.t_us
                    if touched_us - landed_us > LONGEST_TOUCH_US:
                        raise LinkError(
                            f"rig on {self.port}: something has touched for {LONGEST_TOUCH_US / 1e6:g} s: "
                            "expected the stamp to be lifted, or does the rig not report its lift?"
                        )
                yield report
            elif packet.type == PacketType.RAW_FRAME and on_frame is not None:
                on_frame(unpack_frame(packet.t_us, packet.payload))
            if touched_us is None:
                if self._clock() > deadline_s:
                    raise LinkError(f"rig on {self.port}: nobody pressed within {first_contact_s:g} s")
            elif packet.t_us - touched_us > quiet_us:
                self.press_counters = self.counters - before
                self.press_whole = self.press_counters.lossless and not self.press_reports.breaches
                return

    def stream(self, *, frames: bool = False) -> Iterator[TouchReport | Frame | None]:
        """Yield what the rig sends, whoever presses, without end; None at each heartbeat.

        Args:
            frames: let the rig send raw frames, too; each comes ahead of its report.

        Raises:
            InputError: the rig sends no raw frames.
            LinkError: the link died, or the rig fell silent.
        """
        self._demand_streams(Streams.CONTACTS | (Streams.RAW_FRAMES if frames else Streams(0)))
        while True:
            packet = self._next_packet()
            if packet.type == PacketType.CONTACTS:
                yield self._contacts.report(packet.t_us, packet.payload)
            elif packet.type == PacketType.RAW_FRAME:
                yield unpack_frame(packet.t_us, packet.payload)
            elif packet.type == PacketType.HEARTBEAT:
                yield None

    def _demand_streams(self, streams: Streams) -> None:
        if streams != self._streams:
            self._demand(Stream(streams))
            self._streams = streams

    def _await_heartbeat(self) -> None:
        """Wait for the next heartbeat, which comes within half a second."""
        while self._next_packet().type != PacketType.HEARTBEAT:
            pass

    def _new_checker(self) -> ReportChecker:
        checker = ReportChecker(self.identity)
        self.press_reports = checker.counters
        return checker

    def _start_press(self, command: PressCommand, streams: Streams) -> int:
        """Make the rig begin a press and return the sequence number of the command it began with."""
        if self._presses % IDENTIFY_EVERY_PRESSES == 0 or self.counters.restarts != self._restarts:
            self._restarts = self.counters.restarts
            self._demand(Identify())
        self._presses += 1
        for _ in range(ATTEMPTS):
            self._demand_streams(streams)
            sequence, answer = self._ask(command)
            if answer is not None:
                self._check(answer, command)
                return sequence
            self.reset()
        raise LinkError(f"rig on {self.port}: no answer to a press command in {ATTEMPTS} attempts")


def rigs(ports: Iterable[str], *, identity_deadline_s: float = 1.5) -> Iterator[tuple[str, Identity]]:
    """Yield those of the ports behind which a rig says who it is.

    A port that is in use, or that speaks another protocol, is passed over. What is behind a port receives a
    few bytes of this protocol.
    """
    for port in ports:
        try:
            with SerialRig(port, identity_deadline_s=identity_deadline_s) as rig:
                yield port, rig.identity
        except StampbenchError:
            continue
