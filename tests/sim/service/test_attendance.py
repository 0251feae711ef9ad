"""Attendance: golden hours, corrections by two people, wages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from stampbench.sim.service.attendance.hours import Log, Rule, Span, kept, pay, worked
from stampbench.sim.service.clock import to_us

MINUTE = 60_000_000
HOUR = 60 * MINUTE
ALTERNATING = [Log(m * MINUTE) for m in (-390, -300, -270, -90, 0)]
TYPED = [
    Log(m * MINUTE, d)
    for d, m in [
        ("out", -390),
        ("in", -360),
        ("out", -300),
        ("in", -290),
        ("out", -260),
        ("in", -240),
        ("in", -150),
        ("out", -60),
    ]
]
PAIR = [Log(-300 * MINUTE, "in"), Log(0, "out")]


@pytest.mark.parametrize(
    ("logs", "first_last_h", "pairs_h"),
    [(ALTERNATING, 6.5, 4.5), (TYPED, 5.0, 4.5), (PAIR, 5.0, 5.0)],
    ids=["alternating", "typed", "single pair"],
)
def test_the_golden_hours_of_frappe_hrms(logs: list[Log], first_last_h: float, pairs_h: float) -> None:
    assert worked(logs, Rule.FIRST_LAST).worked_us == first_last_h * HOUR
    assert worked(logs, Rule.PAIRS).worked_us == pairs_h * HOUR


def test_logs_without_their_counterpart_are_named() -> None:
    assert worked(TYPED, Rule.PAIRS).missing == (TYPED[0], TYPED[6])


def test_late_within_the_grace_is_not_late() -> None:
    span = Span(0, 8 * HOUR, 5 * MINUTE)
    assert kept(span, [Log(5 * MINUTE, "in"), Log(8 * HOUR, "out")]).late_us == 0
    assert kept(span, [Log(6 * MINUTE, "in"), Log(8 * HOUR, "out")]).late_us == 6 * MINUTE
    assert kept(span, []).absent


def test_overtime_is_paid_half_as_much_again() -> None:
    assert pay(10 * HOUR, 10_030, overtime_after_us=8 * HOUR, overtime_factor=1.5) == 110_330


def hire(world: Any) -> str:
    base = f"/v1/merchants/{world.one.merchant_id}/staff"
    body = {"store": world.one.stores[0].store_id, "member": "kim", "number": "7", "hourly_wage": 10_030}
    staff = world.ok("POST", base, world.one.server_key, json=body)["id"]
    return f"{base}/{staff}"


def work(world: Any, path: str) -> Any:
    return world.ok("GET", f"{path}/hours/2026-11", world.one.server_key)


def test_pressing_the_shop_s_stamp_checks_in_and_out(any_world: Any) -> None:
    world, path = any_world, hire(any_world)
    shift = {"starts_at": "2026-11-18T12:00:00+09:00", "ends_at": "2026-11-18T21:00:00+09:00"}
    world.ok("POST", f"{path}/shifts", world.one.server_key, json=shift)
    world.press(member="kim", purpose="check-in")
    world.clock.advance(hours=9)
    world.press(member="kim", purpose="check-out")
    month = work(world, path)
    assert (month["worked_minutes"], month["wage"]) == (540, round(10_030 * 9.5))
    assert month["days"][0]["day"] == "2026-11-18"


def test_a_night_shift_is_one_day_s_work(world: Any) -> None:
    path = hire(world)
    shift = {"starts_at": "2026-11-18T21:00:00+09:00", "ends_at": "2026-11-19T04:00:00+09:00"}
    world.ok("POST", f"{path}/shifts", world.one.server_key, json=shift)
    world.clock.advance(hours=9)
    world.press(member="kim", purpose="check-in")
    world.clock.advance(hours=7)
    world.press(member="kim", purpose="check-out")
    (day,) = work(world, path)["days"]
    assert (day["day"], day["worked_minutes"]) == ("2026-11-18", 420)


def test_the_last_night_of_a_month_is_its_last_day_s_work_and_not_the_next_month_s(world: Any) -> None:
    path, key = hire(world), world.one.server_key
    shift = {"starts_at": "2026-11-30T21:00:00+09:00", "ends_at": "2026-12-01T04:00:00+09:00"}
    world.ok("POST", f"{path}/shifts", key, json=shift)
    for direction, at in (("in", "2026-11-30T21:00:00+09:00"), ("out", "2026-12-01T04:00:00+09:00")):
        world.clock.at_us = to_us(dt.datetime.fromisoformat(at))
        world.press(member="kim", purpose=f"check-{direction}")
    (day,) = work(world, path)["days"]
    assert (day["day"], day["worked_minutes"], day["missing"]) == ("2026-11-30", 420, [])
    assert world.ok("GET", f"{path}/hours/2026-12", key)["days"] == []


def test_a_night_without_a_shift_is_the_work_of_the_day_it_began(world: Any) -> None:
    path = hire(world)
    for hours, direction in ((10, "in"), (6, "out"), (5, "in"), (4, "out")):
        world.clock.advance(hours=hours)
        world.press(member="kim", purpose=f"check-{direction}")
    days = work(world, path)["days"]
    assert [(one["day"], one["worked_minutes"]) for one in days] == [("2026-11-18", 360), ("2026-11-19", 240)]


def test_a_forgotten_check_out_does_not_spoil_the_next_day(world: Any) -> None:
    path = hire(world)
    for hours, direction in ((8, "in"), (12, "in"), (6, "out")):
        world.clock.advance(hours=hours)
        world.press(member="kim", purpose=f"check-{direction}")
    first, second = work(world, path)["days"]
    assert (first["worked_minutes"], first["missing"]) == (0, ["2026-11-18T11:00:00+00:00"])
    assert (second["worked_minutes"], second["missing"]) == (360, [])


def test_everybody_s_month_is_one_list(world: Any) -> None:
    path, key = hire(world), world.one.server_key
    world.press(member="kim", purpose="check-in")
    world.clock.advance(hours=8)
    world.press(member="kim", purpose="check-out")
    base = path.partition("/staff")[0]
    (one,) = world.ok("GET", f"{base}/hours/2026-11", key)
    assert (one["number"], one["worked_minutes"], one["wage"]) == ("7", 480, 8 * 10_030)
    (staff,) = world.ok("GET", f"{base}/staff", key)
    assert staff == {
        "id": one["staff"],
        "store": world.one.stores[0].store_id,
        "number": "7",
        "hourly_wage": 10_030,
    }


def test_a_missing_punch_is_corrected_by_two_people_with_a_reason_and_the_history_stays(world: Any) -> None:
    path, key = hire(world), world.one.server_key
    world.press(member="kim", purpose="check-in")
    world.clock.advance(hours=8)
    assert work(world, path)["days"][0]["missing"] == ["2026-11-18T03:00:00+00:00"]
    correction = {
        "direction": "out",
        "at": "2026-11-18T19:00:00+09:00",
        "reason": "phone was empty",
        "asked_by": "kim",
        "agreed_by": "kim",
    }
    for missing in ({}, {"reason": " "}):
        answer = world.call("POST", f"{path}/corrections", key, json=correction | missing)
        assert answer.status_code == 422
    made = world.ok("POST", f"{path}/corrections", key, json=correction | {"agreed_by": "lee"})
    assert work(world, path)["worked_minutes"] == 420
    void = correction | {"voids": made["id"], "at": None, "agreed_by": "lee"}
    world.ok("POST", f"{path}/corrections", key, json=void)
    assert world.call("POST", f"{path}/corrections", key, json=void).status_code == 409
    assert work(world, path)["worked_minutes"] == 0
    history = world.ok("GET", f"{path}/punches", key)
    assert [one["reason"] for one in history] == ["", "phone was empty", "phone was empty"]
    assert history[1]["asked_by"] == "kim, agreed by lee"


def test_a_punch_by_a_press_counts_once_and_by_others_not_at_all(world: Any) -> None:
    path = hire(world)
    assert world.press(member="anna", purpose="check-in")["reason"] == "not_staff"
    world.press(member="kim", purpose="check-in", key="the same twice")
    history = world.ok("GET", f"{path}/punches", world.one.server_key)
    assert [one["direction"] for one in history] == ["in"]
