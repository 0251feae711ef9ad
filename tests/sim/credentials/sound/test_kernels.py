from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.credentials.sound import reference
from stampbench.sim.credentials.sound.demodulation import (
    SKEWS_PPM,
    chunk_energies,
    length_likeness,
    marker_likeness,
    rotors,
    sharpness,
    to_shares,
)
from stampbench.sim.credentials.sound.protocols import PROTOCOLS, chunks_of, nibbles_of
from stampbench.sim.credentials.sound.soft_decision import best_word, read_payload

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def hops():
    rng = np.random.default_rng(3)
    return rng.standard_normal((70, 96)) + 1j * rng.standard_normal((70, 96))


@pytest.mark.parametrize("end", [False, True])
def test_marker_likeness_equals_the_slow_twin(hops, end):
    found = marker_likeness(hops, 1, 5, end)
    assert found == pytest.approx([reference.marker_likeness(hops, n, end=end) for n in range(1, 5)])


def test_energies_equal_the_slow_twin(hops):
    rotor = rotors(PROTOCOLS["fastest"])[3]
    gains = np.linspace(0.5, 1.5, 96)
    shares = chunk_energies(hops, 2, 3, rotor, gains)
    to_shares(shares)
    assert shares == pytest.approx(reference.chunk_shares(hops, 2, 3, rotor, gains))


def test_lengths_and_sharpness_equal_the_slow_twin(hops):
    rotor, gains = rotors(PROTOCOLS["fastest"]), np.ones(96)
    words = np.concatenate([nibbles_of(chunks_of(bytes(n))[:1]) for n in (1, 5, 9)])
    likeness, numbers = length_likeness(hops, 3, 5, rotor, gains, words)
    sharp = sharpness(hops, 3, 5, 2, rotor, gains)
    for n in range(2):
        for skew in range(len(SKEWS_PPM)):
            shares = reference.chunk_shares(hops, 3 + n, 2, rotor[skew], gains)
            fits = [float(np.mean(shares[0, np.arange(6), word])) for word in words]
            assert likeness[n, skew] == pytest.approx(max(fits))
            assert numbers[n, skew] == int(np.argmax(fits))
            assert sharp[n, skew] == pytest.approx(shares.max(axis=2).mean())


def noisy_shares(word, ratio, rng):
    tones = rng.standard_normal((len(word), 2, 16)) + 1j * rng.standard_normal((len(word), 2, 16))
    for n, byte in enumerate(word):
        tones[n, 0, byte & 15] += np.sqrt(2 * ratio)
        tones[n, 1, byte >> 4] += np.sqrt(2 * ratio)
    energies = np.abs(tones) ** 2
    return energies / energies.sum(axis=2, keepdims=True)


def test_soft_decision_finds_at_least_what_the_bound_allows():
    rng, right, within = np.random.default_rng(4), 0, 0
    for _ in range(8):
        word = reference.encode(rng.bytes(4), 4)
        shares = noisy_shares(word, 6.0, rng)
        hard = bytes(int(a.argmax()) | int(b.argmax()) << 4 for a, b in shares)
        near = reference.within_bound(hard, 4)
        found = np.zeros(8, np.uint8)
        share = best_word(shares, 4, found)
        assert share == pytest.approx(reference.share_of(shares, found.tobytes()))
        assert not any(reference.syndromes(found.tolist(), 4))
        assert all(reference.share_of(shares, other) <= share + 1e-12 for other in near)
        right += found.tobytes() == word
        within += word in near
    assert within < right >= 6


def test_payload_that_needs_silent_tones_is_not_read():
    rng = np.random.default_rng(5)
    word = bytearray(reference.encode(b"stamp", 4))
    word[0] ^= 0x11
    word[3] ^= 0x22
    word[6] ^= 0x33
    word[8] ^= 0x44
    assert read_payload(noisy_shares(bytes(word), 1000.0, rng), 5) is None
