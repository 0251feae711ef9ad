"""``stampbench validate``: a lot of stamps measured, judged and certified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stampbench.bench.validation.certificate.certificate import Certificate
    from stampbench.bench.validation.plans import ValidationPlan
    from stampbench.bench.validation.sampling.switching import Switching

STATUS = {"accept": 0, "reject": 1, "measure again": 1}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="validate")(validate)


def validate(
    plan: Annotated[
        Path,
        typer.Argument(help="Validation plan in TOML, or its name.", show_default=False),
    ],
    rig: Annotated[
        list[str] | None,
        typer.Option(
            help="Port of the rig, or NAME=PORT for one appraiser of the plan; again for each.",
            show_default="virtual",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for records and certificate.", show_default="lots/NAME")
    ] = None,
    again: Annotated[
        bool, typer.Option("--judge-again", help="Judge the records in the directory, press nothing.")
    ] = False,
    sign: Annotated[
        Path | None, typer.Option(help="Ed25519 private key (PEM) that signs the seals.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON on stdout.")] = False,
) -> None:
    """Measure the sample of a lot, judge it, and write its certificate (HTML, PDF, JSON lines)."""
    from stampbench.bench.plans.text import plan_file
    from stampbench.bench.validation.certificate.certificate import certificate_bytes
    from stampbench.bench.validation.certificate.report import write_certificate
    from stampbench.bench.validation.certificate.seal import load_signing_key
    from stampbench.bench.validation.plans import read_validation_plan
    from stampbench.bench.validation.sampling.history import due_inspection

    read = read_validation_plan(plan_file(plan, "lots"))
    key = None if sign is None else load_signing_key(sign)
    directory = out or Path("lots") / read.lot.name.replace("/", "-").replace(" ", "-")
    if not again:
        _measure(read, due_inspection(read), _ports(read, rig or ["virtual"]), directory)
    certificate = _certify(read, directory)
    paths = write_certificate(certificate, directory, key)
    if as_json:
        typer.echo(certificate_bytes(certificate).decode(), nl=False)
    else:
        _show(certificate, paths)
    raise typer.Exit(STATUS[certificate.decision])


def _ports(plan: ValidationPlan, rigs: list[str]) -> dict[str, str]:
    """Return the port of each appraiser: its own, or the one that all share."""
    from stampbench.bench.plans.messages import choose
    from stampbench.firmware_emulator.errors import InputError

    names = [appraiser.name for appraiser in plan.appraisers]
    shared, own = "virtual", {}
    for one in rigs:
        name, mark, port = one.partition("=")
        if mark and name in names:
            own[name] = port
        elif mark and "://" not in name:  # pyserial's URLs hold the sign, too
            raise InputError(f"--rig {one}: no appraiser {name!r} in {plan.path}: {choose(name, names)}")
        else:
            shared = one
    return {name: own.get(name, shared) for name in names}


def _measure(plan: ValidationPlan, due: Switching, ports: dict[str, str], directory: Path) -> None:
    from stampbench.bench.report.terminal import RunProgress
    from stampbench.bench.rig.opening import VIRTUAL
    from stampbench.bench.validation.measuring.lots import draw_sample, make_lot
    from stampbench.bench.validation.measuring.measuring import measure_lot, planned_presses
    from stampbench.bench.validation.sampling.history import inspected_as_due
    from stampbench.firmware_emulator.errors import StampbenchError

    plan = inspected_as_due(plan, due)
    units = draw_sample(plan)
    if VIRTUAL in ports.values():
        units = make_lot(plan, units, directory)
    with RunProgress(sum(1 for _ in planned_presses(plan, units))) as progress:
        end = measure_lot(
            plan,
            units,
            directory,
            ports,
            progress,
            due=due,
            prompt=lambda text: typer.echo(text, err=True),
        )
    if end.status == "interrupted":
        raise KeyboardInterrupt
    if end.status == "error":
        raise StampbenchError(end.message)


def _certify(plan: ValidationPlan, directory: Path) -> Certificate:
    from stampbench.bench.validation.certificate.certificate import make_certificate
    from stampbench.bench.validation.judging.judging import judge_lot
    from stampbench.bench.validation.measuring.lots import Unit, nominal_pads_mm
    from stampbench.bench.validation.measuring.measuring import FILE_NAME, read_measurements
    from stampbench.bench.validation.sampling.history import inspected_as_due
    from stampbench.firmware_emulator.errors import InputError

    header, presses, end = read_measurements(directory)
    if end is None or end.status != "complete":
        raise InputError(f"{directory / FILE_NAME}: the measurement is not complete: expected a whole one")
    units = [
        Unit(str(unit["serial"]), int(unit["cavity"]), str(unit["nominal"]), str(unit["object"]))
        for unit in header.units
    ]
    if header.switching is not None:
        plan = inspected_as_due(plan, header.switching)
    nominals = {unit.nominal: nominal_pads_mm(unit.nominal) for unit in units}
    result = judge_lot(plan, units, nominals, presses)
    return make_certificate(plan, header, units, presses, result, directory / FILE_NAME)


def _show(certificate: Certificate, paths: tuple[Path, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from stampbench.bench.validation.certificate.words import (
        gauge_said,
        number,
        percent,
        sampled,
        to_apply,
        unknown,
    )

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 140
    console.print(f"lot {certificate.lot}: {certificate.decision}", style="bold")
    for reason in certificate.reasons:
        console.print(f"  {reason}", soft_wrap=True)
    console.print(f"  {sampled(certificate)}")
    if certificate.sampling.ground:
        text = f"  {certificate.sampling.severity} inspection: {certificate.sampling.ground}"
        console.print(text, soft_wrap=True)
    table = Table("serial", "cavity", "worst mm", "± U", "level", "even", "decision", "", box=None)
    shown = [stamp for stamp in certificate.stamps if stamp.decision != "accept"]
    for stamp in shown[:20]:
        table.add_row(
            stamp.serial,
            str(stamp.cavity),
            number(stamp.worst_mm),
            number(stamp.uncertainty_mm),
            number(stamp.level, 2),
            percent(stamp.evenness),
            stamp.decision,
            "; ".join(stamp.reasons),
        )
    if shown:
        console.print(table)
    console.print(f"gauge R&R: {gauge_said(certificate)}")
    for suspect in certificate.suspects:
        console.print(f"  {suspect}")
    for sentence in to_apply(certificate):
        console.print(f"correct {sentence}")
    if said := unknown(certificate):
        console.print(said)
    console.print(", ".join(map(str, paths)), soft_wrap=True)
