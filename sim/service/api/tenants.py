"""Vendors, brands, merchants, keys and stores."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field
from stampbench.sim.service.api.access import (
    AboveDep,
    Amount,
    Body,
    Id,
    KeeperDep,
    MerchantDep,
    Name,
    OperatorDep,
    PageDep,
    PathId,
    Short,
    TransactionRouter,
    VendorDep,
    shown,
)
from stampbench.sim.service.api.answers import (
    BrandRow,
    KeyRow,
    Made,
    MadeKey,
    MerchantRow,
    OtpSecret,
    StoreRow,
    many,
)
from stampbench.sim.service.attendance.pay import PayRules
from stampbench.sim.service.identity import Role, make_key
from stampbench.sim.service.problems import ForbiddenError
from stampbench.sim.service.shops.tenants import (
    add_brand,
    add_merchant,
    add_store,
    add_vendor,
    change_merchant,
    change_store,
    keys_of,
    otp_secret_of,
    remove_store,
    stores_of,
    withdraw_key,
)
from stampbench.sim.service.tables.tenants import Brand, Merchant

router = TransactionRouter(prefix="/v1", tags=["tenants"])


class NewVendor(Body):
    """A vendor."""

    name: Name
    price_per_press: Amount = 0


class NewBrand(Body):
    """A brand."""

    name: Name


class NewMerchant(Body):
    """A merchant of a brand."""

    name: Name
    brand: Id
    require_place: bool = False
    require_liveness: bool = False
    suspend_automatically: bool = True
    redeem_by_tap: bool = False
    pay_rules: PayRules = PayRules.DAILY


class Policy(Body):
    """What a merchant asks of presses; what is left out stays."""

    require_place: bool | None = None
    require_liveness: bool | None = None
    suspend_automatically: bool | None = None
    redeem_by_tap: bool | None = None
    pay_rules: PayRules | None = None


class NewKey(Body):
    """For whom a key is."""

    role: Role


class NewStore(Body):
    """A store; ``opening`` has seven days, Monday first, each a list of opening and closing minutes."""

    name: Name
    number: Short
    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    radius_m: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    opening: Annotated[list[list[tuple[int, int]]], Field(max_length=7)]


class StoreChange(Body):
    """What of a store is to be otherwise."""

    name: Name | None = None
    number: Short | None = None
    lat_deg: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon_deg: Annotated[float, Field(ge=-180, le=180)] | None = None
    radius_m: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    opening: Annotated[list[list[tuple[int, int]]], Field(max_length=7)] | None = None


@router.post("/vendors", status_code=201, response_model=MadeKey)
def post_vendor(body: NewVendor, access: OperatorDep) -> dict[str, Any]:
    """Add a vendor and give it a key, which is shown this once."""
    vendor_id = add_vendor(access.connection, body.name, body.price_per_press)
    _, key = make_key(access.connection, Role.VENDOR, now_us=access.now_us, vendor_id=vendor_id)
    return {"id": vendor_id, "key": key}


@router.post("/vendors/{vendor_id}/brands", status_code=201, response_model=Made)
def post_brand(vendor_id: PathId, body: NewBrand, access: VendorDep) -> dict[str, int]:
    """Add a brand."""
    return {"id": add_brand(access.connection, vendor_id, body.name)}


@router.get("/vendors/{vendor_id}/brands", response_model=many(BrandRow))
def get_brands(vendor_id: PathId, access: VendorDep) -> list[dict[str, Any]]:
    """Return a vendor's brands."""
    rows = access.connection.execute(sa.select(Brand.id, Brand.name).where(Brand.vendor_id == vendor_id))
    return [dict(row._mapping) for row in rows]


@router.post("/vendors/{vendor_id}/merchants", status_code=201, response_model=Made)
def post_merchant(vendor_id: PathId, body: NewMerchant, access: VendorDep) -> dict[str, int]:
    """Add a merchant."""
    policy = body.model_dump(exclude={"name", "brand"})
    return {"id": add_merchant(access.connection, vendor_id, body.brand, body.name, **policy)}


@router.get("/vendors/{vendor_id}/merchants", response_model=many(MerchantRow))
def get_merchants(vendor_id: PathId, access: VendorDep) -> list[dict[str, Any]]:
    """Return a vendor's merchants."""
    rows = access.connection.execute(
        sa.select(Merchant.id, Merchant.name, Merchant.brand_id).where(Merchant.vendor_id == vendor_id)
    )
    return [shown(dict(row._mapping)) for row in rows]


@router.patch("/merchants/{merchant_id}", status_code=204)
def patch_merchant(body: Policy, access: MerchantDep) -> None:
    """Change what a merchant asks of presses."""
    change_merchant(access.connection, access.merchant_id, body.model_dump(exclude_none=True))


@router.post("/merchants/{merchant_id}/keys", status_code=201, response_model=MadeKey)
def post_key(body: NewKey, access: MerchantDep) -> dict[str, Any]:
    """Make a key for the merchant's server or app, which is shown this once; a merchant makes app keys."""
    if body.role not in (Role.MERCHANT, Role.APP):
        raise ForbiddenError("role", f"role {body.role}: expected merchant or app")
    if body.role is Role.MERCHANT:
        access.principal.require(Role.VENDOR, Role.OPERATOR)
    now_us = access.now_us
    key_id, key = make_key(access.connection, body.role, now_us=now_us, merchant_id=access.merchant_id)
    return {"id": key_id, "key": key}


@router.get("/merchants/{merchant_id}/keys", response_model=many(KeyRow))
def get_keys(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a merchant's keys and when they were made and withdrawn; their texts are not kept."""
    return page.of(keys_of(access.connection, access.merchant_id, page.cut))


@router.delete("/keys/{key_id}", status_code=204)
def delete_key(key_id: PathId, access: KeeperDep) -> None:
    """Withdraw a key within one's reach."""
    withdraw_key(access.connection, access.principal, key_id, access.now_us)


@router.post("/merchants/{merchant_id}/stores", status_code=201, response_model=Made)
def post_store(body: NewStore, access: MerchantDep) -> dict[str, int]:
    """Add a store."""
    radius_m = access.service.rules.store_radius_m if body.radius_m is None else body.radius_m
    store_id = add_store(
        access.connection, access.merchant_id, **(body.model_dump() | {"radius_m": radius_m})
    )
    return {"id": store_id}


@router.get("/merchants/{merchant_id}/stores", response_model=many(StoreRow))
def get_stores(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a merchant's stores."""
    return page.of(stores_of(access.connection, access.merchant_id, page.cut))


@router.patch("/merchants/{merchant_id}/stores/{store_id}", status_code=204)
def patch_store(store_id: PathId, body: StoreChange, access: MerchantDep) -> None:
    """Change a store; what is left out stays."""
    change_store(access.connection, access.merchant_id, store_id, body.model_dump(exclude_none=True))


@router.delete("/merchants/{merchant_id}/stores/{store_id}", status_code=204)
def delete_store(store_id: PathId, access: MerchantDep) -> None:
    """Remove a store that nothing was done in."""
    remove_store(access.connection, access.merchant_id, store_id)


@router.get("/merchants/{merchant_id}/stores/{store_id}/otp-secret", response_model=OtpSecret)
def get_otp_secret(store_id: PathId, access: AboveDep) -> dict[str, str]:
    """Return the secret of a store's one-time codes in base 32, to be put into the staff's device."""
    return {"secret": otp_secret_of(access.connection, access.merchant_id, store_id)}
