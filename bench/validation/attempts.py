"""Attempts at a lot: a log that is only appended to, each line of which holds the hash of the one before it.

A second measurement of a lot stands beside the first and is numbered; a line that is taken out, changed or
put in breaks the chain, and a certificate holds the hash that its own line follows.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct
from stampbench.firmware_emulator.errors import InputError

LOG_NAME = "attempts.jsonl"
FIRST = "0" * 64
"""What the first line follows."""


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line: an attempt that begins or goes on, or the end of one.

    Attributes:
        attempt: its number, from 1.
        event: "begun", "interrupted", "resumed", or "certified" once its certificate is written.
        directory: with its records, below that of the log.
        decision: empty while there is none.
        measurements_sha256, certificate_sha256: of its files; empty while there are none.
        previous: SHA-256 of the line before.
    """

    attempt: int
    event: str
    directory: str
    started_at: str
    plan_sha256: str
    decision: str = ""
    measurements_sha256: str = ""
    certificate_sha256: str = ""
    previous: str = FIRST


def read_attempts(directory: Path) -> list[Attempt]:
    """Return the lines of a lot's log, oldest first; none where there is no log.

    Raises:
        InputError: a line is damaged, or does not follow the one before it.
    """
    path = directory / LOG_NAME
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the log of attempts") from None
    found, previous = [], FIRST
    for number, line in enumerate(lines, start=1):
        try:
            one = msgspec.json.decode(line, type=Attempt)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: line {number}: {error}: expected an attempt") from None
        if one.previous != previous:
            raise InputError(f"{path}: line {number} does not follow line {number - 1}: the log was changed")
        previous = hashlib.sha256(line).hexdigest()
        found.append(one)
    return found


def latest(attempts: list[Attempt]) -> list[Attempt]:
    """Return the last line of each attempt, in the order of their numbers."""
    return [one for _, one in sorted({one.attempt: one for one in attempts}.items())]


def attempts_until(attempts: list[Attempt], number: int) -> list[Attempt]:
    """Return how the attempts before this one stood when it began, and its own first line."""
    begun = next(
        (place for place, one in enumerate(attempts) if one.attempt == number and one.event == "begun"), None
    )
    return [] if begun is None else [*latest(attempts[:begun]), attempts[begun]]


def check_records(attempts: list[Attempt], number: int, event: str, measurements_sha256: str) -> None:
    """Check that the records of an attempt are those that were certified, or interrupted last.

    Raises:
        InputError: the log has other ones.
    """
    told: list[str] = []
    for one in attempts:
        if one.attempt == number and one.event == event and one.measurements_sha256:
            told.append(one.measurements_sha256)
        elif one.attempt == number and one.event == "resumed":
            told.clear()
    if told and told[-1] != measurements_sha256:
        raise InputError(
            f"the records of attempt {number} were changed since they were {event}: {LOG_NAME} has "
            f"{told[-1][:16]}, they are {measurements_sha256[:16]}"
        )


def append_attempt(directory: Path, attempt: Attempt) -> Attempt:
    """Write a line at the end of a lot's log, chained to the last one, and return it as written.

    Raises:
        InputError: the log is damaged, or cannot be written.
    """
    path = directory / LOG_NAME
    read_attempts(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes().splitlines() if path.exists() else []
        previous = hashlib.sha256(before[-1]).hexdigest() if before else FIRST
        chained = msgspec.structs.replace(attempt, previous=previous)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(chained) + b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}: expected a writable place") from None
    return chained
