"""The summary of trials, for other programs."""

from __future__ import annotations

from typing import Any

import msgspec
from stampbench.bench.scenarios import Figure, Trial
from stampbench.bench.scenarios.assessment import TrialsAssessment
from stampbench.bench.scenarios.records import TrialsRun
from stampbench.bench.scenarios.subject import plan_name


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
