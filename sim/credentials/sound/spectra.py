"""Short-time spectra of the band, as samples come in.

Four spectra per frame, each over one frame, all referred to the phase of the first sample: those of a steady
tone on a bin are equal, whenever they were taken, so that spectra of one chunk can simply be added.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.sim.credentials.sound.protocols import BINS, FIRST_BIN, FRAME_SAMPLES

HOPS_PER_FRAME: Final = 4
HOP_SAMPLES: Final = FRAME_SAMPLES // HOPS_PER_FRAME
_BATCH: Final = 16
"""Spectra computed at a time: always as many, so that the size of the blocks fed changes no rounding."""
_TURN: Final = np.exp(
    -0.5j * np.pi * (np.outer(np.arange(_BATCH), FIRST_BIN + np.arange(BINS)) % HOPS_PER_FRAME)
)


class BandSpectra:
    """Turns blocks of samples of any size into spectra."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float64)

    def feed(self, samples: npt.NDArray[np.floating]) -> npt.NDArray[np.complex128]:
        """Return spectra that have become complete, shape (hops, 96); often none, then sixteen at once."""
        waiting = np.concatenate([self._waiting, samples])
        batches = max(0, (len(waiting) - FRAME_SAMPLES + HOP_SAMPLES) // (_BATCH * HOP_SAMPLES))
        found = np.empty((batches * _BATCH, BINS), np.complex128)
        for batch in range(batches):
            start = batch * _BATCH * HOP_SAMPLES
            part = waiting[start : start + (_BATCH - 1) * HOP_SAMPLES + FRAME_SAMPLES]
            frames = np.lib.stride_tricks.sliding_window_view(part, FRAME_SAMPLES)[::HOP_SAMPLES]
            band = np.fft.rfft(frames, axis=1)[:, FIRST_BIN : FIRST_BIN + BINS]
            np.multiply(band, _TURN, out=found[batch * _BATCH : (batch + 1) * _BATCH])
        self._waiting = waiting[batches * _BATCH * HOP_SAMPLES :].copy()
        return found


def spectrogram(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the energy in each frame and bin, in dB below the strongest, for a picture.

    Args:
        samples: at 48 kHz; what is left over behind the last whole frame is not shown.

    Returns:
        shape (frames, 96), 0 and less, -120 at the least; row n is from n * 21.3 ms on, column k is the bin
        at (320 + k) * 46.875 Hz, 15 to 19.5 kHz.
    """
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    # No window: a steady tone lies on its bin, wherever the frame begins.
    energy = np.abs(np.fft.rfft(frames, axis=1)[:, FIRST_BIN : FIRST_BIN + BINS]) ** 2
    strongest = float(energy.max(initial=0.0))
    if strongest == 0.0:
        return np.full(energy.shape, -120.0)
    return 10.0 * np.log10(np.maximum(energy / strongest, 1e-12))
