"""Eddystone-EID: how a rotating identifier is computed.

Source: google/eddystone, ``eddystone-eid/eid-computation.md``.
"""

from __future__ import annotations

import hmac

from stampbench.sim.credentials.aes import encrypt_block
from stampbench.sim.credentials.secrets import Secret

IDENTIFIER_BYTES = 8
LARGEST_EXPONENT = 15
CLOCK_SPAN_S = 1 << 32
"""A beacon's clock counts seconds in 32 bits."""


def temporary_key(identity_key: Secret, clock_s: int) -> Secret:
    """Return the key of the 65,536 s in which the beacon's clock says so."""
    block = bytes(11) + b"\xff" + bytes(2) + (clock_s >> 16 & 0xFFFF).to_bytes(2, "big")
    return Secret(encrypt_block(identity_key.reveal(), block))


def identifier(identity_key: Secret, exponent: int, clock_s: int) -> bytes:
    """Return the identifier, 8 bytes, of one window of 2**exponent seconds of the beacon's clock."""
    start = (clock_s >> exponent << exponent) % CLOCK_SPAN_S
    block = bytes(11) + bytes([exponent]) + start.to_bytes(4, "big")
    return encrypt_block(temporary_key(identity_key, start).reveal(), block)[:IDENTIFIER_BYTES]


def identifiers(identity_key: Secret, exponent: int, first: int, last: int) -> list[bytes]:
    """Return the identifiers of windows ``first`` to ``last``, both included; quick for many."""
    per_key = 1 << 16 - exponent
    found = []
    window = first
    while window <= last:
        end = min(last + 1, (window // per_key + 1) * per_key)
        starts = [(number << exponent) % CLOCK_SPAN_S for number in range(window, end)]
        blocks = b"".join(bytes(11) + bytes([exponent]) + start.to_bytes(4, "big") for start in starts)
        texts = encrypt_block(temporary_key(identity_key, starts[0]).reveal(), blocks)
        found += [texts[place : place + IDENTIFIER_BYTES] for place in range(0, len(texts), 16)]
        window = end
    return found


def window_of(heard: bytes, identity_key: Secret, exponent: int, first: int, last: int) -> int | None:
    """Return the window from ``first`` to ``last`` whose identifier was heard, or None.

    All of them are computed and compared in constant time, whichever it is.
    """
    found, first = None, max(0, first)
    for place, right in enumerate(identifiers(identity_key, exponent, first, last)):
        if hmac.compare_digest(right, heard):
            found = first + place
    return found
