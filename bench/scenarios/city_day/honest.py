"""Honest people: a month of visits and shifts, drawn beforehand, played, and reconciled with the draw."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.bench.judging.statistics import count_interval
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.scenarios.city_day.reconciling import WAGE, Books, reconcile
from stampbench.bench.scenarios.city_day.stage import (
    DAILY,
    FIRST_DAY,
    Merchant,
    PressOf,
    Stage,
    Store,
    at,
    located,
)
from stampbench.bench.scenarios.city_day.tags import Tag
from stampbench.sim.service.housekeeping import tidy

THREAT: Final = "8 Stolen stamp, two places: honest use"
SHIFT: Final = (9 * 60, 18 * 60)
_FRIEND: Final = 0.1
"""Of the visits, share in which a second stamp is pressed a minute later."""
_NO_PLACE: Final = 0.1
_FORGETS: Final = 0.03
_FRAUD: Final = frozenset(
    {"away_from_store", "two_places", "impossible_travel", "outside_hours", "stamp_burst", "device_burst"}
    | {"staff_self_stamping", "device_of_many_members", "mocked_place", "replayed", "too_many_tries"}
    | {"stamp_suspended", "from_the_future", "too_late", "not_live", "not_one_press"}
)


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that somebody does; ``who`` is a member's name, or a staff number with what it does."""

    at_us: int
    kind: str
    merchant: int
    store: int
    who: str


def draw_days(stage: Stage, rng: np.random.Generator) -> list[Event]:
    """Everything honest people do, in the order of time."""
    settings = stage.settings
    events = []
    for m in range(settings.merchants):
        for member in range(settings.members_each):
            visits = rng.poisson(settings.visits * settings.days / 30.0)
            for day in rng.integers(0, settings.days, visits).tolist():
                minute = float(np.clip(rng.normal(*_rush(rng)), DAILY[0] + 1, DAILY[1] - 2))
                store = int(rng.integers(settings.stores_each))
                at_us = at(FIRST_DAY + dt.timedelta(days=day), minute)
                events.append(Event(at_us, "visit", m, store, f"m{member}"))
                if rng.random() < _FRIEND:
                    events.append(Event(at_us + 60_000_000, "visit", m, store, f"m{member}"))
        for store in range(settings.stores_each):
            for day in range(settings.days):
                date = FIRST_DAY + dt.timedelta(days=day)
                if date.weekday() == 6:
                    continue
                who = f"staff{m}-{store}"
                came, left = rng.normal((SHIFT[0] - 3.0, SHIFT[1] + 4.0), 6.0).tolist()
                events.append(Event(at(date, came), "check-in", m, store, who))
                kind = "check-out" if rng.random() >= _FORGETS else "forgot"
                events.append(Event(at(date, left), kind, m, store, who))
    return sorted(events)


def _rush(rng: np.random.Generator) -> tuple[float, float]:
    """Middle and spread (minutes) of the morning, noon or evening rush."""
    rushes = ((8.6 * 60, 30.0), (12.7 * 60, 50.0), (18.5 * 60, 80.0))
    return rushes[int(rng.choice(3, p=(0.25, 0.45, 0.3)))]


def skew_s(rng: np.random.Generator) -> float:
    """How far somebody's clock is off: 15 s as a rule, minutes where it was set by hand (0.3 %, assumed)."""
    if rng.random() < 0.003:
        return float(rng.choice((-1.0, 1.0)) * rng.uniform(60.0, 300.0))
    return float(rng.normal(0.0, 15.0))


