"""Noise of the panel: its parts, interference under a touch, and the kernels that turn signal into counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.field import Image
from stampbench.sim.panel.profile import NoiseFigures, Profile

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STRIPE_FULL_NODES: Final = 2.5
"""Covered nodes on one RX line for a stripe of full size: as many as the measured objects covered."""


@dataclass(frozen=True, slots=True)
class NoiseSplit:
    """The parts of rest noise as they are measured, defined as in ``NoiseFigures``.

    ``total_sd`` is the sd of a node over time; ``total_sd^2 = residual_sd^2 + tx_line_sd^2``.
    """

    total_sd: float
    residual_sd: float
    tx_line_sd: float
    rx_line_sd: float
    frame_sd: float
    static_sd: float


def noise_split(frames: npt.NDArray[np.int16] | F64) -> NoiseSplit:
    """Measure the parts of the noise on frames of an untouched panel, shape (frames, rows, cols), counts."""
    static = frames.mean(axis=0)
    moving = frames - static
    tx_lines = moving.mean(axis=2)
    return NoiseSplit(
        total_sd=float(moving.std()),
        residual_sd=float((moving - tx_lines[:, :, None]).std()),
        tx_line_sd=float(tx_lines.std()),
        rx_line_sd=float(moving.mean(axis=1).std()),
        frame_sd=float(moving.mean(axis=(1, 2)).std()),
        static_sd=float(static.std()),
    )


@dataclass(frozen=True, slots=True)
class NoiseParts:
    """Standard deviations of independent sources: of each node, TX line, RX line, and of the whole frame."""

    node_sd: float
    tx_sd: float
    rx_sd: float
    frame_sd: float


def noise_parts(figures: NoiseFigures, rows: int, cols: int, *, rounding: bool = True) -> NoiseParts:
    """Return independent sources that give the measured figures on a grid of ``rows`` x ``cols``.

    A measured line mean holds the frame's common part and a share of every other source; solving

        residual^2 = (node^2 + rx^2) (1 - 1 / cols)
        tx_line^2  = frame^2 + tx^2 + (node^2 + rx^2) / cols
        rx_line^2  = frame^2 + rx^2 + (node^2 + tx^2) / rows
        frame^2    = frame^2 + tx^2 / rows + rx^2 / cols + node^2 / (rows cols)

    for the sources gives their variances. ``rounding`` takes off the 1/12 that rounding to counts adds.

    Raises:
        InputError: figures that contradict each other, such as a frame that moves more than its lines.
    """
    node_and_rx = figures.residual_sd**2 / (1 - 1 / cols)
    node_and_tx = (figures.residual_sd**2 + figures.tx_line_sd**2 - figures.rx_line_sd**2) / (1 - 1 / rows)
    frame_and_tx = figures.tx_line_sd**2 - node_and_rx / cols
    frame_and_rx = figures.rx_line_sd**2 - node_and_tx / rows
    # node^2 = node_and_rx - rx^2 = node_and_rx - frame_and_rx + frame^2, put into the last equation
    node_less_frame = node_and_rx - frame_and_rx
    frame = (
        figures.frame_sd**2 - frame_and_tx / rows - frame_and_rx / cols - node_less_frame / (rows * cols)
    ) / (1 - 1 / rows - 1 / cols + 1 / (rows * cols))
    parts = {
        "frame_sd": frame,
        "tx_line_sd": frame_and_tx - frame,
        "rx_line_sd": frame_and_rx - frame,
        "residual_sd": node_less_frame + frame,
    }
    for key, variance in parts.items():
        # Figures are rounded to two places; a slightly negative variance means "none".
        if variance < -0.02 * figures.residual_sd**2:
            raise InputError(
                f"noise: {key} = {getattr(figures, key)!r} contradicts the other figures: "
                f"its own source would have the variance {variance:.3g}; expected a larger {key}"
            )
    node = parts["residual_sd"] - (1 / 12 if rounding else 0.0)
    return NoiseParts(
        node_sd=math.sqrt(max(0.0, node)),
        tx_sd=math.sqrt(max(0.0, parts["tx_line_sd"])),
        rx_sd=math.sqrt(max(0.0, parts["rx_line_sd"])),
        frame_sd=math.sqrt(max(0.0, parts["frame_sd"])),
    )


class Interference:
    """What enters on the RX lines under a touch: the display's stripes, a charger's bursts.

    Both reach the receivers through the body that touches, so a line feels them as far as it is touched and
    the touch is grounded. All receivers see one value while a TX line is scanned, another during the next.
    """

    def __init__(self, profile: Profile, condition: Condition, rng: np.random.Generator) -> None:
        self._stripe, self._charger = profile.stripe, profile.charger
        charger_sd = profile.charger.counts_per_v * condition.charger_v
        quiet = [sd * condition.stripe for sd in (profile.stripe.sd, profile.stripe.burst_sd)]
        self._sds = quiet, [math.hypot(sd, charger_sd) for sd in quiet]  # no burst of the charger, and in one
        self._rng = rng
        self._in_burst = False
        self._switch_us = rng.exponential(self._charger.pause_ms * 1000) if charger_sd else math.inf

    def level_sds(self, times_us: Ints) -> F64:
        """Return the deviation from TX line to TX line at each time, counts on a fully touched line."""
        sds = np.empty(len(times_us))
        done = 0
        while done < len(times_us):
            while times_us[done] >= self._switch_us:
                self._in_burst = not self._in_burst
                lasts_ms = self._charger.burst_ms if self._in_burst else self._charger.pause_ms
                self._switch_us += self._rng.exponential(lasts_ms * 1000)
            until = len(times_us) if self._switch_us == math.inf else done + 1
            bad = self._rng.random(until - done) < self._stripe.burst_share
            usual_sd, bad_sd = self._sds[self._in_burst]
            sds[done:until] = np.where(bad, bad_sd, usual_sd)
            done = until
        return sds


# Entries of `levels`, all counts unless named otherwise.
NODE_SD, TX_SD, RX_SD, FRAME_SD, DRIFT_PER_S, STRIPE_MEAN, STRIPE_FULL = range(7)
MEMORY_SHARE, MEMORY_TIME_S, COUNT_MIN, COUNT_MAX, SQUELCH = range(7, 12)
LEVELS: Final = 12


def draws_per_frame(rows: int, cols: int) -> int:
    """Count the draws :func:`add_noise` takes: nodes, TX lines, RX lines, frame, stripe per TX line."""
    return rows * cols + rows + cols + 1 + rows


@kernel
def quantise(counts: F64, levels: F64, deltas: npt.NDArray[np.int16]) -> None:
    """Round to integers, squelch small ones to 0, and clip to the converter's range."""
    rows, cols = counts.shape
    squelch, least, most = levels[SQUELCH], levels[COUNT_MIN], levels[COUNT_MAX]
    for r in range(rows):
        for c in range(cols):
            value = np.floor(counts[r, c] + 0.5)  # stays a float, unlike math.floor: several at a time
            value = 0.0 if abs(value) <= squelch else value
            deltas[r, c] = int(min(most, max(least, value)))


