"""``stampbench plan``: check plans, and list what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stampbench.bench.cli.run_options import Settings

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Check plans, and list what they hold.", no_args_is_help=True)
    group.command(name="check")(check)
    group.command(name="list")(list_plan)
    group.command(name="resolve")(resolve)
    app.add_typer(group, name="plan")


def check(
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN...", help="Plans in TOML.", show_default=False)
    ],
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Check plans without pressing: keys, types, limits, and that all they name exists."""
    import json

    from stampbench.bench.plans.draws import check_plan
    from stampbench.bench.plans.plan import Plan

    found: list[dict[str, Any]] = []
    for path in plans:
        plan = Plan.read(path, settings or ())
        check_plan(plan)
        key, held = ("scenario", plan.header.scenario) if plan.header.scenario else ("presses", plan.size)
        found.append({"plan": str(path), "name": plan.header.name, key: held, "ok": True})
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for entry in found:
        holds = f"scenario {entry['scenario']}" if "scenario" in entry else f"{entry['presses']:,} presses"
        typer.echo(f"{entry['plan']}: ok, {holds}")


def list_plan(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML.", show_default=False)],
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """List the matrix and the limits of a plan, with what it includes, or its scenario and the settings."""
    import json

    from stampbench.bench.plans.plan import Plan

    read = Plan.read(plan, settings or ())
    if read.header.scenario:
        _list_trials(read, as_json=as_json)
        return
    cases: list[dict[str, Any]] = [
        {
            "case": case.name,
            "group": case.group,
            "kind": case.kind,
            "stamps": case.stamps,
            "presses": case.presses * len(read.header.profiles),
            "prompt": list(case.prompts),
            "condition": read.condition_of(case),
            "handling": read.handling_of(case),
        }
        for case in read.cases
    ]
    limits = [
        {
            key: value
            for key in limit.__struct_fields__
            if (value := getattr(limit, key)) is not None and value is not False
        }
        for limit in read.limits
    ]
    if as_json:
        head = {
            "name": read.header.name,
            "codebook": read.codebook_name,
            "profiles": read.header.profiles,
            "seed": read.header.seed,
            "presses": read.size,
            "faults": read.rig.faults,
            "duts": dict(read.duts),
            "includes": [str(path) for path in read.includes],
            "sha256": read.sha256,
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
    for title, mapping in (("faults of the line", read.rig.faults), ("devices under test", dict(read.duts))):
        if mapping:
            console.print(f"{title}: {_settings(mapping)}")
    if read.includes:
        console.print(f"includes: {', '.join(map(str, read.includes))}")


def resolve(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML.", show_default=False)],
    settings: Settings = None,
) -> None:
    """Print a plan with what it includes and the settings on top as one TOML text."""
    from stampbench.bench.plans.plan import Plan

    typer.echo(Plan.read(plan, settings or ()).text, nl=False)


def _list_trials(read: Plan, *, as_json: bool) -> None:
    import json

    import msgspec

    found = msgspec.to_builtins(read.scenario_settings)
    if as_json:
        head = {"name": read.header.name, "scenario": read.header.scenario, "seed": read.header.seed}
        typer.echo(json.dumps({**head, "settings": found}, indent=2))
        return
    typer.echo(f"{read.header.name}: scenario {read.header.scenario}, seed {read.header.seed}")
    for key, value in found.items():
        typer.echo(f"  {key} = {json.dumps(value, ensure_ascii=False)}")


def _settings(mapping: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in mapping.items())
