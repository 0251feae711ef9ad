"""The report for people: one self-contained HTML file, verdict first."""

from __future__ import annotations

import functools
import heapq
import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.measurements import MEASUREMENTS
from bench.metrics import Assessment, Judged, Measured, Result, Verdict
from bench.plans import Plan
from bench.press_records import Outcome, PressRecord, PressResult
from bench.records import Run
from bench.report import replay_command, run_command
from bench.statistics import zero_failure_success
from bench.tallies import badness
from firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from markupsafe import Markup

GALLERY_SIZE = 8
"""How many of the worst presses are shown."""
FAULTS_SHOWN = 20

NONE = "\N{EN DASH}"
_TYPICAL_SIDE_MM = 112.0
_TYPICAL_SIDE_INCHES = 4.6
_WORST_SIDE_MM = 54.0
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_SYMBOLS = {Result.PASSED: "✓", Result.MARGINAL: "≈", Result.FAILED: "✗", Result.UNSET: "?"}


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measurement, its interval and its limit as places on a bar, in percent of its length."""

    low: float
    high: float
    value: float
    allowed_from: float
    allowed_to: float


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit as the page shows it."""

    title: str
    meaning: str
    where: str
    value: str
    counted: str
    interval: str
    limit: str
    result: str
    symbol: str
    gauge: Gauge | None
    claim: str
    worst: str | None


@dataclass(frozen=True, slots=True)
class PressCard:
    """One press with its picture."""

    title: str
    finding: str
    bad: bool
    facts: tuple[tuple[str, str], ...]
    picture: Markup | None
    command: str


def render_html(plan: Plan, run: Run, assessment: Assessment) -> str:
    """Return the page. Everything in it comes from the records; pictures are simulated again from them."""
    import jinja2
    from markupsafe import Markup

    from bench.report.pictures import times_picture

    shown = _Shown(plan)
    for result in run.presses:
        shown.add(result)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    whole = whole_records(plan, run)

    def card(press: int, side_mm: float, side_inches: float = 2.8) -> PressCard:
        return _card(plan, run, whole(press), side_mm, side_inches)

    return environment.get_template("report.html.j2").render(
        plan=plan,
        run=run,
        assessment=assessment,
        passed=assessment.verdict is Verdict.PASSED,
        verdict_class={Verdict.PASSED: "passed", Verdict.FAILED: "failed"}.get(assessment.verdict, "unset"),
        limits=[limit_row(run, judged) for judged in assessment.limits],
        measured=[_measured_row(measured) for measured in assessment.measured],
        genuine=shown.genuine,
        times=Markup(times_picture(shown.times_ms, "time to decision by profile"))
        if any(shown.times_ms.values())
        else None,
        typical=[card(press, _TYPICAL_SIDE_MM, _TYPICAL_SIDE_INCHES) for press in shown.typical()],
        worst=[card(press, _WORST_SIDE_MM) for press in shown.worst()],
        faults=shown.faults,
        duration=_duration(run),
        command=run_command(run),
    )


def limit_row(run: Run, judged: Judged) -> LimitRow:
    """Put a limit and its measurement into words and numbers."""
    measured = judged.measured
    measurement = MEASUREMENTS[measured.name]
    return LimitRow(
        title=measurement.title,
        meaning=measurement.meaning,
        where=f"{measured.profile} · {measured.case or 'all cases'}",
        value=number(measured.value, measured.unit),
        counted=_counted(measured),
        interval=_interval(measured),
        limit=_limit(judged),
        result=judged.result.value,
        symbol=_SYMBOLS[judged.result],
        gauge=gauge(judged),
        claim=_claim(measured),
        worst=None if judged.worst is None else replay_command(run, judged.worst),
    )


def _measured_row(measured: Measured) -> dict[str, str]:
    return {
        "title": MEASUREMENTS[measured.name].title,
        "profile": measured.profile,
        "case": measured.case or "all cases",
        "value": number(measured.value, measured.unit),
        "counted": _counted(measured),
        "interval": _interval(measured),
    }


def number(value: float | None, unit: str) -> str:
    """A value with its unit; a rate in percent."""
    if value is None:
        return NONE
    if unit == "1":
        value, unit = value * 100.0, "%"
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    return f"{value:,.{min(digits, 4)}f}{_NARROW_SPACE}{unit}"


def gauge(judged: Judged) -> Gauge | None:
    """Where value, interval and limit stand on a bar from 0 to somewhat beyond the largest of them."""
    measured = judged.measured
    if measured.value is None:
        return None
    low = measured.value if measured.low is None else measured.low
    high = measured.value if measured.high is None else measured.high
    limits = [end for end in (judged.min, judged.max) if end is not None]
    top = 1.15 * max(high, *limits)
    if top <= 0.0:
        top = 1.0
    return Gauge(
        low=100.0 * low / top,
        high=100.0 * high / top,
        value=100.0 * measured.value / top,
        allowed_from=0.0 if judged.min is None else 100.0 * judged.min / top,
        allowed_to=100.0 if judged.max is None else 100.0 * judged.max / top,
    )


def _counted(measured: Measured) -> str:
    return f"n = {measured.n:,}" if measured.k is None else f"{measured.k:,} of {measured.n:,}"


