"""``stampbench capacity``: which family of stamps a panel can tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.firmware_emulator.errors import InputError, expect_new

if TYPE_CHECKING:
    from stampbench.bench.capacity.predicting import Capacity
    from stampbench.bench.judging.statistics import Rate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="capacity")(capacity)


def capacity(
    profile: Annotated[str | None, typer.Option(help="Panel, by name or file.", show_default=False)] = None,
    noise: Annotated[
        float, typer.Option(min=0.0, max=100.0, help="Scale of its noise; 1 is as measured.")
    ] = 1.0,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Family to look at, again for each; built where it is not yet.",
            show_default="the built-in ones, those not built predicted only",
        ),
    ] = None,
    presses: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Genuine presses of each family, and foreign ones.")
    ] = 400,
    sigma_mm: Annotated[
        float | None,
        typer.Option(min=0.001, max=10.0, help="Error the decoder is made for.", show_default="measured"),
    ] = None,
    max_frr: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="False rejection up to which a family ships.")
    ] = 0.01,
    max_far: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="False acceptance up to which a family ships.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(min=0, max=2**53, help="Of all draws.")] = 0,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that press.")] = 1,
    codes: Annotated[
        Path | None,
        typer.Option(
            help="Rank the codes of one family by what the panel loses of each; written here, .csv.",
            show_default=False,
        ),
    ] = None,
    panels: Annotated[
        Path | None,
        typer.Option(
            help="Rank the codes on every built-in panel; what each loses of a stamp is written here, .toml.",
            show_default=False,
        ),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="With --codes, --panels: loss up to which a code is worth making."
        ),
    ] = 0.001,
    picture: Annotated[
        Path | None, typer.Option("-o", help="Picture, .svg, .png or .pdf.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Tell which family can be shipped on a panel: rejection, misreading and acceptance of each."""
    for file in filter(None, (codes, panels, picture)):
        expect_new(file)
    if panels is not None:
        _survey(panels, family or ["p5-60k"], noise, presses, max_loss, seed, picture, as_json)
        return
    if profile is None:
        raise InputError("--profile: expected a panel, by name or file; --panels looks at all")
    from stampbench.bench.capacity.predicting import FAMILIES
    from stampbench.bench.capacity.predicting import capacity as find_capacity
    from stampbench.bench.report.terminal import RunProgress

    if codes is not None:
        _rank(codes, profile, family or ["p5-60k"], noise, presses, sigma_mm, max_loss, seed, as_json)
        return
    with RunProgress(2 * presses * len(family or FAMILIES)) as progress:
        found = find_capacity(
            profile,
            family,
            noise=noise,
            presses=presses,
            sigma_mm=sigma_mm,
            largest_frr=max_frr,
            largest_far=max_far,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    if picture is not None:
        from stampbench.bench.capacity.picture import draw_capacity

        draw_capacity(found, picture)
    if as_json:
        _print_json(found)
    else:
        _show(found)


def _rank(
    path: Path,
    profile: str,
    families: list[str],
    noise: float,
    presses: int,
    sigma_mm: float | None,
    max_loss: float,
    seed: int,
    as_json: bool,
) -> None:
    import json
    from dataclasses import asdict

    from stampbench.bench.capacity.ranking import PRESSES, rank_codes
    from stampbench.bench.report.terminal import RunProgress

    if len(families) > 1:
        raise InputError(f"--family {', '.join(families)}: --codes ranks the codes of one family")
    with RunProgress(PRESSES * presses) as progress:
        found = rank_codes(
            profile,
            families[0],
            noise=noise,
            presses=2 * presses,
            sigma_mm=sigma_mm,
            largest_loss=max_loss,
            seed=seed,
            progress=progress,
        )
    found.write(path)
    if as_json:
        answer = {
            "profile": profile,
            "family": found.family,
            "noise": noise,
            "largest_loss": max_loss,
            "codes": len(found.codes),
            "good": found.good,
            "checked": None if found.checked is None else asdict(found.checked),
            "worst": asdict(found.worst),
            "output": str(path),
        }
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo(
        f"{found.good:,} of {len(found.codes):,} codes of {found.family} are expected to lose at most"
        f" {_percent(max_loss)} of their presses on {profile}"
    )
    if found.checked is not None:
        typer.echo(
            f"pressed to check: lost {_interval(found.checked)}; of the last: {_interval(found.worst)}"
        )
    typer.echo(f"list, best first: {path}, which stampbench family export takes with --avoid")


def _survey(
    path: Path,
    families: list[str],
    noise: float,
    presses: int,
    max_loss: float,
    seed: int,
    picture: Path | None,
    as_json: bool,
) -> None:
    import json
    from dataclasses import asdict

    from stampbench.bench.capacity.losses import write_loss_curves
    from stampbench.bench.capacity.picture import draw_panels
    from stampbench.bench.capacity.ranking import PRESSES, rank_codes
    from stampbench.bench.report.terminal import RunProgress
    from stampbench.sim.panel import profile_names

    names = profile_names()
    found = []
    with RunProgress(PRESSES * presses * len(names) * len(families)) as progress:
        for name in names:
            for family in families:
                progress.say(f"{name}, {family}")
                found.append(
                    rank_codes(
                        name,
                        family,
                        noise=noise,
                        presses=2 * presses,
                        largest_loss=max_loss,
                        seed=seed,
                        progress=progress,
                    )
                )
    write_loss_curves(
        {one.profile: (one.curve, one.made) for one in found if one.family == found[0].family}, path
    )
    if picture is not None:
        draw_panels(found, picture)
    rows = [
        {
            "profile": one.profile,
            "family": one.family,
            "codes": len(one.codes),
            "good": one.good,
            "checked": None if one.checked is None else asdict(one.checked),
            "worst": asdict(one.worst),
        }
        for one in found
    ]
    if as_json:
        typer.echo(json.dumps({"largest_loss": max_loss, "panels": rows, "output": str(path)}, indent=2))
        return
    for one in found:
        checked = "" if one.checked is None else f"; pressed to check: lost {_interval(one.checked)}"
        typer.echo(f"{one.profile}: {one.good:,} of {len(one.codes):,} codes of {one.family}{checked}")


def _print_json(found: Capacity) -> None:
    import json
    from dataclasses import asdict

    largest = found.largest
    answer = {
        "profile": found.profile,
        "noise": found.noise,
        "position_error": {
            "sigma_mm": found.error.sigma_mm,
            "missed": asdict(found.error.missed),
            "presses": found.error.missed.n,
        },
        "design_sigma_mm": found.design_sigma_mm,
        "largest_frr": found.largest_frr,
        "largest_far": found.largest_far,
        "families": [asdict(family) for family in found.families],
        "largest_family": None if largest is None else largest.family,
    }
    typer.echo(json.dumps(answer, indent=2))


def _show(found: Capacity) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 140
    console.print(
        f"{found.profile} at {found.noise:g} times its noise: a contact is {found.error.sigma_mm:.3f} mm off "
        f"per axis; {_counted(found.error.missed)} presses missed a pad"
    )
    columns = ("family", "survives", "radius", "", "FRR", "misread", "FAR, 5 contacts", "ships")
    table = Table(*columns, box=None, pad_edge=False)
    for family in found.families:
        table.add_row(
            family.family,
            f"{family.sigma_allowed_mm:.3f} mm",
            f"{family.radius_mm:.2f} mm",
            "predicted",
            _percent(family.predicted.frr),
            f"≤ {_percent(family.predicted.misread)}",
            _percent(family.predicted.far),
            "" if family.simulated is not None else f"{family.ships}, not simulated",
        )
        if family.simulated is not None:
            rates = family.simulated.frr, family.simulated.misread, family.simulated.far
            table.add_row("", "", "", "simulated", *map(_interval, rates), str(family.ships))
    console.print(table)
    for family in found.families:
        stated = family.predicted.far_by_contacts.items()
        listed = ", ".join(f"{contacts}: {_percent(far)}" for contacts, far in stated)
        console.print(f"{family.family}, predicted FAR by contacts on the glass: {listed}")
    console.print(
        f"simulated: 95 % intervals, Clopper-Pearson; a family ships if its FRR is below "
        f"{_percent(found.largest_frr)} with all of its interval, "
        f"and its FAR below {_percent(found.largest_far)}"
    )
    for family in found.families:
        if family.simulated is None:
            console.print(
                f"{family.family} is predicted only, which never says yes: "
                f"stampbench family build {family.family} lets it be simulated"
            )
    largest = found.largest
    console.print(f"largest family that ships: {'none' if largest is None else largest.family}", style="bold")


def _counted(rate: Rate) -> str:
    return f"{rate.k:,} of {rate.n:,}"


def _interval(rate: Rate) -> str:
    return f"{_counted(rate)}: {_percent(rate.low)} to {_percent(rate.high)}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.2g} %" if share < 0.0995 else f"{100.0 * share:.1f} %"
