"""``stampbench family``: show, build, check and export stamps of families and catalogues."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stampbench.sim.stamps import Catalogue, Family

NameArgument = Annotated[
    str, typer.Argument(help="p5-60k, p5-600k, p5-6m, a family's .toml, or a catalogue (.csv, .toml).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
WorkersOption = Annotated[int, typer.Option(min=0, help="Threads; 0 = one for each core.")]


def register(app: typer.Typer) -> None:
    """Add ``family`` and its commands."""
    family_app = typer.Typer(no_args_is_help=True, help="Families and catalogues of stamps.")
    family_app.command("show")(show)
    family_app.command("build")(build)
    family_app.command("check")(check)
    family_app.command("export")(export)
    app.add_typer(family_app, name="family")


def show(
    name: NameArgument,
    code: Annotated[str | None, typer.Option(help="One stamp: its code, or its name in a catalogue.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Picture: .png or .svg.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a family can do, or one of its stamps."""
    from stampbench.firmware_emulator.errors import InputError

    codebook = _codebook(name)
    if code is None:
        if output is not None:
            raise InputError(f"--output {output}: a picture shows one stamp; expected --code as well")
        _print(_figures(codebook), as_json)
        return
    from stampbench.sim.stamps.export import save_picture

    number = _code(codebook, code)
    stamp = codebook.stamp(number)
    pads = codebook.pads(number)
    if output is not None:
        save_picture(output, pads, _geometry(codebook), stamp.name)
    shown = {
        "family": codebook.name,
        "code": number,
        "name": stamp.name,
        "pads_mm": [[round(float(x), 4), round(float(y), 4)] for x, y in pads],
        "picture": str(output) if output is not None else None,
    }
    if as_json:
        typer.echo(json.dumps(shown))
        return
    typer.echo(stamp.name)
    for pad, (x, y) in enumerate(pads, start=1):
        typer.echo(f"  pad {pad}   x {x:8.3f} mm   y {y:8.3f} mm")
    if output is not None:
        typer.echo(f"picture {output}")


def build(name: NameArgument, workers: WorkersOption = 0, as_json: JsonOption = False) -> None:
    """Build a family into the cache, unless it is there already."""
    from stampbench.sim.stamps import load_family

    started = time.perf_counter()
    family = load_family(name, workers=workers or None)
    _print(
        {
            "family": family.name,
            "size": family.size,
            "min_distance_mm": family.min_distance_mm,
            "sha256": family.sha256(),
            "seconds": round(time.perf_counter() - started, 2),
        },
        as_json,
    )


def check(
    name: NameArgument,
    pairs: Annotated[int, typer.Option(min=1, help="How many of the closest pairs to print.")] = 10,
    workers: WorkersOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Prove the minimum distance over all pairs, and print the closest; status 1 if it is not kept."""
    import os

    from rich.console import Console
    from rich.progress import Progress
    from stampbench.sim.stamps import Family
    from stampbench.sim.stamps.proof import closest_pairs, self_close

    codebook = _codebook(name)
    guaranteed = codebook.min_distance_mm if isinstance(codebook, Family) else 0.0
    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("pairs", total=codebook.size)

        def advance(codes: int) -> None:
            if shown.tasks[task].finished:
                shown.reset(task)
            shown.advance(task, codes)

        found = closest_pairs(
            codebook,
            pairs,
            # Just above what is guaranteed lie pairs enough, and not millions of them.
            start_mm=guaranteed * (1.0 + 1.0 / math.sqrt(codebook.size)) or None,
            workers=workers or os.cpu_count() or 1,
            progress=advance,
        )
    ambiguous = self_close(codebook, guaranteed) if guaranteed else []
    least = found[0].distance_mm if found else math.inf
    passed = least >= guaranteed and not ambiguous
    if as_json:
        report = {
            "family": codebook.name,
            "size": codebook.size,
            "guaranteed_mm": guaranteed or None,
            "least_mm": least if found else None,
            "passed": passed,
            "close_to_themselves": ambiguous,
            "closest": [[pair.first, pair.second, pair.distance_mm] for pair in found],
        }
        typer.echo(json.dumps(report))
    else:
        typer.echo(
            f"{codebook.name}: {codebook.size} codes, {codebook.size * (codebook.size - 1) // 2} pairs"
        )
        for pair in found:
            first, second = codebook.stamp(pair.first).name, codebook.stamp(pair.second).name
            typer.echo(f"  {pair.distance_mm:9.5f} mm   {first}   {second}")
        if guaranteed:
            typer.echo(f"guaranteed {guaranteed:g} mm: {'kept' if passed else 'NOT KEPT'}")
        for code in ambiguous:
            typer.echo(f"  {codebook.stamp(code).name} is close to itself in another pad order")
    if not passed:
        raise typer.Exit(1)


def export(
    name: NameArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File: .csv, .dxf or .svg.")],
    codes: Annotated[str, typer.Option(help="Codes, as 7 or 0-99 or 1,5,10-12; all without it.")] = "",
    avoid: Annotated[
        Path | None,
        typer.Option(help="List that capacity --codes wrote: codes that its panel loses are left out."),
    ] = None,
    best: Annotated[
        int | None, typer.Option(min=1, help="With --avoid: only so many, those that the panel loses least.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write pad coordinates for making stamps."""
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.sim.stamps.export import write_stamps

    codebook = _codebook(name)
    chosen = _codes(codes, codebook.size) if codes else list(range(codebook.size))
    if avoid is not None:
        from stampbench.bench.capacity.ranking import read_ranking

        asked = {*chosen}
        good = [code for code, enough in read_ranking(avoid, codebook.size) if enough and code in asked]
        if best is not None and best > len(good):
            raise InputError(f"--best {best}: {avoid} has {len(good)} codes that are good enough")
        chosen = good[:best]
    elif best is not None:
        raise InputError(f"--best {best}: needs --avoid, the list that says which are the best")
    write_stamps(output, [codebook.stamp(code) for code in chosen], _geometry(codebook))
    _print({"family": codebook.name, "stamps": len(chosen), "output": str(output)}, as_json)


def _codebook(name: str) -> Family | Catalogue:
    """Return a family by name or recipe, or else a catalogue file."""
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.firmware_emulator.outside import parse_toml
    from stampbench.sim.stamps import Catalogue, load_family

    path = Path(name)
    if path.suffix == ".toml" and path.exists():
        try:
            is_catalogue = "stamp" in parse_toml(path.read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError, InputError):
            is_catalogue = False
        return Catalogue.read(path) if is_catalogue else load_family(name)
    return Catalogue.read(path) if path.suffix == ".csv" else load_family(name)


def _geometry(codebook: Family | Catalogue) -> Any:
    """Return the family's geometry, or for a catalogue a face that holds its stamps."""
    from stampbench.sim.stamps import FaceGeometry, Family

    if isinstance(codebook, Family):
        return codebook.geometry
    reach = max(float((codebook.pads(code) ** 2).sum(axis=1).max()) for code in range(codebook.size))
    return FaceGeometry(codebook.pads_per_stamp, face_radius_mm=math.sqrt(reach))


def _code(codebook: Family | Catalogue, text: str) -> int:
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.sim.stamps import Catalogue

    if isinstance(codebook, Catalogue) and text in codebook.names:
        return codebook.code_of(text)
    if not (text.isascii() and text.isdigit()) or int(text) >= codebook.size:
        raise InputError(f"--code {text}: {codebook.name} has codes 0 to {codebook.size - 1}")
    return int(text)


def _codes(text: str, size: int) -> list[int]:
    from stampbench.firmware_emulator.errors import InputError

    codes: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isascii() and last.isascii() and first.isdigit() and last.isdigit()):
            raise InputError(f"--codes {text}: {part!r}: expected codes such as 7 or 0-99 or 1,5,10-12")
        if not int(first) <= int(last) < size:
            raise InputError(f"--codes {text}: {part!r}: expected codes from 0 to {size - 1}, lesser first")
        codes += range(int(first), int(last) + 1)
    return codes


