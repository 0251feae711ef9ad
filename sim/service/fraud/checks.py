"""Checks of one press against what is known: pure, one function each, each with its explanation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stampbench.sim.service.clock import HOUR_US, MINUTE_US, SECOND_US, Calendar
from stampbench.sim.service.presses.evidence import Outcome, Place, Purpose
from stampbench.sim.service.rules import Rules

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius R1 (IUGG)."""


class Kind(StrEnum):
    """What a check looks for; also the press's reason code."""

    AWAY = "away_from_store"
    TWO_PLACES = "two_places"
    TRAVEL = "impossible_travel"
    HOURS = "outside_hours"
    STAMP_BURST = "stamp_burst"
    DEVICE_BURST = "device_burst"
    STAFF = "staff_self_stamping"
    SHARED_DEVICE = "device_of_many_members"
    MOCKED = "mocked_place"
    NO_PLACE = "no_place"
    CLONED = "cloned_pattern"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier press that gave a place."""

    press_id: int
    at_us: int
    place: Place


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known when a press is checked.

    Attributes:
        at_us: when it was pressed.
        store: its place; ``accuracy_m`` is the store's radius.
        opening: of the store, as stored.
        stamp_before, member_before: their latest located presses.
        stamp_recent, device_recent: presses in the burst window.
        staff_recent: the member's loyalty presses lately, if the member works for the merchant.
        device_members: members for whom the device pressed within a day, this one included.
    """

    at_us: int
    purpose: Purpose
    place: Place | None
    store: Place
    opening: str
    require_place: bool
    stamp_before: Earlier | None = None
    member_before: Earlier | None = None
    stamp_recent: int = 0
    device_recent: int = 0
    staff_recent: int = 0
    is_staff: bool = False
    device_members: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """What a check found.

    Attributes:
        outcome: of the press: refused or review.
        explanation: with the figures.
        behind: earlier presses that are part of it.
        sure: one is enough for an alarm; otherwise a second one within the rules' time.
        suspends: a confirmed one suspends the stamp.
    """

    kind: Kind
    outcome: Outcome
    explanation: str
    behind: tuple[int, ...] = ()
    sure: bool = False
    suspends: bool = False


def suspicions(seen: Circumstances, rules: Rules, calendar: Calendar) -> Iterator[Suspicion]:
    """Yield all that the checks find, gravest first."""
    place = seen.place
    if place is None:
        if seen.require_place:
            yield Suspicion(kind=Kind.NO_PLACE, outcome=Outcome.REVIEW, explanation="no place was given")
    elif place.mocked:
        yield Suspicion(
            kind=Kind.MOCKED, outcome=Outcome.REVIEW, explanation="the device says that its place was made up"
        )
    else:
        yield from _two_places(seen, place, rules)
        yield from _away(seen, place, rules)
        yield from _travel(seen, place, rules)
    yield from _hours(seen, rules, calendar)
    yield from _bursts(seen, rules)
    yield from _staff(seen, rules)


def cloned(reason: str) -> Suspicion:
    """Return the pattern is the stamp's and the credential is not: somebody has copied the pattern."""
    text = f"the pattern is the stamp's and its credential is not ({reason})"
    return Suspicion(kind=Kind.CLONED, outcome=Outcome.REFUSED, explanation=text, sure=True)


def _away(seen: Circumstances, place: Place, rules: Rules) -> Iterator[Suspicion]:
    if place.accuracy_m > rules.close_enough_m:
        return
    away = distance_m(seen.store.lat_deg, seen.store.lon_deg, place.lat_deg, place.lon_deg)
    allowed = seen.store.accuracy_m + 2.0 * place.accuracy_m
    if away > allowed:
        text = f"pressed {away:.0f} m from its store, where {allowed:.0f} m are allowed"
        far = away - allowed > rules.far_m
        yield Suspicion(kind=Kind.AWAY, outcome=Outcome.REFUSED, explanation=text, sure=far, suspends=True)


def _two_places(seen: Circumstances, place: Place, rules: Rules) -> Iterator[Suspicion]:
    if (text := _too_fast(seen.stamp_before, seen.at_us, place, rules)) and seen.stamp_before is not None:
        yield Suspicion(
            kind=Kind.TWO_PLACES,
            outcome=Outcome.REFUSED,
            explanation=f"one stamp {text}",
            behind=(seen.stamp_before.press_id,),
            sure=True,
            suspends=True,
        )


