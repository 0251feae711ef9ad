"""The parts of rest noise, measured on frames of which some nodes cannot be trusted."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from stampbench.sim.panel.fit.recording import Recording

FEWEST_REST_FRAMES: Final = 10
"""With fewer, the noise is measured beside the touches of all frames."""
BESIDE_NODES: Final = (3, 2, 1)
"""A node this far from anything touched is at rest; the nearer where a small panel has none farther off."""
FEWEST_BESIDE: Final = 0.02
"""Part of all nodes and frames that must be at rest for its noise to be told."""


class RestNoise(NamedTuple):
    """Standard deviations over time, counts; same definitions as ``noise_split``.

    Attributes:
        noise_sd: of a node.
        tx_common_sd, rx_common_sd, frame_common_sd: of the mean of a TX line, of an RX line, of the frame.
        residual_sd: of a node about the mean of its TX line in the same frame.
    """

    noise_sd: float
    tx_common_sd: float
    rx_common_sd: float
    frame_common_sd: float
    residual_sd: float


def noise_of(record: Recording) -> RestNoise | None:
    """Return noise of a recording, split into its parts; None where no node is ever at rest."""
    moving, use = resting(record)
    if not use.any():
        return None
    tx = mean(moving, use, 2)
    return RestNoise(
        noise_sd=float(moving[use].std()),
        tx_common_sd=_sd_of_means(tx, use, 2),
        rx_common_sd=_sd_of_means(mean(moving, use, 1), use, 1),
        frame_common_sd=_sd_of_means(mean(moving, use, (1, 2)), use, (1, 2)),
        residual_sd=float((moving - tx)[use].std()),
    )


def resting(record: Recording) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return what moves at rest, counts (frames, TX lines in use, cols), and where it is to be believed.

    Frames at rest, or, where there are too few, the nodes beside the touches of all frames.
    """
    lines = record.lines
    if record.rest.sum() >= FEWEST_REST_FRAMES:
        deltas, use = record.deltas[record.rest][:, lines], record.trusted[record.rest][:, lines]
    else:
        deltas, use = record.deltas[:, lines], _beside_touches(record)[:, lines]
    use = use & (use.sum(axis=0) >= 2)
    values: npt.NDArray[np.float64] = deltas.astype(np.float64)
    return values - mean(values, use, 0), use


def mean(
    values: npt.NDArray[np.float64], use: npt.NDArray[np.bool_], axis: int | tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return the mean of the values in use along an axis, which is kept; 0 where none is in use."""
    total = np.where(use, values, 0.0).sum(axis=axis, keepdims=True)
    result: npt.NDArray[np.float64] = total / np.maximum(use.sum(axis=axis, keepdims=True), 1)
    return result


def _sd_of_means(
    means: npt.NDArray[np.float64], use: npt.NDArray[np.bool_], axis: int | tuple[int, ...]
) -> float:
    """Return the standard deviation of means that rest on at least half of the most nodes any of them has."""
    count = use.sum(axis=axis, keepdims=True)
    return float(means[count >= max(1, count.max() // 2)].std())


def _beside_touches(record: Recording) -> npt.NDArray[np.bool_]:
    busy = np.abs(record.deltas) > 5.0 * record.noise_sd
    for far in BESIDE_NODES:
        near = np.ones((1, 2 * far + 1, 2 * far + 1), bool)
        beside: npt.NDArray[np.bool_] = record.trusted & ~ndimage.binary_dilation(busy, structure=near)
        if beside.mean() >= FEWEST_BESIDE:
            break
    return beside
