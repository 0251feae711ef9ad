"""A rig in software whose line and whose controller have faults."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.link.faults import CommandFaults, Faults, Injected, ReportFaults, WireFaults
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import RigDevice
from stampbench.sim.panel import Condition
from stampbench.sim.press import Press
from stampbench.sim.rig.channels import Channel


class FaultyDevice:
    """A device that reports what is not there, and keeps back what is."""

    def __init__(self, device: RigDevice, faults: ReportFaults) -> None:
        self._device = device
        self._faults = faults

    @property
    def identity(self) -> Identity:
        """Who the rig is."""
        return self._device.identity

    @property
    def digitizer(self) -> HidDigitizer | None:
        """The HID device it also speaks as."""
        return self._device.digitizer

    def configure(self, condition: Condition) -> None:
        """Set what acts on the panel."""
        self._device.configure(condition)

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield the scans of one press that are reported at all."""
        for frame, report in self._device.press(press, seed):
            spoiled = self._faults.spoil(report, self.identity.x_max, self.identity.y_max)
            if spoiled is not None:
                yield frame, spoiled


class FaultyChannel:
    """A channel that damages, loses, repeats and delays packets, and comes unplugged."""

    def __init__(
        self, channel: Channel, faults: WireFaults, commands: CommandFaults, unplug_after: int | None = None
    ) -> None:
        self._channel = channel
        self._faults = faults
        self._commands = commands
        self._left = unplug_after
        self.port = channel.port

    def read(self, timeout_s: float) -> bytes:
        """Return what the faults left of what has arrived; see ``Channel``."""
        return self._commands.hear(self._channel.read(timeout_s))

    def write(self, data: bytes) -> bool:
        """Send whole packets, or what the faults leave of them; see ``Channel``."""
        wire = bytearray()
        for piece in data.split(b"\0")[:-1]:
            stall_s, carried = self._faults.carry(piece + b"\0") if piece else (0.0, b"\0")
            if stall_s:
                if not self._send(bytes(wire)):
                    return False
                wire.clear()
                self._channel.pause(stall_s)
            wire += carried
        return self._send(bytes(wire))

    def _send(self, wire: bytes) -> bool:
        if self._left is None:
            return self._channel.write(wire)
        sent = self._channel.write(wire[: self._left])
        self._left -= len(wire)
        if self._left <= 0:
            self._faults.injected.unplug += not self._channel.interrupted
            self._channel.interrupt()
            return False
        return sent

    def write_now(self, data: bytes) -> bool:
        """Send whole packets if the channel takes anything now; see ``Channel``."""
        return self._channel.write_now(b"") and self.write(data)

    def pause(self, seconds: float) -> None:
        """Let time pass, unless interrupted."""
        self._channel.pause(seconds)

    def interrupt(self) -> None:
        """Make any wait return at once, now and from now on."""
        self._channel.interrupt()

    @property
    def interrupted(self) -> bool:
        """True once the channel was interrupted, or came unplugged."""
        return self._channel.interrupted

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class RigFaults:
    """What befalls one rig, through all its lives: a rig that is served anew goes on drawing and counting.

    Args:
        faults: what, and how often.
        seed: from which they are drawn.

    Attributes:
        injected: what was done so far.
    """

    def __init__(self, faults: Faults, seed: int = 0) -> None:
        self.injected = Injected()
        self._faults = faults
        seeds = np.random.SeedSequence(seed).spawn(3)
        report_rng, self._wire_rng, command_rng = (np.random.default_rng(part) for part in seeds)
        self._reports = ReportFaults(faults, report_rng, self.injected)
        self._commands = CommandFaults(faults, command_rng, self.injected)
        self._wire = self._new_wire()

    @property
    def active(self) -> bool:
        """Whether faults befall the line, both ways. While a reader joins or leaves they should not.

        What is lost before a reader's first packet, or after its last, can be missed by nobody.
        """
        return self._wire.active

    @active.setter
    def active(self, active: bool) -> None:
        self._wire.active = self._commands.active = active

    def befall(self, device: RigDevice, channel: Channel) -> tuple[FaultyDevice, FaultyChannel]:
        """Return the device and the channel of the rig's next life, with these faults."""
        active, self._wire = self._wire.active, self._new_wire()
        self._wire.active = active
        return (
            FaultyDevice(device, self._reports),
            FaultyChannel(channel, self._wire, self._commands, self._faults.unplug_after),
        )

    def _new_wire(self) -> WireFaults:
        return WireFaults(self._faults, self._wire_rng, self.injected)
