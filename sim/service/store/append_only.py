"""Triggers that keep append-only tables append-only, whoever asks."""

from __future__ import annotations

import sqlalchemy as sa
from stampbench.sim.service.tables import Base, Table


def append_only_tables() -> list[type[Table]]:
    """Return the tables whose rows stay, by name."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted((c for c in classes if c.append_only), key=lambda c: c.__tablename__)


def make_triggers(connection: sa.Connection) -> None:
    """Keep the rows of all append-only tables, apart from the columns that may change all the same."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only',"
            " ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for table in append_only_tables():
        name = table.__tablename__
        fixed = ", ".join(c.name for c in table.columns().c if c.name not in table.changeable)
        refuse = f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
        if connection.dialect.name == "postgresql":
            refuse = "EXECUTE FUNCTION refuse_change()"
        for suffix, event in (("kept", "DELETE"), ("fixed", f"UPDATE OF {fixed}")):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name}_{suffix} BEFORE {event} ON {name} FOR EACH ROW {refuse}"
            )
