"""Commands to a tag and its answers, as bytes (ISO/IEC 7816-4, short form; NXP NT4H2421Gx, section 8.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ISO, NATIVE = 0x00, 0x90
"""Class bytes: commands of ISO/IEC 7816-4, and the chip's own, wrapped."""


class Status(Enum):
    """Status words, as they end every answer."""

    OK = bytes.fromhex("9100")
    MORE = bytes.fromhex("91AF")
    ILLEGAL_COMMAND = bytes.fromhex("911C")
    INTEGRITY_ERROR = bytes.fromhex("911E")
    NO_SUCH_KEY = bytes.fromhex("9140")
    LENGTH_ERROR = bytes.fromhex("917E")
    PERMISSION_DENIED = bytes.fromhex("919D")
    PARAMETER_ERROR = bytes.fromhex("919E")
    AUTHENTICATION_ERROR = bytes.fromhex("91AE")
    BOUNDARY_ERROR = bytes.fromhex("91BE")
    COMMAND_ABORTED = bytes.fromhex("91CA")
    FILE_NOT_FOUND = bytes.fromhex("91F0")
    ISO_OK = bytes.fromhex("9000")
    ISO_WRONG_LENGTH = bytes.fromhex("6700")
    ISO_SECURITY = bytes.fromhex("6982")
    ISO_NO_FILE_SELECTED = bytes.fromhex("6985")
    ISO_FILE_NOT_FOUND = bytes.fromhex("6A82")
    ISO_WRONG_PARAMETERS = bytes.fromhex("6A86")
    ISO_UNKNOWN_COMMAND = bytes.fromhex("6D00")
    ISO_UNKNOWN_CLASS = bytes.fromhex("6E00")

    @property
    def text(self) -> str:
        """As in a message: the word, and what it means."""
        meaning = self.name.removeprefix("ISO_").replace("_", " ").lower()
        return f"{self.value.hex().upper()} ({meaning})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        cla, ins, p1, p2: its head.
        data: its body.
        expected: bytes of answer asked for; 0: all there are; None: not said.
    """

    cla: int
    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    expected: int | None = 0

    @property
    def encoded(self) -> bytes:
        """The bytes that travel."""
        head = bytes([self.cla, self.ins, self.p1, self.p2])
        body = bytes([len(self.data)]) + self.data if self.data else b""
        return head + body + (b"" if self.expected is None else bytes([self.expected]))


def parse_command(text: bytes) -> Command | None:
    """Return the command in these bytes; None if they are no command in short form."""
    if len(text) < 4:
        return None
    head, rest = text[:4], text[4:]
    if len(rest) <= 1:
        return Command(
            cla=head[0], ins=head[1], p1=head[2], p2=head[3], data=b"", expected=rest[0] if rest else None
        )
    length, body = rest[0], rest[1:]
    if length == 0 or len(body) not in (length, length + 1):
        return None
    expected = body[length] if len(body) > length else None
    return Command(cla=head[0], ins=head[1], p1=head[2], p2=head[3], data=body[:length], expected=expected)
