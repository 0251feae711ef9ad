"""The server's side: is this URL what a genuine tag showed at a tap of its own?

The verifier does the same work for every URL of the right form: it decrypts, derives the key of the tag it
finds, makes the MAC, decrypts the file data, and only then looks whether all of it was right. No branch
depends on a decrypted byte, MACs are compared in constant time, and a refusal does not say what was wrong.
Whether the tap was seen before is asked of a :class:`stampbench.sim.credentials.guard.ReplayGuard`, not here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.nfc.diversification import APPLICATION, diversify
from stampbench.sim.credentials.nfc.sdm import (
    UID_AND_COUNTER,
    UID_BYTES,
    Tap,
    decrypt_picc_data,
    session,
    tap_in,
)
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.secrets import Secret

META_READ_KEY, FILE_READ_KEY = 1, 2
"""Numbers of the keys of a stamp's tag: one for all tags, that hides the UID, and one of its own."""


class Refusal(StrEnum):
    """Why a URL is refused; an unknown tag is no reason of its own, lest the verifier name the known ones."""

    MALFORMED = "malformed"
    NOT_GENUINE = "not genuine"


@dataclass(frozen=True, slots=True)
class Genuine:
    """A URL that a genuine tag showed; whether for the first time is another question.

    Attributes:
        tap: whose, and which.
        data: decrypted file data.
    """

    tap: Tap
    data: bytes


class TagKeys:
    """The keys of an issuer's tags, derived from one master key.

    Args:
        master: of the issuer.
        system: identifier of the issuer, 1 to 16 bytes; keys of another issuer differ.
    """

    def __init__(self, master: Secret, system: bytes = b"stampbench") -> None:
        self._master, self._system = master, system

    @property
    def meta_read(self) -> Secret:
        """The key that hides UID and counter: the same for all, for it is needed before the UID is known."""
        return diversify(self._master, bytes(UID_BYTES), APPLICATION + bytes([META_READ_KEY]), self._system)

    def of(self, uid: bytes, number: int) -> Secret:
        """Return one tag's key of this number."""
        return diversify(self._master, uid, APPLICATION + bytes([number]), self._system)

    def file_read(self, uid: bytes) -> Secret:
        """Return the key of one tag's MAC."""
        return self.of(uid, FILE_READ_KEY)

    def __repr__(self) -> str:
        return "TagKeys(***)"


class SunVerifier:
    """Checks URLs of one template.

    Args:
        template: of the URL.
        meta_read: key of PICCData.
        file_read: gives the key of a tag's MAC; it must take the same time for every UID.
        production: False lets keys pass with which chips are delivered, as published examples need.

    Raises:
        InputError: ``meta_read`` is the factory's.
    """

    def __init__(
        self,
        template: UrlTemplate,
        meta_read: Secret,
        file_read: Callable[[bytes], Secret],
        *,
        production: bool = True,
    ) -> None:
        if production and meta_read.is_factory:
            raise InputError("key for PICCData: all zeros, as delivered: expected a key of the issuer")
        self._template, self._meta_read, self._file_read = template, meta_read, file_read
        self._production = production

    def verify(self, url: str) -> Genuine | Refusal:
        """Check one URL."""
        message = self._template.match(url)
        if message is None:
            return Refusal.MALFORMED
        lrp = self._template.lrp
        right_form = True
        if message.tap is None:
            picc_data = decrypt_picc_data(self._meta_read, message.picc or b"", lrp=lrp)
            # Another length of UID gets its MAC made all the same, over bytes without meaning.
            right_form = hmac.compare_digest(picc_data[:1], bytes([UID_AND_COUNTER]))
            tap = tap_in(picc_data)
        else:
            tap = message.tap
        key = self._file_read(tap.uid)
        keys = session(key, tap, lrp=lrp)
        right_mac = hmac.compare_digest(message.mac, keys.mac(message.covered))
        data = keys.decrypt(message.data)
        own_key = not (key.is_factory & self._production)
        return Genuine(tap, data) if right_form & right_mac & own_key else Refusal.NOT_GENUINE
