"""The schema's history, and how a database is brought to its end."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.schema import CreateIndex, CreateTable
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.store.append_only import append_only_tables
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base


def migrate(database: Database) -> str:
    """Make the tables of an empty database and return its revision; one that has them stays as it is.

    Raises:
        InputError: the tables are of another version; nothing is changed.
    """
    if revision_of(database) is not None:
        require_newest(database)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return schema_revision()


def require_newest(database: Database) -> None:
    """Check that a database has the tables of this version.

    Raises:
        InputError: it has none, or those of another version.
    """
    found, wanted = revision_of(database), schema_revision()
    name = database.engine.url.render_as_string(hide_password=True)
    if found is None:
        raise InputError(f"database {name} has no tables: run `stampbench service migrate`")
    if found != wanted:
        raise InputError(
            f"database {name} is of an unreleased version (revision {found}, expected {wanted}) and cannot be"
            " brought up to date: keep it aside, and run `stampbench service migrate` on a new one"
        )


def revision_of(database: Database) -> str | None:
    """Return the revision a database is at; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def schema_revision() -> str:
    """Return the name of the schema as it is now: it changes with every table, column, index and guard."""
    tables = Base.metadata.sorted_tables
    parts = [str(CreateTable(table)) for table in tables]
    parts += sorted(str(CreateIndex(index)) for table in tables for index in table.indexes)
    parts += [f"{table.__tablename__} {sorted(table.changeable)}" for table in append_only_tables()]
    return f"initial_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:12]}"
