"""The JSON summary of a run: what ``stampbench run --json`` prints and ``summary.json`` holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
from stampbench.bench.judging.assessment import Assessment, Judged, Measured, Result, judge, of_finding
from stampbench.bench.judging.misses import misses
from stampbench.bench.judging.sequential import SequentialTest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.report.subject import Beside


def render_summary(plan: Plan, run: Run, assessment: Assessment, beside: Beside | None = None) -> bytes:
    """Return the summary as indented JSON, ended by a newline."""
    summary = summarize(plan, run, assessment, beside)
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def summarize(plan: Plan, run: Run, assessment: Assessment, beside: Beside | None = None) -> dict[str, Any]:
    """Return the summary as plain data; numbers stand in the unit beside them."""
    header, end = run.header, run.end
    return {
        "verdict": assessment.verdict.value,
        "exit_status": assessment.verdict.exit_status,
        "reason": assessment.reason,
        "by_chance": assessment.by_chance,
        "complete": end is not None and end.status == "complete",
        "plan": {
            "name": plan.header.name,
            "path": header.plan_path,
            "sha256": header.plan_sha256,
            "settings": header.settings,
        },
        "seed": header.seed,
        "presses": {
            "planned": assessment.planned,
            "done": len(run.presses) - assessment.repeated,
            "not_made": assessment.not_made,
            "repeated": assessment.repeated,
            **assessment.outcomes,
        },
        "limits": [_limit(judged) for judged in assessment.limits],
        "trials": [_trial(trial) for trial in run.trials],
        "figures": [{"result": _result(figure), **_fields(figure)} for figure in run.figures],
        "readings_digest": run.digest,
        "measurements": [_measured(measured) for measured in assessment.measured],
        "link": end.link if end is not None else {},
        "injected": end.injected if end is not None else {},
        "rigs": header.rigs,
        "station": header.station,
        "operator": header.operator,
        "duts": header.duts,
        "beside_ours": None if (found := misses(run.presses)) is None else dataclasses.asdict(found),
        "shard": header.shard,
        "sessions": run.sessions,
        "until_confident": header.until_confident,
        "replay_of": header.replay_of,
        "versions": header.versions,
        "campaign": header.campaign,
        "workers": header.workers,
        "started_at": header.started_at,
        "finished_at": end.finished_at if end is not None else None,
        "seconds": end.seconds if end is not None else None,
        "presses_per_s": end.presses / end.seconds if end is not None and end.seconds else None,
        "prepare_seconds": end.prepare_seconds if end is not None else None,
        "records": str(run.path),
        "baseline": None if beside is None else _beside(beside),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    found = trial.interval
    return {
        "result": _result(trial),
        **_fields(trial),
        "rate": found.estimate,
        "low": found.low,
        "high": found.high,
        "confidence": found.confidence,
        "method": found.method,
    }


def _result(finding: Finding) -> str:
    measured, limit = of_finding(finding)
    return Result.PASSED.value if limit is None else judge(measured, limit).result.value


def _fields(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in finding.__struct_fields__}


def _beside(beside: Beside) -> dict[str, Any]:
    changes = beside.changes
    return {
        "records": str(beside.run.path),
        "paired": beside.comparison.paired,
        "why": beside.comparison.why,
        "significant": len(beside.comparison.significant),
        "measurements": [dataclasses.asdict(row) for row in beside.comparison.rows],
        "changes": None
        if changes is None
        else {
            "presses": changes.presses,
            "changed": changes.changed,
            "kinds": [
                {"before": before, "after": after, "presses": count}
                for (before, after), count in changes.kinds.items()
            ],
            "first": [dataclasses.asdict(change) for change in changes.first],
        },
    }


def _measured(measured: Measured) -> dict[str, Any]:
    own = dataclasses.asdict(measured)
    return {
        "measurement": own.pop("name"),
        **{key: own[key] for key in own if key not in ("title", "meaning")},
    }


def _limit(judged: Judged) -> dict[str, Any]:
    return {
        "result": judged.result.value,
        "why": judged.why,
        **_measured(judged.measured),
        **{key: getattr(judged, key) for key in ("min", "max", "marginal_min", "marginal_max")},
        "confident": judged.confident,
        "worst": judged.worst,
        "sequential": None if judged.test is None else _sequential(judged.test),
    }


def _sequential(test: SequentialTest) -> dict[str, Any]:
    return {
        "decision": test.decision.value,
        "failures": test.failures,
        "trials": test.trials,
        "p0": test.p0,
        "p1": test.p1,
        "alpha": test.alpha,
        "beta": test.beta,
        "cap": test.cap,
        "claim": test.claim,
    }
