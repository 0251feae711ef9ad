"""NFC taps as the second factor of a press: each once, of the right tag, and wanted for what has value."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from stampbench.sim.credentials.nfc.challenge import PRESENCE_KEY, TagAnswer
from stampbench.sim.credentials.nfc.reader import Reader, personalise
from stampbench.sim.credentials.nfc.tag import Tag
from stampbench.sim.service.presses.credentials import SUN_URL, tag_keys

UID = bytes.fromhex("04de5f1eacc040")


class Tapped:
    """A stamp's tag, and the URL of each tap."""

    def __init__(self, world: Any, uid: bytes = UID, *, paired: bool = True) -> None:
        self.tag, self.random = Tag(uid, world.rng), world.rng
        personalise(self.tag, tag_keys(world.service.settings.secret), SUN_URL, world.rng)
        if paired:
            base = f"/v1/merchants/{world.one.merchant_id}/stamps/{world.one.stamps[0].stamp_id}"
            world.ok("POST", f"{base}/credentials", world.one.server_key, json={"uid": uid.hex()})

    def url(self) -> str:
        self.tag.power_up()
        return Reader(self.tag.transceive, self.random).read_url()


def sun(url: str) -> dict[str, Any]:
    return {"kind": "sun", "values": {"url": url}}


def press(world: Any, url: str, **changes: Any) -> Any:
    return world.press(credentials=[sun(url)], **changes)


def set_program(world: Any) -> None:
    path = f"/v1/merchants/{world.one.merchant_id}/program"
    world.ok("PUT", path, world.one.server_key, json={"redeem_factor": True})


def test_a_tap_redeems_where_a_second_factor_is_wanted_and_the_merchant_takes_taps(any_world: Any) -> None:
    set_program(any_world)
    tag = Tapped(any_world)
    assert any_world.press(purpose="redeem")["reason"] == "factor_missing"
    assert press(any_world, tag.url(), purpose="redeem")["reason"] == "age_unproven"
    path = f"/v1/merchants/{any_world.one.merchant_id}"
    any_world.ok("PATCH", path, any_world.one.server_key, json={"redeem_by_tap": True})
    assert press(any_world, tag.url(), purpose="redeem")["outcome"] == "accepted"


def answer_to(world: Any, tag: Tapped, challenge: str, uid: bytes = UID) -> dict[str, Any]:
    """Carry the service's command to the tag, and its answers back, as a phone does."""
    tag.tag.power_up()

    def command_of(first: bytes) -> bytes:
        body = {"challenge": challenge, "uid": uid.hex(), "first": first.hex()}
        found = world.ok("POST", "/v1/presses/challenges/tag", world.one.app_key, json=body)
        return bytes.fromhex(found["command"])

    reader = Reader(tag.tag.transceive, tag.random)
    reader.read_url()
    said = TagAnswer(uid, reader.carry(PRESENCE_KEY, command_of)).text
    return {"kind": "tag", "values": {"answer": said, "challenge": challenge}}


def new_challenge(world: Any) -> str:
    return str(world.ok("POST", "/v1/presses/challenges", world.one.app_key)["challenge"])


def test_a_tag_that_answers_a_challenge_redeems_once_and_in_time(any_world: Any) -> None:
    set_program(any_world)
    tag = Tapped(any_world)
    challenge = new_challenge(any_world)
    answer = answer_to(any_world, tag, challenge)
    assert any_world.press(credentials=[answer], purpose="redeem")["outcome"] == "accepted"
    assert any_world.press(credentials=[answer], purpose="redeem")["reason"] == "tag_replayed"
    kept = answer_to(any_world, tag, new_challenge(any_world))
    any_world.clock.advance(seconds=100_000)
    assert any_world.press(credentials=[kept], purpose="redeem")["reason"] == "tag_out_of_time"
    moved = {"kind": "tag", "values": kept["values"] | {"challenge": new_challenge(any_world)}}
    assert any_world.press(credentials=[moved], purpose="redeem")["reason"] == "tag_not_genuine"


