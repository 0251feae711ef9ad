"""One shop as a tester sees it: hardened stamps that present themselves, rightly or spoilt, and a desk.

shop = Shop(np.random.default_rng(1), now_s=0.0)
stamp = shop.new_stamp("counter", code=20406)
shown = stamp.present(Factor.NFC, 10.0, nonce=b"of this session")
evidence = Evidence("anna", 11.0, Touch(20406, 10.0), shown, b"of this session")
shop.desk.decide(Action.REDEEM, evidence)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.sim.credentials.aes import BLOCK
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S, BeaconClock, EidBeacon
from stampbench.sim.credentials.ble.factor import BleFactor, beacon_credential
from stampbench.sim.credentials.ble.resolver import Resolver
from stampbench.sim.credentials.guard import MemoryGuard, ReplayGuard
from stampbench.sim.credentials.nfc.challenge import PRESENCE_KEY, TagAnswer, TagChallenger
from stampbench.sim.credentials.nfc.factor import NfcFactor, credential_of
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.tag import Tag
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.nfc.verifier import SunVerifier, TagKeys
from stampbench.sim.credentials.policy import DEFAULT_POLICY, Action, Desk, Requirement
from stampbench.sim.credentials.press import Factor, Presented, SecondFactor, StampBook
from stampbench.sim.credentials.secrets import Secret

TEMPLATE = UrlTemplate("https://stamp.example/s?e={picc}&c={mac}")
EXPONENT = 6
"""Beacons of the shop rotate every 64 s."""
RELAY_DELAY_S, RECORDING_AGE_S, CLOCK_OFFSET_S = 60.0, 3600.0, 7200.0
_NEAR_DBM = -50


class Spoil(StrEnum):
    """What a tester may do to a second factor."""

    NONE = "none"
    REPLAYED = "replayed"
    RELAYED = "relayed"
    WRONG_KEY = "wrong key"
    WRONG_CLOCK = "wrong clock"


@dataclass(slots=True, kw_only=True)
class ShopStamp:
    """A stamp with a tag and a beacon, and a forgery of both with other keys; made by the shop.

    Attributes:
        name: of the stamp.
        tag: its tag.
        beacon: its beacon.
    """

    name: str
    tag: Tag
    beacon: EidBeacon
    _forged_tag: Tag
    _forged_beacon: EidBeacon
    _random: np.random.Generator
    _challenger: TagChallenger
    _last: bytes = b""

    def present(
        self, factor: Factor, time_s: float, spoil: Spoil = Spoil.NONE, nonce: bytes = b""
    ) -> Presented:
        """Return what a phone receives of the stamp, or of somebody who spoils it.

        A tag shows its URL, and where the server gave a nonce, it answers that.

        Replayed is what the tag said last once more, or an advertisement of an hour ago; relayed is what was
        received a minute ago somewhere else; with a wrong clock a phone, or the beacon, is two hours ahead.

        Raises:
            InputError: the stamp has no such factor.
        """
        if factor is Factor.NFC:
            return self._tapped(time_s, spoil, nonce)
        if factor is Factor.BLE:
            return self._heard(time_s, spoil)
        raise InputError(f"stamp {self.name}: factor {factor}: expected nfc or ble")

    def _tapped(self, time_s: float, spoil: Spoil, nonce: bytes) -> Presented:
        if spoil is not Spoil.REPLAYED or not self._last:
            tag = self._forged_tag if spoil is Spoil.WRONG_KEY else self.tag
            tag.power_up()
            reader = Reader(tag.transceive, self._random)
            self._last = self._answer(reader, nonce) if nonce else reader.read_url().encode()
        shift_s = {Spoil.RELAYED: -RELAY_DELAY_S, Spoil.WRONG_CLOCK: CLOCK_OFFSET_S}.get(spoil, 0.0)
        return Presented(Factor.NFC, self._last, time_s + shift_s)

    def _answer(self, reader: Reader, nonce: bytes) -> bytes:
        uid = self.tag.uid
        try:
            proof = reader.carry(PRESENCE_KEY, lambda first: self._challenger.command(uid, nonce, first))
        except ProtocolError:  # a tag with other keys does not take the server for one it knows
            proof = bytes(2 * BLOCK)
        return TagAnswer(uid, proof).text.encode()

    def _heard(self, time_s: float, spoil: Spoil) -> Presented:
        beacon = self._forged_beacon if spoil is Spoil.WRONG_KEY else self.beacon
        shift_s = {
            Spoil.REPLAYED: -RECORDING_AGE_S,
            Spoil.RELAYED: -RELAY_DELAY_S,
            Spoil.WRONG_CLOCK: CLOCK_OFFSET_S,
        }.get(spoil, 0.0)
        return Presented(Factor.BLE, beacon.frame_at(time_s + shift_s).encoded, time_s, _NEAR_DBM)


class Shop:
    """Stamps, and the desk that decides about presses of them.

    Args:
        random: all keys and challenges come from it.
        now_s: when the stamps' clocks were set.
        guard: remembers what was accepted; None: as long as the shop is there.
        policy: what each action needs.
        more: further second factors, such as sound.

    Attributes:
        desk: decides.
        stamps: by pattern and credential.
        resolver: of the beacons.
        verifier: of the tags' URLs.
    """

    def __init__(
        self,
        random: np.random.Generator,
        now_s: float,
        *,
        guard: ReplayGuard | None = None,
        policy: Mapping[Action, tuple[Requirement, ...]] = DEFAULT_POLICY,
        more: Iterable[SecondFactor] = (),
    ) -> None:
        self._random, self._now_s = random, now_s
        self._keys, self._others = TagKeys(Secret(random.bytes(16))), TagKeys(Secret(random.bytes(16)))
        self.stamps, self.resolver = StampBook(), Resolver()
        self.verifier = SunVerifier(TEMPLATE, self._keys.meta_read, self._keys.file_read)
        self._challenger = TagChallenger(self._keys, self._keys.meta_read.reveal())
        factors: list[SecondFactor] = [
            NfcFactor(self.verifier, self._challenger),
            BleFactor(self.resolver),
            *more,
        ]
        self.desk = Desk(factors, self.stamps, guard or MemoryGuard(), policy)

    def new_stamp(self, name: str, code: int) -> ShopStamp:
        """Make a stamp, and enrol it by its pattern, its tag and its beacon.

        Raises:
            InputError: a name that is taken, or that no beacon can have.
        """
        key, other_key = Secret(self._random.bytes(16)), Secret(self._random.bytes(16))
        self.resolver.register(name, key, EXPONENT, self._now_s)
        clock = BeaconClock(self._now_s, FIRST_CLOCK_S)
        tag = self._tag(b"\x04" + self._random.bytes(6), self._keys)
        self.stamps.enrol(name, code, credential_of(tag.uid))
        self.stamps.enrol(name, code, beacon_credential(name))
        return ShopStamp(
            name=name,
            tag=tag,
            beacon=EidBeacon(key, EXPONENT, clock),
            _forged_tag=self._tag(tag.uid, self._others),
            _forged_beacon=EidBeacon(other_key, EXPONENT, replace(clock)),
            _random=self._random,
            _challenger=self._challenger,
        )

    def _tag(self, uid: bytes, keys: TagKeys) -> Tag:
        tag = Tag(uid, self._random)
        personalise(tag, keys, TEMPLATE, self._random)
        return tag
