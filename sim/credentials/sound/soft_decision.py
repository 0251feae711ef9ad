"""From the energies of tones to the payload: Reed-Solomon with what is known about each byte's reliability.

The least reliable bytes are erased, more and more of them, and some are replaced by their second guess
(generalised minimum distance and Chase: G. D. Forney 1966, D. Chase 1972). Of all messages found, the one
with the most energy in its tones counts.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.credentials.sound.protocols import parity_bytes
from stampbench.sim.credentials.sound.reed_solomon import correct

_GUESSED_BYTES: Final = 4
"""Least reliable bytes whose second guess is tried, in all combinations."""
_ERASURE_STEPS: Final = 8
LEAST_OF_LOUDEST: Final = 0.9
"""Energy in the payload's tones, of that in the loudest ones: where noise misled, the right tone is not much
less loud. A message that needs tones where nothing sounds is not the one that was sent."""


def read_payload(shares: npt.NDArray[np.float64], length: int) -> tuple[bytes, float] | None:
    """Return the most likely payload, and the mean share of energy in its tones, noise about 0.06 to 0.2.

    Args:
        shares: (bytes, 2, 16) share of each tone in its group, low nibble first; payload and its parity, and
            more bytes behind that are not looked at.
        length: of the payload.

    Returns:
        None if no message of the code is near.
    """
    parity = parity_bytes(length)
    word = np.zeros(length + parity, np.uint8)
    share = best_word(np.ascontiguousarray(shares[: length + parity]), parity, word)
    loudest = float(shares[: length + parity].max(axis=2).mean())
    return None if share < LEAST_OF_LOUDEST * loudest else (word[:length].tobytes(), share)


@kernel
def best_word(shares: npt.NDArray[np.float64], parity: int, found: npt.NDArray[np.uint8]) -> float:
    """Fill in the word with the most energy of those that were found; the mean share of its tones, or -1."""
    count = len(shares)
    first, second = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    reliability = np.zeros(count, np.float64)
    for n in range(count):
        margins, seconds = np.zeros(2, np.float64), np.zeros(2, np.int64)
        value = 0
        for half in range(2):
            best, next_best = 0, -1
            for k in range(1, 16):
                if shares[n, half, k] > shares[n, half, best]:
                    best, next_best = k, best
                elif next_best < 0 or shares[n, half, k] > shares[n, half, next_best]:
                    next_best = k
            margins[half] = shares[n, half, best] - shares[n, half, next_best]
            seconds[half] = best ^ next_best
            value |= best << 4 * half
        weaker = 0 if margins[0] <= margins[1] else 1
        first[n], second[n] = value, value ^ (seconds[weaker] << 4 * weaker)
        reliability[n] = margins[weaker]
    order = np.argsort(reliability, kind="mergesort")
    found[:] = first
    if correct(found, parity, order[:0]) == 0:
        return _share(shares, found)
    best_share = -1.0
    word = np.zeros(count, np.uint8)
    guessed = min(_GUESSED_BYTES, count)
    step = max(1, parity // _ERASURE_STEPS)
    for guesses in range(1 << guessed):
        for erasures in range(0, parity + 1, step):
            # An erased byte has no guess.
            if guesses & ((1 << min(erasures, guessed)) - 1):
                break
            word[:] = first
            for n in range(guessed):
                if guesses >> n & 1:
                    word[order[n]] = second[order[n]]
            if correct(word, parity, order[:erasures]) >= 0:
                share = _share(shares, word)
                if share > best_share:
                    best_share = share
                    found[:] = word
    return best_share


@kernel
def _share(shares: npt.NDArray[np.float64], word: npt.NDArray[np.uint8]) -> float:
    total = 0.0
    for n in range(len(word)):
        total += shares[n, 0, word[n] & 15] + shares[n, 1, word[n] >> 4]
    return total / (2 * len(word))
