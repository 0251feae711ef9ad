"""The report for people: one self-contained HTML file, verdict first."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stampbench.bench.judging.assessment import Assessment, Verdict
from stampbench.bench.judging.comparison import ComparedMeasurement, Comparison
from stampbench.bench.judging.misses import misses
from stampbench.bench.judging.sequential import SequentialDecision
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run
from stampbench.bench.report import press_cards
from stampbench.bench.report.limit_rows import (
    by_group,
    counted,
    interval,
    limit_row,
    measured_row,
    number,
    probability,
)
from stampbench.bench.report.matrix_rows import matrices
from stampbench.bench.report.shown_presses import ShownPresses
from stampbench.bench.report.subject import Beside, run_command
from stampbench.firmware_emulator.outside import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import jinja2
    from markupsafe import Markup

_TYPICAL_SIDE_MM = 112.0
_TYPICAL_SIDE_INCHES = 4.6
_WORST_SIDE_MM = 54.0


_SHARED = Path(__file__).parent
"""Holds ``page.html.j2``."""


@functools.cache
def _templates(folder: Path) -> jinja2.Environment:
    """Return the environment of the pages in a folder; what is not there is an error, and text is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader((folder, _SHARED)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )


def _seen(value: object) -> object:
    """Return what stands in a page: texts of other people have nothing in them that acts unseen."""
    return printable(value, keep="\n\t") if type(value) is str else value


