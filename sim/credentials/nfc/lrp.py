"""The leakage resilient primitive (NXP AN12304), in whose terms a tag may do everything that AES does else.

A pseudo-random function over half-bytes: every half-byte of the input picks one of 16 secret plaintexts, and
the key moves on by encrypting it. LRICB encrypts blocks under a counter; CMAC is that of NIST SP 800-38B with
the function in the place of the cipher.
"""

from __future__ import annotations

from stampbench.sim.credentials.aes import BLOCK, decrypt_block, encrypt_block
from stampbench.sim.credentials.secrets import Secret

_FIRST, _SECOND = b"\x55" * BLOCK, b"\xaa" * BLOCK


class Lrp:
    """The function under one key.

    Args:
        key: whose plaintexts and updated keys are used.
        updated: which of the updated keys, from 0.
    """

    __slots__ = ("_key", "_plaintexts")

    def __init__(self, key: Secret, updated: int = 0) -> None:
        self._plaintexts = _plaintexts(key.reveal())
        self._key = _updated_keys(key.reveal(), updated + 1)[updated]

    def evaluate(self, digits: str, *, final: bool = True) -> bytes:
        """Return the function of half-bytes in hexadecimal (AN12304, algorithm 3), 16 bytes."""
        value = self._key
        for digit in digits:
            value = encrypt_block(value, self._plaintexts[int(digit, 16)])
        return encrypt_block(value, bytes(BLOCK)) if final else value

    def encrypt(self, text: bytes, counter: bytes) -> bytes:
        """Return whole blocks, each under its own counter; the first one is ``counter``, big-endian."""
        keys = self._block_keys(len(text), counter)
        return b"".join(encrypt_block(key, block) for key, block in zip(keys, _blocks(text), strict=True))

    def decrypt(self, text: bytes, counter: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""
        keys = self._block_keys(len(text), counter)
        return b"".join(decrypt_block(key, block) for key, block in zip(keys, _blocks(text), strict=True))

    def cmac(self, message: bytes) -> bytes:
        """Return the CMAC of 16 bytes."""
        first = _doubled(self.evaluate(bytes(BLOCK).hex()))
        whole = bool(message) and len(message) % BLOCK == 0
        mask = first if whole else _doubled(first)
        *blocks, last = _blocks(message if whole else message + b"\x80" + bytes(-(len(message) + 1) % BLOCK))
        value = bytes(BLOCK)
        for block in blocks:
            value = self.evaluate(_xor(value, block).hex())
        return self.evaluate(_xor(_xor(value, last), mask).hex())

    def _block_keys(self, size: int, counter: bytes) -> list[bytes]:
        start, span = int.from_bytes(counter, "big"), 1 << (8 * len(counter))
        return [
            self.evaluate(((start + block) % span).to_bytes(len(counter), "big").hex())
            for block in range(-(-size // BLOCK))
        ]

    def __repr__(self) -> str:
        return "Lrp(***)"


def _plaintexts(key: bytes) -> tuple[bytes, ...]:
    """Evaluate algorithm 1 of AN12304."""
    step, found = encrypt_block(key, _FIRST), []
    for _ in range(16):
        found.append(encrypt_block(step, _SECOND))
        step = encrypt_block(step, _FIRST)
    return tuple(found)


def _updated_keys(key: bytes, count: int) -> list[bytes]:
    """Evaluate algorithm 2 of AN12304."""
    step, found = encrypt_block(key, _SECOND), []
    for _ in range(count):
        found.append(encrypt_block(step, _SECOND))
        step = encrypt_block(step, _FIRST)
    return found


def _blocks(text: bytes) -> list[bytes]:
    return [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]


def _doubled(block: bytes) -> bytes:
    """Multiply by x in GF(2^128) as CMAC's subkeys are, without branching on the block."""
    number = int.from_bytes(block, "big")
    carry = number >> 127
    return ((number << 1 & (1 << 128) - 1) ^ (carry * 0x87)).to_bytes(BLOCK, "big")


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(BLOCK, "big")
