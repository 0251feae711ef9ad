"""What can be put on a panel, by name: stamps of a family or catalogue, random stamps, fingers, hands, coin.

Names are plain text: they travel over the link and stand in records. One name is one object everywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps.bodies import BODIES, FINGER_DIAMETERS_MM, tap_diameter_mm, united
from stampbench.sim.stamps.wear import apply_wear

if TYPE_CHECKING:
    from stampbench.sim.stamps import Family

F64 = npt.NDArray[np.float64]

PAD_DIAMETER_MM: Final = 6.0
FACE_RADIUS_MM: Final = 22.0
PAD_SPACING_MM: Final = 12.0
FINGER_SPACING_MM: Final = 15.0
_STAMPS_AT_ONCE: Final = 48
"""Random stamps drawn at once: one in twenty keeps the spacing."""

NAME_FORMS: Final = (
    "FAMILY/CODE",
    "catalogue:PATH#NAME",
    "random-stamp/SEED",
    "finger",
    "fingers/N/SEED",
    "tap/SEED",
    "palm",
    "hand-edge",
    "flat-hand",
    "knuckles",
    "palm/SEED",
    "coin",
    "STAMP~WEAR",
)


class Conductor(IntEnum):
    """What touches: the panel answers each differently."""

    FLAT = 0
    SKIN = 1
    WATER = 2


@dataclass(frozen=True, eq=False)
class TouchObject:
    """Something that touches a panel.

    Attributes:
        name: as :func:`resolve_object` takes it.
        discs: what touches, as weighted discs, shape (n, 6): middle of the pad x, y, offset of the disc from
            it x, y, diameter, all mm in the object's own frame, and weight.
        ground_sizes: how many consecutive discs are joined electrically, for each ground in turn.
        conductor: flat, skin or water.
    """

    name: str
    discs: F64
    ground_sizes: tuple[int, ...]
    conductor: Conductor = Conductor.FLAT

    @property
    def grounds(self) -> int:
        """How many parts it has that do not conduct to each other."""
        return len(self.ground_sizes)

    @cached_property
    def united(self) -> tuple[F64, tuple[int, ...]]:
        """Discs and how many each ground has, as they act: every spot of a ground counts once."""
        stops = np.cumsum(self.ground_sizes)
        grounds = [united(part) for part in np.split(self.discs, stops[:-1])] if self.grounds else []
        return np.concatenate([self.discs[:0], *grounds]), tuple(map(len, grounds))

    @cached_property
    def pads(self) -> F64:
        """Middles of the pads, shape (pads, 2), mm in the object's own frame."""
        _, first = np.unique(self.discs[:, :2], axis=0, return_index=True)
        pads: F64 = self.discs[np.sort(first), :2]
        return pads

    def extent_mm(self, theta_rad: float) -> tuple[float, float, float, float]:
        """Return left, right, top and bottom of what touches, mm from the origin, turned by ``theta_rad``."""
        cos, sin = math.cos(theta_rad), math.sin(theta_rad)
        left = top = math.inf
        right = bottom = -math.inf
        for pad_x, pad_y, off_x, off_y, diameter, _ in self.discs.tolist():
            x, y, radius = pad_x + off_x, pad_y + off_y, 0.5 * diameter
            turned_x, turned_y = cos * x - sin * y, sin * x + cos * y
            left, right = min(left, turned_x - radius), max(right, turned_x + radius)
            top, bottom = min(top, turned_y - radius), max(bottom, turned_y + radius)
        return left, right, top, bottom


def round_pads(points_mm: F64, diameters_mm: F64 | float) -> F64:
    """Return discs of :class:`TouchObject` for whole round pads at ``points_mm`` (n, 2)."""
    discs = np.zeros((len(points_mm), 6))
    discs[:, :2] = points_mm
    discs[:, 4] = diameters_mm
    discs[:, 5] = 1.0
    return discs


@functools.lru_cache(maxsize=4096)
def resolve_object(name: str) -> TouchObject:
    """Return the object of that name.

    Raises:
        InputError: no object has that name; the message says which forms exist.
    """
    head, mark, tail = name.rpartition("#")  # a path may hold any sign
    tail, worn, wear = tail.partition("~")
    if worn:
        return _worn(name, resolve_object(head + mark + tail), wear)
    if name.startswith("catalogue:"):
        return _of_catalogue(name)
    family_name, _, code = name.rpartition("/")
    if family_name.endswith(".toml"):
        return _of_family(name, family_name, _number(name, "CODE", code))
    kind, _, rest = name.partition("/")
    arguments = rest.split("/") if rest else []
    match kind, arguments:
        case "finger", []:
            return _skin(name, np.zeros((1, 2)), [7.0])
        case "tap", [seed]:
            return _skin(name, np.zeros((1, 2)), [tap_diameter_mm(_number(name, "SEED", seed))])
        case body, [] if body in BODIES:
            return _body(name, BODIES[body].discs(None))
        case body, [seed] if body in BODIES:
            return _body(name, BODIES[body].discs(_number(name, "SEED", seed)))
        case "coin", []:
            return TouchObject(name, round_pads(np.zeros((1, 2)), 24.0), (1,))
        case "random-stamp", [seed]:
            return _random_stamp(name, _number(name, "SEED", seed))
        case "fingers", [count, seed]:
            return _fingers(name, _number(name, "N", count), _number(name, "SEED", seed))
        case _, [code] if kind not in ("finger", "fingers", "tap", "coin"):
            return _of_family(name, kind, _number(name, "CODE", code))
    raise _unknown(name)


