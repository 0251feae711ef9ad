"""What people touch a panel with: fingertips, the ball of the thumb, edge of the hand, flat hand, knuckles.

A body is one conductor: where its discs overlap they are united, each spot counts once (:func:`united`).

Measured, Nexus 5, nodes of 4.1 mm, 3,579 frames of one person (interactionlab/PalmTouch): taps reach 211/237/
252 counts on 11/14/20 nodes above 30 (10/50/90 %), balls of the thumb 180/197/223 on 20/27/34: weaker than a
fingertip, long and thin, sd 9.2 x 3.4 mm. No recording shows the other bodies: assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

FINGER_DIAMETERS_MM: Final = (6.6, 7.6)
"""Of fingertips' contacts; their peak, amplitude and width on a Nexus 5 are those of CapFingerId's people."""
TAP_LEAST_MM: Final = 7.8
TAP_SPREAD: Final = 0.2
"""By so much a tap's diameter exceeds the least on average, in its logarithm, exponentially distributed."""
CELL_MM: Final = 2.0
"""Size of the discs that make up an outline; at 1.75 mm of blur they leave a ripple below 0.1 %."""
_PARTS: Final = 8
"""Parts of a cell's side by which its share of an outline is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Rounded bars of skin that conduct to each other, and how they vary from touch to touch.

    Attributes:
        bars: of each, middle x, y, length along x and width, mm.
        strength: share of a fingertip's drive: a palm is drier, and does not press as hard.
        length_spread, width_spread, strength_spread: standard deviations of the logarithms.
        source: where the figures are from.
    """

    bars: tuple[tuple[float, float, float, float], ...]
    strength: float
    length_spread: float
    width_spread: float
    strength_spread: float
    source: str

    def discs(self, seed: int | None) -> F64:
        """Return what touches as discs of one pad, see ``TouchObject``; None: the median touch."""
        factors = np.zeros(3) if seed is None else np.random.default_rng(seed).standard_normal(3)
        spreads = (self.length_spread, self.width_spread, self.strength_spread)
        length, width, strength = np.exp(factors * spreads)
        bars = np.array(self.bars) * [length, width, length, width]
        return outline(bars, self.strength * float(strength))


BODIES: Final = {
    "palm": Body(
        bars=((0.0, 0.0, 29.5, 7.0),),
        strength=0.55,
        length_spread=0.2,
        width_spread=0.14,
        strength_spread=0.1,
        source="measured: balls of the thumb, Nexus 5 (interactionlab/PalmTouch)",
    ),
    "hand-edge": Body(
        bars=((0.0, 0.0, 60.0, 12.0),),
        strength=0.55,
        length_spread=0.2,
        width_spread=0.14,
        strength_spread=0.1,
        source="assumed: as strong as the ball of the thumb, 60 x 12 mm",
    ),
    "flat-hand": Body(
        bars=(
            (0.0, 30.0, 60.0, 16.0),
            (0.0, -14.0, 70.0, 10.0),
            *((x, -45.0, 12.0, 14.0) for x in (-30.0, -10.0, 10.0, 30.0)),
        ),
        strength=0.55,
        length_spread=0.1,
        width_spread=0.1,
        strength_spread=0.1,
        source="assumed: heel, ball and fingertips of an open hand",
    ),
    "knuckles": Body(
        bars=tuple((x, y, 8.0, 6.0) for x, y in ((-30.0, 2.0), (-10.0, -2.0), (10.0, -1.0), (29.0, 3.0))),
        strength=0.7,
        length_spread=0.15,
        width_spread=0.15,
        strength_spread=0.1,
        source="assumed: four knuckles 20 mm apart",
    ),
}
"""By name; after ``/SEED`` one touch of its spread."""


def tap_diameter_mm(seed: int) -> float:
    """Draw the diameter of a tap's contact: many alike, few much larger, none beyond 13 mm."""
    beyond = min(float(np.random.default_rng(seed).standard_exponential()), 2.5)
    return TAP_LEAST_MM * math.exp(TAP_SPREAD * beyond)


