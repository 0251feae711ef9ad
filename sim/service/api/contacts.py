"""Contacts as they travel: pairs of numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Coordinate = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Contacts = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=1, max_length=20)]
"""At most as many as a touchscreen reports."""
