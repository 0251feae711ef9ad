"""Stamps enrolled to stores, and the bundle for offline apps."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Query
from pydantic import Discriminator, Field, StringConstraints, Tag
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S
from stampbench.sim.credentials.ble.eid import CLOCK_SPAN_S, LARGEST_EXPONENT
from stampbench.sim.service.api.access import (
    Body,
    Contacts,
    Id,
    KeyDep,
    MerchantDep,
    Name,
    PageDep,
    PathId,
    Short,
    TransactionRouter,
    shown,
)
from stampbench.sim.service.api.answers import (
    Bundle,
    CredentialRow,
    Made,
    MadeStamp,
    StampEventRow,
    StampRow,
    many,
)
from stampbench.sim.service.presses.beacons import (
    SMALLEST_EXPONENT,
    battery_changed,
    pair_beacon,
    pair_passwords,
    reset_beacon,
)
from stampbench.sim.service.presses.credentials import credentials_of, pair, unpair
from stampbench.sim.service.presses.sounds import pair_sound
from stampbench.sim.service.shops.bundles import bundle_of
from stampbench.sim.service.shops.enrolment import change_state, enrol_stamp, history_of, stamps_of

router = TransactionRouter(prefix="/v1", tags=["stamps"])


class NewStamp(Body):
    """A stamp: contacts of one or more presses, mm; ``factor`` is what presses of value need besides."""

    store: Id
    serial: Short
    name: Name
    presses_mm: Annotated[list[Contacts], Field(min_length=1, max_length=50)]
    factor: Literal["", "sun", "ble-eid", "ble-otp", "sound"] = ""


Frame = Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{2}){1,31}$")]
"""An advertisement of Bluetooth LE as it was heard, in hexadecimal."""


class NewTag(Body):
    """A tag, by its UID in hexadecimal."""

    kind: Literal["sun"] = "sun"
    uid: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{14}$")]


class NewBeacon(Body):
    """A beacon with a rotating identifier; ``frame`` is what it shows now, ``clock_s`` its clock."""

    kind: Literal["ble-eid"]
    beacon: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{16}$")]
    exponent: Annotated[int, Field(ge=SMALLEST_EXPONENT, le=LARGEST_EXPONENT)]
    clock_s: Annotated[int, Field(ge=0, lt=CLOCK_SPAN_S)] = FIRST_CLOCK_S
    frame: Frame


class NewPasswords(Body):
    """A beacon with one-time passwords, by what it shows now."""

    kind: Literal["ble-otp"]
    frame: Frame


class NewSound(Body):
    """A stamp that sounds, by its answer to a challenge."""

    kind: Literal["sound"]
    challenge: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{64}$")]
    token: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{26}$")]


def _kind(body: object) -> str:
    """Return what a credential that is to be paired says; tags were there first, and need not say so."""
    return str(body.get("kind", "sun") if isinstance(body, dict) else getattr(body, "kind", "sun"))


NewCredential = Annotated[
    Annotated[NewTag, Tag("sun")]
    | Annotated[NewBeacon, Tag("ble-eid")]
    | Annotated[NewPasswords, Tag("ble-otp")]
    | Annotated[NewSound, Tag("sound")],
    Discriminator(
        _kind,
        custom_error_type="kind",
        custom_error_message="expected the kind sun, ble-eid, ble-otp or sound",
    ),
]


class Battery(Body):
    """Why a battery was changed, or by whom."""

    reason: Name


class Reset(Body):
    """What a beacon shows now, its clock (of rotating identifiers), and why it is known anew."""

    frame: Frame
    clock_s: Annotated[int, Field(ge=0, lt=CLOCK_SPAN_S)] = FIRST_CLOCK_S
    reason: Name


class NewState(Body):
    """What is to become of a stamp, and why."""

    state: Literal["active", "disabled", "revoked"]
    reason: Name


@router.post("/merchants/{merchant_id}/stamps", status_code=201, response_model=MadeStamp)
def post_stamp(body: NewStamp, access: MerchantDep) -> dict[str, Any]:
    """Enrol a stamp; 409 says which stamp of the merchant is too near, and how near."""
    stamp_id, sigma_mm = enrol_stamp(
        access.connection,
        access.merchant_id,
        store_id=body.store,
        serial=body.serial,
        name=body.name,
        presses_mm=[np.array(press) for press in body.presses_mm],
        factor=body.factor,
        min_distance_mm=access.service.rules.min_distance_mm,
        now_us=access.now_us,
        key_id=access.key_id,
    )
    return {"id": stamp_id, "sigma_mm": None if math.isnan(sigma_mm) else sigma_mm}


@router.get("/merchants/{merchant_id}/stamps", response_model=many(StampRow))
def get_stamps(access: MerchantDep, page: PageDep) -> list[dict[str, Any]]:
    """Return a merchant's stamps; patterns stay in the service."""
    return page.of(stamps_of(access.connection, access.merchant_id, page.cut))


