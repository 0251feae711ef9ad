"""Vendors, brands, merchants and stores."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.identity import Principal, Role
from stampbench.sim.service.problems import ConflictError, MalformedError, NotFoundError
from stampbench.sim.service.store.database import ALL, Cut, insert_new
from stampbench.sim.service.tables.attendance import Staff
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Brand, Key, Merchant, Stamp, Store, Vendor

Hours = Sequence[Sequence[tuple[int, int]]]
"""Seven days, Monday first; each a list of (opens, closes) in minutes after midnight, at most 2880."""
OTP_BYTES: Final = 20
_LATEST: Final = 2 * 1440


def add_vendor(connection: sa.Connection, name: str, price_per_press: int) -> int:
    """Add a vendor.

    Raises:
        ConflictError: the name is taken.
    """
    made = insert_new(connection, Vendor, {"name": name, "price_per_press": price_per_press}, ("name",))
    return _new(made, "vendor", name)


def add_brand(connection: sa.Connection, vendor_id: int, name: str) -> int:
    """Add a brand.

    Raises:
        ConflictError: the vendor has one of that name.
    """
    return _new(
        insert_new(connection, Brand, {"vendor_id": vendor_id, "name": name}, ("vendor_id", "name")),
        "brand",
        name,
    )


def add_merchant(connection: sa.Connection, vendor_id: int, brand_id: int, name: str, **policy: Any) -> int:
    """Add a merchant.

    Raises:
        NotFoundError: the brand is not the vendor's.
        ConflictError: the vendor has a merchant of that name.
    """
    brand = sa.select(Brand.id).where(Brand.id == brand_id, Brand.vendor_id == vendor_id)
    if connection.execute(brand).first() is None:
        raise NotFoundError("brand", f"no brand {brand_id}")
    values = {"vendor_id": vendor_id, "brand_id": brand_id, "name": name, **policy}
    return _new(insert_new(connection, Merchant, values, ("vendor_id", "name")), "merchant", name)


def change_merchant(connection: sa.Connection, merchant_id: int, policy: dict[str, Any]) -> None:
    """Change what a merchant asks of presses."""
    if policy:
        connection.execute(sa.update(Merchant).where(Merchant.id == merchant_id).values(**policy))


def add_store(
    connection: sa.Connection,
    merchant_id: int,
    *,
    name: str,
    number: str,
    lat_deg: float,
    lon_deg: float,
    radius_m: float,
    opening: Hours,
) -> int:
    """Add a store; the secret of its one-time codes is drawn here.

    Raises:
        MalformedError: opening hours that are none.
        ConflictError: the number is taken.
    """
    values = {
        "merchant_id": merchant_id,
        "name": name,
        "number": number,
        "lat_deg": lat_deg,
        "lon_deg": lon_deg,
        "radius_m": radius_m,
        "opening": opening_text(opening),
        "otp_secret": secrets.token_bytes(OTP_BYTES),
    }
    return _new(insert_new(connection, Store, values, ("merchant_id", "number")), "store number", number)


def opening_text(opening: Hours) -> str:
    """Return opening hours as they are stored.

    Raises:
        MalformedError: not seven days, or hours that do not rise.
    """
    if len(opening) != 7:
        raise MalformedError("opening", f"opening hours of {len(opening)} days; expected 7, Monday first")
    for day, hours in enumerate(opening):
        for opens, closes in hours:
            if not (0 <= opens < 1440 and opens < closes <= _LATEST):
                raise MalformedError(
                    "opening",
                    f"opening[{day}]: {opens} to {closes}: expected minutes after midnight, opening before"
                    f" 1440 and closing after it, by {_LATEST} at the latest",
                )
    return json.dumps([[list(span) for span in hours] for hours in opening])


def check_store(connection: sa.Connection, merchant_id: int, store_id: int) -> None:
    """Check that a store is the merchant's.

    Raises:
        NotFoundError: it is not.
    """
    found = connection.execute(
        sa.select(Store.id).where(Store.id == store_id, Store.merchant_id == merchant_id)
    ).first()
    if found is None:
        raise NotFoundError("store", f"no store {store_id}")


def stores_of(connection: sa.Connection, merchant_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return a merchant's stores."""
    statement = sa.select(
        Store.id, Store.name, Store.number, Store.lat_deg, Store.lon_deg, Store.radius_m, Store.opening
    ).where(Store.merchant_id == merchant_id)
    rows = connection.execute(cut.of(statement, Store.id))
    return [{**row._mapping, "opening": json.loads(row.opening)} for row in rows]


