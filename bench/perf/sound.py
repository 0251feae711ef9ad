"""Speed of the receiver of sound, and packets lost in white noise, beside ggwave in the same run."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.perf import Figure

if TYPE_CHECKING:
    from stampbench.sim.credentials.sound.protocols import Protocol

TRIALS: Final = 200
SNRS_DB: Final = (0, -8, -10, -12, -14, -16)
PAYLOAD_BYTES: Final = 8
PACKETS: Final = 20
ROUNDS: Final = 3
"""Each part is timed this often; the quickest round counts, the others were disturbed."""
_SILENCE_S: Final = 0.3


def measure(trials: int = TRIALS) -> dict[str, Figure]:
    """Return seconds of sound received per second of one core, and packet error rates.

    The real-time factor is that of the slowest of the three protocols, for a stream of packets with noise at
    0 dB and pauses. An error is a packet not read, or another payload read instead.

    Args:
        trials: packets for each protocol and each signal-to-noise ratio (white noise over 0 to 24 kHz).
    """
    from stampbench.sim.credentials.sound.protocols import PROTOCOLS, SAMPLE_RATE_HZ

    figures, speeds = {}, []
    for protocol in PROTOCOLS.values():
        stream = np.concatenate([samples for _, samples in _packets(protocol, 0.0, PACKETS, seed=1)])
        _received(stream[: SAMPLE_RATE_HZ * 4], protocol)  # compiles
        own_s = _quickest(partial(_received, stream, protocol))
        peer_s = None
        with _ggwave(protocol) as decode:
            if decode is not None:
                peer_s = _quickest(partial(decode, stream.astype(np.float32)))
        seconds = len(stream) / SAMPLE_RATE_HZ
        speeds.append((seconds / own_s, None if peer_s is None else seconds / peer_s))
    slowest = min(speeds, key=lambda speed: speed[0])
    figures["real_time_factor"] = Figure(slowest[0], "s/s", slowest[1], "ggwave" if slowest[1] else None)
    for protocol, speed in zip(PROTOCOLS.values(), speeds, strict=True):
        figures[f"{protocol.name}.real_time_factor"] = Figure(*_with_peer(speed, "s/s"))
    for protocol in PROTOCOLS.values():
        for snr_db in SNRS_DB:
            rates = _error_rates(protocol, float(snr_db), trials)
            figures[f"{protocol.name}.per_{snr_db}_db"] = Figure(*_with_peer(rates, f"of {trials}"))
    return figures


def _with_peer(values: tuple[float, float | None], unit: str) -> tuple[float, str, float | None, str | None]:
    return values[0], unit, values[1], None if values[1] is None else "ggwave"


def _packets(
    protocol: Protocol, snr_db: float, count: int, seed: int
) -> Iterator[tuple[bytes, npt.NDArray[np.float64]]]:
    """Yield payloads of ASCII, as ggwave's own examples, and what is heard of them."""
    from stampbench.sim.credentials.sound.channel import Channel
    from stampbench.sim.credentials.sound.transmitter import waveform

    rng, channel = np.random.default_rng([seed, protocol.ggwave_id]), Channel(snr_db=snr_db)
    for _ in range(count):
        payload = rng.integers(33, 127, PAYLOAD_BYTES).astype(np.uint8).tobytes()
        yield payload, channel.carry(waveform(payload, protocol), rng, _SILENCE_S)


def _error_rates(protocol: Protocol, snr_db: float, trials: int) -> tuple[float, float | None]:
    own = peer = 0
    with _ggwave(protocol) as decode:
        for payload, samples in _packets(protocol, snr_db, trials, seed=2):
            own += _received(samples, protocol) != [payload]
            if decode is not None:
                peer += decode(samples.astype(np.float32)) != payload
        return own / trials, None if decode is None else peer / trials


def _received(samples: npt.NDArray[np.float64], protocol: Protocol) -> list[bytes]:
    from stampbench.sim.credentials.sound.receiver import Receiver

    receiver = Receiver(protocol)
    return [packet.payload for packet in (*receiver.feed(samples), *receiver.finish())]


@contextmanager
def _ggwave(protocol: Protocol) -> Iterator[Callable[[npt.NDArray[np.float32]], bytes | None] | None]:
    """Return what decodes a block, by ggwave with this protocol alone; None where it is not installed."""
    try:
        peer: Any = importlib.import_module("ggwave")
    except ModuleNotFoundError:
        yield None
        return
    peer.disableLog()
    others = [number for number in range(12) if number != protocol.ggwave_id]
    for number in others:
        peer.rxToggleProtocol(number, 0)

    def decode(samples: npt.NDArray[np.float32]) -> bytes | None:
        instance = peer.init()
        try:
            return peer.decode(instance, samples.tobytes())
        finally:
            peer.free(instance)

    try:
        yield decode
    finally:
        for number in others:
            peer.rxToggleProtocol(number, 1)


def _quickest(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best
