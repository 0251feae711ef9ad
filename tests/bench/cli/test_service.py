"""``stampbench service``: tables made, filled and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stampbench.firmware_emulator.errors import InputError


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'service.sqlite3'}"


def test_migrate_and_seed_make_a_database_with_keys(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from stampbench.bench.cli.service import migrate, seed

    migrate(database, as_json=True)
    assert json.loads(capsys.readouterr().out)["revision"].startswith("initial_")
    seed(database, merchants=1, stores=2, stamps=1, vendor="V", members=0, number=0, as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert len(made["merchants"][0]["stamps"]) == 2
    assert made["operator_key"].startswith("operator_")
    assert (tmp_path / "service.sqlite3.secret").stat().st_mode & 0o077 == 0


def test_a_database_without_tables_is_refused(database: str) -> None:
    from stampbench.bench.cli.service import seed

    with pytest.raises(InputError, match="run `stampbench service migrate`"):
        seed(database, merchants=1, stores=1, stamps=1, vendor="V", members=0, number=0, as_json=True)


def test_postgresql_needs_the_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from stampbench.sim.service.opening import SECRET_VARIABLE, read_secret

    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    with pytest.raises(InputError, match=SECRET_VARIABLE):
        read_secret("postgresql+psycopg://x/y")
    monkeypatch.setenv(SECRET_VARIABLE, "not hexadecimal")
    with pytest.raises(InputError, match="hexadecimal"):
        read_secret("postgresql+psycopg://x/y")
