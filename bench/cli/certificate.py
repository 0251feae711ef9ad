"""``stampbench certificate``: certificates checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        help="Check the certificates that stampbench validate writes.", no_args_is_help=True
    )
    commands.command(name="verify")(verify)
    commands.command(name="export")(export)
    commands.command(name="key")(key)
    app.add_typer(commands, name="certificate")


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Certificates: .jsonl, .html or .pdf.", show_default=False)
    ],
    public_key: Annotated[
        str | None,
        typer.Option(help="Base64 of the key that must have signed them.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Check seals and signatures, and judge the records beside a certificate once more."""
    import json

    from stampbench.bench.validation.certificate.checking import check_certificate

    checks = [check_certificate(file, public_key) for file in files]
    if as_json:
        typer.echo(json.dumps([check.to_mapping() for check in checks], indent=2))
    else:
        for check in checks:
            typer.echo(check.sentence)
    if not all(check.holds for check in checks):
        raise typer.Exit(1)


def export(
    certificate: Annotated[Path, typer.Argument(help="Certificate, .jsonl.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", help="New file, .csv or .dfq (Q-DAS).", show_default="CSV on stdout")
    ] = None,
) -> None:
    """Write the measurements of a lot as CSV or in the Q-DAS transfer format, for other tools."""
    from stampbench.bench.validation.certificate.certificate import read_certificate
    from stampbench.bench.validation.certificate.export import certificate_csv, certificate_dfq
    from stampbench.firmware_emulator.errors import InputError

    read = read_certificate(certificate)
    q_das = out is not None and out.suffix.lower() == ".dfq"
    table = certificate_dfq(read) if q_das else certificate_csv(read)
    if out is None:
        typer.echo(table, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8", newline="") as file:
            file.write(table)
    except OSError as error:
        raise InputError(f"-o {out}: cannot be written: {error.strerror}; expected a new file") from None


def key(
    path: Annotated[Path, typer.Argument(help="File for the private key, PEM; must not exist.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Make an Ed25519 key for signing; its public half is printed."""
    import json

    from stampbench.bench.validation.certificate.seal import make_signing_key

    public = make_signing_key(path)
    typer.echo(json.dumps({"path": str(path), "public_key": public}) if as_json else public)
