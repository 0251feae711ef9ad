"""``stampbench service``: the stamp service's twin over HTTP; its database made and filled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[
    str,
    typer.Option(help="sqlite:///FILE, or postgresql+psycopg://...", envvar="STAMPBENCH_SERVICE_DATABASE"),
]
_DATABASE = "sqlite:///stampbench-service.sqlite3"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Run the stamp service's twin.")
    group.command(name="serve")(serve)
    group.command(name="seed")(seed)
    group.command(name="migrate")(migrate)
    group.command(name="backup")(backup)
    group.command(name="restore")(restore)
    app.add_typer(group, name="service")


def serve(
    database: Database = _DATABASE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 lets the system choose.", min=0, max=65535)] = 8000,
    outbox: Annotated[
        Path | None, typer.Option(help="File to which messages to members are appended; none: they wait.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Web page that may press, such as https://shop.example; repeat.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that serve.", min=1, max=64)] = 1,
    proxy: Annotated[
        str | None,
        typer.Option(help="Address of a proxy in front, whose X-Forwarded-For and -Proto are believed."),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Ten stamps, no limits, answers to order; nothing is kept.")
    ] = False,
    family: Annotated[str, typer.Option(help="Of the sandbox's stamps: a name or a TOML file.")] = "p5-60k",
    quiet: Annotated[bool, typer.Option("--quiet", help="No line per request on stderr.")] = False,
) -> None:
    """Serve until interrupted; the address is printed on stdout, /docs shows the interface."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.bench.service.serving import serve_forever, serve_sandbox

    if sandbox:
        serve_sandbox(family, host=host, port=port, quiet=quiet, announce=typer.echo)
        return

    serve_forever(
        database,
        host=host,
        port=port,
        outbox=outbox,
        workers=workers,
        quiet=quiet,
        announce=typer.echo,
        origins=origin or (),
        proxy=proxy,
    )


def seed(
    database: Database = _DATABASE,
    merchants: Annotated[int, typer.Option(min=1, max=1000, help="How many merchants.")] = 2,
    stores: Annotated[int, typer.Option(min=1, max=1000, help="Stores of each.")] = 2,
    stamps: Annotated[int, typer.Option(min=1, max=100, help="Stamps of each store.")] = 1,
    vendor: Annotated[str, typer.Option(help="Name of the vendor; one that is not there yet.")] = "Vendor",
    members: Annotated[
        int, typer.Option(min=0, max=100_000, help="Of the first merchant, with two months of presses.")
    ] = 0,
    number: Annotated[int, typer.Option("--seed", min=0, help="From which places and stamps are drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Fill a database with a vendor, merchants, stores, stamps; keys are printed, this once."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.sim.service.opening import open_service, read_secret
    from stampbench.sim.service.seed import seed_month, seed_world
    from stampbench.sim.service.service import ServiceSettings

    service = open_service(ServiceSettings(read_secret(database), database))
    made = seed_world(
        service, merchants=merchants, stores=stores, stamps_per_store=stamps, seed=number, vendor=vendor
    )
    if members:
        seed_month(service, made.merchants[0], members=members, seed=number)
    service.database.close()
    if as_json:
        answer = {
            "operator_key": made.operator_key,
            "vendor": {"id": made.vendor_id, "key": made.vendor_key},
            "merchants": [
                {
                    "id": merchant.merchant_id,
                    "name": merchant.name,
                    "server_key": merchant.server_key,
                    "app_key": merchant.app_key,
                    "stores": [{"id": store.store_id, "number": store.number} for store in merchant.stores],
                    "stamps": [
                        {"id": stamp.stamp_id, "serial": stamp.serial, "pads_mm": stamp.pads_mm.tolist()}
                        for stamp in merchant.stamps
                    ],
                }
                for merchant in made.merchants
            ],
        }
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    typer.echo(f"operator   {made.operator_key}")
    typer.echo(f"vendor {made.vendor_id}   {made.vendor_key}")
    for merchant in made.merchants:
        typer.echo(f"merchant {merchant.merchant_id}, {merchant.name}: {len(merchant.stamps)} stamps")
        typer.echo(f"  server   {merchant.server_key}")
        typer.echo(f"  app      {merchant.app_key}")


def migrate(
    database: Database = _DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Make the tables, or bring them up to date."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.sim.service.migrations import migrate as bring_up_to_date
    from stampbench.sim.service.store.database import Database as ServiceDatabase

    opened = ServiceDatabase(database)
    revision = bring_up_to_date(opened)
    name = opened.engine.url.render_as_string(hide_password=True)
    opened.close()
    typer.echo(json.dumps({"revision": revision}) if as_json else f"{name}: revision {revision}")


def backup(
    file: Annotated[Path, typer.Argument(help="To write; a new one.", show_default=False)],
    database: Database = _DATABASE,
) -> None:
    """Write the whole database into a file; keep the secret elsewhere, for without it all are strangers."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.bench.service.backup import back_up

    back_up(database, file)
    typer.echo(f"{file}: {file.stat().st_size:,} bytes")


def restore(
    file: Annotated[Path, typer.Argument(help="Of service backup.", show_default=False)],
    database: Database = _DATABASE,
) -> None:
    """Make a new database from a backup; it opens under the secret of the old one alone."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.bench.service.backup import restore as make_anew

    make_anew(database, file)
    typer.echo(f"{file}: restored")
