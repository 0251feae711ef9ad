"""Attendance: golden hours, corrections by two people, wages."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from stampbench.sim.service.attendance.hours import Log, Rule, Shift, attended, worked
from stampbench.sim.service.attendance.pay import PayRules, pay_terms
from stampbench.sim.service.attendance.wages import work_days
from stampbench.sim.service.clock import Calendar, to_us

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
    shift = Shift(0, 8 * HOUR, 5 * MINUTE)
    assert attended(shift, [Log(5 * MINUTE, "in"), Log(8 * HOUR, "out")], ()).late_us == 0
    assert attended(shift, [Log(6 * MINUTE, "in"), Log(8 * HOUR, "out")], ()).late_us == 6 * MINUTE
    assert attended(shift, [], ()).absent
    assert not attended(shift, [], [(HOUR, 2 * HOUR)]).absent


SEOUL = Calendar(ZoneInfo("Asia/Seoul"))
MONDAY = to_us(dt.datetime(2026, 11, 16, tzinfo=SEOUL.zone))


def at(hours: float) -> int:
    """A moment in hours after the midnight on which Monday the 16th begins."""
    return MONDAY + round(hours * 60) * MINUTE


def days_of(
    shifts: list[tuple[float, float]], punches: list[float], rules: PayRules = PayRules.DAILY
) -> list[tuple[str, int, int]]:
    """Day, minutes and wage at 10,000 an hour; punches are check-ins and check-outs in turn."""
    logs = [Log(at(hour), "out" if n % 2 else "in") for n, hour in enumerate(punches)]
    planned = [Shift(at(starts), at(ends)) for starts, ends in shifts]
    days = work_days(logs, planned, 10_000, pay_terms(rules), SEOUL)
    assert not any(day.absent or day.missing for day in days)
    return [(day.day[-2:], day.worked_minutes, day.wage) for day in days]


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ([(10, 14), (17, 21)], [("16", 480, 80_000)]),
        ([(9, 13), (14, 18)], [("16", 480, 80_000)]),
        ([(22, 30), (34, 39)], [("16", 480, 80_000), ("17", 300, 50_000)]),
        ([(0, 6), (18, 24)], [("16", 720, 140_000)]),
        ([(8, 19)], [("16", 660, 125_000)]),
    ],
    ids=["split", "an hour between", "a night and the next day", "overtime of a day", "overtime"],
)
def test_punches_on_the_minute_are_paid_as_planned(
    shifts: list[tuple[float, float]], expected: list[tuple[str, int, int]]
) -> None:
    punches = [hour for shift in shifts for hour in shift]
    assert days_of(shifts, punches) == expected


def test_who_works_through_the_gap_of_two_shifts_is_absent_from_neither() -> None:
    assert days_of([(9, 13), (14, 18)], [9, 18]) == [("16", 540, 95_000)]


def test_a_second_check_in_after_midnight_leaves_the_night_to_the_day_before() -> None:
    logs = [Log(at(23 + 58 / 60), "in"), Log(at(24 + 2 / 60), "in"), Log(at(32), "out")]
    (day,) = work_days(logs, [], 10_000, pay_terms("daily"), SEOUL)
    assert (day.day, day.worked_minutes) == ("2026-11-16", 482)
    assert day.missing == ("2026-11-16T15:02:00+00:00",)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (PayRules.PLAIN, ("16", 600, 100_000)),
        (PayRules.DAILY, ("16", 600, 110_000)),
        # An hour of break is owed: 9 hours are left, one of them overtime; 8 hours are night.
        (PayRules.KR_2024, ("16", 540, 90_000 + 5_000 + 8 * 5_000)),
    ],
)
def test_named_rules_say_what_overtime_nights_and_breaks_are_worth(
    rules: PayRules, expected: tuple[str, int, int]
) -> None:
    assert days_of([], [20, 30], rules) == [expected]


def test_a_week_beyond_forty_hours_is_overtime_once() -> None:
    """Six days of nine hours with an hour away: eight paid each, the sixth beyond the week."""
    shifts = [(24.0 * day + hour, 24.0 * day + hour + 4.0) for day in range(6) for hour in (9, 14)]
    wages = [wage for _, _, wage in days_of(shifts, [h for s in shifts for h in s], PayRules.KR_2024)]
    assert wages == [80_000] * 5 + [120_000]


def oracle(days: list[list[tuple[int, int]]], rules: PayRules, wage: int) -> list[tuple[int, int]]:
    """Minutes and wage of days from Monday the 16th on, minute by minute; spans in minutes of all days."""
    answer, week = [], 0
    for number, spans in enumerate(days):
        week = week if number % 7 else 0
        minutes = [minute for begin, end in spans for minute in range(begin, end)]
        count, owed = len(minutes), 0
        if rules is PayRules.KR_2024:
            owed = 60 if count >= 480 else 30 if count >= 240 else 0
            owed = max(0, owed - (spans[-1][1] - spans[0][0] - count if spans else 0))
        halves = 0
        if rules is PayRules.KR_2024:
            halves = min(
                count - owed, sum(minute % 1440 < 360 or minute % 1440 >= 1320 for minute in minutes)
            )
        for done in range(count - owed):
            overtime = rules is not PayRules.PLAIN and done >= 480
            week += not overtime
            halves += overtime or (rules is PayRules.KR_2024 and week > 2400)
        pay = Fraction(wage, 60) * (count - owed + Fraction(halves, 2))
        answer.append((count - owed, floor(pay + Fraction(1, 2))))
    return answer


@pytest.mark.parametrize("rules", PayRules)
def test_random_months_are_paid_as_a_count_of_every_minute_says(rules: PayRules) -> None:
    """People come and go up to 20 minutes off their shifts, which lie an hour apart or more."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        wage = int(rng.integers(9_000, 20_000))
        shifts, logs = [], []
        spans: list[list[tuple[int, int]]] = []
        begin = 1200 - 1440
        for day in range(28):
            begin = max(day * 1440, begin)
            spans.append([])
            for _ in range(rng.integers(0, 3)):
                begin += int(rng.integers(60, 500))
                end = begin + int(rng.integers(120, 620))
                if begin >= (day + 1) * 1440 - 60:
                    break
                came, left = begin + int(rng.integers(-20, 21)), end + int(rng.integers(-20, 21))
                shifts.append(Shift(at(begin / 60), at(end / 60)))
                logs += [Log(at(came / 60), "in"), Log(at(left / 60), "out")]
                spans[-1].append((came, left))
                begin = end
        days = {one.day: one for one in work_days(logs, shifts, wage, pay_terms(rules), SEOUL)}
        for number, expected in enumerate(oracle(spans, rules, wage)):
            found = days.get(SEOUL.day(at(24 * number)))
            assert ((0, 0) if found is None else (found.worked_minutes, found.wage)) == expected


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
    for missing in ({}, {"reason": " "}, {"agreed_by": " K im"}, {"agreed_by": "KIM"}):
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


