from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from uuid import UUID

import pytest
from stampbench.firmware_emulator.errors import NoHardwareError
from stampbench.sim.credentials.ble.adapter import frame_of, listening
from stampbench.sim.credentials.ble.frames import Eid, IBeacon, structures

EDDYSTONE = "0000feaa-0000-1000-8000-00805f9b34fb"


def test_frames_are_found_in_what_an_operating_system_says():
    eid = Eid(b"EID_test", -29)
    body = dict(structures(eid.encoded))[0x16]
    assert frame_of({EDDYSTONE: body[2:]}, {}) == eid
    beacon = IBeacon(UUID(int=7), 1, 2)
    body = dict(structures(beacon.encoded))[0xFF]
    assert frame_of({}, {0x004C: body[2:]}) == beacon
    assert frame_of({"something": b"else"}, {0x0006: b"\x01"}) is None


class BleakError(Exception):
    pass


class Scanner:
    """Stands in for bleak's; hears one frame as soon as it starts."""

    works = True

    def __init__(self, report):
        self.report, self.stopped = report, False

    async def start(self):
        if not self.works:
            raise BleakError("no adapter")
        body = dict(structures(Eid(b"EID_test").encoded))[0x16]
        self.report(None, SimpleNamespace(service_data={EDDYSTONE: body[2:]}, manufacturer_data={}, rssi=-60))
        self.report(None, SimpleNamespace(service_data={EDDYSTONE: b"\x30"}, manufacturer_data={}, rssi=-60))

    async def stop(self):
        self.stopped = True


@pytest.fixture
def bleak(monkeypatch):
    module = SimpleNamespace(BleakScanner=Scanner, exc=SimpleNamespace(BleakError=BleakError))
    monkeypatch.setitem(sys.modules, "bleak", module)


async def first_heard():
    async with listening() as heard:
        return await heard.get(), heard.qsize()


def test_adapter_hears_frames_with_their_strength(bleak):
    assert asyncio.run(first_heard()) == ((Eid(b"EID_test"), -60), 0)


def test_missing_adapter_is_missing_hardware(bleak, monkeypatch):
    monkeypatch.setattr(Scanner, "works", False)
    with pytest.raises(NoHardwareError, match="expected an adapter that is switched on"):
        asyncio.run(first_heard())


def test_missing_package_is_missing_hardware(monkeypatch):
    monkeypatch.setitem(sys.modules, "bleak", None)
    with pytest.raises(NoHardwareError, match="bleak is not installed"):
        asyncio.run(first_heard())
