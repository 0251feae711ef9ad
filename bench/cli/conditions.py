"""``stampbench conditions``: what people report, how it is modelled, what it costs, what to advise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stampbench.bench.sweep.sweeping import Figure


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="conditions")(conditions)


def conditions(
    measured: Annotated[
        Path | None,
        typer.Option(
            help="Directory of `sweep conditions`: adds what each costs, and what its advice gains.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """List the conditions that plans, the window and sweeps know by name, and what is not modelled."""
    import msgspec
    from stampbench.bench.plans.presets import CATALOGUE
    from stampbench.bench.sweep.report import read_result
    from stampbench.bench.sweep.sweeping import effects

    rates = {} if measured is None else effects(read_result(measured), "cases.held.conditions", "frr")
    rows: list[dict[str, Any]] = []
    for one in CATALOGUE.conditions:
        effect = [
            {
                "where": where,
                "frr": found.value,
                "interval": [found.low, found.high],
                "gain": None if left is None or found.value is None else found.value - left,
            }
            for where, found in rates.get(one.name, {}).items()
            for left in [_value(rates, one.then, where)]
        ]
        rows.append({**msgspec.to_builtins(one), "effect": effect})
    if as_json:
        import json

        missing = msgspec.to_builtins(CATALOGUE.not_modelled)
        typer.echo(json.dumps({"conditions": rows, "not_modelled": missing}, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']}: {row['title']}")
        typer.echo(f"    {row['source']}")
        left = f"; what is left then: {row['then']}" if row["then"] else ""
        typer.echo(f"    advice: {row['advice']}{left}")
        for entry in row["effect"]:
            typer.echo(f"    {entry['where']}: {_said(entry)}")
    typer.echo("\nNot modelled:")
    for absent in CATALOGUE.not_modelled:
        typer.echo(f"  {absent.name}: {absent.why}")


def _value(rates: Mapping[str, Mapping[str, Figure]], condition: str, where: str) -> float | None:
    found = rates.get(condition, {}).get(where)
    return None if found is None else found.value


def _said(entry: Mapping[str, Any]) -> str:
    if entry["frr"] is None:
        return "nothing could be pressed"
    low, high = entry["interval"]
    text = f"{100 * entry['frr']:.3g} % not read ({100 * low:.3g} to {100 * high:.3g} %)"
    return text if entry["gain"] is None else f"{text}; the advice takes off {100 * entry['gain']:.3g} points"
