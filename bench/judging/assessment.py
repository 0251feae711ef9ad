"""Measuring a run, and judging it against the limits of its plan, or what its scenario found."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from stampbench.bench.judging.early_stops import EarlyStops
from stampbench.bench.judging.measurements import MEASUREMENTS, UNITS, Measurement
from stampbench.bench.judging.sequential import SequentialDecision, SequentialTest
from stampbench.bench.judging.statistics import Percentile, Rate, as_written, clustered_rate, percentile, rate
from stampbench.bench.judging.tallies import Sample, Tally
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.tables import Limit
from stampbench.bench.records.files import Run
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.records.presses import Outcome
from stampbench.bench.runs.orders import Shard

FIGURES: Final = "figures"
"""Heading of the numbers that a scenario measured, beside its threats."""


class Result(StrEnum):
    """How a measurement stands to its limit. The first two keep it."""

    PASSED = "passed"
    MARGINAL = "marginal"
    FAILED = "failed"
    UNSET = "unset"


class Verdict(StrEnum):
    """How a run ended."""

    PASSED = "passed"
    MARGINAL = "marginal"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMEOUT = "timeout"
    ERROR = "error"
    NOTHING_RAN = "nothing ran"

    @property
    def exit_status(self) -> int:
        """Exit status of the command (pytest's numbers)."""
        return _EXIT_STATUS[self]

    @property
    def passes(self) -> bool:
        """True if every limit is kept, be it marginally."""
        return self in (Verdict.PASSED, Verdict.MARGINAL)


_EXIT_STATUS = {
    Verdict.PASSED: 0,
    Verdict.MARGINAL: 0,
    Verdict.FAILED: 1,
    Verdict.INTERRUPTED: 2,
    Verdict.TIMEOUT: 3,
    Verdict.ERROR: 3,
    Verdict.NOTHING_RAN: 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The value of a measurement, in its base unit.

    Attributes:
        name: of the measurement; of a finding, what was tried or measured.
        profile, case: whose presses count; None: all cases that it applies to.
        group: heading of a finding: the threat that was tried, or :data:`FIGURES`; "" for presses.
        title, meaning: for the reader of a report.
        value, low, high: estimate and interval; None where there is none, or too few presses for an end.
        k: what was counted, for a rate.
        n: trials or sample size.
        confidence, method: of the interval.
    """

    name: str
    profile: str = ""
    case: str | None = None
    group: str = ""
    title: str
    meaning: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    k: int | None = None
    n: int
    confidence: float = 0.95
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A measurement beside its limit; everything in the limit's unit.

    Attributes:
        confident: True if the whole interval had to keep the limit.
        worst: number of the press that speaks most against it, to be replayed; None if none does.
        test: the sequential test that decided it; None: it was held against all presses.
        why: why there is no result, in words; empty where there is one.
    """

    measured: Measured
    min: float | None
    max: float | None
    marginal_min: float | None
    marginal_max: float | None
    confident: bool
    result: Result
    worst: int | None = None
    test: SequentialTest | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All that a run says about the stamps and the bench.

    Attributes:
        measured: every measurement, by profile and case.
        limits: those the plan limits.
        outcomes: presses by outcome.
        planned: presses the plan asked for, or the part of it that was to be run.
        not_made: how many of them were not, and not passed over by name either; without a decided limit.
        reason: of the verdict, one line.
        by_chance: what the number of limits does to their risks, in words; empty for few.
        repeated: presses that the operator botched and made again: recorded, and no presses of the plan.
    """

    verdict: Verdict
    reason: str
    measured: tuple[Measured, ...]
    limits: tuple[Judged, ...]
    outcomes: Mapping[str, int]
    planned: int
    not_made: int = 0
    repeated: int = 0
    by_chance: str = ""

    @property
    def unlimited(self) -> tuple[Measured, ...]:
        """What a scenario measured without a limit."""
        limited = {id(judged.measured) for judged in self.limits}
        return tuple(measured for measured in self.measured if measured.group and id(measured) not in limited)


REPEATED = 1.5
"""Presses a stamp, from which on a rate allows for their being alike."""


def measure(
    name: str, sample: Sample, *, profile: str, case: str | None, confidence: float = 0.95
) -> Measured:
    """Return one measurement with its interval.

    Args:
        name: of the measurement.
        sample: what it saw.
        profile: whose presses these are.
        case: of which case; None: of all that it applies to.
        confidence: of the interval.
    """
    measurement = MEASUREMENTS[name]
    found: Rate | Percentile
    if measurement.is_rate:
        failures, presses = sample.by_stamp()
        if len(presses) > 1 and len(sample.stamps) == sample.n > REPEATED * len(presses):
            found = clustered_rate(failures, presses, confidence)
        else:
            found = rate(sample.k, sample.n, confidence)
        low, high = (found.low, found.high) if found.n else (None, None)
    else:
        found = percentile(sample.numbers, measurement.q, confidence=confidence)
        low, high = found.low, found.high
    return Measured(
        name=name,
        profile=profile,
        case=case,
        title=measurement.title,
        meaning=measurement.meaning,
        unit=measurement.unit,
        value=found.estimate,
        low=low,
        high=high,
        k=sample.k if measurement.is_rate else None,
        n=found.n,
        confidence=found.confidence,
        method=found.method,
    )


def of_finding(finding: Finding) -> tuple[Measured, Limit | None]:
    """Return what a scenario found as a measurement, with the limit it must keep; None: it has none."""
    if isinstance(finding, Trial):
        found = finding.interval
        measured = Measured(
            name=finding.case,
            group=finding.threat,
            title=finding.case,
            meaning=finding.note,
            unit="1",
            value=found.estimate,
            low=found.low if found.n else None,
            high=found.high if found.n else None,
            k=found.k,
            n=found.n,
            confidence=found.confidence,
            method=found.method,
        )
        return measured, Limit(measurement=finding.case, max=finding.allowed, confident=finding.surely)
    measured = Measured(
        name=finding.name,
        group=FIGURES,
        title=finding.name,
        meaning=finding.note,
        unit=finding.unit,
        value=finding.value,
        n=1,
    )
    limit = Limit(measurement=finding.name, min=finding.min, max=finding.max)
    return measured, limit if finding.limited else None


def judge(
    measured: Measured, limit: Limit, worst: int | None = None, test: SequentialTest | None = None
) -> Judged:
    """Hold a measurement against a limit.

    What is exactly at a limit keeps it: numbers are compared as they are written, not as they are rounded.

    Args:
        measured: what to judge.
        limit: what it must keep.
        worst: number of the press that speaks most against it.
        test: sequential test of the limit. Where it rejects, its word is taken; where it accepts, too, unless
            all presses together speak against it; where it has not decided, nothing is proven.
    """
    scaled = _in_unit(measured, limit.unit or measured.unit)
    result, why = _result(measured, limit, test)
    return Judged(
        measured=scaled,
        min=limit.min,
        max=limit.max,
        marginal_min=limit.marginal_min,
        marginal_max=limit.marginal_max,
        confident=limit.confident,
        result=result,
        worst=worst,
        test=test,
        why=why,
    )


def _result(measured: Measured, limit: Limit, test: SequentialTest | None) -> tuple[Result, str]:
    """Return how a measurement stands to its limit, and why that cannot be said."""
    if measured.value is None:
        return Result.UNSET, "nothing was measured"
    value = as_written(measured.value) if measured.k is None else Fraction(measured.k, measured.n)
    if test is not None:
        return _tested(measured, value, limit, test)
    low: Fraction | None = value
    high: Fraction | None = value
    if limit.confident:
        low, high = (None if end is None else as_written(end) for end in (measured.low, measured.high))
        short = (low is None and limit.min is not None) or (high is None and limit.max is not None)
        if short and _outside(value, value, limit, measured):
            return Result.FAILED, ""
        if short:
            return Result.UNSET, f"too few: {measured.n:,} values do not give the interval its end"
    if _outside(low, high, limit, measured):
        return Result.FAILED, ""
    if _outside(low, high, limit, measured, marginal=True):
        return Result.MARGINAL, ""
    return Result.PASSED, ""


def _tested(measured: Measured, value: Fraction, limit: Limit, test: SequentialTest) -> tuple[Result, str]:
    """Return the word of a sequential test, held against all presses that were made after it, too."""
    if test.decision is SequentialDecision.REJECT:
        return Result.FAILED, ""
    if test.decision is not SequentialDecision.ACCEPT:
        return Result.UNSET, f"not decided after {test.trials:,} presses"
    if _outside(value, value, limit, measured):
        low = None if measured.low is None else as_written(measured.low)
        if _outside(low, low, limit, measured):
            return Result.FAILED, ""
        return Result.UNSET, f"accepted after {test.trials:,} presses, which those after it do not bear out"
    return Result.PASSED, ""


LEVEL = 0.95
"""Confidence of an interval by itself."""


def level_of_limits(plan: Plan) -> float:
    """Return the confidence of a limit's interval; Bonferroni's where the plan is held to one level."""
    if not plan.header.family_wise:
        return LEVEL
    return 1.0 - (1.0 - LEVEL) / max(1, _whole_intervals(plan))


def chance_of_many(plan: Plan) -> str:
    """Return how many limits on whole intervals may be kept by chance, in words; empty for fewer than two."""
    count = _whole_intervals(plan)
    if count < 2:
        return ""
    each = (1.0 - level_of_limits(plan)) / 2.0
    return (
        f"{count} limits on whole intervals, each kept by a stamp exactly at it with a probability of "
        f"at most {100.0 * each:.2g} %: any of them with at most {100.0 * min(1.0, count * each):.2g} %"
    )


def _whole_intervals(plan: Plan) -> int:
    return sum(
        1 if limit.profile is not None else len(plan.header.profiles)
        for limit in plan.limits
        if limit.confident
    )


def assess(plan: Plan, run: Run) -> Assessment:
    """Measure and judge a run, whole or cut short."""
    if plan.header.scenario:
        return _assess_findings(run)
    tally = Tally()
    confidence = run.header.until_confident
    stops = None if confidence is None else EarlyStops(plan, confidence)
    repeated = 0
    made: Counter[tuple[str, str]] = Counter()
    seen = bytearray(plan.size + 2)  # by the number of the press: one that stands there twice is one
    for press in run.presses:
        tally.add(press)
        repeated += press.again
        place = min(press.press, plan.size + 1)
        if press.outcome is not Outcome.ABORTED and not seen[place]:
            made[press.profile, press.case] += 1
            seen[place] = place <= plan.size
        if stops is not None:
            stops.see([press])
    kinds = {case.kind for case in plan.cases}

    def measured_on(
        name: str, profile: str, case: str | None, confidence: float = LEVEL
    ) -> tuple[Measured, int | None]:
        cases = None if case is None else {member.name for member in plan.members(case)}
        sample = tally.sample(name, profile, cases)
        found = measure(name, sample, profile=profile, case=case, confidence=confidence)
        return found, None if sample.worst is None else sample.worst[1]

    measured = [
        measured_on(name, profile, case)[0]
        for profile in plan.header.profiles
        for name, measurement in MEASUREMENTS.items()
        if any(measurement.applies_to(kind) for kind in kinds)
        for case in _cases_to_measure(plan, measurement)
    ]
    limits = []
    for place, limit in enumerate(plan.limits):
        for profile in [limit.profile] if limit.profile is not None else plan.header.profiles:
            found, worst = measured_on(limit.measurement, profile, limit.case, level_of_limits(plan))
            test = None if stops is None else stops.of_limit(place, profile)
            limits.append(judge(found, limit, worst, test))
    outcomes = {outcome.value: tally.outcomes[outcome] for outcome in Outcome}
    asked = _asked_for(plan, Shard(*run.header.shard, run.header.shard_block))
    planned = sum(asked.values())
    not_made = sum(  # case by case: too many presses of one make up for none of another
        max(0, presses - made[key])
        for key, presses in asked.items()
        if stops is None or not stops.enough(*key)
    )
    verdict, reason = _ended(run, f"{made.total():,} of {planned:,} presses") or _verdict(
        plan, run, limits, outcomes, not_made, planned, made.total()
    )
    return Assessment(
        verdict=verdict,
        reason=reason,
        measured=tuple(measured),
        limits=tuple(limits),
        outcomes=outcomes,
        planned=planned,
        not_made=not_made,
        repeated=repeated,
        by_chance=chance_of_many(plan),
    )


def _asked_for(plan: Plan, shard: Shard) -> dict[tuple[str, str], int]:
    """Return how many presses of each case on each profile are of this part of the run."""
    asked, end = {}, 0
    for profile in plan.header.profiles:
        for case in plan.cases:
            start, end = end, end + case.presses
            asked[profile, case.name] = shard.size(end) - shard.size(start)
    return asked


def _assess_findings(run: Run) -> Assessment:
    """Judge what a scenario found, whole or cut short."""
    found = [of_finding(finding) for finding in run.findings]
    limits = tuple(judge(measured, limit) for measured, limit in found if limit is not None)
    verdict, reason = _ended(run, f"{len(run.findings):,} findings") or (
        _judgement(limits) if run.findings else (Verdict.NOTHING_RAN, "the scenario found nothing")
    )
    if run.header.sabotage:
        reason = f"sabotaged ({run.header.sabotage}): {reason}"
    return Assessment(
        verdict=verdict,
        reason=reason,
        measured=tuple(measured for measured, _ in found),
        limits=limits,
        outcomes={outcome.value: 0 for outcome in Outcome},
        planned=0,
    )


def _cases_to_measure(plan: Plan, measurement: Measurement) -> list[str | None]:
    """Return all fitting cases together, and, where they are several, each as it is written."""
    fitting = [case for case in plan.cases if measurement.applies_to(case.kind)]
    names = [case.name for case in fitting]
    groups = [group for group in plan.groups if any(case.group == group for case in fitting)]
    if len(names) < 2:
        return list(names)
    # One written case in all its conditions is all there is.
    return [None, *(groups if len({case.group for case in fitting}) > 1 else ()), *names]


def _in_unit(measured: Measured, unit: str) -> Measured:
    if unit == measured.unit:
        return measured
    size = UNITS[MEASUREMENTS[measured.name].quantity][unit]
    value, low, high = (
        None if number is None else number / size for number in (measured.value, measured.low, measured.high)
    )
    return dataclasses.replace(measured, unit=unit, value=value, low=low, high=high)


def _outside(
    low: Fraction | None, high: Fraction | None, limit: Limit, measured: Measured, *, marginal: bool = False
) -> bool:
    """Return whether either end, in the measurement's base unit, lies outside a limit."""
    size = Fraction(1)
    if limit.unit is not None and limit.unit != measured.unit:
        size = as_written(UNITS[MEASUREMENTS[measured.name].quantity][limit.unit])
    ends = (limit.marginal_min, limit.marginal_max) if marginal else (limit.min, limit.max)
    smallest, largest = (None if end is None else as_written(end) * size for end in ends)
    below = smallest is not None and low is not None and low < smallest
    return below or (largest is not None and high is not None and high > largest)


def _ended(run: Run, so_far: str) -> tuple[Verdict, str] | None:
    """Return the verdict of a run that did not come to its end; None: it did."""
    end = run.end
    if end is not None and end.status == "error":
        return Verdict.ERROR, end.message or "the bench failed"
    if end is None or end.status == "interrupted":
        return Verdict.INTERRUPTED, f"stopped after {so_far}"
    if end.status == "timeout":
        return Verdict.TIMEOUT, end.message
    if end.lines is not None and end.lines != run.lines:
        return Verdict.ERROR, f"{run.lines:,} lines recorded where {end.lines:,} were written"
    return None


def _verdict(
    plan: Plan,
    run: Run,
    limits: Sequence[Judged],
    outcomes: Mapping[str, int],
    not_made: int,
    planned: int,
    presses: int,
) -> tuple[Verdict, str]:
    """Return the verdict of a run of presses that came to its end: without all of them it is never passed."""
    skipped = outcomes["skipped"]
    faults = outcomes["error"] + outcomes["timeout"]
    if len(run.presses) == skipped + outcomes["aborted"]:
        return Verdict.NOTHING_RAN, "no press was made"
    verdict, reason = _judgement(limits)
    if verdict is Verdict.FAILED:
        return verdict, reason
    if not_made > 0:
        return Verdict.ERROR, f"{not_made:,} of {planned:,} planned presses were not made"
    if faults > plan.header.bench_faults * presses:
        return Verdict.ERROR, f"{faults:,} of {presses:,} presses lost to faults of the bench"
    if verdict is Verdict.PASSED and not limits:
        reason = f"{presses:,} presses made; the plan sets no limits"
    return verdict, reason + (
        f"; {skipped:,} of {presses:,} presses skipped" if skipped and verdict.passes else ""
    )


def _judgement(limits: Sequence[Judged]) -> tuple[Verdict, str]:
    """Return what limits alone say: one that was not measured is an error, unless another is missed."""
    failed = sum(judged.result is Result.FAILED for judged in limits)
    if failed:
        return Verdict.FAILED, f"{failed} of {len(limits)} limits missed"
    if unset := [judged for judged in limits if judged.result is Result.UNSET]:
        whys = "; ".join(sorted({judged.why for judged in unset}))
        return Verdict.ERROR, f"{len(unset)} of {len(limits)} limits can be neither met nor missed: {whys}"
    marginal = sum(judged.result is Result.MARGINAL for judged in limits)
    if marginal:
        return Verdict.MARGINAL, f"all {len(limits)} limits met, {marginal} marginally"
    return Verdict.PASSED, f"all {len(limits)} limits met" if limits else "there are no limits"
