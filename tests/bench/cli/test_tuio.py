from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.stamps import load_family

CODE = 4321
SCANS = 20


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "stamp.capture"
    pads = load_family("p5-60k").pads(CODE) + np.array([40.0, 50.0])
    header = CaptureHeader(x_min=0, x_max=1000, y_min=0, y_max=1000, width_mm=100, height_mm=100)
    with CaptureWriter(path, header) as writer:
        for scan in range(SCANS):
            contacts = tuple(
                Contact(n, True, round(x * 10), round(y * 10), float(x), float(y))
                for n, (x, y) in enumerate(pads)
            )
            writer.report(TouchReport(scan * 1000, contacts if scan < SCANS - 1 else ()))
    return path


@pytest.fixture
def listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        yield listening


def test_stamp_in_a_recording_reaches_the_listener_as_an_object(stampbench, capture, listener) -> None:
    host, port = listener.getsockname()
    ended = stampbench("tuio", capture, "--to", f"{host}:{port}", "--family", "p5-60k", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out) == {"scans": SCANS, "datagrams": 2 * SCANS + 2, "codes": [CODE]}
    datagrams = [listener.recv(65536) for _ in range(2 * SCANS)]
    objects = [datagram for datagram in datagrams if b"/tuio/2Dobj" in datagram and b"set" in datagram]
    assert objects
    assert all(CODE.to_bytes(4, "big") in datagram for datagram in objects)


def test_version_2_sends_one_datagram_for_a_scan(stampbench, capture, listener) -> None:
    host, port = listener.getsockname()
    ended = stampbench("tuio", capture, "--to", f"{host}:{port}", "--protocol", "2.0", "--speed", "2")
    assert ended.status == 0, ended.err
    assert all(b"/tuio2/frm" in listener.recv(65536) for _ in range(SCANS))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected a recording, or --source"),
        (["FILE", "--sigma-mm", "0.2"], "--sigma-mm is about reading stamps"),
        (["FILE", "--to", "nowhere"], "--to nowhere: expected HOST:PORT"),
        (["FILE", "--to", "127.0.0.1:70000"], "--to 127.0.0.1:70000"),
        (["FILE", "--speed", "0"], "expected a number above 0"),
    ],
)
def test_wrong_arguments_are_told(stampbench, capture, arguments, said) -> None:
    ended = stampbench("tuio", *(capture if argument == "FILE" else argument for argument in arguments))
    assert ended.status == 4
    assert said in ended.err