def _travel(seen: Circumstances, place: Place, rules: Rules) -> Iterator[Suspicion]:
    before = seen.member_before
    if (text := _too_fast(before, seen.at_us, place, rules)) and before is not None:
        yield Suspicion(
            kind=Kind.TRAVEL,
            outcome=Outcome.REFUSED,
            explanation=f"one member {text}",
            behind=(before.press_id,),
            sure=True,
        )


def _too_fast(before: Earlier | None, at_us: int, place: Place, rules: Rules) -> str:
    if before is None:
        return ""
    apart = distance_m(before.place.lat_deg, before.place.lon_deg, place.lat_deg, place.lon_deg)
    radii = 2.0 * (before.place.accuracy_m + place.accuracy_m)
    speed = least_speed_kmh(apart, radii, at_us - before.at_us, rules.skew_seconds)
    if apart - radii < rules.speed_least_m or speed <= rules.speed_kmh:
        return ""
    minutes = abs(at_us - before.at_us) / MINUTE_US
    return f"in two places {apart / 1000:.1f} km apart within {minutes:.0f} min: at least {speed:.0f} km/h"


def _hours(seen: Circumstances, rules: Rules, calendar: Calendar) -> Iterator[Suspicion]:
    if seen.purpose in (Purpose.CHECK_IN, Purpose.CHECK_OUT):
        return  # staff come before opening and leave after closing
    if not is_open(seen.opening, seen.at_us, calendar, rules.opening_slack_minutes):
        clock = calendar.local(seen.at_us)
        yield Suspicion(
            kind=Kind.HOURS,
            outcome=Outcome.REVIEW,
            explanation=f"pressed at {clock:%H:%M}, when the store is closed",
        )


def _bursts(seen: Circumstances, rules: Rules) -> Iterator[Suspicion]:
    if seen.stamp_recent >= rules.burst_presses:
        text = f"{seen.stamp_recent + 1} presses of one stamp within {rules.burst_minutes} min"
        yield Suspicion(kind=Kind.STAMP_BURST, outcome=Outcome.REVIEW, explanation=text, sure=True)
    if seen.device_recent >= rules.burst_device:
        text = f"{seen.device_recent + 1} presses of one device within {rules.burst_minutes} min"
        yield Suspicion(kind=Kind.DEVICE_BURST, outcome=Outcome.REVIEW, explanation=text, sure=True)


def _staff(seen: Circumstances, rules: Rules) -> Iterator[Suspicion]:
    if seen.purpose is not Purpose.STAMP:
        return
    if seen.is_staff and seen.staff_recent >= rules.staff_presses:
        text = (
            f"{seen.staff_recent + 1} stamps for one's own card by somebody who works there"
            f" within {rules.staff_window_hours} h"
        )
        yield Suspicion(kind=Kind.STAFF, outcome=Outcome.REVIEW, explanation=text, sure=True)
    if seen.device_members > rules.staff_device_members:
        text = f"one device pressed for {seen.device_members} members within a day"
        yield Suspicion(kind=Kind.SHARED_DEVICE, outcome=Outcome.REVIEW, explanation=text, sure=True)


def is_open(opening: str, at_us: int, calendar: Calendar, slack_minutes: int) -> bool:
    """Return whether a store is open, give or take the slack.

    Args:
        opening: seven days of ``[opens, closes]`` in minutes after midnight, Monday first, as JSON.
        at_us: when.
        calendar: of the store.
        slack_minutes: before opening and after closing.
    """
    days: list[list[tuple[int, int]]] = json.loads(opening)
    local = calendar.local(at_us)
    minute = local.hour * 60 + local.minute
    return any(
        opens - slack_minutes <= minute + shift <= closes + slack_minutes
        for back, shift in ((0, 0), (1, 1440), (-1, -1440))
        for opens, closes in days[(local.weekday() - back) % 7]
    )


def distance_m(lat_a_deg: float, lon_a_deg: float, lat_b_deg: float, lon_b_deg: float) -> float:
    """Return the great-circle distance of two places (haversine)."""
    lat_a, lat_b = math.radians(lat_a_deg), math.radians(lat_b_deg)
    half_lat = math.sin((lat_b - lat_a) / 2.0)
    half_lon = math.sin(math.radians(lon_b_deg - lon_a_deg) / 2.0)
    h = half_lat**2 + math.cos(lat_a) * math.cos(lat_b) * half_lon**2
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


def least_speed_kmh(distance_m: float, radii_m: float, elapsed_us: int, skew_s: float) -> float:
    """Return the slowest travel that explains two places: their radii off the way, the clocks' skew added."""
    hours = (abs(elapsed_us) + skew_s * SECOND_US) / HOUR_US
    return max(0.0, distance_m - radii_m) / 1000.0 / hours if hours > 0.0 else math.inf
