"""Plans: what a run presses, on which panels, and the limits its measurements are held against.

A plan is a TOML file::

    [plan]
    name = "incoming-inspection"
    family = "p5-60k"                  # or: catalogue = "stamps.toml", relative to the plan
    seed = 1
    profiles = ["nexus-5", "elan-11"]

    [condition]                        # of the panel, for every case
    noise = 1.0

    [decoder]
    sigma_mm = 0.15                    # error of a contact, per axis, that must be survived

    [[cases]]
    name = "held"
    kind = "genuine"                   # or "foreign": objects that must not be read
    stamps = "random"                  # or codes, catalogue names, object names
    presses = 300                      # per profile
    handling = { grip = [0.9, 1.0] }

    [[limits]]
    measurement = "frr"
    case = "held"
    max = 0.02
    confident = true                   # the whole interval must keep the limit

Nothing in here touches a rig.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bench.measurements import MEASUREMENTS, UNITS
from bench.plan_messages import choose, explain
from firmware_emulator.errors import InputError

Kind: TypeAlias = Literal["genuine", "foreign"]
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+-]*$", max_length=80)]


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[plan]`` table.

    Attributes:
        name: of the plan, in reports and file names.
        description: one or two sentences for the reader of the report.
        family, catalogue: the codebook of the genuine stamps; exactly one of the two.
        seed: of the run, unless the command line gives another.
        profiles: panels to press on.
        bench_faults: share of the presses, 0..1, that faults of the bench may cost before the run is void.
    """

    name: _Name
    profiles: Annotated[list[str], Meta(min_length=1)]
    description: str = ""
    family: str | None = None
    catalogue: str | None = None
    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0
    bench_faults: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0


class DecoderSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[decoder]`` table.

    Attributes:
        sigma_mm: error per axis and pad that a genuine stamp may have; None: all that the codebook's minimum
            distance allows, at which foreign stamps are read most often, too.
    """

    sigma_mm: Annotated[float, Meta(gt=0.0, le=10.0)] | None = None


class Case(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[cases]]`` table: presses of one kind under one condition.

    Attributes:
        kind: ``genuine`` stamps must be read as their code, ``foreign`` objects must not be read.
        stamps: "random", or a list: codes or catalogue names (genuine), object names (foreign). A list is
            gone through press by press; the seed that ``fingers/5`` or ``random-stamp`` leaves open is drawn.
        presses: how many, on each profile.
        condition, handling: settings of the panel and of the hand, on top of the plan's own.
    """

    name: _Name
    kind: Kind
    presses: Annotated[int, Meta(ge=1, le=10_000_000)]
    stamps: Literal["random"] | Annotated[list[int | str], Meta(min_length=1)] = "random"
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}


class Limit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[limits]]`` table: the range one measurement must keep.

    Attributes:
        measurement: its name; see :data:`bench.measurements.MEASUREMENTS`.
        case: whose presses count; None: all cases that the measurement applies to, together.
        profile: whose presses count; None: each profile on its own.
        min, max: the range, in ``unit``, ends included.
        marginal_min, marginal_max: inside the limit but outside these, the result is "marginal": it passes,
            and is marked.
        unit: of the numbers; None: the measurement's own.
        confident: True holds the whole confidence interval against the limit, not the estimate alone.
    """

    measurement: str
    case: str | None = None
    profile: str | None = None
    min: float | None = None
    max: float | None = None
    marginal_min: float | None = None
    marginal_max: float | None = None
    unit: str | None = None
    confident: bool = False


class _Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    plan: Header
    cases: Annotated[list[Case], Meta(min_length=1)]
    limits: list[Limit] = []
    decoder: DecoderSettings = DecoderSettings()
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}


_KEYS = {
    "": _Document.__struct_fields__,
    "plan": Header.__struct_fields__,
    "decoder": DecoderSettings.__struct_fields__,
    "cases": Case.__struct_fields__,
    "limits": Limit.__struct_fields__,
}
"""Known keys of each table."""


@dataclass(frozen=True, slots=True)
class PlannedPress:
    """One press of a plan: which case, on which profile, and its number.

    Attributes:
        index: place in the run, from 1.
        number: place among the presses of its case on its profile, from 1.
    """

    index: int
    profile: str
    case: Case
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan whose every key has been checked.

    Attributes:
        path: where it was read from; names in it are relative to this.
        text: the file as it was.
        condition, handling: for every case; a case's own settings come on top.
    """

    path: Path
    text: str
    header: Header
    cases: tuple[Case, ...]
    limits: tuple[Limit, ...]
    decoder: DecoderSettings
    condition: Mapping[str, Any]
    handling: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Fingerprint of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def codebook_name(self) -> str:
        """Name of the codebook as it stands before the code in object names."""
        if self.header.family is not None:
            return self.header.family
        return f"catalogue:{self.path.parent / str(self.header.catalogue)}"

    @property
    def size(self) -> int:
        """How many presses the plan asks for."""
        return len(self.header.profiles) * sum(case.presses for case in self.cases)

    def case(self, name: str) -> Case:
        """The case of this name."""
        return next(case for case in self.cases if case.name == name)

    def on_profiles(self, profiles: Sequence[str]) -> Plan:
        """The part of the plan that concerns some of its profiles."""
        return dataclasses.replace(
            self,
            header=msgspec.structs.replace(self.header, profiles=list(profiles)),
            limits=tuple(
                limit for limit in self.limits if limit.profile is None or limit.profile in profiles
            ),
        )

    def with_presses(self, presses: int) -> Plan:
        """The same plan with as many presses of every case on each profile."""
        return dataclasses.replace(
            self, cases=tuple(msgspec.structs.replace(case, presses=presses) for case in self.cases)
        )

    def press(self, index: int) -> PlannedPress:
        """The press at a place in the run, from 1."""
        before, on_profile = index - 1, sum(case.presses for case in self.cases)
        profile, number = self.header.profiles[before // on_profile], before % on_profile
        for case in self.cases:
            if number < case.presses:
                return PlannedPress(index, profile, case, number + 1)
            number -= case.presses
        raise IndexError(index)

    def condition_of(self, case: Case) -> dict[str, Any]:
        """Settings of the panel for a case."""
        return {**self.condition, **case.condition}

    def handling_of(self, case: Case) -> dict[str, Any]:
        """Settings of the hand for a case."""
        return {**self.handling, **case.handling}

    def presses(self) -> Iterator[PlannedPress]:
        """Every press, in the order of the run: profile by profile, case by case."""
        index = 0
        for profile in self.header.profiles:
            for case in self.cases:
                for number in range(1, case.presses + 1):
                    index += 1
                    yield PlannedPress(index, profile, case, number)


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        InputError: the file cannot be read, is not TOML, or says something impossible; the message names the
            file, the line or key, the value, and what would be right.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: expected a plan in TOML") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8: expected a plan in TOML") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a plan in TOML") from None
    return parse_plan(text, path)


