"""The checks by themselves: distances, speeds, opening hours."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from stampbench.sim.service.clock import HOUR_US, MINUTE_US, Calendar, to_us
from stampbench.sim.service.fraud.checks import (
    Circumstances,
    Earlier,
    Kind,
    Suspicion,
    cloned,
    distance_m,
    is_open,
    least_speed_kmh,
    suspicions,
)
from stampbench.sim.service.presses.evidence import Outcome, Place, Purpose
from stampbench.sim.service.rules import Rules

SEOUL = Calendar(ZoneInfo("Asia/Seoul"))
DAYTIME = json.dumps([[[480, 1320]]] * 7)
STORE = Place(37.5665, 126.978, 150.0)


def at(text: str) -> int:
    return to_us(dt.datetime.fromisoformat(text))


def found(**changes: Any) -> list[Suspicion]:
    seen: dict[str, Any] = {
        "at_us": at("2026-11-18T12:00:00+09:00"),
        "purpose": Purpose.STAMP,
        "place": Place(STORE.lat_deg, STORE.lon_deg, 15.0),
        "store": STORE,
        "opening": DAYTIME,
        "require_place": False,
    }
    rules = changes.pop("rules", Rules())
    return list(suspicions(Circumstances(**(seen | changes)), rules, SEOUL))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((24, 72), (24.001, 72.001), 150.6),
        ((24, 72), (24.01, 72.01), 1506.1),
        ((25, 75), (25.01, 75.01), 1500.6),
        ((25, 75), (25.1, 75.1), 15004.0),
    ],
)
def test_distances_are_those_of_frappe_hrms_geofences(
    a: tuple[float, float], b: tuple[float, float], metres: float
) -> None:
    assert distance_m(*a, *b) == pytest.approx(metres, rel=2e-4)


def test_a_speed_allows_for_radii_and_skew() -> None:
    assert least_speed_kmh(10_000.0, 400.0, 6 * MINUTE_US, 120.0) == pytest.approx(72.0)
    assert least_speed_kmh(300.0, 400.0, 0, 120.0) == 0.0


def test_nothing_is_found_in_a_press_at_its_store() -> None:
    assert found() == []


def test_one_stamp_in_two_places_is_found_before_a_stamp_away_from_its_store() -> None:
    before = Earlier(7, at("2026-11-18T11:58:00+09:00"), Place(37.60, 126.978, 15.0))
    away = Place(37.62, 127.1, 15.0)
    kinds = [one.kind for one in found(place=away, stamp_before=before)]
    assert kinds == [Kind.TWO_PLACES, Kind.AWAY]


def test_a_clock_that_runs_backwards_does_not_hide_a_journey() -> None:
    before = Earlier(7, at("2026-11-18T12:00:30+09:00"), Place(37.70, 126.978, 15.0))
    (travel,) = found(member_before=before)
    assert (travel.kind, travel.behind) == (Kind.TRAVEL, (7,))
    assert "14.8 km apart" in travel.explanation


@pytest.mark.parametrize(("north_m", "sure"), [(1_600.0, False), (2_000.0, True)])
def test_far_from_its_store_one_press_is_enough(north_m: float, sure: bool) -> None:
    lat_deg = STORE.lat_deg + north_m / 111_195.0
    (away,) = found(place=Place(lat_deg, STORE.lon_deg, 15.0))
    assert (away.kind, away.sure) == (Kind.AWAY, sure)


METRES_PER_DEGREE = 111_195.08  # of latitude, on a sphere of 6,371,008.8 m


def north(metres: float, accuracy_m: float = 15.0) -> Place:
    return Place(STORE.lat_deg + metres / METRES_PER_DEGREE, STORE.lon_deg, accuracy_m)


@pytest.mark.parametrize(
    ("metres", "accuracy_m", "kinds"),
    [
        (179.0, 15.0, []),  # 150 m of the store and twice 15 m
        (181.0, 15.0, [Kind.AWAY]),
        (4149.0, 2000.0, []),
        (4151.0, 2000.0, [Kind.AWAY]),
        (40_000.0, 2001.0, []),  # a place as vague as that says nothing
    ],
)
def test_a_press_is_at_its_store_within_its_radius_and_twice_the_accuracy(
    metres: float, accuracy_m: float, kinds: list[Kind]
) -> None:
    assert [one.kind for one in found(place=north(metres, accuracy_m))] == kinds


@pytest.mark.parametrize(("beyond_m", "sure"), [(1499.0, False), (1501.0, True)])
def test_one_press_is_enough_1500_m_beyond_what_is_allowed(beyond_m: float, sure: bool) -> None:
    (away,) = found(place=north(180.0 + beyond_m))
    assert (away.sure, away.suspends) == (sure, True)


@pytest.mark.parametrize(
    ("metres", "minutes", "kinds"),
    [
        # Both places may be off by twice 15 m, both clocks by 120 s together: 150 km/h are 2.5 km a minute.
        (60.0 + 24_900.0, 8.0, []),
        (60.0 + 25_100.0, 8.0, [Kind.TRAVEL]),
        (60.0 + 999.0, 0.0, []),
        (60.0 + 5_001.0, 0.0, [Kind.TRAVEL]),
        (60.0 + 4_999.0, 0.0, []),
    ],
)
def test_nobody_travels_faster_than_150_km_per_hour(metres: float, minutes: float, kinds: list[Kind]) -> None:
    now = at("2026-11-18T12:00:00+09:00")
    before = Earlier(7, now - round(minutes * MINUTE_US), north(metres))
    assert [one.kind for one in found(member_before=before)] == kinds


def test_less_than_a_kilometre_apart_is_no_journey() -> None:
    rules = replace(Rules(), skew_seconds=0)
    for metres, kinds in ((1059.0, []), (1061.0, [Kind.TRAVEL])):
        before = Earlier(7, at("2026-11-18T12:00:00+09:00"), north(metres))
        assert [one.kind for one in found(rules=rules, member_before=before)] == kinds


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"stamp_recent": 29}, []),
        ({"stamp_recent": 30}, [Kind.STAMP_BURST]),
        ({"device_recent": 4}, []),
        ({"device_recent": 5}, [Kind.DEVICE_BURST]),
        ({"is_staff": True, "staff_recent": 1}, []),
        ({"is_staff": True, "staff_recent": 2}, [Kind.STAFF]),
        ({"is_staff": False, "staff_recent": 2}, []),
        ({"is_staff": True, "staff_recent": 2, "purpose": Purpose.REDEEM}, []),
        ({"device_members": 3}, []),
        ({"device_members": 4}, [Kind.SHARED_DEVICE]),
        ({"device_members": 4, "purpose": Purpose.REDEEM}, []),
        ({"place": None, "require_place": False}, []),
        ({"place": None, "require_place": True}, [Kind.NO_PLACE]),
        ({"place": Place(0.0, 0.0, 15.0, mocked=True)}, [Kind.MOCKED]),
    ],
)
def test_what_is_looked_at_by_a_person(changes: dict[str, Any], kinds: list[Kind]) -> None:
    suspected = found(**changes)
    assert [one.kind for one in suspected] == kinds
    assert all(one.outcome is Outcome.REVIEW for one in suspected)


def test_a_pattern_without_its_credential_is_refused_and_one_is_enough() -> None:
    suspicion = cloned("nfc_not_genuine")
    assert (suspicion.kind, suspicion.outcome, suspicion.sure) == (Kind.CLONED, Outcome.REFUSED, True)


@pytest.mark.parametrize(
    ("time", "open_then"),
    [
        ("2026-11-18T07:29:00+09:00", False),
        ("2026-11-18T07:31:00+09:00", True),
        ("2026-11-18T22:30:00+09:00", True),
        ("2026-11-18T22:31:00+09:00", False),
    ],
)
def test_opening_hours_have_half_an_hour_of_slack(time: str, open_then: bool) -> None:
    assert is_open(DAYTIME, at(time), SEOUL, 30) is open_then


def test_a_bar_is_open_after_midnight() -> None:
    friday_night = json.dumps([[], [], [], [], [[1080, 1560]], [], []])
    assert is_open(friday_night, at("2026-11-21T01:45:00+09:00"), SEOUL, 0)
    assert not is_open(friday_night, at("2026-11-21T02:15:00+09:00"), SEOUL, 0)
    assert is_open(
        json.dumps([[[10, 600]], [], [], [], [], [], []]), at("2026-11-15T23:55:00+09:00"), SEOUL, 30
    )


def test_staff_may_check_in_before_the_store_opens() -> None:
    early = at("2026-11-18T06:00:00+09:00")
    assert [one.kind for one in found(at_us=early)] == [Kind.HOURS]
    assert found(at_us=early, purpose=Purpose.CHECK_IN) == []


def test_months_and_days_are_those_of_seoul() -> None:
    assert SEOUL.day(at("2026-10-31T23:59:59+09:00")) == "2026-10-31"
    assert SEOUL.month_of(at("2026-10-31T15:00:00+00:00")) == "2026-11"
    begin, end = SEOUL.month_us("2026-11")
    assert (end - begin) // HOUR_US == 30 * 24
