"""Contacts of a frame as elliptical Gaussian blobs with soft saturation, fitted jointly by least squares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PEAK_SHARE: Final = 0.25
"""A local maximum below this part of a full touch is no contact of its own."""
REMAINDER_SHARE: Final = 0.12
"""A remainder of this part of a full touch asks for one more blob."""
GOOD_R2: Final = 0.98
"""Above it no further blobs are tried."""
MOST_BLOBS: Final = 24
ROUNDS: Final = 4
APART_NODES: Final = 6.0
"""Blobs whose centres are nearer are fitted together."""
START_SD: Final = 0.85
"""In pitches: a finger's (measured: 0.80-0.95, Nexus 5; 0.84-1.43 by size of the contact, mXT2954T2)."""
WINDOW_SD: Final = 3.5
LEAST_WINDOW: Final = 3.0
STUCK_SD: Final = 10.0

# Columns of a table of blobs. A blob is A exp(-(p^2 + q^2) / 2), p = a dx + b dy, q = d dy, in nodes from its
# centre; saturated it is S tanh(blob / S).
AMPLITUDE, ROW, COL, A, B, D = range(6)


class FrameFit(NamedTuple):
    """What the blobs of one frame say.

    Attributes:
        blobs: shape (n, 6): amplitude (counts before saturation), row, column (nodes), a, b, d (1 / nodes).
        synthetic: the frame they give, shape (rows, cols), counts.
        r2: 1 - residual / variation of the recorded frame, over trusted nodes.
        trusted: the nodes given as trusted, less those found stuck beside a blob.
    """

    blobs: Floats
    synthetic: Floats
    r2: float
    trusted: Flags

    @property
    def sds(self) -> Floats:
        """Geometric mean of each blob's two standard deviations, pitches."""
        result: Floats = 1.0 / np.sqrt(np.abs(self.blobs[:, A] * self.blobs[:, D]))
        return result


def render(blobs: Floats, shape: tuple[int, int], saturation: float = math.inf) -> Floats:
    """Return the frame of counts that the blobs give, shape (rows, cols)."""
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    return _images(blobs, rows.ravel(), cols.ravel(), saturation).sum(axis=0).reshape(shape)


def fit_frame(
    deltas: npt.NDArray[np.floating],
    trusted: Flags,
    full_touch: float,
    noise_sd: float,
    saturation: float = math.inf,
) -> FrameFit:
    """Find the contacts of a frame and fit all of them.

    Args:
        deltas: counts, a touch positive, shape (rows, cols).
        trusted: nodes to fit, same shape.
        full_touch: highest node under a full touch, counts.
        noise_sd: noise of a node, counts.
        saturation: counts that no contact exceeds.
    """
    frame = np.where(trusted, deltas, 0.0).astype(np.float64)
    trusted = trusted.copy()
    blobs = starts(frame, PEAK_SHARE * full_touch)
    remainder_floor = max(REMAINDER_SHARE * full_touch, 6.0 * noise_sd)
    synthetic = np.zeros(frame.shape)
    r2 = 0.0
    for attempt in range(ROUNDS):
        blobs = _fit_groups(frame, trusted, blobs, saturation)
        synthetic = render(blobs, _shape(frame), saturation)
        stuck = _stuck(frame - synthetic, trusted, max(STUCK_SD * noise_sd, PEAK_SHARE * full_touch))
        if stuck.any():
            trusted &= ~stuck
            frame = np.where(trusted, deltas, 0.0)
            blobs = _fit_groups(frame, trusted, blobs, saturation)
            synthetic = render(blobs, _shape(frame), saturation)
        r2 = share_explained(frame, synthetic, trusted)
        if r2 >= GOOD_R2 or attempt == ROUNDS - 1:
            break
        more = starts(np.where(trusted, frame - synthetic, 0.0), remainder_floor)[: MOST_BLOBS - len(blobs)]
        if not len(more):
            break
        blobs = np.concatenate([blobs, more])
    return FrameFit(blobs, synthetic, r2, trusted)


def share_explained(frame: Floats, synthetic: Floats, trusted: Flags) -> float:
    """Return 1 - residual / variation about the mean, over trusted nodes."""
    recorded = frame[trusted]
    variation = float(((recorded - recorded.mean()) ** 2).sum()) if recorded.size else 0.0
    return 1.0 - float(((recorded - synthetic[trusted]) ** 2).sum()) / variation if variation > 0.0 else 0.0


def starts(frame: Floats, floor: float) -> Floats:
    """Return a blob for each local maximum of the smoothed frame above the floor, highest first: (n, 6)."""
    kernel = np.array([0.25, 0.5, 0.25])
    smooth = ndimage.convolve1d(
        ndimage.convolve1d(frame, kernel, axis=0, mode="nearest"), kernel, axis=1, mode="nearest"
    )
    tops = (smooth >= ndimage.maximum_filter(smooth, 3)) & (frame >= floor) & (smooth >= 0.4 * floor)
    rows, cols = np.nonzero(tops)
    blobs = np.empty((len(rows), 6))
    for blob, row, col in zip(blobs, rows, cols, strict=True):
        top, left = max(0, row - 1), max(0, col - 1)
        window = np.clip(frame[top : row + 2, left : col + 2], 0.0, None)
        total = window.sum()
        blob[AMPLITUDE] = 1.1 * window.max()
        blob[ROW] = top + window.sum(axis=1) @ np.arange(window.shape[0]) / total
        blob[COL] = left + window.sum(axis=0) @ np.arange(window.shape[1]) / total
        blob[[A, B, D]] = 1.0 / START_SD, 0.0, 1.0 / START_SD
    return blobs[np.argsort(-blobs[:, AMPLITUDE], kind="stable")][:MOST_BLOBS]


