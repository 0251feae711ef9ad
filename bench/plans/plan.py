"""Plans: what a run presses, on which panels, and the limits its measurements are held against.

A plan is a TOML file::

    include = ["base.toml"]            # plans this one lies on top of, relative to it

    [plan]
    name = "incoming-inspection"
    family = "p5-60k"                  # or: catalogue = "stamps.toml", relative to the plan
    seed = 1
    profiles = ["nexus-5", "elan-11"]

    [condition]                        # of the panel, for every case
    noise = 1.0

    [conditions.tram]                  # a condition that cases name; some are built in
    charger_v = 1.0
    noise = 2.0

    [decoder]
    sigma_mm = 0.15                    # error of a contact, per axis, that must be survived
    input = "contacts"                 # or "frames": pads are looked for on the raw frames of the panel

    [[cases]]
    name = "held"
    kind = "genuine"                   # or "foreign": objects that must not be read
    stamps = "random"                  # or codes, catalogue names, object names
    presses = 300                      # on each profile, in each combination below; or presses_per_stamp
    conditions = ["ordinary", "tram"]  # the case is made under each,
    handlings = ["ordinary", "brief"]  # pressed in each way
    handling = { grip = [0.9, 1.0] }
    prompt = ["press {object} now", "rotate it by 90 degrees", "let go"]  # where the rig cannot press

    [[limits]]
    measurement = "frr"
    case = "held"
    max = 0.02
    confident = true                   # the whole interval must keep the limit

    [duts]                             # serial numbers; "*" is the device under test as a whole
    "*" = "LOT-7"

    [rig]
    faults = { drop_packet = 0.001 }   # of the line, on a rig in software

Nothing in here touches a rig.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from stampbench.bench.plans.checks import check_cases, check_header, check_limits
from stampbench.bench.plans.matrix import resolved
from stampbench.bench.plans.messages import explain
from stampbench.bench.plans.tables import (
    KNOWN_KEYS,
    Case,
    DecoderSettings,
    Document,
    Header,
    Kind,
    Limit,
    RigSettings,
)
from stampbench.bench.plans.text import PlanText, parse_toml, read_plan_text, with_settings
from stampbench.firmware_emulator.errors import InputError

__all__ = [
    "Case",
    "DecoderSettings",
    "Header",
    "Kind",
    "Limit",
    "Plan",
    "PlannedPress",
    "RigSettings",
    "parse_plan",
    "read_plan",
]


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
        text: the file as it was; with includes or settings, one that says the same without them.
        cases: of the matrix, each under one condition.
        condition, handling: for every case; a case's own settings come on top.
        conditions, handlings: the plan's own presets.
        duts: serial numbers of the devices under test by stamp, as the plan names it.
        includes: files it was put together from, without its own.
        settings: laid on top by the command line.
    """

    path: Path
    text: str
    header: Header
    cases: tuple[Case, ...]
    limits: tuple[Limit, ...]
    decoder: DecoderSettings
    condition: Mapping[str, Any]
    handling: Mapping[str, Any]
    conditions: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    handlings: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    rig: RigSettings = dataclasses.field(default_factory=RigSettings)
    duts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    includes: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Fingerprint of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def codebook_name(self) -> str:
        """Name of the codebook as it stands before the code in object names."""
        if self.header.family is not None:
            return self.header.family
        return f"catalogue:{self.catalogue_path}"

    @property
    def catalogue_path(self) -> Path | None:
        """Where the catalogue lies; None if the stamps are of a family."""
        return None if self.header.catalogue is None else self.path.parent / self.header.catalogue

    @property
    def presses_per_profile(self) -> int:
        """How many presses the plan asks for on each profile."""
        return sum(case.presses for case in self.cases)

    @property
    def size(self) -> int:
        """How many presses the plan asks for."""
        return len(self.header.profiles) * self.presses_per_profile

    def case(self, name: str) -> Case:
        """The case of this name."""
        return next(case for case in self.cases if case.name == name)

    def members(self, name: str) -> tuple[Case, ...]:
        """The cases a name stands for: itself, or all that a written case became."""
        return tuple(case for case in self.cases if name in (case.name, case.group))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the written cases that became several."""
        names = [case.group for case in self.cases]
        return tuple(name for name in dict.fromkeys(names) if name and names.count(name) > 1)

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
        before, on_profile = index - 1, self.presses_per_profile
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


def read_plan(path: Path, settings: Sequence[str] = ()) -> Plan:
    """Read and check a plan with all it includes.

    Args:
        path: of the plan.
        settings: lines ``key = value`` to lay on top of it.

    Raises:
        InputError: a file cannot be read, is not TOML, or says something impossible; the message names the
            file, the line or key, the value, and what would be right.
    """
    plan = _checked(read_plan_text(path, settings), path)
    return dataclasses.replace(plan, settings=tuple(settings))


def parse_plan(text: str, path: Path, settings: Sequence[str] = ()) -> Plan:
    """Check a plan given as one text; ``path`` is what messages and relative names refer to.

    Raises:
        InputError: as :func:`read_plan`.
    """
    plan = _checked(with_settings(PlanText(parse_toml(text, path), text), settings), path)
    return dataclasses.replace(plan, settings=tuple(settings))


def _checked(source: PlanText, path: Path) -> Plan:
    try:
        document = msgspec.convert(source.raw, Document)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), source.raw, KNOWN_KEYS)}") from None
    try:
        check_header(document.plan)
        check_cases(document.cases)
        plan = Plan(
            path=path,
            text=source.text,
            header=document.plan,
            cases=tuple(resolved(document.cases, document.conditions, document.handlings)),
            limits=tuple(document.limits),
            decoder=document.decoder,
            condition=document.condition,
            handling=document.handling,
            conditions=document.conditions,
            handlings=document.handlings,
            rig=document.rig,
            duts=document.duts,
            includes=source.includes,
        )
        check_limits(plan.limits, plan.cases, plan.header.profiles)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return plan
