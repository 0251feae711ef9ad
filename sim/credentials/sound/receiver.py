"""From samples to payloads, as the samples come in.

A start marker is looked for at every quarter of a frame. Where one seems to be, the chunk with the length is
read at every place and skew that it allows; the likeliest lengths wait until all their samples are there.
Then the place and skew at which all chunks are sharpest are taken, the tones' energies decoded, and the
payload given out if they leave no doubt and the end marker is where it should be.

One protocol at a time: a receiver that listens for several takes packets of one for those of another.
"""

from __future__ import annotations

import functools
import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound.demodulation import (
    MARKER_HOPS,
    SKEWS_PPM,
    chunk_energies,
    length_likeness,
    marker_likeness,
    rotors,
    sharpness,
    to_shares,
)
from stampbench.sim.credentials.sound.protocols import (
    BINS,
    LENGTH_PARITY,
    MAX_PAYLOAD_BYTES,
    SAMPLE_RATE_HZ,
    Protocol,
    chunk_count,
    chunks_of,
    marker_bins,
    nibbles_of,
)
from stampbench.sim.credentials.sound.soft_decision import read_payload
from stampbench.sim.credentials.sound.spectra import HOP_SAMPLES, HOPS_PER_FRAME, BandSpectra

START_LIKENESS: Final = 0.22
"""Three standard deviations of white noise: it takes a place for a start once in some seconds."""
END_LIKENESS: Final = 0.10
BOTH_LIKENESS: Final = 0.40
_END_OF_START: Final = 0.5
"""An end marker is nearly as like one as its start: loud tones of data, before a false end, are not."""
LEAST_LENGTH_SHARE: Final = 0.15
LEAST_SHARE: Final = 0.25
"""Of the energy in a payload's tones; the loudest of 16 tones of noise have 0.21 of it."""
_MARGIN_HOPS: Final = 8
"""Tried before and after all places that look like a marker."""
_LONGEST_PLACE_HOPS: Final = 3 * MARKER_HOPS
_LENGTHS: Final = 4
"""Of each start, so many of the likeliest lengths are followed."""
_RIVAL: Final = 0.65
"""Lengths that fit less well than this part of the best are not followed."""
_NEAR_HOPS: Final = 4
_INTERFERENCE: Final = 2.5
"""A bin with that many times the median energy is not just noise."""
_FAINT: Final = 0.05
_BLOCK_HOPS: Final = 1024


@dataclass(frozen=True, slots=True)
class Packet:
    """What was received.

    Attributes:
        payload: its bytes.
        start_s: where its start marker begins, in seconds of the samples fed.
        end_s: where its end marker ends.
        share: of the energy that was in its tones; 1 without noise, 0.25 at the least.
        skew_ppm: by which the sender's clock is fast, roughly.
    """

    payload: bytes
    start_s: float
    end_s: float
    share: float
    skew_ppm: float


@dataclass(frozen=True, slots=True)
class _Place:
    """Hops, both included, from which on the samples look like a start marker."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A length that a packet may have, and about where its data begins and its end marker ends."""

    length: int
    data_hop: int
    due_hop: int
    likeness: float