def _of_family(name: str, family_name: str, code: int) -> TouchObject:
    family = _family(family_name)
    if not 0 <= code < family.size:
        raise InputError(
            f"object {name!r}: code {code} is not in {family_name}; expected 0 to {family.size - 1}"
        )
    return _stamp(name, family.pads(code), PAD_DIAMETER_MM)


@functools.lru_cache(maxsize=4)
def _family(name: str) -> Family:
    """Return the family, checked once: the SHA-256 of six million codes takes as long as twenty presses."""
    from stampbench.sim.stamps import load_family

    return load_family(name)


def _of_catalogue(name: str) -> TouchObject:
    from stampbench.sim.stamps import Catalogue

    path, mark, stamp_name = name.removeprefix("catalogue:").rpartition("#")
    if not mark or not path or not stamp_name:
        raise _unknown(name)
    catalogue = Catalogue.read(path)
    if stamp_name not in catalogue.names:
        raise InputError(
            f"object {name!r}: {path} has no stamp {stamp_name!r}; it has {', '.join(catalogue.names)}"
        )
    return _stamp(name, catalogue.pads(list(catalogue.names).index(stamp_name)), PAD_DIAMETER_MM)


def _stamp(name: str, points_mm: F64, diameters_mm: F64 | float) -> TouchObject:
    """Join all pads of a stamp: one ground."""
    return TouchObject(name, round_pads(points_mm, diameters_mm), (len(points_mm),))


def _worn(name: str, whole: TouchObject, wear: str) -> TouchObject:
    if whole.conductor is not Conductor.FLAT:
        raise InputError(f"object {name!r}: only stamps wear; expected no ~ after {whole.name!r}")
    try:
        discs = apply_wear(whole.discs, wear)
    except InputError as error:
        raise InputError(f"object {name!r}: {error}") from None
    return TouchObject(name, discs, (len(discs),))


def _skin(name: str, points_mm: F64, diameters_mm: Sequence[float] | F64) -> TouchObject:
    return TouchObject(
        name, round_pads(points_mm, np.asarray(diameters_mm)), (1,) * len(points_mm), Conductor.SKIN
    )


def _random_stamp(name: str, seed: int) -> TouchObject:
    """Draw five pads evenly from the face, again until no two are closer than the spacing."""
    rng = np.random.default_rng(seed)
    while True:
        shares = rng.random((_STAMPS_AT_ONCE, 2, 5))
        radii, angles = FACE_RADIUS_MM * np.sqrt(shares[:, 0]), 2 * math.pi * shares[:, 1]
        points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=2)
        wide = _spacings_mm(points) >= PAD_SPACING_MM
        if wide.any():
            return _stamp(name, points[wide.argmax()], PAD_DIAMETER_MM)


def _fingers(name: str, count: int, seed: int) -> TouchObject:
    """Return fingers of one hand on an arc, from six on of two hands on two."""
    if not 1 <= count <= 10:
        raise InputError(f"object {name!r}: N = {count}: expected 1 to 10 fingers")
    rng = np.random.default_rng(seed)
    hands = [count] if count <= 5 else [(count + 1) // 2, count // 2]
    parts: list[F64] = []
    for fingers in hands:
        steps = rng.uniform(FINGER_SPACING_MM + 1.0, FINGER_SPACING_MM + 5.0, fingers - 1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        across = 8.0 * np.cos((along / max(1.0, along[-1]) - 0.5) * math.pi) + rng.uniform(-1.5, 1.5, fingers)
        below = -22.0 if parts else 0.0
        parts.append(np.column_stack([along - along[-1] / 2, below - across]))
    points = np.concatenate(parts)
    return _skin(
        name, points - (points.min(axis=0) + points.max(axis=0)) / 2, rng.uniform(*FINGER_DIAMETERS_MM, count)
    )


def _body(name: str, discs: F64) -> TouchObject:
    return TouchObject(name, discs, (len(discs),), Conductor.SKIN)


def _spacings_mm(points_mm: F64) -> F64:
    """Return the least distance between two of the points, of each of (m, n, 2)."""
    one, other = np.triu_indices(points_mm.shape[1], 1)
    gaps = np.hypot(*(points_mm[:, one] - points_mm[:, other]).transpose(2, 0, 1))
    spacings: F64 = gaps.min(axis=1)
    return spacings


def _number(name: str, what: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"object {name!r}: {what} = {text!r}: expected a whole number of 0 or more")
    return int(text)


def _unknown(name: str) -> InputError:
    return InputError(f"object {name!r} is unknown; the forms are {', '.join(NAME_FORMS)}")
