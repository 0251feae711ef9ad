"""Programs, cards, coupons, redemption."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field
from stampbench.sim.service.api.access import (
    Access,
    Amount,
    Body,
    Id,
    MerchantDep,
    Moment,
    Name,
    PageDep,
    PathId,
    TransactionRouter,
    moment_us,
    shown,
)
from stampbench.sim.service.api.answers import (
    Card,
    EntryRow,
    Made,
    ProgramAnswer,
    RedemptionAnswer,
    Step,
    many,
)
from stampbench.sim.service.loyalty.cards import program_of, set_program
from stampbench.sim.service.loyalty.coupons import coupons_of, issue_coupon, void_coupon
from stampbench.sim.service.loyalty.ledger import balances, movements
from stampbench.sim.service.loyalty.redemptions import What, freeze, redemption_of, step
from stampbench.sim.service.problems import MalformedError

GOOD_DAYS: Final = 90
"""Of a coupon given by hand, unless told."""
router = TransactionRouter(prefix="/v1/merchants/{merchant_id}", tags=["loyalty"])


class ProgramBody(Body):
    """How the merchant rewards."""

    card_stamps: Annotated[int, Field(ge=1, le=1000)] = 10
    coupon_name: Name = "1 free"
    coupon_days: Annotated[int, Field(ge=1, le=3660)] = 90
    points_per_stamp: Amount = 0
    points_per_share: Amount = 0
    delay_minutes: Annotated[int, Field(ge=0, le=100_000)] = 0
    stamps_per_day: Annotated[int, Field(ge=1, le=1000)] = 10
    redeem_factor: bool = False


class CouponBody(Body):
    """A coupon given by hand."""

    member: Name
    name: Name
    expires_at: Moment | None = None


class FreezeBody(Body):
    """What is set aside; the token is of a press made to redeem."""

    member: Name
    token: Name
    coupon: Id | None = None
    points: Amount = 0
    minutes: Annotated[int, Field(ge=0, le=1000)] = 10


class ReasonBody(Body):
    """Why."""

    reason: Name


@router.put("/program", status_code=204)
def put_program(body: ProgramBody, access: MerchantDep) -> None:
    """Begin or change the program."""
    set_program(access.connection, access.merchant_id, body.model_dump())


@router.get("/program", response_model=ProgramAnswer)
def get_program(access: MerchantDep) -> dict[str, Any]:
    """Return the program."""
    return program_of(access.connection, access.merchant_id)


@router.get("/members/{member:path}/card", response_model=Card)
def get_card(member: Name, access: MerchantDep) -> dict[str, Any]:
    """Return a member's balances and coupons."""
    member_id = access.known_member(member)
    coupons = [shown(coupon) for coupon in coupons_of(access.connection, member_id)]
    return {"balances": balances(access.connection, member_id), "coupons": coupons}


@router.get("/members/{member:path}/ledger", response_model=many(EntryRow))
def get_ledger(member: Name, access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a member's movements, newest first."""
    return page.of(movements(access.connection, access.known_member(member), page.cut))


@router.post("/coupons", status_code=201, response_model=Made)
def post_coupon(body: CouponBody, access: MerchantDep) -> dict[str, int]:
    """Give a member a coupon."""
    now_us = access.now_us
    expires_us = access.calendar.end_of_day(now_us, GOOD_DAYS)
    if body.expires_at is not None:
        expires_us = moment_us(body.expires_at, "expires_at")
    if expires_us <= now_us:
        raise MalformedError("expires_at", "expires_at is over: expected a time to come")
    coupon_id = issue_coupon(
        access.connection,
        merchant_id=access.merchant_id,
        member_id=access.member(body.member),
        name=body.name,
        expires_us=expires_us,
        at_us=now_us,
        calendar=access.calendar,
    )
    return {"id": coupon_id}


@router.post("/coupons/{coupon_id}/void", status_code=204)
def post_void(coupon_id: PathId, access: MerchantDep) -> None:
    """Take an unused coupon back."""
    void_coupon(
        access.connection, access.merchant_id, coupon_id, now_us=access.now_us, calendar=access.calendar
    )


@router.post("/redemptions", status_code=201, response_model=RedemptionAnswer)
def post_redemption(body: FreezeBody, access: MerchantDep) -> dict[str, Any]:
    """Return the first phase: set a coupon or points aside; 409 for whoever comes second."""
    redemption_id = freeze(
        access.service,
        access.connection,
        access.merchant_id,
        member=body.member,
        token=body.token,
        what=What(body.coupon, body.points),
        minutes=body.minutes,
        key_id=access.key_id,
    )
    return shown(redemption_of(access.connection, access.merchant_id, redemption_id))


@router.get("/redemptions/{redemption_id}", response_model=RedemptionAnswer)
def get_redemption(redemption_id: PathId, access: MerchantDep) -> dict[str, Any]:
    """Return one redemption with its steps."""
    return shown(redemption_of(access.connection, access.merchant_id, redemption_id))


@router.post("/redemptions/{redemption_id}/execute", response_model=Step)
def post_execute(redemption_id: PathId, access: MerchantDep) -> dict[str, str]:
    """Return the second phase."""
    return _step(access, redemption_id, "execute")


@router.post("/redemptions/{redemption_id}/release", response_model=Step)
def post_release(redemption_id: PathId, access: MerchantDep) -> dict[str, str]:
    """Return the second phase the other way: as if nothing had been set aside."""
    return _step(access, redemption_id, "release")


@router.post("/redemptions/{redemption_id}/reverse", response_model=Step)
def post_reverse(redemption_id: PathId, body: ReasonBody, access: MerchantDep) -> dict[str, str]:
    """Take an executed redemption back."""
    return _step(access, redemption_id, "reverse", body.reason)


def _step(access: Access, redemption_id: int, name: str, reason: str = "") -> dict[str, str]:
    whose = access.service, access.connection, access.merchant_id
    return {"state": step(*whose, redemption_id, name, key_id=access.key_id, reason=reason)}
