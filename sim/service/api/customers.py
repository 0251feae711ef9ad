"""Counts, segments, messages, and members' rights."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import Query
from stampbench.sim.service.api.access import (
    Access,
    Body,
    Id,
    MerchantDep,
    Name,
    PageDep,
    PathId,
    Text,
    TransactionRouter,
    shown,
)
from stampbench.sim.service.api.answers import (
    CampaignAnswer,
    CampaignRow,
    Counts,
    Made,
    SegmentRow,
    Size,
    many,
)
from stampbench.sim.service.customers import counts
from stampbench.sim.service.customers.messages import (
    add_segment,
    campaigns_of,
    remove_segment,
    segment_members,
    segments_of,
    what_came_back,
    write_to,
)
from stampbench.sim.service.customers.privacy import erase, export, set_consent, set_contact
from stampbench.sim.service.problems import MalformedError

router = TransactionRouter(prefix="/v1/merchants/{merchant_id}", tags=["customers"])

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


@router.get("/counts", response_model=Counts)
def get_counts(access: MerchantDep, from_day: FromDay = None, to_day: ToDay = None) -> dict[str, Any]:
    """Return counts from one day to another (today unless told): in all, by day, hour, ..."""
    first, last = days_of(access, from_day, to_day)
    return {
        "from": first,
        "to": last,
        **counts.totals(access.connection, access.merchant_id, first, last),
        "repeat": counts.repeat_rate(access.connection, access.merchant_id, first, last),
        "days": counts.by_day(access.connection, access.merchant_id, first, last),
        "hours": counts.by_hour(access.connection, access.merchant_id, first, last),
        "stamps_used": counts.by_stamp(access.connection, access.merchant_id, first, last),
        "stores": counts.by_store(access.connection, access.merchant_id, first, last),
    }


@router.post("/segments", status_code=201, response_model=Made)
def post_segment(body: SegmentBody, access: MerchantDep) -> dict[str, int]:
    """Give a question about members a name."""
    return {"id": add_segment(access.connection, access.merchant_id, body.name, body.query)}


@router.get("/segments", response_model=many(SegmentRow))
def get_segments(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return questions that have a name."""
    return page.of(segments_of(access.connection, access.merchant_id, page.cut))


@router.delete("/segments/{segment_id}", status_code=204)
def delete_segment(segment_id: PathId, access: MerchantDep) -> None:
    """Remove a question that nobody was written to by."""
    remove_segment(access.connection, access.merchant_id, segment_id)


@router.get("/segments/{segment_id}", response_model=Size)
def get_segment(segment_id: PathId, access: MerchantDep) -> dict[str, int]:
    """Return how many members a segment has now; who they are stays in the service."""
    now_us = access.now_us
    return {"members": len(segment_members(access.connection, access.merchant_id, segment_id, now_us))}


@router.post("/campaigns", status_code=201, response_model=Made)
def post_campaign(body: CampaignBody, access: MerchantDep) -> dict[str, int]:
    """Write to everybody in a segment who agreed to messages; they go out through the outbox."""
    now_us = access.now_us
    return {"id": write_to(access.connection, access.merchant_id, body.segment, body.text, now_us=now_us)}


@router.get("/campaigns", response_model=many(CampaignRow))
def get_campaigns(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return messages, newest first, each with what came back."""
    return page.of(campaigns_of(access.connection, access.merchant_id, page.cut))


@router.get("/campaigns/{campaign_id}", response_model=CampaignAnswer)
def get_campaign(campaign_id: PathId, access: MerchantDep) -> dict[str, Any]:
    """Return what came back of a message."""
    return shown(what_came_back(access.connection, access.merchant_id, campaign_id))


@router.put("/members/{member:path}/consent", status_code=204)
def put_consent(member: Name, body: ConsentBody, access: MerchantDep) -> None:
    """Write down what a member agrees to; sharing data earns points, once."""
    set_consent(
        access.connection,
        access.merchant_id,
        access.member(member),
        body.purpose,
        body.given,
        now_us=access.now_us,
        calendar=access.calendar,
    )


@router.put("/members/{member:path}/contact", status_code=204)
def put_contact(member: Name, body: ContactBody, access: MerchantDep) -> None:
    """Keep how a member can be reached."""
    member_id = access.member(member)
    set_contact(access.connection, member_id, body.address, body.language)


@router.get("/members/{member:path}/export")
def get_export(member: Name, access: MerchantDep) -> dict[str, Any]:
    """Return all that is stored of a member."""
    member_id = access.known_member(member)
    return shown(export(access.connection, member_id))


@router.delete("/members/{member:path}", status_code=204)
def delete_member(member: Name, access: MerchantDep) -> None:
    """Forget who a member is."""
    member_id = access.known_member(member)
    erase(access.connection, member_id, now_us=access.now_us)


def days_of(access: Access, first: dt.date | None, last: dt.date | None) -> tuple[str, str]:
    """Return the first and last day of a question; today unless told.

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
