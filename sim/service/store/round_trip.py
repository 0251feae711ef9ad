"""Statements of one transaction that travel to the database together.

SQLAlchemy writes every statement, once; then the driver is handed its text, because to put an execution
together anew costs more than the database takes to answer it. PostgreSQL gets them as a pipeline (psycopg
documentation, "Pipeline mode support"): they run in order, each sees what those before it did, and all
answers come in one trip.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

Asked = tuple[sa.Executable, Mapping[str, Any]]
"""A statement and its values."""

_STATEMENTS_KEPT: Final = 256


def round_trip(connection: sa.Connection, *asked: Asked) -> list[list[Any]]:
    """Run statements one after the other and return the rows of each, as named tuples.

    Values reach the driver as they are: integers, floats, text, bytes, booleans and None; SQLite gives
    booleans back as 0 and 1.

    Args:
        connection: in a transaction of :meth:`~stampbench.sim.service.store.database.Database.write`.
        asked: statements, each with its values. An insert that brings no values of its own takes these, and
            leaves the other columns empty.

    Raises:
        sqlalchemy.exc.DBAPIError: as SQLAlchemy would have raised it, without the values.
    """
    dialect = connection.dialect
    written = [_write(statement, dialect, tuple(values)) for statement, values in asked]
    values = [one.values(given) for one, (_, given) in zip(written, asked, strict=True)]
    driver: Any = connection.connection.driver_connection
    errors: Any = dialect.loaded_dbapi.Error
    try:
        if dialect.name == "sqlite" or len(asked) == 1:
            return [one.rows(driver.execute(one.text, its)) for one, its in zip(written, values, strict=True)]
        with driver.pipeline():
            cursors = [driver.execute(one.text, its) for one, its in zip(written, values, strict=True)]
        return [one.rows(cursor) for one, cursor in zip(written, cursors, strict=True)]
    except errors as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(None, None, error, errors, hide_parameters=True) from error


@dataclass(frozen=True, slots=True)
class _Written:
    """A statement as a driver takes it.

    Attributes:
        constants: values that the statement brings along.
        order: names in the order of the question marks; None where the driver takes names.
        row: of the answer; None where there is none.
    """

    text: str
    constants: Mapping[str, Any]
    order: tuple[str, ...] | None
    row: Any

    def values(self, given: Mapping[str, Any]) -> Any:
        values = {**self.constants, **given}
        return values if self.order is None else [values[name] for name in self.order]

    def rows(self, cursor: Any) -> list[Any]:
        return [] if self.row is None else [self.row(*row) for row in cursor.fetchall()]


@lru_cache(_STATEMENTS_KEPT)
def _write(statement: sa.Executable, dialect: sa.Dialect, names: tuple[str, ...]) -> _Written:
    if not isinstance(statement, sa.Select | sa.Insert | sa.Update):
        raise TypeError(f"{type(statement).__name__}: expected select, insert or update")
    compiled = statement.compile(dialect=dialect, column_keys=names)
    if not isinstance(compiled, sa.sql.compiler.SQLCompiler):
        raise TypeError(f"{type(statement).__name__} is written by {type(compiled).__name__}")
    given = dict.fromkeys(names)
    constants = {name: value for name, value in compiled.construct_params(given).items() if name not in given}
    order = None if compiled.positiontup is None else tuple(compiled.positiontup)
    columns = [str(name) for name in statement.exported_columns.keys()]  # noqa: SIM118 (no mapping)
    return _Written(str(compiled), constants, order, namedtuple("Row", columns) if columns else None)
