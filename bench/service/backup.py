"""A database of the service kept in one file, and made anew from it; the secret is kept elsewhere."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stampbench.bench.service.postgres import find_postgres
from stampbench.firmware_emulator.errors import InputError, StampbenchError, expect_new
from stampbench.firmware_emulator.outside import printable
from stampbench.sim.service.migrations import require_newest, revision_of
from stampbench.sim.service.store.database import Database

_LONGEST_S: Final = 3600.0


def back_up(url: str, file: Path) -> None:
    """Write a whole database into a file, as it stands at one instant, while the service goes on.

    Raises:
        InputError: no such database, or a file that is there already or cannot be written.
        StampbenchError: pg_dump failed.
    """
    expect_new(file)
    database = Database(url)
    try:
        if revision_of(database) is None:
            raise InputError(f"database {url}: has no tables: expected one that a service used")
        if database.is_sqlite:
            _copy_sqlite(Path(str(database.engine.url.database)), file)
        else:
            _run("pg_dump", ["--format=custom", "--no-owner", f"--file={file}", _plain(url)])
    finally:
        database.close()


def restore(url: str, file: Path) -> None:
    """Make a database anew from a file of :func:`back_up`; nothing that is there is touched.

    Raises:
        InputError: no such file, one that is no backup, or a database that has tables already.
        StampbenchError: pg_restore failed.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file: expected one that `stampbench service backup` wrote")
    database = Database(url)
    try:
        if database.is_sqlite:
            path = Path(str(database.engine.url.database))
            if path.exists():
                raise InputError(f"database {path}: is there already: expected a new one")
            _copy_sqlite(file, path)
        else:
            if revision_of(database) is not None:
                raise InputError(f"database {url}: has tables already: expected an empty one")
            _run("pg_restore", ["--no-owner", "--exit-on-error", f"--dbname={_plain(url)}", str(file)])
        require_newest(database)
    finally:
        database.close()


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database by SQLite's Online Backup API; a damaged one is refused, and leaves nothing."""
    try:
        with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as old, sqlite3.connect(target) as new:
            old.backup(new)
            sound = new.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        old.close()
        new.close()
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise InputError(f"{source}: {error}: expected a database of the service") from None
    if not sound:
        target.unlink(missing_ok=True)
        raise InputError(f"{source}: is damaged: expected a whole database")


def _plain(url: str) -> str:
    """Return the URL as PostgreSQL's own programs take it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _run(program: str, arguments: Sequence[str]) -> None:
    binaries = find_postgres()
    command = program if binaries is None else str(binaries / program)
    try:
        done = subprocess.run(
            [command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_LONGEST_S,
            check=False,
        )
    except FileNotFoundError:
        raise InputError(f"{program}: is not installed (Debian: postgresql-client)") from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise StampbenchError(f"{program}: {printable(' '.join(last))}")
