from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.beacon import BeaconClock, EidBeacon, OtpBeacon
from stampbench.sim.credentials.ble.factor import BleFactor, beacon_credential, password_credential
from stampbench.sim.credentials.ble.frames import Uid
from stampbench.sim.credentials.ble.passwords import PasswordVerifier
from stampbench.sim.credentials.ble.resolver import Resolver
from stampbench.sim.credentials.guard import FirstUse, MemoryGuard
from stampbench.sim.credentials.nfc.challenge import PRESENCE_KEY, TagAnswer, TagChallenger
from stampbench.sim.credentials.nfc.factor import NfcFactor, credential_of
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.tag import Tag
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.nfc.verifier import SunVerifier, TagKeys
from stampbench.sim.credentials.policy import DEFAULT_POLICY, Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Proof, Reason, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret

NOW_S = 1_760_000_000.0
UID = bytes.fromhex("04782E21801D80")
CODE, OTHER_CODE, SHARED_CODE = 7, 8, 9
OTP_STAMP = b"stamp 01"


class Sound:
    """A token that says which stamp it is and which nonce it answers."""

    factor = Factor.SOUND

    def check(self, presented, evidence):
        stamp, _, nonce = presented.payload.partition(b"/")
        bound = bool(evidence.nonce) and nonce == evidence.nonce
        return Proof(f"sound:{stamp.decode()}", FirstUse(presented.payload.decode()), bound=bound)


class Shop:
    """One shop with a stamp of every kind."""

    def __init__(self):
        keys = TagKeys(Secret(bytes(range(16))))
        template = UrlTemplate("https://stamp.example/s?e={picc}&c={mac}")
        self.tag = Tag(UID, np.random.default_rng(1))
        personalise(self.tag, keys, template, np.random.default_rng(2))
        self.clock = BeaconClock(NOW_S)
        self.beacon = EidBeacon(Secret(bytes(range(1, 17))), 6, self.clock)
        self.resolver = Resolver()
        self.resolver.register("shop", Secret(bytes(range(1, 17))), 6, NOW_S)
        self.otp = OtpBeacon(OTP_STAMP, Secret(bytes(range(2, 18))), BeaconClock(NOW_S, NOW_S))
        passwords = PasswordVerifier()
        passwords.register(OTP_STAMP, Secret(bytes(range(2, 18))), NOW_S, NOW_S)
        stamps = StampBook()
        for credential in (
            credential_of(UID), beacon_credential("shop"), password_credential(OTP_STAMP), "sound:shop",
        ):  # fmt: skip
            stamps.enrol("counter", CODE, credential)
        stamps.enrol("twin a", SHARED_CODE, "nfc:A")
        stamps.enrol("twin b", SHARED_CODE, "nfc:B")
        verifier = SunVerifier(template, keys.meta_read, keys.file_read)
        self.challenger = TagChallenger(keys, b"of the server")
        factors = (NfcFactor(verifier, self.challenger), BleFactor(self.resolver, passwords), Sound())
        self.desk = Desk(factors, stamps, MemoryGuard())

    def tapped(self):
        """The URL of a tap: when it was, nobody but the phone knows."""
        self.tag.power_up()
        return Reader(self.tag.transceive, np.random.default_rng(3)).read_url().encode()

    def answered(self, nonce=b"nonce"):
        """What the tag answers to a challenge."""
        self.tag.power_up()
        reader = Reader(self.tag.transceive, np.random.default_rng(3))
        reader.read_url()
        proof = reader.carry(PRESENCE_KEY, lambda first: self.challenger.command(UID, nonce, first))
        return TagAnswer(UID, proof).text.encode()

    def payload(self, factor, at_s=NOW_S):
        if factor is Factor.NFC:
            return self.answered()
        if factor is Factor.BLE:
            return self.beacon.frame_at(at_s).encoded
        return b"shop/nonce"

    def evidence(self, factor=None, *, touch=True, at_s=NOW_S, member="anna", **presented):
        shown = None
        if factor is not None:
            rssi_dbm = -50 if factor is Factor.BLE else None
            shown = Presented(factor, self.payload(factor, at_s), at_s, rssi_dbm)
            shown = dataclasses.replace(shown, **presented)
        return Evidence(member, at_s + 1.0, Touch(CODE, at_s) if touch else None, shown, b"nonce")


