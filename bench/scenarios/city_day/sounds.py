"""Threat 7 over HTTP: what a stamp sounded, recorded and replayed, or brought for another challenge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.driving import Ask
from stampbench.bench.scenarios.city_day.stage import Merchant, PressOf, Stage, Stamp
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.credentials.sound.token import STAMP_BYTES, TOKEN_BYTES, SoundStamp
from stampbench.sim.service.clock import SECOND_US
from stampbench.sim.service.presses.sounds import SOUND, new_challenge, sound_key

REPLAY: Final = "7 Sound recorded and replayed"
ALTERED: Final = "7 Sound misheard, or altered on the way"
_CLOCK_ERRORS_S: Final = (-14.0, 0.0, 1.9)
_SIGMA_MM: Final = 0.05
"""Presses are read for certain: what is tried is the sound."""
_PAUSE_S: Final = 61.0


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of threat 7."""
    stage.tell.say(f"sound: replays after 1 to {stage.settings.sound_replay_s} s")
    merchant = stage.merchant(
        "Sounding",
        stamps=len(_CLOCK_ERRORS_S),
        factor=SOUND,
        policy={"suspend_automatically": False},
    )
    rng = stage.draws("sounders")
    sounders = [
        Sounder(stage, merchant, stamp, rng, error_s)
        for stamp, error_s in zip(merchant.store.stamps, _CLOCK_ERRORS_S, strict=True)
    ]
    yield from _replays(stage, sounders)
    yield _first_uses(stage, sounders)
    yield from _challenges(stage, sounders[1])
    yield _at_once(stage, sounders[1])
    yield _bits(stage, sounders[1])


class Sounder:
    """A stamp that sounds, and the phones that hear it."""

    def __init__(
        self, stage: Stage, merchant: Merchant, stamp: Stamp, rng: np.random.Generator, error_s: float
    ) -> None:
        self._stage, self.merchant, self._stamp, self._rng = stage, merchant, stamp, rng
        name = rng.bytes(STAMP_BYTES)
        self._sounder = SoundStamp(name, sound_key(stage.secret, name.hex()), error_s)
        path = f"{merchant.path}/stamps/{stamp.number}/credentials"
        stage.need("POST", path, merchant.server_key, {"kind": SOUND} | self.answer(self.challenge()))

    def challenge(self, merchant: Merchant | None = None) -> dict[str, str]:
        """A challenge as an app gets it; of another merchant's service, if one is given."""
        key = (merchant or self.merchant).app_key
        challenge: dict[str, str] = self._stage.need("POST", "/v1/presses/challenges", key)
        return challenge

    def answer(self, challenge: dict[str, str]) -> dict[str, str]:
        """What the stamp sounds now, beside the challenge that it answers."""
        now_s = self._stage.clock.at_us / SECOND_US
        token = self._sounder.press(now_s, bytes.fromhex(challenge["challenge"]))
        return {"challenge": challenge["challenge"], "token": token.encoded.hex()}

    def asked(self, values: dict[str, str], *, member: str = "", purpose: str = "redeem") -> Ask:
        """A press with an answer, of a member (a new one unless named) with a new phone."""
        number = self._stage.number()
        more: dict[str, Any] = {"credentials": [{"kind": SOUND, "values": values}]}
        touches = self._stage.hands.press(self._stamp.code, self._rng, sigma_mm=_SIGMA_MM)
        press = PressOf(touches, member or f"member {number}", f"phone {number}", purpose=purpose, more=more)
        return self._stage.asked(self.merchant, press)

    def accepts(self, values: dict[str, str], **told: str) -> bool:
        """Whether the press is accepted."""
        return self._stage.driver.ask(self.asked(values, **told)).accepted


