"""Scenario ``rig-faults``: lots of known truth, measured on rigs that are wrong in known ways, and judged.

A fault of a rig must neither condemn a good lot nor hide a bad one: both are wrong decisions, of which a cell
may have no more than the risk that is stated. Most faulty rigs should be named and their lots measured again.
Presses are made up from the pads' places and the scatter of a contact; what judges them judges real lots.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct
from stampbench.bench.plans.messages import choose
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.tally import draws_of
from stampbench.bench.validation.judging.judging import LotResult, judge_lot
from stampbench.bench.validation.judging.stamps import Disposition
from stampbench.bench.validation.measuring.lots import Unit, draw_sample, nominal_pads_mm
from stampbench.bench.validation.measuring.measuring import Planned, planned_presses
from stampbench.bench.validation.measuring.records import MeasuredPress
from stampbench.bench.validation.plans import ValidationPlan, parse_validation_plan
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.rig.error import RigError

Points: TypeAlias = npt.NDArray[np.float64]

PANEL_MM: Final = 62.0, 110.0
LEVEL: Final = 0.93
LINE_MM: Final = 4.0
TOLERANCE_MM: Final = 0.3
NOMINAL: Final = "p5-60k/4711"
_PLAN: Final = """
[lot]
name = "rig faults"
nominal = "{nominal}"
size = 90
cavities = 4
[sampling]
aql = 1.0
[measurement]
presses = 6
repeats = 2
gauge_stamps = 5
[tolerances]
position_mm = {tolerance}
level = [0.6, 1.4]
evenness = 0.4
flatness_mm = 0.15
"""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What plans may set.

    Attributes:
        lots: of each fault, number of rigs and kind of lot.
        scatter_mm: standard deviation of a contact on an axis in one press.
        coverage_lots: for the coverage of the uncertainty.
        risk: share of wrong decisions that a cell may have.
        faults: that are tried; empty: all.
    """

    lots: Annotated[int, Meta(ge=1, le=10_000)] = 60
    scatter_mm: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.03
    coverage_lots: Annotated[int, Meta(ge=1, le=10_000)] = 40
    risk: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.05
    faults: list[str] = []


Reader: TypeAlias = Callable[[Points, Points, float, np.random.Generator], tuple[Points, Points]]
"""Turns true places and levels, at a share of the lot's time, into what the rig reads."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a rig, and the word by which the certificate must name it; empty for a sound rig."""

    read: Reader
    named: str


def _ruler(error: RigError) -> Reader:
    def read(
        places: Points, levels: Points, elapsed: float, rng: np.random.Generator
    ) -> tuple[Points, Points]:
        if not len(places):
            return places, levels
        return error.misread(places, PANEL_MM[0], elapsed, rng), error.misread_level(levels, elapsed)

    return read


