"""What each rebuilt recogniser can and cannot do, on presses without a panel in between."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.bench.bench_off.recognisers import BUILT_IN, held_contacts
from stampbench.firmware_emulator.touch import Contact, TouchReport

import stampbench as sb

SIGMA_MM = 0.15
FAMILY = sb.load_family("p5-60k")


@pytest.fixture(scope="module", params=list(BUILT_IN))
def recogniser(request):
    return BUILT_IN[request.param](FAMILY, SIGMA_MM)


def pressed(pads, *, turn_rad=0.0, sigma_mm=0.0, seed=1, extra=()):
    """Reports of a stamp that lies still: turned, moved, in any order, with a noise that stays."""
    rng = np.random.default_rng(seed)
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    contacts = np.asarray(pads) @ np.array([[cos, sin], [-sin, cos]]) + (60.0, 50.0)
    contacts = rng.permutation(contacts + rng.normal(0.0, sigma_mm, contacts.shape))
    places = [*contacts.tolist(), *extra]
    down = tuple(Contact(n, True, 0, 0, x, y) for n, (x, y) in enumerate(places))
    return [TouchReport(10_000 * n, down) for n in range(8)] + [TouchReport(90_000, ())]


def test_it_reads_stamps_however_they_lie(recogniser) -> None:
    for code, turn_rad in ((777, 0.0), (20_406, 2.0), (59_999, -2.9), (0, 1.1)):
        assert recogniser(pressed(FAMILY.pads(code), turn_rad=turn_rad)) == code


def test_it_reads_stamps_with_the_noise_that_it_was_told(recogniser) -> None:
    codes = np.random.default_rng(7).integers(FAMILY.size, size=60)
    read = [recogniser(pressed(FAMILY.pads(c), turn_rad=c, sigma_mm=SIGMA_MM, seed=c)) for c in codes]
    assert sum(one == code for one, code in zip(read, codes, strict=True)) >= 57


def test_a_mirror_image_is_no_stamp_or_another_one(recogniser) -> None:
    assert recogniser(pressed(FAMILY.pads(777) * (1.0, -1.0))) != 777


def test_too_few_contacts_read_as_nothing(recogniser) -> None:
    assert recogniser([TouchReport(0, ())]) is None
    assert recogniser(pressed(FAMILY.pads(777)[:2])) is None


@pytest.mark.parametrize("name", ["stampbench", "kd-tree, rigid fit"])
def test_a_resting_finger_is_looked_past(name) -> None:
    reports = pressed(FAMILY.pads(777), extra=[(5.0, 5.0)])
    assert BUILT_IN[name](FAMILY, SIGMA_MM)(reports) == 777


def test_contacts_are_averaged_while_the_same_ones_are_down() -> None:
    def report(t_us: int, *places: tuple[int, float]) -> TouchReport:
        return TouchReport(t_us, tuple(Contact(n, True, 0, 0, x, 2.0 * x) for n, x in places))

    held = held_contacts(
        [
            report(0, (1, 90.0)),
            report(1, (1, 90.0), (2, 95.0)),  # just landed
            report(2, (2, 21.0), (1, 10.0)),
            report(3, (1, 12.0), (2, 23.0)),
            report(4, (1, 50.0)),
            report(5, (1, 70.0), (3, 80.0)),
            TouchReport(6, ()),
        ]
    )
    assert held.tolist() == [[11.0, 22.0], [22.0, 44.0]]
