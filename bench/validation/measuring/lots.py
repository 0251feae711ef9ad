"""The stamps of a lot: which are drawn, what each should be, and lots made up for simulated rigs."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.plans import ValidationPlan
from stampbench.firmware_emulator.errors import InputError

Points: TypeAlias = npt.NDArray[np.float64]

MADE_FILE = "made.toml"
_COLUMNS = ("serial", "cavity", "nominal", "object")


@dataclass(frozen=True, slots=True)
class Unit:
    """One stamp of a lot.

    Attributes:
        serial: its number.
        cavity: of the mould it came from, from 1.
        nominal: object with the pads it should have.
        object: what a rig with an actuator presses.
    """

    serial: str
    cavity: int
    nominal: str
    object: str


def nominal_pads_mm(name: str) -> Points:
    """Return pads of an object by name, shape (n, 2).

    Raises:
        InputError: there is no such object.
    """
    from stampbench.sim.stamps.objects import resolve_object

    return resolve_object(name).pads


def draw_sample(plan: ValidationPlan) -> tuple[Unit, ...]:
    """Draw the sample from the lot, at random by the plan's seed, in the order of the lot.

    Each cavity gives its share, as ISO 2859-1:1999, 8.1 asks of lots with strata: a bad cavity is seen, and
    there are stamps enough to say what is wrong with it.

    Raises:
        InputError: the table of stamps cannot be read, or does not list the whole lot.
    """
    units = None if plan.lot.stamps is None else _read_units(plan)
    needed = plan.sample.sample_size
    if units is not None and len(units) != plan.lot.size:
        raise InputError(
            f"{plan.path}: lot.stamps has {len(units)} stamps, lot.size is {plan.lot.size}: expected a line "
            "for every stamp of the lot, so that the sample is drawn from all of them"
        )
    rng = np.random.default_rng([plan.seed, 0])
    if units is None:
        cavities = 1 + np.arange(plan.lot.size) % plan.lot.cavities
    else:
        cavities = np.array([unit.cavity for unit in units])
    chosen: list[int] = []
    for cavity, count in _shares(cavities, needed, rng).items():
        chosen += rng.choice(np.flatnonzero(cavities == cavity), count, replace=False).tolist()
    drawn = tuple(_numbered(plan, place) if units is None else units[place] for place in sorted(chosen))
    for unit in {unit.nominal: unit for unit in units or drawn}.values():
        try:
            nominal_pads_mm(unit.nominal)
        except InputError as error:
            raise InputError(f"{plan.path}: lot.nominal: {error}") from None
    return drawn


def _shares(cavities: npt.NDArray[np.int64], needed: int, rng: np.random.Generator) -> dict[int, int]:
    """Return stamps to draw from each cavity: its share of the lot, what is left over by lot."""
    names, sizes = np.unique(cavities, return_counts=True)
    exact = needed * sizes / sizes.sum()
    counts = np.floor(exact).astype(int)
    chance = (exact - counts) * (1.0 - 1e-12)  # of one more, so that every stamp is drawn alike
    left = needed - int(counts.sum())
    if left:
        # Systematic sampling of the remainders: each cavity is hit with exactly its chance.
        ends = np.cumsum(chance[order := rng.permutation(len(names))])
        hits = np.searchsorted(ends, (rng.random() + np.arange(left)) * ends[-1] / left)
        counts[order[hits]] += 1
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _numbered(plan: ValidationPlan, place: int) -> Unit:
    width = len(str(plan.lot.size))
    nominal = relative_object(plan.lot.nominal, plan.path)
    return Unit(f"{place + 1:0{width}d}", 1 + place % plan.lot.cavities, nominal, nominal)


def stamps_sha256(plan: ValidationPlan) -> str:
    """Return the hash of the table that the sample is drawn from; empty without one."""
    if plan.lot.stamps is None:
        return ""
    try:
        return hashlib.sha256((plan.path.parent / plan.lot.stamps).read_bytes()).hexdigest()
    except OSError:
        return ""


def _read_units(plan: ValidationPlan) -> list[Unit]:
    path = plan.path.parent / str(plan.lot.stamps)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            unknown = set(reader.fieldnames or ()) - set(_COLUMNS)
            if unknown or not {"serial", "cavity"} <= set(reader.fieldnames or ()):
                raise InputError(
                    f"{path}: line 1: columns {', '.join(reader.fieldnames or ())}: expected serial, cavity "
                    "and, where they differ, nominal and object"
                )
            units = [_unit(row, plan, f"{path}: line {reader.line_num}") for row in reader]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a table of stamps") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: {error}: expected a table of stamps in CSV") from None
    seen: set[str] = set()
    for unit in units:
        if unit.serial in seen:
            raise InputError(f'{path}: serial "{unit.serial}" stands there twice')
        seen.add(unit.serial)
    return units


def _unit(row: dict[str, str | None], plan: ValidationPlan, where: str) -> Unit:
    serial, cavity = (row["serial"] or "").strip(), (row["cavity"] or "").strip()
    if not serial or set(serial) & set("#~\r\n"):
        raise InputError(f"{where}: serial {serial!r}: expected a name without # and ~")
    if not (cavity.isascii() and cavity.isdigit() and 1 <= int(cavity) <= plan.lot.cavities):
        raise InputError(f"{where}: cavity {cavity!r}: expected 1 to {plan.lot.cavities}, as in lot.cavities")
    nominal = relative_object((row.get("nominal") or "").strip() or plan.lot.nominal, plan.path)
    pressed = (row.get("object") or "").strip()
    return Unit(serial, int(cavity), nominal, relative_object(pressed, plan.path) if pressed else nominal)


def relative_object(name: str, path: Path) -> str:
    """Return the object with the path in its name taken from where the plan lies."""
    if not name.startswith("catalogue:"):
        return name
    return f"catalogue:{path.parent / name.removeprefix('catalogue:')}"


def make_lot(plan: ValidationPlan, units: tuple[Unit, ...], directory: Path) -> tuple[Unit, ...]:
    """Make up the stamps of a lot that have no object of their own, and write them as a catalogue.

    Each differs from nominal by the errors of its cavity and by scatter, drawn from the plan's seed and its
    serial's place alone.

    Raises:
        InputError: the catalogue cannot be written, stamps have different numbers of pads, or a fault names a
            pad that is not there.
    """
    from stampbench.sim.stamps import Catalogue

    made, path = plan.made, directory / MADE_FILE
    pads, wears = [], []
    for number, unit in enumerate(units):
        rng = np.random.default_rng([plan.seed, 1, number])
        nominal = nominal_pads_mm(unit.nominal)
        actual = nominal + made.scatter_mm * rng.standard_normal(nominal.shape)
        for fault in made.cavities:
            if fault.pad > len(nominal):
                raise InputError(
                    f"{plan.path}: made.cavities: pad {fault.pad}: {unit.nominal} has {len(nominal)} pads"
                )
            if fault.cavity == unit.cavity:
                actual[fault.pad - 1] += fault.offset_mm
        wear = f"~worn={made.worn:g}" if made.worn else ""
        if rng.random() < made.missing:
            wear += f"~missing={1 + int(rng.integers(len(nominal)))}"
        pads.append(np.round(actual, 4))
        wears.append(wear)
    if len({len(one) for one in pads}) > 1:
        raise InputError(f"{plan.path}: lot: stamps with different numbers of pads: expected one lot of each")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        Catalogue([unit.serial for unit in units], pads).write(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return tuple(
        replace(unit, object=f"catalogue:{path}#{unit.serial}{wear}") if unit.object == unit.nominal else unit
        for unit, wear in zip(units, wears, strict=True)
    )
