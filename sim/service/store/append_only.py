"""Triggers that keep append-only tables append-only, whoever asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import sqlalchemy as sa
from stampbench.sim.service.tables import Base, Table


def append_only_tables() -> list[type[Table]]:
    """The tables whose rows stay, today; a migration names those that it makes."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted((c for c in classes if c.append_only), key=lambda c: c.__tablename__)


def make_triggers(connection: sa.Connection, tables: Mapping[str, Collection[str]]) -> None:
    """Keep the rows of these tables; of each, the columns that may change all the same."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only',"
            " ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    inspector = sa.inspect(connection)
    for name, changeable in tables.items():
        fixed = [c["name"] for c in inspector.get_columns(name) if c["name"] not in changeable]
        for statement in _triggers(connection.dialect.name, name, fixed):
            connection.exec_driver_sql(statement)


def _triggers(dialect: str, name: str, fixed: list[str]) -> Iterator[str]:
    for suffix, event in (("kept", "DELETE"), ("fixed", f"UPDATE OF {', '.join(fixed)}")):
        trigger = f"CREATE TRIGGER {name}_{suffix} BEFORE {event} ON {name} FOR EACH ROW"
        if dialect == "postgresql":
            yield f"{trigger} EXECUTE FUNCTION refuse_change()"
        else:
            yield f"{trigger} BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
