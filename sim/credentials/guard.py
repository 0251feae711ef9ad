"""Once and no more: what keeps a proof that was seen from being accepted again.

Two questions are asked, and each is answered and noted in one step, so that of several who ask at one time
one alone hears yes: is this counter higher than every one before, and is this the first use of that name?
Reading first and writing later would let a replay through whenever two requests meet.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias


class ReplayGuard(Protocol):
    """Remembers what was accepted."""

    def advance(self, name: str, counter: int) -> bool:
        """Return True, and noted, if the counter is higher than every one noted for this name."""

    def first_use(self, name: str) -> bool:
        """Return True, and noted, if the name was never noted."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A proof that counts: accepted if its counter is higher than all before."""

    name: str
    counter: int

    def claim(self, guard: ReplayGuard) -> bool:
        """Return True once."""
        return guard.advance(self.name, self.counter)


@dataclass(frozen=True, slots=True)
class FirstUse:
    """A proof with a name of its own: accepted once."""

    name: str

    def claim(self, guard: ReplayGuard) -> bool:
        """Return True once."""
        return guard.first_use(self.name)


Ticket: TypeAlias = Advance | FirstUse
"""What is claimed of a guard when all else is right."""


class MemoryGuard:
    """Remembers as long as the process lives; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, int] = {}
        self._used: set[str] = set()

    def advance(self, name: str, counter: int) -> bool:
        """Return True, and noted, if the counter is higher than every one noted for this name."""
        with self._lock:
            if counter <= self._counters.get(name, -1):
                return False
            self._counters[name] = counter
            return True

    def first_use(self, name: str) -> bool:
        """Return True, and noted, if the name was never noted."""
        with self._lock:
            if name in self._used:
                return False
            self._used.add(name)
            return True


class SqliteGuard:
    """Remembers in a file; for any number of threads and processes.

    The file is its owner's alone, and holds no names: of each it keeps the SHA-256, with a salt of this file.

    Args:
        path: of the file; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        # Every statement is a transaction of its own, and waits for those of other processes.
        self._connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS counters (name BLOB PRIMARY KEY, counter INTEGER NOT NULL)"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS used (name BLOB PRIMARY KEY)")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS salts (id INTEGER PRIMARY KEY, salt BLOB NOT NULL)"
        )
        self._connection.execute(
            "INSERT INTO salts VALUES (1, ?) ON CONFLICT DO NOTHING", (secrets.token_bytes(16),)
        )
        (self._salt,) = self._connection.execute("SELECT salt FROM salts").fetchone()

    def advance(self, name: str, counter: int) -> bool:
        """Return True, and noted, if the counter is higher than every one noted for this name."""
        return self._changes(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) "
            "DO UPDATE SET counter = excluded.counter WHERE excluded.counter > counters.counter",
            (self._digest(name), counter),
        )

    def first_use(self, name: str) -> bool:
        """Return True, and noted, if the name was never noted."""
        return self._changes("INSERT INTO used VALUES (?) ON CONFLICT DO NOTHING", (self._digest(name),))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _digest(self, name: str) -> bytes:
        return hashlib.sha256(self._salt + name.encode("utf-8", "surrogatepass")).digest()

    def _changes(self, statement: str, values: tuple[bytes | int, ...]) -> bool:
        with self._lock:
            return self._connection.execute(statement, values).rowcount == 1
