from __future__ import annotations

import numpy as np
import pytest

from bench.stamp_follower import PlacedStamp, StampFollower
from firmware_emulator.touch import Contact, TouchReport
from sim.decoder import Decoder
from sim.stamps import load_family

CODE = 4321
FAMILY = load_family("p5-60k")
PADS = FAMILY.pads(CODE)


@pytest.fixture
def follower() -> StampFollower:
    return StampFollower(Decoder(FAMILY))


def scan(number: int, x_mm: float, theta_rad: float, pads: int = 5) -> TouchReport:
    turn = np.array([[np.cos(theta_rad), -np.sin(theta_rad)], [np.sin(theta_rad), np.cos(theta_rad)]])
    places = PADS[:pads] @ turn.T + (x_mm, 50.0)
    contacts = tuple(Contact(10 + n, True, 0, 0, float(x), float(y)) for n, (x, y) in enumerate(places))
    return TouchReport(10_000 * number, contacts)


def test_stamp_is_followed_where_it_is_moved_and_turned(follower: StampFollower) -> None:
    places: list[PlacedStamp | None] = [
        follower.feed(scan(number, 30.0 + 0.5 * number, 0.3 + 0.02 * number)) for number in range(20)
    ]
    assert places[0] is None
    for number in (10, 19):
        stamp = places[number]
        assert stamp is not None
        assert stamp.code == CODE
        assert (stamp.x_mm, stamp.y_mm) == pytest.approx((30.0 + 0.5 * number, 50.0), abs=1e-6)
        assert stamp.theta_rad == pytest.approx(0.3 + 0.02 * number, abs=1e-6)
        assert stamp.contact_ids == frozenset(range(10, 15))


def test_stamp_stays_where_it_was_while_its_pads_lift_and_is_gone_after(follower: StampFollower) -> None:
    for number in range(10):
        standing = follower.feed(scan(number, 30.0, 0.0))
    assert standing is not None
    assert follower.feed(scan(10, 30.0, 0.0, pads=2)) == standing
    assert follower.feed(scan(11, 30.0, 0.0, pads=0)) is None
    assert follower.feed(scan(12, 30.0, 0.0)) is None


def test_fingers_are_no_stamp(follower: StampFollower) -> None:
    fingers = tuple(Contact(n, True, 0, 0, 20.0 * n, 15.0 * n * n) for n in range(3))
    assert all(follower.feed(TouchReport(10_000 * number, fingers)) is None for number in range(20))
