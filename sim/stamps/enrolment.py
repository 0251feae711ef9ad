"""Enrolment: several presses of one stamp averaged into a catalogue entry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps.catalogue import Catalogue
from stampbench.sim.stamps.geometry import MAX_PADS, MIN_PADS, enclosing_circle
from stampbench.sim.stamps.index import index_for
from stampbench.sim.stamps.stamp import Floats

ROUNDS = 10
"""Rounds of averaging; the mean changes by less than a nanometre after a few."""


@dataclass(frozen=True, slots=True)
class MeanStamp:
    """Mean of several presses.

    Attributes:
        pads_mm: pad centres (n, 2) from the centre of the smallest circle round them.
        residual_mm: rigid distance of each press to the mean.
        sigma_mm: standard deviation of a contact on each axis, from 2 n - 3 free numbers a press, less one
            press; NaN for a single press.
    """

    pads_mm: Floats
    residual_mm: tuple[float, ...]
    sigma_mm: float


def average_presses(presses_mm: Sequence[npt.ArrayLike]) -> MeanStamp:
    """Average the contacts (n, 2) of presses of one stamp, whatever their positions, angles and orders.

    Every press is laid over the mean so far by its best rigid fit, in turns (generalised Procrustes analysis,
    Gower 1975, without scaling).

    Raises:
        InputError: no press, different numbers of contacts, or contacts that are not finite.
    """
    presses = [np.asarray(press, np.float64) for press in presses_mm]
    if not presses:
        raise InputError("presses_mm is empty; expected at least one press")
    for number, press in enumerate(presses):
        if press.ndim != 2 or press.shape[1] != 2 or not MIN_PADS <= len(press) <= MAX_PADS:
            raise InputError(
                f"press {number}: contacts have shape {press.shape}; expected ({MIN_PADS} to {MAX_PADS}, 2)"
            )
        if len(press) != len(presses[0]):
            raise InputError(f"press {number}: {len(press)} contacts; the first press has {len(presses[0])}")
        if not np.isfinite(press).all():
            raise InputError(f"press {number}: a contact is not finite")
    sets = [_centred(press) for press in presses]
    mean = sets[0]
    for _ in range(ROUNDS):
        mean = np.mean([_laid_over(press, mean) for press in sets], axis=0)
    residuals = [float(np.sqrt(np.square(np.abs(_laid_over(press, mean) - mean)).sum())) for press in sets]
    freedom = (len(sets) - 1) * (2 * len(mean) - 3)
    sigma = math.sqrt(sum(r * r for r in residuals) / freedom) if freedom else math.nan
    pads = np.stack([mean.real, mean.imag], axis=-1)
    return MeanStamp(pads - enclosing_circle(pads)[0], tuple(residuals), sigma)


def enrol(
    catalogue: Catalogue | None, name: str, presses_mm: Sequence[npt.ArrayLike], *, min_distance_mm: float
) -> tuple[Catalogue, MeanStamp]:
    """Add the mean of several presses to a catalogue (None: a new one).

    Raises:
        InputError: the presses cannot be averaged, the name is taken, the number of pads differs, or the
            stamp is nearer than ``min_distance_mm`` to an entry: the message names it and the distance.
    """
    mean = average_presses(presses_mm)
    if catalogue is None:
        return Catalogue([name], mean.pads_mm[None]), mean
    if name in catalogue.names:
        raise InputError(f"{catalogue.name}: stamp {name!r} is there already; expected another name")
    if len(mean.pads_mm) != catalogue.pads_per_stamp:
        raise InputError(
            f"stamp {name!r} has {len(mean.pads_mm)} pads; expected {catalogue.pads_per_stamp}"
            f" as in {catalogue.name}"
        )
    codes, distances = index_for(catalogue, min_distance_mm).within(mean.pads_mm, min_distance_mm)
    if len(codes):
        raise InputError(
            f"stamp {name!r} is {distances[0]:.2f} mm from {catalogue.names[codes[0]]!r};"
            f" expected at least {min_distance_mm:g} mm from every entry"
        )
    return catalogue.with_entry(name, mean.pads_mm), mean


def _centred(points: Floats) -> npt.NDArray[np.complex128]:
    z = points[:, 0] + 1j * points[:, 1]
    return z - z.mean()


def _laid_over(
    press: npt.NDArray[np.complex128], mean: npt.NDArray[np.complex128]
) -> npt.NDArray[np.complex128]:
    """Return the press in the pad order and at the angle that fit the mean best."""
    orders = np.array(list(itertools.permutations(range(len(press)))))
    overlaps = press[orders] @ mean.conj()
    best = int(np.abs(overlaps).argmax())
    turn = abs(overlaps[best]) / overlaps[best] if overlaps[best] != 0 else 1.0
    return press[orders[best]] * turn
