"""What is what in a recording of raw frames: rest level, sign, faulty nodes, rest and touched frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from stampbench.firmware_emulator.errors import InputError

Deltas = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

REST_SD: Final = 6.0
"""A frame at rest has no node farther from its rest level (measured: p99.9 is 3.5 sd, Nexus 5)."""
STUCK_SHARE: Final = 0.1
"""Part of a node that a neighbour shows at least; a pad of 4 mm on the middle of a 4.1 mm node gives 0.12."""
LANDED_SHARE: Final = 0.4
"""Frames and contacts below this part of a full touch are still landing or already lifting."""
LATE_LINE_SHARE: Final = 0.02
"""A line that repeats the previous read more often belongs to the torn part of the read-out."""
FEWEST_FREE_FRAMES: Final = 5
"""Frames outside the ranges known to show an object from which a rest level may be taken."""
MOST_LEVEL_FRAMES: Final = 400
"""Frames, evenly spread, from which the first rest level is taken."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Frames as signed deltas from the untouched state, a touch positive, each node with its trust.

    Attributes:
        deltas: counts, shape (frames, rows, cols); repeated frames left out.
        trusted: False where a node is stuck or repeats the previous read, same shape.
        lines: TX lines that are never read late, shape (rows,).
        kept: number of each frame in the recording as it was given.
        rest: frames without touch, as are their neighbours, shape (frames,).
        landed: frames with a touch in full contact, shape (frames,).
        noise_sd: first estimate of a node's noise, counts.
        full_touch: 95th percentile of the highest node of touched frames, counts; 0 where nothing touches.
        given_frames: how many frames there were with the repeated ones.
    """

    deltas: Deltas
    trusted: Flags
    lines: Flags
    kept: npt.NDArray[np.int64]
    rest: Flags
    landed: Flags
    noise_sd: float
    full_touch: float
    given_frames: int

    def median(self, first: int, last: int, name: str) -> npt.NDArray[np.float64]:
        """Return the median (rows, cols) of the frames ``first .. last - 1``, faulty nodes mended.

        Raises:
            InputError: the range is empty or outside the recording.
        """
        if not 0 <= first < last <= self.given_frames:
            raise InputError(f"{name} {first}:{last}: expected a range within 0:{self.given_frames}")
        chosen = (self.kept >= first) & (self.kept < last)
        if not chosen.any():  # all of them repeat the frame before
            chosen[np.searchsorted(self.kept, first, side="right") - 1] = True
        values = np.where(self.trusted[chosen], self.deltas[chosen], np.nan)
        blind = ~self.trusted[chosen].any(axis=0)
        values[:, blind] = self.deltas[chosen][:, blind]
        image = np.nanmedian(values, axis=0).astype(np.float64)
        return mended(image, isolated(image[None], 6.0 * self.noise_sd)[0])


def recording(frames: npt.ArrayLike, touched: Sequence[tuple[int, int]] = ()) -> Recording:
    """Sort out a recording.

    Args:
        frames: shape (frames, rows, cols): deltas, or raw values that rise or fall under a touch.
        touched: ranges of frames (last not included) that are known to show an object.

    Raises:
        InputError: not three axes, fewer than two frames, lines or columns, or values that are not finite.
    """
    given = np.asarray(frames)
    if given.ndim != 3 or given.dtype.kind not in "iufb" or min(given.shape) < 2:
        raise InputError(
            f"frames of shape {given.shape} and type {given.dtype}: expected numbers of shape "
            "(frames, rows, cols), at least two of each"
        )
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise InputError("frames: values that are not finite; expected numbers")
    new = np.concatenate([[True], (given[1:] != given[:-1]).any(axis=(1, 2))])
    kept = np.flatnonzero(new)
    raw = given[kept].astype(np.float32)
    stale = stale_lines(raw)
    lines = stale.mean(axis=0) <= LATE_LINE_SHARE
    if lines.mean() < 1 / 3:  # not a torn read-out, whatever it is
        lines[:] = True

    free = np.ones(len(raw), bool)
    for first, last in touched:
        free &= (kept < first) | (kept >= last)
    level = first_level(raw[free] if free.sum() >= FEWEST_FREE_FRAMES else raw)
    noise_sd = temporal_sd(raw)
    sign = 1.0
    rest = np.zeros(len(raw), bool)
    for _ in range(3):
        deltas: Deltas = raw - level
        trusted = ~stale[:, :, None] & ~isolated(deltas, REST_SD * noise_sd)
        seen = np.where(trusted, deltas, np.float32(0.0))
        sign = polarity(seen, noise_sd)
        activity = np.abs(seen[:, lines]).max(axis=(1, 2))
        rest = quiet(activity, REST_SD * noise_sd)
        if rest.sum() < 5:
            break
        # Lines that are read late may still show a touch that other lines have seen the end of.
        weights = trusted[rest] & (np.abs(deltas[rest]) <= REST_SD * noise_sd)
        count = weights.sum(axis=0)
        mean = np.where(weights, raw[rest], 0.0).sum(axis=0) / np.maximum(count, 1)
        level = np.where(count > 0, mean, level).astype(np.float32)
        within = (raw[rest] - level)[:, lines][trusted[rest][:, lines]]
        noise_sd = max(float(within.std()), 1e-3)
    deltas = (raw - level) * np.float32(sign)
    highest = np.where(trusted, deltas, np.float32(0.0)).max(axis=(1, 2))
    clear = highest[highest > 2.0 * REST_SD * noise_sd]
    full_touch = float(np.percentile(clear, 95)) if clear.size else 0.0
    landed = (highest > LANDED_SHARE * full_touch) & (full_touch > 0.0)
    return Recording(deltas, trusted, lines, kept, rest, landed & ~rest, noise_sd, full_touch, len(given))


def stale_lines(raw: Deltas) -> Flags:
    """Find TX lines at the edge that repeat the previous read: a torn read-out. Shape (frames, rows).

    Lines of one value in all frames carry no noise by which a repetition could be told.
    """
    same = np.zeros(raw.shape[:2], bool)
    same[1:] = (raw[1:] == raw[:-1]).all(axis=2) & (np.ptp(raw[1:], axis=2) > 0)
    from_top = np.logical_and.accumulate(same, axis=1)
    from_bottom = np.logical_and.accumulate(same[:, ::-1], axis=1)[:, ::-1]
    stale: Flags = from_top | from_bottom
    return stale


def first_level(raw: Deltas) -> Deltas:
    """Return each node's untouched level, before rest frames are known; 0 where deltas were recorded.

    Raw values stand far from zero on every node, and differ from node to node by more than they move.
    """
    some = raw[np.unique(np.linspace(0, len(raw) - 1, MOST_LEVEL_FRAMES).astype(int))]
    level: Deltas = np.median(some, axis=0).astype(np.float32)
    swing = float(np.percentile(np.abs(some - level), 99.9))
    sd = temporal_sd(raw)
    near_zero = float(np.median(np.abs(level))) <= max(3.0 * sd, 0.02 * swing) and (
        float(np.percentile(np.abs(level), 75)) <= max(4.0 * sd, 0.1 * swing)
    )
    return np.zeros_like(level) if near_zero else level


def temporal_sd(raw: Deltas) -> float:
    """Return the noise of a node from differences of successive frames, touches clipped away, counts."""
    some = raw[:2000]
    differences = np.abs(np.diff(some, axis=0)).ravel()
    sd = float(np.percentile(differences, 68.0))
    for _ in range(10):
        inner = differences[differences <= max(4.0 * sd, 1.0)]
        sd = float(np.sqrt(np.mean(inner.astype(np.float64) ** 2)))
    return max(sd / np.sqrt(2.0), 1e-3)


def isolated(deltas: npt.NDArray[np.floating], floor: float) -> Flags:
    """Find nodes beyond ``floor`` counts that no neighbour supports: stuck ones. Same shape."""
    size = np.abs(deltas)
    ring = np.ones((1, 3, 3), bool)
    ring[0, 1, 1] = False
    around = ndimage.maximum_filter(size, footprint=ring, mode="constant")
    lone: Flags = (size > floor) & (around < np.maximum(STUCK_SHARE * size, 0.5 * floor))
    return lone


def polarity(seen: Deltas, noise_sd: float) -> float:
    """Return +1 where touches raise the values, -1 where they lower them.

    The sums decide: ghosts of a released object may be deeper than any touch is high, but add up to nothing.
    """
    clear = np.where(np.abs(seen) > REST_SD * noise_sd, seen, np.float32(0.0)).sum(axis=(1, 2))
    return -1.0 if np.percentile(-clear, 95) > np.percentile(clear, 95) else 1.0


def quiet(activity: npt.NDArray[np.floating], limit: float) -> Flags:
    """Find frames below the limit whose neighbours in time are too, if enough remain: (frames,)."""
    calm = activity <= limit
    padded = np.concatenate([[True], calm, [True]])
    guarded: Flags = padded[:-2] & calm & padded[2:]
    return guarded if guarded.sum() >= min(20, calm.sum()) else calm


def mended(image: npt.NDArray[np.float64], faulty: Flags) -> npt.NDArray[np.float64]:
    """Return the image with faulty nodes replaced by the mean of their sound neighbours."""
    weight = (~faulty).astype(np.float64)
    ring = np.ones((3, 3))
    total = ndimage.convolve(image * weight, ring, mode="constant")
    count = ndimage.convolve(weight, ring, mode="constant")
    result: npt.NDArray[np.float64] = np.where(faulty, total / np.maximum(count, 1.0), image)
    return result
