"""Serial hardware of others, which streams unasked in a format of its own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stampbench.bench.rig.connection import LOOK_EVERY_S
from stampbench.bench.rig.port import SerialPort
from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.frame_contacts import controller_for
from stampbench.bench.sources.live import RETURN_WITHIN_S, LiveSource
from stampbench.bench.sources.port_formats import STREAM_FORMATS, Recogniser, counts
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError, ProtocolError
from stampbench.firmware_emulator.formats import WireFormat
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.firmware_emulator.controller import Controller

_MOST_BYTES_UNRECOGNISED = 1 << 20


class Ear:
    """Hears what a port sends and when; what was heard to recognise it can be heard again."""

    def __init__(self, port: SerialPort, now_us: Callable[[], int]) -> None:
        self.port = port
        self.reconnects = 0
        self._now_us = now_us
        self._kept: deque[tuple[bytes, int]] = deque()

    def recognise(self, wait_s: float, nodes: tuple[int, int]) -> WireFormat:
        """Return what the port speaks."""
        recogniser, received, t_us = Recogniser(nodes), 0, 0
        while t_us <= wait_s * 1e6 and received < _MOST_BYTES_UNRECOGNISED:
            data, t_us = self.port.read(), self._now_us()
            self._kept.append((data, t_us))
            received += len(data)
            wire_format = recogniser.feed(data, t_us)
            if wire_format is not None:
                return wire_format
        formats = ", ".join(WireFormat)
        if not received:
            raise ProtocolError(
                f"port {self.port.name}: nothing came within {wait_s:g} s; touch the panel, or name the "
                f"format, of {formats}"
            )
        raise ProtocolError(
            f"port {self.port.name}: {received} bytes of no known format ({formats}); are --baud and, for "
            f"raw frames, --nodes {nodes[0]}x{nodes[1]} right?"
        )

    def hear(self) -> tuple[bytes, int]:
        """Return the next bytes and when they came; none if nothing came for a while.

        Raises:
            NoHardwareError: the port went away and did not come back.
        """
        if self._kept:
            return self._kept.popleft()
        try:
            return self.port.read(), self._now_us()
        except LinkError:
            self._await_return()
            return b"", self._now_us()

    def _await_return(self) -> None:
        gone_us = self._now_us()
        while self._now_us() - gone_us < RETURN_WITHIN_S * 1e6:
            try:
                self.port.reopen()
            except (NoHardwareError, InputError):
                time.sleep(LOOK_EVERY_S)
            else:
                self.reconnects += 1
                return
        raise NoHardwareError(f"port {self.port.name} did not come back within {RETURN_WITHIN_S:g} s")


class Stream:
    """Reads hardware that streams unasked, each report timed when its bytes arrive."""

    def __init__(
        self,
        ear: Ear,
        wire_format: WireFormat,
        size_mm: tuple[float, float] | None,
        nodes: tuple[int, int],
    ) -> None:
        self._ear = ear
        self._wire_format = wire_format
        stream_format = STREAM_FORMATS[wire_format]
        self._parser = stream_format.parser(*nodes)
        x_max = y_max = stream_format.coordinate_max
        self._controller: Controller | None = None
        if stream_format.raw_frames and size_mm is not None:
            self._controller = controller_for(*size_mm, *nodes)
            x_max, y_max = self._controller.geometry.x_max, self._controller.geometry.y_max
        least = None if x_max is None else 0
        self._header = CaptureHeader(
            device=f"{wire_format} on {ear.port.name}",
            x_min=least,
            x_max=x_max,
            y_min=least,
            y_max=y_max,
        )

    def source(self) -> LiveSource:
        """Return the device."""
        doubt = STREAM_FORMATS[self._wire_format].doubt
        notes = (doubt,) if doubt else ()
        return LiveSource(self._wire_format, self._header, self._items(), self._counters, notes=notes)

    def _counters(self) -> dict[str, int]:
        return counts(self._parser) | {"reconnects": self._ear.reconnects}

    def _items(self) -> Iterator[TouchReport | Frame | None]:
        while True:
            data, t_us = self._ear.hear()
            for item in self._parser.feed(data, t_us):
                yield item
                if self._controller is not None and isinstance(item, Frame):
                    yield self._controller.process(item)
            yield None
