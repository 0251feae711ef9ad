"""What routes answer, as types for the description of the interface; columns are as their tables say."""

from __future__ import annotations

from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, create_model
from stampbench.sim.service.presses.reviews import SHOWN
from stampbench.sim.service.tables.attendance import Punch, Shift, Staff
from stampbench.sim.service.tables.billing import Invoice
from stampbench.sim.service.tables.customers import Campaign, Segment
from stampbench.sim.service.tables.fraud import Alarm, AlarmEvent
from stampbench.sim.service.tables.loyalty import Coupon, Entry, Program, Redemption, RedemptionEvent
from stampbench.sim.service.tables.presses import Press, StampCredential
from stampbench.sim.service.tables.tenants import Brand, Key, Merchant, Stamp, StampEvent, Store

Time = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-18T03:00:00+00:00"])
]
"""ISO 8601, UTC."""
_TYPES: Final[dict[type, Any]] = {
    sa.BigInteger: int,
    sa.Integer: int,
    sa.Float: float,
    sa.Boolean: bool,
    sa.String: str,
    sa.Text: str,
    sa.LargeBinary: str,
}


class Answer(BaseModel):
    """The root: what is not described is not answered."""

    model_config = ConfigDict(extra="forbid")


def row_of(name: str, doc: str, *columns: Any, **more: Any) -> Any:
    """Return the type of a row, an :class:`Answer`, as ``shown`` has it.

    Args:
        name: of the type.
        doc: what it is.
        columns: of tables.
        more: further fields, by name: their types.
    """
    fields: dict[str, Any] = {}
    for column in columns:
        its = column.name if isinstance(column, sa.Column) else column.key
        kind = column.type
        found = next(found for sort, found in _TYPES.items() if isinstance(kind, sort))
        if its.endswith("_us"):
            its, found = its.removesuffix("_us"), Time
        nullable = column.nullable if isinstance(column, sa.Column) else column.property.columns[0].nullable
        fields[its.removesuffix("_id")] = (found | None if nullable else found, ...)
    fields |= {its: (kind, ...) for its, kind in more.items()}
    made = create_model(name, __base__=Answer, **fields)
    made.__doc__ = doc
    return made


def many(row: Any) -> Any:
    """Return the type of a list of rows."""
    return list[row]


class Made(Answer):
    """The number of what was made."""

    id: int


class MadeKey(Answer):
    """A key, shown this once."""

    id: int
    key: str


class MadeStamp(Answer):
    """A stamp; ``sigma_mm`` is the standard deviation of a contact, None for a single press."""

    id: int
    sigma_mm: float | None


class OtpSecret(Answer):
    """A secret in base 32."""

    secret: str


class Bundle(Answer):
    """A signed bundle (JWS), and until when it is good, s since 1970."""

    bundle: str
    exp: int


class ChallengeAnswer(Answer):
    """A challenge in hexadecimal, and until when it may be answered."""

    challenge: str
    until: Time


class VerifiedAnswer(Answer):
    """The press that a token stands for."""

    press: int
    store: int | None
    stamp: int | None
    purpose: str
    factor: str


class Step(Answer):
    """How a redemption stands."""

    state: str


class Size(Answer):
    """How many members a segment has."""

    members: int


class Told(Answer):
    """How many usage events were new and how many known."""

    new: int
    known: int


class Check(Answer):
    """Whether all invoices agree with their events, and what does not, in sentences."""

    agrees: bool
    findings: list[str]


class WorkDayAnswer(Answer):
    """One day of somebody's work; the wage in the currency's smallest unit."""

    day: str
    worked_minutes: int
    overtime_minutes: int
    night_minutes: int
    wage: int
    late_minutes: int
    early_minutes: int
    absent: bool
    missing: list[Time]


class Work(Answer):
    """A month of somebody's work."""

    staff: int
    month: str
    worked_minutes: int
    wage: int
    days: list[WorkDayAnswer]


class NumberedWork(Work):
    """The same, with the number of the person."""

    number: str


class DayCount(Answer):
    """Presses and customers of a day."""

    day: str
    presses: int
    customers: int


class StampCount(Answer):
    """Presses and customers of a stamp."""

    stamp: int
    serial: str
    name: str
    state: str
    presses: int
    customers: int


class StoreCount(Answer):
    """Presses and customers of a store."""

    store: int
    name: str
    presses: int
    customers: int


class Repeat(Answer):
    """Members who came, and of them those who came on more than one day."""

    members: int
    again: int


