"""Trial plans, checked: which scenario is run, and with what settings.

A trial plan is a TOML file::

    [plan]
    name = "hardened"
    scenario = "hardened"              # this makes it a trial plan
    seed = 1

    [settings]                         # the scenario's own
    rounds = 60
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from stampbench.bench.plans.messages import explain
from stampbench.bench.plans.text import read_plan_text
from stampbench.bench.scenarios import Scenario, load_scenario
from stampbench.firmware_emulator.errors import InputError

_T = TypeVar("_T")
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+-]*$", max_length=80)]


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[plan]`` table.

    Attributes:
        name: of the plan, in reports and file names.
        scenario: what is run; see :data:`stampbench.bench.scenarios.SCENARIOS`.
        description: one or two sentences for the reader of the report.
        seed: of the run, unless the command line gives another.
    """

    name: _Name
    scenario: str
    description: str = ""
    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0


class _Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    plan: Header
    settings: dict[str, Any] = {}


_KEYS = {"": _Document.__struct_fields__, "plan": Header.__struct_fields__}
"""Known keys of each table."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """A trial plan whose every key has been checked.

    Attributes:
        path: where it was read from.
        text: the file as it was.
        settings: of the scenario, whole.
    """

    path: Path
    text: str
    header: Header
    scenario: Scenario
    settings: Struct

    @property
    def sha256(self) -> str:
        """Fingerprint of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def is_trial_plan(path: Path) -> bool:
    """True if the file is TOML whose ``[plan]`` names a scenario; what else it may be is not said."""
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8")).get("plan")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    return isinstance(plan, dict) and "scenario" in plan


def read_trial_plan(path: Path, settings: Sequence[str] = ()) -> TrialPlan:
    """Read and check a trial plan.

    Args:
        path: of the plan.
        settings: lines ``key = value`` to be laid on top of it.

    Raises:
        InputError: the file cannot be read, is not TOML, or says something impossible; the message names the
            file, the key, the value, and what would be right.
    """
    plan = read_plan_text(path, settings)
    raw = plan.raw
    document = _convert(path, raw, _Document, _KEYS)
    try:
        scenario = load_scenario(document.plan.scenario)
    except InputError as error:
        raise InputError(f"{path}: plan.{error}") from None
    # A document with this one table, so that messages name its keys in full.
    table = msgspec.defstruct("SettingsTable", [("settings", scenario.Settings)])
    keys = {"settings": scenario.Settings.__struct_fields__}
    checked = _convert(path, {"settings": document.settings}, table, keys)
    return TrialPlan(path, plan.text, document.plan, scenario, msgspec.structs.asdict(checked)["settings"])


def _convert(path: Path, raw: dict[str, Any], shape: type[_T], keys: Mapping[str, Sequence[str]]) -> _T:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), raw, keys)}") from None