def _interval(measured: Measured) -> str:
    if measured.low is None or measured.high is None:
        return NONE
    low, high = number(measured.low, measured.unit), number(measured.high, measured.unit)
    return f"{low.partition(_NARROW_SPACE)[0]} {NONE} {high}"


def _limit(judged: Judged) -> str:
    unit = judged.measured.unit
    ends = []
    if judged.min is not None:
        ends.append(f"≥ {number(judged.min, unit)}")
    if judged.max is not None:
        ends.append(f"≤ {number(judged.max, unit)}")
    return " and ".join(ends) + (", whole interval" if judged.confident else "")


def _claim(measured: Measured) -> str:
    """What a count of zero proves."""
    if measured.k != 0 or measured.n == 0:
        return ""
    bound = number(1.0 - zero_failure_success(measured.n), "1")
    return f"0 of {measured.n:,}: at most {bound} with 95 % confidence (one-sided)"


class _Shown:
    """What the page shows of single presses, gathered in one pass."""

    def __init__(self, plan: Plan) -> None:
        self.genuine = 0
        self.times_ms = {profile: array("d") for profile in plan.header.profiles}
        self.faults: list[PressResult] = []
        self._read: dict[str, tuple[array[float], array[int]]] = {
            profile: (array("d"), array("q")) for profile in plan.header.profiles
        }
        self._worst: list[tuple[tuple[int, float], int]] = []

    def add(self, result: PressResult) -> None:
        self.genuine += result.kind == "genuine"
        if not result.outcome.judged:
            if len(self.faults) < FAULTS_SHOWN:
                self.faults.append(result)
            return
        heapq.heappush(self._worst, (badness(result), -result.press))
        if len(self._worst) > GALLERY_SIZE:
            heapq.heappop(self._worst)
        if result.read_right and result.reading is not None:
            distances, presses = self._read[result.profile]
            distances.append(result.reading.distance_mm or 0.0)
            presses.append(result.press)
            if result.time_to_decision_ms is not None:
                self.times_ms[result.profile].append(result.time_to_decision_ms)

    def typical(self) -> Iterator[int]:
        """For each profile the rightly read press whose distance is the median."""
        for distances, presses in self._read.values():
            if presses:
                yield presses[int(np.argsort(distances, kind="stable")[len(distances) // 2])]

    def worst(self) -> list[int]:
        """The presses that speak most against the stamp, worst first."""
        return [-press for _, press in sorted(self._worst, reverse=True)]


def whole_records(plan: Plan, run: Run) -> Callable[[int], PressRecord]:
    """Gives the whole record of a press; those of a campaign are made again."""
    from bench.pressing import SimulatedPresser

    if not run.header.campaign:
        records = {record.press: record for record in run.presses if isinstance(record, PressRecord)}
        return records.__getitem__
    presser = functools.cache(lambda: SimulatedPresser(plan, run.header.seed))
    return lambda press: presser().press(plan.press(press))


def _card(plan: Plan, run: Run, record: PressRecord, side_mm: float, side_inches: float = 2.8) -> PressCard:
    facts = [("object", record.object)]
    reading = record.reading
    if reading is not None and reading.code is not None:
        facts.append(("read as", str(reading.code)))
    if reading is not None and reading.distance_mm is not None:
        facts.append(("distance", number(reading.distance_mm, "mm")))
    if reading is not None and reading.margin_mm is not None:
        at_least = "≥ " if reading.margin_is_bound else ""
        facts.append(("margin", at_least + number(reading.margin_mm, "mm")))
    if record.time_to_decision_ms is not None:
        facts.append(("decided after", number(record.time_to_decision_ms, "ms")))
    return PressCard(
        title=f"Press {record.press} · {record.profile} · {record.case}",
        finding=_finding(record),
        bad=record.outcome is Outcome.FAILED,
        facts=tuple(facts),
        picture=_picture(plan, run, record, side_mm, side_inches),
        command=replay_command(run, record.press),
    )


def _finding(record: PressRecord) -> str:
    if record.misread:
        return "misread"
    if record.accepted:
        return "foreign object read"
    if record.read_right:
        return "read rightly"
    if record.kind == "foreign":
        return f"refused ({record.verdict})"
    why = f": {record.message}" if record.message else ""
    return f"not read ({record.verdict}){why}"


def _picture(plan: Plan, run: Run, record: PressRecord, side_mm: float, side_inches: float) -> Markup | None:
    """The picture of a press; None where this version cannot make it, as for a profile that is gone."""
    from markupsafe import Markup

    from bench.report.pictures import scene_picture
    from bench.report.scenes import scene_of

    try:
        scene = scene_of(run, record, plan)
    except InputError:
        return None
    title = f"press {record.press} at its decisive scan"
    return Markup(scene_picture(scene, title, side_mm=side_mm, side_inches=side_inches))


def _duration(run: Run) -> str:
    if run.end is None:
        return "not ended"
    presses_per_s = len(run.presses) / run.end.seconds if run.end.seconds > 0 else 0.0
    pressing = f"{run.end.seconds:,.1f} s ({presses_per_s:,.0f} presses/s)"
    return f"{pressing}, and {run.end.prepare_seconds:,.1f} s to prepare"