def render(template: Path, **values: object) -> str:
    """Fill in a template, which lies beside the module that writes the page."""
    return _templates(template.parent).get_template(template.name).render(**values)


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One measurement in two runs as the page shows it."""

    title: str
    where: str
    before: str
    before_counted: str
    after: str
    after_counted: str
    difference: str
    interval: str
    p: str
    significant: bool
    pairs: str


@dataclass(frozen=True, slots=True)
class TitledPicture:
    """A picture with its heading."""

    title: str
    picture: Markup


def render_html(plan: Plan, run: Run, assessment: Assessment, beside: Beside | None = None) -> str:
    """Return the page. Everything in it comes from the records; pictures are simulated again from them.

    Args:
        plan: of the run.
        run: what is reported.
        assessment: of the run.
        beside: a run to compare it with.
    """
    from markupsafe import Markup
    from stampbench.bench.report.pictures import times_picture

    shown = ShownPresses(plan)
    for result in run.presses:
        shown.add(result)
    whole = press_cards.whole_records(plan, run)
    sized = ((shown.typical(), _TYPICAL_SIDE_MM, _TYPICAL_SIDE_INCHES), (shown.worst(), _WORST_SIDE_MM, 2.8))
    typical, worst = (
        [press_cards.press_card(plan, run, whole(press), side_mm, inches) for press in presses]
        for presses, side_mm, inches in sized
    )
    return render(
        Path(__file__).with_name("report.html.j2"),
        plan=plan,
        run=run,
        assessment=assessment,
        passed=assessment.verdict.passes,
        verdict_class=assessment.verdict.value
        if assessment.verdict in (Verdict.PASSED, Verdict.MARGINAL, Verdict.FAILED)
        else "unset",
        limits={
            group: [limit_row(run, judged) for judged in limits]
            for group, limits in by_group(assessment.limits).items()
        },
        measured=[measured_row(measured) for measured in assessment.measured],
        tiles=_tiles(plan, run, assessment, shown.genuine),
        missed=misses(run.presses),
        matrices=matrices(plan, assessment),
        times=Markup(times_picture(shown.times_ms, "time to decision by profile"))
        if any(shown.times_ms.values())
        else None,
        trade_offs=list(_trade_offs(plan, shown)),
        tests=list(_tests(assessment)),
        typical=typical,
        worst=worst,
        faults=shown.faults,
        duration=_duration(run),
        command=run_command(run),
        beside=beside,
        compared=[] if beside is None else _compared(beside.comparison),
    )


def _tiles(plan: Plan, run: Run, assessment: Assessment, genuine: int) -> list[tuple[int, str]]:
    """Return the counts that stand on top of the page, each with what is counted."""
    if plan.header.scenario:
        trials = run.trials
        return [
            (len({trial.threat for trial in trials}), "threats"),
            (len(trials), "trials"),
            (sum(trial.tries for trial in trials), "tries"),
            (sum(trial.wrong for trial in trials), "wrong decisions"),
        ]
    outcomes, presses = assessment.outcomes, len(run.presses) - assessment.repeated
    left_out = outcomes["skipped"] + outcomes["aborted"] - assessment.repeated
    tiles = [
        (presses, f"of {assessment.planned:,} presses"),
        (genuine, "genuine stamps"),
        (presses - genuine, "foreign objects"),
        (len(plan.header.profiles), "panel" if len(plan.header.profiles) == 1 else "panels"),
        (outcomes["error"] + outcomes["timeout"], "lost to the bench"),
    ]
    further = (
        (left_out, "left out by the operator"),
        (assessment.repeated, "botched and made again, recorded as aborted"),
    )
    return tiles + [tile for tile in further if tile[0]]


def _trade_offs(plan: Plan, shown: ShownPresses) -> Iterator[TitledPicture]:
    """Yield false rejection against false acceptance, for each profile on which there was any."""
    from markupsafe import Markup
    from stampbench.bench.judging.statistics import det_curve
    from stampbench.bench.report.statistics_pictures import det_picture

    for profile in plan.header.profiles:
        distances = shown.distances_mm(profile)
        if distances is not None:
            title = f"false rejection against false acceptance on {profile}"
            yield TitledPicture(profile, Markup(det_picture(det_curve(*distances), title)))


def _tests(assessment: Assessment) -> Iterator[TitledPicture]:
    """Yield the operating characteristic of each sequential test that decided a limit."""
    from markupsafe import Markup
    from stampbench.bench.report.statistics_pictures import operating_characteristic_picture

    drawn = set()
    for judged in assessment.limits:
        test = judged.test
        if test is None or test.decision is SequentialDecision.GO_ON:
            continue
        key = test.p0, test.p1, test.cap
        if key not in drawn:
            drawn.add(key)
            title = f"{judged.measured.name}, good {number(test.p0, '1')}, limit {number(test.p1, '1')}"
            yield TitledPicture(title, Markup(operating_characteristic_picture(test)))


def _compared(comparison: Comparison) -> list[ComparedRow]:
    """Return the rows, those that differ first."""
    rows = sorted(comparison.rows, key=lambda row: not row.significant)
    return [_compared_row(row) for row in rows]


def _compared_row(row: ComparedMeasurement) -> ComparedRow:
    pairs = ""
    if row.only_before is not None and row.only_after is not None:
        pairs = f"{row.only_before:,} then alone, {row.only_after:,} now alone"
    return ComparedRow(
        title=row.title,
        where=f"{row.profile} · {row.case or 'all cases'}",
        before=number(row.before.estimate, row.unit),
        before_counted=counted(row.before),
        after=number(row.after.estimate, row.unit),
        after_counted=counted(row.after),
        difference=number(row.difference, row.unit, signed=True),
        interval=interval(row.low, row.high, row.unit),
        p=probability(row.p_adjusted),
        significant=row.significant,
        pairs=pairs,
    )


def _duration(run: Run) -> str:
    if run.end is None:
        return "not ended"
    if not run.end.presses:
        return f"{run.end.seconds:,.1f} s"
    presses_per_s = run.end.presses / run.end.seconds if run.end.seconds > 0 else 0.0
    pressing = f"{run.end.seconds:,.1f} s ({presses_per_s:,.0f} presses/s)"
    return f"{pressing}, and {run.end.prepare_seconds:,.1f} s to prepare"