def outline(bars: F64, weight: float) -> F64:
    """Return discs of one pad at the origin that cover rounded bars (n, 4), each spot once.

    Args:
        bars: middle x, y, length along x, width; mm.
        weight: of every disc.
    """
    across = np.minimum(bars[:, 2], bars[:, 3])
    along = np.maximum(bars[:, 2:4] - across[:, None], 0.0) / 2
    reach = along + across[:, None] / 2
    low, high = (bars[:, :2] - reach).min(axis=0), (bars[:, :2] + reach).max(axis=0)

    def inside(x: F64, y: F64) -> F64:
        covered = np.zeros(np.broadcast(x, y).shape)
        for (middle_x, middle_y), (half_x, half_y), width in zip(bars[:, :2], along, across, strict=True):
            beyond_x = np.maximum(np.abs(x - middle_x) - half_x, 0.0)
            beyond_y = np.maximum(np.abs(y - middle_y) - half_y, 0.0)
            covered = np.maximum(covered, np.hypot(beyond_x, beyond_y) <= width / 2)
        return covered

    middles, shares = _cells(low, high, inside)
    cells = np.zeros((len(shares), 6))
    cells[:, 2:4] = middles
    cells[:, 4] = CELL_MM * np.sqrt(4 / math.pi * shares)
    cells[:, 5] = weight
    return cells


def united(discs: F64) -> F64:
    """Return the discs of one conductor so that no spot counts twice; the same array where none overlap.

    Whole pads alone are united: those that wear has cut up cover their outline once already. A pad within
    another goes; pads that overlap become cells, each moved and pressed with the pad it is nearest to.
    """
    cut = (discs[:, 2:4] != 0.0).any(axis=1) | (discs[:, 5] <= 0.0)
    cut |= (discs[:, None, :2] == discs[None, cut, :2]).all(axis=2).any(axis=1)
    whole = np.flatnonzero(~cut)
    gaps = np.hypot(*(discs[whole, None, :2] - discs[None, whole, :2]).transpose(2, 0, 1))
    radii = discs[whole, 4] / 2
    touching = gaps < radii[:, None] + radii[None, :]
    np.fill_diagonal(touching, False)
    if not touching.any():
        return discs
    order = np.argsort(-radii, kind="stable")
    inner: set[int] = set()
    for place, i in enumerate(order):
        inner |= {int(j) for j in order[place + 1 :] if gaps[i, j] + radii[j] <= radii[i]} - inner
    outer = np.array([i for i in range(len(whole)) if i not in inner])
    overlapping = touching[np.ix_(outer, outer)].any(axis=1)
    kept = np.concatenate([np.flatnonzero(cut), whole[outer[~overlapping]]])
    parts = [discs[np.sort(kept)]]
    if overlapping.any():
        parts.append(_filled(discs[whole[outer[overlapping]]]))
    return np.concatenate(parts)


def _filled(pads: F64) -> F64:
    """Return cells that cover overlapping pads once."""
    radii = pads[:, 4] / 2

    def inside(x: F64, y: F64) -> F64:
        covered = np.zeros(np.broadcast(x, y).shape)
        for (pad_x, pad_y), radius, weight in zip(pads[:, :2], radii, pads[:, 5], strict=True):
            covered = np.maximum(covered, weight * (np.hypot(x - pad_x, y - pad_y) <= radius))
        return covered

    low, high = (pads[:, :2] - radii[:, None]).min(axis=0), (pads[:, :2] + radii[:, None]).max(axis=0)
    middles, shares = _cells(low, high, inside)
    beyond = np.hypot(*(middles[:, None] - pads[None, :, :2]).transpose(2, 0, 1)) - radii
    owners = beyond.argmin(axis=1)
    cells = np.zeros((len(shares), 6))
    cells[:, :2] = pads[owners, :2]
    cells[:, 2:4] = middles - pads[owners, :2]
    cells[:, 4] = CELL_MM * np.sqrt(4 / math.pi * shares)
    cells[:, 5] = 1.0
    return cells


def _cells(low: F64, high: F64, inside: Callable[[F64, F64], F64]) -> tuple[F64, F64]:
    """Return middles (n, 2) of what touches in each square cell, and its share of the cell (n,)."""
    cols, rows = (max(1, math.ceil(side / CELL_MM)) for side in high - low)
    start = (low + high) / 2 - np.array([cols, rows]) * CELL_MM / 2
    x = start[0] + (np.arange(cols * _PARTS) + 0.5) * CELL_MM / _PARTS
    y = start[1] + (np.arange(rows * _PARTS) + 0.5) * CELL_MM / _PARTS
    fine = inside(x[None, :], y[:, None])
    moments = [
        part.reshape(rows, _PARTS, cols, _PARTS).sum(axis=(1, 3))
        for part in (fine, fine * x, fine * y[:, None])
    ]
    total, sum_x, sum_y = (part[moments[0] > 0] for part in moments)
    return np.column_stack([sum_x / total, sum_y / total]), total / _PARTS**2
