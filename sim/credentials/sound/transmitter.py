"""From a payload to samples."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound.protocols import (
    BINS,
    FIRST_BIN,
    FRAME_SAMPLES,
    MARKER_FRAMES,
    NIBBLES,
    RAMP,
    Protocol,
    chunks_of,
    marker_bins,
    nibbles_of,
)

_PHASE_STEPS: Final = 24
"""Bins come in pairs of one phase; each pair is half a turn divided by this ahead of the one before."""


def waveform(payload: bytes, protocol: Protocol, volume: float = 0.1) -> npt.NDArray[np.float32]:
    """Return samples at 48 kHz, from -volume to volume: start marker, chunks, end marker.

    Args:
        payload: 1 to 140 bytes.
        protocol: how long each chunk sounds.
        volume: 0 to 1; ggwave's own is 0.1.

    Raises:
        InputError: payload or volume outside their range.
    """
    if not 0.0 < volume <= 1.0:
        raise InputError(f"volume = {volume}: expected more than 0, and 1 at most")
    nibbles = nibbles_of(chunks_of(payload))
    tones, groups = _tones(), 16 * np.arange(NIBBLES)
    parts = [_marker(end=False)]
    for chunk in nibbles:
        frame = tones[groups + chunk].sum(axis=0) / NIBBLES
        parts.append(np.tile(frame, protocol.frames_per_chunk) * ramp(protocol.frames_per_chunk))
    parts.append(_marker(end=True))
    return (volume * np.concatenate(parts)).astype(np.float32)


def ramp(frames: int) -> npt.NDArray[np.float64]:
    """Return loudness of each sample of so many frames: up, on, down."""
    samples = np.arange(frames * FRAME_SAMPLES)
    rise = RAMP * len(samples)
    return np.minimum(1.0, np.minimum(samples, len(samples) - samples) / rise)


@functools.cache
def _tones() -> npt.NDArray[np.float64]:
    """Return one frame of each bin, (96, 1024)."""
    bins, sample = np.arange(BINS)[:, None], np.arange(FRAME_SAMPLES)
    turns = (FIRST_BIN + bins) * sample % FRAME_SAMPLES / FRAME_SAMPLES
    return np.sin(2.0 * np.pi * turns + np.pi * (bins // 2) / _PHASE_STEPS)


@functools.cache
def _marker(*, end: bool) -> npt.NDArray[np.float64]:
    bins = marker_bins(end=end)
    frame = _tones()[bins].sum(axis=0) / len(bins)
    return np.tile(frame, MARKER_FRAMES) * ramp(MARKER_FRAMES)
