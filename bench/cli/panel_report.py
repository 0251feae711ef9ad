"""``stampbench panel report``: what a simulated panel does, beside what is known of real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from stampbench.firmware_emulator.errors import InputError, expect_new


def report(
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            help="Device profile, or the path of one in TOML (repeatable).",
            show_default="nexus-5",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")] = Path("panel-report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Simulate a panel's figures and effects, and write them as one HTML file.

    The exit status is 1 if a figure lies outside the spread of what was measured or derived.
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track
    from stampbench.bench.touch.panel_report import findings, render_panels
    from stampbench.firmware_emulator.outside import write_beside
    from stampbench.sim.panel import load_profile
    from stampbench.sim.panel.derived import FIGURES

    expect_new(out)
    profiles = [load_profile(name) for name in dict.fromkeys(profile or ["nexus-5"])]
    stderr = Console(stderr=True)
    panels = [
        (of, [figure(of) for figure in track(FIGURES, of.name, console=stderr, transient=True)])
        for of in profiles
    ]
    found = [finding for of, of_panel in panels for finding in findings(of, of_panel)]
    outside = [finding for finding in found if not finding.within]
    page = render_panels(panels)
    try:
        write_beside(out, page.encode())
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written: {error.strerror}: expected the path of a file in a writable directory"
        ) from None
    if as_json:
        typer.echo(
            json.dumps({"report": str(out), "figures": [asdict(finding) for finding in found]}, indent=2)
        )
    else:
        for finding in outside:
            typer.echo(
                f"outside: {finding.profile} {finding.figure}, {finding.curve} at {finding.at:g}: "
                f"{finding.simulated:.3g}, expected {finding.low:.3g} to {finding.high:.3g}"
            )
        typer.echo(f"{len(found) - len(outside)} of {len(found)} figures within the facts; {out}")
    if outside:
        raise typer.Exit(1)
