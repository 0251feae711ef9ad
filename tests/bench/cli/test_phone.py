"""The command in a process of its own, pressed by a page of a few lines."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from stampbench.sim.stamps import load_family

connecting = pytest.importorskip("websockets.sync.client")

HELLO = {
    "page": "a1", "width": 412, "height": 915, "ratio": 2.6, "touches": 10, "agent": "Test (X; Pixel 7)",
    "coalesced": True, "platform": "Android", "brand": "", "t": 0.0,
}  # fmt: skip


def test_presses_are_lines_of_json_and_reports_are_kept_in_a_capture(tmp_path):
    capture = tmp_path / "phone.capture"
    program = "from stampbench.bench.cli.main import main; main()"
    options = ["phone", "--json", "--presses", "1", "-o", str(capture)]
    command = [sys.executable, "-c", program, *options]
    pads = load_family("p5-60k").pads(20406) * 6.0 + np.array([200.0, 400.0])
    five = [[n, x, y, 10.0, 0.5] for n, (x, y) in enumerate(pads.tolist())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = json.loads(process.stdout.readline())["url"]
        base, _, token = url.partition("/?token=")
        address = f"{base.replace('http', 'ws')}/socket?token={token}"
        with connecting.connect(address, origin=base) as socket:
            socket.send(json.dumps({"hello": HELLO}))
            reports = [[n, 8.0 * n, "down" if n == 1 else "move", five] for n in range(1, 31)]
            socket.send(json.dumps({"reports": [*reports, [31, 250.0, "up", []]]}))
            press = json.loads(process.stdout.readline())
        assert process.wait(20) == 0
    assert base.startswith("http://127.0.0.1:")
    assert (press["press"], press["verdict"], press["code"]) == (1, "read", 20406)
    assert (press["reports"], press["lost"], press["cancelled"]) == (31, 0, False)
    low, high = press["px_per_mm_interval"]
    assert low < press["px_per_mm"] < high
    assert press["px_per_mm"] == pytest.approx(6.0, abs=0.1)
    kept = [json.loads(line) for line in capture.read_text().splitlines()]
    assert kept[0]["device"] == "Pixel 7 412x915"
    assert len(kept) == 32
    first = kept[1]["contacts"][0]
    np.testing.assert_allclose([first["x"], first["y"]], 1000.0 * pads[0], atol=0.51)
