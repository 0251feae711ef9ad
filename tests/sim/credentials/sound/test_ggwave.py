from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound.protocols import PROTOCOLS, chunks_of, protocol_named
from stampbench.sim.credentials.sound.receiver import Receiver
from stampbench.sim.credentials.sound.transmitter import waveform

ggwave = pytest.importorskip("ggwave", reason="the peer is not installed")
LENGTHS = (1, 3, 4, 8, 13, 29, 140)


@pytest.fixture(params=PROTOCOLS.values(), ids=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def decode(protocol):
    """The peer's receiver, with this protocol alone."""
    ggwave.disableLog()
    others = [number for number in range(12) if number != protocol.ggwave_id]
    for number in others:
        ggwave.rxToggleProtocol(number, 0)
    instance = ggwave.init()
    yield lambda samples: ggwave.decode(instance, samples.astype(np.float32).tobytes())
    ggwave.free(instance)
    for number in others:
        ggwave.rxToggleProtocol(number, 1)


def ascii_payload(length):
    return np.random.default_rng(length).integers(33, 127, length).astype(np.uint8).tobytes()


@pytest.mark.parametrize("length", LENGTHS)
def test_waveforms_are_the_peers(protocol, length):
    payload = ascii_payload(length)
    theirs = np.frombuffer(ggwave.encode(payload, protocolId=protocol.ggwave_id, volume=10), np.float32)
    ours = waveform(payload, protocol)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 2e-4
    assert protocol.duration_s(length) == len(theirs) / 48_000


@pytest.mark.parametrize("length", LENGTHS)
def test_peer_hears_us(protocol, decode, length):
    payload = ascii_payload(length)
    pause = np.zeros(9000)
    assert decode(np.concatenate([pause, waveform(payload, protocol), pause])) == payload


@pytest.mark.parametrize("length", LENGTHS)
def test_we_hear_the_peer(protocol, length):
    payload = ascii_payload(length)
    theirs = np.frombuffer(ggwave.encode(payload, protocolId=protocol.ggwave_id, volume=25), np.float32)
    receiver = Receiver(protocol)
    heard = [*receiver.feed(np.concatenate([np.zeros(7001), theirs])), *receiver.finish()]
    assert [packet.payload for packet in heard] == [payload]
    assert heard[0].start_s == pytest.approx(7001 / 48_000, abs=0.02)
    assert heard[0].end_s - heard[0].start_s == pytest.approx(protocol.duration_s(length))


def test_fewer_packets_are_lost_than_by_the_peer(protocol, decode):
    rng, lost = np.random.default_rng(6), np.zeros(2, int)
    for _ in range(6):
        payload = rng.integers(33, 127, 8).astype(np.uint8).tobytes()
        packet = waveform(payload, protocol).astype(float)
        samples = np.pad(packet, (rng.integers(4000, 9000), 9000))
        samples += rng.standard_normal(len(samples)) * np.sqrt(np.mean(packet**2) * 10**1.4)
        receiver = Receiver(protocol)
        lost += (
            [found.payload for found in (*receiver.feed(samples), *receiver.finish())] != [payload],
            decode(samples) != payload,
        )
    assert lost[0] == 0
    assert lost[1] >= 4


def test_arguments_outside_their_range_are_refused():
    with pytest.raises(InputError, match="expected 1 to 140 bytes"):
        chunks_of(b"")
    with pytest.raises(InputError, match="expected 1 to 140 bytes"):
        chunks_of(bytes(141))
    with pytest.raises(InputError, match="expected one of normal, fast, fastest"):
        protocol_named("slow")
    with pytest.raises(InputError, match="expected more than 0"):
        waveform(b"x", PROTOCOLS["fast"], 0.0)
    with pytest.raises(InputError, match="expected 1 to 140 bytes"):
        Receiver(PROTOCOLS["fast"], 141)
