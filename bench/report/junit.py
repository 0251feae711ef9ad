"""JUnit XML (xunit2, as pytest writes it) for continuous integration: one test case per limit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from xml.etree import ElementTree

from stampbench.bench.judging.assessment import Assessment, Judged, Measured, Result, Verdict, judge
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.tables import Limit
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.report.subject import replay_command
from stampbench.bench.report.xunit import document, legal, system_out

_LISTED = 1000
"""Of the presses lost to the bench, so many are told one by one."""


def render_junit(plan: Plan, run: Run, assessment: Assessment) -> bytes:
    """Return the XML document.

    A limit that is missed is a failure; a limit without data, and presses lost to the bench, are errors: they
    say nothing about the stamp.
    """
    unlimited = (judge(measured, Limit(measurement=measured.name)) for measured in assessment.unlimited)
    everything = (*assessment.limits, *unlimited)
    cases = [_limit_case(plan, run, judged) for judged in everything]
    cases += _skipped_cases(plan, run)
    cases.append(_bench_case(plan, run, assessment))
    # In test cases, not every reader of JUnit XML allows properties.
    figures = {
        f"{_place(judged.measured)}.{judged.measured.name}.{key}": value
        for judged in everything
        for key, value in _figures(judged).items()
    }
    return document(
        plan.header.name,
        cases,
        {
            "plan": run.header.plan_path,
            "plan_sha256": run.header.plan_sha256,
            "seed": run.header.seed,
            "verdict": assessment.verdict.value,
            "complete": run.end is not None and run.end.status == "complete",
            "station": run.header.station,
            "operator": run.header.operator,
            "shard": "/".join(map(str, run.header.shard)),
            **{f"dut.{stamp}": serial for stamp, serial in run.header.duts.items()},
            **{f"version.{name}": version for name, version in run.header.versions.items()},
            **{f"rig.{profile}": rig.serial_number for profile, rig in run.header.rigs.items()},
            **{f"firmware.{profile}": rig.firmware for profile, rig in run.header.rigs.items()},
            **{f"outcome.{name}": count for name, count in assessment.outcomes.items()},
            **figures,
        },
        seconds=run.end.seconds if run.end is not None else 0.0,
        started_at=run.header.started_at,
        station=run.header.station,
    )


def _limit_case(plan: Plan, run: Run, judged: Judged) -> ElementTree.Element:
    measured = judged.measured
    case = ElementTree.Element(
        "testcase",
        {
            "classname": legal(f"{plan.header.name}.{_place(measured)}"),
            "name": legal(f"{measured.name}[{limit_text(judged)}]"),
            "time": "0",
        },
    )
    if judged.result is Result.FAILED:
        ElementTree.SubElement(case, "failure", {"message": legal(_sentence(judged)), "type": "limit missed"})
    elif judged.result is Result.UNSET:
        ElementTree.SubElement(case, "error", {"message": legal(judged.why), "type": "unset"})
    lines = [line for line in (measured.meaning, _sentence(judged)) if line]
    if judged.worst is not None:
        lines.append(f"worst press: {replay_command(run, judged.worst)}")
    lines.append("[[ATTACHMENT|report.html]]")
    system_out(case, lines)
    return case


def _figures(judged: Judged) -> dict[str, object]:
    measured = judged.measured
    return {
        "value": measured.value,
        "unit": measured.unit,
        "lo": judged.min,
        "hi": judged.max,
        "k": measured.k,
        "n": measured.n,
        "interval_lo": measured.low,
        "interval_hi": measured.high,
        "confidence": measured.confidence,
        "method": measured.method,
        "result": judged.result.value,
        "sequential": "" if judged.test is None else judged.test.claim,
    }


def _skipped_cases(plan: Plan, run: Run) -> Iterator[ElementTree.Element]:
    """Yield a case for each press that the operator passed over; it counts as skipped."""
    skipped = (press for press in run.presses if press.outcome is Outcome.SKIPPED)
    for press in itertools.islice(skipped, _LISTED):
        case = ElementTree.Element(
            "testcase",
            {
                "classname": legal(f"{plan.header.name}.{press.profile}.{press.case}"),
                "name": f"press {press.press}",
                "time": "0",
            },
        )
        ElementTree.SubElement(case, "skipped", {"message": legal(press.message)})
        yield case


def _bench_case(plan: Plan, run: Run, assessment: Assessment) -> ElementTree.Element:
    """Return the bench itself: did the run end, and did every press reach the decoder?"""
    case = ElementTree.Element(
        "testcase", {"classname": legal(f"{plan.header.name}.bench"), "name": "bench", "time": "0"}
    )
    what = f"{len(run.presses) - assessment.repeated} of {assessment.planned} presses made"
    if plan.header.scenario:
        what = f"{len(run.findings)} findings"
    if not assessment.verdict.passes and assessment.verdict is not Verdict.FAILED:
        message = legal(assessment.reason)
        ElementTree.SubElement(case, "error", {"message": message, "type": assessment.verdict.value})
    lines = [what]
    if sum(count for name, count in assessment.outcomes.items() if not Outcome(name).judged):
        lost = (record for record in run.presses if not record.outcome.judged)
        lines += [
            f"press {record.press}: {record.outcome.value}: {record.message}"
            for record in itertools.islice(lost, _LISTED)
        ]
    system_out(case, [*lines, "[[ATTACHMENT|records.jsonl]]"])
    return case


def _place(measured: Measured) -> str:
    return measured.group or f"{measured.profile}.{measured.case or 'all cases'}"


def limit_text(judged: Judged) -> str:
    """Return the limit in words, as in "0.1 <= x <= 3 ms"."""
    low = "" if judged.min is None else f"{judged.min:g} <= "
    high = "" if judged.max is None else f" <= {judged.max:g}"
    unit = "" if judged.measured.unit == "1" else f" {judged.measured.unit}"
    return f"{low}x{high}{unit}{', whole interval' if judged.confident else ''}"


def _sentence(judged: Judged) -> str:
    measured = judged.measured
    unit = "" if measured.unit == "1" else f" {measured.unit}"
    if measured.value is None:
        return f"{measured.name}: not measured; limit {limit_text(judged)}"
    if measured.group and measured.k is None:
        return f"{measured.name} = {measured.value:.4g}{unit}; limit {limit_text(judged)}"
    counted = f"{measured.k} of {measured.n}" if measured.k is not None else f"n = {measured.n}"
    interval = (
        ""
        if measured.low is None or measured.high is None
        else f", {measured.confidence:.0%} interval {measured.low:.4g} to {measured.high:.4g}{unit}"
    )
    why = f": {judged.why}" if judged.why else ""
    found = f"{measured.name} = {measured.value:.4g}{unit} ({counted}{interval})"
    return f"{found}; limit {limit_text(judged)}{why}"
