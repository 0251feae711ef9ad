"""Which touch of this frame is which of the last: tracks, matched at the least total squared distance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller.configuration import MAX_TOUCHES
from stampbench.firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]

TRACK_DTYPE = np.dtype(
    [
        ("live", np.int64),  # 1: this slot follows a touch
        ("id", np.int64),  # as reported; -1 = not reported
        ("age", np.int64),  # frames in which it was seen
        ("wait", np.int64),  # frames its report waits beyond the debounce
        ("missing", np.int64),  # frames since it was last seen
        ("x_mm", np.float64),  # as located in the last frame that saw it
        ("y_mm", np.float64),
        ("smooth_x_mm", np.float64),  # after the position filter
        ("smooth_y_mm", np.float64),
        ("size_mm", np.float64),
        ("reported_x_mm", np.float64),  # where movement hysteresis holds it
        ("reported_y_mm", np.float64),
        ("still", np.int64),  # frames without reported movement
    ]
)
"""One touch, followed from frame to frame."""


def new_tracks() -> npt.NDArray[np.void]:
    """Return empty tracks, shape (MAX_TOUCHES,)."""
    return np.zeros(MAX_TOUCHES, TRACK_DTYPE)


@kernel
def assign(cost: Array, n: int, m: int) -> npt.NDArray[np.int64]:
    """Return for each of the first ``n`` rows the column that gives the least total cost; n <= m.

    Shortest augmenting paths with dual potentials (Jonker and Volgenant, Computing 38, 1987); O(n^2 m).

    Args:
        cost: at least (n, m), finite.
        n: rows to assign.
        m: columns to choose from.
    """
    row_price = np.zeros(n + 1)
    col_price = np.zeros(m + 1)
    owner = np.zeros(m + 1, np.int64)  # row that holds a column, from 1; 0 = free
    before = np.zeros(m + 1, np.int64)
    nearest = np.empty(m + 1)
    done = np.empty(m + 1, np.bool_)
    for i in range(1, n + 1):
        owner[0] = i
        col = 0
        for j in range(m + 1):
            nearest[j] = np.inf
            done[j] = False
        while owner[col] != 0:
            done[col] = True
            row = owner[col]
            step = np.inf
            following = 0
            for j in range(1, m + 1):
                if done[j]:
                    continue
                reduced = cost[row - 1, j - 1] - row_price[row] - col_price[j]
                if reduced < nearest[j]:
                    nearest[j] = reduced
                    before[j] = col
                if nearest[j] < step:
                    step = nearest[j]
                    following = j
            for j in range(m + 1):
                if done[j]:
                    row_price[owner[j]] += step
                    col_price[j] -= step
                else:
                    nearest[j] -= step
            col = following
        while col != 0:
            owner[col] = owner[before[col]]
            col = before[col]
    chosen = np.empty(n, np.int64)
    for j in range(1, m + 1):
        if owner[j] > 0:
            chosen[owner[j] - 1] = j - 1
    return chosen


@kernel
def _begin(track: np.void, blob: np.void) -> None:
    """Open a track at a blob, not yet seen."""
    track["live"] = 1
    track["id"] = -1
    track["age"] = 0
    track["wait"] = blob["wait"]
    track["still"] = 0
    track["smooth_x_mm"] = blob["x_mm"]
    track["smooth_y_mm"] = blob["y_mm"]


@kernel
def _continue(track: np.void, blob: np.void, weight: float, reach_mm: float) -> None:
    """Move a track to the blob of this frame."""
    track["age"] += 1
    track["missing"] = 0
    track["x_mm"] = blob["x_mm"]
    track["y_mm"] = blob["y_mm"]
    track["size_mm"] = blob["size_mm"]
    dx = blob["x_mm"] - track["smooth_x_mm"]
    dy = blob["y_mm"] - track["smooth_y_mm"]
    if math.sqrt(dx * dx + dy * dy) > reach_mm:
        weight = 1.0
    track["smooth_x_mm"] += weight * dx
    track["smooth_y_mm"] += weight * dy


@kernel
def follow(
    blobs: npt.NDArray[np.void], n: int, tracks: npt.NDArray[np.void], params: npt.NDArray[np.void]
) -> int:
    """Continue, begin and drop tracks by the touches of a frame; return how many are live.

    Squared distances are cut at the gate, so a pair beyond it costs what leaving both alone costs, and the
    full assignment of least cost is the best partial one. A track that was never reported is dropped when it
    is missed once: its frames must be consecutive. The others are dropped after their lift is reported.

    Args:
        blobs: of BLOB_DTYPE, the first ``n`` hold a touch; large objects are passed over.
        n: how many.
        tracks: (MAX_TOUCHES,) of TRACK_DTYPE, updated.
        params: record of settings.parameters.
    """
    p = params[0]
    slots = np.empty(tracks.shape[0], np.int64)
    old = 0
    for s in range(tracks.shape[0]):
        if tracks[s]["live"] == 1:
            slots[old] = s
            old += 1
    seen = np.empty(n, np.int64)
    new = 0
    for b in range(n):
        if blobs[b]["large"] == 0:
            seen[new] = b
            new += 1
    if old == 0 and new == 0:
        return 0

    gate = p["gate_mm"] * p["gate_mm"]
    turned = old > new  # rows are the fewer of the two
    cost = np.empty((min(old, new), max(old, new)))
    for i in range(old):
        for j in range(new):
            dx = tracks[slots[i]]["x_mm"] - blobs[seen[j]]["x_mm"]
            dy = tracks[slots[i]]["y_mm"] - blobs[seen[j]]["y_mm"]
            square = min(dx * dx + dy * dy, gate)
            if turned:
                cost[j, i] = square
            else:
                cost[i, j] = square
    chosen = assign(cost, cost.shape[0], cost.shape[1])
    source = np.zeros(tracks.shape[0], np.int64)  # the blob that a track continues with, from 1; 0 = none
    taken = np.zeros(new, np.bool_)
    for k in range(chosen.shape[0]):
        if cost[k, chosen[k]] < gate:
            i = chosen[k] if turned else k
            j = k if turned else chosen[k]
            source[slots[i]] = seen[j] + 1
            taken[j] = True

    free = 0
    for j in range(new):
        if taken[j] or blobs[seen[j]]["lands"] == 0:
            continue
        while free < tracks.shape[0] and tracks[free]["live"] == 1:
            free += 1
        if free == tracks.shape[0]:
            break
        _begin(tracks[free], blobs[seen[j]])
        source[free] = seen[j] + 1

    live = 0
    for s in range(tracks.shape[0]):
        track = tracks[s]
        if track["live"] == 0:
            continue
        if source[s] > 0:
            _continue(track, blobs[source[s] - 1], p["position_filter"], p["position_filter_reach_mm"])
        else:
            track["missing"] += 1
            if track["id"] < 0:
                track["live"] = 0
        live += track["live"]
    return live
