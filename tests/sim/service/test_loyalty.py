"""Cards, coupons, mileage: the ledger is the balance, and two-phase redemption happens once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from stampbench.sim.service.housekeeping import tidy
from stampbench.sim.service.tables.loyalty import Coupon, Entry


def base(world: Any) -> str:
    return f"/v1/merchants/{world.one.merchant_id}"


def set_program(world: Any, **changes: Any) -> None:
    world.ok("PUT", f"{base(world)}/program", world.one.server_key, json={"card_stamps": 3} | changes)


def give_coupon(world: Any, member: str = "anna") -> int:
    body = {"member": member, "name": "1 free"}
    return int(world.ok("POST", f"{base(world)}/coupons", world.one.server_key, json=body)["id"])


def freeze(world: Any, token: str, **what: Any) -> Any:
    body = {"member": "anna", "token": token, "minutes": 10} | what
    return world.call("POST", f"{base(world)}/redemptions", world.one.server_key, json=body)


def step(world: Any, redemption: int, name: str) -> Any:
    body = {"json": {"reason": "wrong coupon"}} if name == "reverse" else {}
    path = f"{base(world)}/redemptions/{redemption}/{name}"
    return world.call("POST", path, world.one.server_key, **body)


def redeem_token(world: Any, **changes: Any) -> str:
    return str(world.press(purpose="redeem", **changes)["token"])


def test_a_full_card_becomes_a_coupon(any_world: Any) -> None:
    set_program(any_world)
    for _ in range(3):
        any_world.press()
    assert any_world.balances()["stamps"] == 0
    assert any_world.balances()["coupons"] == 1


def test_a_second_stamp_within_the_delay_is_not_given(world: Any) -> None:
    set_program(world, delay_minutes=60)
    world.press()
    world.clock.advance(minutes=59)
    assert world.press()["outcome"] == "accepted"
    assert world.balances()["stamps"] == 1
    world.clock.advance(minutes=1)
    world.press()
    assert world.balances()["stamps"] == 2


def test_stamps_of_a_day_are_capped_and_the_day_is_seoul_s(world: Any) -> None:
    set_program(world, stamps_per_day=1)
    world.press()
    world.clock.advance(hours=9)
    world.press()
    assert world.balances()["stamps"] == 1
    world.clock.advance(hours=12)
    world.press()
    assert world.balances()["stamps"] == 2


def test_a_coupon_is_frozen_executed_and_reversed_in_two_phases(any_world: Any) -> None:
    world, coupon = any_world, give_coupon(any_world)
    redemption = freeze(world, redeem_token(world), coupon=coupon).json()["id"]
    assert {k: world.balances()[k] for k in ("coupons", "coupons-frozen")} == {
        "coupons": 0,
        "coupons-frozen": 1,
    }
    assert step(world, redemption, "execute").json() == {"state": "executed"}
    assert step(world, redemption, "execute").status_code == 409
    assert sum(world.balances().values()) == 0
    assert step(world, redemption, "reverse").json() == {"state": "reversed"}
    assert world.balances()["coupons"] == 1
    assert freeze(world, redeem_token(world), coupon=coupon).status_code == 201


def test_mileage_is_frozen_and_released(world: Any) -> None:
    world.press()
    assert freeze(world, redeem_token(world), points=6).status_code == 409
    redemption = freeze(world, redeem_token(world), points=5).json()["id"]
    assert (world.balances()["points"], world.balances()["points-frozen"]) == (0, 5)
    assert step(world, redemption, "release").status_code == 200
    assert (world.balances()["points"], world.balances()["points-frozen"]) == (5, 0)
    assert step(world, redemption, "execute").status_code == 409


def test_what_stays_frozen_is_released_by_itself_and_cannot_be_executed_late(world: Any) -> None:
    redemption = freeze(world, redeem_token(world), coupon=give_coupon(world)).json()["id"]
    world.clock.advance(minutes=10)
    assert step(world, redemption, "execute").status_code == 409
    assert tidy(world.service)["released"] == 1
    assert world.balances()["coupons"] == 1


def test_coupons_expire_and_are_void(world: Any) -> None:
    first, second = give_coupon(world), give_coupon(world)
    path = f"{base(world)}/coupons/{second}/void"
    world.ok("POST", path, world.one.server_key)
    assert world.call("POST", path, world.one.server_key).status_code == 409
    world.clock.advance(days=91)
    assert tidy(world.service)["expired"] == 1
    assert world.balances()["coupons"] == 0
    assert freeze(world, redeem_token(world), coupon=first).status_code == 409


def test_a_coupon_redeems_to_its_last_day_and_no_longer_before_anybody_tidies_it_away(world: Any) -> None:
    coupon, later = give_coupon(world), give_coupon(world)
    world.clock.advance(days=90, hours=10)  # ten in the evening of the last day; it was given at noon
    assert freeze(world, redeem_token(world), coupon=coupon).status_code == 201
    world.clock.advance(hours=11)
    assert freeze(world, redeem_token(world), coupon=later).status_code == 409


def test_a_card_lists_the_coupons_of_its_member_alone(world: Any) -> None:
    mine, hers = give_coupon(world), give_coupon(world, "berta")
    for member, coupon in (("anna", mine), ("berta", hers)):
        card = world.ok("GET", f"{base(world)}/members/{member}/card", world.one.server_key)
        assert [listed["id"] for listed in card["coupons"]] == [coupon]


@pytest.mark.parametrize(("minutes", "status"), [(0, 422), (1, 201), (60, 201), (61, 422)])
def test_a_freeze_lasts_one_to_sixty_minutes(world: Any, minutes: int, status: int) -> None:
    answer = freeze(world, redeem_token(world), coupon=give_coupon(world), minutes=minutes)
    assert answer.status_code == status


def test_a_token_of_a_plain_press_does_not_redeem(world: Any) -> None:
    token = world.press()["token"]
    assert freeze(world, token, coupon=give_coupon(world)).status_code == 422


def test_a_coupon_of_another_member_is_not_there(world: Any) -> None:
    assert freeze(world, redeem_token(world), coupon=give_coupon(world, "berta")).status_code == 404


def test_a_program_may_want_a_second_factor_to_redeem(world: Any) -> None:
    set_program(world, redeem_factor=True)
    assert world.press(purpose="redeem")["reason"] == "factor_missing"
    assert world.press()["outcome"] == "accepted"


@pytest.mark.parametrize("shared", [True, False], ids=["one token", "many tokens"])
def test_of_fifty_clients_that_redeem_one_coupon_at_once_one_succeeds(any_world: Any, shared: bool) -> None:
    world, coupon = any_world, give_coupon(any_world)
    tokens = []
    for n in range(1 if shared else 25):
        tokens.append(redeem_token(world, device=f"phone {n}"))
        world.clock.advance(seconds=1)
    with ThreadPoolExecutor(50) as pool:
        statuses = list(
            pool.map(lambda n: freeze(world, tokens[n % len(tokens)], coupon=coupon).status_code, range(50))
        )
    assert Counter(statuses) == {201: 1, 409: 49}
    assert world.balances() == {
        "stamps": 0,
        "points": 0,
        "points-frozen": 0,
        "coupons": 0,
        "coupons-frozen": 1,
    }


def test_entries_cannot_be_changed_or_removed(any_world: Any) -> None:
    any_world.press()
    for statement in (sa.update(Entry).values(amount=99), sa.delete(Entry)):
        with (
            pytest.raises(sa.exc.IntegrityError, match="append-only"),
            any_world.service.database.write() as c,
        ):
            c.execute(statement)


def test_the_ledger_balances_whatever_is_done(world: Any) -> None:
    """Random steps against a model that counts by hand."""
    set_program(world, points_per_stamp=5, stamps_per_day=1000)

    class Ledger(RuleBasedStateMachine):
        start = world.balances() if world.press() else {}

        def __init__(self) -> None:
            super().__init__()
            self.expected = world.balances()
            self.redemptions: dict[int, tuple[str, int | None]] = {}
            self.coupons: dict[int, str] = {}

        def press(self, **changes: Any) -> Any:
            world.clock.advance(minutes=5)
            if world.service.calendar.local(world.clock.now_us()).hour >= 21:
                world.clock.advance(hours=12)
            return world.press(**changes)

        @rule()
        def stamp(self) -> None:
            assert self.press()["outcome"] == "accepted"
            self.expected["points"] += 5
            self.expected["stamps"] += 1
            if self.expected["stamps"] == 3:
                self.expected["stamps"] = 0
                self.expected["coupons"] += 1

        @rule()
        def coupon(self) -> None:
            self.coupons[give_coupon(world)] = "issued"
            self.expected["coupons"] += 1

        @rule(data=st.data())
        def freeze_coupon(self, data: Any) -> None:
            if self.coupons:
                coupon = data.draw(st.sampled_from(sorted(self.coupons)))
                answer = freeze(world, self.press(purpose="redeem")["token"], coupon=coupon)
                assert answer.status_code == (201 if self.coupons[coupon] == "issued" else 409)
                if answer.status_code == 201:
                    self.coupons[coupon] = "frozen"
                    self.redemptions[answer.json()["id"]] = ("frozen", coupon)
                    self.expected["coupons"] -= 1
                    self.expected["coupons-frozen"] += 1

        @rule(data=st.data(), name=st.sampled_from(["execute", "release", "reverse"]))
        def go_on(self, data: Any, name: str) -> None:
            if self.redemptions:
                number = data.draw(st.sampled_from(sorted(self.redemptions)))
                state, coupon = self.redemptions[number]
                source = "executed" if name == "reverse" else "frozen"
                answer = step(world, number, name)
                assert answer.status_code in ((200, 409) if state == source else (409,))
                if answer.status_code == 200:
                    assert coupon is not None
                    if source == "frozen":
                        self.expected["coupons-frozen"] -= 1
                    if name != "execute":
                        self.expected["coupons"] += 1
                    self.redemptions[number] = (answer.json()["state"], coupon)
                    self.coupons[coupon] = "redeemed" if name == "execute" else "issued"

        @invariant()
        def balanced(self) -> None:
            assert world.balances() == self.expected
            issued = sa.select(sa.func.count()).where(Coupon.state == "issued")
            assert world.rows(issued)[0][0] == self.expected["coupons"]

    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=4, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
