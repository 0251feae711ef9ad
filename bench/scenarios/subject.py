"""What a report of trials is of: its plan, its bars, and the command that makes it again."""

from __future__ import annotations

import tomllib
from typing import Any

from stampbench.bench.scenarios import Finding, Trial
from stampbench.bench.scenarios.records import TrialsRun
from stampbench.firmware_emulator.errors import InputError


def plan_name(run: TrialsRun) -> str:
    """Name of the plan, from its text."""
    return str(_plan_table(run).get("name", run.header.plan_path))


def plan_description(run: TrialsRun) -> str:
    """Description of the plan, from its text."""
    return str(_plan_table(run).get("description", ""))


def run_command(run: TrialsRun) -> str:
    """The command that makes all trials again."""
    return f"stampbench run {run.header.plan_path} --seed {run.header.seed}"


def bar_text(finding: Finding) -> str:
    """What had to be kept, in words."""
    if isinstance(finding, Trial):
        if finding.allowed == 0.0:
            return "none wrong"
        return f"≤ {100 * finding.allowed:g} % wrong" + (", whole interval" if finding.surely else "")
    ends = []
    if finding.min is not None:
        ends.append(f"≥ {finding.min:g}")
    if finding.max is not None:
        ends.append(f"≤ {finding.max:g}")
    return f"{' and '.join(ends)} {finding.unit}" if ends else "no limit"


def _plan_table(run: TrialsRun) -> dict[str, Any]:
    try:
        plan = tomllib.loads(run.header.plan_text)["plan"]
    except (tomllib.TOMLDecodeError, KeyError):
        plan = None
    if not isinstance(plan, dict):
        raise InputError(f"{run.path}: line 1: plan_text: expected a plan in TOML")
    return plan
