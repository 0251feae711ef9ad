"""The report of trials for people: one self-contained HTML file, verdict first, a table per threat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from stampbench.bench.judging.assessment import Result, Verdict
from stampbench.bench.report.numbers import NONE
from stampbench.bench.report.templates import render
from stampbench.bench.scenarios import Figure, Trial
from stampbench.bench.scenarios.assessment import TrialsAssessment
from stampbench.bench.scenarios.records import TrialsRun
from stampbench.bench.scenarios.subject import bar_text, plan_description, plan_name, run_command

SYMBOLS = {Result.PASSED: "✓", Result.FAILED: "✗", Result.UNSET: "?", Result.MARGINAL: "≈"}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial as tables show it."""

    case: str
    note: str
    tries: str
    wrong: str
    interval: str
    bar: str
    result: str
    symbol: str


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure as tables show it."""

    name: str
    note: str
    value: str
    bar: str
    result: str
    symbol: str


def render_html(run: TrialsRun, assessment: TrialsAssessment) -> str:
    """Return the page. Everything in it comes from the records."""
    return render(
        Path(__file__).with_name("trials.html.j2"),
        plan=plan_name(run),
        description=plan_description(run),
        run=run,
        assessment=assessment,
        passed=assessment.verdict is Verdict.PASSED,
        verdict_class={Verdict.PASSED: "passed", Verdict.FAILED: "failed"}.get(assessment.verdict, "unset"),
        threats=by_threat(run),
        figures=[figure_row(figure) for figure in run.figures],
        tries=sum(trial.tries for trial in run.trials),
        wrong=sum(trial.wrong for trial in run.trials),
        command=run_command(run),
    )


def by_threat(run: TrialsRun) -> dict[str, list[TrialRow]]:
    """Rows of the trials, by threat, in the order in which the threats first came."""
    threats: dict[str, list[TrialRow]] = {}
    for trial in run.trials:
        threats.setdefault(trial.threat, []).append(trial_row(trial))
    return threats


def trial_row(trial: Trial) -> TrialRow:
    """Put a trial into words and numbers."""
    interval = trial.interval
    return TrialRow(
        case=trial.case,
        note=trial.note,
        tries=f"{trial.tries:,}",
        wrong=f"{trial.wrong:,}",
        interval=f"{percent(interval.low)} {NONE} {percent(interval.high)} %" if trial.tries else NONE,
        bar=bar_text(trial),
        result=trial.result.value,
        symbol=SYMBOLS[trial.result],
    )


def figure_row(figure: Figure) -> FigureRow:
    """Put a figure into words and numbers."""
    return FigureRow(
        name=figure.name,
        note=figure.note,
        value=f"{_three_digits(figure.value)} {figure.unit}".removesuffix(" 1"),
        bar=bar_text(figure),
        result=figure.result.value if figure.limited else "unset",
        symbol=SYMBOLS[figure.result] if figure.limited else NONE,
    )


def percent(rate: float) -> str:
    """A rate, 0..1, in percent with three digits, as in "0.00291"."""
    return _three_digits(100.0 * rate)


def _three_digits(value: float) -> str:
    if value == 0.0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:,.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
