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

    [dut]                              # somebody's recogniser, whose own answers are judged instead
    kind = "process"                   # or "browser", with a url and [dut.answer] selector = "#serial"
    command = ["python", "sdk.py"]     # reports as JSON lines go in, {"code": 20406} comes back

    [rig]
    faults = { drop_packet = 0.001 }   # of the line, on a rig in software

A plan of trials names a scenario instead, which presses nothing::

    [plan]
    name = "hardened"
    scenario = "hardened"
    seed = 1

    [settings]                         # the scenario's own
    rounds = 60

Nothing in here touches a rig.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct
from stampbench.bench.plans.checks import check_cases, check_document, check_limits
from stampbench.bench.plans.matrix import resolved
from stampbench.bench.plans.messages import explain
from stampbench.bench.plans.tables import (
    KNOWN_KEYS,
    Case,
    DecoderSettings,
    Document,
    DutSettings,
    Header,
    Limit,
    RigSettings,
)
from stampbench.bench.plans.text import (
    PlanText,
    parse_toml,
    plan_file,
    read_plan_text,
    to_toml,
    with_settings,
)
from stampbench.bench.scenarios import load_scenario
from stampbench.firmware_emulator.errors import InputError

_T = TypeVar("_T", bound=Struct)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan whose every key has been checked.

    Attributes:
        path: where it was read from; names in it are relative to this.
        text: the file as it was; with includes or settings, one that says the same without them.
        cases: of the matrix, each under one condition.
        condition, handling: for every case; a case's own settings come on top.
        conditions, handlings: the plan's own presets.
        duts: serial numbers of the devices under test by stamp, as the plan names it.
        dut: a recogniser into which the presses go; None: our own decoder is judged.
        scenario_settings: of the scenario that the plan names, whole; None: the plan presses stamps.
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
    dut: DutSettings | None = None
    scenario_settings: Struct | None = None
    includes: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()

    @classmethod
    def read(cls, plan: str | Path, settings: Sequence[str] = ()) -> Self:
        """Read and check a plan with all it includes.

        >>> sb.Plan.read("quickstart").size
        900

        Args:
            plan: a file, or the name of a plan that travels with the package, such as "quickstart".
            settings: lines ``key = value`` to lay on top of it.

        Raises:
            InputError: there is no such plan, a file cannot be read, is not TOML, or says something
                impossible; the message names the file, the line or key, the value, and what would be right.
        """
        path = plan_file(plan)
        return dataclasses.replace(
            cls._checked(read_plan_text(path, settings), path), settings=tuple(settings)
        )

    @classmethod
    def parse(cls, text: str, path: Path, settings: Sequence[str] = ()) -> Self:
        """Check a plan given as one text; ``path`` is what messages and relative names refer to.

        Raises:
            InputError: as :meth:`read`.
        """
        source = with_settings(PlanText(parse_toml(text, path), text), settings)
        return dataclasses.replace(cls._checked(source, path), settings=tuple(settings))

    @classmethod
    def of(cls, tables: Mapping[str, Any], path: Path = Path("plan")) -> Self:
        """Check a plan given as tables, as ``tomllib`` returns them; nothing is read but what they name.

        >>> sb.Plan.of({
        ...     "plan": {"name": "held", "family": "p5-60k", "seed": 1, "profiles": ["nexus-5"]},
        ...     "cases": [{"name": "held", "kind": "genuine", "presses": 20}],
        ...     "limits": [{"measurement": "frr", "max": 0.05}],
        ... }).size
        20

        Args:
            tables: of the plan.
            path: what messages and relative names refer to.

        Raises:
            InputError: as :meth:`read`, or a table holds what TOML cannot say.
        """
        return cls.parse(to_toml(tables), path)

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
        """Return the case of this name."""
        return next(case for case in self.cases if case.name == name)

    def members(self, name: str) -> tuple[Case, ...]:
        """Return the cases a name stands for: itself, or all that a written case became."""
        return tuple(case for case in self.cases if name in (case.name, case.group))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the written cases that became several."""
        names = [case.group for case in self.cases]
        return tuple(name for name in dict.fromkeys(names) if name and names.count(name) > 1)

    def on_profiles(self, profiles: Sequence[str]) -> Plan:
        """Return the part of the plan that concerns some of its profiles."""
        return dataclasses.replace(
            self,
            header=msgspec.structs.replace(self.header, profiles=list(profiles)),
            limits=tuple(
                limit for limit in self.limits if limit.profile is None or limit.profile in profiles
            ),
        )

    def with_presses(self, presses: int) -> Plan:
        """Return the same plan with as many presses of every case on each profile."""
        return dataclasses.replace(
            self, cases=tuple(msgspec.structs.replace(case, presses=presses) for case in self.cases)
        )

    def press(self, index: int) -> PlannedPress:
        """Return the press at a place in the run, from 1."""
        before, on_profile = index - 1, self.presses_per_profile
        profile, number = self.header.profiles[before // on_profile], before % on_profile
        for case in self.cases:
            if number < case.presses:
                return PlannedPress(index, profile, case, number + 1)
            number -= case.presses
        raise IndexError(index)

    def condition_of(self, case: Case) -> dict[str, Any]:
        """Return settings of the panel for a case."""
        return {**self.condition, **case.condition}

    def handling_of(self, case: Case) -> dict[str, Any]:
        """Return settings of the hand for a case."""
        return {**self.handling, **case.handling}

    def presses(self) -> Iterator[PlannedPress]:
        """Yield every press, in the order of the run: profile by profile, case by case."""
        index = 0
        for profile in self.header.profiles:
            for case in self.cases:
                for number in range(1, case.presses + 1):
                    index += 1
                    yield PlannedPress(index, profile, case, number)

    @classmethod
    def _checked(cls, source: PlanText, path: Path) -> Self:
        document = _converted(source.raw, Document, KNOWN_KEYS, path)
        settings = _scenario_settings(document, path) if document.plan.scenario else None
        try:
            check_document(document, source.raw)
            check_cases(document.cases)
            plan = cls(
                path=path,
                text=source.text,
                header=document.plan,
                cases=tuple(resolved(document.cases, document.conditions, document.handlings)),
                limits=tuple(document.limits),
                decoder=document.decoder,
                dut=document.dut,
                condition=document.condition,
                handling=document.handling,
                conditions=document.conditions,
                handlings=document.handlings,
                rig=document.rig,
                duts=document.duts,
                scenario_settings=settings,
                includes=source.includes,
            )
            check_limits(plan.limits, plan.cases, plan.header.profiles)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        return plan


def _scenario_settings(document: Document, path: Path) -> Struct:
    try:
        shape = load_scenario(document.plan.scenario).Settings
    except InputError as error:
        raise InputError(f"{path}: plan.{error}") from None
    # A document with this one table, so that messages name its keys in full.
    table = msgspec.defstruct("SettingsTable", [("settings", shape)])
    keys = {"settings": shape.__struct_fields__}
    checked = _converted({"settings": document.settings}, table, keys, path)
    settings: Struct = msgspec.structs.asdict(checked)["settings"]
    return settings


def _converted(raw: Mapping[str, Any], shape: type[_T], keys: Mapping[str, Sequence[str]], path: Path) -> _T:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), raw, keys)}") from None