class Counts(Answer):
    """Counts from one day to another."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[str, Field(alias="from")]
    to: str
    customers: int
    presses: int
    refused: int
    in_review: int
    stamps: int
    repeat: Repeat
    days: list[DayCount]
    hours: list[int]
    stamps_used: list[StampCount]
    stores: list[StoreCount]


def _all(table: Any, *without: str) -> list[sa.Column[Any]]:
    return [column for column in table.columns().c if column.name not in without]


BrandRow = row_of("BrandRow", "A brand.", Brand.id, Brand.name)
MerchantRow = row_of("MerchantRow", "A merchant.", Merchant.id, Merchant.name, Merchant.brand_id)
KeyRow = row_of("KeyRow", "A key without its text.", Key.id, Key.role, Key.made_us, Key.withdrawn_us)
StoreRow = row_of(
    "StoreRow",
    "A store; opening hours as in its making.",
    Store.id,
    Store.name,
    Store.number,
    Store.lat_deg,
    Store.lon_deg,
    Store.radius_m,
    opening=list[list[tuple[int, int]]],
)
StampRow = row_of("StampRow", "A stamp without its pattern.", *_all(Stamp, "merchant_id", "pads"))
StampEventRow = row_of(
    "StampEventRow", "What was done with a stamp.", StampEvent.at_us, StampEvent.state, StampEvent.reason
)
CredentialRow = row_of(
    "CredentialRow",
    "What proves a stamp.",
    StampCredential.id,
    StampCredential.kind,
    StampCredential.name,
)
PressRow = row_of("PressRow", "A press without its member and device.", *SHOWN)
AlarmRow = row_of("AlarmRow", "An alarm.", *_all(Alarm))
AlarmPressRow = row_of(
    "AlarmPressRow",
    "A press behind an alarm.",
    Press.id,
    Press.at_us,
    Press.outcome,
    Press.reason,
    Press.lat_deg,
    Press.lon_deg,
    Press.accuracy_m,
)
AlarmEventRow = row_of(
    "AlarmEventRow", "What was said to an alarm.", AlarmEvent.at_us, AlarmEvent.state, AlarmEvent.reason
)
AlarmAnswer = row_of(
    "AlarmAnswer",
    "An alarm with the presses behind it.",
    *_all(Alarm),
    presses=many(AlarmPressRow),
    events=many(AlarmEventRow),
)
ProgramAnswer = row_of("ProgramAnswer", "How the merchant rewards.", *_all(Program, "id", "merchant_id"))
CouponRow = row_of(
    "CouponRow", "A coupon.", Coupon.id, Coupon.name, Coupon.state, Coupon.issued_us, Coupon.expires_us
)
Card = row_of(
    "Card",
    "A member's balances by account, and coupons.",
    balances=dict[str, int],
    coupons=many(CouponRow),
)
EntryRow = row_of("EntryRow", "A movement of an account.", *_all(Entry, "merchant_id", "member_id"))
RedemptionAnswer = row_of(
    "RedemptionAnswer",
    "A redemption with its steps.",
    Redemption.id,
    Redemption.merchant_id,
    Redemption.member_id,
    Redemption.coupon_id,
    Redemption.points,
    Redemption.press_id,
    Redemption.state,
    Redemption.frozen_us,
    Redemption.until_us,
    events=many(
        row_of(
            "RedemptionStep",
            "A step of a redemption.",
            RedemptionEvent.state,
            RedemptionEvent.reason,
            RedemptionEvent.at_us,
        )
    ),
)
StaffRow = row_of(
    "StaffRow", "Somebody who works here.", Staff.id, Staff.store_id, Staff.number, Staff.hourly_wage
)
ShiftRow = row_of("ShiftRow", "A shift, or one that was removed.", *_all(Shift, "staff_id", "removed_key_id"))
PunchRow = row_of("PunchRow", "A punch or a correction.", *_all(Punch, "staff_id", "key_id"))
SegmentRow = row_of("SegmentRow", "A question with a name.", Segment.id, Segment.name, Segment.query)
_CAMPAIGN = (Campaign.segment_size, Campaign.without_consent, Campaign.at_us, Campaign.text)
_CAME: Final = {"waiting": int, "sent": int, "dropped": int, "came_back": int, "redeemed": int, "days": int}
CampaignAnswer = row_of("CampaignAnswer", "What came back of a message.", *_CAMPAIGN, **_CAME)
CampaignRow = row_of("CampaignRow", "A message.", Campaign.id, *_CAMPAIGN, **_CAME)
InvoiceRow = row_of("InvoiceRow", "An invoice; digests in hexadecimal.", *_all(Invoice))
