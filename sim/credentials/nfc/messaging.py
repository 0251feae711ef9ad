"""Secure messaging: the channel between reader and tag after authentication (NT4H2421Gx, sections 9.1, 9.2).

Both ends hold a :class:`Channel`. A command's MAC covers its code, the count of commands, the transaction and
the body; the answer's covers the status, the next count, the transaction and the body. In full mode the data
are encrypted as well; headers, such as a file's number, are not.
"""

from __future__ import annotations

import hmac
from enum import IntEnum
from typing import Protocol

from stampbench.sim.credentials.aes import (
    BLOCK,
    cmac,
    decrypt_cbc,
    encrypt_block,
    encrypt_cbc,
    padded,
    shortened,
    unpadded,
)
from stampbench.sim.credentials.nfc.lrp import Lrp
from stampbench.sim.credentials.nfc.sdm import MAC_BYTES
from stampbench.sim.credentials.secrets import Secret

_COMMAND, _ANSWER = b"\xa5\x5a", b"\x5a\xa5"
"""Labels that keep the initial vectors of both directions apart."""


class Mode(IntEnum):
    """How a command is protected; the numbers are those of file settings."""

    PLAIN = 0
    MAC = 1
    FULL = 3


class Suite(Protocol):
    """The keys of a session."""

    def mac(self, text: bytes) -> bytes:
        """Return the CMAC of 16 bytes."""

    def encrypt(self, text: bytes, where: bytes) -> bytes:
        """Return whole blocks; ``where`` is direction, transaction and count."""

    def decrypt(self, text: bytes, where: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""


class AesSuite:
    """Session keys in AES mode (section 9.1.7)."""

    def __init__(self, encryption: Secret, mac: Secret) -> None:
        self._encryption, self._mac = encryption, mac

    @classmethod
    def agreed(cls, key: Secret, rnd_a: bytes, rnd_b: bytes) -> AesSuite:
        """Derive the session's keys from the authentication's key and both sides' random numbers."""
        seed = b"\x00\x01\x00\x80" + _mixed(rnd_a, rnd_b)
        return cls(
            Secret(cmac(key.reveal(), _COMMAND + seed)),
            Secret(cmac(key.reveal(), _ANSWER + seed)),
        )

    def mac(self, text: bytes) -> bytes:
        """Return the CMAC of 16 bytes."""
        return cmac(self._mac.reveal(), text)

    def encrypt(self, text: bytes, where: bytes) -> bytes:
        """Return whole blocks; the initial vector is the encrypted ``where``."""
        return encrypt_cbc(self._encryption.reveal(), text, self._iv(where))

    def decrypt(self, text: bytes, where: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""
        return decrypt_cbc(self._encryption.reveal(), text, self._iv(where))

    def _iv(self, where: bytes) -> bytes:
        return encrypt_block(self._encryption.reveal(), where + bytes(BLOCK - len(where)))


class LrpSuite:
    """Session keys in LRP mode (section 9.2.7); blocks are counted over the whole session."""

    def __init__(self, mac: Lrp, encryption: Lrp, blocks: int = 0) -> None:
        self._mac, self._encryption, self._count = mac, encryption, blocks

    @classmethod
    def agreed(cls, key: Secret, rnd_a: bytes, rnd_b: bytes) -> LrpSuite:
        """Derive the session's keys from the authentication's key and both sides' random numbers."""
        master = Secret(Lrp(key).cmac(b"\x00\x01\x00\x80" + _mixed(rnd_a, rnd_b) + b"\x96\x69"))
        return cls(Lrp(master, 0), Lrp(master, 1))

    def mac(self, text: bytes) -> bytes:
        """Return the CMAC of 16 bytes."""
        return self._mac.cmac(text)

    def encrypt(self, text: bytes, where: bytes) -> bytes:
        """Return whole blocks; ``where`` does not matter."""
        return self._encryption.encrypt(text, self._counter(len(text)))

    def decrypt(self, text: bytes, where: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""
        return self._encryption.decrypt(text, self._counter(len(text)))

    def _counter(self, size: int) -> bytes:
        counter = self._count.to_bytes(4, "big")
        self._count += size // BLOCK
        return counter


def _mixed(rnd_a: bytes, rnd_b: bytes) -> bytes:
    """Return both random numbers as the session vectors hold them."""
    crossed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
    return rnd_a[:2] + crossed + rnd_b[6:] + rnd_a[8:]


class Channel:
    """One end of an authenticated session.

    Args:
        suite: its keys.
        transaction: drawn by the tag, 4 bytes.
        commands: done so far.
    """

    def __init__(self, suite: Suite, transaction: bytes, commands: int = 0) -> None:
        self._suite, self._transaction, self.commands = suite, transaction, commands

    def renewed(self, suite: Suite) -> Channel:
        """Return the same transaction and count with other keys (AuthenticateEV2NonFirst)."""
        return Channel(suite, self._transaction, self.commands)

    def wrap(self, ins: int, header: bytes, data: bytes, mode: Mode) -> bytes:
        """Return the body of a command, as the reader sends it."""
        if mode is Mode.PLAIN:
            return header + data
        if mode is Mode.FULL and data:
            data = self._suite.encrypt(padded(data), self._where(_COMMAND, self.commands))
        return header + data + self._short_mac(ins, self.commands, header + data)

    def unwrap(self, ins: int, body: bytes, header_bytes: int, mode: Mode) -> bytes | None:
        """Return header and plain data of a command; None if it is not what was sent."""
        if mode is Mode.PLAIN:
            return body
        text, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
        genuine = hmac.compare_digest(mac, self._short_mac(ins, self.commands, text))
        if not genuine or len(text) < header_bytes:
            return None
        header, data = text[:header_bytes], text[header_bytes:]
        if mode is Mode.FULL and data:
            plain = self._decrypted(data, self._where(_COMMAND, self.commands))
            return None if plain is None else header + plain
        return text

    def wrap_answer(self, status: int, data: bytes, mode: Mode) -> bytes:
        """Return the body of the answer to the command that came last; counts the command."""
        self.commands += 1
        if mode is Mode.PLAIN:
            return data
        if mode is Mode.FULL and data:
            data = self._suite.encrypt(padded(data), self._where(_ANSWER, self.commands))
        return data + self._short_mac(status, self.commands, data)

    def unwrap_answer(self, status: int, body: bytes, mode: Mode) -> bytes | None:
        """Return plain data of an answer, as the reader sees them; None if it is not what was sent."""
        self.commands += 1
        if mode is Mode.PLAIN:
            return body
        data, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
        if not hmac.compare_digest(mac, self._short_mac(status, self.commands, data)):
            return None
        if mode is Mode.FULL and data:
            return self._decrypted(data, self._where(_ANSWER, self.commands))
        return data

    def _decrypted(self, data: bytes, where: bytes) -> bytes | None:
        return unpadded(self._suite.decrypt(data, where)) if len(data) % BLOCK == 0 else None

    def _short_mac(self, code: int, count: int, text: bytes) -> bytes:
        head = bytes([code]) + count.to_bytes(2, "little") + self._transaction
        return shortened(self._suite.mac(head + text))

    def _where(self, direction: bytes, count: int) -> bytes:
        return direction + self._transaction + count.to_bytes(2, "little")

    def __repr__(self) -> str:
        return f"Channel(commands={self.commands})"