def change_store(connection: sa.Connection, merchant_id: int, store_id: int, changes: dict[str, Any]) -> None:
    """Change what stands of a store; ``opening`` as in :func:`add_store`.

    Raises:
        NotFoundError: the store is not the merchant's.
        MalformedError: opening hours that are none.
        ConflictError: another store has the number.
    """
    check_store(connection, merchant_id, store_id)
    values = changes | ({"opening": opening_text(changes["opening"])} if "opening" in changes else {})
    if "number" in values:
        other = sa.select(Store.id).where(
            Store.merchant_id == merchant_id, Store.number == values["number"], Store.id != store_id
        )
        if connection.execute(other).first() is not None:
            raise ConflictError("taken", f"store number {values['number']!r} is there already")
    if values:
        connection.execute(sa.update(Store).where(Store.id == store_id).values(**values))


def remove_store(connection: sa.Connection, merchant_id: int, store_id: int) -> None:
    """Remove a store that nothing was done in: no stamp, nobody who works there, no press.

    Raises:
        NotFoundError: the store is not the merchant's.
        ConflictError: something stands in it.
    """
    check_store(connection, merchant_id, store_id)
    for column in (Stamp.store_id, Staff.store_id, Press.store_id):
        if connection.execute(sa.select(column).where(column == store_id).limit(1)).first() is not None:
            raise ConflictError("used", f"store {store_id} has stamps, staff or presses: it stays")
    connection.execute(sa.delete(Store).where(Store.id == store_id))


def keys_of(connection: sa.Connection, merchant_id: int, cut: Cut) -> list[dict[str, Any]]:
    """Return a merchant's keys, without their texts: those are known to their holders alone."""
    columns = Key.id, Key.role, Key.made_us, Key.withdrawn_us
    rows = connection.execute(cut.of(sa.select(*columns).where(Key.merchant_id == merchant_id), Key.id))
    return [dict(row._mapping) for row in rows]


def withdraw_key(connection: sa.Connection, principal: Principal, key_id: int, now_us: int) -> None:
    """Withdraw a key within one's reach.

    Raises:
        NotFoundError: there is none such.
    """
    mine: sa.ColumnElement[bool] = sa.true()
    if principal.role is Role.VENDOR:
        merchants = sa.select(Merchant.id).where(Merchant.vendor_id == principal.vendor_id)
        mine = Key.merchant_id.in_(merchants)
    elif principal.role is not Role.OPERATOR:
        mine = Key.merchant_id == principal.merchant_id
    changed = connection.execute(
        sa.update(Key).where(Key.id == key_id, Key.withdrawn_us.is_(None), mine).values(withdrawn_us=now_us)
    )
    if changed.rowcount == 0:
        raise NotFoundError("key", f"no key {key_id}")


def _new(made: int | None, what: str, name: str) -> int:
    if made is None:
        raise ConflictError("taken", f"{what} {name!r} is there already")
    return made


def otp_secret_of(connection: sa.Connection, merchant_id: int, store_id: int) -> str:
    """Return the secret of a store's one-time codes in base 32.

    Raises:
        NotFoundError: the store is not the merchant's.
    """
    secret = connection.execute(
        sa.select(Store.otp_secret).where(Store.id == store_id, Store.merchant_id == merchant_id)
    ).scalar_one_or_none()
    if secret is None:
        raise NotFoundError("store", f"no store {store_id}")
    return base64.b32encode(secret).decode()
