"""Presses that wait for a person: looked at, accepted or refused, once, with a reason."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.presses.lifecycle import PROGRAM_COLUMNS, Followed, follow
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.database import Cut, insert
from stampbench.sim.service.tables.attendance import Staff
from stampbench.sim.service.tables.loyalty import Program
from stampbench.sim.service.tables.presses import Press, Review
from stampbench.sim.service.tables.tenants import Merchant

SHOWN: Final = (
    Press.id,
    Press.store_id,
    Press.stamp_id,
    Press.kind,
    Press.purpose,
    Press.outcome,
    Press.reason,
    Press.factor,
    Press.at_us,
    Press.pressed_us,
    Press.distance_mm,
    Press.token_used_us,
    Press.reviewed_us,
)
"""What may be shown of a press: neither member nor device."""


def presses_of(
    connection: sa.Connection, merchant_id: int, outcome: str | None, cut: Cut
) -> list[dict[str, Any]]:
    """Return a merchant's presses with that outcome, or with any; newest first."""
    wanted = [Press.merchant_id == merchant_id]
    if outcome is not None:
        wanted.append(Press.outcome == outcome)
    rows = connection.execute(cut.of(sa.select(*SHOWN).where(*wanted), Press.id, newest_first=True))
    return [dict(row._mapping) for row in rows]


def press_of(connection: sa.Connection, merchant_id: int, press_id: int) -> dict[str, Any]:
    """Return one press as it may be shown.

    Raises:
        NotFoundError: no such press.
    """
    row = connection.execute(
        sa.select(*SHOWN).where(Press.id == press_id, Press.merchant_id == merchant_id)
    ).first()
    if row is None:
        raise NotFoundError("press", f"no press {press_id}")
    return dict(row._mapping)


def review_press(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    press_id: int,
    *,
    accept: bool,
    reason: str,
    key_id: int,
) -> None:
    """Accept or refuse a press in review; an accepted one stamps the card as it would have.

    Raises:
        NotFoundError: no such press.
        ConflictError: it does not wait for anybody.
    """
    now_us = service.clock.now_us()
    press_of(connection, merchant_id, press_id)
    moved = connection.execute(
        sa.update(Press)
        .where(Press.id == press_id, Press.outcome == "review")
        .values(outcome="accepted" if accept else "refused", reviewed_us=now_us)
        .returning(Press.member_id, Press.purpose, Press.value, Press.at_us)
    ).first()
    if moved is None:
        raise ConflictError("state", f"press {press_id} does not wait for a review")
    insert(
        connection,
        Review,
        press_id=press_id,
        accepted=accept,
        reason=reason,
        key_id=key_id,
        at_us=now_us,
    )
    if accept:
        program = connection.execute(
            sa.select(*PROGRAM_COLUMNS)
            .select_from(Merchant)
            .outerjoin(Program, Program.merchant_id == Merchant.id)
            .where(Merchant.id == merchant_id)
        ).one()
        staff_id = connection.execute(
            sa.select(Staff.id).where(Staff.member_id == moved.member_id)
        ).scalar_one_or_none()
        followed = Followed(moved.member_id, staff_id, moved.purpose, moved.value, moved.at_us)
        follow(service, connection, merchant_id, press_id, followed, program)
