"""The tables of a new database; databases of unreleased versions are refused and left as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.migrations import migrate, revision_of, schema_revision
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.append_only import append_only_tables
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base

UNRELEASED = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('0002')",
    "CREATE TABLE vendors (id INTEGER PRIMARY KEY, name VARCHAR(200))",
    "INSERT INTO vendors VALUES (1, 'kept')",
)


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, of either kind."""
    url = sa.make_url(database_url)
    new = f"sqlite:///{tmp_path}/new.sqlite3"
    if url.get_backend_name() != "sqlite":
        new = url.set(database="new").render_as_string(hide_password=False)
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS new WITH (FORCE)")
            connection.exec_driver_sql("CREATE DATABASE new")
        server.dispose()
    database = Database(new)
    yield database
    database.close()


def test_a_new_database_has_all_tables_and_is_made_once(empty: Database) -> None:
    assert revision_of(empty) is None
    assert migrate(empty) == migrate(empty) == revision_of(empty) == schema_revision()
    with empty.read() as connection:
        tables = set(sa.inspect(connection).get_table_names())
    assert tables == {*Base.metadata.tables, "alembic_version"}


def test_rows_of_append_only_tables_stay(empty: Database) -> None:
    migrate(empty)
    found = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not empty.is_sqlite:
        found = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with empty.write() as connection:
        triggers = set(connection.exec_driver_sql(found).scalars())
        connection.exec_driver_sql("INSERT INTO vendors (id, name, price_per_press) VALUES (1, 'v', 1)")
        connection.exec_driver_sql(
            "INSERT INTO invoices (vendor_id, month, revision, events, quantity, amount, digest, previous,"
            " chained, at_us) VALUES (1, '2026-11', 1, 0, 0, 0, '', '', '', 0)"
        )
    names = [table.__tablename__ for table in append_only_tables()]
    assert triggers == {f"{name}_{suffix}" for name in names for suffix in ("kept", "fixed")}
    for statement in ("DELETE FROM invoices", "UPDATE invoices SET amount = 9"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), empty.write() as connection:
            connection.exec_driver_sql(statement)


def test_a_database_of_an_unreleased_version_is_to_be_made_anew_and_left_as_it_is(empty: Database) -> None:
    with empty.write() as connection:
        for statement in UNRELEASED:
            connection.exec_driver_sql(statement)
    with pytest.raises(InputError, match=r"revision 0002.*run `stampbench service migrate` on a new one$"):
        migrate(empty)
    url = empty.engine.url.render_as_string(hide_password=False)
    with pytest.raises(InputError, match="cannot be brought up to date"):
        open_service(ServiceSettings(bytes(32), url))
    with empty.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "0002"
        assert connection.exec_driver_sql("SELECT id, name FROM vendors").all() == [(1, "kept")]


def test_the_revision_follows_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = schema_revision()
    schema_revision.cache_clear()
    monkeypatch.setattr(Base.metadata.tables["vendors"].c.price_per_press, "nullable", True)
    assert schema_revision() != before
    schema_revision.cache_clear()
