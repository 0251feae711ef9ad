"""The parts of rest noise, measured on frames of which some nodes cannot be trusted."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from stampbench.sim.panel.fit.recording import Recording

FEWEST_REST_FRAMES: Final = 10
"""With fewer, the noise is measured beside the touches of all frames."""
BESIDE_NODES: Final = 3
"""A node this far from anything touched is at rest."""


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
    lines = record.lines
    if record.rest.sum() >= FEWEST_REST_FRAMES:
        deltas, use = record.deltas[record.rest][:, lines], record.trusted[record.rest][:, lines]
    else:
        deltas, use = record.deltas[:, lines], _beside_touches(record)[:, lines]
    use = use & (use.sum(axis=0) >= 2)
    if not use.any():
        return None
    values: npt.NDArray[np.float64] = deltas.astype(np.float64)
    moving = values - mean(values, use, 0)
    tx = mean(moving, use, 2)
    return RestNoise(
        noise_sd=float(moving[use].std()),
        tx_common_sd=_sd_of_means(tx, use, 2),
        rx_common_sd=_sd_of_means(mean(moving, use, 1), use, 1),
        frame_common_sd=_sd_of_means(mean(moving, use, (1, 2)), use, (1, 2)),
        residual_sd=float((moving - tx)[use].std()),
    )


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
    near = np.ones((1, 2 * BESIDE_NODES + 1, 2 * BESIDE_NODES + 1), bool)
    busy = ndimage.binary_dilation(np.abs(record.deltas) > 5.0 * record.noise_sd, structure=near)
    beside: npt.NDArray[np.bool_] = record.trusted & ~busy
    return beside
