"""Stamps enrolled to stores: from presses or pads, refused when too near another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.problems import ConflictError, MalformedError, NotFoundError
from stampbench.sim.service.shops.tenants import check_store
from stampbench.sim.service.store.database import ALL, Cut, insert, insert_new
from stampbench.sim.service.tables.tenants import Merchant, Stamp, StampEvent
from stampbench.sim.stamps import Catalogue
from stampbench.sim.stamps.enrolment import average_presses
from stampbench.sim.stamps.index import index_for

_MOST_COORDINATE_MM: Final = 1000.0


def enrol_stamp(
    connection: sa.Connection,
    merchant_id: int,
    *,
    store_id: int,
    serial: str,
    name: str,
    presses_mm: Sequence[npt.ArrayLike],
    factor: str,
    min_distance_mm: float,
    now_us: int,
    key_id: int,
) -> tuple[int, float]:
    """Enrol the mean of one or more presses (or of the pads themselves).

    Returns:
        The stamp's number, and the standard deviation of a contact (mm; NaN for a single press).

    Raises:
        NotFoundError: the store is not the merchant's.
        MalformedError: the presses cannot be averaged.
        ConflictError: the serial is taken, or another stamp is too near: one of the same merchant is named
            with its distance, one of another merchant is not.
    """
    check_store(connection, merchant_id, store_id)
    try:
        mean = average_presses(presses_mm)
        Catalogue([serial], mean.pads_mm[None], "stamp")
    except InputError as error:
        raise MalformedError("presses", str(error)) from None
    if not np.abs(mean.pads_mm).max() < _MOST_COORDINATE_MM:
        raise MalformedError(
            "presses", f"pads {mean.pads_mm.tolist()}: expected a stamp smaller than a metre"
        )
    # Enrolments wait for each other, so that two near stamps cannot pass side by side.
    connection.execute(sa.select(Merchant.id).order_by(Merchant.id).limit(1).with_for_update(key_share=True))
    if min_distance_mm > 0.0:
        _refuse_near(connection, merchant_id, mean.pads_mm, min_distance_mm)
    values = {
        "merchant_id": merchant_id,
        "store_id": store_id,
        "serial": serial,
        "name": name,
        "pads": json.dumps(mean.pads_mm.tolist()),
        "state": "active",
        "factor": factor,
        "enrolled_us": now_us,
    }
    stamp_id = insert_new(connection, Stamp, values, ("merchant_id", "serial"))
    if stamp_id is None:
        raise ConflictError("taken", f"stamp {serial!r} is there already")
    _note(connection, stamp_id, "active", key_id, "enrolled", now_us)
    _new_version(connection, merchant_id)
    return stamp_id, mean.sigma_mm


def change_state(
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    state: str,
    *,
    reason: str,
    key_id: int | None,
    now_us: int,
    lift: bool = False,
) -> None:
    """Activate, disable, suspend or revoke a stamp; revoked is for ever.

    ``key_id`` says who, None is the service itself; ``lift``, whether a suspension may be lifted.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it is revoked, or suspended and that may not be lifted.
    """
    row = connection.execute(
        sa.select(Stamp.state)
        .where(Stamp.id == stamp_id, Stamp.merchant_id == merchant_id)
        .with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFoundError("stamp", f"no stamp {stamp_id}")
    if row.state == "revoked":
        raise ConflictError("revoked", f"stamp {stamp_id} is revoked, for ever")
    if row.state == state:
        return
    if row.state == "suspended" and state != "revoked" and not lift:
        raise ConflictError(
            "suspended", f"stamp {stamp_id} is suspended; expected an appeal against its alarm"
        )
    connection.execute(sa.update(Stamp).where(Stamp.id == stamp_id).values(state=state))
    _note(connection, stamp_id, state, key_id, reason, now_us)
    if state == "revoked":
        _new_version(connection, merchant_id)


def stamps_of(connection: sa.Connection, merchant_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return a merchant's stamps, without their patterns."""
    statement = sa.select(
        Stamp.id, Stamp.store_id, Stamp.serial, Stamp.name, Stamp.state, Stamp.factor, Stamp.enrolled_us
    ).where(Stamp.merchant_id == merchant_id)
    rows = connection.execute(cut.of(statement, Stamp.id))
    return [dict(row._mapping) for row in rows]


def history_of(connection: sa.Connection, merchant_id: int, stamp_id: int) -> list[dict[str, Any]]:
    """Return what was done with a stamp.

    Raises:
        NotFoundError: no such stamp.
    """
    rows = connection.execute(
        sa.select(StampEvent.at_us, StampEvent.state, StampEvent.reason)
        .join(Stamp, Stamp.id == StampEvent.stamp_id)
        .where(Stamp.merchant_id == merchant_id, Stamp.id == stamp_id)
        .order_by(StampEvent.id)
    ).all()
    if not rows:
        raise NotFoundError("stamp", f"no stamp {stamp_id}")
    return [dict(row._mapping) for row in rows]


def _refuse_near(
    connection: sa.Connection, merchant_id: int, pads_mm: npt.NDArray[np.float64], min_distance_mm: float
) -> None:
    rows = connection.execute(
        sa.select(Stamp.id, Stamp.merchant_id, Stamp.serial, Stamp.pads).where(Stamp.state != "revoked")
    ).all()
    others = [(row, pads) for row in rows if len(pads := json.loads(row.pads)) == len(pads_mm)]
    if not others:
        return
    catalogue = Catalogue([str(row.id) for row, _ in others], [pads for _, pads in others], "stamps")
    codes, distances = index_for(catalogue, min_distance_mm).within(pads_mm, min_distance_mm)
    if not len(codes):
        return
    nearest = others[int(codes[0])][0]
    expected = f"expected at least {min_distance_mm:g} mm from every stamp"
    if nearest.merchant_id == merchant_id:
        raise ConflictError("too-near", f"{distances[0]:.2f} mm from stamp {nearest.serial!r}; {expected}")
    raise ConflictError("too-near", f"too near to a stamp of another merchant; {expected}")


def _new_version(connection: sa.Connection, merchant_id: int) -> None:
    connection.execute(
        sa.update(Merchant)
        .where(Merchant.id == merchant_id)
        .values(catalogue_version=Merchant.catalogue_version + 1)
    )


def _note(
    connection: sa.Connection, stamp_id: int, state: str, key_id: int | None, reason: str, now_us: int
) -> None:
    insert(connection, StampEvent, stamp_id=stamp_id, state=state, key_id=key_id, reason=reason, at_us=now_us)
