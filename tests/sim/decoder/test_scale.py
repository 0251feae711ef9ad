"""Contacts whose unit is millimetres only roughly."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.decoder.scale import PhoneScale
from stampbench.sim.decoder.unknown_scale import ScalePrior

MDPI_MM = 25.4 / 160
"""A density-independent pixel of Android: what a web page knows of millimetres."""
SNOWSHOE_V3 = [[264, 172], [267, 371], [242, 286], [69, 375], [66, 221]]
"""Published request of the SnowShoe stamp API v3 (snowshoe.readme.io/reference/stamp)."""
SNOWSHOE_V2 = "W1swLDBdLFszNiwzNl0sWzM2LDBdLFsyMCw0XSxbOCwzNl1d"
"""Published mock points of the SnowShoe API v2: Base64 of JSON, on a grid of 36 units."""


@pytest.mark.kernel
@pytest.mark.parametrize("factor", [0.66, 0.8, 1.0, 1.3, 1.34])
def test_scale_is_solved_with_the_identity(factor, make_codebook, press):
    few = make_codebook(20, min_distance_mm=6.0)
    contacts = press(few.pads(7), np.random.default_rng(0), 0.05) / factor
    reading = Decoder(few, sigma_mm=0.15, scale="unknown").decode(contacts)
    assert (reading.verdict, reading.code) == (Verdict.READ, 7)
    assert reading.scale == pytest.approx(factor, rel=0.02)


def test_a_scale_beyond_the_tolerance_is_not_read(make_codebook, press):
    few = make_codebook(20, min_distance_mm=6.0)
    contacts = press(few.pads(7), np.random.default_rng(0)) / 1.5
    assert Decoder(few, sigma_mm=0.15, scale="unknown").decode(contacts).verdict is Verdict.FOREIGN


def test_similar_stamps_of_other_size_are_ambiguous(codebook, press):
    similar = replace(codebook, table=np.array([codebook.pads(0), codebook.pads(0) * 1.2]))
    reading = Decoder(similar, scale="unknown").decode(press(codebook.pads(0), np.random.default_rng(0)))
    assert reading.verdict is Verdict.AMBIGUOUS
    assert set(reading.candidates) == {0, 1}


def test_of_similar_stamps_the_prior_of_the_scale_tells_which(codebook, press):
    similar = replace(codebook, table=np.array([codebook.pads(0), codebook.pads(0) * 1.2]))
    px = press(codebook.pads(0), np.random.default_rng(0)) / 0.17
    reading = Decoder(similar, sigma_mm=0.15, scale=ScalePrior(0.172, 0.02)).decode(px)
    assert (reading.verdict, reading.code) == (Verdict.READ, 0)
    assert reading.scale == pytest.approx(0.17, rel=0.02)
    larger = Decoder(similar, sigma_mm=0.15, scale=ScalePrior(0.204, 0.02)).decode(px)
    assert (larger.verdict, larger.code) == (Verdict.READ, 1)
    unsure = Decoder(similar, sigma_mm=0.15, scale=ScalePrior(0.187, 0.07)).decode(px)
    assert unsure.verdict is Verdict.AMBIGUOUS


def test_what_a_phone_taught_of_its_scale_is_a_prior(make_codebook, press):
    few, rng = make_codebook(20, min_distance_mm=6.0), np.random.default_rng(0)
    phone = PhoneScale(Decoder(few, sigma_mm=0.15))
    for code in (3, 9, 14):
        phone.add(press(few.pads(code), rng, 0.05) * 5.8)
    reading = Decoder(few, sigma_mm=0.15, scale=phone.posterior).decode(press(few.pads(7), rng, 0.05) * 5.8)
    assert (reading.verdict, reading.code) == (Verdict.READ, 7)


def test_a_prior_brings_the_size_of_the_unit(codebook):
    with pytest.raises(InputError, match="brings its own"):
        Decoder(codebook, scale=ScalePrior(0.17, 0.02), mm_per_unit=0.17)


def test_snowshoe_v3_pixels_and_v2_grid_points_read_as_one_stamp(codebook):
    enrolled = np.array(SNOWSHOE_V3) * MDPI_MM
    catalogue = replace(codebook, table=np.concatenate([codebook.table[:50], [enrolled]]))
    grid = np.array(json.loads(base64.b64decode(SNOWSHOE_V2)))
    from_grid = Decoder(catalogue, scale="unknown").decode(grid)
    from_pixels = Decoder(catalogue, scale="unknown", mm_per_unit=MDPI_MM).decode(SNOWSHOE_V3)
    assert (from_grid.verdict, from_grid.code) == (Verdict.READ, 50)
    assert (from_pixels.verdict, from_pixels.code) == (Verdict.READ, 50)
    assert from_pixels.scale == pytest.approx(MDPI_MM)


def test_batches_need_millimetres(codebook):
    with pytest.raises(InputError, match="unknown"):
        Decoder(codebook, scale="unknown").decode_batch(np.zeros((1, 5, 2)))
