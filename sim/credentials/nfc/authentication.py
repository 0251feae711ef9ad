"""Mutual authentication: both sides show that they know a key, and agree on those of a session.

In AES mode the proof is to decrypt the other side's random number and to encrypt it again, turned by one byte
(NT4H2421Gx, section 9.1.5); in LRP mode it is a MAC over both random numbers (section 9.2.5, AN12321).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from stampbench.sim.credentials.aes import BLOCK, decrypt_cbc, encrypt_cbc
from stampbench.sim.credentials.nfc.messaging import AesSuite, Channel, LrpSuite
from stampbench.sim.credentials.secrets import Secret

TRANSACTION_BYTES = 4
CAPABILITIES_BYTES = 6
LRP_CAPABILITY = b"\x02" + bytes(CAPABILITIES_BYTES - 1)
"""PDcap2 and PCDcap2 of a tag and a reader that speak LRP."""
LRP_MARK = b"\x01"
"""First byte of an LRP tag's challenge."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the tag remembers between the two halves.

    Attributes:
        number: of the key.
        rnd_b: the tag's random number.
        first: False: the session goes on with other keys.
    """

    number: int
    rnd_b: bytes
    first: bool


def challenge_text(key: Secret, rnd_b: bytes, *, lrp: bool) -> bytes:
    """Return the first answer of the tag."""
    return LRP_MARK + rnd_b if lrp else encrypt_cbc(key.reveal(), rnd_b)


def challenge_in(key: Secret, text: bytes, *, lrp: bool) -> bytes | None:
    """Return the tag's random number, as the reader finds it; None if the answer has another length."""
    if len(text) != BLOCK + lrp:
        return None
    return text[1:] if lrp else decrypt_cbc(key.reveal(), text)


def answer_text(key: Secret, rnd_a: bytes, rnd_b: bytes, *, lrp: bool) -> bytes:
    """Return the second command of the reader."""
    if lrp:
        return rnd_a + LrpSuite.agreed(key, rnd_a, rnd_b).mac(rnd_a + rnd_b)
    return encrypt_cbc(key.reveal(), rnd_a + _turned(rnd_b))


def accept(
    key: Secret, challenge: Challenge, text: bytes, transaction: bytes, before: Channel | None, *, lrp: bool
) -> tuple[Channel, bytes] | None:
    """Return the tag's channel and its second answer, or None if the reader does not know the key.

    Args:
        key: of the challenge.
        challenge: what the tag said.
        text: what the reader said.
        transaction: drawn for a first authentication, 4 bytes.
        before: the channel that goes on, if the challenge was not the first.
        lrp: mode of the tag.
    """
    if len(text) != 2 * BLOCK:
        return None
    plain = text if lrp else decrypt_cbc(key.reveal(), text)
    rnd_a, proof = plain[:BLOCK], plain[BLOCK:]
    if lrp:
        suite = LrpSuite.agreed(key, rnd_a, challenge.rnd_b)
        if not hmac.compare_digest(proof, suite.mac(rnd_a + challenge.rnd_b)):
            return None
        data = b""
        if challenge.first:
            data = suite.encrypt(transaction + LRP_CAPABILITY + LRP_CAPABILITY, b"")
        proven = data + suite.mac(challenge.rnd_b + rnd_a + data)
        return _channel(suite, transaction, before), proven
    if not hmac.compare_digest(proof, _turned(challenge.rnd_b)):
        return None
    shown = _turned(rnd_a)
    if challenge.first:
        shown = transaction + shown + bytes(2 * CAPABILITIES_BYTES)
    agreed = AesSuite.agreed(key, rnd_a, challenge.rnd_b)
    return _channel(agreed, transaction, before), encrypt_cbc(key.reveal(), shown)


def conclude(
    key: Secret, rnd_a: bytes, rnd_b: bytes, text: bytes, before: Channel | None, *, lrp: bool
) -> Channel | None:
    """Return the reader's channel, or None if the tag does not know the key.

    Args:
        key: of the challenge.
        rnd_a: the reader's random number.
        rnd_b: the tag's.
        text: second answer of the tag.
        before: the channel that goes on; None for a first authentication.
        lrp: mode of the tag.
    """
    if lrp:
        suite = LrpSuite.agreed(key, rnd_a, rnd_b)
        data, proof = text[:-BLOCK], text[-BLOCK:]
        if len(data) != (0 if before else BLOCK):
            return None
        if not hmac.compare_digest(proof, suite.mac(rnd_b + rnd_a + data)):
            return None
        opened = suite.decrypt(data, b"") if data else b""
        return _channel(suite, opened[:TRANSACTION_BYTES], before)
    if len(text) != (BLOCK if before else 2 * BLOCK):
        return None
    plain = decrypt_cbc(key.reveal(), text)
    start = 0 if before else TRANSACTION_BYTES
    if not hmac.compare_digest(plain[start : start + BLOCK], _turned(rnd_a)):
        return None
    return _channel(AesSuite.agreed(key, rnd_a, rnd_b), plain[:start], before)


def _channel(suite: AesSuite | LrpSuite, transaction: bytes, before: Channel | None) -> Channel:
    return Channel(suite, transaction) if before is None else before.renewed(suite)


def _turned(random: bytes) -> bytes:
    return random[1:] + random[:1]
