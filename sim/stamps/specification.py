"""What a family is to be: the built-in ones, and the TOML files that describe others."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml
from stampbench.sim.stamps.geometry import MAX_PADS, MIN_PADS, FaceGeometry

INSERTION: Final = 2
"""Version of :mod:`stampbench.sim.stamps.insertion`, which must change with the codes that it finds."""


@dataclass(frozen=True, slots=True)
class FamilySpec:
    """Recipe of a family.

    Attributes:
        name: what it is called.
        size: number of codes.
        min_distance_mm: guaranteed rigid distance of any two codes.
        geometry: what every stamp keeps.
        lattice_mm: minimum distance of the lattice it is cut from; None for random insertion.
        seed: of random insertion.
        sha256: of the coordinates' bytes, where known.
    """

    name: str
    size: int
    min_distance_mm: float
    geometry: FaceGeometry = field(default_factory=FaceGeometry)
    lattice_mm: float | None = None
    seed: int = 0
    sha256: str | None = None

    def digest(self) -> str:
        """Return twelve hex digits that differ between recipes."""
        recipe = {key: value for key, value in asdict(self).items() if key not in ("name", "sha256")}
        if self.lattice_mm is None:
            recipe["insertion"] = INSERTION
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]


BUILT_IN: Final = {
    spec.name: spec
    for spec in (
        FamilySpec(
            "p5-60k",
            60_000,
            3.58,
            lattice_mm=3.84,
            sha256="6b2664c5416f4ade55a2c0ae58ca1bc6ba7ffe0b45da8abb2d7d1a2b9ec6273a",
        ),
        FamilySpec(
            "p5-600k",
            600_000,
            2.6,
            lattice_mm=2.78,
            sha256="5a97b7ab3475533d84265e23e28a60c1b2c6131adf39dd2f889f5373d756f8af",
        ),
        FamilySpec(
            "p5-6m",
            6_000_000,
            1.88,
            lattice_mm=2.01,
            sha256="e7cab2ec0714ed262924d347fedb2f58b94ce2f65d08a3994f8b30266e0b1fbd",
        ),
    )
}
"""Lattice distances found by trial: the greatest minimum distance that leaves the size."""

_KEYS: Final = {
    "name": str,
    "pads": int,
    "pad_diameter_mm": float,
    "spacing_mm": float,
    "face_radius_mm": float,
    "size": int,
    "min_distance_mm": float,
    "seed": int,
}
_NAME: Final = re.compile(r"\w[\w .+-]{0,79}")
"""A folder of the cache is called by it: no path, no hidden file, nothing that a system minds."""
_REQUIRED: Final = ("pads", "spacing_mm", "face_radius_mm", "size", "min_distance_mm")


def find_spec(name: str) -> FamilySpec:
    """Return the recipe of a built-in family, or of a TOML file where the name ends in ``.toml``.

    Raises:
        InputError: no family has that name; the file cannot be read or is not a recipe.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    if not name.endswith(".toml"):
        raise InputError(f"family {name!r} is unknown; expected {', '.join(BUILT_IN)} or a .toml file")
    return read_spec(Path(name))


def read_spec(path: Path) -> FamilySpec:
    """Read a recipe: ``pads``, ``spacing_mm``, ``face_radius_mm``, ``size``, ``min_distance_mm``.

    Also ``pad_diameter_mm`` (6), ``seed`` (0) and ``name`` (the file's). All keys stand at the top level.

    Raises:
        InputError: the file cannot be read, or a key is unknown, missing, of the wrong type or out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"family {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"family {path}: byte {error.start}: not UTF-8 text") from error
    document = parse_toml(text, f"family {path}")
    for key, value in document.items():
        if key not in _KEYS:
            raise InputError(f"family {path}: unknown key {key!r}; expected {', '.join(_KEYS)}")
        kind = _KEYS[key]
        right = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not right or isinstance(value, bool):
            word = {str: "text", int: "a whole number", float: "a number"}[kind]
            raise InputError(f"family {path}: {key} = {value!r}: expected {word}")
    for key in _REQUIRED:
        if key not in document:
            raise InputError(f"family {path}: {key} is missing; expected {', '.join(_REQUIRED)}")
    name = document.get("name", path.stem)
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise InputError(
            f"family {path}: name = {name!r}: expected at most 80 letters, digits, spaces and . _ + -, with a"
            " letter or digit first and last"
        )
    _check_range(path, document, "pads", MIN_PADS, MAX_PADS)
    _check_range(path, document, "size", 1, 10_000_000)
    _check_range(path, document, "seed", 0, 2**64 - 1)
    for key in ("pad_diameter_mm", "spacing_mm", "face_radius_mm", "min_distance_mm"):
        _check_range(path, document, key, 0.1, 1000.0)
    geometry = FaceGeometry(
        document["pads"],
        float(document.get("pad_diameter_mm", 6.0)),
        float(document["spacing_mm"]),
        float(document["face_radius_mm"]),
    )
    if geometry.spacing_mm < geometry.pad_diameter_mm:
        raise InputError(
            f"family {path}: spacing_mm = {geometry.spacing_mm:g}: expected at least the pad diameter,"
            f" {geometry.pad_diameter_mm:g}"
        )
    # Discs of the spacing's width cannot cover more of the widened face than all of it.
    discs = geometry.pads * (geometry.spacing_mm / 2) ** 2
    if discs > (geometry.face_radius_mm + geometry.spacing_mm / 2) ** 2:
        raise InputError(
            f"family {path}: face_radius_mm = {geometry.face_radius_mm:g}: {geometry.pads} pads"
            f" {geometry.spacing_mm:g} mm apart do not fit"
        )
    return FamilySpec(
        name,
        document["size"],
        float(document["min_distance_mm"]),
        geometry,
        seed=document.get("seed", 0),
    )


def _check_range(path: Path, document: dict[str, object], key: str, low: float, high: float) -> None:
    value = document.get(key, low)
    if not isinstance(value, int | float) or not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"family {path}: {key} = {value!r}: expected {low:g} to {high:g}")
