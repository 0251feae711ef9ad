from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.credentials.sound.channel import Channel
from stampbench.sim.credentials.sound.protocols import PROTOCOLS, chunks_of, marker_bins, nibbles_of
from stampbench.sim.credentials.sound.receiver import Receiver
from stampbench.sim.credentials.sound.spectra import BandSpectra, spectrogram
from stampbench.sim.credentials.sound.transmitter import waveform

PAYLOAD = bytes(range(100, 113))


@pytest.fixture(params=PROTOCOLS.values(), ids=PROTOCOLS)
def protocol(request):
    return request.param


def received(samples, protocol, **arguments):
    receiver = Receiver(protocol, **arguments)
    return [*receiver.feed(samples), *receiver.finish()]


def payloads(samples, protocol):
    return [packet.payload for packet in received(samples, protocol)]


@pytest.mark.kernel
def test_spectra_of_a_steady_tone_are_all_the_same():
    tone = np.sin(2 * np.pi * np.arange(6000) * (320 + 37) / 1024 + 0.3)
    spectra = BandSpectra().feed(tone)
    assert spectra.shape == (16, 96)
    expected = np.fft.rfft(tone[:1024])[320:416]
    assert np.abs(spectra - expected).max() < 1e-6
    assert np.abs(expected).argmax() == 37


def test_any_start_within_a_frame_is_found(protocol):
    packet = waveform(PAYLOAD, protocol)
    for shift in range(0, 1024, 93):
        found = received(np.pad(packet, (3000 + shift, 500)), protocol)
        assert [one.payload for one in found] == [PAYLOAD]
        assert found[0].start_s == pytest.approx((3000 + shift) / 48_000, abs=0.006)


@pytest.mark.parametrize("skew_ppm", [-150.0, -40.0, 150.0])
def test_skewed_clocks_and_noise_are_no_hindrance(protocol, skew_ppm):
    rng = np.random.default_rng(7)
    samples = Channel(snr_db=-10.0, skew_ppm=skew_ppm).carry(waveform(PAYLOAD, protocol), rng)
    found = received(samples, protocol)
    assert [one.payload for one in found] == [PAYLOAD]
    if protocol.name == "normal":
        assert found[0].skew_ppm == pytest.approx(skew_ppm, abs=76.0)


def test_hardly_a_packet_is_lost_at_minus_12_db(protocol):
    rng = np.random.default_rng(8)
    channel = Channel(snr_db=-12.0)
    assert all(
        payloads(channel.carry(waveform(PAYLOAD, protocol), rng), protocol) == [PAYLOAD] for _ in range(8)
    )


def test_it_hears_across_a_shop():
    rng = np.random.default_rng(9)
    channel = Channel(
        distance_m=1.0,
        snr_db=15.0,
        noise="shop",
        reverberation_s=0.35,
        direct_db=3.0,
        responses=True,
        skew_ppm=50.0,
    )
    for name in ("normal", "fast"):
        protocol = PROTOCOLS[name]
        assert payloads(channel.carry(waveform(PAYLOAD, protocol), rng), protocol) == [PAYLOAD]


def test_a_whistle_in_the_band_is_no_hindrance(protocol):
    packet = waveform(PAYLOAD, protocol).astype(float)
    samples = np.pad(packet, 6000)
    # As loud as all tones together, in a bin that the start marker leaves free.
    samples += np.sqrt(2 * np.mean(packet**2)) * np.sin(
        2 * np.pi * (320 + 50) / 1024 * np.arange(len(samples))
    )
    assert payloads(samples, protocol) == [PAYLOAD]


def test_blocks_of_any_size_give_the_same_packets(protocol):
    rng = np.random.default_rng(10)
    channel = Channel(snr_db=-8.0, reverberation_s=0.3)
    samples = np.concatenate([channel.carry(waveform(rng.bytes(n), protocol), rng) for n in (2, 13, 30)])
    whole = received(samples, protocol)
    assert [len(packet.payload) for packet in whole] == [2, 13, 30]
    for size in (480, 1024, 12_345):
        receiver = Receiver(protocol)
        found = [
            packet for n in range(0, len(samples), size) for packet in receiver.feed(samples[n : n + size])
        ]
        assert [*found, *receiver.finish()] == whole


def test_a_packet_is_given_out_when_its_end_is_there():
    protocol = PROTOCOLS["fast"]
    packet = waveform(PAYLOAD, protocol)
    receiver = Receiver(protocol)
    assert receiver.feed(packet) == []
    assert [found.payload for found in receiver.feed(np.zeros(4 * 4096))] == [PAYLOAD]


def test_long_streams_keep_no_more_than_they_need():
    protocol = PROTOCOLS["fastest"]
    receiver, rng = Receiver(protocol, 13), np.random.default_rng(11)
    found = []
    for n in range(12):
        samples = np.pad(waveform(bytes([n]) * 13, protocol), (0, 80_000))
        found += receiver.feed(samples + 1e-4 * rng.standard_normal(len(samples)))
    assert [packet.payload[0] for packet in found] == list(range(12))
    assert len(receiver._hops) < 3000


def test_noise_silence_and_other_protocols_are_not_packets():
    rng = np.random.default_rng(12)
    for name, protocol in PROTOCOLS.items():
        assert received(rng.standard_normal(48_000 * 8), protocol) == []
        assert received(np.zeros(48_000), protocol) == []
        assert received(np.zeros(10), protocol) == []
        other = next(one for one in PROTOCOLS.values() if one.name != name)
        assert payloads(np.pad(waveform(PAYLOAD, other), 9000), protocol) != [PAYLOAD]


def test_packet_without_its_end_is_not_received(protocol):
    packet = waveform(PAYLOAD, protocol)
    assert received(packet[: -16 * 1024 - 2048], protocol) == []


def test_spectrogram_shows_markers_and_tones():
    picture = spectrogram(waveform(PAYLOAD, PROTOCOLS["normal"]))
    assert picture.shape == (16 + 7 * 9 + 16, 96)
    assert picture.max() == 0.0
    first, second = marker_bins(end=False), marker_bins(end=True)
    assert picture[8][first].min() > picture[8][second].max() + 3.0
    assert picture[-8][second].min() > picture[-8][first].max() + 3.0
    chunk = picture[16 + 2 * 9 + 4].reshape(6, 16)
    assert (chunk.argmax(axis=1) == nibbles_of(chunks_of(PAYLOAD))[2]).all()
    assert (spectrogram(np.zeros(2048)) == -120.0).all()
    assert spectrogram(np.zeros(10)).shape == (0, 96)
