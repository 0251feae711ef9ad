"""Speed of phones: from a report on the page's socket to its acknowledgement, and to a reading."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
from stampbench.bench.perf import Figure

REPORTS = 20_000
REPORTS_A_MESSAGE = 100
PRESSES = 60
RATE_HZ = 120
_FAMILY = "p5-60k"
_PX_PER_MM = 6.0
_HELLO = {
    "page": "perf",
    "width": 412,
    "height": 915,
    "ratio": 2.625,
    "touches": 10,
    "agent": "perf (stampbench)",
    "coalesced": True,
    "platform": "",
    "brand": "",
    "t": 0.0,
}


def measure() -> dict[str, Figure]:
    """Return the figures of phones, over a socket on the loopback interface.

    ``reports_per_s``: reports of five contacts from a page to their acknowledgement, a hundred in a message.
    ``latency_p50_ms``, ``latency_p99_ms``: from the report that makes a press of p5-60k readable, sent with
    the others at 120 Hz, to its reading back on the page; the phone's scale is found on the way.
    """
    rate, latencies_ms = asyncio.run(_measure())
    return {
        "reports_per_s": Figure(rate, "reports/s"),
        "latency_p50_ms": Figure(float(np.percentile(latencies_ms, 50)), "ms"),
        "latency_p99_ms": Figure(float(np.percentile(latencies_ms, 99)), "ms"),
    }


async def _measure() -> tuple[float, list[float]]:
    from stampbench.bench.phone.serving import PhoneServer
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.decoder.scale import PhoneScale
    from stampbench.sim.stamps import load_family
    from websockets.asyncio.client import connect

    family = load_family(_FAMILY)
    decoder = Decoder(family, sigma_mm=0.2)
    PhoneScale(decoder).add(family.pads(1) * _PX_PER_MM)  # kernels are compiled
    server = PhoneServer(lambda: PhoneScale(decoder), decoder.pads_per_stamp)
    async with server.serving("127.0.0.1") as url:
        base, _, token = url.partition("/?token=")
        address = f"{base.replace('http', 'ws')}/socket?token={token}"
        async with connect(address, origin=base) as socket:  # type: ignore[arg-type]
            await socket.send(json.dumps({"hello": _HELLO}))
            number, latencies_ms = 0, []
            rng = np.random.default_rng(1)
            for _ in range(PRESSES):
                points = family.pads(int(rng.integers(family.size))) * _PX_PER_MM + 200.0
                number, latency_s = await _press(socket, points, number, rng)
                latencies_ms.append(1000.0 * latency_s)
            return await _rate(socket, number), latencies_ms


async def _press(socket: Any, points: Any, number: int, rng: np.random.Generator) -> tuple[int, float]:
    """Make one press and return the number of its last report, and how long its first reading took, s."""
    from stampbench.bench.phone.presses import EARLY_REPORTS

    sent_s = 0.0
    for _ in range(EARLY_REPORTS):
        await asyncio.sleep(1.0 / RATE_HZ)
        number += 1
        places = (points + rng.normal(0.0, 0.3, points.shape)).tolist()
        said = [[n, *place, 9.0, 0.5] for n, place in enumerate(places)]
        sent_s = time.perf_counter()
        await socket.send(json.dumps({"reports": [[number, 1000.0 * sent_s, "move", said]]}))
    await _until(socket, "verdict")
    latency_s = time.perf_counter() - sent_s
    number += 1
    await socket.send(json.dumps({"reports": [[number, 1000.0 * time.perf_counter(), "up", []]]}))
    await _until(socket, "verdict")
    return number, latency_s


async def _rate(socket: Any, number: int) -> float:
    """Return how many reports a second are taken in and acknowledged."""
    said = [[n, 50.0 + 40.0 * n, 100.0 + 9.0 * n, 9.0, 0.5] for n in range(4)]
    messages = []
    for _ in range(REPORTS // REPORTS_A_MESSAGE):
        some = [[number + 1 + i, 8.0 * i, "move", said] for i in range(REPORTS_A_MESSAGE)]
        number += REPORTS_A_MESSAGE
        messages.append(json.dumps({"reports": some}))
    begun_s = time.perf_counter()
    for message in messages:
        await socket.send(message)
    while (await _until(socket, "ack"))["ack"] < number:
        pass
    return REPORTS / (time.perf_counter() - begun_s)


async def _until(socket: Any, key: str) -> dict[str, Any]:
    """Return the next message that has a key."""
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20.0))
        if key in message:
            return message
