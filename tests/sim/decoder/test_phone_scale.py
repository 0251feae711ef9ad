from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.decoder.scale import PhoneScale
from stampbench.sim.decoder.unknown_scale import CSS_PX, ScalePrior
from stampbench.sim.stamps import load_family

NOISE_MM = 0.1


@pytest.fixture(scope="module")
def decoder():
    return Decoder(load_family("p5-60k"), sigma_mm=0.2)


def pressed(pads_mm, rng, px_per_mm, noise_mm=NOISE_MM):
    """Contacts of a stamp somewhere on a phone, in px, in any order."""
    theta = rng.uniform(0.0, 2.0 * math.pi)
    turn = np.array([[math.cos(theta), math.sin(theta)], [-math.sin(theta), math.cos(theta)]])
    points = pads_mm @ turn + rng.normal(0.0, noise_mm, pads_mm.shape) + (30.0, 45.0)
    return px_per_mm * points[rng.permutation(len(points))]


@pytest.mark.parametrize("px_per_mm", [5.6, 6.4])
def test_presses_on_phones_of_unknown_size_are_read_and_never_misread(decoder, px_per_mm):
    rng, first, later, family = np.random.default_rng(1), 0, 0, decoder.codebook
    for _ in range(30):
        scale = PhoneScale(decoder)
        for press in range(4):
            code = int(rng.integers(family.size))
            reading = scale.add(pressed(family.pads(code), rng, px_per_mm))
            assert reading.code in (code, None)
            first += press == 0 and reading.code == code
            later += press > 0 and reading.code == code
    assert first >= 26
    assert later >= 89


def test_the_scale_is_found_within_its_own_interval(decoder):
    rng, family, inside, errors = np.random.default_rng(2), decoder.codebook, 0, []
    for _ in range(20):
        scale = PhoneScale(decoder)
        for _ in range(10):
            scale.add(pressed(family.pads(int(rng.integers(family.size))), rng, 5.6))
        low, high = scale.interval_mm
        inside += low <= 1.0 / 5.6 <= high
        errors.append(scale.mm_per_unit * 5.6 - 1.0)
    assert inside >= 17
    assert math.sqrt(np.mean(np.square(errors))) < 0.002


def test_a_reading_tells_pose_scale_and_contacts(decoder):
    pads = decoder.codebook.pads(777)
    scale = PhoneScale(decoder, ScalePrior(0.17, 0.05))
    reading = scale.read(6.0 * (pads[::-1] + np.array([20.0, 30.0])))
    assert (reading.verdict, reading.code) == (Verdict.READ, 777)
    assert reading.contacts == (4, 3, 2, 1, 0)
    assert reading.scale == pytest.approx(1.0 / 6.0, rel=0.005)
    assert reading.pose == pytest.approx((20.0, 30.0, 0.0), abs=0.2)


def test_earlier_presses_are_read_again_as_the_scale_sharpens(decoder):
    rng, family = np.random.default_rng(3), decoder.codebook
    wide = PhoneScale(decoder, ScalePrior(1.0 / 6.0, 0.2))
    codes = rng.integers(family.size, size=12).tolist()
    for code in codes:
        wide.add(pressed(family.pads(code), rng, 5.0))
    again = [reading.code for reading in wide.readings()]
    assert sum(code == read for code, read in zip(codes, again, strict=True)) >= 11
    assert all(read in (code, None) for code, read in zip(codes, again, strict=True))


def test_another_phone_behind_the_same_session_is_ambiguous_and_never_misread(decoder):
    rng, family = np.random.default_rng(4), decoder.codebook
    scale = PhoneScale(decoder)
    for _ in range(6):
        scale.add(pressed(family.pads(int(rng.integers(family.size))), rng, 6.4))
    for _ in range(20):
        reading = scale.read(pressed(family.pads(int(rng.integers(family.size))), rng, 5.6))
        assert reading.verdict in (Verdict.AMBIGUOUS, Verdict.FOREIGN)


def test_what_is_known_is_kept_for_another_time(decoder):
    rng, family = np.random.default_rng(5), decoder.codebook
    scale = PhoneScale(decoder)
    for _ in range(5):
        scale.add(pressed(family.pads(int(rng.integers(family.size))), rng, 5.6))
    kept = PhoneScale(decoder, scale.posterior)
    assert kept.mm_per_unit == pytest.approx(scale.mm_per_unit, rel=1e-3)
    code = 12_345
    assert kept.read(pressed(family.pads(code), rng, 5.6)).code == code


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.ones((4, 2))])
def test_rubbish_reads_as_nothing(decoder, points):
    assert PhoneScale(decoder).add(points).verdict is Verdict.NONE


@pytest.mark.parametrize("figures", [(0.0, 0.07), (math.nan, 0.07), (0.16, 0.0), (0.16, 0.5)])
def test_impossible_priors_are_refused(figures):
    with pytest.raises(InputError, match="must"):
        ScalePrior(*figures)


def test_the_prior_of_css_px_spans_phones_as_they_are():
    low, high = (CSS_PX.mm_per_unit * math.exp(sign * CSS_PX.relative_sd) for sign in (-1.0, 1.0))
    assert 25.4 / high == pytest.approx(142.5, abs=1.0)
    assert 25.4 / low == pytest.approx(163.0, abs=1.0)