def _figures(codebook: Family | Catalogue) -> dict[str, Any]:
    """Return what a family can do: density, noise it survives, chance of a false accept."""
    from stampbench.sim.decoder import Acceptance, Decoder
    from stampbench.sim.decoder.acceptance import CONTACTS
    from stampbench.sim.decoder.unknown_scale import codes_at_unknown_scale
    from stampbench.sim.stamps import Family
    from stampbench.sim.stamps.density import E7_DENSITY, family_figures

    designed = Decoder(codebook).acceptance
    far = {str(contacts): float(f"{designed.far(contacts):.3g}") for contacts in CONTACTS}
    if not isinstance(codebook, Family):
        least = codebook.min_distance_mm
        return {
            "catalogue": codebook.name,
            "size": codebook.size,
            "pads": codebook.pads_per_stamp,
            "min_distance_mm": round(least, 4) if math.isfinite(least) else None,
            "design_sigma_mm": round(designed.sigma_mm, 3),
            "far_by_contacts": far,
        }
    figures = family_figures(codebook)
    at_any_scale = None
    if math.isfinite(figures.volume):
        acceptance = Acceptance.design(
            pads=codebook.pads_per_stamp, min_distance_mm=codebook.min_distance_mm, scale_known=False
        )
        at_any_scale = codes_at_unknown_scale(acceptance, codebook.geometry)
    return {
        "family": codebook.name,
        "size": codebook.size,
        "pads": codebook.pads_per_stamp,
        "pad_diameter_mm": codebook.geometry.pad_diameter_mm,
        "spacing_mm": codebook.geometry.spacing_mm,
        "face_radius_mm": codebook.geometry.face_radius_mm,
        "min_distance_mm": codebook.min_distance_mm,
        "space_volume": float(f"{figures.volume:.3g}"),
        "space_volume_unit": f"mm^{2 * codebook.pads_per_stamp - 3}",
        "density": round(figures.density, 4),
        **({"density_of_e7": E7_DENSITY} if codebook.pads_per_stamp == 5 else {}),
        "design_sigma_mm": round(figures.design_sigma_mm, 3),
        "design_radius_mm": round(codebook.min_distance_mm / 2, 4),
        "far_at_design_radius": float(f"{designed.far():.3g}"),
        # Share of foreign objects with so many contacts that are read at the design noise.
        "far_by_contacts": far,
        # Of so many codes one press in a hundred is ambiguous where the scale is known to +-35 % only.
        "codes_at_unknown_scale": at_any_scale,
        "sha256": codebook.sha256(),
    }


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    width = max(map(len, figures))
    for key, value in figures.items():
        shown = ", ".join(f"{k}: {v:g}" for k, v in value.items()) if isinstance(value, dict) else value
        typer.echo(f"{key:{width}}  {'unknown' if value is None else shown}")