@router.get("/merchants/{merchant_id}/stamps/{stamp_id}/history", response_model=many(StampEventRow))
def get_history(stamp_id: PathId, access: MerchantDep) -> list[dict[str, Any]]:
    """Return what was done with a stamp."""
    return [shown(event) for event in history_of(access.connection, access.merchant_id, stamp_id)]


@router.post("/merchants/{merchant_id}/stamps/{stamp_id}/state", status_code=204)
def post_state(stamp_id: PathId, body: NewState, access: MerchantDep) -> None:
    """Activate, disable or revoke a stamp; activated, its suspension is lifted for the reason given."""
    change_state(
        access.connection,
        access.merchant_id,
        stamp_id,
        body.state,
        reason=body.reason,
        key_id=access.key_id,
        now_us=access.now_us,
        lift=True,
    )


@router.post("/merchants/{merchant_id}/stamps/{stamp_id}/credentials", status_code=201, response_model=Made)
def post_credential(
    stamp_id: PathId,
    body: NewCredential,
    access: MerchantDep,
) -> dict[str, int]:
    """Let a tag, beacon or sounder belong to a stamp; from then on it proves that the stamp is there."""
    service, values = access.service, body.model_dump(exclude={"kind"})
    if isinstance(body, NewTag):
        made = pair(access.connection, access.merchant_id, stamp_id, body.kind, body.uid.lower())
    elif isinstance(body, NewBeacon):
        values["beacon"] = body.beacon.lower()
        made = pair_beacon(service, access.connection, access.merchant_id, stamp_id, **values)
    elif isinstance(body, NewPasswords):
        made = pair_passwords(service, access.connection, access.merchant_id, stamp_id, **values)
    else:
        made = pair_sound(service, access.connection, access.merchant_id, stamp_id, **values)
    return {"id": made}


@router.get("/merchants/{merchant_id}/stamps/{stamp_id}/credentials", response_model=many(CredentialRow))
def get_credentials(stamp_id: PathId, access: MerchantDep) -> list[dict[str, Any]]:
    """Return a stamp's tags, beacons and sounders."""
    return credentials_of(access.connection, access.merchant_id, stamp_id)


@router.delete("/merchants/{merchant_id}/stamps/{stamp_id}/credentials/{credential_id}", status_code=204)
def delete_credential(
    stamp_id: PathId, credential_id: PathId, access: MerchantDep, reason: Annotated[Name, Query()]
) -> None:
    """Take a lost or mistyped tag, beacon or sounder away from a stamp."""
    unpair(
        access.connection,
        access.merchant_id,
        stamp_id,
        credential_id,
        reason=reason,
        key_id=access.key_id,
        now_us=access.now_us,
    )


@router.post(
    "/merchants/{merchant_id}/stamps/{stamp_id}/credentials/{credential_id}/battery", status_code=204
)
def post_battery(stamp_id: PathId, credential_id: PathId, body: Battery, access: MerchantDep) -> None:
    """Say that a beacon's battery was changed: what it shows of the day before is not a recording then."""
    battery_changed(
        access.service,
        access.connection,
        access.merchant_id,
        stamp_id,
        credential_id,
        reason=body.reason,
        key_id=access.key_id,
    )


@router.post("/merchants/{merchant_id}/stamps/{stamp_id}/credentials/{credential_id}/reset", status_code=204)
def post_reset(stamp_id: PathId, credential_id: PathId, body: Reset, access: MerchantDep) -> None:
    """Know a beacon anew by what it shows now; who did so, and why, stays in the stamp's history."""
    reset_beacon(
        access.service,
        access.connection,
        access.merchant_id,
        stamp_id,
        credential_id,
        **body.model_dump(),
        key_id=access.key_id,
    )


@router.get("/merchants/{merchant_id}/bundle", response_model=Bundle)
def get_bundle(access: MerchantDep) -> dict[str, Any]:
    """Return the patterns of this merchant's active stamps, signed, for offline apps, for a while.

    The merchant's server asks, and gives it to whom it trusts: an app's key is in everybody's hands.
    """
    hours = access.service.rules.offline_hours
    content = bundle_of(access.connection, access.merchant_id, now_us=access.now_us, hours=hours)
    return {"bundle": access.service.signer.sign(content), "exp": content["exp"]}


@router.get("/bundle-key")
def get_bundle_key(access: KeyDep) -> dict[str, Any]:
    """Return the keys with which apps check bundles (JWK)."""
    return access.service.signer.public_key
