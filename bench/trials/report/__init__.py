"""Reports of trials, rendered from their records alone, and as often as wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.metrics import Result, Verdict
from bench.scenarios import Figure, Finding, Trial
from bench.trials.records import TrialsRun, read_trials
from firmware_emulator.errors import InputError


@dataclass(frozen=True, slots=True)
class TrialsAssessment:
    """All that the records say; ``reason`` is that of the verdict, one line."""

    verdict: Verdict
    reason: str


def assess(run: TrialsRun) -> TrialsAssessment:
    """Judge trials, whole or cut short."""
    judged = [finding for finding in run.findings if isinstance(finding, Trial) or finding.limited]
    failed = sum(finding.result is Result.FAILED for finding in judged)
    untried = [trial for trial in run.trials if trial.result is Result.UNSET]
    if run.end is not None and run.end.status == "error":
        return TrialsAssessment(Verdict.ERROR, run.end.message or "the scenario failed")
    if run.end is None or run.end.status == "interrupted":
        return TrialsAssessment(Verdict.INTERRUPTED, f"stopped after {len(run.findings):,} findings")
    if not run.findings:
        return TrialsAssessment(Verdict.NOTHING_RAN, "the scenario found nothing")
    if failed:
        return TrialsAssessment(Verdict.FAILED, f"{failed:,} of {len(judged):,} findings miss their bar")
    if untried:
        return TrialsAssessment(Verdict.ERROR, f"{untried[0]} was not tried once")
    tries = sum(trial.tries for trial in run.trials)
    return TrialsAssessment(Verdict.PASSED, f"all {len(judged):,} findings keep their bar; {tries:,} tries")


def write_reports(source: Path, destination: Path | None = None) -> tuple[TrialsRun, TrialsAssessment]:
    """Render ``summary.json``, ``junit.xml`` and ``report.html`` of the trials in ``source``.

    Args:
        source: directory of the run, or its records.
        destination: directory to write to; None: beside the records.

    Raises:
        InputError: no records, records that cannot be read, or a destination that cannot be written.
    """
    from bench.trials.report.html import render_html
    from bench.trials.report.junit import render_junit

    run = read_trials(source)
    assessment = assess(run)
    directory = destination or run.path.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "summary.json").write_bytes(render_summary(run, assessment))
        (directory / "junit.xml").write_bytes(render_junit(run, assessment))
        (directory / "report.html").write_text(render_html(run, assessment), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be written: {error.strerror}: expected a writable directory"
        ) from None
    return run, assessment


def render_summary(run: TrialsRun, assessment: TrialsAssessment) -> bytes:
    """Return the summary as indented JSON, ended by a newline."""
    header, end = run.header, run.end
    summary: dict[str, Any] = {
        "verdict": assessment.verdict.value,
        "exit_status": assessment.verdict.exit_status,
        "reason": assessment.reason,
        "complete": end is not None and end.status == "complete",
        "plan": {"name": plan_name(run), "path": header.plan_path, "sha256": header.plan_sha256},
        "seed": header.seed,
        "trials": [_trial(trial) for trial in run.trials],
        "figures": [{"result": figure.result.value, **_fields(figure)} for figure in run.figures],
        "station": header.station,
        "versions": header.versions,
        "started_at": header.started_at,
        "finished_at": end.finished_at if end is not None else None,
        "seconds": end.seconds if end is not None else None,
        "records": str(run.path),
    }
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


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
        return "none wrong" if finding.allowed == 0.0 else f"≤ {100 * finding.allowed:g} % wrong"
    ends = []
    if finding.min is not None:
        ends.append(f"≥ {finding.min:g}")
    if finding.max is not None:
        ends.append(f"≤ {finding.max:g}")
    return f"{' and '.join(ends)} {finding.unit}" if ends else "no limit"


def _plan_table(run: TrialsRun) -> dict[str, Any]:
    import tomllib

    try:
        plan = tomllib.loads(run.header.plan_text)["plan"]
    except (tomllib.TOMLDecodeError, KeyError):
        plan = None
    if not isinstance(plan, dict):
        raise InputError(f"{run.path}: line 1: plan_text: expected a plan in TOML")
    return plan


def _trial(trial: Trial) -> dict[str, Any]:
    interval = trial.interval
    return {
        "result": trial.result.value,
        **_fields(trial),
        "rate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "confidence": interval.confidence,
        "method": interval.method,
    }


def _fields(finding: Trial | Figure) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in finding.__struct_fields__}
