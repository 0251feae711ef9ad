"""Databases of earlier versions are brought up to date, with what they hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from stampbench.sim.service.migrations import migrate, revision_of
from stampbench.sim.service.store.append_only import append_only_tables
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base
from stampbench.sim.service.tables.presses import CredentialUse

FIRST_REVISION = (
    "INSERT INTO vendors VALUES ('v', 1, 1)",
    "INSERT INTO brands VALUES (1, 'b', 1)",
    "INSERT INTO merchants VALUES (1, 1, 'm', 0, false, false, true, 1)",
    "INSERT INTO stores (merchant_id, name, number, lat_deg, lon_deg, radius_m, opening, otp_secret,"
    " otp_step, id) VALUES (1, 's', '1', 0, 0, 1, '[]', '01234567890123456789', -1, 1)",
    "INSERT INTO stamps (merchant_id, store_id, serial, name, pads, state, factor, enrolled_us, id)"
    " VALUES (1, 1, 'S', 'S', '[]', 'active', 'sun', 0, 1)",
    "INSERT INTO stamp_credentials (stamp_id, kind, name, counter, id)"
    " VALUES (1, 'sun', 'worn out', 1, 1), (1, 'sun', 'new', 7, 2)",
    "INSERT INTO spent_credentials (stamp_id, kind, counter, at_us, id)"
    " VALUES (1, 'sun', 1, 10, 1), (1, 'sun', 7, 20, 2)",
)


@pytest.fixture
def first_revision(database_url: str, tmp_path: object) -> Iterator[Database]:
    """A database as the first revision made it, on either kind."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        old = f"sqlite:///{tmp_path}/old.sqlite3"
    else:
        old = url.set(database="old").render_as_string(hide_password=False)
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS old")
            connection.exec_driver_sql("CREATE DATABASE old")
        server.dispose()
    database = Database(old)
    migrate(database, "0001")
    with database.write() as connection:
        for statement in FIRST_REVISION:
            connection.exec_driver_sql(statement)
    yield database
    database.close()


def test_what_was_spent_stays_spent(first_revision: Database) -> None:
    assert revision_of(first_revision) == "0001"
    assert migrate(first_revision) == "0002"
    with first_revision.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        uses = sa.select(CredentialUse.credential_id, CredentialUse.counter, CredentialUse.at_us)
        assert connection.execute(uses.order_by(CredentialUse.id)).all() == [(1, 1, 10), (2, 7, 20)]


def test_rows_of_append_only_tables_stay_after_every_revision(first_revision: Database) -> None:
    migrate(first_revision)
    found = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not first_revision.is_sqlite:
        found = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with first_revision.read() as connection:
        triggers = set(connection.exec_driver_sql(found).scalars())
    names = [table.__tablename__ for table in append_only_tables()]
    assert triggers == {f"{name}_{suffix}" for name in names for suffix in ("kept", "fixed")}
    for statement in ("DELETE FROM credential_uses", "UPDATE credential_uses SET holder = 9"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), first_revision.write() as connection:
            connection.exec_driver_sql(statement)
