"""``stampbench validate``: a lot of stamps measured, judged and certified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from stampbench.bench.validation.attempts import Attempt
    from stampbench.bench.validation.certificate.certificate import Certificate
    from stampbench.bench.validation.measuring.lots import Unit
    from stampbench.bench.validation.plans import ValidationPlan
    from stampbench.bench.validation.sampling.switching import Switching

STATUS = {"accept": 0, "reject": 1, "measure again": 3}


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
    attempt: Annotated[
        bool, typer.Option("--attempt", help="Measure a lot once more: beside the earlier attempts.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last attempt, which was interrupted.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--judge-again", help="Press nothing, judge the records by their own plan."),
    ] = False,
    other_plan: Annotated[
        bool, typer.Option("--other-plan", help="With --judge-again: judge by PLAN, as it is now.")
    ] = False,
    sign: Annotated[
        Path | None,
        typer.Option(
            help="Ed25519 private key (PEM) that signs the seals.", show_default="the station's own key"
        ),
    ] = None,
    no_sign: Annotated[bool, typer.Option("--no-sign", help="Seal without a signature.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON on stdout.")] = False,
) -> None:
    """Measure the sample of a lot, judge it, and write its certificate (HTML, PDF, JSON lines)."""
    from stampbench.bench.plans.text import plan_file
    from stampbench.bench.validation.certificate.certificate import certificate_bytes
    from stampbench.bench.validation.certificate.seal import load_signing_key, station_key
    from stampbench.bench.validation.plans import read_validation_plan
    from stampbench.bench.validation.sampling.history import due_inspection
    from stampbench.firmware_emulator.errors import InputError

    if other_plan and not again:
        raise InputError("--other-plan: expected --judge-again with it")
    if resume + attempt + again > 1:
        raise InputError("--resume, --attempt and --judge-again: expected one of them")
    read = read_validation_plan(plan_file(plan, "lots"))
    key = None if no_sign else station_key() if sign is None else load_signing_key(sign)
    base = out or Path("lots") / read.lot.name.replace("/", "-").replace(" ", "-")
    if again:
        begun = _last_attempt(base)
    elif resume:
        begun = _last_attempt(base)
        _resume(read, _ports(read, rig or ["virtual"]), base, begun)
    else:
        ports = _ports(read, rig or ["virtual"])
        due = due_inspection(read)
        begun = _next_attempt(read, base, attempt=attempt)
        _measure(read, due, ports, base, begun)
    certificate, paths = _certify(read if other_plan else None, base, begun, key)
    if again:
        _say_which_plan(certificate, read, other_plan=other_plan)
    if as_json:
        typer.echo(certificate_bytes(certificate).decode(), nl=False)
    else:
        _show(certificate, paths)
    raise typer.Exit(STATUS[certificate.decision])


def _next_attempt(plan: ValidationPlan, base: Path, *, attempt: bool) -> Attempt:
    """Return the first line of an attempt; what was measured before is never overwritten."""
    import hashlib
    from datetime import UTC, datetime

    from stampbench.bench.validation.attempts import Attempt, latest, read_attempts
    from stampbench.bench.validation.measuring.records import FILE_NAME
    from stampbench.firmware_emulator.errors import InputError

    earlier = latest(read_attempts(base))
    number = earlier[-1].attempt + 1 if earlier else 2 if (base / FILE_NAME).exists() else 1
    if number > 1 and not attempt:
        ended = (earlier[-1].decision if earlier else "") or "no decision"
        raise InputError(
            f"{base}: holds attempt {number - 1} at this lot ({ended}): expected --attempt for another one "
            "beside it, --resume if it was interrupted, --judge-again to judge its records, or another --out"
        )
    return Attempt(
        attempt=number,
        event="begun",
        directory="." if number == 1 else f"attempt-{number}",
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        plan_sha256=hashlib.sha256(plan.text.encode()).hexdigest(),
    )


def _last_attempt(base: Path) -> Attempt:
    from stampbench.bench.validation.attempts import Attempt, latest, read_attempts

    earlier = latest(read_attempts(base))
    if earlier:
        return earlier[-1]
    return Attempt(attempt=1, event="begun", directory=".", started_at="", plan_sha256="")


def _say_which_plan(certificate: Certificate, plan: ValidationPlan, *, other_plan: bool) -> None:
    import hashlib

    if certificate.other_plan:
        typer.echo(f"judged by another plan than the lot was measured by: {plan.path}", err=True)
    elif not other_plan and certificate.plan_sha256 != hashlib.sha256(plan.text.encode()).hexdigest():
        typer.echo(
            f"{plan.path} has changed since the lot was measured: judged by the recorded plan; --other-plan "
            "judges by this one",
            err=True,
        )


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


def _measure(plan: ValidationPlan, due: Switching, ports: dict[str, str], base: Path, begun: Attempt) -> None:
    from stampbench.bench.rig.opening import VIRTUAL
    from stampbench.bench.validation.attempts import append_attempt
    from stampbench.bench.validation.measuring.lots import draw_sample, make_lot
    from stampbench.bench.validation.sampling.history import inspected_as_due

    plan, directory = inspected_as_due(plan, due), base / begun.directory
    units = draw_sample(plan)
    if VIRTUAL in ports.values():
        units = make_lot(plan, units, directory)
    _press(plan, units, ports, base, begun, due=due, begin=lambda: append_attempt(base, begun))


def _resume(today: ValidationPlan, ports: dict[str, str], base: Path, begun: Attempt) -> None:
    """Go on with an attempt that was interrupted, by the plan and the sample it was begun with."""
    import msgspec
    from stampbench.bench.validation.attempts import append_attempt, check_records, read_attempts
    from stampbench.bench.validation.measuring.records import interrupted
    from stampbench.firmware_emulator.errors import InputError

    directory = base / begun.directory
    plan, units, made = interrupted(directory)
    if plan.text != today.text:
        raise InputError(
            f"{today.path}: has changed since {directory} was begun: expected the plan it was begun by"
        )
    check_records(read_attempts(base), begun.attempt, "interrupted", _records_sha256(directory))
    resumed = msgspec.structs.replace(begun, event="resumed", measurements_sha256="")
    _press(plan, units, ports, base, begun, made=made, begin=lambda: append_attempt(base, resumed))


def _records_sha256(directory: Path) -> str:
    import hashlib

    from stampbench.bench.validation.measuring.records import FILE_NAME

    return hashlib.sha256((directory / FILE_NAME).read_bytes()).hexdigest()


def _press(
    plan: ValidationPlan,
    units: tuple[Unit, ...],
    ports: dict[str, str],
    base: Path,
    begun: Attempt,
    *,
    begin: Callable[[], object],
    due: Switching | None = None,
    made: int | None = None,
) -> None:
    """Press what is planned, or what is left of it behind so many presses that were made."""
    import msgspec
    from stampbench.bench.report.terminal import RunProgress
    from stampbench.bench.rig.opening import VIRTUAL
    from stampbench.bench.validation.attempts import append_attempt
    from stampbench.bench.validation.measuring.measuring import measure_lot, planned_presses
    from stampbench.firmware_emulator.errors import StampbenchError

    directory = base / begun.directory
    in_software = {name for name, port in ports.items() if port == VIRTUAL}
    with RunProgress(sum(1 for _ in planned_presses(plan, units, in_software)) - (made or 0)) as progress:
        end = measure_lot(
            plan,
            units,
            directory,
            ports,
            progress,
            due=due,
            begin=begin,
            prompt=lambda text: typer.echo(text, err=True),
            resume=made is not None,
        )
    if end.status != "complete":
        sha256 = _records_sha256(directory)
        stopped = msgspec.structs.replace(begun, event="interrupted", measurements_sha256=sha256)
        append_attempt(base, stopped)
    if end.status == "interrupted":
        typer.echo(f"to go on: stampbench validate {plan.path} --out {base} --resume", err=True)
        raise KeyboardInterrupt
    if end.status == "error":
        raise StampbenchError(end.message)


def _certify(
    other_plan: ValidationPlan | None, base: Path, begun: Attempt, key: Ed25519PrivateKey | None
) -> tuple[Certificate, tuple[Path, ...]]:
    """Judge the records of an attempt, write their certificate and that into the log."""
    import hashlib

    import msgspec
    from stampbench.bench.validation.attempts import (
        LOG_NAME,
        append_attempt,
        attempts_until,
        check_records,
        read_attempts,
    )
    from stampbench.bench.validation.certificate.making import judge_records, make_certificate
    from stampbench.bench.validation.certificate.report import write_certificate
    from stampbench.bench.validation.certificate.seal import public_key_of
    from stampbench.firmware_emulator.errors import InputError

    directory = base / begun.directory
    log = read_attempts(base)
    attempts = attempts_until(log, begun.attempt)
    if not attempts:
        raise InputError(
            f"{base / LOG_NAME}: says nothing of attempt {begun.attempt}: expected the log that the lot was "
            "measured with"
        )
    certificate = make_certificate(
        judge_records(directory, other_plan),
        attempts,
        station_key="" if key is None else public_key_of(key),
    )
    check_records(log, begun.attempt, "certified", certificate.measurements_sha256)
    paths = write_certificate(certificate, directory, key)
    certified = msgspec.structs.replace(
        attempts[-1],
        event="certified",
        decision=certificate.decision,
        plan_sha256=certificate.plan_sha256,
        measurements_sha256=certificate.measurements_sha256,
        certificate_sha256=hashlib.sha256(paths[0].read_bytes()).hexdigest(),
    )
    append_attempt(base, certified)
    return certificate, paths


def _show(certificate: Certificate, paths: tuple[Path, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from stampbench.bench.validation.certificate.words import (
        attempts_said,
        gauge_said,
        number,
        percent,
        rigs_said,
        sampled,
        to_apply,
        uncertainty_said,
        unknown,
        weak_said,
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
    for line in attempts_said(certificate):
        console.print(f"  {line}", soft_wrap=True)
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
    for line in weak_said(certificate):
        console.print(f"  weak on {line}")
    for line in (*rigs_said(certificate), "uncertainty: " + "; ".join(uncertainty_said(certificate))):
        console.print(line, soft_wrap=True)
    for sentence in to_apply(certificate):
        console.print(f"correct {sentence}")
    if said := unknown(certificate):
        console.print(said)
    console.print(", ".join(map(str, paths)), soft_wrap=True)
