"""Alarms: raised with the presses behind them, appealed by the merchant, decided by the vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from stampbench.sim.service.clock import HOUR_US
from stampbench.sim.service.fraud.checks import Kind, Suspicion
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.shops.enrolment import change_state
from stampbench.sim.service.store.database import Cut, insert
from stampbench.sim.service.tables.fraud import Alarm, AlarmEvent, AlarmPress
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Stamp

if TYPE_CHECKING:
    from stampbench.sim.service.store.database import AnyRow


def raise_alarm(
    connection: sa.Connection,
    suspicion: Suspicion,
    *,
    merchant_id: int,
    store_id: int,
    stamp_id: int,
    press_id: int,
    suspend: bool,
    now_us: int,
    rules: Rules,
) -> int | None:
    """Raise an alarm for a press, or add the press to the open one of its kind; None if it takes a second.

    ``suspend`` says whether the merchant wants stamps suspended.
    """
    since_us = now_us - rules.confirm_hours * HOUR_US
    open_one = connection.execute(
        sa.select(Alarm.id)
        .where(
            Alarm.stamp_id == stamp_id,
            Alarm.kind == suspicion.kind,
            Alarm.at_us >= since_us,
            Alarm.state.in_(("open", "appealed")),
        )
        .limit(1)
    ).scalar_one_or_none()
    if open_one is not None:
        _stand_behind(connection, open_one, [press_id])
        if suspend and suspicion.suspends:
            _suspend(connection, merchant_id, stamp_id, open_one, suspicion.kind, now_us, rules)
        return open_one
    behind = list(suspicion.behind)
    if not suspicion.sure:
        cleared = (
            sa.select(AlarmPress.press_id)
            .join(Alarm, Alarm.id == AlarmPress.alarm_id)
            .where(Alarm.stamp_id == stamp_id, Alarm.state == "dismissed")
        )
        behind += connection.execute(
            sa.select(Press.id).where(
                Press.stamp_id == stamp_id,
                Press.at_us >= since_us,
                Press.reason == suspicion.kind,
                Press.id != press_id,
                Press.id.not_in(cleared),
            )
        ).scalars()
        if not behind:
            return None
    alarm_id = insert(
        connection,
        Alarm,
        merchant_id=merchant_id,
        store_id=store_id,
        stamp_id=stamp_id,
        kind=suspicion.kind,
        explanation=suspicion.explanation,
        state="open",
        suspended=False,
        at_us=now_us,
    )
    _stand_behind(connection, alarm_id, [*behind, press_id])
    if suspend and suspicion.suspends:
        _suspend(connection, merchant_id, stamp_id, alarm_id, suspicion.kind, now_us, rules)
    return alarm_id


def _suspend(
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    alarm_id: int,
    kind: Kind,
    now_us: int,
    rules: Rules,
) -> None:
    """Suspend a stamp if suspicious presses of several sources stand behind its alarm.

    One source alone may have made them up, and a genuine press that was elsewhere is held against nobody.
    """
    sources = sa.func.coalesce(Press.address, Press.device, Press.key_digest)
    count = connection.execute(
        sa.select(sa.func.count(sources.distinct()))
        .join(AlarmPress, AlarmPress.press_id == Press.id)
        .where(AlarmPress.alarm_id == alarm_id, Press.reason == kind)
    ).scalar_one()
    if count < rules.suspend_sources:
        return
    connection.execute(sa.update(Alarm).where(Alarm.id == alarm_id).values(suspended=True))
    change_state(
        connection,
        merchant_id,
        stamp_id,
        "suspended",
        reason=f"alarm {alarm_id}: {kind}",
        key_id=None,
        now_us=now_us,
    )


def alarms_of(connection: sa.Connection, merchant_id: int, cut: Cut) -> list[dict[str, Any]]:
    """Return a merchant's alarms, newest first."""
    statement = sa.select(Alarm).where(Alarm.merchant_id == merchant_id)
    rows = connection.execute(cut.of(statement, Alarm.id, newest_first=True))
    return [dict(row._mapping) for row in rows]


