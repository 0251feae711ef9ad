"""Opens devices that are read while they are used: rigs, serial hardware of others, event devices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from stampbench.bench.rig.port import SerialPort
from stampbench.bench.rig.ports import serial_ports
from stampbench.bench.rig.serial_rig import SerialRig
from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.frames import as_frames
from stampbench.bench.sources.live import RETURN_WITHIN_S, Clock, LiveSource, interrupts, until
from stampbench.bench.sources.port_formats import BAUDRATES, MUCA_NODES
from stampbench.bench.sources.recording import Recording
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.bench.sources.serial_streams import Ear, Stream
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.formats import WireFormat
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.sim.decoder import Decoder

BAUDRATE = 115_200


@contextmanager
def open_device(
    name: str,
    *,
    wire_format: WireFormat | None = None,
    baudrate: int | None = None,
    given: GivenRuler = UNTOLD,
    frames: bool = False,
    wait_s: float = 30.0,
    clock: Clock = time.monotonic,
) -> Iterator[LiveSource]:
    """Open a device; what a serial port speaks is recognised by what it sends.

    Args:
        name: a serial port, whatever pyserial opens; or a Linux event device, ``/dev/input/event*``;
            ``adb`` or ``adb:SERIAL``, an Android phone's own digitizer; or ``phone``, whose page then says
            where it is served.
        wire_format: what it speaks; None to find out, for which contacts need to be made on hardware that
            sends nothing else.
        baudrate: None for that of the format, or 115200.
        given: what the user says of its coordinates; raw frames become contacts by a size.
        frames: ask a rig on the link for raw frames, too.
        wait_s: how long to wait for what shows the format.
        clock: seconds, by which reports are timed where the device has no clock.

    Raises:
        NoHardwareError: there is no such device.
        InputError: it is in use, or cannot do what is asked.
        ProtocolError: it speaks no known format.
        LinkError: the device died and did not come back.
    """
    if name.startswith("phone"):
        from stampbench.bench.phone.line import open_phone

        with open_phone(name) as source:
            yield given.live(source)
        return
    if name.partition(":")[0] == "adb":
        from stampbench.bench.sources.adb import open_adb

        with open_adb(name) as source:
            yield given.live(source)
        return
    if name.startswith("/dev/input/"):
        from stampbench.bench.sources.evdev_live import open_event_device

        with open_event_device(name) as source:
            yield given.live(source)
        return
    if wire_format is not WireFormat.LINK:
        begun_s = clock()
        stream_baudrate = baudrate or BAUDRATES.get(wire_format or WireFormat.LINK, BAUDRATE)
        with closing(SerialPort(name, baudrate=stream_baudrate)) as port:
            ear = Ear(port, lambda: round((clock() - begun_s) * 1e6))
            wire_format = wire_format or ear.recognise(wait_s, given.nodes or MUCA_NODES)
            if wire_format is not WireFormat.LINK:
                yield given.live(Stream(ear, wire_format, given.size_mm, given.nodes or MUCA_NODES).source())
                return
    with SerialRig(name, baudrate=baudrate or BAUDRATE) as rig:
        yield given.live(_link_source(rig, frames))


@contextmanager
def device_recording(
    name: str,
    *,
    seconds: float | None = None,
    given: GivenRuler = UNTOLD,
    frame_decoder: Decoder | None = None,
    idle: Callable[[], None] = lambda: None,
) -> Iterator[Recording]:
    """Open a device as if it were a recording that ends after some seconds, or with Ctrl-C.

    Where nothing comes for a while, ``idle`` is called. With ``frame_decoder``, the contacts are the pads of
    its stamps on the raw frames that the device sends.

    Raises:
        StampbenchError: as :func:`open_device`; reading reports raises InputError on raw frames alone.
    """
    with (
        open_device(name, given=given, frames=frame_decoder is not None) as source,
        interrupts() as stopped,
    ):
        header = source.header

        def frames() -> Iterator[Frame]:
            for item in until(source.items, seconds, stopped):
                if isinstance(item, Frame):
                    yield item

        def reports() -> Iterator[TouchReport]:
            for item in until(source.items, seconds, stopped, idle=idle):
                if isinstance(item, TouchReport):
                    yield item
                elif given.size_mm is None:
                    raise InputError(f"{header.device} sends raw frames alone; --size-mm makes them contacts")
            seen = ", ".join(
                f"{count} {name.replace('_', ' ')}" for name, count in source.counters().items() if count
            )
            recording.notes.append(f"received: {seen or 'nothing'}")

        recording = header.recording(source.format)
        recording.reports = reports()
        recording.cancel_limit = source.cancel_limit
        recording.notes += source.notes
        yield recording if frame_decoder is None else as_frames(recording, frames(), frame_decoder)


def _link_source(rig: SerialRig, frames: bool) -> LiveSource:
    identity = rig.identity

    def items() -> Iterator[TouchReport | Frame | None]:
        while True:
            try:
                yield from rig.stream(frames=frames)
            except LinkError:
                rig.reconnect(lambda: [found.port for found in serial_ports()], deadline_s=RETURN_WITHIN_S)

    return LiveSource(
        WireFormat.LINK,
        CaptureHeader(
            device=f"{identity.profile} {identity.serial_number}",
            x_min=0,
            x_max=identity.x_max,
            y_min=0,
            y_max=identity.y_max,
            width_mm=identity.width_um / 1000,
            height_mm=identity.height_um / 1000,
            ruler="the rig",
        ),
        items(),
        lambda: rig.counters.to_mapping() | {"reconnects": rig.reconnects, "dropped": rig.dropped},
        cancel_limit=identity.cancel_limit,
    )
