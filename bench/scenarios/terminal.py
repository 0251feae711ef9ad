"""The progress and the outcome of trials, told on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from stampbench.bench.judging.assessment import Result, Verdict
from stampbench.bench.scenarios import Finding, Trial
from stampbench.bench.scenarios import Progress as ScenarioTells
from stampbench.bench.scenarios.assessment import TrialsAssessment
from stampbench.bench.scenarios.records import TrialsRun
from stampbench.bench.scenarios.report import by_threat, figure_row
from stampbench.bench.scenarios.summary import render_summary

_STYLES = {Result.PASSED.value: "blue", Result.FAILED.value: "bold red", Result.UNSET.value: "dim"}


class TrialsProgress(ScenarioTells):
    """A bar on stderr while the block runs; where stderr is no terminal, single lines."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[found]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("trials", total=None, found="")
        self._findings = 0
        self._missed = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, style="dim", highlight=False)

    def step(self, done: int, of: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=of)

    def found(self, finding: Finding) -> None:
        """Count a finding."""
        self._findings += 1
        self._missed += not finding.passed
        found = f"{self._findings} found" + (f", {self._missed} missed" if self._missed else "")
        name = finding.threat if isinstance(finding, Trial) else finding.name
        self._bar.update(self._task, description=name, total=None, found=found)


def announce(run: TrialsRun, assessment: TrialsAssessment, *, as_json: bool) -> None:
    """Print the outcome of trials, and leave with their exit status.

    Raises:
        typer.Exit: they did not pass.
    """
    if as_json:
        typer.echo(render_summary(run, assessment), nl=False)
    else:
        _show(run, assessment)
    if assessment.verdict is not Verdict.PASSED:
        raise typer.Exit(assessment.verdict.exit_status)


def _show(run: TrialsRun, assessment: TrialsAssessment) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 160  # nobody's window: lines in a log need not be cut
    if run.trials:
        console.print(_trials_table(run))
    if run.figures:
        console.print(_figures_table(run))
    style = "bold blue" if assessment.verdict is Verdict.PASSED else "bold red"
    console.print(Text(assessment.verdict.value, style=style), assessment.reason, sep=": ", highlight=False)
    console.print(f"report: {run.path.parent / 'report.html'}", highlight=False, soft_wrap=True)


def _trials_table(run: TrialsRun) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("threat and case")
    for column in ("tries", "wrong"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("95 % interval", "bar"):
        table.add_column(column, no_wrap=True)
    for threat, rows in by_threat(run).items():
        table.add_row("", Text(threat, style="bold"))
        for row in rows:
            result = Text(f"{row.symbol} {row.result}", style=_STYLES[row.result])
            table.add_row(result, f"  {row.case}", row.tries, row.wrong, row.interval, row.bar)
    return table


def _figures_table(run: TrialsRun) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", "figure", "value", "limit"):
        table.add_column(column, no_wrap=column != "figure")
    for figure in run.figures:
        row = figure_row(figure)
        result = Text(row.symbol if row.result == "unset" else f"{row.symbol} {row.result}")
        result.stylize(_STYLES[row.result])
        table.add_row(result, row.name, row.value, row.bar)
    return table
