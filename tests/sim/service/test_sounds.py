"""Sound as the second factor: a stamp's answer to a challenge, in half a minute, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from stampbench.sim.credentials.sound.token import SoundStamp
from stampbench.sim.service.presses.sounds import new_challenge, sound_key

ID = bytes.fromhex("c0ffee01")
_members = count()


class Sounder:
    """The first merchant's first stamp, which sounds; paired by its answer to a challenge."""

    def __init__(self, world: Any, clock_error_s: float = 0.0, stamp: int = 0) -> None:
        self.world, self.stamp = world, world.one.stamps[stamp]
        self.sounder = SoundStamp(ID, sound_key(world.service.settings.secret, ID.hex()), clock_error_s)
        self.path = f"/v1/merchants/{world.one.merchant_id}/stamps/{self.stamp.stamp_id}/credentials"
        world.ok("POST", self.path, world.one.server_key, json={"kind": "sound"} | self.answer())

    def challenge(self, key: str = "") -> dict[str, str]:
        return dict(self.world.ok("POST", "/v1/presses/challenges", key or self.world.one.app_key))

    def answer(self, challenge: dict[str, str] | None = None) -> dict[str, str]:
        asked = challenge or self.challenge()
        now_s = self.world.clock.now_us() / 1e6
        token = self.sounder.press(now_s, bytes.fromhex(asked["challenge"]))
        return {"challenge": asked["challenge"], "token": token.encoded.hex()}

    def reason(self, values: dict[str, str] | None = None, **changes: Any) -> str:
        member = f"member {next(_members)}"
        credentials = [{"kind": "sound", "values": self.answer() if values is None else values}]
        told = {"member": member, "device": f"phone of {member}", "stamp": self.stamp} | changes
        return str(self.world.press(credentials=credentials, **told)["reason"])


def test_a_stamp_that_wants_its_sound_redeems_with_it_alone(make_world: Any, database_url: str) -> None:
    world = make_world(database_url, factor="sound")
    sounder = Sounder(world)
    assert world.press(purpose="redeem")["reason"] == "factor_missing"
    assert sounder.reason(purpose="redeem") == "ok"


def test_an_answer_is_good_once_whoever_brings_it(any_world: Any) -> None:
    sounder = Sounder(any_world)
    answer = sounder.answer()
    assert sounder.reason(answer) == "ok"
    assert sounder.reason(answer) == "sound_replayed"


def test_two_answers_to_one_challenge_are_good_once(world: Any) -> None:
    sounder = Sounder(world)
    challenge = sounder.challenge()
    first, second = sounder.answer(challenge), sounder.answer(challenge)
    assert sounder.reason(first) == "ok"
    assert sounder.reason(second) == "sound_replayed"


def test_of_sixteen_at_once_with_one_answer_one_is_accepted(any_world: Any) -> None:
    sounder = Sounder(any_world)
    for _ in range(3):
        any_world.clock.advance(minutes=11)
        press = partial(sounder.reason, sounder.answer())
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n, press=press: press(device=f"d{n}"), range(16)))
        assert sorted(answers) == ["ok"] + ["sound_replayed"] * 15


@pytest.mark.parametrize("clock_error_s", [-14.0, 0.0, 1.9])
def test_an_answer_is_good_for_thirty_seconds_from_its_challenge(world: Any, clock_error_s: float) -> None:
    sounder = Sounder(world, clock_error_s)
    for late_s, right in ((0, "ok"), (30, "ok"), (31, "sound_out_of_time"), (120, "sound_out_of_time")):
        answer = sounder.answer()
        world.clock.advance(seconds=late_s)
        assert sounder.reason(answer) == right


def test_a_stamp_whose_clock_is_minutes_off_is_refused(world: Any) -> None:
    sounder = Sounder(world)
    answer = sounder.answer()
    for clock_error_s in (-60.0, 30.0):
        wrong = SoundStamp(ID, sound_key(world.service.settings.secret, ID.hex()), clock_error_s)
        nonce = bytes.fromhex(sounder.challenge()["challenge"])
        token = wrong.press(world.clock.now_us() / 1e6, nonce).encoded.hex()
        assert sounder.reason(answer | {"token": token}) == "sound_not_genuine"


def test_an_answer_to_another_challenge_is_refused_and_raises_an_alarm(world: Any) -> None:
    sounder = Sounder(world)
    one, other = sounder.answer(), sounder.answer()
    assert sounder.reason({"challenge": one["challenge"], "token": other["token"]}) == "sound_not_genuine"
    path = f"/v1/merchants/{world.one.merchant_id}/alarms"
    assert [alarm["kind"] for alarm in world.ok("GET", path, world.one.server_key)] == ["cloned_pattern"]


def test_a_challenge_of_another_merchant_is_refused(world: Any) -> None:
    sounder = Sounder(world)
    answer = sounder.answer(sounder.challenge(world.two.app_key))
    assert sounder.reason(answer) == "sound_not_genuine"


def test_a_challenge_made_up_is_refused(world: Any) -> None:
    sounder = Sounder(world)
    made_up = new_challenge(bytes(32), world.one.merchant_id, world.clock.now_us())
    answer = sounder.answer({"challenge": made_up.text})
    assert sounder.reason(answer) == "sound_not_genuine"


def test_what_is_no_answer_is_refused(world: Any) -> None:
    sounder = Sounder(world)
    for text in ("", "é", "zz", "A" * 64, "0" * 26):
        for name, reason in (("challenge", "sound_not_genuine"), ("token", "sound_malformed")):
            expected = "sound_not_genuine" if text == "0" * 26 else reason
            assert sounder.reason(sounder.answer() | {name: text}) == expected


def test_the_sound_of_another_stamp_is_refused(world: Any) -> None:
    sounder = Sounder(world)
    assert sounder.reason(stamp=world.one.stamps[1]) == "sound_not_genuine"


def test_a_sounder_belongs_to_one_stamp_and_proves_itself_when_it_is_paired(world: Any) -> None:
    sounder = Sounder(world)
    with pytest.raises(AssertionError, match="409"):
        Sounder(world, stamp=1)
    other = sounder.answer()["challenge"]
    body = {"kind": "sound"} | sounder.answer() | {"challenge": other}
    answer = world.call("POST", sounder.path, world.one.server_key, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "token")


def test_no_key_stands_in_the_database(world: Any) -> None:
    Sounder(world).reason()
    secret = world.service.settings.secret
    raw = world.service.database.engine.raw_connection()
    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    content = Path(world.service.database.engine.url.database).read_bytes()
    assert ID.hex().encode() in content
    for key in (secret, sound_key(secret, ID.hex()).reveal()):
        assert key not in content
        assert key.hex().encode() not in content
