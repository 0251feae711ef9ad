"""Staff, shifts, corrections, wages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from stampbench.sim.service.api.access import (
    Amount,
    Body,
    Id,
    MerchantDep,
    Moment,
    Month,
    Name,
    PageDep,
    PathId,
    Short,
    TransactionRouter,
    moment_us,
)
from stampbench.sim.service.api.answers import Made, NumberedWork, PunchRow, ShiftRow, StaffRow, Work, many
from stampbench.sim.service.attendance.hours import Rule
from stampbench.sim.service.attendance.punches import (
    add_shift,
    add_staff,
    correct,
    history,
    remove_shift,
    shifts_of,
    staff_of,
)
from stampbench.sim.service.attendance.wages import month_of_all, month_of_work
from stampbench.sim.service.shops.tenants import check_store

router = TransactionRouter(prefix="/v1/merchants/{merchant_id}", tags=["attendance"])


class StaffBody(Body):
    """Somebody who works at a store, and as which member that person presses."""

    store: Id
    member: Name
    number: Short
    hourly_wage: Amount


class ShiftBody(Body):
    """When somebody is to work."""

    starts_at: Moment
    ends_at: Moment
    grace_minutes: Annotated[int, Field(ge=0, le=240)] = 5
    rule: Rule = Rule.PAIRS


class RemovalBody(Body):
    """Why a shift is taken back."""

    reason: Name


class CorrectionBody(Body):
    """A punch that is void, one that is added, or both; asked for and agreed by two people."""

    voids: Id | None = None
    direction: Literal["in", "out"] = "in"
    at: Moment | None = None
    reason: Name
    asked_by: Annotated[str, Field(min_length=1, max_length=90, pattern=r"^[^\x00]*$")]
    agreed_by: Annotated[str, Field(min_length=1, max_length=90, pattern=r"^[^\x00]*$")]


@router.post("/staff", status_code=201, response_model=Made)
def post_staff(body: StaffBody, access: MerchantDep) -> dict[str, int]:
    """Note that somebody begins to work at a store."""
    check_store(access.connection, access.merchant_id, body.store)
    staff_id = add_staff(
        access.connection,
        access.merchant_id,
        store_id=body.store,
        member_id=access.member(body.member),
        number=body.number,
        hourly_wage=body.hourly_wage,
    )
    return {"id": staff_id}


@router.get("/staff", response_model=many(StaffRow))
def get_staff(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return who works here."""
    return page.of(staff_of(access.connection, access.merchant_id, page.cut))


@router.post("/staff/{staff_id}/shifts", status_code=201, response_model=Made)
def post_shift(staff_id: PathId, body: ShiftBody, access: MerchantDep) -> dict[str, int]:
    """Return plan a shift."""
    shift_id = add_shift(
        access.connection,
        access.merchant_id,
        staff_id,
        starts_us=moment_us(body.starts_at, "starts_at"),
        ends_us=moment_us(body.ends_at, "ends_at"),
        grace_minutes=body.grace_minutes,
        rule=body.rule,
    )
    return {"id": shift_id}


@router.get("/staff/{staff_id}/shifts", response_model=many(ShiftRow))
def get_shifts(staff_id: PathId, access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return somebody's shifts, and those that were removed."""
    return page.of(shifts_of(access.connection, access.merchant_id, staff_id, page.cut))


@router.post("/staff/{staff_id}/shifts/{shift_id}/remove", status_code=204)
def post_removal(staff_id: PathId, shift_id: PathId, body: RemovalBody, access: MerchantDep) -> None:
    """Take a mistyped shift back; that it was there, and why it went, stays."""
    remove_shift(
        access.connection,
        access.merchant_id,
        staff_id,
        shift_id,
        reason=body.reason,
        key_id=access.key_id,
        now_us=access.now_us,
    )


@router.post("/staff/{staff_id}/corrections", status_code=201, response_model=Made)
def post_correction(staff_id: PathId, body: CorrectionBody, access: MerchantDep) -> dict[str, int]:
    """Correct a missing or wrong punch."""
    punch_id = correct(
        access.connection,
        access.merchant_id,
        staff_id,
        voids_id=body.voids,
        direction=body.direction,
        at_us=None if body.at is None else moment_us(body.at, "at"),
        reason=body.reason,
        asked_by=body.asked_by,
        agreed_by=body.agreed_by,
        key_id=access.key_id,
        now_us=access.now_us,
        calendar=access.calendar,
    )
    return {"id": punch_id}


@router.get("/staff/{staff_id}/punches", response_model=many(PunchRow))
def get_punches(staff_id: PathId, access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return all punches and corrections of somebody."""
    return page.of(history(access.connection, access.merchant_id, staff_id, page.cut))


@router.get("/staff/{staff_id}/hours/{month}", response_model=Work)
def get_work(staff_id: PathId, month: Month, access: MerchantDep) -> dict[str, Any]:
    """Return hours and wage of a month, day by day."""
    return month_of_work(access.connection, access.merchant_id, staff_id, month, access.calendar)


@router.get("/hours/{month}", response_model=list[NumberedWork])
def get_all_work(month: Month, access: MerchantDep) -> list[dict[str, Any]]:
    """Return hours and wages of a month, of everybody who works here."""
    return month_of_all(access.connection, access.merchant_id, month, access.calendar)
