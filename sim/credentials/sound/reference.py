"""Slow twins of the code and of the receiver's kernels, plain enough to be checked by eye."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

Hops = npt.NDArray[np.complex128]


def times(a: int, b: int) -> int:
    """Return the product in GF(256), bit by bit."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11D << (bit - 8)
    return product


def power_of_two(exponent: int) -> int:
    """Return a power of the field's generator."""
    value = 1
    for _ in range(exponent):
        value = times(value, 2)
    return value


def syndromes(word: Sequence[int], parity: int) -> list[int]:
    """Return values of a word, highest power first, at the roots of the code: zero for its own words."""
    found = []
    for root in range(parity):
        x, value = power_of_two(root), 0
        for byte in word:
            value = times(value, x) ^ byte
        found.append(value)
    return found


def encode(message: bytes, parity: int) -> bytes:
    """Return the message and the rest of its division by the code's polynomial."""
    generator = [1]
    for root in range(parity):
        longer = [*generator, 0]
        for i, coefficient in enumerate(generator):
            longer[i + 1] ^= times(coefficient, power_of_two(root))
        generator = longer
    rest = [*message, *bytes(parity)]
    for i in range(len(message)):
        head = rest[i]
        for j, coefficient in enumerate(generator):
            rest[i + j] ^= times(head, coefficient)
    return message + bytes(rest[len(message) :])


def within_bound(word: bytes, parity: int, erased: Collection[int] = ()) -> set[bytes]:
    """Return all words of the code that the bound allows: one set of wrong places is tried after another."""
    found = set()
    others = [place for place in range(len(word)) if place not in erased]
    for errors in range((parity - len(erased)) // 2 + 1):
        for wrong in itertools.combinations(others, errors):
            solved = _solved(word, parity, [*erased, *wrong])
            if solved is not None:
                found.add(solved)
    return found


def _solved(word: bytes, parity: int, places: Sequence[int]) -> bytes | None:
    """Return the word of the code that differs in these places alone, by elimination."""
    rows = [
        [power_of_two(root * (len(word) - 1 - place)) for place in places] + [value]
        for root, value in enumerate(syndromes(word, parity))
    ]
    for column in range(len(places)):
        pivot = next(n for n in range(column, parity) if rows[n][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = next(x for x in range(1, 256) if times(x, rows[column][column]) == 1)
        rows[column] = [times(value, inverse) for value in rows[column]]
        for n in range(parity):
            factor = rows[n][column]
            if n != column and factor:
                rows[n] = [a ^ times(factor, b) for a, b in zip(rows[n], rows[column], strict=True)]
    if any(row[-1] for row in rows[len(places) :]):
        return None
    right = bytearray(word)
    for place, row in zip(places, rows, strict=False):
        right[place] ^= row[-1]
    return bytes(right)


def marker_likeness(hops: Hops, first: int, *, end: bool) -> float:
    """Return how much the 16 frames from a hop on look like a marker."""
    frames = hops[first : first + 64 : 4, :32].reshape(4, 4, 16, 2)
    energies = (np.abs(frames.sum(axis=1)) ** 2).sum(axis=0)
    tone = np.arange(16)
    on, off = energies[tone, (tone + end) % 2], energies[tone, (tone + 1 + end) % 2]
    return float(np.mean((on - off) / (on + off + 0.006 * energies.sum() + 1e-30)))


def chunk_shares(
    hops: Hops, start: int, chunks: int, rotor: Hops, gains: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the share of each tone in the energy of its group, (chunks, 6, 16)."""
    frames = len(rotor)
    shares = np.zeros((chunks, 6, 16))
    for chunk in range(chunks):
        rows = hops[start + 4 * chunk * frames : start + 4 * (chunk + 1) * frames : 4]
        energies = (gains * np.abs((rows * rotor).sum(axis=0)) ** 2).reshape(6, 16)
        shares[chunk] = energies / (energies.sum(axis=1, keepdims=True) + 1e-30)
    return shares


def share_of(shares: npt.NDArray[np.float64], word: bytes) -> float:
    """Return the mean share of energy in the tones of a word, shares of shape (bytes, 2, 16)."""
    parts = [
        (share[0, byte & 15] + share[1, byte >> 4]) / 2 for share, byte in zip(shares, word, strict=True)
    ]
    return float(np.mean(parts))
