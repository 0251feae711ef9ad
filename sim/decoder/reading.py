"""What the decoder says: verdict, code, pose, distance and margin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

MOST_CANDIDATES = 20
"""Codes listed in a reading."""

Pose = tuple[float, float, float]
"""(x_mm, y_mm, theta_rad): a pad stands at R(theta) @ pad + (x, y), R = [[cos, -sin], [sin, cos]]."""


def stands_at(pose: Pose, point_mm: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return where a point (2,) of a stamp stands on the panel, mm."""
    x, y, theta = pose
    cos, sin = math.cos(theta), math.sin(theta)
    return float(x + cos * point_mm[0] - sin * point_mm[1]), float(y + sin * point_mm[0] + cos * point_mm[1])


class Verdict(StrEnum):
    """How far the contacts could be read.

    >>> sb.Verdict("foreign") is sb.Verdict.FOREIGN
    True
    """

    READ = "read"
    """One code fits within the acceptance radius."""
    PARTIAL = "partial"
    """One pad is missing and more than one code could be meant."""
    AMBIGUOUS = "ambiguous"
    """Complete, but more than one code fits, or stamps of more than one."""
    FOREIGN = "foreign"
    """Enough contacts, and no code near enough."""
    NONE = "none"
    """Nothing that could be a stamp: too few or too many contacts, or coordinates that are not finite."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one set of contacts says.

    >>> lost = sb.load_family("p5-60k").pads(777)[:4]
    >>> reading = sb.Decoder(sb.load_family("p5-60k")).decode(lost)
    >>> reading.verdict.value, reading.code, 777 in reading.candidates
    ('partial', None, True)

    Attributes:
        verdict: how far the contacts could be read.
        code: the code that was read; None unless ``verdict`` is ``read``.
        distance_mm: rigid distance to the code read, or to the first candidate; None where no code was near.
        margin_mm: how much farther the second-best code lies, exactly, for complete contacts in mm; a lower
            bound where ``margin_is_bound``; None where no other code exists or nothing was near.
        margin_is_bound: a pad is missing or the scale unknown, and no second code was found as far as the
            decoder looked: the margin is at least this.
        pose: (x_mm, y_mm, theta_rad) of the code read; None where nothing was read.
        candidates: codes that fit, nearest first (at most 20); the code alone for ``read``.
        candidates_total: how many codes fit.
        contacts: for each pad of the code read the index of its contact; -1 for a pad without one.
        scale: factor from the units of the contacts to mm; 1 unless the scale was solved for.
        note: what else there is to say: contacts merged, why nothing was tried; empty if nothing.
    """

    verdict: Verdict
    code: int | None = None
    distance_mm: float | None = None
    margin_mm: float | None = None
    margin_is_bound: bool = False
    pose: Pose | None = None
    candidates: tuple[int, ...] = ()
    candidates_total: int = 0
    contacts: tuple[int, ...] = ()
    scale: float = 1.0
    note: str = ""


NOTHING = Reading(Verdict.NONE)
FOREIGN = Reading(Verdict.FOREIGN)


def undecided(verdict: Verdict, codes: Iterable[int], distances: Iterable[float]) -> Reading:
    """Return a reading without a code: the candidates, nearest first, each once."""
    nearest: dict[int, float] = {}
    for code, distance in zip(codes, distances, strict=True):
        nearest.setdefault(int(code), float(distance))
    listed = tuple(nearest)[:MOST_CANDIDATES]
    first, *others = nearest.values()
    return Reading(
        verdict,
        distance_mm=first,
        margin_mm=others[0] - first if others else None,
        candidates=listed,
        candidates_total=len(nearest),
    )
