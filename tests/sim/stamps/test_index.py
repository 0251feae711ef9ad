from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, load_family
from stampbench.sim.stamps.index import FEW_CODES, GridIndex, ScanIndex, index_of, index_of_rows
from stampbench.sim.stamps.index_arrays import (
    SORTED_ORDERS,
    bring_best,
    keep_two,
    list_code,
    middle_of_search,
    reach_mm,
    squared_reach,
)
from stampbench.sim.stamps.reference import exhaustive_distances_mm, exhaustive_within


def grid_of(codebook):
    return GridIndex(codebook.index_arrays(), 0.0)


def scan_of(codebook):
    return ScanIndex(codebook.coordinates * codebook.unit_mm, 0.0)


KINDS = pytest.mark.parametrize("kind", [grid_of, scan_of])


@pytest.mark.kernel
@KINDS
@pytest.mark.parametrize(
    ("pads", "size", "radius_mm"), [(3, 60, 4.0), (4, 60, 6.0), (5, 80, 8.0), (6, 12, 9.0)]
)
def test_finds_every_code_within_the_radius_as_exhaustive_search_does(
    pads, size, radius_mm, kind, moved, random_catalogue
):
    catalogue = random_catalogue(size, pads)
    index, table = kind(catalogue), catalogue.pads_of(np.arange(size))
    rng = np.random.default_rng(pads)
    for code in range(0, size, max(1, size // 6)):
        points = moved(catalogue.pads(code), rng, noise_mm=1.0)
        codes, distances = index.within(points, radius_mm)
        expected, expected_distances = exhaustive_within(points, table, radius_mm)
        assert codes.tolist() == expected.tolist()
        assert distances == pytest.approx(expected_distances, abs=1e-6)


@pytest.mark.parametrize("radius_mm", [1.79, 3.0, 6.0])
@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("kind", [index_of, grid_of, scan_of])
def test_finds_in_the_family_what_exhaustive_search_finds(radius_mm, foreign, kind, moved):
    family = load_family("p5-60k")
    index, table = kind(family), family.pads_of(np.arange(family.size))
    rng = np.random.default_rng(int(radius_mm * 10) + foreign)
    strangers = family.geometry.random_pads(rng)
    for _ in range(6):
        points = next(strangers) if foreign else family.pads(int(rng.integers(family.size)))
        points = moved(points, rng, noise_mm=0.4)
        codes, distances = index.within(points, radius_mm)
        expected, expected_distances = exhaustive_within(points, table, radius_mm)
        assert codes.tolist() == expected.tolist()
        assert distances == pytest.approx(expected_distances, abs=1e-6)


@pytest.mark.kernel
@KINDS
def test_the_nearest_two_are_those_of_exhaustive_search(kind, moved, random_catalogue):
    catalogue = random_catalogue(60)
    index, table = kind(catalogue), catalogue.pads_of(np.arange(60))
    rng = np.random.default_rng(4)
    points = np.array([moved(catalogue.pads(code), rng, 2.0) for code in range(8)])
    codes, distances = index.nearest_two(points, 60.0)
    for row, pads in enumerate(points):
        expected = exhaustive_distances_mm(pads, table)
        assert codes[row].tolist() == np.argsort(expected)[:2].tolist()
        assert distances[row] == pytest.approx(np.sort(expected)[:2], abs=1e-6)


def test_stopping_early_gives_the_same_nearest_code(moved):
    family = load_family("p5-60k")
    index = index_of(family)
    rng = np.random.default_rng(5)
    picked = rng.integers(family.size, size=400)
    points = np.array([moved(family.pads(int(code)), rng, 0.36) for code in picked])
    codes, distances = index.nearest(points, family.min_distance_mm / 2)
    exact, exact_distances = index.nearest_two(points, family.min_distance_mm / 2)
    assert codes.tolist() == exact[:, 0].tolist()
    assert distances.tolist() == exact_distances[:, 0].tolist()


@pytest.mark.kernel
@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), math.nan),
        np.full((5, 2), math.inf),
        np.full((5, 2), 1e300) * np.arange(5)[:, None],
        np.zeros((5, 2)),
        np.array([[0, 0], [0, 0], [20, 0], [0, 20], [20, 20.0]]),
    ],
)
@KINDS
def test_rubbish_finds_nothing(points, kind, random_catalogue):
    index = kind(random_catalogue(20))
    with np.errstate(all="ignore"):
        codes, distances = index.nearest(points[None], 1.0)
    assert codes.tolist() == [-1]
    assert distances.tolist() == [math.inf]


@pytest.mark.kernel
@KINDS
def test_points_in_one_place_are_compared_with_every_code(kind, random_catalogue):
    catalogue = random_catalogue(10)
    index = kind(catalogue)
    codes, _ = index.within(np.ones((5, 2)), 60.0)
    assert sorted(codes.tolist()) == list(range(10))


@pytest.mark.kernel
def test_the_likeliest_pad_orders_come_first():
    scores = np.random.default_rng(6).random(100)
    orders = np.arange(100)
    tried = [bring_best(scores, orders, done, 100) for done in range(100)]
    assert tried[:SORTED_ORDERS] == np.argsort(-scores)[:SORTED_ORDERS].tolist()
    assert sorted(tried) == list(range(100))


@pytest.mark.kernel
@KINDS
def test_of_two_stamps_the_one_that_scores_less_sees_the_other(kind, random_catalogue):
    catalogue = random_catalogue(40)
    table = catalogue.pads_of(np.arange(40))
    rows, codes, distances = kind(catalogue).neighbours(table, 12.0)
    assert set(zip(rows.tolist(), codes.tolist(), strict=True)) >= {(code, code) for code in range(40)}
    apart = np.array([exhaustive_distances_mm(pads, table) for pads in table])
    scores = catalogue.coordinates[:, 0]
    for first, second in zip(*np.nonzero((apart <= 12.0) & (scores[:, None] < scores)), strict=True):
        seen = distances[(rows == first) & (codes == second)]
        assert seen.min() == pytest.approx(apart[first, second], abs=1e-6)


