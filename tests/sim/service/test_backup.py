"""A backup holds everything, opens under its own secret alone, and touches nothing that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stampbench.bench.service.backup import back_up, restore
from stampbench.bench.service.postgres import PostgresServer, find_postgres
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base


def rows(database: Database) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]
            for table in Base.metadata.sorted_tables
        }


def test_what_was_backed_up_is_all_there_again(any_world: Any, tmp_path: Path) -> None:
    any_world.press()
    url, file = any_world.service.settings.database_url, tmp_path / "backup"
    back_up(url, file)
    before = rows(any_world.service.database)
    any_world.press(member="berta", device="hers")
    if url.startswith("sqlite"):
        again(f"sqlite:///{tmp_path / 'again.sqlite3'}", file, before)
        return
    binaries = find_postgres()
    assert binaries is not None
    with PostgresServer(binaries, durable=False) as server:
        server.create_database("again")
        again(server.url("again"), file, before)


def again(url: str, file: Path, before: dict[str, list[Any]]) -> None:
    restore(url, file)
    with pytest.raises(InputError, match="another secret"):
        open_service(ServiceSettings(b"y" * 32, url))
    service = open_service(ServiceSettings(bytes(range(32)), url))
    assert rows(service.database) == before
    service.database.close()
    with pytest.raises(InputError, match="already"):
        restore(url, file)


def test_what_is_no_backup_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path / 'new.sqlite3'}", tmp_path / "file"
    with pytest.raises(InputError, match="no such file"):
        restore(url, file)
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="expected a database of the service"):
        restore(url, file)
    assert not (tmp_path / "new.sqlite3").exists()


def test_a_file_that_is_there_is_not_written_over(world: Any, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("precious")
    with pytest.raises(InputError, match="is there already"):
        back_up(world.service.settings.database_url, file)
    assert file.read_text() == "precious"
