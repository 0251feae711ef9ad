from __future__ import annotations

import itertools

import numpy as np
import pytest
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.decoder.scale_range import ScaleRangeDecoder
from stampbench.sim.stamps import Family, load_family


@pytest.fixture(scope="module")
def family() -> Family:
    return load_family("p5-60k")


def least_distance_mm(points: np.ndarray, pads: np.ndarray, scales: np.ndarray) -> float:
    """The slow twin: every order of pads at every pair of scales, each laid over by the best rigid motion."""
    best = np.inf
    for scale in itertools.product(scales, scales):
        p = points * scale
        p = (p - p.mean(axis=0)) @ [1, 1j]
        for order in itertools.permutations(range(len(pads))):
            q = (pads[list(order)] - pads.mean(axis=0)) @ [1, 1j]
            best = min(best, np.vdot(p, p).real + np.vdot(q, q).real - 2 * abs(np.vdot(q, p)))
    return float(np.sqrt(max(best, 0.0)))


def test_the_distance_is_that_of_a_search_over_every_scale_and_order(family: Family) -> None:
    rng = np.random.default_rng(3)
    decoder = ScaleRangeDecoder(Decoder(family, sigma_mm=0.15), (0.96, 1.05), (0.95, 1.04))
    points = family.pads(4242) / [1.03, 0.97] + rng.normal(0, 0.1, (5, 2))
    reading = decoder.decode(points)
    assert reading.code == 4242
    grid = np.linspace(0.95, 1.05, 21)
    slow = least_distance_mm(points, family.pads(4242), grid)
    assert slow - 0.1 <= (reading.distance_mm or 0.0) <= slow + 1e-6


def test_two_codes_that_differ_by_less_than_the_range_are_ambiguous(family: Family) -> None:
    # A whole third of uncertainty: many codes fit some shape on that sheet.
    decoder = ScaleRangeDecoder(Decoder(family, sigma_mm=0.3), (0.7, 1.4), (0.7, 1.4))
    reading = decoder.decode(family.pads(4242))
    assert (reading.verdict, reading.code) == (Verdict.AMBIGUOUS, None)
    assert 4242 in reading.candidates


def test_a_finger_beside_the_stamp_is_left_out(family: Family) -> None:
    decoder = ScaleRangeDecoder(Decoder(family, sigma_mm=0.15), (0.98, 1.02), (0.98, 1.02))
    reading = decoder.decode(np.vstack([family.pads(777), [[60.0, 70.0]]]))
    assert reading.code == 777
    assert sorted(reading.contacts) == [0, 1, 2, 3, 4]


def test_contacts_like_no_code_are_foreign(family: Family) -> None:
    decoder = ScaleRangeDecoder(Decoder(family, sigma_mm=0.05), (0.99, 1.01), (0.99, 1.01))
    assert decoder.decode(family.pads(777) * 2.5).verdict is Verdict.FOREIGN
