"""How a merchant rewards."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from stampbench.sim.service.problems import NotFoundError
from stampbench.sim.service.store.database import insert_new
from stampbench.sim.service.tables.loyalty import Program


def set_program(connection: sa.Connection, merchant_id: int, values: dict[str, Any]) -> None:
    """Begin a program, or change it for all that comes."""
    if insert_new(connection, Program, {"merchant_id": merchant_id, **values}, ("merchant_id",)) is None:
        connection.execute(sa.update(Program).where(Program.merchant_id == merchant_id).values(**values))


def program_of(connection: sa.Connection, merchant_id: int) -> dict[str, Any]:
    """A merchant's program.

    Raises:
        NotFoundError: it has none.
    """
    row = connection.execute(sa.select(Program).where(Program.merchant_id == merchant_id)).first()
    if row is None:
        raise NotFoundError("program", "this merchant has no program")
    return {name: value for name, value in row._mapping.items() if name not in ("id", "merchant_id")}
