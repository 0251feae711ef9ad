"""Sorted pair distances of every code: a filter for the questions that the index does not answer.

No pair distance changes by more than sqrt(2) r under a displacement of norm r, nor does the k-th of the
sorted ones. So codes are ruled out by whole arrays at a time, and the few left are fitted one by one. Used
where the scale is unknown, and for a missing pad and the exact margin
in codebooks of up to a million codes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sim.decoder.matching import Floats, Ints, fit_each
from sim.stamps import Codebook

CODES_AT_ONCE = 65_536
"""Codes whose pads are unpacked together; bounds the memory of the intermediate arrays."""
FLOAT32_MM = 1e-5
"""Rounding of lengths up to 100 mm in single precision, generously."""


class LengthTable:
    """Pads and sorted pair distances of all codes: 120 bytes for each code of five pads."""

    def __init__(self, codebook: Codebook) -> None:
        pads = codebook.pads_per_stamp
        self._first, self._second = np.triu_indices(pads, 1)
        self._pads: Floats = np.empty((codebook.size, pads, 2))
        self._lengths = np.empty((codebook.size, len(self._first)), np.float32)
        for start in range(0, codebook.size, CODES_AT_ONCE):
            codes = np.arange(start, min(start + CODES_AT_ONCE, codebook.size))
            self._pads[codes] = codebook.pads_of(codes)
            self._lengths[codes] = sorted_lengths(self._pads[codes])

    def within(
        self, points: Floats, radius: float, scale_low: float = 1.0, scale_high: float = 1.0
    ) -> tuple[Ints, Floats]:
        """Every code within the radius of the points (k, 2), k = n or n - 1, at some scale; nearest first."""
        slack = math.sqrt(2.0) * radius + FLOAT32_MM
        lengths = sorted_lengths(points[np.newaxis])[0]
        if len(points) == self._pads.shape[1]:
            # Scales at which the k-th lengths agree, for all k at once.
            low = ((self._lengths - slack) / lengths).max(axis=1)
            high = ((self._lengths + slack) / lengths).min(axis=1)
            possible = np.maximum(low, scale_low) <= np.minimum(high, scale_high) + FLOAT32_MM
        else:
            possible = np.ones(len(self._lengths), np.bool_)
            for length in lengths:
                left = np.flatnonzero(possible)
                near = np.abs(self._lengths[left] - length) <= slack
                possible[left] = near.any(axis=1)
        codes = np.flatnonzero(possible)
        squares = np.empty(len(codes))
        fit_each(points, self._pads[codes], radius, scale_low, scale_high, squares)
        fitting = squares >= 0.0
        codes, distances = codes[fitting], np.sqrt(squares[fitting])
        order = np.argsort(distances, kind="stable")
        return codes[order], distances[order]


def sorted_lengths(pads: Floats) -> npt.NDArray[np.float32]:
    """Distances between the pads (m, n, 2) of each stamp, ascending, shape (m, n (n - 1) / 2)."""
    first, second = np.triu_indices(pads.shape[1], 1)
    lengths = np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0))
    return np.sort(lengths.astype(np.float32), axis=1)