class Month:
    """Plays events and keeps the books that the service's must agree with."""

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        self.stage, self.rng = stage, rng
        settings = stage.settings
        self.books = Books()
        self.reasons: Counter[str] = Counter()
        self.presses = 0
        self.alarms = 0
        self.merchants: list[Merchant] = []
        self.tags: dict[int, Tag] = {}
        self.staff: dict[str, int] = {}
        codes = iter(stage.house_codes)
        self._skew_s: dict[str, float] = {}
        self._unused = {code: list(touches) for code, touches in stage.hands.on_panel.items()}
        for m in range(settings.merchants):
            its = [next(codes) for _ in range(settings.stores_each)]
            merchant = stage.merchant(
                f"Merchant {m + 1}",
                stores=settings.stores_each,
                codes=its,
                factor="sun",
                opening=DAILY,
                program=Books.program(),
            )
            self.merchants.append(merchant)
            for s, store in enumerate(merchant.stores):
                self.tags[store.stamps[0].number] = Tag(stage, merchant, store.stamps[0], rng)
                who = f"staff{m}-{s}"
                body = {"store": store.number, "member": who, "number": who, "hourly_wage": WAGE}
                self.staff[who] = stage.need("POST", f"{merchant.path}/staff", merchant.server_key, body)[
                    "id"
                ]

    def play(self, events: list[Event]) -> None:
        """Play all events; progress is told."""
        day = ""
        for n, event in enumerate(events):
            stage = self.stage
            stage.clock.at_us = max(stage.clock.at_us, event.at_us)
            if (today := stage.service.calendar.day(event.at_us)) != day:
                day = today
                tidy(stage.service)
                self.alarms += self._look_at_alarms()
                stage.tell.tried(n, len(events))
            merchant = self.merchants[event.merchant]
            store = merchant.stores[event.store]
            if event.kind == "visit":
                self._visit(merchant, store, event.who)
            elif event.kind == "forgot":
                self._correct(merchant, event)
            elif self._press(merchant, store, event.who, event.kind) is not None:
                self.books.punch(event.who, event.kind, stage.clock.at_us)
        self.alarms += self._look_at_alarms()

    def _look_at_alarms(self) -> int:
        """Every morning the vendor dismisses all alarms, and stamps are good again; how many there were."""
        seen = 0
        for merchant in self.merchants:
            alarms = self.stage.need("GET", f"{merchant.path}/alarms", merchant.server_key)
            for alarm in alarms:
                if alarm["state"] == "open":
                    seen += 1
                    path = f"{merchant.path}/alarms/{alarm['id']}/decision"
                    body = {"dismiss": True, "reason": "an honest customer"}
                    self.stage.need("POST", path, self.stage.vendor_key, body)
        return seen

    def _visit(self, merchant: Merchant, store: Store, who: str) -> None:
        account = self.books.account(merchant.number, who)
        if account.coupons and (token := self._press(merchant, store, who, "redeem")) is not None:
            self._redeem(merchant, who, token)
        if self._press(merchant, store, who, "stamp") is not None:
            self.books.stamped(merchant.number, who, self.stage.service.calendar.day(self.stage.clock.at_us))

    def _press(self, merchant: Merchant, store: Store, who: str, purpose: str) -> str | None:
        """Press once, and again if the pattern was not read; the token if accepted."""
        stamp = store.stamps[0]
        for _ in range(2):
            if who not in self._skew_s:
                self._skew_s[who] = skew_s(self.rng)
            on_panel = self._unused.get(stamp.code)
            of_panel = bool(on_panel) and self.rng.random() < self.stage.settings.panel_share
            touches = (
                on_panel.pop() if of_panel and on_panel else self.stage.hands.press(stamp.code, self.rng)
            )
            place = None if self.rng.random() < _NO_PLACE else located(self.rng, store.place_deg)
            url = self.tags[stamp.number].url() if purpose == "redeem" else None
            press = PressOf(touches, who, f"phone of {who}", place, purpose, url, skew_s=self._skew_s[who])
            reply = self.stage.driver.timed(self.stage.asked(merchant, press))
            self.presses += 1
            if reply.accepted:
                self.books.accepted += 1
                return str(reply.body["token"])
            self.reasons[reply.reason] += 1
            if reply.reason in ("from_the_future", "too_late"):
                self._skew_s[who] = 0.0  # the app sets its clock by the answer
            self.stage.clock.advance(seconds=4)
        return None

    def _redeem(self, merchant: Merchant, who: str, token: str) -> None:
        stage, key = self.stage, merchant.server_key
        card = stage.need("GET", f"{merchant.path}/members/{who}/card", key)
        coupon = next(one["id"] for one in card["coupons"] if one["state"] == "issued")
        body = {"member": who, "token": token, "coupon": coupon, "minutes": 10}
        path = f"{merchant.path}/redemptions"
        number = stage.need("POST", path, key, body)["id"]
        chance = self.rng.random()
        if chance < 0.05:
            stage.need("POST", f"{path}/{number}/release", key)
            return
        stage.need("POST", f"{path}/{number}/execute", key)
        if chance > 0.95:
            stage.need("POST", f"{path}/{number}/reverse", key, {"reason": "returned"})
            return
        self.books.account(merchant.number, who).coupons -= 1

    def _correct(self, merchant: Merchant, event: Event) -> None:
        """Who forgot to check out asks for a correction, and somebody else agrees."""
        path = f"{merchant.path}/staff/{self.staff[event.who]}/corrections"
        moment = dt.datetime.fromtimestamp(event.at_us // 1_000_000, dt.UTC).isoformat()
        body = {
            "direction": "out",
            "at": moment,
            "reason": "forgot to check out",
            "asked_by": event.who,
            "agreed_by": "manager",
        }
        self.stage.need("POST", path, merchant.server_key, body)
        self.books.punch(event.who, "check-out", event.at_us // 1_000_000 * 1_000_000)


def trials(stage: Stage) -> Iterator[Finding]:
    """All that honest use must show."""
    settings, hands = stage.settings, stage.hands
    yield Figure(
        f"error of a contact per axis, {settings.profile}",
        hands.sigma_mm,
        "mm",
        note=f"{settings.panel_presses - hands.missed} of {settings.panel_presses} presses of panel and"
        " controller showed five contacts",
    )
    month = Month(stage, stage.draws("honest"))
    events = draw_days(stage, stage.draws("days"))
    stage.tell.say(f"honest use: {len(events)} visits and punches in {settings.days} days")
    month.play(events)
    suspected = sum(count for reason, count in month.reasons.items() if reason in _FRAUD)
    yield Trial(
        THREAT,
        "honest presses that a check of place, time, device or person stops",
        month.presses,
        suspected,
        0.01,
        _told({reason: count for reason, count in month.reasons.items() if reason in _FRAUD}),
    )
    unread = sum(month.reasons.values()) - suspected
    yield Trial(
        "1 Cloned pad pattern: honest use",
        "genuine presses that are refused for their pattern (FRR)",
        month.presses,
        unread,
        0.02,
        _told({reason: count for reason, count in month.reasons.items() if reason not in _FRAUD}),
    )
    yield from _false_alarms(stage, month)
    yield from _latency(stage)
    yield from reconcile(stage, month.books, month.merchants, month.staff)


def _false_alarms(stage: Stage, month: Month) -> Iterator[Figure]:
    months = stage.settings.merchants * stage.settings.stores_each * stage.settings.days / 30.0
    low, high = count_interval(month.alarms)
    yield Figure(
        "false alarms per store and month of honest use",
        month.alarms / months,
        "1",
        note=f"{month.alarms} alarms in {months:g} store months; exact 95 % interval {low / months:.2g} to"
        f" {high / months:.2g} (Garwood)",
    )
    yield Figure("false alarms per store and month, upper end of that interval", high / months, "1", max=1.0)


def _latency(stage: Stage) -> Iterator[Figure]:
    times_ms = 1000.0 * np.array(stage.driver.seconds)
    for percent in (50, 95, 99):
        yield Figure(
            f"a press over {stage.settings.transport}, {percent} %",
            float(np.percentile(times_ms, percent)),
            "ms",
            note=f"{len(times_ms)} presses, one after the other; server and client share this process",
        )


def _told(reasons: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
