"""The three ultrasound protocols of ggwave 0.4.3, and what a payload looks like on the wire.

Source of all figures: ggerganov/ggwave, ``ggwave.h`` and ``ggwave.cpp`` of release 0.4.3.
A packet is a start marker, chunks of three bytes, and an end marker. The first chunk is the length with its
own parity, the others are the payload with its parity, filled up with zeros. Each byte is two tones, the low
nibble first: one of 16 bins each, so that six tones sound at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound import reed_solomon

SAMPLE_RATE_HZ: Final = 48_000
FRAME_SAMPLES: Final = 1024
BIN_HZ: Final = SAMPLE_RATE_HZ / FRAME_SAMPLES
FIRST_BIN: Final = 320
BINS: Final = 96
NIBBLES: Final = 6
"""Groups of 16 bins, each with one tone at a time."""
CHUNK_BYTES: Final = 3
MARKER_FRAMES: Final = 16
MARKER_TONES: Final = 16
LENGTH_PARITY: Final = 2
MAX_PAYLOAD_BYTES: Final = 140
RAMP: Final = 0.15
"""Share of a chunk, or of a marker, over which its tones fade in, and out."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to send.

    Attributes:
        name: as on the command line.
        frames_per_chunk: frames for which the six tones of three bytes sound.
        ggwave_id: its number there.
    """

    name: str
    frames_per_chunk: int
    ggwave_id: int

    def data_frames(self, length: int) -> int:
        """Return frames between the markers, for a payload of so many bytes."""
        return chunk_count(length) * self.frames_per_chunk

    def duration_s(self, length: int) -> float:
        """Return how long a payload of so many bytes sounds, with its markers."""
        return (self.data_frames(length) + 2 * MARKER_FRAMES) * FRAME_SAMPLES / SAMPLE_RATE_HZ


PROTOCOLS: Final = {
    protocol.name: protocol
    for protocol in (Protocol("normal", 9, 3), Protocol("fast", 6, 4), Protocol("fastest", 3, 5))
}


def protocol_named(name: str) -> Protocol:
    """Return the protocol of this name.

    Raises:
        InputError: there is none.
    """
    if name not in PROTOCOLS:
        raise InputError(f'protocol "{name}": expected one of {", ".join(PROTOCOLS)}')
    return PROTOCOLS[name]


def parity_bytes(length: int) -> int:
    """Return bytes of parity behind a payload of so many bytes; half as many wrong bytes can be put right."""
    return 2 if length < 4 else max(4, 2 * (length // 5))


def chunk_count(length: int) -> int:
    """Return chunks of three bytes for a payload of so many bytes, with its length and all parity."""
    return -(-(1 + LENGTH_PARITY + length + parity_bytes(length)) // CHUNK_BYTES)


def chunks_of(payload: bytes) -> npt.NDArray[np.uint8]:
    """Return all bytes on the wire, shape (chunks, 3).

    Raises:
        InputError: an empty payload, or one of more than 140 bytes.
    """
    if not 1 <= len(payload) <= MAX_PAYLOAD_BYTES:
        raise InputError(f"payload of {len(payload)} bytes: expected 1 to {MAX_PAYLOAD_BYTES} bytes")
    coded = reed_solomon.encode(bytes([len(payload)]), LENGTH_PARITY)
    coded += reed_solomon.encode(payload, parity_bytes(len(payload)))
    chunks = np.zeros((chunk_count(len(payload)), CHUNK_BYTES), np.uint8)
    chunks.ravel()[: len(coded)] = np.frombuffer(coded, np.uint8)
    return chunks


def nibbles_of(chunks: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Return which of 16 bins sounds in each group, shape (chunks, 6), of bytes of shape (chunks, 3)."""
    return np.stack([chunks & 15, chunks >> 4], axis=-1).reshape(len(chunks), NIBBLES).astype(np.intp)


def marker_bins(*, end: bool) -> npt.NDArray[np.intp]:
    """Return the 16 bins of a marker, one of each of the first 16 pairs; the end has the others."""
    tone = np.arange(MARKER_TONES)
    return 2 * tone + (1 - tone % 2 if end else tone % 2)
