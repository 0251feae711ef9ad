"""The generator's own books, kept the slow and obvious way, and held against the service's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.stage import FIRST_DAY, PRICE, Merchant, Stage

THREAT: Final = "12-13 Books: ledger, attendance, invoices"
CARD: Final = 10
POINTS: Final = 5
PER_DAY: Final = 3
WAGE: Final = 10_320
"""Korean minimum wage of 2026, won an hour."""
_FULL_DAY_MINUTES: Final = 480
_LONGEST_US: Final = 12 * 3_600_000_000
"""A check-out that is later has lost its check-in."""


@dataclass
class Account:
    """What a member should have."""

    stamps: int = 0
    points: int = 0
    coupons: int = 0
    days: Counter[str] = field(default_factory=Counter)


class Books:
    """What should be in the service after honest use.

    Attributes:
        accepted: presses, each of which costs.
    """

    def __init__(self) -> None:
        self._accounts: dict[tuple[int, str], Account] = {}
        self._punches: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.accepted = 0

    @staticmethod
    def program() -> dict[str, Any]:
        """The program that these books follow."""
        return {
            "card_stamps": CARD,
            "points_per_stamp": POINTS,
            "stamps_per_day": PER_DAY,
            "redeem_factor": True,
        }

    def account(self, merchant: int, member: str) -> Account:
        """A member's account."""
        return self._accounts.setdefault((merchant, member), Account())

    def stamped(self, merchant: int, member: str, day: str) -> None:
        """A stamp, unless the day is full; ten make a coupon."""
        account = self.account(merchant, member)
        if account.days[day] == PER_DAY:
            return
        account.days[day] += 1
        account.stamps += 1
        account.points += POINTS
        if account.stamps == CARD:
            account.stamps = 0
            account.coupons += 1

    def punch(self, who: str, kind: str, at_us: int) -> None:
        """Somebody came or went."""
        self._punches[who].append((kind, at_us))

    def members(self, merchant: int) -> dict[str, Account]:
        """All of a merchant."""
        return {who: account for (number, who), account in self._accounts.items() if number == merchant}

    def stamps_given(self, merchant: int) -> int:
        """By all days."""
        return sum(sum(account.days.values()) for account in self.members(merchant).values())

    def worked(self, who: str, wage: int) -> tuple[int, int]:
        """Minutes and wage: eight hours a day, half as much again beyond; unfinished days count nothing."""
        minutes_in_all = wage_in_all = 0
        came_us: int | None = None
        for kind, at_us in self._punches[who]:
            if kind == "check-in":
                came_us = at_us
            elif came_us is not None and at_us - came_us > _LONGEST_US:
                came_us = None
            elif came_us is not None:
                minutes = (at_us - came_us) // 60_000_000
                # In sixtieths of half a wage, so that nothing is rounded before the end.
                parts = 2 * min(minutes, _FULL_DAY_MINUTES) + 3 * max(0, minutes - _FULL_DAY_MINUTES)
                minutes_in_all += minutes
                wage_in_all += (parts * wage + 60) // 120
                came_us = None
        return minutes_in_all, wage_in_all


def reconcile(
    stage: Stage, books: Books, merchants: Sequence[Merchant], staff: Mapping[str, int]
) -> Iterator[Finding]:
    """Every balance, every month of work, every invoice: difference 0."""
    stage.tell.say("reconciling ledger, attendance and invoices")
    yield _ledger(stage, books, merchants)
    yield _counts(stage, books, merchants)
    yield _attendance(stage, books, merchants, staff)
    yield _invoices(stage, books)


def _ledger(stage: Stage, books: Books, merchants: Sequence[Merchant]) -> Trial:
    tries = wrong = 0
    for merchant in merchants:
        for who, account in books.members(merchant.number).items():
            reply = stage.ask("GET", f"{merchant.path}/members/{who}/card", merchant.server_key)
            # Who was never accepted and never refused with a stamp is not known to the service.
            found = reply.body["balances"] if reply.ok else {}
            wanted = {
                "stamps": account.stamps,
                "points": account.points,
                "points-frozen": 0,
                "coupons": account.coupons,
                "coupons-frozen": 0,
            }
            tries += len(wanted)
            wrong += sum(found.get(name, 0) != value for name, value in wanted.items())
    return Trial(THREAT, "balances of all members, against the generator's", tries, wrong)


def _counts(stage: Stage, books: Books, merchants: Sequence[Merchant]) -> Trial:
    """Members and stamps of the month, as a shop owner is told."""
    last = stage.service.calendar.day(stage.clock.at_us)
    wrong = 0
    for merchant in merchants:
        counts = stage.need("GET", f"{merchant.path}/counts?from={FIRST_DAY}&to={last}", merchant.server_key)
        wrong += counts["stamps"] != books.stamps_given(merchant.number)
    return Trial(THREAT, "stamps of the month, as the owner sees them", len(merchants), wrong)


def _attendance(stage: Stage, books: Books, merchants: Sequence[Merchant], staff: Mapping[str, int]) -> Trial:
    wrong = 0
    for who, number in staff.items():
        merchant = merchants[int(who.removeprefix("staff").partition("-")[0])]
        minutes = wage = 0
        for month in _months(stage):
            path = f"{merchant.path}/staff/{number}/hours/{month}"
            work = stage.need("GET", path, merchant.server_key)
            minutes += work["worked_minutes"]
            wage += work["wage"]
        wrong += (minutes, wage) != books.worked(who, WAGE)
    return Trial(THREAT, "hours and wages of all staff", len(staff), wrong)


def _invoices(stage: Stage, books: Books) -> Trial:
    path = f"/v1/vendors/{stage.vendor_id}"
    bills = [stage.need("POST", f"{path}/invoices/{month}", stage.vendor_key) for month in _months(stage)]
    events, amount = sum(bill["events"] for bill in bills), sum(bill["amount"] for bill in bills)
    check = stage.need("GET", f"{path}/invoices-check", stage.vendor_key)
    wrong = (events != books.accepted) + (amount != PRICE * books.accepted) + (not check["agrees"])
    return Trial(
        THREAT, "invoice: events, amount, recomputation", 3, wrong, note=f"{events} presses of the month"
    )


def _months(stage: Stage) -> list[str]:
    calendar = stage.service.calendar
    first, last = FIRST_DAY.isoformat()[:7], calendar.month_of(stage.clock.at_us)
    return [first] if first == last else [first, last]
