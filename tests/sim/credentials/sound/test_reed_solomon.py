from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound import reference
from stampbench.sim.credentials.sound.protocols import parity_bytes
from stampbench.sim.credentials.sound.reed_solomon import decode, encode


@pytest.mark.kernel
def test_published_word_of_the_code():
    # The QR code's 1-M block of "HELLO WORLD", same polynomial and first root: ISO/IEC 18004.
    message = bytes([32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17])
    parity = bytes([196, 35, 39, 119, 235, 215, 231, 226, 93, 23])
    assert encode(message, 10) == message + parity


@pytest.mark.kernel
@given(st.binary(min_size=1, max_size=40), st.integers(1, 12))
@settings(max_examples=20)
def test_encoding_equals_the_slow_twin(message, parity):
    word = encode(message, parity)
    assert word == reference.encode(message, parity)
    assert not any(reference.syndromes(word, parity))


@pytest.mark.kernel
@given(st.data())
@settings(max_examples=40)
def test_errors_and_erasures_within_the_bound_are_put_right(data):
    message = data.draw(st.binary(min_size=1, max_size=30))
    parity = parity_bytes(len(message))
    word = encode(message, parity)
    erasures = data.draw(st.integers(0, parity))
    errors = data.draw(st.integers(0, (parity - erasures) // 2))
    count = min(len(word), erasures + errors)
    places = data.draw(st.lists(st.integers(0, len(word) - 1), min_size=count, max_size=count, unique=True))
    received = bytearray(word)
    for place in places:
        received[place] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(received), parity, tuple(places[:erasures])) == message


@pytest.mark.kernel
def test_beyond_the_bound_it_finds_what_the_slow_twin_finds():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(8):
        received = rng.bytes(7)
        near = reference.within_bound(received, 4)
        assert decode(received, 4) == (next(iter(near))[:3] if near else None)
        erased = reference.within_bound(received, 4, (0, 5))
        answer = decode(received, 4, (0, 5))
        assert (answer is None) == (not erased)
        assert answer is None or answer in {word[:3] for word in erased}
        found += len(erased) > 0
    assert found < 8


def test_words_altered_beyond_the_bound_are_seldom_taken_for_others():
    rng, taken = np.random.default_rng(2), 0
    for _ in range(4000):
        message = rng.bytes(13)
        received = bytearray(encode(message, 4))
        for place in rng.choice(17, 3, replace=False):
            received[place] ^= int(rng.integers(1, 256))
        taken += decode(bytes(received), 4) not in (None, message)
    # A random word is within two bytes of one of the code with a chance of C(17, 2) * 255**2 / 256**4.
    assert 0 < taken / 4000 < 3 * 136 * 255**2 / 256**4


def test_arguments_outside_their_range_are_refused():
    with pytest.raises(InputError, match="expected 1 to 255 together"):
        encode(bytes(250), 6)
    with pytest.raises(InputError, match="expected 5 to 255 bytes"):
        decode(b"abcd", 4)
    with pytest.raises(InputError, match="places within 8 bytes"):
        decode(bytes(8), 4, (8,))
