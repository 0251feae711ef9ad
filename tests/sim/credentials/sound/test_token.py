from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.policy import Action, Desk
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Reason, StampBook, Touch
from stampbench.sim.credentials.secrets import Secret
from stampbench.sim.credentials.sound import token as token_module
from stampbench.sim.credentials.sound.channel import Channel
from stampbench.sim.credentials.sound.factor import SoundFactor, sound_credential
from stampbench.sim.credentials.sound.protocols import PROTOCOLS
from stampbench.sim.credentials.sound.receiver import Receiver
from stampbench.sim.credentials.sound.token import SoundStamp, SoundToken, SoundVerifier, token_of
from stampbench.sim.credentials.sound.transmitter import waveform

STAMP, KEY = b"\x00\x11\x22\x33", Secret(bytes(range(32)), 32)
NOW_S = 1_760_000_003.0
NONCE = b"session nonce 01"


@pytest.fixture
def verifier():
    found = SoundVerifier()
    found.register(STAMP, KEY)
    return found


@pytest.fixture
def decide(verifier):
    stamps = StampBook()
    stamps.enrol("counter", 7, sound_credential(STAMP))
    desk = Desk([SoundFactor(verifier)], stamps, MemoryGuard())

    def decision(payload, after_s=0.0, nonce=b"", action=Action.REDEEM):
        time_s = NOW_S + after_s
        presented = Presented(Factor.SOUND, payload, time_s)
        return desk.decide(action, Evidence("m", time_s, Touch(7, time_s), presented, nonce)).reason

    return decision


def test_mac_is_the_one_written_down():
    window = 176_000_000
    signed = b"stampbench sound 1" + STAMP + b"\x05" + window.to_bytes(8, "big") + NONCE
    right = hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()[:8]
    assert token_of(KEY, STAMP, window, 5, NONCE).mac == right


@given(st.binary(min_size=13, max_size=13))
def test_tokens_are_read_as_written(payload):
    assert SoundToken.parse(payload).encoded == payload


@given(st.binary(max_size=40).filter(lambda payload: len(payload) != 13))
def test_payloads_of_other_lengths_are_refused(payload):
    with pytest.raises(ProtocolError, match="expected 13"):
        SoundToken.parse(payload)


def test_accepted_from_two_seconds_before_its_window_to_fifteen_after(verifier):
    token = token_of(KEY, STAMP, 176_000_000, 0)
    begins_s = 1_760_000_000.0
    for late_s in (-2.0, 0.0, 9.9, 24.9):
        assert verifier.verify(token, begins_s + late_s) is not None
    for late_s in (-2.1, 25.0, 60.0):
        assert verifier.verify(token, begins_s + late_s) is None


def test_replayed_after_1_to_120_s_is_refused(decide):
    payload = SoundStamp(STAMP, KEY).press(NOW_S).encoded
    assert decide(payload) is Reason.ACCEPTED
    reasons = [decide(payload, after_s) for after_s in range(1, 121)]
    assert set(reasons) == {Reason.REPLAYED, Reason.NOT_GENUINE}


def test_presses_within_one_window_sound_different_tokens(decide):
    stamp = SoundStamp(STAMP, KEY)
    payloads = [stamp.press(NOW_S).encoded for _ in range(3)]
    assert [decide(payload) for payload in payloads] == [Reason.ACCEPTED] * 3
    stamp.press(NOW_S + 10.0)
    for _ in range(255):
        stamp.press(NOW_S + 10.0)
    with pytest.raises(InputError, match="expected 256 at most"):
        stamp.press(NOW_S + 10.0)


def test_only_a_token_of_this_session_pays(decide):
    stamp = SoundStamp(STAMP, KEY)
    assert decide(stamp.press(NOW_S).encoded, nonce=NONCE, action=Action.PAY) is Reason.NOT_BOUND
    bound = stamp.press(NOW_S, NONCE).encoded
    assert decide(bound, nonce=b"another session") is Reason.NOT_GENUINE
    assert decide(bound) is Reason.NOT_GENUINE
    assert decide(bound, nonce=NONCE, action=Action.PAY) is Reason.ACCEPTED


def test_every_bit_counts(decide):
    payload = SoundStamp(STAMP, KEY).press(NOW_S).encoded
    for bit in range(8 * len(payload)):
        changed = (int.from_bytes(payload, "big") ^ 1 << bit).to_bytes(13, "big")
        assert decide(changed) is Reason.NOT_GENUINE
    assert decide(payload) is Reason.ACCEPTED


def test_malformed_evidence_is_refused(decide):
    assert decide(b"") is Reason.MALFORMED
    assert decide(bytes(14)) is Reason.MALFORMED
    assert decide(bytes(13), nonce=bytes(65)) is Reason.MALFORMED


def test_work_is_the_same_for_unknown_stamps_and_wrong_macs(verifier, monkeypatch):
    compared = []
    original = hmac.compare_digest

    def noted(right, found):
        compared.append(len(found))
        return original(right, found)

    monkeypatch.setattr(token_module.hmac, "compare_digest", noted)
    good = SoundStamp(STAMP, KEY).press(NOW_S)
    counts = []
    for token in (good, SoundToken(b"none", 0, good.mac), SoundToken(STAMP, 0, bytes(8))):
        compared.clear()
        verifier.verify(token, NOW_S, NONCE)
        counts.append(len(compared))
    assert counts[0] == counts[1] == counts[2] > 0


def test_a_key_all_zeros_opens_nothing(verifier):
    zeros = Secret(bytes(32), 32)
    with pytest.raises(InputError, match="not all zeros"):
        SoundVerifier().register(STAMP, zeros)
    assert verifier.verify(token_of(zeros, b"none", 176_000_000, 0), NOW_S) is None


def test_no_key_shows(verifier):
    assert "Secret(***)" in repr(KEY)
    assert repr(verifier) == "SoundVerifier(1 stamps)"


def test_arguments_outside_their_range_are_refused(verifier):
    with pytest.raises(InputError, match="expected 4 bytes that are not known yet"):
        verifier.register(STAMP, KEY)
    with pytest.raises(InputError, match="expected 32 bytes"):
        verifier.register(b"abcd", Secret(bytes(range(16))))
    with pytest.raises(InputError, match="expected 64 at most"):
        token_of(KEY, STAMP, 0, 0, bytes(65))
    with pytest.raises(ProtocolError, match="0 to 255"):
        token_of(KEY, STAMP, 0, 256)


def test_a_press_heard_through_noise_redeems(decide):
    import numpy as np

    payload = SoundStamp(STAMP, KEY).press(NOW_S).encoded
    protocol = PROTOCOLS["fastest"]
    receiver = Receiver(protocol, 13)
    samples = Channel(snr_db=-6.0, noise="shop").carry(waveform(payload, protocol), np.random.default_rng(1))
    (packet,) = [*receiver.feed(samples), *receiver.finish()]
    assert decide(packet.payload, packet.end_s) is Reason.ACCEPTED
