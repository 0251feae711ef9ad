"""Which nodes belong to which touch: areas above a level, and the peaks in them that stand apart.

Nodes are taken from the highest down. A node with no neighbour yet opens a peak; one between two areas joins
them, and the lower of their peaks remains a touch of its own only if it stands high enough above that
saddle; diagonal nodes are neighbours. The "threshold" segmenter merges at any height, so that every area is
one touch, and areas that meet at a corner alone stay apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller.configuration import MAX_TOUCHES
from stampbench.firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]

BLOB_DTYPE = np.dtype(
    [
        ("row", np.int64),  # node of the peak
        ("col", np.int64),
        ("peak", np.float64),  # counts
        ("lands", np.int64),  # 1: may begin a contact; 0: may only continue one
        ("large", np.int64),  # 1: part of an object too large for a touch
        ("wait", np.int64),  # frames that a landing here waits beyond the debounce
        ("nodes", np.int64),  # of the connected area the peak lies in:
        ("maxima", np.int64),  # local maxima
        ("peaks", np.int64),  # maxima that are touches of their own
        ("sum", np.float64),  # counts above the leave threshold
        ("sum_col", np.float64),  # the same, weighted with the column
        ("sum_row", np.float64),
        ("x_mm", np.float64),  # filled by centroid.locate
        ("y_mm", np.float64),
        ("size_mm", np.float64),
    ]
)
"""One touch candidate of a frame."""


def new_blobs() -> npt.NDArray[np.void]:
    """Return room for the touches of a frame, shape (MAX_TOUCHES,)."""
    return np.zeros(MAX_TOUCHES, BLOB_DTYPE)


@kernel
def _root(parent: npt.NDArray[np.int64], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def _track_near(tracks: npt.NDArray[np.void], node: int, cols: int, params: npt.NDArray[np.void]) -> int:
    """Return the nearest track that was on a node or beside it in the last frame, -1 if there is none."""
    p = params[0]
    row, col = node // cols, node % cols
    near, least = -1, 2.25  # square of one and a half pitches
    for s in range(tracks.shape[0]):
        if tracks[s]["live"] == 1 and tracks[s]["missing"] == 0:
            dx = tracks[s]["x_mm"] / p["pitch_x_mm"] - 0.5 - col
            dy = tracks[s]["y_mm"] / p["pitch_y_mm"] - 0.5 - row
            if dx * dx + dy * dy < least:
                near, least = s, dx * dx + dy * dy
    return near


@kernel
def _were_apart(
    tracks: npt.NDArray[np.void], one: int, other: int, cols: int, params: npt.NDArray[np.void]
) -> bool:
    """Say whether the peaks on two nodes were touches of their own in the last frame."""
    first, second = _track_near(tracks, one, cols, params), _track_near(tracks, other, cols, params)
    return first >= 0 and second >= 0 and first != second


@kernel
def find_touches(
    signal: Array,
    noisy: npt.NDArray[np.bool_],
    tracks: npt.NDArray[np.void],
    blobs: npt.NDArray[np.void],
    params: npt.NDArray[np.void],
) -> int:
    """Fill ``blobs`` with the touches of a frame, highest first; return their number.

    A peak whose neighbours do not rise with it is a stuck node and left out. Large objects stay in, marked,
    because they freeze the baseline. Over a wet panel nothing lands.

    Args:
        signal: (rows, cols) counts.
        noisy: (cols,) RX lines on which a landing waits.
        tracks: touches followed so far: peaks that were apart stay so more easily than others part.
        blobs: (MAX_TOUCHES,) of BLOB_DTYPE, filled.
        params: record of settings.parameters.
    """
    p = params[0]
    rows, cols = signal.shape
    level = p["leave_threshold"]
    diagonal = p["segmenter"] == 0
    order = np.empty(rows * cols, np.int64)
    active = 0
    wet = 0
    for r in range(rows):
        for c in range(cols):
            if signal[r, c] >= level:
                order[active] = r * cols + c
                active += 1
            elif signal[r, c] < -p["water_threshold"]:
                wet += 1
    if active == 0:
        return 0
    may_land = p["water_nodes"] == 0 or wet < p["water_nodes"]

    for i in range(1, active):  # insertion sort, highest first; equal nodes stay in scan order
        node = order[i]
        value = signal[node // cols, node % cols]
        j = i
        while j > 0 and signal[order[j - 1] // cols, order[j - 1] % cols] < value:
            order[j] = order[j - 1]
            j -= 1
        order[j] = node

    # From here on a node goes by its rank in that order, and an area by the rank of its highest node.
    rank = np.empty(rows * cols, np.int64)
    for node in range(rows * cols):
        rank[node] = -1
    parent = np.empty(active, np.int64)
    apart = np.zeros(active, np.bool_)  # a peak that is a touch of its own
    counts = np.zeros((active, 3), np.int64)  # of an area: nodes, maxima, peaks
    sums = np.zeros((active, 3))  # of an area: counts above the level, by column, by row
    for i in range(active):
        row = order[i] // cols
        col = order[i] % cols
        value = signal[row, col]
        home = -1
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(col - 1, 0), min(col + 2, cols)):
                neighbour = rank[r * cols + c]
                if neighbour < 0 or (r != row and c != col and not diagonal):
                    continue
                root = _root(parent, neighbour)
                if home < 0:
                    home = root
                if root == home:
                    continue
                lower = max(root, home)
                home = min(root, home)
                peak = signal[order[lower] // cols, order[lower] % cols]
                depth = max(p["merge_threshold"], p["merge_ratio"] * peak)
                if p["merge_hysteresis"] > 0.0 and not _were_apart(
                    tracks, order[lower], order[home], cols, params
                ):
                    depth += p["merge_hysteresis"]
                if p["segmenter"] == 1 or peak - value < depth:
                    counts[lower, 2] -= 1
                    apart[lower] = False
                parent[lower] = home
                for k in range(3):
                    counts[home, k] += counts[lower, k]
                    sums[home, k] += sums[lower, k]
        if home < 0:
            home = i
            counts[i, 1] = 1
            counts[i, 2] = 1
            apart[i] = True
        rank[order[i]] = i
        parent[i] = home
        counts[home, 0] += 1
        sums[home, 0] += value - level
        sums[home, 1] += (value - level) * col
        sums[home, 2] += (value - level) * row

    n = 0
    for i in range(active):
        if not apart[i] or n == blobs.shape[0]:
            continue
        row = order[i] // cols
        col = order[i] % cols
        peak = signal[row, col]
        beside = 0.0
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(col - 1, 0), min(col + 2, cols)):
                if r != row or c != col:
                    beside = max(beside, signal[r, c])
        if beside < p["impulse_ratio"] * peak:
            continue
        root = _root(parent, i)
        large = p["large_object_nodes"] > 0 and counts[root, 0] > p["large_object_nodes"] * counts[root, 2]
        blob = blobs[n]
        blob["row"] = row
        blob["col"] = col
        blob["peak"] = peak
        blob["lands"] = 1 if may_land and peak >= p["touch_threshold"] else 0
        blob["large"] = 1 if large else 0
        blob["wait"] = p["rx_line_filter_debounce"] if noisy[col] else 0
        blob["nodes"] = counts[root, 0]
        blob["maxima"] = counts[root, 1]
        blob["peaks"] = counts[root, 2]
        blob["sum"] = sums[root, 0]
        blob["sum_col"] = sums[root, 1]
        blob["sum_row"] = sums[root, 2]
        n += 1
    return n
