"""What the panel reads when nothing touches it, followed slowly and never under a touch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]


@kernel
def calibrate(deltas: npt.NDArray[np.int16], baseline: Array, smooth: Array, frames: int) -> None:
    """Make ``baseline`` and ``smooth`` (rows, cols) the mean of the ``frames`` since power-up, this the last.

    What touches the panel meanwhile is taken for rest, until it lifts and anti-touch recalibration finds out.
    """
    rows, cols = deltas.shape
    for r in range(rows):
        for c in range(cols):
            baseline[r, c] += (float(deltas[r, c]) - baseline[r, c]) / frames
            smooth[r, c] = baseline[r, c]


@kernel
def track_baseline(
    baseline: Array,
    smooth: Array,
    signal: Array,
    touched: bool,
    wrong_frames: int,
    params: npt.NDArray[np.void],
) -> int:
    """Move ``baseline`` towards the present frame; return for how many frames it has looked wrong.

    The whole panel is held while anything touches it: a floating object lowers nodes far from its own, and
    a baseline that followed them there would leave ghosts behind. Nodes that stay far below rest with
    nothing on the glass mean that the baseline was taken under a touch: after ``antitouch_frames`` the frame
    becomes the baseline.

    Args:
        baseline: (rows, cols) counts, updated.
        smooth: (rows, cols) filtered deltas of this frame.
        signal: (rows, cols) deltas above the baseline, without common parts.
        touched: something is on the panel, reported or not.
        wrong_frames: what the last call returned.
        params: record of settings.parameters.
    """
    if touched:
        return 0
    p = params[0]
    rows, cols = baseline.shape
    below = 0
    for r in range(rows):
        for c in range(cols):
            if signal[r, c] < -p["antitouch_threshold"]:
                below += 1
    if p["antitouch_nodes"] > 0 and below >= p["antitouch_nodes"]:
        if wrong_frames + 1 < p["antitouch_frames"]:
            return wrong_frames + 1
        for r in range(rows):
            for c in range(cols):
                baseline[r, c] = smooth[r, c]
        return 0
    rate = p["baseline_rate"]
    most = p["baseline_step"]
    for r in range(rows):
        for c in range(cols):
            baseline[r, c] += min(max(rate * signal[r, c], -most), most)
    return 0


@kernel
def looks_as_made(smooth: Array, limit: float) -> bool:
    """Return whether every node reads as it did in the factory, up to what all have in common.

    Controllers store such a reference to tell a baseline that was taken under water, a hand or a film from a
    panel that is touched (Microchip maXTouch, object T66 "golden references").

    Args:
        smooth: (rows, cols) filtered deltas from the reference.
        limit: counts from their mean within which a node reads as untouched.
    """
    rows, cols = smooth.shape
    total = 0.0
    for r in range(rows):
        for c in range(cols):
            total += smooth[r, c]
    common = total / (rows * cols)
    for r in range(rows):
        for c in range(cols):
            if abs(smooth[r, c] - common) > limit:
                return False
    return True


@kernel
def recalibrate(baseline: Array, smooth: Array, as_made_frames: int, params: npt.NDArray[np.void]) -> int:
    """Give up a baseline that shows touches on a panel that is as made; return for how many frames it was.

    So no condition outlives itself: water that made the baseline and dries leaves no contacts behind. Where
    the first frames make the baseline there is no reference, and nothing is given up.

    Args:
        baseline: (rows, cols) counts, updated: after ``antitouch_frames`` the frame becomes the baseline.
        smooth: (rows, cols) filtered deltas of a frame in which something seems to touch.
        as_made_frames: what the last call returned.
        params: record of settings.parameters.
    """
    p = params[0]
    if p["calibration_frames"] > 0 or not looks_as_made(smooth, p["antitouch_threshold"]):
        return 0
    if as_made_frames + 1 < p["antitouch_frames"]:
        return as_made_frames + 1
    rows, cols = baseline.shape
    for r in range(rows):
        for c in range(cols):
            baseline[r, c] = smooth[r, c]
    return 0
