"""Measuring a run, and judging it against the limits of its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.measurements import MEASUREMENTS, UNITS, Measurement
from bench.plans import Limit, Plan
from bench.records import Outcome, PressRecord, Run
from bench.statistics import percentile, rate


class Result(StrEnum):
    """How a measurement stands to its limit. The first two keep it."""

    PASSED = "passed"
    MARGINAL = "marginal"
    FAILED = "failed"
    UNSET = "unset"


class Verdict(StrEnum):
    """How a run ended."""

    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ERROR = "error"
    NOTHING_RAN = "nothing ran"

    @property
    def exit_status(self) -> int:
        """Exit status of the command (pytest's numbers)."""
        return {"passed": 0, "failed": 1, "interrupted": 2, "error": 3, "nothing ran": 5}[self.value]


@dataclass(frozen=True, slots=True)
class Measured:
    """The value of a measurement, in its base unit.

    Attributes:
        case: None: all cases that it applies to.
        value, low, high: estimate and interval; None where there is none.
        k: what was counted, for a rate.
        n: trials or sample size.
        confidence, method: of the interval.
    """

    name: str
    profile: str
    case: str | None
    unit: str
    value: float | None
    low: float | None
    high: float | None
    k: int | None
    n: int
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A measurement beside its limit; everything in the limit's unit.

    Attributes:
        confident: True if the whole interval had to keep the limit.
        worst: number of the press that speaks most against it, to be replayed; None if none does.
    """

    measured: Measured
    min: float | None
    max: float | None
    marginal_min: float | None
    marginal_max: float | None
    confident: bool
    result: Result
    worst: int | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that a run says about the stamps and the bench.

    Attributes:
        measured: every measurement, by profile and case.
        limits: those the plan limits.
        outcomes: presses by outcome.
        planned: presses the plan asked for.
        reason: of the verdict, one line.
    """

    verdict: Verdict
    reason: str
    measured: tuple[Measured, ...]
    limits: tuple[Judged, ...]
    outcomes: Mapping[str, int]
    planned: int


def measure(
    name: str, records: Iterable[PressRecord], *, profile: str, case: str | None, seed: int = 0
) -> Measured:
    """One measurement of the presses of a profile; presses lost to the bench do not count.

    Args:
        name: of the measurement.
        records: any presses; those that belong are picked.
        profile: whose presses count.
        case: whose presses count; None: all that the measurement applies to.
        seed: of the bootstrap.
    """
    measurement = MEASUREMENTS[name]
    chosen = [
        record
        for record in records
        if record.outcome.judged
        and record.profile == profile
        and measurement.applies_to(record.kind)
        and case in (None, record.case)
    ]
    if measurement.counts is not None:
        result = rate(sum(map(measurement.counts, chosen)), len(chosen))
        return Measured(
            name,
            profile,
            case,
            measurement.unit,
            result.estimate,
            result.low if result.n else None,
            result.high if result.n else None,
            result.k,
            result.n,
            result.confidence,
            result.method,
        )
    assert measurement.value is not None
    values = [value for value in map(measurement.value, chosen) if value is not None]
    found = percentile(values, measurement.q, seed=seed)
    return Measured(
        name,
        profile,
        case,
        measurement.unit,
        found.estimate,
        found.low,
        found.high,
        None,
        found.n,
        found.confidence,
        found.method,
    )


def judge(measured: Measured, limit: Limit, records: Sequence[PressRecord] = ()) -> Judged:
    """Hold a measurement against a limit."""
    unit = limit.unit or measured.unit
    scaled = _in_unit(measured, unit)
    low, high = (scaled.low, scaled.high) if limit.confident else (scaled.value, scaled.value)
    if scaled.value is None or low is None or high is None:
        result = Result.UNSET
    elif _outside(low, high, limit.min, limit.max):
        result = Result.FAILED
    elif _outside(low, high, limit.marginal_min, limit.marginal_max):
        result = Result.MARGINAL
    else:
        result = Result.PASSED
    return Judged(
        scaled,
        limit.min,
        limit.max,
        limit.marginal_min,
        limit.marginal_max,
        limit.confident,
        result,
        _worst(measured, records),
    )


def assess(plan: Plan, run: Run) -> Assessment:
    """Measure and judge a run, whole or cut short."""
    by_profile: dict[str, list[PressRecord]] = {profile: [] for profile in plan.header.profiles}
    for record in run.presses:
        by_profile.setdefault(record.profile, []).append(record)
    kinds = {case.kind for case in plan.cases}
    measured = [
        measure(name, records, profile=profile, case=case, seed=run.header.seed)
        for profile, records in by_profile.items()
        for name, measurement in MEASUREMENTS.items()
        if any(measurement.applies_to(kind) for kind in kinds)
        for case in _cases_to_measure(plan, measurement)
    ]
    limits = [
        judge(
            measure(
                limit.measurement, by_profile[profile], profile=profile, case=limit.case, seed=run.header.seed
            ),
            limit,
            by_profile[profile],
        )
        for limit in plan.limits
        for profile in ([limit.profile] if limit.profile is not None else plan.header.profiles)
    ]
    counted = Counter(record.outcome.value for record in run.presses)
    outcomes = {outcome.value: counted.get(outcome.value, 0) for outcome in Outcome}
    verdict, reason = _verdict(plan, run, limits, outcomes)
    return Assessment(verdict, reason, tuple(measured), tuple(limits), outcomes, plan.size)


def badness(record: PressRecord) -> tuple[int, float]:
    """How much a press speaks against the stamp: larger is worse. For the gallery of the worst presses."""
    if not record.outcome.judged:
        return 0, 0.0
    distance = record.reading.distance_mm if record.reading else None
    if record.misread:
        return 6, distance or 0.0
    if record.accepted:
        return 5, -(distance or 0.0)
    if record.outcome is Outcome.FAILED:
        return 4, record.time_to_decision_ms or float("inf")
    if record.kind == "genuine":
        return 2, distance or 0.0
    # A foreign object that was rightly refused is the more worrying the nearer it came to a code.
    return 1, -(distance if distance is not None else float("inf"))


def _cases_to_measure(plan: Plan, measurement: Measurement) -> list[str | None]:
    """All fitting cases together, and, where they are several, each on its own."""
    names = [case.name for case in plan.cases if measurement.applies_to(case.kind)]
    return [None, *names] if len(names) > 1 else list(names)


def _in_unit(measured: Measured, unit: str) -> Measured:
    import dataclasses

    size = UNITS[MEASUREMENTS[measured.name].quantity][unit]
    value, low, high = (
        None if number is None else number / size for number in (measured.value, measured.low, measured.high)
    )
    return dataclasses.replace(measured, unit=unit, value=value, low=low, high=high)


def _outside(low: float, high: float, smallest: float | None, largest: float | None) -> bool:
    return (smallest is not None and low < smallest) or (largest is not None and high > largest)


def _worst(measured: Measured, records: Iterable[PressRecord]) -> int | None:
    """The press that speaks most against a measurement."""
    measurement = MEASUREMENTS[measured.name]
    chosen = [
        record
        for record in records
        if record.outcome.judged
        and record.profile == measured.profile
        and measured.case in (None, record.case)
    ]
    if measurement.counts is not None:
        counted = [
            record for record in chosen if measurement.applies_to(record.kind) and measurement.counts(record)
        ]
        return max(counted, key=badness).press if counted else None
    assert measurement.value is not None
    sign = 1.0 if measurement.q >= 0.5 else -1.0
    valued = [
        (sign * value, record.press) for record in chosen if (value := measurement.value(record)) is not None
    ]
    return max(valued)[1] if valued else None


def _verdict(
    plan: Plan, run: Run, limits: Sequence[Judged], outcomes: Mapping[str, int]
) -> tuple[Verdict, str]:
    presses = len(run.presses)
    faults = outcomes["error"] + outcomes["timeout"]
    if run.end is not None and run.end.status == "error":
        return Verdict.ERROR, run.end.message or "the bench failed"
    if run.end is None or run.end.status == "interrupted":
        return Verdict.INTERRUPTED, f"stopped after {presses:,} of {plan.size:,} presses"
    if presses == 0:
        return Verdict.NOTHING_RAN, "no press was made"
    failed = [judged for judged in limits if judged.result is Result.FAILED]
    if failed:
        return Verdict.FAILED, f"{len(failed)} of {len(limits)} limits missed"
    if faults > plan.header.bench_faults * presses:
        return Verdict.ERROR, f"{faults:,} of {presses:,} presses lost to faults of the bench"
    if any(judged.result is Result.UNSET for judged in limits):
        return Verdict.ERROR, "a limit has no measurement to be held against"
    if not limits:
        return Verdict.PASSED, f"{presses:,} presses made; the plan sets no limits"
    marginal = sum(judged.result is Result.MARGINAL for judged in limits)
    return Verdict.PASSED, f"all {len(limits)} limits met" + (f", {marginal} marginally" if marginal else "")
