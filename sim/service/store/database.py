"""The database: SQLite by default, PostgreSQL by URL; one short transaction per request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.tables.base import Table

if TYPE_CHECKING:
    AnyRow = sa.Row[*tuple[Any, ...]]
    """A row whose columns are known where it is read."""

_BUSY_S: Final = 60.0
_POOL_S: Final = 10.0
_LOCK_MS: Final = 3_000
_STATEMENT_MS: Final = 60_000
_EXPECTED: Final = "sqlite:///FILE or postgresql+psycopg://..."
_READS_ONLY: Final = "stampbench_reads_only"


class Database:
    """An engine and two kinds of connection.

    SQLite runs in WAL mode; a writing transaction begins with BEGIN IMMEDIATE, because the driver's implicit
    BEGIN comes too late to be serialisable (SQLAlchemy documentation, "Serializable isolation / Savepoints /
    Transactional DDL" of the pysqlite dialect). On PostgreSQL reads are autocommit, one round trip each.

    Args:
        url: ``sqlite:///file`` or ``postgresql+psycopg://...``.
        pool_size: connections kept.

    Raises:
        InputError: another kind of database.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        try:
            parsed = sa.make_url(url)
        except ArgumentError:
            raise InputError(f"database {url!r}: expected {_EXPECTED}") from None
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if not self.is_sqlite and parsed.drivername != "postgresql+psycopg":
            raise InputError(f"database {parsed.render_as_string()!r}: expected {_EXPECTED}")
        if self.is_sqlite and parsed.database in (None, "", ":memory:"):
            raise InputError(f"database {url!r}: expected a file, which all connections share")
        # No transaction waits for a lock, or runs, for longer: it is a 503, and its connection free.
        limits = f"-c lock_timeout={_LOCK_MS} -c statement_timeout={_STATEMENT_MS}"
        arguments: dict[str, Any] = {"timeout": _BUSY_S} if self.is_sqlite else {"options": limits}
        try:
            self.engine = sa.create_engine(
                parsed,
                pool_size=pool_size,
                max_overflow=0,
                connect_args=arguments,
                pool_timeout=_POOL_S,
                hide_parameters=True,  # errors end in logs
            )
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise InputError(f"database {parsed.render_as_string()!r}: {error}") from None
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
            self._reading = self.engine.execution_options(**{_READS_ONLY: True})
        else:
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield one transaction: committed at the end of the block, rolled back if an error leaves it."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection for statements that only read."""
        with self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows of a list: so many, after one of them; and one more, which tells that there are others."""

    after: int | None = None
    limit: int = 10**9

    def of(
        self, statement: sa.Select[*tuple[Any, ...]], number: Any, *, newest_first: bool = False
    ) -> sa.Select[*tuple[Any, ...]]:
        """Return the statement for these rows, in the order of their numbers."""
        if self.after is not None:
            statement = statement.where(number < self.after if newest_first else number > self.after)
        return statement.order_by(number.desc() if newest_first else number).limit(self.limit + 1)


ALL: Final = Cut()


@cache
def new_row(dialect: str, table: type[Table], unique: tuple[str, ...]) -> sa.Executable:
    """Return the statement that inserts a row and tells its id, unless the ``unique`` columns are there."""
    columns = table.columns()
    made = (postgresql if dialect == "postgresql" else sqlite).insert(columns)
    return made.on_conflict_do_nothing(index_elements=unique).returning(columns.c.id)


def insert_new(
    connection: sa.Connection, table: type[Table], values: Mapping[str, Any], unique: Sequence[str]
) -> int | None:
    """Insert a row and return its id; None if one with the same ``unique`` columns is there already."""
    statement = new_row(connection.dialect.name, table, tuple(unique))
    return connection.execute(statement, values).scalar_one_or_none()


def insert(connection: sa.Connection, table: type[Table], **values: Any) -> int:
    """Insert a row and return its id."""
    return connection.execute(_insert(table), values).scalar_one()


@cache
def _insert(table: type[Table]) -> sa.Executable:
    columns = table.columns()
    return sa.insert(columns).returning(columns.c.id)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    reads_only = connection.get_execution_options().get(_READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
