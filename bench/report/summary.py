"""The JSON summary of a run: what ``stampbench run --json`` prints and ``summary.json`` holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from bench.metrics import Assessment, Judged, Measured
from bench.plans import Plan
from bench.records import Run


def render_summary(plan: Plan, run: Run, assessment: Assessment) -> bytes:
    """Return the summary as indented JSON, ended by a newline."""
    return msgspec.json.format(msgspec.json.encode(summarize(plan, run, assessment)), indent=2) + b"\n"


def summarize(plan: Plan, run: Run, assessment: Assessment) -> dict[str, Any]:
    """Return the summary as plain data; numbers stand in the unit beside them."""
    header, end = run.header, run.end
    return {
        "verdict": assessment.verdict.value,
        "exit_status": assessment.verdict.exit_status,
        "reason": assessment.reason,
        "complete": end is not None and end.status == "complete",
        "plan": {"name": plan.header.name, "path": header.plan_path, "sha256": header.plan_sha256},
        "seed": header.seed,
        "presses": {
            "planned": assessment.planned,
            "done": len(run.presses),
            **assessment.outcomes,
        },
        "limits": [_limit(judged) for judged in assessment.limits],
        "readings_digest": run.digest,
        "measurements": [_measured(measured) for measured in assessment.measured],
        "link": end.link if end is not None else {},
        "rigs": header.rigs,
        "station": header.station,
        "versions": header.versions,
        "campaign": header.campaign,
        "workers": header.workers,
        "started_at": header.started_at,
        "finished_at": end.finished_at if end is not None else None,
        "seconds": end.seconds if end is not None else None,
        "presses_per_s": len(run.presses) / end.seconds if end is not None and end.seconds else None,
        "prepare_seconds": end.prepare_seconds if end is not None else None,
        "records": str(run.path),
    }


def _measured(measured: Measured) -> dict[str, Any]:
    return {"measurement": measured.name, **_without(dataclasses.asdict(measured), "name")}


def _limit(judged: Judged) -> dict[str, Any]:
    return {
        "result": judged.result.value,
        **_measured(judged.measured),
        **_without(dataclasses.asdict(judged), "measured", "result"),
    }


def _without(mapping: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}