@pytest.mark.parametrize("pressed_at", ["2026-11-18T03:00:10Z", "2026-11-19T06:46:39Z"])
def test_a_tap_that_was_kept_redeems_nothing_whatever_the_phone_says_of_its_time(
    make_world: Any, sqlite_url: str, pressed_at: str
) -> None:
    world = make_world(sqlite_url, opening=[[(0, 1440)]] * 7, factor="sun")
    url = Tapped(world).url()
    world.clock.advance(seconds=100_000)
    assert press(world, url, purpose="redeem", pressed_at=pressed_at)["reason"] in (
        "age_unproven",
        "too_late",
    )


@pytest.mark.parametrize("answer", ["", "tag:", "tag:00", "00" * 39, "tag:" + "00" * 39])
def test_what_is_no_answer_of_a_tag_is_refused(world: Any, answer: str) -> None:
    Tapped(world)
    values = {"answer": answer, "challenge": new_challenge(world)}
    reason = world.press(credentials=[{"kind": "tag", "values": values}])["reason"]
    assert reason in ("tag_malformed", "tag_not_genuine")


def test_a_url_is_good_once_and_counters_may_skip_but_not_go_back(any_world: Any) -> None:
    tag = Tapped(any_world)
    first, second, third = tag.url(), tag.url(), tag.url()
    assert press(any_world, first)["outcome"] == "accepted"
    assert press(any_world, first)["reason"] == "sun_replayed"
    assert press(any_world, third)["outcome"] == "accepted"
    assert press(any_world, second)["reason"] == "sun_replayed"


@pytest.mark.parametrize("at", [30, 40, 64, -1])
def test_an_altered_url_is_refused(world: Any, at: int) -> None:
    url = Tapped(world).url()
    altered = url[:at] + ("0" if url[at] != "0" else "1") + url[at:][1:]
    assert press(world, altered)["reason"] == "sun_not_genuine"


def test_a_tag_of_another_stamp_is_refused(world: Any) -> None:
    assert press(world, Tapped(world, paired=False).url())["reason"] == "sun_not_genuine"


def test_the_right_pattern_with_a_wrong_tag_raises_an_alarm_for_a_cloned_pattern(world: Any) -> None:
    first = press(world, Tapped(world, paired=False).url())["press"]
    base = f"/v1/merchants/{world.one.merchant_id}/alarms"
    (alarm,) = world.ok("GET", base, world.one.server_key)
    assert (alarm["kind"], alarm["suspended"]) == ("cloned_pattern", False)
    shown = world.ok("GET", f"{base}/{alarm['id']}", world.one.server_key)
    assert [one["id"] for one in shown["presses"]] == [first]


def test_a_tag_belongs_to_one_stamp(world: Any) -> None:
    Tapped(world)
    path = f"/v1/merchants/{world.one.merchant_id}/stamps/{world.one.stamps[1].stamp_id}/credentials"
    assert world.call("POST", path, world.one.server_key, json={"uid": UID.hex()}).status_code == 409


def test_a_second_tag_of_a_stamp_counts_by_itself(any_world: Any) -> None:
    first = Tapped(any_world)
    assert press(any_world, first.url())["outcome"] == "accepted"
    second = Tapped(any_world, bytes.fromhex("04de5f1eacc041"))
    assert press(any_world, second.url())["outcome"] == "accepted"
    assert press(any_world, first.url())["outcome"] == "accepted"


def test_an_unknown_kind_of_credential_is_refused(world: Any) -> None:
    assert world.press(credentials=[{"kind": "magic", "values": {}}])["reason"] == "factor_unknown"


def test_of_eight_at_once_with_one_url_one_is_accepted(any_world: Any) -> None:
    tag = Tapped(any_world)
    bodies = [
        [any_world.body(credentials=[sun(url)], member=f"m{n}", device=f"d{n}") for n in range(8)]
        for url in (tag.url(), tag.url(), tag.url())
    ]

    def send(body: Any) -> str:
        headers = {"Idempotency-Key": f"at once {id(body)}"}
        return str(
            any_world.ok("POST", "/v1/presses", any_world.one.app_key, json=body, headers=headers)["outcome"]
        )

    for one in bodies:
        any_world.clock.advance(minutes=11)
        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(send, one)) == ["accepted"] + ["refused"] * 7
