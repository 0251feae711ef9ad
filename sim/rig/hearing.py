"""A rig in software that only hears: what stands on its glass is moved by somebody else, in real time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

from stampbench.firmware_emulator.link.messages import Capability, Status
from stampbench.firmware_emulator.link.packets import Packet, PacketType
from stampbench.sim.device import Device
from stampbench.sim.panel import PlacedObject
from stampbench.sim.rig.channels import Channel
from stampbench.sim.rig.virtual import VirtualRig

_LONGEST_WAIT_S = 0.05
_LATE_S = 0.1
_MOST_UNREAD = 1 << 18


class HearingRig(VirtualRig):
    """Scans by the clock and sends what it sees; it cannot press.

    Args:
        device: what is touched.
        channel: what the rig is reached through.
        standing: what stands on the glass now.
        clock: real seconds.
    """

    def __init__(
        self,
        device: Device,
        channel: Channel,
        standing: Callable[[], Sequence[PlacedObject]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(device, channel, clock)
        self._glass = device
        self._standing = standing
        device.identity = dataclasses.replace(
            device.identity,
            firmware_name="stampbench hearing rig",
            capabilities=device.identity.capabilities & ~Capability.PRESS,
        )

    def serve(self) -> None:
        """Serve until the channel is interrupted."""
        self._queue(PacketType.IDENTITY, self._device.identity.pack())
        self._channel.write_now(b"\0" + self._outbox)
        self._outbox.clear()
        interval_us = self._device.identity.frame_interval_us
        begun_s, scan, sequence = self._clock(), 0, self._sender.sequence
        while not self._channel.interrupted:
            wait_s = begun_s + scan * interval_us / 1e6 - self._clock()
            if wait_s > 0.0:
                if self._receive(min(wait_s, _LONGEST_WAIT_S)):
                    self._obey_waiting()
                    self._flush()
                continue
            if wait_s < -_LATE_S:  # this process stood still, and its device with it
                begun_s -= wait_s
            self._clock_us = scan * interval_us
            self._scan(*self._glass.scan(self._clock_us, self._standing()))
            if self._channel.write_now(bytes(self._outbox)):
                self._outbox.clear()
                sequence = self._sender.sequence
            elif len(self._outbox) > _MOST_UNREAD:
                self._outbox.clear()
                self._sender.sequence = sequence  # nobody reads: what was not sent never existed
            scan += 1

    def _obey(self, packet: Packet) -> tuple[Status | None, str]:
        if packet.type == PacketType.PRESS:
            return Status.UNSUPPORTED, "press: this rig has no actuator"
        return super()._obey(packet)
