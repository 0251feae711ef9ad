"""A real Bluetooth adapter that listens, where there is one (extra ``bluetooth``)."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stampbench.firmware_emulator.errors import NoHardwareError, ProtocolError
from stampbench.sim.credentials.ble.frames import Frame, parse_frame

_EDDYSTONE_UUID = "0000feaa-0000-1000-8000-00805f9b34fb"


@asynccontextmanager
async def listening() -> AsyncIterator[asyncio.Queue[tuple[Frame, int]]]:
    """Yield frames of stamps and beacons with their strength in dBm, as the adapter hears them.

    Raises:
        NoHardwareError: no adapter, no service that speaks to it, or no package ``bleak``.
    """
    try:
        bleak = importlib.import_module("bleak")
    except ModuleNotFoundError:
        raise NoHardwareError(
            "Bluetooth: the package bleak is not installed: expected pip install 'stampbench[bluetooth]'"
        ) from None
    heard: asyncio.Queue[tuple[Frame, int]] = asyncio.Queue()

    def report(_: Any, found: Any) -> None:
        frame = frame_of(found.service_data, found.manufacturer_data)
        if frame is not None:
            heard.put_nowait((frame, found.rssi))

    scanner = bleak.BleakScanner(report)
    try:
        await scanner.start()
    except (bleak.exc.BleakError, OSError) as error:
        raise NoHardwareError(f"Bluetooth: {error}: expected an adapter that is switched on") from None
    try:
        yield heard
    finally:
        await scanner.stop()


def frame_of(service_data: dict[str, bytes], manufacturer_data: dict[int, bytes]) -> Frame | None:
    """Return the frame in an advertisement that the operating system has taken apart already.

    A frame of ours of a wrong length is none: the air is full of others' mistakes.
    """
    parts = [(0x16, b"\xaa\xfe" + service_data[_EDDYSTONE_UUID])] if _EDDYSTONE_UUID in service_data else []
    parts += [(0xFF, company.to_bytes(2, "little") + body) for company, body in manufacturer_data.items()]
    for kind, body in parts:
        with contextlib.suppress(ProtocolError):
            frame = parse_frame(bytes([len(body) + 1, kind]) + body)
            if frame is not None:
                return frame
    return None
