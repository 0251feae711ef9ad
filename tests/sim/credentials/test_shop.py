from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.policy import Action
from stampbench.sim.credentials.press import Evidence, Factor, Reason, Touch
from stampbench.sim.credentials.shop import Shop, Spoil

NOW_S, CODE = 1_760_000_000.0, 20406


@pytest.fixture
def shop():
    return Shop(np.random.default_rng(1), NOW_S)


def decided(shop, stamp, factor, spoil=Spoil.NONE, action=Action.REDEEM, time_s=NOW_S + 10.0, code=CODE):
    nonce = f"session at {time_s:.0f}".encode()
    presented = stamp.present(factor, time_s, spoil, nonce)
    return shop.desk.decide(action, Evidence("anna", time_s + 1.0, Touch(code, time_s), presented, nonce))


@pytest.mark.parametrize(
    ("factor", "spoil", "reason"),
    [
        (Factor.NFC, Spoil.NONE, Reason.ACCEPTED),
        (Factor.NFC, Spoil.REPLAYED, Reason.NOT_GENUINE),
        (Factor.NFC, Spoil.RELAYED, Reason.TOO_OLD),
        (Factor.NFC, Spoil.WRONG_KEY, Reason.NOT_GENUINE),
        (Factor.NFC, Spoil.WRONG_CLOCK, Reason.NOT_YET),
        (Factor.BLE, Spoil.NONE, Reason.ACCEPTED),
        (Factor.BLE, Spoil.REPLAYED, Reason.OUT_OF_TIME),
        (Factor.BLE, Spoil.RELAYED, Reason.ACCEPTED),  # within its window: that is what policies are for
        (Factor.BLE, Spoil.WRONG_KEY, Reason.NOT_GENUINE),
        (Factor.BLE, Spoil.WRONG_CLOCK, Reason.NOT_GENUINE),
    ],
)
def test_spoilt_factor_is_refused_with_its_reason(shop, factor, spoil, reason):
    stamp = shop.new_stamp("counter", CODE)
    first = decided(shop, stamp, Factor.NFC)
    assert first.accepted
    assert first.stamp == "counter"
    later_s = NOW_S + 2 * 3600.0
    assert decided(shop, stamp, factor, spoil, time_s=later_s).reason is reason


def test_stamps_of_one_pattern_are_told_apart_by_their_credentials(shop):
    stamps = [shop.new_stamp(f"counter-{number}", CODE) for number in range(5)]
    for stamp in stamps:
        assert decided(shop, stamp, Factor.NFC).stamp == stamp.name
        assert decided(shop, stamp, Factor.BLE).stamp == stamp.name
    assert decided(shop, stamps[0], Factor.NFC, code=CODE + 1).reason is Reason.WRONG_STAMP


def test_pattern_read_on_a_panel_and_tap_make_one_evidence(shop):
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.stamps import load_family

    family = load_family("p5-60k")
    reading = Decoder(family).decode(family.pads(CODE) + np.array([30.0, 50.0]))
    stamp = shop.new_stamp("counter", CODE)
    touch = Touch.of(reading, NOW_S + 10.0)
    shown = stamp.present(Factor.NFC, NOW_S + 9.0, nonce=b"of this session")
    evidence = Evidence("anna", NOW_S + 11.0, touch, shown, b"of this session")
    decision = shop.desk.decide(Action.PAY, evidence)
    assert (decision.accepted, decision.stamp) == (True, "counter")


def test_stamp_has_no_other_factor(shop):
    with pytest.raises(InputError, match="expected nfc or ble"):
        shop.new_stamp("counter", CODE).present(Factor.SOUND, NOW_S)


def test_two_shops_of_one_seed_are_the_same():
    urls = [
        Shop(np.random.default_rng(7), NOW_S).new_stamp("a", CODE).present(Factor.NFC, NOW_S).payload
        for _ in range(2)
    ]
    assert urls[0] == urls[1]
