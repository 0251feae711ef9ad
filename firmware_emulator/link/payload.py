"""Fields of a payload: packed with a check of their range, read with a check of the length.

``what`` names the message in the error: InputError for a value that does not fit, ProtocolError for bytes
that do not follow the layout.
"""

from __future__ import annotations

import struct

from stampbench.firmware_emulator.errors import InputError, ProtocolError


def pack_fields(layout: struct.Struct, what: str, *values: int) -> bytes:
    """Return numbers packed by ``layout``."""
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise InputError(f"{what}: {values} do not fit the link: {error}") from None


def pack_text(what: str, text: str) -> bytes:
    """Return text as its length in bytes, u8, and its UTF-8."""
    data = text.encode()
    if len(data) > 255:
        raise InputError(f"{what}: {text[:40]!r}... takes {len(data)} bytes of UTF-8, at most 255 fit")
    return bytes([len(data)]) + data


def split_fields(layout: struct.Struct, what: str, payload: bytes) -> tuple[tuple[int, ...], bytes]:
    """Return the numbers at the start of ``payload``, and the rest."""
    if len(payload) < layout.size:
        raise ProtocolError(f"{what}: {len(payload)} bytes, at least {layout.size} are needed")
    return layout.unpack_from(payload), payload[layout.size :]


def unpack_fields(layout: struct.Struct, what: str, payload: bytes) -> tuple[int, ...]:
    """Return the numbers that ``payload`` consists of."""
    if len(payload) != layout.size:
        raise ProtocolError(f"{what}: {len(payload)} bytes, must be {layout.size}")
    return layout.unpack(payload)


def split_text(what: str, payload: bytes) -> tuple[str, bytes]:
    """Return the text at the start of ``payload``, written as :func:`pack_text` does, and the rest."""
    length = payload[0] if payload else 0
    if len(payload) < 1 + length:
        raise ProtocolError(f"{what}: text of {length} bytes, only {max(0, len(payload) - 1)} are there")
    return unpack_text(what, payload[1 : 1 + length]), payload[1 + length :]


def unpack_text(what: str, data: bytes) -> str:
    """Return the text that ``data`` is the UTF-8 of."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{what}: text {data[:40].hex()} is not UTF-8: {error.reason}") from None
