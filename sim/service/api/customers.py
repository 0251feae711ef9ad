"""Counts, segments, messages, and members' rights."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from stampbench.sim.service.api.access import (
    Access,
    Body,
    Id,
    MerchantDep,
    Name,
    PathId,
    Text,
    shown,
)
from stampbench.sim.service.customers import counts
from stampbench.sim.service.customers.messages import (
    add_segment,
    campaigns_of,
    segment_members,
    segments_of,
    what_came_back,
    write_to,
)
from stampbench.sim.service.customers.privacy import erase, export, require_member, set_consent, set_contact
from stampbench.sim.service.problems import MalformedError

router = APIRouter(prefix="/v1/merchants/{merchant_id}", tags=["customers"])

MOST_DAYS = 400
FromDay = Annotated[dt.date | None, Query(alias="from")]
ToDay = Annotated[dt.date | None, Query(alias="to")]


class SegmentBody(Body):
    """A question about members: ``stamps = 8 and unseen >= 30``.

    Conditions joined by ``and``, each of a figure (stamps, points, coupons, presses, unseen, joined; the last
    two in days), a comparison and a whole number.
    """

    name: Name
    query: Name


class CampaignBody(Body):
    """What is said to a segment."""

    segment: Id
    text: Text


class ConsentBody(Body):
    """What a member agrees to, or no longer does."""

    purpose: Literal["messages", "sharing"]
    given: bool


class ContactBody(Body):
    """How a member can be reached."""

    address: Name
    language: Literal["ko", "en"] = "ko"


@router.get("/counts")
def get_counts(
    merchant_id: PathId, access: MerchantDep, from_day: FromDay = None, to_day: ToDay = None
) -> dict[str, Any]:
    """Customers, presses and stamps from one day to another (today unless told): in all, by day, hour, ..."""
    first, last = days_of(access, from_day, to_day)
    with access.service.database.read() as connection:
        return {
            "from": first,
            "to": last,
            **counts.totals(connection, merchant_id, first, last),
            "repeat": counts.repeat_rate(connection, merchant_id, first, last),
            "days": counts.by_day(connection, merchant_id, first, last),
            "hours": counts.by_hour(connection, merchant_id, first, last),
            "stamps_used": counts.by_stamp(connection, merchant_id, first, last),
            "stores": counts.by_store(connection, merchant_id, first, last),
        }


@router.post("/segments", status_code=201)
def post_segment(merchant_id: PathId, body: SegmentBody, access: MerchantDep) -> dict[str, int]:
    """Give a question about members a name."""
    with access.service.database.write() as connection:
        return {"id": add_segment(connection, merchant_id, body.name, body.query)}


@router.get("/segments")
def get_segments(merchant_id: PathId, access: MerchantDep) -> list[dict[str, Any]]:
    """Questions that have a name."""
    with access.service.database.read() as connection:
        return segments_of(connection, merchant_id)


@router.get("/segments/{segment_id}")
def get_segment(merchant_id: PathId, segment_id: PathId, access: MerchantDep) -> dict[str, int]:
    """How many members a segment has now; who they are stays in the service."""
    with access.service.database.read() as connection:
        now_us = access.service.clock.now_us()
        return {"members": len(segment_members(connection, merchant_id, segment_id, now_us))}


@router.post("/campaigns", status_code=201)
def post_campaign(merchant_id: PathId, body: CampaignBody, access: MerchantDep) -> dict[str, int]:
    """Write to everybody in a segment who agreed to messages; they go out through the outbox."""
    with access.service.database.write() as connection:
        now_us = access.service.clock.now_us()
        return {"id": write_to(connection, merchant_id, body.segment, body.text, now_us=now_us)}


@router.get("/campaigns")
def get_campaigns(merchant_id: PathId, access: MerchantDep) -> list[dict[str, Any]]:
    """Messages, newest first, at most 100, each with what came back."""
    with access.service.database.read() as connection:
        return [shown(one) for one in campaigns_of(connection, merchant_id)]


@router.get("/campaigns/{campaign_id}")
def get_campaign(merchant_id: PathId, campaign_id: PathId, access: MerchantDep) -> dict[str, Any]:
    """What came back of a message."""
    with access.service.database.read() as connection:
        return shown(what_came_back(connection, merchant_id, campaign_id))


@router.put("/members/{member}/consent", status_code=204)
def put_consent(merchant_id: PathId, member: Name, body: ConsentBody, access: MerchantDep) -> None:
    """Write down what a member agrees to; sharing data earns points, once."""
    service = access.service
    with service.database.write() as connection:
        set_consent(
            connection,
            merchant_id,
            service.member(connection, merchant_id, member),
            body.purpose,
            body.given,
            now_us=service.clock.now_us(),
            calendar=service.calendar,
        )


@router.put("/members/{member}/contact", status_code=204)
def put_contact(merchant_id: PathId, member: Name, body: ContactBody, access: MerchantDep) -> None:
    """Keep how a member can be reached."""
    service = access.service
    with service.database.write() as connection:
        member_id = service.member(connection, merchant_id, member)
        set_contact(connection, member_id, body.address, body.language)


@router.get("/members/{member}/export")
def get_export(merchant_id: PathId, member: Name, access: MerchantDep) -> dict[str, Any]:
    """All that is stored of a member."""
    with access.service.database.read() as connection:
        member_id = require_member(connection, access.service.pseudonyms, merchant_id, member)
        return shown(export(connection, member_id))


@router.delete("/members/{member}", status_code=204)
def delete_member(merchant_id: PathId, member: Name, access: MerchantDep) -> None:
    """Forget who a member is."""
    with access.service.database.write() as connection:
        member_id = require_member(connection, access.service.pseudonyms, merchant_id, member)
        erase(connection, member_id, now_us=access.service.clock.now_us())


def days_of(access: Access, first: dt.date | None, last: dt.date | None) -> tuple[str, str]:
    """First and last day of a question; today unless told.

    Raises:
        MalformedError: they do not rise, or lie too far apart.
    """
    today = access.service.calendar.local(access.service.clock.now_us()).date()
    to_day = last or first or today
    from_day = first or to_day
    if not 0 <= (to_day - from_day).days < MOST_DAYS or not 2000 <= from_day.year <= to_day.year < 2200:
        raise MalformedError(
            "from", f"{from_day} to {to_day}: expected at most {MOST_DAYS} days, the earlier first"
        )
    return from_day.isoformat(), to_day.isoformat()
