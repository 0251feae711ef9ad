"""The progress and the outcome of a run, told on a terminal."""

from __future__ import annotations

import os
import select
import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

import typer
from msgspec import Struct
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text
from stampbench.bench.judging.assessment import Assessment, Result
from stampbench.bench.judging.comparison import ComparedMeasurement
from stampbench.bench.judging.misses import misses
from stampbench.bench.records.files import Run
from stampbench.bench.records.findings import Figure, Trial
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.report import Reported
from stampbench.bench.report.limit_rows import (
    NONE,
    by_group,
    interval,
    limit_row,
    measured_value,
    number,
    probability,
    stopped,
)
from stampbench.bench.report.subject import Beside, plan_of
from stampbench.bench.report.summary import render_summary
from stampbench.bench.runs.progress import Progress as RunTells
from stampbench.bench.runs.prompts import PATIENCE_S, Answer, Prompt

_STYLES = {
    Result.PASSED.value: "green",
    Result.MARGINAL.value: "yellow",
    Result.FAILED.value: "bold red",
    Result.UNSET.value: "dim",
}

LINE_EVERY_S: Final = 10.0
"""Between two lines where no bar is seen."""
_ENDLESS: Final = 10_000
"""Columns in which any table has room."""
_CHANGES_SHOWN: Final = 10
_ANSWERS: Final[dict[str, Answer]] = {"s": "skip", "r": "again", "a": "abort"}


class RunProgress(RunTells):
    """A bar on stderr while the block runs; where stderr is no terminal, a line every ten seconds."""

    def __init__(self, presses: int) -> None:
        console = Console(stderr=True)
        self._console = console
        self._failed = self._findings = self._missed = 0
        self._told_s = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            _CountColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[found]}"),
            _SpeedColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=False,
        )
        self._task = self._bar.add_task("presses" if presses else "trials", total=presses or None, found="")
        self.prompter = TerminalPrompter(self._bar.console)

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
        self._bar.console.print(text, style="dim", highlight=False, soft_wrap=True)

    def tried(self, done: int, of: int) -> None:
        """Move the bar through the present trial of a scenario."""
        self._bar.update(self._task, completed=done, total=of)
        self._tell()

    def recorded(self, line: Struct) -> None:
        """Count what a scenario found."""
        if isinstance(line, Trial | Figure):
            self._findings += 1
            self._missed += not line.passed
            found = f"{self._findings} found" + (f", {self._missed} missed" if self._missed else "")
            name = line.threat if isinstance(line, Trial) else line.name
            self._bar.update(self._task, description=name, total=None, found=found)

    def pressed(self, presses: int, failed: int) -> None:
        """Move the bar."""
        if not presses:
            return
        self._failed += failed
        found = f"{self._failed:,} failed" if self._failed else ""
        self._bar.update(self._task, advance=presses, found=found)
        self._tell()

    def _tell(self) -> None:
        """Print a line for a log, where one is due."""
        task = self._bar.tasks[0]
        if self._console.is_terminal or task.finished or time.monotonic() - self._told_s < LINE_EVERY_S:
            return
        self._told_s = time.monotonic()
        of = "" if task.total is None else f" of {task.total:,.0f}"
        found = f", {task.fields['found']}" if task.fields["found"] else ""
        rate = f", {task.completed / task.elapsed:,.0f} a second" if task.elapsed else ""
        self.say(f"{task.description}: {task.completed:,.0f}{of}{found}{rate}")


class TerminalPrompter:
    """Tells the operator on a terminal what to press, and reads what they type instead.

    Args:
        console: to print on.
        lines: where they type; None: standard input, if that is a terminal.
    """

    patience_s = PATIENCE_S

    def __init__(self, console: Console, lines: TextIO | None = None) -> None:
        self._console = console
        self._lines = lines if lines is not None or not sys.stdin.isatty() else sys.stdin
        self._explained = False

    def show(self, prompt: Prompt) -> None:
        """Print a step above the bar."""
        if self._lines is not None and not self._explained:
            answers = "(type s to pass a press over, r to repeat a botched one, a to end the run)"
            self._console.print(answers, style="dim")
            self._explained = True
        where = f"press {prompt.press:,} of {prompt.presses:,}" if prompt.step == 1 else "    then"
        self._console.print(f"{where}: {prompt.text}", style="bold", highlight=False)

    def answer(self) -> Answer | None:
        """Return what the operator typed; nothing where lines cannot be waited for."""
        if self._lines is None or os.name != "posix":
            return None
        if not select.select([self._lines], [], [], 0)[0]:
            return None
        return _ANSWERS.get(self._lines.readline().strip().lower()[:1])

    def clear(self) -> None:
        """Leave what was printed."""

    def again(self, record: PressRecord) -> bool:
        """Count a press that is over: what is typed is about the next one."""
        return False