def test_a_mistyped_shift_is_refused_or_taken_back_with_a_reason(any_world: Any) -> None:
    world, path, key = any_world, hire(any_world), any_world.one.server_key
    long = {"starts_at": "2026-11-18T12:00:00+09:00", "ends_at": "2199-11-18T21:00:00+09:00"}
    assert world.call("POST", f"{path}/shifts", key, json=long).status_code == 422
    wrong = {"starts_at": "2026-11-17T12:00:00+09:00", "ends_at": "2026-11-17T21:00:00+09:00"}
    shift = world.ok("POST", f"{path}/shifts", key, json=wrong)["id"]
    assert work(world, path)["days"][0]["absent"]
    remove = f"{path}/shifts/{shift}/remove"
    world.ok("POST", remove, key, json={"reason": "wrong day"})
    assert work(world, path)["days"] == []
    assert world.call("POST", remove, key, json={"reason": "wrong day"}).status_code == 404
    (one,) = world.ok("GET", f"{path}/shifts", key)
    assert (one["id"], one["removed_reason"]) == (shift, "wrong day")


def test_a_merchant_chooses_the_rules_of_pay(world: Any) -> None:
    path, merchant = hire(world), f"/v1/merchants/{world.one.merchant_id}"
    for hours, direction in ((8, "in"), (10, "out")):
        world.clock.advance(hours=hours)
        world.press(member="kim", purpose=f"check-{direction}")
    assert work(world, path)["wage"] == 110_330
    world.ok("PATCH", merchant, world.one.server_key, json={"pay_rules": "plain"})
    assert work(world, path)["wage"] == 100_300


def test_hours_and_wages_of_another_merchant_s_staff_are_not_there(world: Any) -> None:
    theirs = hire(world)
    staff = theirs.rpartition("/")[2]
    own = f"/v1/merchants/{world.two.merchant_id}/staff/{staff}"
    shift = {"starts_at": "2026-11-18T09:00:00+09:00", "ends_at": "2026-11-18T17:00:00+09:00"}
    people = {"asked_by": "kim", "agreed_by": "lee"}
    correction = {"at": "2026-11-18T09:00:00+09:00", "direction": "in", "reason": "forgot", **people}
    asked = [
        ("GET", "hours/2026-11", None),
        ("GET", "punches", None),
        ("GET", "shifts", None),
        ("POST", "shifts", shift),
        ("POST", "corrections", correction),
    ]
    for method, what, body in asked:
        answer = world.call(
            method, f"{own}/{what}", world.two.server_key, **({} if body is None else {"json": body})
        )
        assert answer.status_code == 404, (what, answer.text)
    assert world.call("GET", f"{theirs}/hours/2026-11", world.two.server_key).status_code in (403, 404)
