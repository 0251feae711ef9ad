"""A PostgreSQL of one's own: made in a temporary folder, reached through a socket there, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from stampbench.firmware_emulator.errors import LinkError

_DEBIAN: Final = Path("/usr/lib/postgresql")
_ACCOUNT: Final = "postgres"
_USER: Final = "stampbench"
_GUARD: Final = Path(__file__).with_name("postgres_guard.py")
_STOP_S: Final = 30.0


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs, newest version first; None if it is not installed."""
    on_path = shutil.which("postgres")
    if on_path is not None and (Path(on_path).resolve().parent / "initdb").exists():
        return Path(on_path).resolve().parent
    versions = (folder for folder in _DEBIAN.glob("*/bin") if (folder / "postgres").exists())
    return max(versions, key=lambda folder: float(folder.parent.name), default=None)


class PostgresServer:
    """A server for tests and measurements; a context manager.

    PostgreSQL refuses to run as root: there it runs under the account ``postgres``. Its guard, a process of
    its own, ends it at the end of the block, or with this process, even one that is killed.

    Args:
        binaries: folder of its programs.
        durable: whether a commit waits for the disk.
        settings: further settings, ``name=value``.
    """

    def __init__(self, binaries: Path, *, durable: bool, settings: Sequence[str] = ()) -> None:
        self._binaries = binaries
        off = () if durable else ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        self._settings = (*off, *settings)

    def __enter__(self) -> PostgresServer:
        self._folder = Path(tempfile.mkdtemp(prefix="stampbench-pg-"))
        self._user, self._group = _account()
        if self._user is not None and self._group is not None:
            os.chown(self._folder, self._user, self._group)
        data = self._folder / "data"
        self._guard = self._set_guard()
        try:
            self._start(data)
        except BaseException:
            self._dismiss()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dismiss() != 0 and kind is None:
            raise LinkError("PostgreSQL: pg_ctl stop: the server did not end, or had ended before")

    def _start(self, data: Path) -> None:
        self._run("initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        options = ["-k", str(self._folder), "-c", "listen_addresses="]
        for setting in self._settings:
            options += ["-c", setting]
        self._run(
            "pg_ctl", "-D", str(data), "-w", "-l", str(self._folder / "log"), "-o", " ".join(options), "start"
        )

    def _set_guard(self) -> subprocess.Popen[bytes]:
        account = [str(one) if one is not None else "-" for one in (self._user, self._group)]
        command = [sys.executable, "-I", "-S", str(_GUARD), str(self._binaries / "pg_ctl")]
        return subprocess.Popen(
            [*command, str(self._folder), *account],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal reaches this process and not the guard
        )

    def _dismiss(self) -> int:
        """Let the guard do its work now; what ``pg_ctl stop`` said."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        status = self._guard.wait(2 * _STOP_S)
        shutil.rmtree(self._folder, ignore_errors=True)
        return status

    def url(self, database: str) -> str:
        """Return the URL of a database on this server."""
        return f"postgresql+psycopg://{_USER}@/{database}?host={self._folder}"

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Make a database, a copy of another one."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(
            host=str(self._folder), user=_USER, dbname="postgres", autocommit=True
        ) as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            timeout=2 * _STOP_S,
            check=False,
            user=self._user,
            group=self._group,
        )
        if done.returncode != 0:
            last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
            raise LinkError(f"PostgreSQL: {program}: {' '.join(last)}")


def _account() -> tuple[int | None, int | None]:
    """Return user and group under which a process of root runs the server; None: as whoever it is."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None, None
    import pwd

    account = pwd.getpwnam(_ACCOUNT)
    return account.pw_uid, account.pw_gid
