"""A rig in software whose line and whose controller have faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from firmware_emulator.commands import PressCommand
from firmware_emulator.faults import CommandFaults, Faults, Injected, ReportFaults, WireFaults
from firmware_emulator.hid_digitizer import HidDigitizer
from firmware_emulator.messages import Identity
from firmware_emulator.touch import Frame, TouchReport
from sim.rig.channels import Channel
from sim.rig.panels import PressedPanel


class FaultyPanel:
    """A panel whose controller reports what is not there, and keeps back what is."""

    def __init__(self, panel: PressedPanel, faults: ReportFaults) -> None:
        self._panel = panel
        self._faults = faults

    @property
    def identity(self) -> Identity:
        """Who the rig is."""
        return self._panel.identity

    @property
    def digitizer(self) -> HidDigitizer | None:
        """The HID device it also speaks as."""
        return self._panel.digitizer

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the panel's condition; see :class:`sim.rig.panels.PressedPanel`."""
        self._panel.configure(condition)

    def press(self, command: PressCommand) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield the scans of one press that are reported at all."""
        for frame, report in self._panel.press(command):
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
        """Return what the faults left of what has arrived; see :class:`sim.rig.channels.Channel`."""
        return self._commands.hear(self._channel.read(timeout_s))

    def write(self, data: bytes) -> bool:
        """Send whole packets, or what the faults leave of them; see :class:`sim.rig.channels.Channel`."""
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
            self._faults.injected.unplug = 1
            self._channel.interrupt()
            return False
        return sent

    def write_now(self, data: bytes) -> bool:
        """Send whole packets if the channel takes anything now; see :class:`sim.rig.channels.Channel`."""
        return self._channel.write_now(b"") and self.write(data)

    def calm(self) -> None:
        """Let no further fault befall the line."""
        self._faults.calm()

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


def faulty(
    panel: PressedPanel, channel: Channel, faults: Faults, seed: int
) -> tuple[FaultyPanel, FaultyChannel, Injected]:
    """Return a panel and a channel with faults drawn from ``seed``, and where they are counted."""
    injected = Injected()
    seeds = np.random.SeedSequence(seed).spawn(3)
    report_rng, wire_rng, command_rng = (np.random.default_rng(part) for part in seeds)
    return (
        FaultyPanel(panel, ReportFaults(faults, report_rng, injected)),
        FaultyChannel(
            channel,
            WireFaults(faults, wire_rng, injected),
            CommandFaults(faults, command_rng, injected),
            faults.unplug_after,
        ),
        injected,
    )