class _CountColumn(ProgressColumn):
    """Presses made, of all."""

    def render(self, task: Task) -> Text:
        """Return the text; nothing where nobody knows how many there will be."""
        if task.total is None:
            return Text("")
        total = f"{task.total or 0:,.0f}"
        return Text(f"{task.completed:,.0f}".rjust(len(total)) + f" of {total}")


class _SpeedColumn(ProgressColumn):
    """Presses per second: of late, and at the end of all the time it took."""

    def render(self, task: Task) -> Text:
        whole = task.completed / task.elapsed if task.finished and task.elapsed else None
        speed = whole or task.speed
        return Text("" if speed is None else f"{speed:,.0f} presses/s")


def announce(reported: Reported, *, as_json: bool) -> None:
    """Print the outcome of a run, and leave with its exit status.

    Raises:
        typer.Exit: the run did not pass.
    """
    run, assessment = reported.run, reported.assessment
    if as_json:
        typer.echo(render_summary(plan_of(run), run, assessment, reported.beside), nl=False)
    else:
        _show(run, assessment, reported.beside)
        if (found := misses(run.presses)) is not None:
            Console(highlight=False, soft_wrap=True).print(found.words)
        Console(highlight=False, soft_wrap=True).print(f"report: {reported.directory / 'report.html'}")
    if not assessment.verdict.passes:
        raise typer.Exit(assessment.verdict.exit_status)


def _show(run: Run, assessment: Assessment, beside: Beside | None) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = 140  # nobody's window: lines in a log need not be cut
    trials = bool(run.findings)
    columns = ("", "measurement", "" if trials else "panel", "value", "counted", "95 % interval", "limit")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    lines: list[Text] = []  # the same for a narrow window: two lines a limit, and nothing is cut
    for group, limits in by_group(assessment.limits).items():
        if group:
            table.add_row("", Text(group, style="bold"))
            lines.append(Text(group, style="bold"))
        for judged in limits:
            row = limit_row(run, judged)
            result = f"{row.symbol} {row.result}{f': {row.why}' if row.why else ''}"
            name = f"  {row.title}" if group else judged.measured.name
            figures = (row.value, row.counted, row.interval, row.limit)
            table.add_row(Text(result, style=_STYLES[row.result]), name, judged.measured.profile, *figures)
            lines += [
                Text.assemble((result, _STYLES[row.result]), " ", name, "  ", judged.measured.profile or ""),
                Text("    " + ", ".join(figure for figure in figures if figure not in ("", NONE))),
            ]
    endless = console.options.update_width(_ENDLESS)
    if console.measure(table, options=endless).maximum <= console.width:
        console.print(table)
    else:
        console.print(*lines, sep="\n")
    for measured in assessment.unlimited:
        console.print(f"{measured.title}: {measured_value(measured)}", highlight=False, soft_wrap=True)
    for judged in assessment.limits:
        if judged.test is not None:
            where = f"{judged.measured.name} on {judged.measured.profile}"
            console.print(f"{where}: {stopped(judged.test)}", highlight=False, soft_wrap=True)
    if beside is not None:
        _show_beside(console, beside)
    style = "bold green" if assessment.verdict.passes else "bold red"
    console.print(Text(assessment.verdict.value, style=style), assessment.reason, sep=": ", highlight=False)
    if assessment.by_chance:
        console.print(assessment.by_chance, highlight=False, soft_wrap=True)


def _show_beside(console: Console, beside: Beside) -> None:
    comparison, changes = beside.comparison, beside.changes
    console.print(f"compared with {beside.run.path}: {comparison.why}", highlight=False, soft_wrap=True)
    for row in comparison.significant:
        before, after = number(row.before.estimate, row.unit), number(row.after.estimate, row.unit)
        where = f"{row.name} on {row.profile}, {row.case or 'all cases'}"
        text = f"  {where}: {before} then, {after} now; {_ground(row)}"
        console.print(text, highlight=False, soft_wrap=True)
    if not comparison.significant:
        console.print("  no measurement differs significantly", highlight=False)
    if changes is not None:
        console.print(f"  {changes.changed:,} of {changes.presses:,} presses read otherwise", highlight=False)
        for (old, new), count in changes.kinds.items():
            console.print(f"    {old} then, {new} now: {count:,}", highlight=False)
        for change in changes.first[:_CHANGES_SHOWN]:
            console.print(
                f"    press {change.press} on {change.profile}, {change.case}: "
                f"{change.before} then, {change.after} now",
                highlight=False,
            )


def _ground(row: ComparedMeasurement) -> str:
    """Return why a difference is significant: its p-value, or the interval of what has none."""
    if row.p_adjusted is None:
        difference = number(row.difference, row.unit, signed=True)
        return f"{difference}, 95 % interval {interval(row.low, row.high, row.unit)}"
    p = probability(row.p_adjusted)
    return f"p {p}" if p.startswith("<") else f"p = {p}"
