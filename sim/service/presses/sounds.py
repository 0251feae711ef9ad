"""Challenges of the service, which a stamp answers by sound, or its tag through the phone, once.

A challenge is not stored: when it was given is in it; its MAC says that it is ours, and for which merchant.
It is good for half a minute, and for one press.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.nfc.challenge import TagAnswer, TagChallenger
from stampbench.sim.credentials.secrets import Secret
from stampbench.sim.credentials.sound.token import (
    EARLY_S,
    KEY_BYTES,
    LATE_S,
    SoundToken,
    window_at,
    window_of,
)
from stampbench.sim.service.clock import SECOND_US
from stampbench.sim.service.presses.credentials import (
    ANYBODY,
    MALFORMED,
    NOT_GENUINE,
    OUT_OF_TIME,
    SUN,
    Checked,
    Claim,
    pair,
    spend,
    tag_keys,
)
from stampbench.sim.service.problems import MalformedError
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.tables.presses import StampCredential

if TYPE_CHECKING:
    from stampbench.sim.service.service import Service

SOUND: Final = "sound"
_NUMBER_BYTES: Final = 8
_MAC_BYTES: Final = 16
_BYTES: Final = 2 * _NUMBER_BYTES + _MAC_BYTES


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a stamp is asked.

    Attributes:
        at_us: when it was given.
        number: drawn at random, 64 bits with sign.
        mac: of the service that gave it, for one merchant.
    """

    at_us: int
    number: int
    mac: bytes

    @property
    def nonce(self) -> bytes:
        """What the stamp signs."""
        return _numbers(self.at_us, self.number) + self.mac

    @property
    def text(self) -> str:
        """As it travels, in hexadecimal."""
        return self.nonce.hex()


def new_challenge(secret: bytes, merchant_id: int, now_us: int) -> Challenge:
    """Return a challenge for a press at one merchant."""
    number = int.from_bytes(secrets.token_bytes(_NUMBER_BYTES), "big", signed=True)
    return Challenge(now_us, number, _mac(secret, merchant_id, now_us, number))


def read_challenge(secret: bytes, merchant_id: int, text: str) -> Challenge | None:
    """Return the challenge of a text, whenever it was given; None if not here, for this merchant."""
    try:
        content = bytes.fromhex(text)
    except ValueError:
        return None
    if len(content) != _BYTES:
        return None
    at_us, number = (
        int.from_bytes(content[at : at + _NUMBER_BYTES], "big", signed=True) for at in (0, _NUMBER_BYTES)
    )
    found = Challenge(at_us, number, content[2 * _NUMBER_BYTES :])
    return found if hmac.compare_digest(found.mac, _mac(secret, merchant_id, at_us, number)) else None


def sound_key(secret: bytes, stamp: str) -> Secret:
    """Return the key of a stamp that sounds, by its id in hexadecimal."""
    return Secret(hmac.digest(secret, f"sound-key:{stamp}".encode(), "sha256"), KEY_BYTES)


class SoundCheck:
    """Checks what a stamp sounded: it answers a challenge of ours, and each challenge is answered once."""

    def __init__(self, secret: bytes, rules: Rules) -> None:
        self._secret, self._rules = secret, rules

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check ``values["token"]`` (hexadecimal) against ``values["challenge"]``."""
        token = _parsed(values.get("token", ""))
        if token is None:
            return Checked(False, MALFORMED)
        challenge = read_challenge(self._secret, claim.merchant_id, values.get("challenge", ""))
        if challenge is None:
            return Checked(False, NOT_GENUINE)
        if not is_in_time(challenge, self._rules, claim.now_us):
            return Checked(False, OUT_OF_TIME)
        right = is_answer(self._secret, challenge, token, claim.now_s)
        return (
            _answered(connection, claim, challenge, SOUND, token.stamp.hex())
            if right
            else Checked(False, NOT_GENUINE)
        )


def _answered(connection: sa.Connection, claim: Claim, challenge: Challenge, kind: str, name: str) -> Checked:
    """Spend a challenge that a credential of the claimed stamp answered; another stamp's proves nothing."""
    mine = connection.execute(
        sa.select(StampCredential.id).where(
            StampCredential.stamp_id == claim.stamp_id,
            StampCredential.kind == kind,
            StampCredential.name == name,
        )
    ).scalar_one_or_none()
    if mine is None:
        return Checked(False, NOT_GENUINE)
    return spend(connection, mine, challenge.number, ANYBODY, claim.now_us)


