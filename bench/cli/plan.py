"""``stampbench plan``: check plans, and list what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Check plans, and list what they hold.", no_args_is_help=True)
    group.command(name="check")(check)
    group.command(name="list")(list_plan)
    app.add_typer(group, name="plan")


def check(
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN...", help="Plans in TOML.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Check plans without pressing: keys, types, limits, and that all they name exists."""
    import json

    from bench.draws import check_plan
    from bench.plans import read_plan

    found = []
    for path in plans:
        plan = read_plan(path)
        check_plan(plan)
        found.append({"plan": str(path), "name": plan.header.name, "presses": plan.size, "ok": True})
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for entry in found:
        typer.echo(f"{entry['plan']}: ok, {entry['presses']:,} presses")


def list_plan(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """List the cases and the limits of a plan."""
    import json

    from bench.plans import read_plan

    read = read_plan(plan)
    cases: list[dict[str, Any]] = [
        {
            "case": case.name,
            "kind": case.kind,
            "stamps": case.stamps,
            "presses": case.presses * len(read.header.profiles),
            "condition": read.condition_of(case),
            "handling": read.handling_of(case),
        }
        for case in read.cases
    ]
    limits = [
        {key: value for key in limit.__struct_fields__ if (value := getattr(limit, key)) not in (None, False)}
        for limit in read.limits
    ]
    if as_json:
        head = {
            "name": read.header.name,
            "codebook": read.codebook_name,
            "profiles": read.header.profiles,
            "seed": read.header.seed,
            "presses": read.size,
        }
        typer.echo(json.dumps({**head, "cases": cases, "limits": limits}, indent=2))
        return

    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"{read.header.name}: {read.size:,} presses of {read.codebook_name}")
    console.print(f"profiles: {', '.join(read.header.profiles)}")
    table = Table("case", "kind", "presses", "stamps", "condition", "handling", box=None)
    for case in cases:
        stamps = case["stamps"] if isinstance(case["stamps"], str) else ", ".join(map(str, case["stamps"]))
        table.add_row(
            case["case"],
            case["kind"],
            f"{case['presses']:,}",
            stamps,
            _settings(case["condition"]),
            _settings(case["handling"]),
        )
    console.print(table)
    for entry in limits:
        console.print(f"limit: {_settings(entry)}")


def _settings(mapping: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in mapping.items())
