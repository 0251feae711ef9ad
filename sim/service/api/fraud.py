"""Alarms, appeals, decisions."""

from __future__ import annotations

from typing import Any

from stampbench.sim.service.api.access import (
    AboveDep,
    Body,
    MerchantDep,
    PageDep,
    PathId,
    Text,
    TransactionRouter,
    shown,
)
from stampbench.sim.service.api.answers import AlarmAnswer, AlarmRow, many
from stampbench.sim.service.fraud.alarms import alarm_of, alarms_of, appeal, decide_alarm

router = TransactionRouter(prefix="/v1", tags=["fraud"])


class AppealBody(Body):
    """Why an alarm is wrong."""

    reason: Text


class DecisionBody(Body):
    """What the vendor decides about an alarm, and why."""

    dismiss: bool
    reason: Text


@router.get("/merchants/{merchant_id}/alarms", response_model=many(AlarmRow))
def get_alarms(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a merchant's alarms, newest first."""
    return page.of(alarms_of(access.connection, access.merchant_id, page.cut))


@router.get("/merchants/{merchant_id}/alarms/{alarm_id}", response_model=AlarmAnswer)
def get_alarm(alarm_id: PathId, access: MerchantDep) -> dict[str, Any]:
    """Return one alarm with the presses behind it."""
    return shown(alarm_of(access.connection, access.merchant_id, alarm_id))


@router.post("/merchants/{merchant_id}/alarms/{alarm_id}/appeal", status_code=204)
def post_appeal(alarm_id: PathId, body: AppealBody, access: MerchantDep) -> None:
    """Appeal against an alarm and the suspension that came with it."""
    appeal(
        access.connection,
        access.merchant_id,
        alarm_id,
        body.reason,
        key_id=access.key_id,
        now_us=access.now_us,
    )


@router.post("/merchants/{merchant_id}/alarms/{alarm_id}/decision", status_code=204)
def post_decision(alarm_id: PathId, body: DecisionBody, access: AboveDep) -> None:
    """Uphold or dismiss an alarm; dismissed, its stamp is active again."""
    decide_alarm(
        access.connection,
        access.merchant_id,
        alarm_id,
        dismiss=body.dismiss,
        reason=body.reason,
        key_id=access.key_id,
        now_us=access.now_us,
    )
