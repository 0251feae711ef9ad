"""Kernels of the receiver: how a place resembles a marker, and how much energy each tone of a chunk has.

``hops`` is always (hops, 96) complex, four rows per frame, phases referred to one instant (see ``spectra``).
Slow twins: ``reference``.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.credentials.sound.protocols import (
    BINS,
    FIRST_BIN,
    FRAME_SAMPLES,
    MARKER_FRAMES,
    MARKER_TONES,
    NIBBLES,
    Protocol,
)
from stampbench.sim.credentials.sound.spectra import HOPS_PER_FRAME
from stampbench.sim.credentials.sound.transmitter import ramp

MARKER_HOPS: Final = MARKER_FRAMES * HOPS_PER_FRAME
SKEWS_PPM: Final = (0.0, -75.0, 75.0, -150.0, 150.0)
"""Differences of the two clocks that are tried: at half a step, a chunk of nine frames loses 0.2 dB."""
_COHERENT_FRAMES: Final = 4
"""Frames of a marker added with their phases: as many as a skew of 150 ppm leaves whole."""
_SILENT: Final = 0.006
"""Pairs with less of the band's energy say nothing: what leaks from loud tones is not a marker."""
_NOTHING: Final = 1e-30


@functools.cache
def rotors(protocol: Protocol) -> npt.NDArray[np.complex128]:
    """Return what to multiply the frames of a chunk with, (skews, frames, 96).

    It undoes the turning of phases by a skew, and weighs each frame as loud as it was sent.
    """
    count = protocol.frames_per_chunk
    weights = ramp(count).reshape(count, FRAME_SAMPLES).mean(axis=1)
    frame, bins = np.arange(count)[:, None], FIRST_BIN + np.arange(BINS)
    turns = np.array([1e-6 * ppm * frame * bins for ppm in SKEWS_PPM])
    return weights[:, None] * np.exp(-2j * np.pi * turns)


@kernel
def marker_likeness(
    hops: npt.NDArray[np.complex128], first: int, last: int, end: bool
) -> npt.NDArray[np.float64]:
    """Return how much the 16 frames from each hop on look like a marker: -1 to 1, noise about 0.

    Mean over the pairs of bins, so that one loud tone counts for no more than its pair.
    """
    found = np.zeros(last - first, np.float64)
    energies = np.zeros((MARKER_TONES, 2), np.float64)
    for n in range(last - first):
        band = 0.0
        for tone in range(MARKER_TONES):
            for side in range(2):
                energy = 0.0
                for segment in range(0, MARKER_FRAMES, _COHERENT_FRAMES):
                    real, imaginary = 0.0, 0.0
                    for frame in range(segment, segment + _COHERENT_FRAMES):
                        value = hops[first + n + frame * HOPS_PER_FRAME, 2 * tone + side]
                        real += value.real
                        imaginary += value.imag
                    energy += real * real + imaginary * imaginary
                energies[tone, side] = energy
                band += energy
        total = 0.0
        for tone in range(MARKER_TONES):
            sounding = (tone + end) % 2
            difference = energies[tone, sounding] - energies[tone, 1 - sounding]
            total += difference / (energies[tone, 0] + energies[tone, 1] + _SILENT * band + _NOTHING)
        found[n] = total / MARKER_TONES
    return found


@kernel
def chunk_energies(
    hops: npt.NDArray[np.complex128],
    start: int,
    chunks: int,
    rotor: npt.NDArray[np.complex128],
    gains: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the energy of every tone of chunks that begin at a hop, (chunks, 6, 16).

    Args:
        hops: spectra.
        start: hop of the first chunk.
        chunks: how many follow each other.
        rotor: (frames, 96) of one skew.
        gains: (96,) by which each bin's energy is multiplied.
    """
    frames = len(rotor)
    energies = np.zeros((chunks, NIBBLES, 16), np.float64)
    for chunk in range(chunks):
        base = start + chunk * frames * HOPS_PER_FRAME
        for k in range(BINS):
            real, imaginary = 0.0, 0.0
            for frame in range(frames):
                value, turn = hops[base + frame * HOPS_PER_FRAME, k], rotor[frame, k]
                real += value.real * turn.real - value.imag * turn.imag
                imaginary += value.real * turn.imag + value.imag * turn.real
            energies[chunk, k // 16, k % 16] = gains[k] * (real * real + imaginary * imaginary)
    return energies


@kernel
def to_shares(energies: npt.NDArray[np.float64]) -> None:
    """Divide energies of shape (n, 6, 16) by the sum of their group of 16, in place."""
    for chunk in range(len(energies)):
        for group in range(NIBBLES):
            total = _NOTHING
            for k in range(16):
                total += energies[chunk, group, k]
            for k in range(16):
                energies[chunk, group, k] /= total


@kernel
def length_likeness(
    hops: npt.NDArray[np.complex128],
    first: int,
    last: int,
    rotor: npt.NDArray[np.complex128],
    gains: npt.NDArray[np.float64],
    words: npt.NDArray[np.intp],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find the word of ``words`` that fits data from each hop on best, for every skew, and how well.

    Args:
        hops: spectra.
        first: first hop tried.
        last: one behind the last.
        rotor: (skews, frames, 96).
        gains: (96,) of the bins.
        words: (words, 6) tones of the chunk.

    Returns:
        mean share of the energy that is in the word's tones, and its number, both (hops, skews).
    """
    likeness = np.zeros((last - first, len(rotor)), np.float64)
    numbers = np.zeros((last - first, len(rotor)), np.int64)
    for n in range(last - first):
        for skew in range(len(rotor)):
            shares = chunk_energies(hops, first + n, 1, rotor[skew], gains)
            to_shares(shares)
            for word in range(len(words)):
                total = 0.0
                for group in range(NIBBLES):
                    total += shares[0, group, words[word, group]]
                if total / NIBBLES > likeness[n, skew]:
                    likeness[n, skew], numbers[n, skew] = total / NIBBLES, word
    return likeness, numbers


@kernel
def sharpness(
    hops: npt.NDArray[np.complex128],
    first: int,
    last: int,
    chunks: int,
    rotor: npt.NDArray[np.complex128],
    gains: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the mean share of the loudest tone in data from each hop on, (hops, skews).

    It is largest where the chunks are met best, whatever they say.
    """
    found = np.zeros((last - first, len(rotor)), np.float64)
    for n in range(last - first):
        for skew in range(len(rotor)):
            shares = chunk_energies(hops, first + n, chunks, rotor[skew], gains)
            to_shares(shares)
            total = 0.0
            for chunk in range(chunks):
                for group in range(NIBBLES):
                    loudest = 0.0
                    for k in range(16):
                        loudest = max(loudest, shares[chunk, group, k])
                    total += loudest
            found[n, skew] = total / (chunks * NIBBLES)
    return found
