"""Nearly right firmware is told what is not."""

from __future__ import annotations

import zlib

import pytest
from cobs import cobs
from stampbench.bench.rig.hints import hint

BODIES = [bytes([1, 2, n, 0, 0, 0, 0, 0, 0, 0, 7, 0xC0, 0xDB, n]) for n in range(4)]


def crc32(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "little")


def slip(packet: bytes) -> bytes:
    return b"\xc0" + packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def coded(bodies: list[bytes]) -> bytes:
    return b"".join(cobs.encode(body) + b"\0" for body in bodies)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (coded([b + crc32(b)[::-1] for b in BODIES]), "4 packets: COBS fits, CRC fits byte-swapped"),
        (coded([b + bytes(x ^ 0xFF for x in crc32(b)) for b in BODIES]), "without its final inversion"),
        (coded([b"\2" + b[1:] + crc32(b"\2" + b[1:]) for b in BODIES]), "4 packets: of version 2"),
        (b"".join(slip(b + crc32(b)) for b in BODIES), "4 packets: SLIP framing"),
        (b"\x11" * 300, "no 00 in 300 bytes"),
        (b"", "nothing was sent"),
        (bytes(range(256)), ""),
    ],
)
def test_what_is_nearly_right_is_named(heard: bytes, said: str) -> None:
    assert said in hint(heard)
    assert bool(said) == bool(hint(heard))


def test_a_crc_of_16_bits_is_named() -> None:
    bodies = [b + bytes.fromhex(crc) for b, crc in [(b"123456789" * 2, "d92e"), (b"123456789ab123", "0000")]]
    assert hint(coded([*bodies[1:]])) == ""
    # CRC-16-CCITT (start FFFF) of "123456789" is 29B1.
    body = bytes(5) + b"123456789"
    from stampbench.bench.rig.hints import _crc16

    assert _crc16(b"123456789", 0x1021, 0xFFFF, reflected=False) == 0x29B1
    right = _crc16(body, 0x1021, 0xFFFF, reflected=False).to_bytes(2, "little")
    assert "CRC-16-CCITT of 16 bits fits" in hint(coded([body + right]))
