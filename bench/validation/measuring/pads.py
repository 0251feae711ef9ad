"""Pads of a stamp from the contacts and frames of its presses, beside nominal, whatever the pose."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Frame

Points: TypeAlias = npt.NDArray[np.float64]

WINDOW_MM = 6.0
"""Radius around a contact whose counts are its pad's: half the least spacing of two pads."""
PAD_COMPRESSION_MM = 0.5
"""How far a pad of conductive foam or rubber gives way from first touch to full contact."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedPress:
    """One press laid over nominal.

    Attributes:
        deviations_mm: of each pad from nominal in the stamp's frame, shape (pads, 2); NaN for a missing one.
        contacts: place of each pad's contact; -1 for a missing one, shape (pads,).
        residual_mm: rigid distance of those that are there.
        extra: contacts that are no pad.
        turn: rotation of the stamp on the panel, as a complex number of length 1.
    """

    deviations_mm: Points
    contacts: npt.NDArray[np.int64]
    residual_mm: float
    extra: int
    turn: complex = 1.0 + 0.0j

    @property
    def missing(self) -> tuple[int, ...]:
        """Pads, from 1, that made no contact."""
        return tuple(int(pad) + 1 for pad in np.flatnonzero(self.contacts < 0))


def fit_press(contacts_mm: Points, nominal_mm: Points) -> FittedPress:
    """Lay contacts (n, 2) over nominal pads (m, 2) by the rigid motion and assignment that fit best.

    The least squares solution in the plane, as complex numbers (Procrustes, without scaling and mirroring),
    over every assignment of the smaller set to the larger one.
    """
    n, m = len(contacts_mm), len(nominal_mm)
    matched = min(n, m)
    z, w = contacts_mm @ (1, 1j), nominal_mm @ (1, 1j)
    deviations, places = np.full((m, 2), math.nan), np.full(m, -1, np.int64)
    if matched < 2:
        return FittedPress(deviations, places, math.inf, max(0, n - m))
    # Which contact stands for which pad: one side in order, the other in every order.
    if n >= m:
        orders = _orders(n, m)
        chosen, pads = z[orders], np.broadcast_to(w, orders.shape)
    else:
        orders = _orders(m, n)
        chosen, pads = np.broadcast_to(z, orders.shape), w[orders]
    a = chosen - chosen.mean(axis=1, keepdims=True)
    b = pads - pads.mean(axis=1, keepdims=True)
    overlap = (a * b.conj()).sum(axis=1)
    squares = (np.abs(a) ** 2).sum(axis=1) + (np.abs(b) ** 2).sum(axis=1) - 2.0 * np.abs(overlap)
    best = int(squares.argmin())
    turn = overlap[best] / abs(overlap[best]) if overlap[best] != 0 else 1.0
    off = a[best] / turn - b[best]
    which = np.arange(m) if n >= m else orders[best]
    deviations[which] = np.column_stack([off.real, off.imag])
    places[which] = orders[best] if n >= m else np.arange(n)
    return FittedPress(
        deviations, places, float(np.sqrt((np.abs(off) ** 2).sum())), max(0, n - m), complex(turn)
    )


@functools.lru_cache(maxsize=32)
def _orders(of: int, places: int) -> npt.NDArray[np.int64]:
    """Return every order of so many of them, shape (orders, places)."""
    return np.array(list(itertools.permutations(range(of), places)))


def pad_levels(
    frames: Sequence[Frame],
    contacts_mm: Points,
    *,
    pitch_mm: tuple[float, float],
    full_touch: float,
    pad_diameter_mm: float,
) -> Points:
    """Return signal of each contact (n, 2) over that of an ideal pad, from the mean of frames, shape (n,).

    The panel spreads a pad's counts but keeps their sum: full touch times the pad's area over a node's. Those
    within :data:`WINDOW_MM` are counted.
    """
    mean = np.mean([frame.deltas for frame in frames], axis=0)
    rows, cols = mean.shape
    x = (np.arange(cols) + 0.5) * pitch_mm[0]
    y = (np.arange(rows) + 0.5) * pitch_mm[1]
    ideal = full_touch * math.pi * pad_diameter_mm**2 / 4.0 / (pitch_mm[0] * pitch_mm[1])
    levels = [
        mean[(x[None] - at_x) ** 2 + (y[:, None] - at_y) ** 2 <= WINDOW_MM**2].sum() / ideal
        for at_x, at_y in contacts_mm
    ]
    return np.array(levels)


def evenness(levels: Points) -> float:
    """Return largest less smallest level over the mean; NaN for none."""
    known = levels[~np.isnan(levels)]
    return float(np.ptp(known) / known.mean()) if known.size and known.mean() > 0.0 else math.nan


def flatness_mm(levels: Points, nominal_mm: Points) -> float:
    """Return how far the farthest pad stands off the plane of all; NaN for fewer than 4 pads.

    A pad that is not pressed fully loses signal in proportion, so heights follow from levels; a plane through
    them is tilt, not shape.

    Args:
        levels: mean level of each pad over presses, shape (pads,); NaN for a missing one.
        nominal_mm: pads, shape (pads, 2).
    """
    known = ~np.isnan(levels)
    if known.sum() < 4:
        return math.nan
    heights = (1.0 - levels[known] / levels[known].mean()) * PAD_COMPRESSION_MM
    design = np.column_stack([np.ones(known.sum()), nominal_mm[known]])
    off = heights - design @ np.linalg.lstsq(design, heights, rcond=None)[0]
    return float(np.abs(off).max())


def resting_on(
    deviations_mm: Points, nominal_mm: Points, trusted: npt.NDArray[np.bool_]
) -> tuple[Points, Points]:
    """Return the same deviations (pads, 2) after the small motion that fits the trusted pads best.

    Returns them and, for each pad, by how much the variance of a coordinate grows because the trusted pads
    scatter, too, shape (pads,).
    """
    design = motions(nominal_mm)
    own = np.repeat(trusted, 2)
    inverse = np.linalg.inv(design[own].T @ design[own])
    motion = inverse @ design[own].T @ deviations_mm.ravel()[own]
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design).reshape(-1, 2).max(axis=1)
    return (deviations_mm.ravel() - design @ motion).reshape(-1, 2), 1.0 + leverage


def motions(nominal_mm: Points) -> Points:
    """Return what a small shift in x, in y and a small turn do to the coordinates, shape (2 pads, 3)."""
    design = np.zeros((2 * len(nominal_mm), 3))
    design[0::2, 0] = design[1::2, 1] = 1.0
    design[0::2, 2], design[1::2, 2] = -nominal_mm[:, 1], nominal_mm[:, 0]
    return design
