"""What trials say all in all."""

from __future__ import annotations

from dataclasses import dataclass

from stampbench.bench.judging.assessment import Result, Verdict
from stampbench.bench.scenarios import Trial
from stampbench.bench.scenarios.records import TrialsRun


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
