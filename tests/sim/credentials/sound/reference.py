"""Slow twins of the receiver's kernels and of the code, plain enough to be checked by eye."""

from __future__ import annotations

import itertools

import numpy as np


def times(a, b):
    """Product in GF(256), bit by bit."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11D << (bit - 8)
    return product


def power_of_two(exponent):
    value = 1
    for _ in range(exponent):
        value = times(value, 2)
    return value


def syndromes(word, parity):
    """Values of the word, highest power first, at alpha**0, alpha**1, ..."""
    found = []
    for root in range(parity):
        x, value = power_of_two(root), 0
        for byte in word:
            value = times(value, x) ^ byte
        found.append(value)
    return found


def encode(message, parity):
    """The message with the only parity that makes all syndromes zero, found by long division."""
    generator = [1]
    for root in range(parity):
        longer = [*generator, 0]
        for i, coefficient in enumerate(generator):
            longer[i + 1] ^= times(coefficient, power_of_two(root))
        generator = longer
    rest = [*message, *([0] * parity)]
    for i in range(len(message)):
        head = rest[i]
        for j, coefficient in enumerate(generator):
            rest[i + j] ^= times(head, coefficient)
    return bytes(message) + bytes(rest[len(message) :])


def nearest(word, parity, erased=()):
    """All words of the code within the bound: wrong places are tried one set after another."""
    found = set()
    for errors in range((parity - len(erased)) // 2 + 1):
        others = [place for place in range(len(word)) if place not in erased]
        for wrong in itertools.combinations(others, errors):
            solved = _solved(word, parity, [*erased, *wrong])
            if solved is not None:
                found.add(solved)
    return found


def _solved(word, parity, places):
    """The word of the code that differs in these places alone; elimination over the syndromes' equations."""
    size = len(places)
    rows = [
        [power_of_two(root * (len(word) - 1 - place)) for place in places] + [value]
        for root, value in enumerate(syndromes(word, parity))
    ]
    for column in range(size):
        pivot = next((n for n in range(column, parity) if rows[n][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = next(x for x in range(1, 256) if times(x, rows[column][column]) == 1)
        rows[column] = [times(value, inverse) for value in rows[column]]
        for n in range(parity):
            if n != column and rows[n][column]:
                factor = rows[n][column]
                rows[n] = [a ^ times(factor, b) for a, b in zip(rows[n], rows[column], strict=True)]
    if any(row[-1] for row in rows[size:]):
        return None
    right = list(word)
    for place, row in zip(places, rows, strict=False):
        right[place] ^= row[-1]
    return bytes(right)


def marker_likeness(hops, first, *, end):
    frames = hops[first : first + 64 : 4, :32].reshape(4, 4, 16, 2)
    energies = (np.abs(frames.sum(axis=1)) ** 2).sum(axis=0)
    sounding = (np.arange(16) + end) % 2
    on = energies[np.arange(16), sounding]
    off = energies[np.arange(16), 1 - sounding]
    return np.mean((on - off) / (on + off + 0.006 * energies.sum() + 1e-30))


def chunk_shares(hops, start, chunks, rotor, gains):
    frames = len(rotor)
    shares = np.zeros((chunks, 6, 16))
    for chunk in range(chunks):
        rows = hops[start + chunk * frames * 4 : start + (chunk + 1) * frames * 4 : 4]
        energies = (gains * np.abs((rows * rotor).sum(axis=0)) ** 2).reshape(6, 16)
        shares[chunk] = energies / energies.sum(axis=1, keepdims=True)
    return shares


def most_energy(shares, words):
    """Of words of the code, that with the largest mean share."""
    def share(word):
        return np.mean([[part[0][byte & 15], part[1][byte >> 4]] for part, byte in zip(shares, word, strict=True)])

    return max(words, key=share)
