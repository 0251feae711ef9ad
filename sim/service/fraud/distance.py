"""Distances on the ground, and speeds that allow for what is not known exactly."""

from __future__ import annotations

import math
from typing import Final

from stampbench.sim.service.clock import HOUR_US, SECOND_US

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius R1 (IUGG)."""


def distance_m(lat_a_deg: float, lon_a_deg: float, lat_b_deg: float, lon_b_deg: float) -> float:
    """Great-circle distance (haversine)."""
    lat_a, lat_b = math.radians(lat_a_deg), math.radians(lat_b_deg)
    half_lat = math.sin((lat_b - lat_a) / 2.0)
    half_lon = math.sin(math.radians(lon_b_deg - lon_a_deg) / 2.0)
    h = half_lat**2 + math.cos(lat_a) * math.cos(lat_b) * half_lon**2
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


def least_speed_kmh(distance_m: float, radii_m: float, elapsed_us: int, skew_s: float) -> float:
    """The slowest travel that explains two places: closer by their radii, longer by the clocks' skew."""
    hours = (abs(elapsed_us) + skew_s * SECOND_US) / HOUR_US
    return max(0.0, distance_m - radii_m) / 1000.0 / hours if hours > 0.0 else math.inf