def _replays(stage: Stage, sounders: list[Sounder]) -> Iterator[Trial]:
    """Every answer is used at once, and replayed once more after so many seconds."""
    longest_s = stage.settings.sound_replay_s
    honest = Tally(REPLAY, "answer used at once: redeems")
    tallies = [
        Tally(REPLAY, f"used answer replayed after 1 to {longest_s} s, by {who}: refused")
        for who in ("the same member", "another")
    ]
    for after_s in range(1, longest_s + 1):
        for sounder in sounders:
            answer, member = sounder.answer(sounder.challenge()), f"sounding {stage.number()}"
            honest.expect(True, sounder.accepts(answer, member=member))
            stage.clock.advance(seconds=after_s)
            for tally, who in zip(tallies, (member, ""), strict=True):
                tally.expect(False, sounder.accepts(answer, member=who))
        stage.clock.advance(seconds=_PAUSE_S)
    yield honest.trial("stamps' clocks 14 s slow, right, 1.9 s fast")
    for tally in tallies:
        yield tally.trial()


def _first_uses(stage: Stage, sounders: list[Sounder]) -> Trial:
    """An answer that was heard, and kept from the service until later."""
    longest_s, good_s = stage.settings.sound_replay_s, stage.service.rules.challenge_seconds
    tally = Tally(REPLAY, f"unused answer, 0 to {longest_s} s old: good until {good_s} s after its challenge")
    for after_s in range(longest_s + 1):
        for sounder in sounders:
            challenge = sounder.challenge()
            sounding_s = min(after_s, after_s * 7 % 20)
            stage.clock.advance(seconds=sounding_s)
            answer = sounder.answer(challenge)
            stage.clock.advance(seconds=after_s - sounding_s)
            tally.expect(after_s <= good_s, sounder.accepts(answer))
        stage.clock.advance(seconds=_PAUSE_S)
    return tally.trial("sounded up to 19 s after the challenge was given")


def _challenges(stage: Stage, sounder: Sounder) -> Iterator[Trial]:
    """Answers to something else than this challenge."""
    other = stage.merchant("Another sounding")
    twice = Tally(REPLAY, "second answer to a challenge that was answered: refused")
    wrong = Tally(REPLAY, "answer for another challenge, another merchant's, one made up, none: refused")
    for _ in range(stage.settings.tokens):
        stage.clock.advance(minutes=3)
        challenge = sounder.challenge()
        first, second = sounder.answer(challenge), sounder.answer(challenge)
        sounder.accepts(first)
        twice.expect(False, sounder.accepts(second))
        made_up = new_challenge(bytes(32), sounder.merchant.number, stage.clock.at_us)
        answers = [
            sounder.answer(sounder.challenge()) | {"challenge": sounder.challenge()["challenge"]},
            sounder.answer(sounder.challenge(other)),
            sounder.answer({"challenge": made_up.text}),
            sounder.answer({"challenge": ""}),
        ]
        for answer in answers:
            wrong.expect(False, sounder.accepts(answer))
    yield twice.trial()
    yield wrong.trial()


def _at_once(stage: Stage, sounder: Sounder) -> Trial:
    crowd = stage.settings.at_once
    tally = Tally(REPLAY, f"one answer, {crowd} at once, each another member: one accepted")
    for _ in range(stage.settings.races):
        stage.clock.advance(minutes=11)
        answer = sounder.answer(sounder.challenge())
        replies = stage.driver.together([sounder.asked(answer) for _ in range(crowd)])
        accepted = sum(reply.accepted for reply in replies)
        for n in range(crowd):
            tally.expect(n < 1, n < accepted)
    return tally.trial()


def _bits(stage: Stage, sounder: Sounder) -> Trial:
    tally = Tally(ALTERED, "every single bit of an answer changed: refused")
    for bit in range(8 * TOKEN_BYTES):
        stage.clock.advance(seconds=31)
        answer = sounder.answer(sounder.challenge())
        changed = (int(answer["token"], 16) ^ 1 << bit).to_bytes(TOKEN_BYTES, "big")
        tally.expect(False, sounder.accepts(answer | {"token": changed.hex()}))
    return tally.trial()
