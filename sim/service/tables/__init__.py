"""The tables; importing this package knows them all."""

from __future__ import annotations

from stampbench.sim.service.tables import attendance, billing, customers, fraud, loyalty, presses, tenants
from stampbench.sim.service.tables.base import Base, Table

__all__ = ["Base", "Table", "attendance", "billing", "customers", "fraud", "loyalty", "presses", "tenants"]
