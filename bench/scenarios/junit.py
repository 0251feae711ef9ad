"""JUnit XML (xunit2, as pytest writes it) of trials: one test case per finding."""

from __future__ import annotations

from xml.etree import ElementTree

from stampbench.bench.judging.assessment import Result, Verdict
from stampbench.bench.report.xunit import document, legal, properties, system_out
from stampbench.bench.scenarios import Finding, Trial
from stampbench.bench.scenarios.assessment import TrialsAssessment
from stampbench.bench.scenarios.records import TrialsRun
from stampbench.bench.scenarios.subject import bar_text, plan_name


def render_junit(run: TrialsRun, assessment: TrialsAssessment) -> bytes:
    """Return the XML document.

    A finding that misses its bar is a failure; a trial that was not tried once, and a scenario that did not
    end, are errors: they say nothing about what was tried.
    """
    name = plan_name(run)
    cases = [_finding_case(name, finding) for finding in run.findings]
    cases.append(_bench_case(name, run, assessment))
    return document(
        name,
        cases,
        {
            "plan": run.header.plan_path,
            "plan_sha256": run.header.plan_sha256,
            "seed": run.header.seed,
            "verdict": assessment.verdict.value,
            "complete": run.end is not None and run.end.status == "complete",
            **{f"version.{name}": version for name, version in run.header.versions.items()},
        },
        seconds=run.end.seconds if run.end is not None else 0.0,
        started_at=run.header.started_at,
        station=run.header.station,
    )


def _finding_case(plan: str, finding: Finding) -> ElementTree.Element:
    of_trial = isinstance(finding, Trial)
    case = ElementTree.Element(
        "testcase",
        {
            "classname": legal(f"{plan}.{finding.threat if isinstance(finding, Trial) else 'figures'}"),
            "name": legal(finding.case if isinstance(finding, Trial) else finding.name),
            "time": "0",
        },
    )
    properties(case, {**_values(finding), "bar": bar_text(finding), "result": finding.result.value})
    sentence = _sentence(finding)
    if finding.result is Result.FAILED:
        kind = "wrong decisions" if of_trial else "limit missed"
        ElementTree.SubElement(case, "failure", {"message": legal(sentence), "type": kind})
    elif finding.result is Result.UNSET:
        ElementTree.SubElement(case, "error", {"message": "not tried once", "type": "unset"})
    system_out(case, [line for line in (sentence, finding.note, "[[ATTACHMENT|report.html]]") if line])
    return case


def _bench_case(plan: str, run: TrialsRun, assessment: TrialsAssessment) -> ElementTree.Element:
    """The scenario itself: did it end?"""
    case = ElementTree.Element(
        "testcase", {"classname": legal(f"{plan}.bench"), "name": "bench", "time": "0"}
    )
    if assessment.verdict in (Verdict.ERROR, Verdict.INTERRUPTED, Verdict.NOTHING_RAN):
        ElementTree.SubElement(
            case, "error", {"message": legal(assessment.reason), "type": assessment.verdict.value}
        )
    system_out(case, [f"{len(run.findings)} findings", "[[ATTACHMENT|records.jsonl]]"])
    return case


def _values(finding: Finding) -> dict[str, object]:
    if isinstance(finding, Trial):
        interval = finding.interval
        return {
            "tries": finding.tries,
            "wrong": finding.wrong,
            "allowed": finding.allowed,
            "interval_lo": interval.low,
            "interval_hi": interval.high,
            "confidence": interval.confidence,
            "method": interval.method,
        }
    return {"value": finding.value, "unit": finding.unit, "lo": finding.min, "hi": finding.max}


def _sentence(finding: Finding) -> str:
    if isinstance(finding, Trial):
        interval = finding.interval
        return (
            f"{finding.case}: {finding.wrong} of {finding.tries} wrong, {interval.confidence:.0%} interval "
            f"{interval.low:.4g} to {interval.high:.4g}; {bar_text(finding)}"
        )
    return f"{finding.name} = {finding.value:.4g} {finding.unit}; {bar_text(finding)}"
