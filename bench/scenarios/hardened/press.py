"""What an action needs: every kind of evidence for every action, held against a table written out here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.tally import Draws, Tally
from stampbench.sim.credentials.policy import Action
from stampbench.sim.credentials.press import Evidence, Factor, Presented, Touch
from stampbench.sim.credentials.shop import Shop, Spoil

COPIED = "1 Copied pattern: what a press is worth without its second factor"
BUNDLED = "4-6 Touch and second factor bundled: times, strength, and the same stamp"
_CODE, _OTHER_CODE = 7, 8
_NEEDED = {
    Action.VISIT: {("touch", "-"), ("touch", "nfc"), ("touch", "tag"), ("touch", "ble"), ("-", "ble")},
    Action.COLLECT: {("touch", "-"), ("touch", "nfc"), ("touch", "tag"), ("touch", "ble")},
    Action.REDEEM: {("touch", "tag"), ("touch", "ble")},
    Action.PAY: {("touch", "tag")},
}
"""What is enough, of touch and second factor: the URL of a tap (nfc), a tag's answer to a challenge (tag), a
beacon; sound is tried with its own threat."""
_KEPT_S = 100_000.0


class _Counter:
    """A shop with one stamp, where another member presses every ten seconds."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.now_s = 1_760_000_000.0
        self._sessions = itertools.count()
        self.nonce = b""
        self._shop = Shop(rng, self.now_s)
        self._stamp = self._shop.new_stamp("counter", _CODE)
        self._members = itertools.count()

    def presented(self, factor: Factor, spoil: Spoil = Spoil.NONE, nonce: bytes = b"") -> Presented:
        """What the phone receives of the stamp now; a tag answers the nonce where there is one."""
        return self._stamp.present(factor, self.now_s, spoil, nonce)

    def decides(
        self, action: Action, touch: Touch | None, presented: Presented | None, after_s: float = 1.0
    ) -> bool:
        """Whether a press is accepted."""
        member = f"member {next(self._members)}"
        evidence = Evidence(member, self.now_s + after_s, touch, presented, self.nonce)
        accepted = self._shop.desk.decide(action, evidence).accepted
        self.now_s += 10.0
        return accepted

    def new_session(self) -> bytes:
        """The nonce that the server gives to the next press."""
        self.nonce = next(self._sessions).to_bytes(16, "big")
        return self.nonce


def trials(settings: Settings, draws: Draws, directory: Path, tell: Progress) -> Iterator[Finding]:
    """All trials of the bundled press."""
    tell.say("presses: touch and second factor")
    yield from _worth(settings, draws("worth"))
    yield _kept(settings, draws("kept"))
    yield _times(draws("times"))
    yield _strengths(draws("strengths"))
    yield _codes(settings, draws("codes"))
    yield _spoilt(settings, draws("spoilt"))


def _worth(settings: Settings, rng: np.random.Generator) -> Iterator[Trial]:
    shop = _Counter(rng)
    for action, ways in _NEEDED.items():
        needs = ", ".join(sorted("+".join(part for part in way if part != "-") for way in ways))
        tally = Tally(COPIED, f"{action}: accepted with {needs}, and with nothing less")
        for touch, factor in itertools.product(("touch", "-"), ("-", "nfc", "tag", "ble")):
            for _ in range(settings.taps):
                nonce = shop.new_session()
                if factor == "tag":
                    shown: Presented | None = shop.presented(Factor.NFC, nonce=nonce)
                else:
                    shown = None if factor == "-" else shop.presented(Factor(factor))
                touched = Touch(_CODE, shop.now_s) if touch == "touch" else None
                tally.expect((touch, factor) in ways, shop.decides(action, touched, shown))
        yield tally.trial()


