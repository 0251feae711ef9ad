"""What comes from outside and goes there: names and texts of other people, TOML that may be hostile, files.

Names are checked where they come in, by one rule, and texts made printable there, so that terminal, page, XML
and CSV get nothing that could act on them: no escape sequence, no line break of any kind, no text that runs
backwards. A cell of CSV is the one thing more: a spreadsheet computes what begins like a formula.
"""

from __future__ import annotations

import re
import secrets
import tomllib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from stampbench.firmware_emulator.errors import InputError

LONGEST_NAME: Final = 80
LONGEST_TEXT: Final = 200
_LARGEST_TOML: Final = 64_000_000
"""Characters: a catalogue of 60,000 stamps has 15 million."""
_MOST_KEY_PARTS: Final = 32
_LONG_KEY: Final = re.compile(
    r"""(?<![\w"'-])(?:[\w"'-]++[ \t]*\.[ \t]*){%d}""" % _MOST_KEY_PARTS  # noqa: UP031 (braces)
)
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def checked_name(name: str, where: str) -> str:
    """Return a name that is fit to be shown and kept, without blanks around it.

    Raises:
        InputError: empty, too long, or with characters that cannot be printed, line breaks among them.
    """
    stripped = name.strip(" \t")
    if not 0 < len(stripped) <= LONGEST_NAME or printable(stripped) != stripped:
        raise InputError(
            f"{where} {name[:LONGEST_NAME]!a}: expected a name of 1 to {LONGEST_NAME} printable characters"
        )
    return stripped


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which all that acts instead of being seen is escaped, as ``\x1b`` and ``\u202e``.

    Controls, line and paragraph separators, what turns the direction of a line or has no width, lone
    surrogates. Those of ``keep`` stay, such as line breaks of our own.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c in keep or unicodedata.category(c) not in _UNSEEN else c.encode("unicode_escape").decode()
        for c in text
    )


def told(text: str) -> str:
    """Return what somebody else's file says of itself, as it may be shown: printable, and not long."""
    text = printable(text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."


def csv_cell(value: object) -> object:
    """Return a value as it may stand in a table for spreadsheets: no text is taken for a formula there."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def from_csv_cell(text: str) -> str:
    """Return the text of a cell that :func:`csv_cell` wrote."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Read TOML, in a time that does not run away.

    Raises:
        InputError: it is none, too large, nested too deep, or has a key of more than 32 parts.
    """
    if len(text) > _LARGEST_TOML:
        raise InputError(f"{where}: {len(text)} characters: expected at most {_LARGEST_TOML}")
    if long := _LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        raise InputError(
            f"{where}: not TOML: line {line}: a key of more parts than {_MOST_KEY_PARTS}: expected fewer"
        )
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{where}: not TOML: nested too deep: expected a few levels") from None
    except ValueError as error:  # numbers of thousands of digits too
        raise InputError(f"{where}: not TOML: {printable(str(error))}") from None


@contextmanager
def beside(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of another once it is whole; a link in that place is replaced.

    What is no file, such as ``/dev/stdout``, is written as it is.

    Raises:
        OSError: it cannot be written; nothing is left, and what was there stays.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    new = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")
    try:
        with new.open("xb") as file:
            yield file
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_beside(path: Path, content: bytes) -> None:
    """Write a whole file, as :func:`beside` does.

    Raises:
        OSError: it cannot be written.
    """
    with beside(path) as file:
        file.write(content)
