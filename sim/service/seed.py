"""A small world to try the service on: a vendor, merchants in Seoul, stamps, keys, presses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.clock import DAY_US, HOUR_US
from stampbench.sim.service.identity import Role, make_key
from stampbench.sim.service.loyalty.cards import set_program
from stampbench.sim.service.presses.geometry import Points
from stampbench.sim.service.service import Service
from stampbench.sim.service.shops.enrolment import enrol_stamp
from stampbench.sim.service.shops.tenants import Hours, add_brand, add_merchant, add_store, add_vendor
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.loyalty import Entry
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.stamps import load_family

SEOUL_DEG: Final = (37.5665, 126.9780)
FAMILY: Final = "p5-60k"
OPENING: Final[Hours] = [[(8 * 60, 22 * 60)] for _ in range(7)]
_METRES_PER_DEGREE: Final = 111_195.0
_CITY_M: Final = 9000.0
MEMBERS: Final = 5_000
STOPPED, GONE, TODAY, STAMPS_TODAY = 300, 38, 130, 250
"""Of 5,000 members: stopped at 8 stamps; of these not seen for 30 days; came today; pressed by those."""
_OTHER_CARDS: Final = (1, 2, 3, 4, 5, 6, 7, 9)


@dataclass(frozen=True)
class SeededStamp:
    """A stamp and where its pads are, which only this seed knows besides the service.

    Attributes:
        code: in the family that it was drawn from.
    """

    stamp_id: int
    code: int
    serial: str
    store_id: int
    pads_mm: Points


@dataclass(frozen=True)
class SeededStore:
    """A store and its place."""

    store_id: int
    number: str
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True, kw_only=True)
class SeededMerchant:
    """A merchant with the keys that were made for it."""

    merchant_id: int
    name: str
    server_key: str
    app_key: str
    stores: tuple[SeededStore, ...]
    stamps: tuple[SeededStamp, ...]


@dataclass(frozen=True)
class Seeded:
    """All that was made."""

    operator_key: str
    vendor_id: int
    vendor_key: str
    merchants: tuple[SeededMerchant, ...]


def seed_world(
    service: Service,
    *,
    merchants: int = 2,
    stores: int = 2,
    stamps_per_store: int = 1,
    seed: int = 0,
    vendor: str = "Vendor",
    price_per_press: int = 10,
    opening: Hours = OPENING,
    factor: str = "",
    check_distance: bool = True,
    family: str = FAMILY,
    keys: Mapping[str, str] | None = None,
) -> Seeded:
    """Fill a database; the same seed gives the same places and stamps, keys are new unless given, by role.

    Stamps of one family keep its guaranteed distance, so that large worlds may leave the check out.

    Raises:
        InputError: no such family, or one with too few stamps.
    """
    rng = np.random.default_rng(seed)
    drawn_from, given = load_family(family), keys or {}
    wanted = merchants * stores * stamps_per_store
    if drawn_from.size < wanted:
        raise InputError(f"family {family}: {drawn_from.size} stamps: expected {wanted} or more")
    codes = iter(rng.permutation(drawn_from.size)[:wanted].tolist())
    now_us = service.clock.now_us()
    made = []
    with service.database.write() as connection:
        operator_id, operator_key = make_key(connection, Role.OPERATOR, now_us=now_us)
        vendor_id = add_vendor(connection, vendor, price_per_press)
        _, vendor_key = make_key(connection, Role.VENDOR, now_us=now_us, vendor_id=vendor_id)
        brand_id = add_brand(connection, vendor_id, "Brand")
        for m in range(merchants):
            name = f"Merchant {m + 1}"
            merchant_id = add_merchant(connection, vendor_id, brand_id, name)
            set_program(
                connection,
                merchant_id,
                {
                    "card_stamps": 10,
                    "coupon_name": "아메리카노 1잔",
                    "coupon_days": 90,
                    "points_per_stamp": 5,
                    "points_per_share": 50,
                    "delay_minutes": 0,
                    "stamps_per_day": 10,
                    "redeem_factor": False,
                },
            )
            its_stores, its_stamps = [], []
            for s in range(stores):
                lat_deg, lon_deg = somewhere(rng, SEOUL_DEG, _CITY_M)
                store_id = add_store(
                    connection,
                    merchant_id,
                    name=f"Store {s + 1}",
                    number=f"{m + 1:03d}{s + 1:03d}",
                    lat_deg=lat_deg,
                    lon_deg=lon_deg,
                    radius_m=service.rules.store_radius_m,
                    opening=opening,
                )
                its_stores.append(SeededStore(store_id, f"{m + 1:03d}{s + 1:03d}", lat_deg, lon_deg))
                for k in range(stamps_per_store):
                    serial = f"S{m + 1:03d}-{s + 1:03d}-{k + 1:02d}"
                    code = next(codes)
                    pads = drawn_from.pads(code)
                    stamp_id, _ = enrol_stamp(
                        connection,
                        merchant_id,
                        store_id=store_id,
                        serial=serial,
                        name=f"Stamp {k + 1}",
                        presses_mm=[pads],
                        factor=factor,
                        min_distance_mm=service.rules.min_distance_mm if check_distance else 0.0,
                        now_us=now_us,
                        key_id=operator_id,
                    )
                    its_stamps.append(SeededStamp(stamp_id, code, serial, store_id, pads))
            server_key, app_key = (
                make_key(
                    connection, role, now_us=now_us, merchant_id=merchant_id, text=given.get(role.value, "")
                )[1]
                for role in (Role.MERCHANT, Role.APP)
            )
            made.append(
                SeededMerchant(
                    merchant_id=merchant_id,
                    name=name,
                    server_key=server_key,
                    app_key=app_key,
                    stores=tuple(its_stores),
                    stamps=tuple(its_stamps),
                )
            )
    return Seeded(operator_key, vendor_id, vendor_key, tuple(made))


def seed_month(service: Service, merchant: SeededMerchant, *, members: int = MEMBERS, seed: int = 1) -> None:
    """Give a merchant without members as many, with two months of presses and stamps behind them.

    Rows are written past the service as presses would have written them: fifteen thousand requests would
    take a minute. The program must give a coupon for more than nine stamps; the merchant has no press yet.
    """
    rng, now_us, calendar = np.random.default_rng(seed), service.clock.now_us(), service.calendar
    stopped, gone, today, pressed_today = (
        members * count // MEMBERS for count in (STOPPED, GONE, TODAY, STAMPS_TODAY)
    )
    today_us = now_us - calendar.start_of(calendar.local(now_us).date())
    noon_us = now_us - today_us + 12 * HOUR_US
    names, presses, entries = [], [], []
    common = {"merchant_id": merchant.merchant_id}
    with service.database.write() as connection:
        first = connection.execute(sa.select(sa.func.coalesce(sa.func.max(Member.id), 0))).scalar_one() + 1
        number = connection.execute(sa.select(sa.func.coalesce(sa.func.max(Press.id), 0))).scalar_one()
        for m in range(members):
            days_ago = rng.integers(1, 30) if m >= gone else rng.integers(31, 60)
            stamps = 8 if m < stopped else int(rng.choice(_OTHER_CARDS))
            last_us = noon_us - int(days_ago) * DAY_US
            last_us += int(np.clip(rng.normal(0.0, 2.6), -9.0, 9.0) * HOUR_US)  # within that day
            comes_today = stopped <= m < stopped + today
            if comes_today:
                stamps = 2 if m - stopped < pressed_today - today else 1
                last_us = now_us - int(rng.uniform(0.02, 0.98) * min(today_us, 4 * HOUR_US))
            joined_us = last_us - 4 * DAY_US
            names.append(
                common
                | {
                    "id": first + m,
                    "pseudonym": service.pseudonyms.of(merchant.merchant_id, "member", f"member {m}"),
                    "joined_us": joined_us,
                    "joined_day": calendar.day(joined_us),
                }
            )
            store = min(int(rng.random() < 0.35), len(merchant.stores) - 1)
            stamp = next(one for one in merchant.stamps if one.store_id == merchant.stores[store].store_id)
            for k in range(stamps):
                at_us = last_us - (0 if comes_today else k // 3 * DAY_US)
                number += 1
                its: dict[str, Any] = common | {
                    "member_id": first + m,
                    "at_us": at_us,
                    "day": calendar.day(at_us),
                }
                presses.append(
                    its
                    | {
                        "id": number,
                        "store_id": stamp.store_id,
                        "stamp_id": stamp.stamp_id,
                        "key_digest": number.to_bytes(32, "big"),
                        "request_digest": bytes(32),
                        "kind": "pattern",
                        "purpose": "stamp",
                        "outcome": "accepted",
                        "reason": "ok",
                        "factor": "",
                        "value": 1,
                        "pressed_us": at_us,
                        "hour": calendar.local(at_us).hour,
                    }
                )
                entries.append(
                    its
                    | {
                        "account": "stamps",
                        "kind": "press",
                        "amount": 1,
                        "reference": f"press:{number}",
                        "press_id": number,
                    }
                )
        for table, rows in ((Member, names), (Press, presses), (Entry, entries)):
            connection.execute(sa.insert(table.columns()), rows)
        if not service.database.is_sqlite:  # numbers were given here: the sequences go on after them
            for name in ("members", "presses"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )


def somewhere(rng: np.random.Generator, centre_deg: Sequence[float], radius_m: float) -> tuple[float, float]:
    """Return a place drawn evenly from a disc: latitude and longitude, degrees."""
    distance_m, direction = radius_m * math.sqrt(rng.random()), rng.uniform(0.0, 2.0 * math.pi)
    return moved(centre_deg, distance_m, direction)


def moved(place_deg: Sequence[float], distance_m: float, direction_rad: float) -> tuple[float, float]:
    """Return a place some way off; good for the distances of a city."""
    lat_deg, lon_deg = place_deg
    north_m, east_m = distance_m * math.cos(direction_rad), distance_m * math.sin(direction_rad)
    shrink = math.cos(math.radians(lat_deg))
    return lat_deg + north_m / _METRES_PER_DEGREE, lon_deg + east_m / (_METRES_PER_DEGREE * shrink)


def pressed(
    pads_mm: Points, rng: np.random.Generator, *, sigma_mm: float = 0.1, scale: float = 1.0
) -> Points:
    """Return contacts of a press: the pads anywhere on a phone, turned, in any order, with noise.

    Contacts are rounded to 0.01 mm, as touch controllers report them.
    """
    angle = rng.uniform(0.0, 2.0 * math.pi)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre = rng.uniform((25.0, 25.0), (40.0, 90.0))
    noise = np.asarray(rng.normal(0.0, sigma_mm, pads_mm.shape), np.float64)
    points = scale * pads_mm @ turn.T + centre + noise
    return _reported(points[rng.permutation(len(points))])


def settled(points_mm: Points, rng: np.random.Generator, *, sigma_mm: float = 0.03) -> Points:
    """Return the same press a moment later: pads settle a little."""
    return _reported(points_mm + np.asarray(rng.normal(0.0, sigma_mm, points_mm.shape), np.float64))


def _reported(points_mm: Points) -> Points:
    return np.asarray(np.round(points_mm, 2), np.float64)