def _shape(frame: Floats) -> tuple[int, int]:
    return frame.shape[0], frame.shape[1]


def _parts(blobs: Floats, rows: Floats, cols: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return each blob's dx, dy, p, q and unit Gaussian at the nodes, all of shape (blobs, nodes)."""
    dx, dy = cols - blobs[:, COL, None], rows - blobs[:, ROW, None]
    p, q = blobs[:, A, None] * dx + blobs[:, B, None] * dy, blobs[:, D, None] * dy
    return dx, dy, p, q, np.exp(-0.5 * (p * p + q * q))


def _images(blobs: Floats, rows: Floats, cols: Floats, saturation: float) -> Floats:
    """Return counts of each blob at the nodes, shape (blobs, nodes)."""
    linear: Floats = blobs[:, AMPLITUDE, None] * _parts(blobs, rows, cols)[-1]
    return linear if math.isinf(saturation) else saturation * np.tanh(linear / saturation)


def _derivatives(blobs: Floats, rows: Floats, cols: Floats, saturation: float) -> Floats:
    """Return derivatives of :func:`_images` by the six parameters of each blob, shape (blobs, 6, nodes)."""
    dx, dy, p, q, shape = _parts(blobs, rows, cols)
    linear = blobs[:, AMPLITUDE, None] * shape
    by_row = linear * (blobs[:, B, None] * p + blobs[:, D, None] * q)
    by_col = linear * blobs[:, A, None] * p
    result = np.stack([shape, by_row, by_col, -linear * p * dx, -linear * p * dy, -linear * q * dy], axis=1)
    if math.isfinite(saturation):
        result *= (1.0 - np.tanh(linear / saturation) ** 2)[:, None]
    return result


def _groups(blobs: Floats) -> Iterator[npt.NDArray[np.intp]]:
    """Yield indices of blobs that stand so near that they are fitted together."""
    apart = np.hypot(blobs[:, None, ROW] - blobs[None, :, ROW], blobs[:, None, COL] - blobs[None, :, COL])
    first, second = np.nonzero(apart < APART_NODES)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(blobs), len(blobs)))
    count, labels = connected_components(graph, directed=False)
    for label in range(count):
        yield np.flatnonzero(labels == label)


def _fit_groups(frame: Floats, trusted: Flags, blobs: Floats, saturation: float) -> Floats:
    """Return least-squares fit of each group of blobs on the nodes around it, the other blobs as they are."""
    blobs = blobs.copy()
    rows, cols = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float64)
    for group in _groups(blobs) if len(blobs) else ():
        near = np.zeros(frame.shape, bool)
        for blob in blobs[group]:
            reach = max(LEAST_WINDOW, WINDOW_SD / math.sqrt(max(abs(blob[A] * blob[D]), 0.05)))
            near |= np.hypot(rows - blob[ROW], cols - blob[COL]) <= reach
        near &= trusted
        if near.sum() < 6 * len(group):
            continue
        others = np.delete(blobs, group, axis=0)
        rest = render(others, _shape(frame), saturation)[near] if len(others) else np.zeros(int(near.sum()))
        blobs[group] = _fit(frame[near] - rest, rows[near], cols[near], blobs[group], saturation)
    return blobs


def _fit(values: Floats, rows: Floats, cols: Floats, blobs: Floats, saturation: float) -> Floats:
    def residuals(flat: Floats) -> Floats:
        result: Floats = _images(flat.reshape(-1, 6), rows, cols, saturation).sum(axis=0) - values
        return result

    def jacobian(flat: Floats) -> Floats:
        return _derivatives(flat.reshape(-1, 6), rows, cols, saturation).reshape(flat.size, -1).T

    scale = np.tile([max(float(np.abs(values).max()), 1.0), 1.0, 1.0, 1.0, 1.0, 1.0], len(blobs))
    fitted = least_squares(
        residuals, blobs.ravel(), jacobian, method="lm", x_scale=scale, xtol=1e-3, ftol=1e-4, max_nfev=30
    ).x.reshape(-1, 6)
    # A blob that ran away from its nodes, shrank below a node or blew up explains nothing: keep its start.
    sane = (
        (np.hypot(fitted[:, ROW] - blobs[:, ROW], fitted[:, COL] - blobs[:, COL]) < 2.5)
        & (np.abs(fitted[:, A] * fitted[:, D]) < 25.0)
        & (np.abs(fitted[:, A] * fitted[:, D]) > 0.01)
        & np.isfinite(fitted).all(axis=1)
    )
    if sane.all():
        return np.asarray(fitted)
    return np.where(sane[:, None], fitted, blobs)


def _stuck(residual: Floats, trusted: Flags, floor: float) -> Flags:
    """Return nodes that stand out of the fitted frame alone, by three times more than any neighbour."""
    size = np.where(trusted, np.abs(residual), 0.0)
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    around = ndimage.maximum_filter(size, footprint=ring, mode="constant")
    alone: Flags = (size > floor) & (size > 3.0 * around)
    return alone
