"""What a port seems to speak instead of the link, so that firmware nearly right learns what is not."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

from cobs import cobs
from stampbench.firmware_emulator.link.packets import PROTOCOL_VERSION

HEARD_BYTES: Final = 1 << 14
"""So much of what a port sends is looked at."""
_SLIP_END, _SLIP_ESCAPED = b"\xc0", ((b"\xdb\xdc", b"\xc0"), (b"\xdb\xdd", b"\xdb"))
_SHORTEST: Final = 14
_CRC16_POLYNOMIALS: Final = {0x1021: "CRC-16-CCITT", 0x8005: "CRC-16-IBM"}
_ENOUGH: Final = 64


def hint(heard: bytes) -> str:
    """Return what the bytes seem to be, with what would be right; empty if nothing is like them.

    >>> hint(b"hello" * 100)
    'no 00 in 500 bytes: expected one behind each packet [P2], or is the baud rate wrong?'
    """
    if not heard:
        return "nothing was sent: is it switched on, and is it this port?"
    if 0 not in heard and heard.count(_SLIP_END) < 2:
        if len(heard) < _ENOUGH:
            return ""
        return (
            f"no 00 in {len(heard)} bytes: expected one behind each packet [P2], or is the baud rate wrong?"
        )
    found = Counter(filter(None, map(_coded, _pieces(heard, b"\0"))))
    if not found:
        found = Counter(filter(None, map(_uncoded, _pieces(heard, b"\0"))))
    if not found and heard.count(_SLIP_END) >= 2:
        found = Counter(filter(None, map(_slip, _pieces(heard, _SLIP_END))))
    if not found:
        return ""
    said, count = found.most_common(1)[0]
    return f"{count} packets: {said}"


def _pieces(heard: bytes, end: bytes) -> list[bytes]:
    return [piece for piece in heard.split(end) if len(piece) >= _SHORTEST - 2]


def _coded(piece: bytes) -> str:
    try:
        body = bytes(cobs.decode(piece))  # type: ignore[no-untyped-call]
    except cobs.DecodeError:
        return ""
    crc = _crc_of(body)
    if crc == "right" and body[0] != PROTOCOL_VERSION:
        return f"of version {body[0]}, expected version {PROTOCOL_VERSION} in the first byte [P5]"
    if not crc or crc == "right":
        return ""
    return f"COBS fits, {crc} [P1]"


def _uncoded(piece: bytes) -> str:
    fits = _crc_of(piece) == "right"
    return "not coded, the CRC fits: expected COBS, which leaves no 00 inside [P2]" if fits else ""


def _slip(piece: bytes) -> str:
    for escaped, plain in _SLIP_ESCAPED:
        piece = piece.replace(escaped, plain)
    crc = _crc_of(piece)
    return f"SLIP framing, expected COBS and a 00 behind each packet [P2]; the CRC is {crc}" if crc else ""


def _crc_of(body: bytes) -> str:
    """Return which CRC a packet ends with: "right", or what it is and what would be right; empty if none."""
    if len(body) < _SHORTEST - 2:
        return ""
    covered, crc = body[:-4], body[-4:]
    right = zlib.crc32(covered)
    if int.from_bytes(crc, "little") == right:
        return "right"
    if int.from_bytes(crc, "big") == right:
        return "CRC fits byte-swapped: expected it little endian"
    if int.from_bytes(crc, "little") == right ^ 0xFFFFFFFF:
        return "CRC fits without its final inversion: expected it inverted"
    for polynomial, name in _CRC16_POLYNOMIALS.items():
        for start in (0x0000, 0xFFFF):
            for reflected in (False, True):
                crc16 = _crc16(body[:-2], polynomial, start, reflected=reflected)
                if body[-2:] in (crc16.to_bytes(2, "little"), crc16.to_bytes(2, "big")):
                    return f"{name} of 16 bits fits: expected CRC-32 in four bytes"
    return ""


def _crc16(data: bytes, polynomial: int, start: int, *, reflected: bool) -> int:
    crc = start
    for byte in data:
        crc ^= (int(f"{byte:08b}"[::-1], 2) if reflected else byte) << 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc & 0x8000 else 0)) & 0xFFFF
    return int(f"{crc:016b}"[::-1], 2) if reflected else crc