class TagCheck:
    """Checks what a tag answered to a challenge of ours; each challenge is answered once."""

    def __init__(self, secret: bytes, rules: Rules) -> None:
        self._secret, self._rules = secret, rules
        self._challenger = tag_challenger(secret)

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check ``values["answer"]`` against ``values["challenge"]``."""
        answer = TagAnswer.parse(values.get("answer", ""))
        if answer is None:
            return Checked(False, MALFORMED)
        challenge = read_challenge(self._secret, claim.merchant_id, values.get("challenge", ""))
        if challenge is None:
            return Checked(False, NOT_GENUINE)
        if not is_in_time(challenge, self._rules, claim.now_us):
            return Checked(False, OUT_OF_TIME)
        right = self._challenger.is_answer(challenge.nonce, answer)
        return (
            _answered(connection, claim, challenge, SUN, answer.uid.hex())
            if right
            else Checked(False, NOT_GENUINE)
        )


def tag_challenger(secret: bytes) -> TagChallenger:
    """Return the server's half of a tag's challenge."""
    return TagChallenger(tag_keys(secret), hmac.digest(secret, b"tag-challenge", "sha256"))


def tag_command(service: Service, merchant_id: int, challenge: str, uid: str, first: str) -> str:
    """Return what a phone tells a tag after its first answer, in hexadecimal.

    Raises:
        MalformedError: the challenge is not ours or too old, or the answer has another length.
    """
    secret = service.settings.secret
    asked = read_challenge(secret, merchant_id, challenge)
    if asked is None or not is_in_time(asked, service.rules, service.clock.now_us()):
        raise MalformedError("challenge", "challenge: expected one of ours, of the last half minute")
    try:
        return tag_challenger(secret).command(bytes.fromhex(uid), asked.nonce, bytes.fromhex(first)).hex()
    except ProtocolError as error:
        raise MalformedError("first", f"first: {error}") from None


def is_in_time(challenge: Challenge, rules: Rules, now_us: int) -> bool:
    """Return whether a challenge may be answered now; other workers' clocks may be a little ahead."""
    age_s = (now_us - challenge.at_us) / SECOND_US
    return -EARLY_S <= age_s <= rules.challenge_seconds


def is_answer(secret: bytes, challenge: Challenge, token: SoundToken, now_s: float) -> bool:
    """Return whether a token answers a challenge; the stamp's clock may be 15 s slow and 2 s fast."""
    first, last = window_at(challenge.at_us / SECOND_US - LATE_S), window_at(now_s + EARLY_S)
    key = sound_key(secret, token.stamp.hex())
    return window_of(token, key, first, last, (challenge.nonce,)) is not None


def pair_sound(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    *,
    challenge: str,
    token: str,
) -> int:
    """Let a stamp that sounds prove itself by this; the answer to a challenge says which it is.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it belongs to one already.
        MalformedError: the token does not answer the challenge, or not in time.
    """
    secret, rules, now_us = service.settings.secret, service.rules, service.clock.now_us()
    asked, answer = read_challenge(secret, merchant_id, challenge), _parsed(token)
    if (
        asked is None
        or answer is None
        or not is_in_time(asked, rules, now_us)
        or not is_answer(secret, asked, answer, now_us / SECOND_US)
    ):
        raise MalformedError(
            "token",
            f"token: expected a stamp's answer to a challenge of the last {rules.challenge_seconds} s",
        )
    return pair(connection, merchant_id, stamp_id, SOUND, answer.stamp.hex())


def _parsed(text: str) -> SoundToken | None:
    try:
        return SoundToken.parse(bytes.fromhex(text))
    except (ValueError, ProtocolError):
        return None


def _numbers(at_us: int, number: int) -> bytes:
    return b"".join(value.to_bytes(_NUMBER_BYTES, "big", signed=True) for value in (at_us, number))


def _mac(secret: bytes, merchant_id: int, at_us: int, number: int) -> bytes:
    text = f"challenge:{merchant_id}:".encode() + _numbers(at_us, number)
    return hmac.digest(secret, text, "sha256")[:_MAC_BYTES]
