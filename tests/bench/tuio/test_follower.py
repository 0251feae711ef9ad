from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stampbench.bench.sources.recording import Ruler
from stampbench.bench.tuio.follower import CoarseStampFollower, StampFollower
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder import Decoder
from stampbench.sim.stamps import load_family

CODE = 4321
FAMILY = load_family("p5-60k")


@pytest.fixture
def follower() -> StampFollower:
    return StampFollower(Decoder(FAMILY))


def contacts_of(
    code: int, x_mm: float, theta_rad: float, first_id: int = 10, pads: int = 5
) -> tuple[Contact, ...]:
    turn = np.array([[np.cos(theta_rad), -np.sin(theta_rad)], [np.sin(theta_rad), np.cos(theta_rad)]])
    places = FAMILY.pads(code)[:pads] @ turn.T + (x_mm, 50.0)
    return tuple(Contact(first_id + n, True, 0, 0, float(x), float(y)) for n, (x, y) in enumerate(places))


def scan(number: int, x_mm: float, theta_rad: float, pads: int = 5) -> TouchReport:
    return TouchReport(10_000 * number, contacts_of(CODE, x_mm, theta_rad, pads=pads))


def test_stamp_is_followed_where_it_is_moved_and_turned(follower: StampFollower) -> None:
    placed = [follower.feed(scan(number, 30.0 + 0.5 * number, 0.3 + 0.02 * number)) for number in range(20)]
    assert placed[0] == ()
    for number in (1, 10, 19):
        (stamp,) = placed[number]
        assert stamp.code == CODE
        assert (stamp.x_mm, stamp.y_mm) == pytest.approx((30.0 + 0.5 * number, 50.0), abs=1e-6)
        assert stamp.theta_rad == pytest.approx(0.3 + 0.02 * number, abs=1e-6)
        assert stamp.contact_ids == frozenset(range(10, 15))


def test_stamp_stays_where_it_was_while_its_pads_lift_and_is_gone_after(follower: StampFollower) -> None:
    for number in range(10):
        (standing,) = follower.feed(scan(number, 30.0, 0.0)) or (None,)
    assert standing is not None
    assert follower.feed(scan(10, 30.0, 0.0, pads=2)) == (replace(standing, contact_ids=frozenset({10, 11})),)
    assert follower.feed(scan(11, 30.0, 0.0, pads=0)) == ()
    assert follower.feed(scan(12, 30.0, 0.0)) == ()


@pytest.mark.parametrize("other", [CODE, 999])
def test_two_stamps_at_once_are_two(follower: StampFollower, other: int) -> None:
    for number in range(4):
        contacts = contacts_of(CODE, 30.0, 0.0) + contacts_of(other, 100.0 + number, 1.0, 20)
        placed = follower.feed(TouchReport(10_000 * number, contacts))
    assert sorted((stamp.code, round(stamp.x_mm, 3)) for stamp in placed) == sorted(
        [(CODE, 30.0), (other, 103.0)]
    )
    assert len({stamp.track for stamp in placed}) == 2


def test_fingers_are_no_stamp(follower: StampFollower) -> None:
    fingers = tuple(Contact(n, True, 0, 0, 20.0 * n, 15.0 * n * n) for n in range(3))
    assert not any(follower.feed(TouchReport(10_000 * number, fingers)) for number in range(20))


def off_by(report: TouchReport, factor: float) -> TouchReport:
    contacts = (
        c._replace(x_mm=factor * (c.x_mm or 0.0), y_mm=factor * (c.y_mm or 0.0)) for c in report.contacts
    )
    return report._replace(contacts=tuple(contacts))


def test_stamp_on_a_coarse_ruler_is_followed_from_its_third_report() -> None:
    ruler = Ruler(100.0, 100.0, "the kernel's resolution", x_error=0.03, y_error=0.03)
    follower = CoarseStampFollower(Decoder(FAMILY, sigma_mm=0.15), ruler)
    still = [follower.feed(off_by(scan(number, 30.0, 0.3), 0.98)) for number in range(4)]
    assert still[1] == ()
    assert [stamp.code for stamp in still[2]] == [CODE]
    (moved,) = follower.feed(off_by(scan(5, 40.0, 0.5), 0.98))
    assert (moved.x_mm, moved.theta_rad) == pytest.approx((0.98 * 40.0, 0.5), abs=0.3)
    (lifting,) = follower.feed(off_by(scan(6, 40.0, 0.5, pads=2), 0.98))
    assert (lifting.x_mm, len(lifting.contact_ids)) == (moved.x_mm, 2)
    assert follower.feed(TouchReport(100_000, ())) == ()
