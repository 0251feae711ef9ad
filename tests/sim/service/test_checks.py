"""The checks by themselves: distances, speeds, opening hours."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from stampbench.sim.service.clock import HOUR_US, MINUTE_US, Calendar, to_us
from stampbench.sim.service.fraud.checks import (
    Circumstances,
    Earlier,
    Kind,
    Suspicion,
    distance_m,
    is_open,
    least_speed_kmh,
    suspicions,
)
from stampbench.sim.service.presses.evidence import Place, Purpose
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
    return list(suspicions(Circumstances(**(seen | changes)), Rules(), SEOUL))


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


def test_a_vague_place_says_nothing() -> None:
    assert found(place=Place(37.9, 126.978, 3000.0)) == []


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
