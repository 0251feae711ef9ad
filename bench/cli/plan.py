"""``stampbench plan``: check plans, and list what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from stampbench.bench.cli.run_options import Settings

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Find, copy and check plans, and list what they hold.", no_args_is_help=True)
    group.command(name="check")(check)
    group.command(name="copy")(copy)
    group.command(name="evemu")(evemu)
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


def copy(
    name: Annotated[str, typer.Argument(help="Plan, lot or sweep that travels along.", show_default=False)],
    to: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file.", show_default="NAME.toml")
    ] = None,
) -> None:
    """Copy a plan, lot or sweep that travels with the package, to change it; includes are laid into it."""
    from stampbench.bench.plans.text import plan_file, read_plan_text, travelling
    from stampbench.firmware_emulator.errors import InputError, expect_new

    folder = next((kind for kind in _USED_BY if name in (file.stem for file in travelling(kind))), "plans")
    source = plan_file(name, folder)
    target = to or Path(source.name)
    text = read_plan_text(source).text
    expect_new(target)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{target}: {error.strerror}: expected a new file") from None
    typer.echo(f"{target}; now: stampbench {_USED_BY[folder]} {target}")


def evemu(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML, or its name.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="A new file.", show_default=False)],
    profile: Annotated[
        str | None, typer.Option(help="One of the plan's panels.", show_default="the first")
    ] = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Write the presses of a plan as Linux input events, to be played elsewhere by evemu-play.

    What is pressed at which second of the file is printed, a line a press.
    """
    import json

    from stampbench.bench.dut.kernel import write_presses
    from stampbench.bench.plans.plan import Plan
    from stampbench.firmware_emulator.errors import InputError

    read = Plan.read(plan, settings or ())
    if read.header.scenario:
        raise InputError(f"{plan}: names a scenario, which presses nothing: expected a plan with cases")
    for begins_s, planned, draw in write_presses(read, profile or read.header.profiles[0], file):
        if as_json:
            said = {"press": planned.index, "begins_s": begins_s, "case": planned.case.name}
            typer.echo(json.dumps({**said, "object": draw.object, "code": draw.code}))
        else:
            typer.echo(f"{begins_s:10.3f} s  {planned.case.name}: {draw.object}")


_USED_BY: Final = {"plans": "run", "lots": "validate", "sweeps": "sweep"}
"""What takes the files of a folder that travels along."""


def list_plan(
    plan: Annotated[
        Path | None,
        typer.Argument(help="Plan in TOML, or its name.", show_default="those that travel along"),
    ] = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """List the plans that travel along; of one: its matrix, limits and includes, or scenario and settings."""
    import json

    from stampbench.bench.plans.plan import Plan

    if plan is None:
        _list_travelling(as_json=as_json)
        return
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


def _list_travelling(*, as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table
    from stampbench.bench.plans.text import travelling

    found = [
        {"name": path.stem, "command": f"stampbench {used_by} {path.stem}", "holds": _holds(path)}
        for folder, used_by in _USED_BY.items()
        for path in travelling(folder)
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("command", "what it holds", box=None, pad_edge=False)
    for entry in found:
        table.add_row(entry["command"], entry["holds"])
    Console(highlight=False).print(table)


def _holds(path: Path) -> str:
    """Return what a file says of itself: its description, or the first sentence of its first comment."""
    import itertools

    from stampbench.bench.plans.text import read_plan_text

    if said := read_plan_text(path).raw.get("plan", {}).get("description", ""):
        return str(said)
    lines = itertools.takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
    return " ".join(line.lstrip("# ") for line in lines).partition(". ")[0] + "."


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
