"""What the database knows about a press before it is decided: two queries, each a few index look-ups.

Every look-up takes the newest rows of an index or counts a window that is cut off, so that its cost does not
grow with the number of presses stored.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from stampbench.sim.service.clock import DAY_US, HOUR_US, MINUTE_US
from stampbench.sim.service.fraud.checks import Earlier
from stampbench.sim.service.presses.evidence import Place
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.tables.attendance import Staff
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.loyalty import Program
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Key, Merchant, Stamp, Store

UNKNOWN: Final = "not_recognised"
"""Reason of presses in which no stamp was found."""
MISSES: Final = (
    *(UNKNOWN, "ambiguous", "partial"),
    *(f"{kind}_not_genuine" for kind in ("sun", "tag", "ble-eid", "ble-otp", "sound")),
)
"""Reasons that count against the limits of guessing: four contacts guess as well as five."""
_MISSES: Final[list[sa.ColumnElement[str]]] = [sa.literal_column(f"'{reason}'") for reason in MISSES]
MOCKED: Final = "mocked_place"
_SPEED_WINDOW_US: Final = 24 * HOUR_US

_merchant = sa.bindparam("merchant_id", type_=sa.BigInteger)
_stamp = sa.bindparam("stamp_id", type_=sa.BigInteger)
_member = sa.bindparam("member_id", type_=sa.BigInteger)
_device = sa.bindparam("device", type_=sa.LargeBinary)
_address = sa.bindparam("address", type_=sa.LargeBinary)
_now = sa.bindparam("now_us", type_=sa.BigInteger)


def _count(limit: int, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return how many presses, but never more than the limit."""
    some = sa.select(sa.literal(1)).select_from(Press).where(*conditions).limit(limit).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def _located(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return the latest press that gave a place, was not refused, and whose place was not made up."""
    return (
        sa.select(Press.id)
        .where(
            *conditions,
            Press.at_us > _now - _SPEED_WINDOW_US,
            Press.outcome != "refused",
            Press.reason != MOCKED,
            Press.lat_deg.is_not(None),
        )
        .order_by(Press.at_us.desc())
        .limit(1)
        .scalar_subquery()
    )


def before_matching(rules: Rules) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for merchant, member, the earlier answer to the same key, and what was unknown."""
    since = _now - rules.misses_minutes * MINUTE_US
    unknown = (Press.merchant_id == _merchant, Press.reason.in_(_MISSES), Press.at_us > since)
    earlier = sa.select(Press.id).where(
        Press.merchant_id == _merchant, Press.key_digest == sa.bindparam("key_digest", type_=sa.LargeBinary)
    )
    member = sa.select(Member.id).where(
        Member.merchant_id == _merchant, Member.pseudonym == sa.bindparam("member", type_=sa.LargeBinary)
    )
    key = sa.select(Key.withdrawn_us).where(Key.id == sa.bindparam("key_id", type_=sa.BigInteger))
    return (
        sa.select(
            Merchant.vendor_id,
            Merchant.catalogue_version,
            Merchant.require_place,
            Merchant.require_liveness,
            Merchant.suspend_automatically,
            Merchant.redeem_by_tap,
            Program.card_stamps,
            Program.coupon_name,
            Program.coupon_days,
            Program.points_per_stamp,
            Program.delay_minutes,
            Program.stamps_per_day,
            Program.redeem_factor,
            key.scalar_subquery().label("key_withdrawn_us"),
            earlier.scalar_subquery().label("earlier"),
            member.scalar_subquery().label("member_id"),
            _count(rules.misses_per_device, *unknown, Press.device == _device, same_address()).label(
                "misses_of_device"
            ),
            _count(rules.misses_per_address, *unknown, Press.address == _address).label("misses_of_address"),
            known_device(rules).label("known_device"),
        )
        .outerjoin(Program, Program.merchant_id == Merchant.id)
        .where(Merchant.id == _merchant)
    )


def same_address() -> sa.ColumnElement[bool]:
    """Return whether a press came from the address of this one, or neither had any."""
    return Press.address.is_not_distinct_from(_address)


def known_device(rules: Rules) -> sa.ScalarSelect[int]:
    """Return whether this device had a press accepted lately: whoever invents names of devices has none."""
    return _count(
        1,
        Press.merchant_id == _merchant,
        Press.device == _device,
        Press.at_us > _now - rules.known_days * DAY_US,
        Press.outcome == "accepted",
    )


STAMP_AND_STORE: Final = (
    sa.select(
        Stamp.id,
        Stamp.serial,
        Stamp.name,
        Stamp.state,
        Stamp.factor,
        Stamp.store_id,
        Store.name.label("store_name"),
        Store.lat_deg,
        Store.lon_deg,
        Store.radius_m,
        Store.opening,
    )
    .join(Store, Store.id == Stamp.store_id)
    .where(Stamp.id == _stamp, Stamp.merchant_id == _merchant)
    .with_for_update(of=Stamp, key_share=True)
)
"""The stamp, locked: presses of one stamp are decided one after the other."""


def after_matching(rules: Rules) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for what was seen of this stamp, member, device and shape before."""
    burst_since = _now - rules.burst_minutes * MINUTE_US
    stamp_before = aliased(Press)
    member_before = aliased(Press)
    of_device = (Press.merchant_id == _merchant, Press.device == _device, same_address())
    staff_since = _now - rules.staff_window_hours * HOUR_US
    members_of_device = (
        sa.select(Press.member_id)
        .where(*of_device, Press.at_us > _now - DAY_US, Press.member_id.is_not(None))
        .distinct()
        .limit(rules.staff_device_members + 2)
        .subquery()
    )
    one = sa.select(sa.literal(1).label("one")).subquery()
    return (
        sa.select(
            sa.select(Press.id)
            .where(
                Press.merchant_id == _merchant,
                Press.shape_digest == sa.bindparam("shape_digest", type_=sa.LargeBinary),
                Press.at_us > _now - rules.replay_days * DAY_US,
            )
            .limit(1)
            .scalar_subquery()
            .label("same_shape"),
            _count(
                rules.burst_presses + 1,
                Press.stamp_id == _stamp,
                Press.at_us > burst_since,
                Press.outcome != "refused",
            ).label("stamp_recent"),
            _count(rules.burst_device + 1, *of_device, Press.at_us > burst_since).label("device_recent"),
            sa.select(sa.func.count())
            .select_from(members_of_device)
            .where(members_of_device.c.member_id != _member)
            .scalar_subquery()
            .label("other_members"),
            sa.select(Staff.id).where(Staff.member_id == _member).scalar_subquery().label("staff_id"),
            _count(
                rules.staff_presses + 1,
                Press.member_id == _member,
                Press.at_us > staff_since,
                Press.purpose == "stamp",
                Press.outcome != "refused",
            ).label("staff_recent"),
            *_place_columns(stamp_before, "stamp"),
            *_place_columns(member_before, "member"),
        )
        .select_from(one)
        .outerjoin(stamp_before, stamp_before.id == _located(Press.stamp_id == _stamp))
        .outerjoin(member_before, member_before.id == _located(Press.member_id == _member))
    )


def _place_columns(press: type[Press], whose: str) -> list[sa.ColumnElement[Any]]:
    return [
        press.id.label(f"{whose}_press_id"),
        press.pressed_us.label(f"{whose}_pressed_us"),
        press.lat_deg.label(f"{whose}_lat_deg"),
        press.lon_deg.label(f"{whose}_lon_deg"),
        press.accuracy_m.label(f"{whose}_accuracy_m"),
    ]


def earlier_of(row: Any, whose: str) -> Earlier | None:
    """Return the located press of a stamp or member in a row of :func:`after_matching`."""
    press_id = getattr(row, f"{whose}_press_id")
    if press_id is None:
        return None
    place = Place(
        getattr(row, f"{whose}_lat_deg"),
        getattr(row, f"{whose}_lon_deg"),
        getattr(row, f"{whose}_accuracy_m") or 0.0,
    )
    return Earlier(press_id, getattr(row, f"{whose}_pressed_us"), place)