def _kept(settings: Settings, rng: np.random.Generator) -> Trial:
    """A tap that was kept, with a time that the phone makes up; and an answer of an earlier session."""
    tally = Tally(BUNDLED, "tap or answer kept for 28 h, whatever the phone says of its time: no value")
    for action, says_s in itertools.product(
        (Action.REDEEM, Action.PAY), (-_KEPT_S, -0.5, 0.0, math.nan, math.inf, -math.inf)
    ):
        for answers in (False, True):
            shop = _Counter(rng)
            for _ in range(settings.taps):
                kept = shop.presented(Factor.NFC, nonce=shop.new_session() if answers else b"")
                shop.now_s += _KEPT_S
                shop.new_session()
                presented = replace(kept, at_s=shop.now_s + says_s)
                touch = Touch(_CODE, presented.at_s)
                tally.expect(False, shop.decides(action, touch, presented))
    return tally.trial("The URL of a tap has no age; an answer is of the session whose nonce it answers.")


def _times(rng: np.random.Generator) -> Trial:
    """Touch and tap up to 10 s apart, the evidence up to 60 s old."""
    shop, tally = (
        _Counter(rng),
        Tally(BUNDLED, "touch and tap within 5 s, and 30 s old at most: accepted; else not"),
    )
    for gap_s, age_s in itertools.product(range(-10, 11), (-3, -2, 0, 29, 30, 31, 60)):
        presented = shop.presented(Factor.NFC, nonce=shop.new_session())
        touch = Touch(_CODE, shop.now_s + gap_s)
        right = abs(gap_s) <= 5 and -2 <= age_s <= 30
        tally.expect(right, shop.decides(Action.REDEEM, touch, presented, age_s))
    return tally.trial("A phone's clock may be 2 s ahead.")


def _strengths(rng: np.random.Generator) -> Trial:
    shop, tally = (
        _Counter(rng),
        Tally(BUNDLED, "beacon at -95 to -31 dBm: accepted from its action's limit on"),
    )
    weakest_dbm = {Action.VISIT: -75, Action.COLLECT: -75, Action.REDEEM: -65}
    for action, rssi_dbm in itertools.product(weakest_dbm, range(-95, -30)):
        presented = replace(shop.presented(Factor.BLE), rssi_dbm=rssi_dbm)
        accepted = shop.decides(action, Touch(_CODE, shop.now_s), presented)
        tally.expect(rssi_dbm >= weakest_dbm[action], accepted)
    return tally.trial()


def _codes(settings: Settings, rng: np.random.Generator) -> Trial:
    """A genuine proof beside the touch of another stamp, or of none."""
    shop, tally = _Counter(rng), Tally(BUNDLED, "proof of one stamp, touch of another or of none: refused")
    for code, factor in itertools.product((_OTHER_CODE, None), (Factor.NFC, Factor.BLE)):
        for _ in range(settings.taps):
            presented = shop.presented(factor, nonce=shop.new_session())
            tally.expect(False, shop.decides(Action.REDEEM, Touch(code, shop.now_s), presented))
    return tally.trial()


def _spoilt(settings: Settings, rng: np.random.Generator) -> Trial:
    """Everything a tester can do to a second factor."""
    shop, tally = (
        _Counter(rng),
        Tally(BUNDLED, "replayed, relayed, wrong key, wrong clock: each decision exact"),
    )
    for factor, spoil in itertools.product((Factor.NFC, Factor.BLE), Spoil):
        right = spoil is Spoil.NONE or (factor, spoil) == (Factor.BLE, Spoil.RELAYED)
        for _ in range(settings.taps):
            # A replay needs something that was used before it.
            touch = Touch(_CODE, shop.now_s)
            shop.decides(Action.REDEEM, touch, shop.presented(factor, nonce=shop.new_session()))
            nonce = shop.new_session()
            touch, presented = Touch(_CODE, shop.now_s), shop.presented(factor, spoil, nonce)
            tally.expect(right, shop.decides(Action.REDEEM, touch, presented))
    return tally.trial(
        "All refused, but for the beacon relayed within its window: why a beacon does not pay."
    )
