"""One press over HTTP: what it is answered, and what follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from stampbench.sim.service.presses.geometry import repeat_digest, ruler_step
from stampbench.sim.service.seed import moved, pressed, settled
from stampbench.sim.service.tables.presses import Review
from stampbench.sim.stamps import load_family


def test_a_genuine_press_is_accepted_and_names_stamp_and_store(any_world: Any) -> None:
    answer = any_world.press()
    assert (answer["outcome"], answer["reason"]) == ("accepted", "ok")
    assert answer["stamp"]["serial"] == "S001-001-01"
    assert answer["store"]["name"] == "Store 1"
    assert answer["token"]


def test_an_accepted_press_stamps_the_card(any_world: Any) -> None:
    any_world.press()
    assert any_world.balances()["stamps"] == 1
    assert any_world.balances()["points"] == 5


def test_the_same_key_gets_the_same_answer_and_counts_once(any_world: Any) -> None:
    world, body = any_world, any_world.body()
    headers = {"Idempotency-Key": "once-and-no-more"}
    first = world.ok("POST", "/v1/presses", world.one.app_key, json=body, headers=headers)
    again = world.ok("POST", "/v1/presses", world.one.app_key, json=body, headers=headers)
    assert again == first | {"earlier": True}
    assert world.balances()["stamps"] == 1


def test_a_key_used_for_another_request_is_refused(world: Any) -> None:
    headers = {"Idempotency-Key": "used-for-another"}
    world.ok("POST", "/v1/presses", world.one.app_key, json=world.body(), headers=headers)
    answer = world.call("POST", "/v1/presses", world.one.app_key, json=world.body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "key-reused")


def test_the_same_contacts_under_another_key_are_a_replay_even_if_moved_and_turned(any_world: Any) -> None:
    contacts = pressed(any_world.one.stamps[0].pads_mm, any_world.rng)
    turned = contacts @ np.array([[0.0, -1.0], [1.0, 0.0]]) + (80.0, 7.5)
    assert any_world.press(contacts=contacts.tolist())["outcome"] == "accepted"
    assert any_world.press(contacts=contacts.tolist())["reason"] == "replayed"
    again = settled(turned, any_world.rng).tolist()
    assert any_world.press(contacts=turned.tolist(), contacts_again=again)["reason"] == "replayed"


def test_contacts_are_a_replay_for_thirty_days(any_world: Any) -> None:
    world, px_per_mm = any_world, 6.0
    contacts = np.round(pressed(world.one.stamps[0].pads_mm, world.rng) * px_per_mm).tolist()

    def reason() -> str:
        said = {"contacts": contacts, "contacts_again": None, "px_per_mm": px_per_mm}
        return str(world.press(**said)["reason"])

    assert (reason(), reason()) == ("ok", "replayed")
    world.clock.advance(days=29)
    assert reason() == "replayed"
    world.clock.advance(days=31)
    assert reason() == "ok"


@pytest.mark.parametrize("px_per_mm", [None, 6.0, 12.0, 18.0])
def test_genuine_presses_of_one_stamp_are_not_taken_for_each_other(px_per_mm: float | None) -> None:
    """In 0.01 mm or in whole pixels, all at one spot of the screen: none of 4,000 is a replay."""
    rng, pads = np.random.default_rng(3), load_family("p5-60k").pads(20406)
    digests = set()
    for _ in range(4000):
        points = pressed(pads, rng)
        points -= points.mean(axis=0) - rng.normal((32.0, 60.0), 3.0, 2)
        sent = np.round(points, 2) if px_per_mm is None else np.round(points * px_per_mm)
        digests.add(repeat_digest(sent, 1.0 if px_per_mm is None else 1.0 / px_per_mm))
    assert len(digests) == 4000


@pytest.mark.parametrize(
    ("coordinate", "step"), [(3.0, 1.0), (3.5, 0.5), (3.0 + 1 / 3, 1 / 3), (3.1, 0.1), (3.01, 0.0)]
)
def test_the_ruler_shows_in_the_contacts(coordinate: float, step: float) -> None:
    assert ruler_step(np.array([[coordinate, 2.0], [7.0, 0.0]])) == step


@pytest.mark.parametrize("scale", [0.95, 1.05])
def test_a_copy_at_another_scale_is_refused(world: Any, scale: float) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng, scale=scale)
    assert world.press(contacts=contacts.tolist())["outcome"] == "refused"


def test_contacts_in_pixels_are_read_with_the_screen_s_density(world: Any) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng) * 17.5
    again = settled(contacts / 17.5, world.rng) * 17.5
    answer = world.press(contacts=contacts.tolist(), contacts_again=again.tolist(), px_per_mm=17.5)
    assert answer["outcome"] == "accepted"


def test_two_equal_sets_of_contacts_are_looked_at_by_a_person(world: Any) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng).tolist()
    answer = world.press(contacts=contacts, contacts_again=contacts)
    assert (answer["outcome"], answer["reason"], answer["token"]) == ("review", "not_live", None)
    assert world.balances()["stamps"] == 0


def test_a_second_set_of_another_stamp_is_refused(world: Any) -> None:
    other = pressed(world.one.stamps[1].pads_mm, world.rng).tolist()
    assert world.press(contacts_again=other)["reason"] == "not_one_press"


def test_a_press_in_review_stamps_the_card_when_a_person_accepts_it_and_once(world: Any) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng).tolist()
    press = world.press(contacts=contacts, contacts_again=contacts)["press"]
    path = f"/v1/merchants/{world.one.merchant_id}/presses/{press}/review"
    review = {"accept": True, "reason": "seen on the shop's camera"}
    world.ok("POST", path, world.one.server_key, json=review)
    assert world.balances()["stamps"] == 1
    assert world.call("POST", path, world.one.server_key, json=review).status_code == 409


def test_presses_that_wait_for_a_person_are_listed(world: Any) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng).tolist()
    world.press()
    press = world.press(contacts=contacts, contacts_again=contacts)["press"]
    path = f"/v1/merchants/{world.one.merchant_id}/presses"
    (waiting,) = world.ok("GET", f"{path}?outcome=review", world.one.server_key)
    assert (waiting["id"], waiting["reason"]) == (press, "not_live")
    assert not waiting.keys() & {"member", "device"}
    assert len(world.ok("GET", path, world.one.server_key)) == 2
    assert world.ok("GET", f"/v1/merchants/{world.two.merchant_id}/presses", world.two.server_key) == []


def test_a_stamp_of_another_merchant_is_unknown(world: Any) -> None:
    contacts = pressed(world.two.stamps[0].pads_mm, world.rng).tolist()
    answer = world.press(contacts=contacts)
    assert (answer["reason"], answer["stamp"]) == ("not_recognised", None)


def test_a_device_that_guesses_patterns_has_to_wait(world: Any) -> None:
    family = [pressed(world.two.stamps[0].pads_mm, world.rng).tolist() for _ in range(10)]
    for contacts in family:
        assert world.press(contacts=contacts, device="robot")["reason"] == "not_recognised"
    assert world.press(device="robot")["reason"] == "too_many_tries"
    assert world.press(device="somebody else's")["outcome"] == "accepted"
    world.clock.advance(minutes=9, seconds=50)
    assert world.press(device="robot")["reason"] == "too_many_tries"
    world.clock.advance(seconds=11)
    assert world.press(device="robot", member="robert")["outcome"] == "accepted"


@pytest.mark.parametrize("state", ["disabled", "revoked"])
def test_a_stamp_that_is_not_active_is_refused_at_the_next_press(world: Any, state: str) -> None:
    assert world.press()["outcome"] == "accepted"
    stamp = world.one.stamps[0].stamp_id
    path = f"/v1/merchants/{world.one.merchant_id}/stamps/{stamp}/state"
    world.ok("POST", path, world.one.server_key, json={"state": state, "reason": "lost"})
    expected = {"disabled": "stamp_disabled", "revoked": "not_recognised"}[state]
    assert world.press()["reason"] == expected


def test_a_device_s_clock_may_be_off_by_two_minutes_and_no_more(world: Any) -> None:
    assert world.press(pressed_at="2026-11-18T12:01:50+09:00")["outcome"] == "accepted"
    assert world.press(pressed_at="2026-11-18T12:02:10+09:00")["reason"] == "from_the_future"
    assert world.press(pressed_at="2026-11-18T11:57:50+09:00")["reason"] == "too_late"


def test_an_offline_reading_needs_a_bundle_of_the_same_merchant_that_was_good(world: Any) -> None:
    path = f"/v1/merchants/{world.one.merchant_id}/bundle"
    bundle = world.ok("GET", path, world.one.server_key)["bundle"]
    reading = {"serial": "S001-001-01", "bundle": bundle}
    plain = {"contacts": None, "contacts_again": None, "reading": reading, "place": None}
    world.clock.advance(hours=20)
    assert world.press(**plain, pressed_at="2026-11-18T13:00:00+09:00")["outcome"] == "accepted"
    world.clock.advance(hours=71)
    late = world.press(**plain, pressed_at="2026-11-22T06:00:00+09:00")
    assert late["reason"] == "bundle_expired"
    headers = {"Idempotency-Key": "another merchant's"}
    body = {"reading": reading, "pressed_at": "2026-11-22T06:00:00+09:00"}
    answer = world.call("POST", "/v1/presses", world.two.app_key, json=body, headers=headers)
    assert answer.status_code == 422


def test_an_app_s_word_alone_counts_twice_a_day_and_then_a_person_looks(any_world: Any) -> None:
    """Nothing was pressed as far as the service can tell: whoever has the app could say so all day."""
    world = any_world
    path = f"/v1/merchants/{world.one.merchant_id}/bundle"
    reading = {"serial": "S001-001-01", "bundle": world.ok("GET", path, world.one.server_key)["bundle"]}
    said = {"contacts": None, "contacts_again": None, "reading": reading, "place": None}
    answers = []
    for n in range(3):
        world.clock.advance(hours=1)
        answers.append(world.press(**said, device=f"phone {n}")["reason"])
    assert answers == ["ok", "ok", "many_offline"]
    assert world.press()["outcome"] == "accepted"
    world.clock.advance(hours=24)
    assert world.press(**said, device="phone 4")["outcome"] == "accepted"


def test_an_offline_reading_does_not_redeem(world: Any) -> None:
    path = f"/v1/merchants/{world.one.merchant_id}/bundle"
    reading = {"serial": "S001-001-01", "bundle": world.ok("GET", path, world.one.server_key)["bundle"]}
    said = {"contacts": None, "contacts_again": None, "reading": reading, "place": None}
    answer = world.press(**said, purpose="redeem")
    assert (answer["outcome"], answer["reason"], answer["token"]) == ("refused", "offline", None)


def test_what_a_person_decided_is_written_down_with_the_reason(world: Any) -> None:
    contacts = pressed(world.one.stamps[0].pads_mm, world.rng).tolist()
    press = world.press(contacts=contacts, contacts_again=contacts)["press"]
    path = f"/v1/merchants/{world.one.merchant_id}/presses/{press}/review"
    world.ok("POST", path, world.one.server_key, json={"accept": False, "reason": "two equal sets"})
    assert world.rows(sa.select(Review.press_id, Review.accepted, Review.reason)) == [
        (press, False, "two equal sets")
    ]


def test_a_bundle_that_was_altered_is_refused(world: Any) -> None:
    path = f"/v1/merchants/{world.one.merchant_id}/bundle"
    head, body, signature = world.ok("GET", path, world.one.server_key)["bundle"].split(".")
    altered = ".".join([head, body[:-4] + "AAAA", signature])
    answer = world.call(
        "POST",
        "/v1/presses",
        world.one.app_key,
        json={"reading": {"serial": "S001-001-01", "bundle": altered}},
        headers={"Idempotency-Key": "altered bundle"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bundle")


class TestTokens:
    def verify(self, world: Any, key: str, merchant: Any, token: str, member: str | None) -> Any:
        path = f"/v1/merchants/{merchant.merchant_id}/tokens/verify"
        return world.call("POST", path, key, json={"token": token, "member": member})

    def test_a_token_is_good_once_for_its_member_and_merchant(self, any_world: Any) -> None:
        world, token = any_world, any_world.press()["token"]
        key, one = world.one.server_key, world.one
        assert self.verify(world, world.two.server_key, world.two, token, "anna").status_code == 404
        assert self.verify(world, key, one, token, "berta").status_code == 404
        assert self.verify(world, key, one, token, None).status_code == 404
        answer = self.verify(world, key, one, token, "anna")
        assert (answer.status_code, answer.json()["purpose"]) == (200, "stamp")
        assert self.verify(world, key, one, token, "anna").status_code == 409

    def test_a_token_of_nobody_is_good_at_its_own_merchant_alone(self, world: Any) -> None:
        token = world.press(member=None)["token"]
        assert self.verify(world, world.two.server_key, world.two, token, None).status_code == 404
        assert self.verify(world, world.one.server_key, world.one, token, None).status_code == 200

    def test_a_token_is_good_for_120_s(self, world: Any) -> None:
        first, second = world.press()["token"], world.press(member="berta", device="hers")["token"]
        world.clock.advance(seconds=120)
        assert self.verify(world, world.one.server_key, world.one, second, "berta").status_code == 200
        world.clock.advance(seconds=1)
        token = first
        assert self.verify(world, world.one.server_key, world.one, token, "anna").status_code == 404

    def test_an_app_cannot_verify_tokens(self, world: Any) -> None:
        token = world.press()["token"]
        assert self.verify(world, world.one.app_key, world.one, token, "anna").status_code == 403

    def test_an_invented_token_is_unknown(self, world: Any) -> None:
        assert self.verify(world, world.one.server_key, world.one, "certSuccess", "anna").status_code == 404


class TestFraud:
    def away(self, world: Any, metres: float, **more: Any) -> Any:
        store = world.one.stores[0]
        lat, lon = moved((store.lat_deg, store.lon_deg), metres, 1.0)
        return world.press(place={"lat_deg": lat, "lon_deg": lon, "accuracy_m": 20.0}, **more)

    def alarms(self, world: Any) -> Any:
        path = f"/v1/merchants/{world.one.merchant_id}/alarms"
        return world.ok("GET", path, world.one.server_key)

    def test_a_stamp_near_its_store_is_accepted_within_twice_the_accuracy(self, world: Any) -> None:
        assert self.away(world, 180.0)["outcome"] == "accepted"
        assert self.away(world, 200.0)["reason"] == "away_from_store"

    def test_a_second_press_away_from_the_store_suspends_the_stamp(self, any_world: Any) -> None:
        world = any_world
        self.away(world, 500.0)
        assert self.alarms(world) == []
        world.clock.advance(hours=3)
        self.away(world, 500.0, member="thief", device="phone of the thief")
        (alarm,) = self.alarms(world)
        assert (alarm["kind"], alarm["suspended"]) == ("away_from_store", True)
        assert world.press(member="carl")["reason"] == "stamp_suspended"

    def test_an_alarm_shows_the_presses_behind_it(self, world: Any) -> None:
        first = self.away(world, 500.0)["press"]
        second = self.away(world, 500.0)["press"]
        (alarm,) = self.alarms(world)
        path = f"/v1/merchants/{world.one.merchant_id}/alarms/{alarm['id']}"
        shown = world.ok("GET", path, world.one.server_key)
        assert [press["id"] for press in shown["presses"]] == [first, second]
        assert "500 m from its store" in shown["explanation"]

    def test_far_away_one_press_is_enough_for_an_alarm_and_a_second_source_suspends(
        self, any_world: Any
    ) -> None:
        world = any_world
        for _ in range(4):
            self.away(world, 5000.0)
            world.clock.advance(minutes=5)
        (alarm,) = self.alarms(world)
        assert not alarm["suspended"]
        assert world.press(member="carl", device="phone of carl")["outcome"] == "accepted"
        self.away(world, 5000.0, member="dora", device="phone of dora")
        assert self.alarms(world)[0]["suspended"]

    def test_a_genuine_press_elsewhere_does_not_help_one_abuser_to_suspend(self, any_world: Any) -> None:
        world = any_world
        assert world.press()["outcome"] == "accepted"
        world.clock.advance(minutes=1)
        for _ in range(3):
            assert self.away(world, 9000.0, member="m", device="of mallory")["outcome"] == "refused"
        assert [one["suspended"] for one in self.alarms(world)] == [False] * len(self.alarms(world))
        assert world.press(member="carl", device="phone of carl")["outcome"] == "accepted"

    def suspend(self, world: Any) -> None:
        for member in ("anna", "berta"):
            self.away(world, 5000.0, member=member, device=member)

    def test_a_merchant_lifts_a_suspension_with_a_reason(self, any_world: Any) -> None:
        self.suspend(any_world)
        path = f"/v1/merchants/{any_world.one.merchant_id}/stamps/{any_world.one.stamps[0].stamp_id}"
        key = any_world.one.server_key
        assert any_world.press(member="carl")["reason"] == "stamp_suspended"
        assert any_world.call("POST", f"{path}/state", key, json={"state": "active"}).status_code == 422
        body = {"state": "active", "reason": "a fair, with our stamp"}
        any_world.ok("POST", f"{path}/state", key, json=body)
        assert any_world.press(member="dora")["outcome"] == "accepted"
        assert any_world.ok("GET", f"{path}/history", key)[-1]["reason"] == "a fair, with our stamp"

    def test_an_appeal_is_decided_by_the_vendor_and_lifts_the_suspension(self, world: Any) -> None:
        self.suspend(world)
        base = f"/v1/merchants/{world.one.merchant_id}"
        alarm = f"{base}/alarms/{self.alarms(world)[0]['id']}"
        key, vendor = world.one.server_key, world.seeded.vendor_key
        world.ok("POST", f"{alarm}/appeal", key, json={"reason": "a fair, with our stamp"})
        decision = {"dismiss": True, "reason": "the fair was announced"}
        assert world.call("POST", f"{alarm}/decision", key, json=decision).status_code == 403
        world.ok("POST", f"{alarm}/decision", vendor, json=decision)
        assert world.press(member="dora")["outcome"] == "accepted"
        assert world.call("POST", f"{alarm}/decision", vendor, json=decision).status_code == 409

    def test_presses_of_an_alarm_that_was_dismissed_confirm_no_other(self, any_world: Any) -> None:
        world = any_world
        path = f"/v1/merchants/{world.one.merchant_id}/alarms"
        for member in ("a", "b"):
            self.away(world, 500.0, member=member, device=member)
        decision = {"dismiss": True, "reason": "the fair was announced"}
        alarm = self.alarms(world)[0]["id"]
        world.ok("POST", f"{path}/{alarm}/decision", world.seeded.vendor_key, json=decision)
        self.away(world, 500.0, member="c", device="c")
        assert world.press(member="d", device="d")["outcome"] == "accepted"
        assert len(self.alarms(world)) == 1
        self.away(world, 500.0, member="e", device="e")
        assert world.press(member="f", device="f")["reason"] == "stamp_suspended"

    def test_a_merchant_may_want_no_suspension(self, world: Any) -> None:
        path = f"/v1/merchants/{world.one.merchant_id}"
        world.ok("PATCH", path, world.one.server_key, json={"suspend_automatically": False})
        self.suspend(world)
        assert world.press(member="carl")["outcome"] == "accepted"

    def test_one_member_in_two_stores_too_quickly_is_refused(self, any_world: Any) -> None:
        world = any_world
        world.press()
        world.clock.advance(minutes=1)
        answer = world.press(stamp=world.one.stamps[1])
        assert (answer["outcome"], answer["reason"]) == ("refused", "impossible_travel")
        world.clock.advance(hours=1)
        assert world.press(stamp=world.one.stamps[1])["outcome"] == "accepted"

    def test_a_press_at_night_is_looked_at_by_a_person(self, world: Any) -> None:
        world.clock.advance(hours=14)
        assert world.press()["reason"] == "outside_hours"

    def test_a_made_up_place_is_looked_at_by_a_person(self, world: Any) -> None:
        place = world.body()["place"] | {"mocked": True}
        assert world.press(place=place)["reason"] == "mocked_place"

    def test_a_made_up_place_is_held_against_nobody_who_comes_later(self, any_world: Any) -> None:
        """Otherwise one phone could have a stamp suspended: in two places with whoever presses next."""
        far = any_world.body()["place"] | {"lat_deg": 35.1, "mocked": True}
        assert any_world.press(place=far, member="mallory", device="mallory's")["outcome"] == "review"
        any_world.clock.advance(minutes=1)
        assert any_world.press()["outcome"] == "accepted"

    def test_a_merchant_may_want_a_place(self, world: Any) -> None:
        assert world.press(place=None)["outcome"] == "accepted"
        path = f"/v1/merchants/{world.one.merchant_id}"
        world.ok("PATCH", path, world.one.server_key, json={"require_place": True})
        assert world.press(place=None)["reason"] == "no_place"

    def test_a_burst_of_one_device_is_looked_at_by_a_person(self, world: Any) -> None:
        answers = [world.press(member="anna")["reason"] for _ in range(6)]
        assert answers == ["ok"] * 5 + ["device_burst"]

    def test_staff_who_stamp_their_own_card_raise_an_alarm(self, any_world: Any) -> None:
        world, one = any_world, any_world.one
        staff = {"store": one.stores[0].store_id, "member": "anna", "number": "7", "hourly_wage": 10_030}
        world.ok("POST", f"/v1/merchants/{one.merchant_id}/staff", one.server_key, json=staff)
        answers = []
        for _ in range(3):
            answers.append(world.press()["reason"])
            world.clock.advance(hours=1)
        assert answers == ["ok", "ok", "staff_self_stamping"]
        assert self.alarms(world)[0]["kind"] == "staff_self_stamping"

    def test_a_device_of_many_members_is_looked_at_by_a_person(self, world: Any) -> None:
        answers = []
        for member in ("a", "b", "c", "d"):
            answers.append(world.press(member=member, device="behind the counter")["reason"])
            world.clock.advance(hours=1)
        assert answers == ["ok", "ok", "ok", "device_of_many_members"]


class TestFallback:
    def fall_back(self, world: Any, **changes: Any) -> Any:
        body = {
            "method": "otp",
            "store_number": world.one.stores[0].number,
            "member": "anna",
            "device": "cracked phone",
        } | changes
        headers = {"Idempotency-Key": f"fallback-{world.rng.integers(2**60)}"}
        answer = world.call("POST", "/v1/presses/fallback", world.one.app_key, json=body, headers=headers)
        assert answer.is_success or answer.status_code == 429, (answer.status_code, answer.text)
        return answer.json()

    def code(self, world: Any, steps: int = 0) -> str:
        import base64

        from stampbench.sim.service.presses.fallback import hotp, totp_step

        store = world.one.stores[0].store_id
        path = f"/v1/merchants/{world.one.merchant_id}/stores/{store}/otp-secret"
        secret = base64.b32decode(world.ok("GET", path, world.seeded.vendor_key)["secret"])
        return hotp(secret, totp_step(world.clock.now_us()) + steps)

    def test_a_staff_code_is_good_once(self, any_world: Any) -> None:
        code = self.code(any_world)
        assert self.fall_back(any_world, code=code)["outcome"] == "accepted"
        assert self.fall_back(any_world, code=code, member="berta")["reason"] == "code_used"
        assert any_world.balances()["stamps"] == 1

    @pytest.mark.parametrize(
        ("steps", "reason"), [(-2, "wrong_code"), (-1, "ok"), (1, "ok"), (2, "wrong_code")]
    )
    def test_a_code_may_drift_by_one_step(self, world: Any, steps: int, reason: str) -> None:
        assert self.fall_back(world, code=self.code(world, steps))["reason"] == reason

    def test_guessing_codes_ends_after_five(self, world: Any) -> None:
        good = self.code(world)
        wrong = f"{(int(good) + 1) % 10**6:06d}"
        reasons = [self.fall_back(world, code=wrong)["reason"] for _ in range(6)]
        assert reasons == ["wrong_code"] * 5 + ["too_many_tries"]
        assert self.fall_back(world, code=good)["reason"] == "too_many_tries"

    def test_the_store_number_is_good_once_a_day_and_member(self, world: Any) -> None:
        assert self.fall_back(world, method="store-number")["outcome"] == "accepted"
        assert self.fall_back(world, method="store-number")["reason"] == "too_many_today"
        world.clock.advance(hours=25)
        assert self.fall_back(world, method="store-number")["outcome"] == "accepted"

    def test_a_fallback_gives_no_token(self, world: Any) -> None:
        assert self.fall_back(world, method="store-number")["token"] is None


def test_one_time_codes_are_those_of_rfc_4226_and_6238() -> None:
    from stampbench.sim.service.presses.fallback import hotp

    secret = b"12345678901234567890"
    expected = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert " ".join(hotp(secret, counter) for counter in range(10)) == expected
    times = {59: "94287082", 1111111109: "07081804", 1234567890: "89005924", 20000000000: "65353130"}
    assert {t: hotp(secret, t // 30, 8) for t in times} == times