class Rest(NamedTuple):
    """What nodes read besides what touches them now, (rows, cols) counts each.

    Attributes:
        static: what never changes.
        memory: what past touches left, updated; it is subtracted.
    """

    static: F64
    memory: F64


@kernel
def add_noise(
    image: Image,
    rest: Rest,
    normals: F64,
    levels: F64,
    offset: float,
    memory_rate: float,
    stripe_sd: float,
    counts: F64,
) -> None:
    """Write ``counts``: signal, noise, stripes, drift and memory; the image is zero again afterwards.

    Args:
        image: what objects do in this scan, cleared.
        rest: of the nodes.
        normals: draws of this scan.
        levels: what stays from scan to scan.
        offset: common counts of this scan.
        memory_rate: share by which ``memory`` follows ``MEMORY_SHARE`` of the held image in this scan.
        stripe_sd: deviation from TX line to TX line in this scan.
        counts: (rows, cols) filled.
    """
    rows, cols = counts.shape
    tx = rows * cols
    rx = tx + rows
    whole = rx + cols
    line = whole + 1
    coupling, memory = image.coupling, rest.memory
    common = offset + levels[FRAME_SD] * normals[whole]
    for c in range(cols):
        coupling[c] = min(1.0, max(0.0, coupling[c] / levels[STRIPE_FULL]))
    for r in range(rows):
        of_row = common + levels[TX_SD] * normals[tx + r]
        stripe = levels[STRIPE_MEAN] + stripe_sd * normals[line + r]
        for c in range(cols):
            memory[r, c] += memory_rate * (levels[MEMORY_SHARE] * image.held[r, c] - memory[r, c])
            counts[r, c] = (
                image.signal[r, c]
                - memory[r, c]
                + rest.static[r, c]
                + of_row
                + levels[RX_SD] * normals[rx + c]
                + levels[NODE_SD] * normals[r * cols + c]
                + stripe * coupling[c]
            )
            image.signal[r, c] = 0.0
            image.held[r, c] = 0.0
    for c in range(cols):
        coupling[c] = 0.0
