"""Statements that travel together: what each sees, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from stampbench.sim.service.store.database import Database, new_row
from stampbench.sim.service.store.round_trip import round_trip
from stampbench.sim.service.tables.tenants import Brand, Vendor

VENDORS = sa.select(Vendor.name, Vendor.price_per_press).where(
    Vendor.price_per_press >= sa.bindparam("least")
)
COUNT = sa.select(sa.func.count().label("vendors")).select_from(Vendor)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def vendor(name: str, price: int) -> dict[str, object]:
    return {"name": name, "price_per_press": price}


def test_a_statement_sees_what_those_before_it_did(database: Database) -> None:
    insert = sa.insert(Vendor.columns())
    with database.write() as connection:
        first, _, second = round_trip(connection, (COUNT, {}), (insert, vendor("one", 5)), (COUNT, {}))
    assert (first[0].vendors, second[0].vendors) == (0, 1)


def test_rows_have_the_names_of_their_columns(database: Database) -> None:
    insert = sa.insert(Vendor.columns())
    with database.write() as connection:
        *_, rows = round_trip(
            connection,
            (insert, vendor("cheap", 1)),
            (insert, vendor("dear", 9)),
            (VENDORS, {"least": 2}),
        )
    assert [(row.name, row.price_per_press) for row in rows] == [("dear", 9)]


def test_a_row_that_is_there_already_is_not_told_again(database: Database) -> None:
    with database.write() as connection:
        statement = new_row(connection.dialect.name, Vendor, ("name",))
        new, known = round_trip(connection, (statement, vendor("one", 5)), (statement, vendor("one", 5)))
    assert [row.id for row in new] == [1]
    assert known == []


def test_an_error_undoes_all_of_the_transaction(database: Database) -> None:
    insert = sa.insert(Vendor.columns())
    nobodys = sa.insert(Brand.columns())
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"), database.write() as connection:
        round_trip(connection, (insert, vendor("one", 5)), (nobodys, {"vendor_id": 99, "name": "brand"}))
    with database.write() as connection:
        assert round_trip(connection, (COUNT, {}))[0][0].vendors == 0


def test_what_is_no_query_is_refused(database: Database) -> None:
    with pytest.raises(TypeError, match="expected select, insert or update"), database.write() as connection:
        round_trip(connection, (sa.text("SELECT 1"), {}))


def cut(connection: sa.Connection, url: str) -> None:
    """End the server's side of a connection."""
    number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    other = Database(url)
    with other.write() as ending:
        ending.exec_driver_sql(f"SELECT pg_terminate_backend({number}, 5000)")
    other.close()


@pytest.mark.parametrize("statements", [1, 2])
def test_a_connection_that_was_cut_is_an_operational_error_and_kept_no_longer(
    postgres: str, statements: int
) -> None:
    database = Database(postgres, pool_size=1)
    with database.engine.connect() as connection:
        cut(connection, postgres)
        with pytest.raises(sa.exc.OperationalError):
            round_trip(connection, *[(COUNT, {})] * statements)
    with database.write() as connection:
        assert len(round_trip(connection, (COUNT, {}))) == 1
    database.close()