def farthest_mm(norm: float, score: float, radius: float) -> float:
    """Return how far apart canonical coordinates came in 20,000 draws of sets that lie ``radius`` apart.

    Pads are complex numbers, and the canonical angle makes the product with a fixed vector real and positive.
    """
    rng = np.random.default_rng(0)
    query = np.array([score, math.sqrt(norm**2 - score**2), 0.0, 0.0, 0.0], complex)
    off = rng.normal(size=(20_000, 5)) + 1j * rng.normal(size=(20_000, 5))
    off[:, 2:] *= rng.random((20_000, 1)) ** 4
    off -= 1j * ((off @ query.conj()).imag / norm**2)[:, None] * query  # laid best on the query
    off *= (radius / np.linalg.norm(off, axis=1))[:, None]
    other = query + off
    turned = other * (other[:, 0].conj() / np.abs(other[:, 0]))[:, None]
    return float(np.linalg.norm(turned - query, axis=1).max())


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("norm", "score", "radius", "slack"),
    [(30.0, 25.0, 2.0, 1.05), (30.0, 29.9, 2.0, 1.01), (40.0, 20.0, 5.0, 1.4), (20.0, 3.0, 4.0, 1.1)],
)
def test_no_set_within_the_radius_lies_beyond_the_reach_and_some_come_near_it(norm, score, radius, slack):
    farthest = farthest_mm(norm, score, radius)
    assert farthest <= reach_mm(norm, score, radius) <= slack * farthest


@pytest.mark.kernel
def test_reach_is_the_radius_where_the_angle_cannot_change_and_the_way_round_where_it_is_anything():
    assert reach_mm(30.0, 30.0, 2.0) == pytest.approx(2.0)
    assert reach_mm(30.0, 1.0, 2.0) == pytest.approx(math.sqrt(2.0**2 + 4.0 * 30.0 * 32.0))
    assert reach_mm(0.0, 0.0, 2.0) == 4.0


@pytest.mark.kernel
def test_search_moves_up_to_the_least_score_and_reaches_less_far_for_it():
    query, middle = np.array([10.0, 3.0, -2.0]), np.empty(3)
    assert middle_of_search(query, 12.0, middle) == 2.0
    assert middle.tolist() == [12.0, 3.0, -2.0]
    assert middle_of_search(query, 9.0, middle) == 0.0
    assert middle.tolist() == query.tolist()
    assert squared_reach(30.0, 25.0, 2.0, 0.5) == pytest.approx(
        reach_mm(30.0, 25.0, 2.0) ** 2 - 0.25, abs=1e-7
    )


@pytest.mark.kernel
def test_the_nearest_two_are_kept_each_code_once_and_the_lesser_code_of_two_as_near():
    codes, distances = np.full(2, -1, np.int64), np.full(2, math.inf)
    for code, distance in [(7, 2.0), (9, 3.0), (7, 1.5), (4, 2.5), (4, 2.75), (5, 2.5), (3, 2.5)]:
        keep_two(codes, distances, code, distance)
    assert (codes.tolist(), distances.tolist()) == ([7, 3], [1.5, 2.5])
    keep_two(codes, distances, 2, 1.5)
    assert (codes.tolist(), distances.tolist()) == ([2, 7], [1.5, 1.5])


@pytest.mark.kernel
def test_codes_beyond_the_room_are_counted_and_not_listed():
    rows, codes, distances = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1)
    assert list_code(3, 7, 1.5, 0, rows, codes, distances) == 1
    assert list_code(4, 8, 2.5, 1, rows, codes, distances) == 2
    assert (rows.tolist(), codes.tolist(), distances.tolist()) == ([3], [7], [1.5])


@pytest.mark.parametrize(("size", "kind"), [(FEW_CODES, ScanIndex), (FEW_CODES + 1, GridIndex)])
def test_few_codes_are_compared_one_by_one(size, kind):
    coordinates = np.random.default_rng(7).integers(-100, 100, (size, 7)).astype(np.int8)
    assert type(index_of_rows(coordinates, 0.2, 1.0)) is kind


def test_codes_of_six_pads_are_compared_one_by_one():
    coordinates = np.random.default_rng(7).integers(-100, 100, (FEW_CODES + 1, 9)).astype(np.int8)
    assert type(index_of_rows(coordinates, 0.2, 1.0)) is ScanIndex


def test_code_just_within_half_the_minimum_distance_ends_the_search_and_one_beyond_does_not(random_catalogue):
    catalogue = random_catalogue(60)
    assert index_of(catalogue)._stop_mm == pytest.approx(catalogue.min_distance_mm / 2.0, rel=1e-9)
    assert index_of(catalogue)._stop_mm < catalogue.min_distance_mm / 2.0


def test_a_single_stamp_is_found():
    catalogue = Catalogue(["only"], [[[0, 0], [20, 0], [0, 15.0]]])
    codes, _ = index_of(catalogue).nearest(catalogue.pads(0)[None] + 5.0, 1.0)
    assert codes.tolist() == [0]


@pytest.mark.parametrize(
    ("points", "radius"), [(np.zeros((4, 2)), 1.0), (np.zeros((5, 2)), 0.0), (np.zeros((5, 2)), math.nan)]
)
def test_wrong_shapes_and_radii_are_refused(points, radius, random_catalogue):
    with pytest.raises(InputError, match="expected"):
        index_of(random_catalogue(5)).within(points, radius)
