"""The page itself: figures of one merchant, put into words and charts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from jinja2 import Environment, PackageLoader, StrictUndefined
from stampbench.sim.service.customers import counts
from stampbench.sim.service.customers.messages import campaigns_of
from stampbench.sim.service.customers.segments import members_where, parse
from stampbench.sim.service.fraud.alarms import open_alarms
from stampbench.sim.service.owner.charts import Bar, lying, standing
from stampbench.sim.service.owner.words import Words
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.database import Cut
from stampbench.sim.service.tables.customers import Member, Segment
from stampbench.sim.service.tables.loyalty import Program
from stampbench.sim.service.tables.tenants import Merchant

DAYS: Final = 30
_STORED_SEGMENTS: Final = 20
_STORES: Final = 12
_ALARMS: Final = 5
_MESSAGES: Final = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Customers that a question finds; ``share`` of all members, 0..1."""

    name: str
    query: str
    count: int
    share: float


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("stampbench.sim.service.owner", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def sign_in_page(words: Words, *, wrong: bool = False) -> str:
    """Return where the key is asked for."""
    return _templates().get_template("sign_in.html.j2").render(words=words, wrong=wrong)


def owner_page(service: Service, merchant_id: int, words: Words) -> str:
    """Return the figures of a merchant today and in the last thirty days."""
    now_us = service.clock.now_us()
    now = service.calendar.local(now_us)
    last = now.date()
    first = last - dt.timedelta(days=DAYS - 1)
    with service.database.read() as connection:
        span = connection, merchant_id, first.isoformat(), last.isoformat()
        name = connection.execute(sa.select(Merchant.name).where(Merchant.id == merchant_id)).scalar_one()
        card = connection.execute(
            sa.select(Program.card_stamps).where(Program.merchant_id == merchant_id)
        ).scalar_one_or_none()
        members = connection.execute(
            sa.select(sa.func.count()).where(Member.merchant_id == merchant_id, Member.erased_us.is_(None))
        ).scalar_one()
        content: dict[str, Any] = {
            "today": counts.totals(connection, merchant_id, last.isoformat(), last.isoformat()),
            "repeat": counts.repeat_rate(*span),
            "matters": counts.open_matters(connection, merchant_id),
            "groups": _groups(connection, merchant_id, card, members, now_us, words),
            "day_chart": _day_chart(counts.by_day(*span), words),
            "hour_chart": _hour_chart(counts.by_hour(*span), words),
            "store_chart": _store_chart(counts.by_store(*span), words),
            "stamp_chart": _stamp_chart(counts.by_stamp(*span), words),
            "alarms": [
                (one, f"{service.calendar.local(one.at_us):%m-%d %H:%M}")
                for one in open_alarms(connection, merchant_id, limit=_ALARMS)
            ],
            "messages": [
                (one, service.calendar.day(one["at_us"]))
                for one in campaigns_of(connection, merchant_id, Cut(limit=_MESSAGES))[:_MESSAGES]
            ],
        }
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            words=words,
            name=name,
            card=card,
            members=members,
            days=DAYS,
            time=f"{now:%Y-%m-%d %H:%M}",
            **content,
        )
    )


def _day_chart(days: list[dict[str, Any]], words: Words) -> Any:
    bars = []
    for i, one in enumerate(days):
        date = dt.date.fromisoformat(one["day"])
        weekday = words.weekdays[date.weekday()]
        tooltip = words.presses_of.format(count=one["presses"], customers=one["customers"])
        label = f"{date.month}/{date.day}" if (len(days) - 1 - i) % 7 == 0 else ""
        bars.append(Bar(one["presses"], label, f"{one['day']} ({weekday}) {tooltip}", date.weekday() == 6))
    return standing(bars, words.by_day)


def _hour_chart(hours: list[int], words: Words) -> Any:
    bars = [
        Bar(
            count,
            str(hour) if hour % 3 == 0 else "",
            f"{words.hour.format(hour=hour)} {words.presses.format(count=count)}",
        )
        for hour, count in enumerate(hours)
    ]
    return standing(bars, words.by_hour)


def _store_chart(stores: list[dict[str, Any]], words: Words) -> Any:
    bars = [
        Bar(
            one["presses"],
            one["name"],
            words.presses_of.format(count=f"{one['presses']:,}", customers=f"{one['customers']:,}"),
        )
        for one in stores[:_STORES]
    ]
    return lying(bars, words.by_store)


def _stamp_chart(stamps: list[dict[str, Any]], words: Words) -> Any:
    bars = []
    for one in stamps[:_STORES]:
        tooltip = words.presses_of.format(count=f"{one['presses']:,}", customers=f"{one['customers']:,}")
        if one["state"] != "active":
            tooltip = words.stamp_out
        bars.append(Bar(one["presses"], f"{one['name']} · {one['serial']}", tooltip))
    return lying(bars, words.by_stamp)


def _groups(
    connection: sa.Connection, merchant_id: int, card: int | None, members: int, now_us: int, words: Words
) -> list[Group]:
    """Return the questions every owner has, then those that were given a name."""
    questions = [(words.segment_gone, "unseen >= 30"), (words.segment_once, "presses = 1 and unseen >= 14")]
    if card is not None:
        almost = max(1, card - 2)
        questions = [
            (words.segment_card.format(stamps=almost), f"stamps = {almost}"),
            (words.segment_card_gone.format(stamps=almost), f"stamps = {almost} and unseen >= 30"),
            *questions,
            (words.segment_coupon, "coupons >= 1"),
        ]
    stored = connection.execute(
        sa.select(Segment.name, Segment.query)
        .where(Segment.merchant_id == merchant_id)
        .order_by(Segment.id)
        .limit(_STORED_SEGMENTS)
    )
    groups = []
    for name, query in [*questions, *((row.name, row.query) for row in stored)]:
        count = len(members_where(connection, merchant_id, parse(query), now_us))
        groups.append(Group(name, query, count, count / members if members else 0.0))
    return groups