@pytest.fixture
def shop():
    return Shop()


TOUCH_AND_PROOF = {(True, Factor.NFC), (True, Factor.SOUND)}
ALLOWED = {
    Action.VISIT: {*TOUCH_AND_PROOF, (True, None), (True, Factor.BLE), (False, Factor.BLE)},
    Action.COLLECT: {*TOUCH_AND_PROOF, (True, None), (True, Factor.BLE)},
    Action.REDEEM: {*TOUCH_AND_PROOF, (True, Factor.BLE)},
    Action.PAY: TOUCH_AND_PROOF,
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("touch", "factor"), list(itertools.product([True, False], [None, *Factor])))
def test_action_is_accepted_with_what_it_needs_alone(shop, action, touch, factor):
    decision = shop.desk.decide(action, shop.evidence(factor, touch=touch))
    assert decision.accepted is ((touch, factor) in ALLOWED[action]), decision
    assert (decision.stamp == "counter") is decision.accepted


@pytest.mark.parametrize("factor", Factor)
def test_second_use_of_a_proof_is_a_replay(shop, factor):
    evidence = shop.evidence(factor)
    assert shop.desk.decide(Action.REDEEM, evidence).accepted
    assert shop.desk.decide(Action.REDEEM, evidence).reason is Reason.REPLAYED


def test_everybody_may_use_a_beacon_once_and_a_tap_is_for_one(shop):
    for member, factor, expected in [
        ("anna", Factor.BLE, Reason.ACCEPTED),
        ("bert", Factor.BLE, Reason.ACCEPTED),
        ("anna", Factor.BLE, Reason.REPLAYED),
    ]:
        assert shop.desk.decide(Action.COLLECT, shop.evidence(factor, member=member)).reason is expected
    tap = shop.evidence(Factor.NFC, payload=shop.tapped())
    assert shop.desk.decide(Action.COLLECT, tap).accepted
    stolen = dataclasses.replace(tap, member="bert")
    assert shop.desk.decide(Action.COLLECT, stolen).reason is Reason.REPLAYED
    answer = shop.evidence(Factor.NFC)
    assert shop.desk.decide(Action.PAY, answer).accepted
    stolen = dataclasses.replace(answer, member="bert")
    assert shop.desk.decide(Action.PAY, stolen).reason is Reason.REPLAYED


@pytest.mark.parametrize("action", [Action.REDEEM, Action.PAY])
@pytest.mark.parametrize("says_s", [10.0, 99_999.5, math.nan, math.inf])
def test_a_tap_of_10_s_that_arrives_at_100_000_s_has_no_value_whatever_the_phone_says(shop, action, says_s):
    presented = Presented(Factor.NFC, shop.tapped(), NOW_S + says_s)
    evidence = Evidence("anna", NOW_S + 100_000.0, Touch(CODE, NOW_S + says_s), presented, b"nonce")
    decided = shop.desk.decide(action, evidence)
    assert decided.reason in (Reason.AGE_UNPROVEN, Reason.TOO_OLD, Reason.MALFORMED)


def test_an_answer_to_another_challenge_is_not_genuine(shop):
    evidence = shop.evidence(Factor.NFC, payload=shop.answered(b"of yesterday"))
    assert shop.desk.decide(Action.PAY, evidence).reason is Reason.NOT_GENUINE
    without = dataclasses.replace(shop.evidence(Factor.NFC, payload=shop.answered(b"")), nonce=b"")
    assert shop.desk.decide(Action.PAY, without).reason is Reason.NOT_GENUINE


def test_every_byte_of_an_answer_counts_but_those_that_say_what_the_tag_can(shop):
    text = shop.answered().decode()
    for place in range(4, len(text) - 24):
        changed = text[:place] + f"{int(text[place], 16) ^ 1:x}" + text[place + 1 :]
        evidence = shop.evidence(Factor.NFC, payload=changed.encode())
        assert shop.desk.decide(Action.VISIT, evidence).reason is Reason.NOT_GENUINE, place