def _lines(
    count: int, places: Points, levels: Points, elapsed: float, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Read nothing on so many neighbouring lines in the middle of the panel."""
    alive = np.abs(places[:, 1] - PANEL_MM[1] / 2.0) > count * LINE_MM / 2.0
    return places[alive], levels[alive]


def _ghost(places: Points, levels: Points, elapsed: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """Read a contact that is not there in half of the presses."""
    if rng.random() < 0.5:
        return places, levels
    return np.vstack([places, rng.uniform((0.0, 0.0), PANEL_MM)]), np.append(levels, 0.3)


def _bent(places: Points, levels: Points, elapsed: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """Read places near the left rim too far to the right."""
    return places + np.column_stack([2.0 * np.exp(-places[:, 0] / 10.0), np.zeros(len(places))]), levels


FAULTS: Final[dict[str, _Fault]] = {
    "none": _Fault(_ruler(RigError()), ""),
    "scale 0.2 %": _Fault(_ruler(RigError(scale=0.002)), ""),
    "scale 2 %": _Fault(_ruler(RigError(scale=0.02)), "scale"),
    "scale -2 %": _Fault(_ruler(RigError(scale=-0.02)), "scale"),
    "stretch 1 %": _Fault(_ruler(RigError(stretch=0.01)), "stretch"),
    "skew 2 %": _Fault(_ruler(RigError(skew=0.02)), "skew"),
    "mirror": _Fault(_ruler(RigError(mirror_x=True)), "mirrored"),
    "drift 2 %": _Fault(_ruler(RigError(drift=0.02)), "drift"),
    "restless": _Fault(_ruler(RigError(jitter_mm=0.5)), "restless"),
    "unsteady": _Fault(_ruler(RigError(jitter_mm=0.1)), "takes"),
    "level 0.5": _Fault(_ruler(RigError(level_gain=0.5)), "level"),
    "level drifts": _Fault(_ruler(RigError(level_drift=0.3)), "levels change"),
    "dead": _Fault(partial(_lines, 1000), "dead"),
    "dead lines": _Fault(partial(_lines, 3), "dead lines"),
    "ghosts": _Fault(_ghost, "contacts too many"),
    "bent rim": _Fault(_bent, "takes"),
}
"""Every fault by its name in the report."""

_KINDS: Final = ("good", "bad", "shrunk", "borderline")


def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
    """Try every fault; see :class:`stampbench.bench.scenarios.Scenario`."""
    draws = draws_of(seed)
    for name in settings.faults:
        if name not in FAULTS:
            raise InputError(f'settings.faults: "{name}": {choose(name, FAULTS)}')
    faults = {name: fault for name, fault in FAULTS.items() if not settings.faults or name in settings.faults}
    cells = [(name, rigs, kind) for name in faults for rigs in (1, 2) for kind in _KINDS]
    named = faulty = 0
    for place, (name, rigs, kind) in enumerate(cells):
        tell.tried(place, len(cells))
        rng, fault = draws(f"{name} {rigs} {kind}"), faults[name]
        wrong, ends = 0, Counter[str]()
        for _ in range(settings.lots):
            result, good = _lot(fault, rigs, kind, settings, rng)
            wrong += result.disposition is (Disposition.REJECT if good else Disposition.ACCEPT)
            ends[result.disposition.value] += 1
            if fault.named:
                faulty += 1
                again = result.disposition is Disposition.AGAIN
                named += again and any(fault.named in reason for reason in result.reasons)
        note = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        case = f"{rigs} rig{'s' if rigs > 1 else ''}, {kind} lots"
        yield Trial(name, case, settings.lots, wrong, settings.risk, note)
    if faulty:
        yield Figure("faulty rigs named and measured again", named / faulty, "1", min=0.5)
    for name, scale in (("perfect rigs", 0.0), ("one rig 0.2 % too large", 0.002)):
        share = _coverage(scale, settings, draws(f"coverage {scale}"))
        yield Figure(f"coverage of U, {name}", share, "1", min=0.94)


def _plan(rigs: int, rng: np.random.Generator) -> ValidationPlan:
    text = _PLAN.format(nominal=NOMINAL, tolerance=TOLERANCE_MM)
    text += "".join(f'[[appraisers]]\nname = "rig {letter}"\n' for letter in "AB"[:rigs])
    return parse_validation_plan(text, Path("rig-faults.toml"), int(rng.integers(2**53)))


def _lot(
    fault: _Fault, rigs: int, kind: str, settings: Settings, rng: np.random.Generator
) -> tuple[LotResult, bool]:
    """Return a lot that was measured on a first rig with the fault, and whether it is good."""
    plan = _plan(rigs, rng)
    units, nominal = draw_sample(plan), nominal_pads_mm(NOMINAL)
    deviations = {unit.serial: 0.03 * rng.standard_normal(nominal.shape) for unit in units}
    good = kind == "good"
    if kind == "bad":
        for unit in units[::3]:
            deviations[unit.serial][int(rng.integers(len(nominal)))] += (0.7, 0.0)
    elif kind == "shrunk":
        deviations = {serial: one - 0.03 * nominal for serial, one in deviations.items()}
    elif kind == "borderline":  # one stamp just inside or just outside its tolerance, by best fit
        good = bool(rng.random() < 0.5)
        deviations[units[0].serial] = _largest(nominal, 0.27 if good else 0.33)
    return _judged(plan, units, nominal, deviations, {"rig A": fault.read}, settings, rng), good


def _largest(nominal: Points, size_mm: float) -> Points:
    """Return deviations of a stamp whose pad 2 in x is so far off after the best fit."""
    from stampbench.bench.validation.measuring.pads import fit_press

    off = np.zeros_like(nominal)
    off[1, 0] = 1.0
    left = np.abs(fit_press(nominal + off, nominal).deviations_mm).max()
    return off * size_mm / float(left)


def _judged(
    plan: ValidationPlan,
    units: tuple[Unit, ...],
    nominal: Points,
    deviations: dict[str, Points],
    readers: dict[str, Reader],
    settings: Settings,
    rng: np.random.Generator,
) -> LotResult:
    virtual = [appraiser.name for appraiser in plan.appraisers]
    presses: list[MeasuredPress] = []
    planned = list(planned_presses(plan, units, virtual))
    for appraiser in virtual:
        own = [one for one in planned if one.appraiser.name == appraiser]
        for place, one in enumerate(own):
            pads = nominal + deviations.get(one.unit.serial, 0.0)
            read = readers.get(appraiser)
            presses.append(_press(one, pads, read, place / len(own), settings.scatter_mm, rng))
    return judge_lot(plan, units, {NOMINAL: nominal}, presses, virtual=virtual)


def _press(
    planned: Planned,
    pads: Points,
    read: Reader | None,
    elapsed: float,
    scatter_mm: float,
    rng: np.random.Generator,
) -> MeasuredPress:
    angle = rng.uniform(-math.pi, math.pi)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    middle = rng.uniform((25.0, 25.0), (PANEL_MM[0] - 25.0, PANEL_MM[1] - 25.0))
    places = pads @ turn + middle + scatter_mm * rng.standard_normal(pads.shape)
    levels = LEVEL + 0.02 * rng.standard_normal(len(pads))
    if read is not None:
        places, levels = read(places, levels, elapsed, rng)
    return MeasuredPress(
        serial=planned.unit.serial,
        appraiser=planned.appraiser.name,
        repeat=planned.repeat,
        press=planned.press,
        kind=planned.kind,
        contacts_mm=[(float(x), float(y)) for x, y in places],
        levels=[float(level) for level in levels],
    )


def _coverage(scale: float, settings: Settings, rng: np.random.Generator) -> float:
    """Return how often a deviation lies within U of what was measured, over lots on two rigs."""
    from stampbench.bench.validation.measuring.pads import fit_press

    within = total = 0
    for _ in range(settings.coverage_lots):
        plan = _plan(2, rng)
        units, nominal = draw_sample(plan), nominal_pads_mm(NOMINAL)
        deviations = {unit.serial: 0.03 * rng.standard_normal(nominal.shape) for unit in units}
        reader = {"rig A": _ruler(RigError(scale=scale))}
        result = _judged(plan, units, nominal, deviations, reader, settings, rng)
        for stamp in result.stamps:
            true = fit_press(nominal + deviations[stamp.serial], nominal).deviations_mm
            within += int((np.abs(stamp.deviations_mm - true) <= stamp.uncertainty_mm).sum())
            total += true.size
    return within / total
