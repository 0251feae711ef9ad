"""The decoder on a whole family of 60,000 stamps, against exhaustive search."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.decoder.constellations import FaceLimits
from stampbench.sim.decoder.reference import (
    exhaustive_code,
    exhaustive_distances_mm,
    exhaustive_margin_mm,
    exhaustive_partial,
)
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.canonical import centred_pads
from stampbench.sim.stamps.family_cache import cache_folder


@pytest.fixture(scope="module")
def family():
    return load_family("p5-60k")


@pytest.fixture(scope="module")
def table(family):
    return family.pads_of(np.arange(family.size))


@pytest.fixture(scope="module")
def decoder(family):
    return Decoder(family)


@pytest.mark.parametrize("noise", [1.0, 1.8])
def test_codes_are_those_of_exhaustive_search(noise, family, table, decoder, press):
    rng = np.random.default_rng(3)
    for code in rng.integers(family.size, size=4):
        contacts = press(family.pads(code), rng, noise * decoder.sigma_mm)
        expected, _ = exhaustive_code(contacts, table, decoder.acceptance.radius_mm)
        assert decoder.decode(contacts).code == (expected if expected >= 0 else None)


def test_margin_and_missing_pads_are_those_of_exhaustive_search(family, table, decoder, press):
    contacts = press(family.pads(77), np.random.default_rng(4), 0.2)
    margin = exhaustive_margin_mm(contacts, table)
    assert decoder.decode(contacts).margin_mm == pytest.approx(margin, abs=2e-6)
    expected = exhaustive_partial(contacts[:4], table, decoder.acceptance)
    reading = decoder.decode(contacts[:4])
    assert reading.verdict is Verdict.PARTIAL
    assert reading.candidates == tuple(expected[:20])
    assert reading.candidates_total == len(expected)


def test_the_family_keeps_the_limits_that_prune_choices(family, table):
    limits = FaceLimits.measure(table)
    assert limits.spacing_mm >= family.geometry.spacing_mm - 1e-6
    assert limits.face_radius_mm <= family.geometry.face_radius_mm + 1e-6


@pytest.mark.kernel
def test_one_search_is_quick_even_without_a_compiler(family, decoder, press):
    rng = np.random.default_rng(5)
    decoder.decode(family.pads(0))
    taken = []
    for code in range(10):
        contacts = press(family.pads(code), rng, 0.5 * decoder.sigma_mm)
        start = time.perf_counter()
        codes, _ = decoder.decode_batch(contacts[np.newaxis])
        taken.append(time.perf_counter() - start)
        assert codes[0] == code
    assert np.median(taken) < 0.05


def test_stamps_rejected_at_the_design_noise_are_as_many_as_predicted(family, decoder):
    rng = np.random.default_rng(6)
    codes = rng.integers(family.size, size=200_000)
    pressed = family.pads_of(codes) + rng.normal(0.0, decoder.sigma_mm, (len(codes), 5, 2))
    read, _ = decoder.decode_batch(pressed)
    predicted = decoder.acceptance.predicted_frr()
    assert predicted == pytest.approx(0.001)
    assert predicted / 1.5 < np.mean(read < 0) < predicted * 1.5
    assert np.mean((read >= 0) & (read != codes)) < 1e-4


@pytest.fixture(scope="module")
def strangers(family):
    return np.array(list(itertools.islice(family.geometry.random_pads(np.random.default_rng(7)), 40_000)))


@pytest.mark.parametrize("sigma_mm", [0.25, None])
def test_random_objects_read_are_as_many_as_predicted(sigma_mm, family, strangers):
    decoder = Decoder(family, sigma_mm=sigma_mm)
    read, _ = decoder.decode_batch(strangers)
    predicted = decoder.acceptance.far()
    assert predicted / 2.0 < np.mean(read >= 0) < predicted * 2.0


@pytest.mark.parametrize("missing", [0, 4])
def test_four_contacts_of_a_family_list_every_code_that_fits(missing, family, table, decoder, press):
    contacts = np.delete(press(family.pads(4321), np.random.default_rng(8), 0.2), missing, axis=0)
    assert (
        list(decoder.decode(contacts).candidates)
        == exhaustive_partial(contacts, table, decoder.acceptance)[:20]
    )


def test_a_missing_pad_among_fingers_is_not_guessed_in_a_family(family, decoder, press):
    contacts = np.vstack([press(family.pads(5), np.random.default_rng(9))[:4], [[120.0, 120.0]]])
    assert decoder.decode(contacts).verdict is Verdict.FOREIGN


def sorted_lengths(pads):
    first, second = np.triu_indices(pads.shape[1], 1)
    return np.sort(np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0)), axis=1)


@pytest.mark.slow
def test_codes_among_six_million_are_those_of_exhaustive_search(press):
    """Only codes are passed over of which a sorted pair distance differs by more than sqrt(2) radii."""
    if not list(cache_folder().glob("p5-6m-*/manifest.json")):
        pytest.skip("p5-6m is not built: stampbench family build p5-6m")
    family = load_family("p5-6m")
    decoder = Decoder(family)
    radius = decoder.acceptance.radius_mm
    rng = np.random.default_rng(10)
    truth = rng.integers(family.size, size=18)
    pressed = [press(family.pads(int(code)), rng, 1.4 * decoder.sigma_mm) for code in truth]
    queries = np.array([*pressed, *itertools.islice(family.geometry.random_pads(rng), 18)])
    lengths = sorted_lengths(queries)
    expected = np.full(len(queries), -1)
    distances = np.full(len(queries), radius)
    for start in range(0, family.size, 250_000):
        pads = centred_pads(family.coordinates[start : start + 250_000] * family.unit_mm)
        all_lengths = sorted_lengths(pads)
        for i, query in enumerate(queries):
            off = np.abs(all_lengths - lengths[i]).max(axis=1)
            near = np.flatnonzero(off <= math.sqrt(2.0) * radius + 1e-6)
            apart = exhaustive_distances_mm(query, pads[near])
            if len(near) and apart.min() <= distances[i]:
                distances[i] = apart.min()
                expected[i] = start + near[apart.argmin()]
    assert decoder.decode_batch(queries)[0].tolist() == expected.tolist()
    assert 12 < np.count_nonzero(expected >= 0) < 30
