"""Reed-Solomon code over GF(256), polynomial 0x11d, first root alpha**0, shortened: errors and erasures.

The receiver tries dozens of words for each packet, so this is compiled: well-kept packages take about 0.2 ms
for a word, or bring a compiler of their own.
Method: Berlekamp-Massey started with the erasures, Chien, Forney; R. E. Blahut, "Algebraic Codes for Data
Transmission", 2003, chapter 7.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel

MAX_WORD_BYTES: Final = 255


def _tables() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    powers, logarithms, value = np.zeros(512, np.int64), np.zeros(256, np.int64), 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logarithms[value] = exponent
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return powers, logarithms


_POWER, _LOG = _tables()


def encode(message: bytes, parity: int) -> bytes:
    """Return the message, followed by its parity.

    Raises:
        InputError: more than 255 bytes together, or no parity.
    """
    if not (parity >= 1 and 1 <= len(message) <= MAX_WORD_BYTES - parity):
        raise InputError(
            f"{len(message)} bytes with {parity} bytes of parity: expected 1 to {MAX_WORD_BYTES} together"
        )
    word = np.zeros(len(message) + parity, np.uint8)
    word[: len(message)] = np.frombuffer(message, np.uint8)
    fill_parity(word, parity)
    return word.tobytes()


def decode(received: bytes, parity: int, erased: tuple[int, ...] = ()) -> bytes | None:
    """Return the message nearest to a received word; None if none is near enough.

    Right whenever twice the wrong bytes and once the erased ones are no more than the parity; beyond, the
    answer is None or, now and then, another message: the code cannot tell.

    Args:
        received: message and parity.
        parity: bytes of it.
        erased: places that are known to be unknown.

    Raises:
        InputError: not longer than its parity, longer than 255 bytes, or places outside.
    """
    if not 1 <= parity < len(received) <= MAX_WORD_BYTES:
        raise InputError(
            f"word of {len(received)} bytes with {parity} bytes of parity: expected {parity + 1} to 255 bytes"
        )
    places = np.array(sorted(set(erased)), np.int64)
    if len(places) and not (places[0] >= 0 and places[-1] < len(received)):
        raise InputError(f"erased places {erased}: expected places within {len(received)} bytes")
    word = np.frombuffer(received, np.uint8).copy()
    if correct(word, parity, places) < 0:
        return None
    return word[:-parity].tobytes()


@kernel
def _times(a: int, b: int) -> int:
    return 0 if a == 0 or b == 0 else _POWER[_LOG[a] + _LOG[b]]


@kernel
def _over(a: int, b: int) -> int:
    return 0 if a == 0 else _POWER[_LOG[a] + 255 - _LOG[b]]


@kernel
def fill_parity(word: npt.NDArray[np.uint8], parity: int) -> None:
    """Set the last ``parity`` bytes of a word so that it is divisible by the code's polynomial."""
    generator = np.zeros(parity + 1, np.int64)
    generator[0] = 1
    for root in range(parity):
        for i in range(root + 1, 0, -1):
            generator[i] ^= _times(generator[i - 1], _POWER[root])
    rest = np.zeros(parity, np.int64)
    for place in range(len(word) - parity):
        head = rest[0] ^ word[place]
        for i in range(parity - 1):
            rest[i] = rest[i + 1] ^ _times(head, generator[i + 1])
        rest[parity - 1] = _times(head, generator[parity])
    for i in range(parity):
        word[len(word) - parity + i] = rest[i]


@kernel
def _syndromes(word: npt.NDArray[np.uint8], found: npt.NDArray[np.int64]) -> bool:
    """Fill in the values at the code's roots; True if one is not zero."""
    wrong = False
    for root in range(len(found)):
        value = 0
        for place in range(len(word)):
            value = _times(value, _POWER[root]) ^ word[place]
        found[root] = value
        wrong = wrong or value != 0
    return wrong


@kernel
def _locator(
    syndromes: npt.NDArray[np.int64], erased: npt.NDArray[np.int64], length: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Return degree and polynomial, lowest power first, with a root for each bad place."""
    parity, erasures = len(syndromes), len(erased)
    locator = np.zeros(parity + 1, np.int64)
    locator[0] = 1
    for n in range(erasures):
        place = _POWER[length - 1 - erased[n]]
        for i in range(n + 1, 0, -1):
            locator[i] ^= _times(locator[i - 1], place)
    before, after = locator.copy(), locator.copy()
    degree = erasures
    for step in range(erasures, parity):
        discrepancy = 0
        for i in range(min(step, parity) + 1):
            discrepancy ^= _times(locator[i], syndromes[step - i])
        for i in range(parity, 0, -1):
            before[i] = before[i - 1]
        before[0] = 0
        if discrepancy == 0:
            continue
        for i in range(parity + 1):
            after[i] = locator[i] ^ _times(discrepancy, before[i])
        if 2 * degree <= step + erasures:
            degree = step + 1 + erasures - degree
            for i in range(parity + 1):
                before[i] = _over(locator[i], discrepancy)
        for i in range(parity + 1):
            locator[i] = after[i]
    return locator, degree


@kernel
def correct(word: npt.NDArray[np.uint8], parity: int, erased: npt.NDArray[np.int64]) -> int:
    """Put a word right in place; how many bytes were changed, or -1 and the word as it was: it is too far.

    Args:
        word: (n,) message and parity.
        parity: bytes of it.
        erased: (m,) places that are unknown, each once.
    """
    length, erasures = len(word), len(erased)
    syndromes = np.zeros(parity, np.int64)
    if not _syndromes(word, syndromes):
        return 0
    if erasures > parity:
        return -1
    locator, degree = _locator(syndromes, erased, length)
    if 2 * degree > parity + erasures:
        return -1
    evaluator = np.zeros(parity, np.int64)
    for i in range(parity):
        for j in range(min(i, degree) + 1):
            evaluator[i] ^= _times(locator[j], syndromes[i - j])
    places, errors, roots = np.zeros(degree, np.int64), np.zeros(degree, np.int64), 0
    for place in range(length):
        power = length - 1 - place
        inverse = (255 - power) % 255
        total, slope = 0, 0
        for i in range(degree + 1):
            term = 0 if locator[i] == 0 else _POWER[(_LOG[locator[i]] + inverse * i) % 255]
            total ^= term
            if i % 2 == 1:
                slope ^= term
        if total != 0:
            continue
        if roots == degree or slope == 0:
            return -1
        value = 0
        for i in range(parity):
            if evaluator[i] != 0:
                value ^= _POWER[(_LOG[evaluator[i]] + inverse * i) % 255]
        # X * Omega(1/X) / Lambda'(1/X), and the slope above is Lambda'(1/X) / X.
        places[roots], errors[roots] = place, _over(value, slope)
        roots += 1
    if roots != degree:
        return -1
    changed = 0
    for n in range(degree):
        word[places[n]] ^= errors[n]
        changed += errors[n] != 0
    if _syndromes(word, syndromes):
        for n in range(degree):
            word[places[n]] ^= errors[n]
        return -1
    return changed