def test_touch_alone_counts_once_in_half_a_minute_and_its_age_is_looked_at(shop):
    evidence = shop.evidence()
    assert shop.desk.decide(Action.COLLECT, evidence).accepted
    assert shop.desk.decide(Action.COLLECT, evidence).reason is Reason.REPLAYED
    assert shop.desk.decide(Action.COLLECT, dataclasses.replace(evidence, member="bert")).accepted
    late = dataclasses.replace(evidence, received_s=NOW_S + 31.0)
    assert shop.desk.decide(Action.COLLECT, late).reason is Reason.TOO_OLD
    later = dataclasses.replace(late, touch=Touch(CODE, NOW_S + 30.0))
    assert shop.desk.decide(Action.COLLECT, later).accepted
    nan = dataclasses.replace(later, touch=Touch(CODE, math.nan))
    assert shop.desk.decide(Action.COLLECT, nan).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"touch": Touch(None, NOW_S)}, Reason.NOT_READ),
        ({"touch": Touch(OTHER_CODE, NOW_S)}, Reason.WRONG_STAMP),
        ({"touch": Touch(CODE, NOW_S - 5.1)}, Reason.TOO_FAR_APART),
        ({"touch": Touch(CODE, NOW_S + 5.1)}, Reason.TOO_FAR_APART),
        ({"received_s": NOW_S + 30.1}, Reason.TOO_OLD),
        ({"received_s": NOW_S - 2.1}, Reason.NOT_YET),
        ({"received_s": NOW_S + 30.0}, Reason.ACCEPTED),
    ],
)
def test_touch_and_proof_must_belong_together(shop, change, reason):
    evidence = dataclasses.replace(shop.evidence(Factor.NFC), **change)
    assert shop.desk.decide(Action.REDEEM, evidence).reason is reason


@pytest.mark.parametrize(
    ("action", "rssi_dbm", "reason"),
    [
        (Action.COLLECT, -75, Reason.ACCEPTED),
        (Action.COLLECT, -76, Reason.TOO_WEAK),
        (Action.REDEEM, -66, Reason.TOO_WEAK),
        (Action.COLLECT, None, Reason.TOO_WEAK),
    ],
)
def test_beacon_must_be_near(shop, action, rssi_dbm, reason):
    assert shop.desk.decide(action, shop.evidence(Factor.BLE, rssi_dbm=rssi_dbm)).reason is reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x05\x16\xaa", Reason.MALFORMED),
        (b"", Reason.NOT_GENUINE),
        (Uid(bytes(10), bytes(6)).encoded, Reason.NOT_GENUINE),
        (bytes.fromhex("0201060303AAFE0D16AAFE30004549445F74657374"), Reason.NOT_GENUINE),
    ],
)
def test_what_is_no_proof_on_the_air_is_refused(shop, payload, reason):
    assert shop.desk.decide(Action.COLLECT, shop.evidence(Factor.BLE, payload=payload)).reason is reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"https://stamp.example/s?e=0&c=0", Reason.MALFORMED),
        (b"\xff\xfe", Reason.MALFORMED),
        (b"https://stamp.example/s?e=" + b"0" * 32 + b"&c=" + b"0" * 16, Reason.NOT_GENUINE),
    ],
)
def test_what_is_no_proof_of_a_tag_is_refused(shop, payload, reason):
    assert shop.desk.decide(Action.PAY, shop.evidence(Factor.NFC, payload=payload)).reason is reason


def test_refused_proof_is_not_used_up(shop):
    tap = shop.evidence(Factor.NFC)
    wrong = dataclasses.replace(tap, touch=Touch(OTHER_CODE, NOW_S))
    assert not shop.desk.decide(Action.REDEEM, wrong).accepted
    assert shop.desk.decide(Action.REDEEM, tap).accepted


def test_payment_by_sound_must_answer_the_nonce(shop):
    stale = shop.evidence(Factor.SOUND, payload=b"shop/older")
    assert shop.desk.decide(Action.PAY, stale).reason is Reason.NOT_BOUND
    assert shop.desk.decide(Action.COLLECT, stale).accepted


