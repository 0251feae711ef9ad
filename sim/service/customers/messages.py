"""Messages to a segment: through an outbox, with consent, and what came back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US
from stampbench.sim.service.customers.privacy import consenting
from stampbench.sim.service.customers.segments import members_where, parse
from stampbench.sim.service.logs import LOGGER
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.store.database import ALL, Cut, insert, insert_new
from stampbench.sim.service.tables.customers import Campaign, Contact, Message, Segment
from stampbench.sim.service.tables.loyalty import Redemption
from stampbench.sim.service.tables.presses import Press

if TYPE_CHECKING:
    from stampbench.sim.service.store.database import AnyRow

CAME_BACK_DAYS: Final = 14


class Transport(Protocol):
    """What carries messages: an app's push service, a text message gateway, a file."""

    def send(self, message_id: int, address: str, language: str, text: str) -> bool:
        """Carry one message; False if it could not be carried and is to be tried again.

        The same number means the same message: a transport that was killed in between may see it twice.
        """


def add_segment(connection: sa.Connection, merchant_id: int, name: str, query: str) -> int:
    """Give a question about members a name.

    Raises:
        MalformedError: the query is none.
        ConflictError: the name is taken.
    """
    parse(query)
    values = {"merchant_id": merchant_id, "name": name, "query": query}
    segment_id = insert_new(connection, Segment, values, ("merchant_id", "name"))
    if segment_id is None:
        raise ConflictError("taken", f"segment {name!r} is there already")
    return segment_id


