"""Eddystone-EID: how a rotating identifier is computed, and how beacon and resolver agree on its key.

Source: google/eddystone, ``eddystone-eid/eid-computation.md``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.aes import encrypt_block
from stampbench.sim.credentials.secrets import AES_KEY_BYTES, Secret

IDENTIFIER_BYTES = 8
LARGEST_EXPONENT = 15
CLOCK_SPAN_S = 1 << 32
"""A beacon's clock counts seconds in 32 bits."""


def temporary_key(identity_key: Secret, clock_s: int) -> Secret:
    """The key of the 65,536 s in which the beacon's clock says so."""
    block = bytes(11) + b"\xff" + bytes(2) + (clock_s >> 16 & 0xFFFF).to_bytes(2, "big")
    return Secret(encrypt_block(identity_key.reveal(), block))


def identifier(identity_key: Secret, exponent: int, clock_s: int) -> bytes:
    """The identifier, 8 bytes, while the beacon's clock stands in one window of 2**exponent seconds."""
    start = (clock_s >> exponent << exponent) % CLOCK_SPAN_S
    block = bytes(11) + bytes([exponent]) + start.to_bytes(4, "big")
    return encrypt_block(temporary_key(identity_key, start).reveal(), block)[:IDENTIFIER_BYTES]


def identifiers(identity_key: Secret, exponent: int, first: int, last: int) -> list[bytes]:
    """The identifiers of windows ``first`` to ``last``, both included; quick for many."""
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
    """The window from ``first`` to ``last`` whose identifier was heard, or None.

    All of them are computed and compared in constant time, whichever it is.
    """
    found, first = None, max(0, first)
    for place, right in enumerate(identifiers(identity_key, exponent, first, last)):
        if hmac.compare_digest(right, heard):
            found = first + place
    return found


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One side's keys for the agreement (X25519)."""

    private: Secret
    public: bytes

    @classmethod
    def from_private(cls, private: bytes) -> KeyPair:
        """The pair of a private key of 32 bytes."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        key = X25519PrivateKey.from_private_bytes(private)
        return cls(Secret(private, 32), key.public_key().public_bytes_raw())


def agreed_key(own: KeyPair, other_public: bytes, *, resolver_public: bytes, beacon_public: bytes) -> Secret:
    """The identity key, the same on both sides: HKDF-SHA256 of the shared secret.

    Args:
        own: pair of this side.
        other_public: public key of the other side.
        resolver_public: first part of the salt.
        beacon_public: second part of the salt.

    Raises:
        InputError: the other side's key makes the shared secret zero, or is not 32 bytes.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    try:
        public = X25519PublicKey.from_public_bytes(other_public)
        shared = X25519PrivateKey.from_private_bytes(own.private.reveal()).exchange(public)
    except ValueError:
        raise InputError(
            f"public key {other_public.hex()}: expected 32 bytes that make a shared secret other than zero"
        ) from None
    derive = HKDF(SHA256(), length=AES_KEY_BYTES, salt=resolver_public + beacon_public, info=b"")
    return Secret(derive.derive(shared))