def test_recording_of_a_beacon_is_out_of_time(shop):
    later_s = NOW_S + 5000.0
    old = shop.beacon.frame_at(NOW_S).encoded
    evidence = shop.evidence(Factor.BLE, at_s=later_s, payload=old)
    assert shop.desk.decide(Action.COLLECT, evidence).reason is Reason.OUT_OF_TIME


def test_beacon_that_repeats_itself_collects_and_does_not_redeem(shop):
    day_s = NOW_S + 30 * 3600.0
    assert shop.desk.decide(Action.COLLECT, shop.evidence(Factor.BLE, at_s=day_s - 60)).accepted
    shop.clock.change_battery(day_s, day_s)
    shop.resolver.battery_changed("shop", day_s)
    assert shop.desk.decide(Action.COLLECT, shop.evidence(Factor.BLE, at_s=day_s + 60)).accepted
    again = shop.evidence(Factor.BLE, at_s=day_s + 300)
    assert shop.desk.decide(Action.REDEEM, again).reason is Reason.REPEATED


def test_one_time_password_is_accepted_in_its_step_once_for_each_member(shop):
    shown = shop.otp.frame_at(NOW_S).encoded
    for member, payload, expected in [
        ("anna", shown, Reason.ACCEPTED),
        ("anna", shown, Reason.REPLAYED),
        ("bert", shown, Reason.ACCEPTED),
        ("anna", shop.otp.frame_at(NOW_S - 300).encoded, Reason.NOT_GENUINE),
    ]:
        evidence = shop.evidence(Factor.BLE, member=member, payload=payload)
        assert shop.desk.decide(Action.COLLECT, evidence).reason is expected


def test_pattern_that_several_stamps_have_needs_a_credential(shop):
    evidence = Evidence("anna", NOW_S, Touch(SHARED_CODE, NOW_S))
    assert shop.desk.decide(Action.COLLECT, evidence).reason is Reason.AMBIGUOUS
    unknown = Evidence("anna", NOW_S, Touch(12345, NOW_S))
    assert shop.desk.decide(Action.COLLECT, unknown).reason is Reason.UNKNOWN_STAMP


def test_stamps_are_without_limit_where_pattern_and_credential_make_them():
    stamps = StampBook()
    for number in range(10_000):
        stamps.enrol(f"stamp {number}", number % 10, f"nfc:{number}")
    assert stamps.proved("nfc:4321", Touch(1, 0.0)) == "stamp 4321"
    assert stamps.proved("nfc:4321", Touch(2, 0.0)) is Reason.WRONG_STAMP
    assert stamps.proved("nfc:unknown", None) is Reason.UNKNOWN_STAMP
    with pytest.raises(InputError, match="is that of stamp 5"):
        stamps.enrol("thief", 5, "nfc:5")


def test_factor_that_is_not_set_up_is_refused(shop):
    desk = Desk((), StampBook(), MemoryGuard())
    assert desk.decide(Action.PAY, shop.evidence(Factor.NFC)).reason is Reason.FACTOR_UNKNOWN


def test_no_action_of_value_is_given_for_the_pattern_alone():
    for action in (Action.REDEEM, Action.PAY):
        assert all(way.factor is not None and way.touch for way in DEFAULT_POLICY[action])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["at_s", "rssi_dbm"])
def test_what_is_no_number_proves_nothing(shop, field, number):
    evidence = shop.evidence(Factor.BLE)
    presented = replace(evidence.presented, **{field: number})
    decided = shop.desk.decide(Action.COLLECT, replace(evidence, presented=presented))
    assert decided.reason is Reason.MALFORMED


@pytest.mark.parametrize("wrong", [lambda v: v.register(b"short", Secret(bytes(range(16))), 0.0, 0.0)])
def test_password_stamp_of_a_wrong_id_is_refused(wrong):
    with pytest.raises(InputError, match="8 bytes"):
        wrong(PasswordVerifier())
    with pytest.raises(InputError, match="0 to 2 steps"):
        PasswordVerifier(5)
