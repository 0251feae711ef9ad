"""Triggers that keep append-only tables append-only, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from sim.service.tables import Base, Table


def append_only_tables() -> list[type[Table]]:
    """The tables whose rows stay."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted((c for c in classes if c.append_only), key=lambda c: c.__tablename__)


def trigger_statements(dialect: str) -> Iterator[str]:
    """SQL that makes the triggers, for ``sqlite`` or ``postgresql``."""
    if dialect == "postgresql":
        yield (
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only',"
            " ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for table in append_only_tables():
        name = table.__tablename__
        columns = [c.name for c in table.__table__.columns if c.name not in table.changeable]
        for suffix, event in (("kept", "DELETE"), ("fixed", f"UPDATE OF {', '.join(columns)}")):
            trigger = f"CREATE TRIGGER {name}_{suffix} BEFORE {event} ON {name} FOR EACH ROW"
            if dialect == "postgresql":
                yield f"{trigger} EXECUTE FUNCTION refuse_change()"
            else:
                yield f"{trigger} BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"


def make_triggers(connection: sa.Connection) -> None:
    """Make them all."""
    for statement in trigger_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
