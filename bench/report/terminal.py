"""The progress and the outcome of a run, told on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bench.metrics import Assessment, Result, Verdict
from bench.records import Run
from bench.report import plan_of
from bench.report.html import limit_row
from bench.report.summary import render_summary
from bench.runs import Progress as RunTells

_STYLES = {
    Result.PASSED.value: "blue",
    Result.MARGINAL.value: "yellow",
    Result.FAILED.value: "bold red",
    Result.UNSET.value: "dim",
}


class RunProgress(RunTells):
    """A bar on stderr while the block runs; where stderr is no terminal, single lines."""

    def __init__(self, presses: int) -> None:
        console = Console(stderr=True)
        self._console = console
        self._failed = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[found]}"),
            _SpeedColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=False,
        )
        self._task = self._bar.add_task("presses", total=presses, found="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._bar.tasks[0].completed:
            self._bar.update(self._task, visible=False)  # the error that follows says enough
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, style="dim", highlight=False)

    def prompt(self, text: str) -> None:
        """Print a line above the bar that the operator must see."""
        self._bar.console.print(text, style="bold", highlight=False)

    def pressed(self, presses: int, failed: int) -> None:
        """Move the bar."""
        self._failed += failed
        found = f"{self._failed:,} failed" if self._failed else ""
        self._bar.update(self._task, advance=presses, found=found)


class _SpeedColumn(ProgressColumn):
    """Presses per second of late."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} presses/s")


def announce(run: Run, assessment: Assessment, *, as_json: bool) -> None:
    """Print the outcome of a run, and leave with its exit status.

    Raises:
        typer.Exit: the run did not pass.
    """
    if as_json:
        typer.echo(render_summary(plan_of(run), run, assessment), nl=False)
    else:
        _show(run, assessment)
    if assessment.verdict is not Verdict.PASSED:
        raise typer.Exit(assessment.verdict.exit_status)


def _show(run: Run, assessment: Assessment) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 140  # nobody's window: lines in a log need not be cut
    columns = ("", "measurement", "panel", "value", "counted", "95 % interval", "limit")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column != "limit")
    for judged in assessment.limits:
        row = limit_row(run, judged)
        table.add_row(
            Text(f"{row.symbol} {row.result}", style=_STYLES[row.result]),
            judged.measured.name,
            judged.measured.profile,
            row.value,
            row.counted,
            row.interval,
            row.limit,
        )
    console.print(table)
    style = "bold blue" if assessment.verdict is Verdict.PASSED else "bold red"
    console.print(Text(assessment.verdict.value, style=style), assessment.reason, sep=": ", highlight=False)
    console.print(f"report: {run.path.parent / 'report.html'}", highlight=False, soft_wrap=True)
