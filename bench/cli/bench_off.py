"""``stampbench bench-off``: recognisers side by side on one frozen corpus of presses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="bench-off")(bench_off)


def bench_off(
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this recogniser of ours (repeatable).", show_default="all"),
    ] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMAND",
            help="Somebody's recogniser, which reads JSON lines as in a plan's [dut] (repeatable).",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.01, max=600.0, help="For one answer of a process.")
    ] = 10.0,
    corpus: Annotated[
        Path | None, typer.Option(help="Another corpus.", show_default="the one that travels along")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="The picture, here.", show_default=False)] = None,
    freeze: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Press a plan, write a corpus of it, and end.", show_default=False),
    ] = None,
    plan: Annotated[str, typer.Option(help="Plan to freeze, or its name.")] = "bench-off",
    recording: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[=CODE,...]",
            help="Recording to freeze, too; without codes it holds foreign objects (repeatable).",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Compare recognisers: who reads how many stamps, misreads, reads what is none, and at what cost.

    All read the same presses, whose reports are frozen in a file with a version and a SHA-256. Recognisers
    that installed packages bring along (entry points of the group stampbench.recognisers) take part.
    """
    import json
    import shlex

    from stampbench.bench.bench_off import report
    from stampbench.bench.bench_off.corpus import freeze as freeze_plan
    from stampbench.bench.bench_off.corpus import own_corpus, read_corpus
    from stampbench.bench.bench_off.recognisers import BUILT_IN
    from stampbench.bench.bench_off.running import bench_off as run_bench_off
    from stampbench.bench.dut.python import installed_recognisers, load_recogniser
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.report.terminal import RunProgress

    if freeze is not None:
        to_press = Plan.read(plan)
        with RunProgress(to_press.size) as progress:
            frozen = freeze_plan(to_press, freeze, recording or (), progress)
        typer.echo(json.dumps(report.to_mapping(frozen, ())["corpus"]) if as_json else report.heading(frozen))
        return
    read = read_corpus(corpus or own_corpus())
    others = {} if only else {name: load_recogniser(name) for name in installed_recognisers()}
    commands = [shlex.split(command) for command in process or ()]
    readers = len(only or BUILT_IN) + len(others) + len(commands)
    with RunProgress(readers * len(read.presses)) as progress:
        scores = run_bench_off(
            read,
            only=only or (),
            processes=commands,
            others=others,
            timeout_s=timeout,
            progress=progress,
        )
    if svg is not None:
        svg.write_text(report.picture(read, scores), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.to_mapping(read, scores), indent=2))
    else:
        _print(report.heading(read), report.COLUMNS + report.COSTS, report.rows(scores))
        _print(
            "stamps not read, by condition",
            ("condition", *(s.name for s in scores)),
            report.conditions(scores),
        )
    for score in scores:
        if score.failure:
            typer.echo(f"{score.name}: {score.total.errors} presses are errors: {score.failure}", err=True)
    if any(score.failure for score in scores):
        raise typer.Exit(3)


def _print(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = 160  # nobody's window: names in a log need not be cut
    console.print(title, soft_wrap=True, highlight=False)
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console.print(table)