def open_alarms(connection: sa.Connection, merchant_id: int, *, limit: int) -> list[AnyRow]:
    """Return alarms that nobody has decided, newest first, each with its stamp and number of presses."""
    presses = (
        sa.select(sa.func.count())
        .select_from(AlarmPress)
        .where(AlarmPress.alarm_id == Alarm.id)
        .scalar_subquery()
    )
    return list(
        connection.execute(
            sa.select(
                Alarm.kind,
                Alarm.explanation,
                Alarm.suspended,
                Alarm.at_us,
                Stamp.serial,
                presses.label("presses"),
            )
            .outerjoin(Stamp, Stamp.id == Alarm.stamp_id)
            .where(Alarm.merchant_id == merchant_id, Alarm.state.in_(("open", "appealed")))
            .order_by(Alarm.id.desc())
            .limit(limit)
        ).all()
    )


def alarm_of(connection: sa.Connection, merchant_id: int, alarm_id: int) -> dict[str, Any]:
    """Return one alarm with the presses behind it and what was said to it.

    Raises:
        NotFoundError: no such alarm.
    """
    row = _alarm(connection, merchant_id, alarm_id)
    presses = connection.execute(
        sa.select(
            Press.id, Press.at_us, Press.outcome, Press.reason, Press.lat_deg, Press.lon_deg, Press.accuracy_m
        )
        .join(AlarmPress, AlarmPress.press_id == Press.id)
        .where(AlarmPress.alarm_id == alarm_id)
        .order_by(Press.id)
    )
    events = connection.execute(
        sa.select(AlarmEvent.at_us, AlarmEvent.state, AlarmEvent.reason)
        .where(AlarmEvent.alarm_id == alarm_id)
        .order_by(AlarmEvent.id)
    )
    return {
        **row._mapping,
        "presses": [dict(press._mapping) for press in presses],
        "events": [dict(event._mapping) for event in events],
    }


def appeal(
    connection: sa.Connection, merchant_id: int, alarm_id: int, reason: str, *, key_id: int, now_us: int
) -> None:
    """Say why an alarm is wrong.

    Raises:
        NotFoundError: no such alarm.
        ConflictError: it is decided, or appealed already.
    """
    _move(connection, merchant_id, alarm_id, ("open",), "appealed", reason, key_id, now_us)


def decide_alarm(
    connection: sa.Connection,
    merchant_id: int,
    alarm_id: int,
    *,
    dismiss: bool,
    reason: str,
    key_id: int,
    now_us: int,
) -> None:
    """Uphold an alarm, or dismiss it; a stamp that it suspended is then active again.

    Raises:
        NotFoundError: no such alarm.
        ConflictError: it is decided already.
    """
    state = "dismissed" if dismiss else "upheld"
    row = _move(connection, merchant_id, alarm_id, ("open", "appealed"), state, reason, key_id, now_us)
    if dismiss and row.suspended:
        others = connection.execute(
            sa.select(Alarm.id).where(
                Alarm.stamp_id == row.stamp_id,
                Alarm.suspended,
                Alarm.state.in_(("open", "appealed", "upheld")),
            )
        ).first()
        if others is None:
            reason = f"alarm {alarm_id} dismissed"
            change_state(
                connection,
                merchant_id,
                row.stamp_id,
                "active",
                reason=reason,
                key_id=key_id,
                now_us=now_us,
                lift=True,
            )


def _move(
    connection: sa.Connection,
    merchant_id: int,
    alarm_id: int,
    sources: Sequence[str],
    target: str,
    reason: str,
    key_id: int,
    now_us: int,
) -> AnyRow:
    row = _alarm(connection, merchant_id, alarm_id)
    moved = connection.execute(
        sa.update(Alarm).where(Alarm.id == alarm_id, Alarm.state.in_(sources)).values(state=target)
    )
    if moved.rowcount == 0:
        raise ConflictError("state", f"alarm {alarm_id} is {row.state}; expected {' or '.join(sources)}")
    insert(
        connection, AlarmEvent, alarm_id=alarm_id, at_us=now_us, state=target, key_id=key_id, reason=reason
    )
    return row


def _alarm(connection: sa.Connection, merchant_id: int, alarm_id: int) -> AnyRow:
    row = connection.execute(
        sa.select(Alarm).where(Alarm.id == alarm_id, Alarm.merchant_id == merchant_id)
    ).first()
    if row is None:
        raise NotFoundError("alarm", f"no alarm {alarm_id}")
    return row


def _stand_behind(connection: sa.Connection, alarm_id: int, press_ids: Sequence[int]) -> None:
    connection.execute(
        sa.insert(AlarmPress), [{"alarm_id": alarm_id, "press_id": press_id} for press_id in press_ids]
    )
