"""AES-128 in the three ways that the stamps need: single blocks, CBC without padding, and CMAC.

The cipher is that of the Python package ``cryptography``; it takes the same time for every key and text.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
"""Bytes of a block."""


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """Encrypt one block, or several that do not depend on each other (ECB)."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def decrypt_block(key: bytes, block: bytes) -> bytes:
    """Return the inverse of :func:`encrypt_block`."""
    return Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(block)


def encrypt_cbc(key: bytes, text: bytes, iv: bytes = bytes(BLOCK)) -> bytes:
    """Encrypt whole blocks, chained."""
    return Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(text)


def decrypt_cbc(key: bytes, text: bytes, iv: bytes = bytes(BLOCK)) -> bytes:
    """Return the inverse of :func:`encrypt_cbc`."""
    return Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor().update(text)


def cmac(key: bytes, message: bytes) -> bytes:
    """Return the CMAC of 16 bytes (NIST SP 800-38B, RFC 4493)."""
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def shortened(mac: bytes) -> bytes:
    """Return the 8 bytes of a CMAC that travel: every second one, from the second (NXP AN12196, MACt)."""
    return mac[1::2]


def padded(text: bytes) -> bytes:
    """Return the text with 80 and zeros up to whole blocks (ISO/IEC 9797-1, method 2)."""
    return text + b"\x80" + bytes(-(len(text) + 1) % BLOCK)


def unpadded(text: bytes) -> bytes | None:
    """Return the inverse of :func:`padded`; None if the padding is not one."""
    body, mark, rest = text.rpartition(b"\x80")
    return body if mark and not rest.strip(b"\x00") and len(rest) < BLOCK else None
