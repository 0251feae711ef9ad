"""The decoder on a whole family of 60,000 stamps, against exhaustive search."""

from __future__ import annotations

import time

import numpy as np
import pytest

from sim.decoder import Decoder, Verdict
from sim.decoder.constellations import FaceLimits
from sim.decoder.reference import exhaustive_code, exhaustive_margin_mm, exhaustive_partial
from sim.stamps import load_family


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
    for code in rng.integers(family.size, size=6):
        contacts = press(family.pads(code), rng, noise * decoder.sigma_mm)
        expected, _ = exhaustive_code(contacts, table, decoder.acceptance.radius_mm)
        assert decoder.decode(contacts).code == (expected if expected >= 0 else None)


@pytest.mark.parametrize("largest_table", [1_000_000, 0])
def test_margin_and_missing_pads_with_and_without_a_table_of_lengths(
    largest_table, family, table, decoder, press, monkeypatch
):
    monkeypatch.setattr("sim.decoder.decoder.LARGEST_LENGTH_TABLE", largest_table)
    contacts = press(family.pads(77), np.random.default_rng(4), 0.2)
    margin = exhaustive_margin_mm(contacts, table)
    assert decoder.decode(contacts, exact_margin=True).margin_mm == pytest.approx(margin, abs=2e-6)
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
def test_one_decode_is_quick_even_without_a_compiler(family, decoder, press):
    rng = np.random.default_rng(5)
    decoder.decode(family.pads(0))
    taken = []
    for code in range(10):
        contacts = press(family.pads(code), rng, 0.5 * decoder.sigma_mm)
        start = time.perf_counter()
        reading = decoder.decode(contacts)
        taken.append(time.perf_counter() - start)
        assert reading.code == code
    assert np.median(taken) < 0.05