def parse_plan(text: str, path: Path) -> Plan:
    """Check a plan given as text; ``path`` is what messages and relative names refer to.

    Raises:
        InputError: as :func:`read_plan`.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), raw, _KEYS)}") from None
    plan = Plan(
        path=path,
        text=text,
        header=document.plan,
        cases=tuple(document.cases),
        limits=tuple(document.limits),
        decoder=document.decoder,
        condition=document.condition,
        handling=document.handling,
    )
    try:
        _check_header(plan)
        _check_cases(plan)
        for number, limit in enumerate(plan.limits):
            _check_limit(plan, limit, f"limits[{number}]")
    except _Complaint as complaint:
        raise InputError(f"{path}: {complaint}") from None
    return plan


class _Complaint(Exception):  # noqa: N818 - never leaves this module
    """What is wrong, before the file's name is put in front."""


def _check_header(plan: Plan) -> None:
    header = plan.header
    if (header.family is None) == (header.catalogue is None):
        given = "both" if header.family is not None else "neither"
        raise _Complaint(f"plan.family, plan.catalogue: {given} given: expected exactly one of them")
    _check_distinct("plan.profiles", header.profiles)


def _check_cases(plan: Plan) -> None:
    _check_distinct("cases.name", [case.name for case in plan.cases])
    for number, case in enumerate(plan.cases):
        if case.kind == "foreign" and case.stamps != "random":
            for place, stamp in enumerate(case.stamps):
                if not isinstance(stamp, str):
                    raise _Complaint(
                        f"cases[{number}].stamps[{place}] = {stamp}: expected the name of a foreign object, "
                        'such as "random-stamp", "fingers/5" or "coin"'
                    )


def _check_distinct(key: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _Complaint(f'{key}: "{name}" stands there twice: expected distinct names')


def _check_limit(plan: Plan, limit: Limit, key: str) -> None:
    if limit.measurement not in MEASUREMENTS:
        raise _Complaint(
            f'{key}.measurement = "{limit.measurement}": {choose(limit.measurement, MEASUREMENTS)}'
        )
    measurement = MEASUREMENTS[limit.measurement]
    fitting = [case.name for case in plan.cases if measurement.applies_to(case.kind)]
    if limit.case is not None and limit.case not in fitting:
        raise _Complaint(
            f'{key}.case = "{limit.case}": {choose(limit.case, fitting, measurement.case_kinds)}'
        )
    if not fitting:
        raise _Complaint(
            f'{key}.measurement = "{limit.measurement}": expected {measurement.case_kinds} in the plan'
        )
    if limit.profile is not None and limit.profile not in plan.header.profiles:
        raise _Complaint(f'{key}.profile = "{limit.profile}": {choose(limit.profile, plan.header.profiles)}')
    units = UNITS[measurement.quantity]
    if limit.unit is not None and limit.unit not in units:
        raise _Complaint(f'{key}.unit = "{limit.unit}": {choose(limit.unit, units)}')
    if limit.min is None and limit.max is None:
        raise _Complaint(f'{key} ("{limit.measurement}"): no limit: expected min, max or both')
    _check_range(limit, key, top=1.0 / units[limit.unit or measurement.unit] if measurement.is_rate else None)


def _check_range(limit: Limit, key: str, top: float | None) -> None:
    """No number may be impossible, and min <= marginal_min <= marginal_max <= max."""
    chain: list[tuple[str, float]] = []
    for name in ("min", "marginal_min", "marginal_max", "max"):
        value = getattr(limit, name)
        if value is None:
            continue
        if not 0.0 <= value < float("inf") or (top is not None and value > top):
            expected = f"a rate from 0 to {top:g}" if top is not None else "a finite number, 0 or more"
            raise _Complaint(f"{key}.{name} = {value:g}: expected {expected}")
        if name.startswith("marginal") and getattr(limit, name.removeprefix("marginal_")) is None:
            raise _Complaint(f"{key}.{name} = {value:g}: expected {name.removeprefix('marginal_')} beside it")
        if chain and value < chain[-1][1]:
            lower_name, lower = chain[-1]
            raise _Complaint(
                f"{key}.{lower_name} = {lower:g} is above {key}.{name} = {value:g}: "
                "nothing lies in between; expected min <= marginal_min <= marginal_max <= max"
            )
        chain.append((name, value))