class Receiver:
    """Receives packets of one protocol.

    Args:
        protocol: what is listened for.
        max_length: longest payload expected, in bytes.

    Raises:
        InputError: ``max_length`` outside 1 to 140.
    """

    def __init__(self, protocol: Protocol, max_length: int = MAX_PAYLOAD_BYTES) -> None:
        self.protocol = protocol
        self._rotors, self._words = rotors(protocol), _length_words(max_length)
        self._spectra = BandSpectra()
        longest = protocol.data_frames(max_length) * HOPS_PER_FRAME
        self._kept_hops = longest + 2 * _LONGEST_PLACE_HOPS + 3 * MARKER_HOPS
        self._hops = np.zeros((2 * self._kept_hops + _BLOCK_HOPS, BINS), np.complex128)
        self._rows = 0  # that are filled
        self._first_hop = 0  # of the first row, counted since the beginning
        self._searched_hop = 0  # start markers were looked for before this
        self._place: _Place | None = None  # that has not ended yet
        # What waits for its samples: by the hop at which they are there, then by age.
        self._waiting: list[tuple[int, int, _Place | _Candidate]] = []
        self._noted = 0
        self._free_hop = 0  # before this a packet was received

    def feed(self, samples: npt.NDArray[np.floating]) -> list[Packet]:
        """Take samples at 48 kHz, in any scale; packets that have become complete."""
        packets: list[Packet] = []
        for start in range(0, len(samples), _BLOCK_HOPS * HOP_SAMPLES):
            hops = self._spectra.feed(samples[start : start + _BLOCK_HOPS * HOP_SAMPLES])
            self._make_room(len(hops))
            self._hops[self._rows : self._rows + len(hops)] = hops
            self._rows += len(hops)
            packets += self._listen()
        return packets

    def finish(self) -> list[Packet]:
        """End the samples, and return packets whose end marker was cut."""
        return self.feed(np.zeros(2 * MARKER_HOPS * HOP_SAMPLES))

    def _make_room(self, hops: int) -> None:
        if self._rows + hops > len(self._hops):
            dropped = self._rows - self._kept_hops
            self._hops[: self._kept_hops] = self._hops[dropped : self._rows].copy()
            self._rows -= dropped
            self._first_hop += dropped

    def _listen(self) -> list[Packet]:
        """Go on as far as the spectra allow, in the order in which things become known."""
        known_hop = self._first_hop + self._rows
        last = known_hop - MARKER_HOPS
        if last > self._searched_hop:
            base = self._first_hop
            likeness = marker_likeness(self._hops, self._searched_hop - base, last - base, False)
            for hop, value in enumerate(likeness.tolist(), self._searched_hop):
                self._mark(hop, value >= START_LIKENESS)
            self._searched_hop = last
        packets = []
        while self._waiting and self._waiting[0][0] <= known_hop:
            due_hop, _, waiting = heapq.heappop(self._waiting)
            if isinstance(waiting, _Place):
                self._search(waiting, due_hop)
            elif waiting.data_hop >= self._free_hop:
                better = self._better(waiting)
                if better is not None:
                    self._note(better.due_hop, waiting)
                elif packet := self._decode(waiting):
                    packets.append(packet)
        return packets

    def _note(self, due_hop: int, waiting: _Place | _Candidate) -> None:
        self._noted += 1
        heapq.heappush(self._waiting, (due_hop, self._noted, waiting))

    def _better(self, candidate: _Candidate) -> _Candidate | None:
        """Return a likelier packet that has not come to its end yet, within which this one is."""
        for _, _, other in self._waiting:
            if (
                isinstance(other, _Candidate)
                and other.data_hop <= candidate.data_hop
                and other.due_hop >= candidate.due_hop
                and other.likeness > candidate.likeness
            ):
                return other
        return None

    def _mark(self, hop: int, like: bool) -> None:
        """Note whether the samples from a hop on look like a start marker."""
        if like:
            self._place = _Place(hop if self._place is None else self._place.first, hop)
        place = self._place
        if place and (hop - place.last >= _MARGIN_HOPS or hop - place.first >= _LONGEST_PLACE_HOPS):
            self._place = None
            chunk_hops = self.protocol.frames_per_chunk * HOPS_PER_FRAME
            self._note(hop + _MARGIN_HOPS + MARKER_HOPS + chunk_hops, place)

    def _search(self, place: _Place, now_hop: int) -> None:
        """Note the likeliest lengths of a packet whose start marker begins at this place."""
        first = max(place.first - _MARGIN_HOPS, 0) + MARKER_HOPS
        last = place.last + _MARGIN_HOPS + MARKER_HOPS
        base = self._first_hop
        likeness, words = length_likeness(
            self._hops, first - base, last - base, self._rotors, np.ones(BINS), self._words
        )
        followed: set[int] = set()
        for tried in np.argsort(-likeness, axis=None, kind="stable"):
            hop, skew = np.unravel_index(tried, likeness.shape)
            length = int(words[hop, skew]) + 1
            like = float(likeness[hop, skew])
            if like < max(LEAST_LENGTH_SHARE, _RIVAL * likeness.max()) or len(followed) == _LENGTHS:
                break
            if length not in followed:
                followed.add(length)
                data_hop = first + int(hop)
                end_hop = data_hop + self.protocol.data_frames(length) * HOPS_PER_FRAME
                due_hop = max(now_hop, end_hop + _NEAR_HOPS + MARKER_HOPS)
                self._note(due_hop, _Candidate(length, data_hop, due_hop, like))

    def _decode(self, candidate: _Candidate) -> Packet | None:
        """Return the packet, if it leaves no doubt."""
        length, chunks = candidate.length, chunk_count(candidate.length)
        near, base = candidate.data_hop - _NEAR_HOPS, self._first_hop
        gains = self._gains(candidate.data_hop - MARKER_HOPS - base)
        sharp = sharpness(
            self._hops, near - base, near - base + 2 * _NEAR_HOPS + 1, chunks, self._rotors, gains
        )
        place, skew = np.unravel_index(np.argmax(sharp), sharp.shape)
        start = near + int(place)
        end = start + chunks * self.protocol.frames_per_chunk * HOPS_PER_FRAME
        begin = start - MARKER_HOPS
        start_like = marker_likeness(self._hops, begin - base, begin - base + 1, False)[0]
        end_like = marker_likeness(self._hops, end - base, end - base + 1, True)[0]
        if end_like < max(END_LIKENESS, _END_OF_START * start_like) or start_like + end_like < BOTH_LIKENESS:
            return None
        shares = chunk_energies(self._hops, start - base, chunks, self._rotors[skew], gains)
        to_shares(shares)
        read = read_payload(shares.reshape(-1, 2, 16)[1 + LENGTH_PARITY :], length)
        if read is None or read[1] < LEAST_SHARE:
            return None
        self._free_hop = end
        return Packet(
            read[0],
            begin * HOP_SAMPLES / SAMPLE_RATE_HZ,
            (end + MARKER_HOPS) * HOP_SAMPLES / SAMPLE_RATE_HZ,
            read[1],
            SKEWS_PPM[int(skew)],
        )

    def _gains(self, row: int) -> npt.NDArray[np.float64]:
        """Return the gain of each bin's energy, 1 but where something else than the packet sounds.

        That shows during the start marker, in the bins that it does not use; it counts where it is loud
        against the other bins and against the marker.
        """
        frames = self._hops[row : row + MARKER_HOPS : HOPS_PER_FRAME]
        energies = (frames.real**2 + frames.imag**2).mean(axis=0)
        quiet = np.ones(BINS, bool)
        quiet[marker_bins(end=False)] = False
        expected = _INTERFERENCE * np.median(energies[quiet]) + _FAINT * energies[~quiet].mean()
        loud = quiet & (energies > expected)
        return np.where(loud, expected / np.where(loud, energies, 1.0), 1.0)


@functools.cache
def _length_words(max_length: int) -> npt.NDArray[np.intp]:
    """Return tones of the first chunk for every length, (lengths, 6)."""
    if not 1 <= max_length <= MAX_PAYLOAD_BYTES:
        raise InputError(f"max_length = {max_length}: expected 1 to {MAX_PAYLOAD_BYTES} bytes")
    return np.concatenate([nibbles_of(chunks_of(bytes(n))[:1]) for n in range(1, max_length + 1)])