def segments_of(connection: sa.Connection, merchant_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return a merchant's segments."""
    statement = sa.select(Segment.id, Segment.name, Segment.query).where(Segment.merchant_id == merchant_id)
    rows = connection.execute(cut.of(statement, Segment.id))
    return [dict(row._mapping) for row in rows]


def campaigns_of(connection: sa.Connection, merchant_id: int, cut: Cut) -> list[dict[str, Any]]:
    """Return a merchant's messages, newest first, each with what came back."""
    statement = sa.select(Campaign.id).where(Campaign.merchant_id == merchant_id)
    numbers = connection.execute(cut.of(statement, Campaign.id, newest_first=True)).scalars()
    return [{"id": one, **what_came_back(connection, merchant_id, one)} for one in numbers.all()]


def remove_segment(connection: sa.Connection, merchant_id: int, segment_id: int) -> None:
    """Remove a question; what was written to its members stays.

    Raises:
        NotFoundError: no such segment.
        ConflictError: messages were written to it.
    """
    mine = Segment.id == segment_id, Segment.merchant_id == merchant_id
    if connection.execute(sa.select(Segment.id).where(*mine)).first() is None:
        raise NotFoundError("segment", f"no segment {segment_id}")
    if (
        connection.execute(sa.select(Campaign.id).where(Campaign.segment_id == segment_id)).first()
        is not None
    ):
        raise ConflictError("used", f"segment {segment_id} has messages, which name it")
    connection.execute(sa.delete(Segment).where(*mine))


def segment_members(connection: sa.Connection, merchant_id: int, segment_id: int, now_us: int) -> list[int]:
    """Return members of a segment now.

    Raises:
        NotFoundError: no such segment.
    """
    query = connection.execute(
        sa.select(Segment.query).where(Segment.id == segment_id, Segment.merchant_id == merchant_id)
    ).scalar_one_or_none()
    if query is None:
        raise NotFoundError("segment", f"no segment {segment_id}")
    return members_where(connection, merchant_id, parse(query), now_us)


def write_to(connection: sa.Connection, merchant_id: int, segment_id: int, text: str, *, now_us: int) -> int:
    """Put a message to everybody in a segment who agreed to messages into the outbox.

    Raises:
        NotFoundError: no such segment.
    """
    members = segment_members(connection, merchant_id, segment_id, now_us)
    willing = consenting(connection, merchant_id, "messages")
    reachable = set(connection.execute(sa.select(Contact.member_id)).scalars()) & willing
    chosen = [member for member in members if member in reachable]
    campaign_id = insert(
        connection,
        Campaign,
        merchant_id=merchant_id,
        segment_id=segment_id,
        text=text,
        at_us=now_us,
        segment_size=len(members),
        without_consent=len(members) - len(chosen),
    )
    if chosen:
        connection.execute(
            sa.insert(Message),
            [{"campaign_id": campaign_id, "member_id": member, "state": "waiting"} for member in chosen],
        )
    return campaign_id


def deliver(connection: sa.Connection, transport: Transport, *, now_us: int, limit: int = 100) -> int:
    """Hand waiting messages to a transport and say how many were taken; consent is asked for once more."""
    rows = connection.execute(
        sa.select(
            Message.id,
            Message.member_id,
            Campaign.merchant_id,
            Campaign.text,
            Contact.address,
            Contact.language,
        )
        .join(Campaign, Campaign.id == Message.campaign_id)
        .outerjoin(Contact, Contact.member_id == Message.member_id)
        .where(Message.state == "waiting")
        .order_by(Message.id)
        .limit(limit)
        .with_for_update(of=Message, skip_locked=True)
    ).all()
    merchants = {row.merchant_id for row in rows}
    willing = {merchant: consenting(connection, merchant, "messages") for merchant in merchants}
    sent = 0
    for row in rows:
        state = "dropped"
        if row.address is not None and row.member_id in willing[row.merchant_id]:
            if not _taken(transport, row):
                continue
            state, sent = "sent", sent + 1
        connection.execute(
            sa.update(Message)
            .where(Message.id == row.id)
            .values(state=state, sent_us=now_us if state == "sent" else None)
        )
    return sent


def _taken(transport: Transport, row: AnyRow) -> bool:
    """Send a message; one that fails waits, and those before it are not sent again for it."""
    try:
        return transport.send(row.id, row.address, row.language, row.text)
    except OSError as error:
        LOGGER.log(logging.ERROR, "outbox: message %d: %s", row.id, type(error).__name__)
        return False


def what_came_back(connection: sa.Connection, merchant_id: int, campaign_id: int) -> dict[str, Any]:
    """Return how many a campaign reached, and who pressed or redeemed within a fortnight after.

    Raises:
        NotFoundError: no such campaign.
    """
    campaign = connection.execute(
        sa.select(Campaign.segment_size, Campaign.without_consent, Campaign.at_us, Campaign.text).where(
            Campaign.id == campaign_id, Campaign.merchant_id == merchant_id
        )
    ).first()
    if campaign is None:
        raise NotFoundError("campaign", f"no campaign {campaign_id}")
    mine = Message.campaign_id == campaign_id
    states: dict[str, int] = {}
    for state, count in connection.execute(
        sa.select(Message.state, sa.func.count()).where(mine).group_by(Message.state)
    ):
        states[state] = count
    until = Message.sent_us + CAME_BACK_DAYS * DAY_US
    pressed = sa.exists().where(
        Press.member_id == Message.member_id,
        Press.outcome == "accepted",
        Press.at_us > Message.sent_us,
        Press.at_us <= until,
    )
    redeemed = sa.exists().where(
        Redemption.member_id == Message.member_id,
        Redemption.state == "executed",
        Redemption.frozen_us > Message.sent_us,
        Redemption.frozen_us <= until,
    )
    came, used = connection.execute(
        sa.select(sa.func.count(sa.case((pressed, 1))), sa.func.count(sa.case((redeemed, 1)))).where(mine)
    ).one()
    return {
        **campaign._mapping,
        "waiting": states.get("waiting", 0),
        "sent": states.get("sent", 0),
        "dropped": states.get("dropped", 0),
        "came_back": came,
        "redeemed": used,
        "days": CAME_BACK_DAYS,
    }
