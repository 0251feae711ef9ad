"""Secure dynamic messaging: the cryptography of what an NTAG 424 DNA writes into its URL at every tap.

Tag and verifier share this module, in AES mode (NXP NT4H2421Gx, section 9.3; AN12196) and in LRP mode
(AN12304, AN12321). Both kinds of session are made from the key and the tap, that is UID and read counter, and
do the same two things: they encrypt file data, and make the MAC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stampbench.sim.credentials.aes import BLOCK, cmac, decrypt_cbc, encrypt_block, encrypt_cbc, shortened
from stampbench.sim.credentials.nfc.lrp import Lrp
from stampbench.sim.credentials.secrets import Secret

UID_BYTES = 7
COUNTER_BYTES = 3
LARGEST_COUNTER = (1 << 8 * COUNTER_BYTES) - 1
MAC_BYTES = 8
UID_AND_COUNTER = 0xC7
"""PICCDataTag: UID mirrored, counter mirrored, UID of 7 bytes."""
LRP_RANDOM_BYTES = 8
"""What an LRP tag draws for each PICCData; it travels in front of them."""
FILLING_BYTES = BLOCK - 1 - UID_BYTES - COUNTER_BYTES


@dataclass(frozen=True, slots=True)
class Tap:
    """One tap of one tag.

    Attributes:
        uid: of the tag, 7 bytes.
        counter: taps of this tag so far, this one included; 24 bits.
    """

    uid: bytes
    counter: int

    @property
    def encoded(self) -> bytes:
        """UID and counter as PICCData and session vectors hold them: the counter little-endian."""
        return self.uid + self.counter.to_bytes(COUNTER_BYTES, "little")


class SdmSession(Protocol):
    """The keys of one tap."""

    def mac(self, text: bytes) -> bytes:
        """Return SDMMAC of the dynamic part of the URL, 8 bytes."""

    def encrypt(self, data: bytes) -> bytes:
        """Return SDMENCFileData: whole blocks of file data."""

    def decrypt(self, text: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""


class AesSession:
    """Keys of one tap in AES mode (NT4H2421Gx, section 9.3.9.1)."""

    def __init__(self, key: Secret, tap: Tap) -> None:
        self._encryption = Secret(cmac(key.reveal(), b"\xc3\x3c\x00\x01\x00\x80" + tap.encoded))
        self._mac = Secret(cmac(key.reveal(), b"\x3c\xc3\x00\x01\x00\x80" + tap.encoded))
        counter = tap.counter.to_bytes(COUNTER_BYTES, "little")
        self._iv = encrypt_block(self._encryption.reveal(), counter + bytes(BLOCK - COUNTER_BYTES))

    def mac(self, text: bytes) -> bytes:
        """Return SDMMAC of the dynamic part of the URL, 8 bytes."""
        return shortened(cmac(self._mac.reveal(), text))

    def encrypt(self, data: bytes) -> bytes:
        """Return SDMENCFileData: whole blocks of file data."""
        return encrypt_cbc(self._encryption.reveal(), data, self._iv)

    def decrypt(self, text: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""
        return decrypt_cbc(self._encryption.reveal(), text, self._iv)


class LrpSession:
    """Keys of one tap in LRP mode (NT4H2421Gx, section 9.3.9.2)."""

    def __init__(self, key: Secret, tap: Tap) -> None:
        vector = b"\x00\x01\x00\x80" + tap.encoded
        vector += bytes(-(len(vector) + 2) % BLOCK) + b"\x1e\xe1"
        master = Secret(Lrp(key).cmac(vector))
        self._mac, self._encryption = Lrp(master, 0), Lrp(master, 1)
        self._counter = tap.counter.to_bytes(COUNTER_BYTES, "little") + bytes(3)

    def mac(self, text: bytes) -> bytes:
        """Return SDMMAC of the dynamic part of the URL, 8 bytes."""
        return shortened(self._mac.cmac(text))

    def encrypt(self, data: bytes) -> bytes:
        """Return SDMENCFileData: whole blocks of file data."""
        return self._encryption.encrypt(data, self._counter)

    def decrypt(self, text: bytes) -> bytes:
        """Return the inverse of :meth:`encrypt`."""
        return self._encryption.decrypt(text, self._counter)


def session(key: Secret, tap: Tap, *, lrp: bool) -> SdmSession:
    """Return the session of a tap in the mode of its tag."""
    return LrpSession(key, tap) if lrp else AesSession(key, tap)


def picc_data_bytes(*, lrp: bool) -> int:
    """Return the length of encrypted PICCData."""
    return BLOCK + (LRP_RANDOM_BYTES if lrp else 0)


def encrypt_picc_data(key: Secret, tap: Tap, random: bytes, *, lrp: bool) -> bytes:
    """Return PICCData as the tag mirrors them.

    Args:
        key: SDMMetaReadKey.
        tap: which tap.
        random: fresh, 5 bytes; in LRP mode 8 bytes more in front.
        lrp: mode of the tag.
    """
    filling = random[-FILLING_BYTES:]
    plain = bytes([UID_AND_COUNTER]) + tap.encoded + filling
    if not lrp:
        return encrypt_cbc(key.reveal(), plain)
    prefix = random[:LRP_RANDOM_BYTES]
    return prefix + Lrp(key).encrypt(plain, prefix)


def decrypt_picc_data(key: Secret, text: bytes, *, lrp: bool) -> bytes:
    """Return the 16 bytes of PICCData, whatever they say.

    With a wrong key or altered text they are noise: see :func:`tap_in` for what may be believed of them.
    """
    if not lrp:
        return decrypt_cbc(key.reveal(), text)
    return Lrp(key).decrypt(text[LRP_RANDOM_BYTES:], text[:LRP_RANDOM_BYTES])


def tap_in(picc_data: bytes) -> Tap:
    """Return where PICCData of tag C7 hold UID and counter; of other tags these bytes mean nothing."""
    start = 1 + UID_BYTES
    counter = int.from_bytes(picc_data[start : start + COUNTER_BYTES], "little")
    return Tap(picc_data[1:start], counter)
