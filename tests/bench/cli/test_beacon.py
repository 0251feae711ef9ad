from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from stampbench.sim.credentials.ble.frames import Eid, OtpStamp, structures

EDDYSTONE = "0000feaa-0000-1000-8000-00805f9b34fb"
EID, OTP = Eid(b"EID_test", -29), OtpStamp(b"stamp_01", "00012345")


class Scanner:
    """Stands in for bleak's; hears two frames as soon as it starts."""

    frames: tuple[tuple[dict, dict], ...] = (
        ({EDDYSTONE: dict(structures(EID.encoded))[0x16][2:]}, {}),
        ({}, {0xFFFF: dict(structures(OTP.encoded))[0xFF][2:]}),
    )

    def __init__(self, report):
        self.report = report

    async def start(self):
        for service_data, manufacturer_data in self.frames:
            found = SimpleNamespace(service_data=service_data, manufacturer_data=manufacturer_data, rssi=-60)
            self.report(None, found)

    async def stop(self):
        pass


@pytest.fixture
def bleak(monkeypatch):
    error = type("BleakError", (Exception,), {})
    monkeypatch.setitem(
        sys.modules, "bleak", SimpleNamespace(BleakScanner=Scanner, exc=SimpleNamespace(BleakError=error))
    )


def test_listen_prints_a_line_a_frame_and_no_password(bleak, stampbench):
    ended = stampbench("beacon", "listen", "--seconds", "0.05", "--json")
    assert ended.status == 0
    assert [json.loads(line) for line in ended.out.splitlines()] == [
        {"strength_dbm": -60, "frame": "eid", "identifier": "4549445f74657374", "tx_power_dbm": -29},
        {"strength_dbm": -60, "frame": "otpstamp", "stamp": "7374616d705f3031"},
    ]


def test_listen_that_hears_nothing_ends_with_5(bleak, stampbench, monkeypatch):
    monkeypatch.setattr(Scanner, "frames", ())
    ended = stampbench("beacon", "listen", "--seconds", "0.01")
    assert (ended.status, ended.out, ended.err) == (5, "", "no stamp or beacon within 0.01 s\n")


def test_listen_without_an_adapter_ends_with_77(stampbench, monkeypatch):
    monkeypatch.setitem(sys.modules, "bleak", None)
    ended = stampbench("beacon", "listen")
    assert ended.status == 77
    assert "pip install 'stampbench[bluetooth]'" in ended.err
