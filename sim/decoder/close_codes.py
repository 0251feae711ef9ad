"""Codes of a catalogue that lie so close that noise takes one for the other.

A family guarantees its distance to all its codes alike; a catalogue of stamps that exist may hold any.
"""

from __future__ import annotations

import functools
import logging
import math

from stampbench.sim.stamps import Catalogue, Codebook
from stampbench.sim.stamps.proof import closest_pairs

TWINS_MM = 1.0
"""Stamps nearer than this no panel tells apart, at the 0.1 mm that an isolated pad is off: the noise assumed
where none is given is not made for them."""
TOLD_APART = 8.0
"""Distance of two codes, in sigmas, below which more than 1 in 1,000 presses of either are ambiguous: the
noise towards the other code exceeds 3.1 sigma, and leaves it more than ``misread`` of the likelihood."""
MOST_CLOSE_PAIRS = 20
"""Close pairs of a catalogue that are named."""

ClosePair = tuple[int, int, float]
"""Two codes and their rigid distance, mm."""

_LOG = logging.getLogger(__name__)


@functools.lru_cache(maxsize=8)
def closest_codes(codebook: Codebook) -> list[ClosePair]:
    """Return the closest codes of a catalogue, closest first; none for a family."""
    if not isinstance(codebook, Catalogue) or codebook.size == 1:
        return []
    pairs = closest_pairs(codebook, MOST_CLOSE_PAIRS)
    return [(pair.first, pair.second, pair.distance_mm) for pair in pairs]


def told_apart_mm(codebook: Codebook, closest: list[ClosePair]) -> float:
    """Return the least distance of two codes that a panel can tell apart, mm."""
    apart = codebook.min_distance_mm
    if apart >= TWINS_MM or not closest:
        return apart
    farther = [distance for _, _, distance in closest if distance >= TWINS_MM]
    if farther:
        return farther[0]
    return math.inf if codebook.size <= 2 else TWINS_MM


def too_close(codebook: Codebook, closest: list[ClosePair], sigma_mm: float) -> tuple[ClosePair, ...]:
    """Return the codes that cannot be told apart at the noise, and name them in a warning."""
    most_mm = TOLD_APART * sigma_mm
    close = tuple(pair for pair in closest if pair[2] < most_mm)
    if close and isinstance(codebook, Catalogue):
        names = codebook.names
        _LOG.warning(
            "%s: cannot be told apart at a noise of %.2f mm: %s%s; expected %.2f mm between stamps",
            codebook.name,
            sigma_mm,
            ", ".join(f"{names[one]!r} and {names[other]!r} ({mm:.2f} mm)" for one, other, mm in close),
            " and perhaps more" if len(close) == MOST_CLOSE_PAIRS else "",
            most_mm,
        )
    return close
