from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from scipy.stats import chi
from stampbench.bench.capacity.picture import draw_capacity
from stampbench.bench.capacity.predicting import (
    Answer,
    PositionError,
    Predicted,
    Simulated,
    allowed_sigma_mm,
    answer,
    capacity,
    position_error,
    predict,
)
from stampbench.bench.judging.statistics import rate
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import Acceptance
from stampbench.sim.stamps.specification import find_spec

SPEC = find_spec("p5-60k")


def error_of(sigma_mm, missed=0, presses=100):
    return PositionError(5, rate(missed, presses), (sigma_mm * math.sqrt(7),) * (presses - missed))


def predicted_at(error, sigma_mm=0.15):
    acceptance = Acceptance.design(pads=5, min_distance_mm=SPEC.min_distance_mm, sigma_mm=sigma_mm)
    return acceptance, predict(SPEC, acceptance, error)


def test_sigma_is_the_rms_distance_over_the_root_of_the_dimensions():
    assert error_of(0.1).sigma_mm == pytest.approx(0.1)
    assert PositionError(5, rate(0, 2), (0.3, 0.4)).sigma_mm == pytest.approx(math.sqrt(0.125 / 7))


def test_prediction_follows_chi_with_seven_degrees_of_freedom():
    acceptance, predicted = predicted_at(error_of(0.2))
    assert predicted.frr == pytest.approx(chi.sf(acceptance.radius_mm / 0.2, 7))
    assert predicted.misread == pytest.approx(
        chi.sf((SPEC.min_distance_mm - acceptance.radius_mm) / 0.2, 7), abs=1e-15
    )
    assert predicted.far == pytest.approx(60_000 * 4.725 * acceptance.radius_mm**7 / 1.2e8, rel=1e-3)


def test_presses_that_miss_a_pad_are_rejected():
    assert predicted_at(error_of(0.001, missed=10))[1].frr == pytest.approx(0.1)


def test_error_a_family_survives_leaves_one_press_in_a_thousand_outside():
    assert chi.sf(SPEC.min_distance_mm / 2 / allowed_sigma_mm(SPEC), 7) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("rejected", "presses", "expected"),
    [(0, 400, Answer.YES), (0, 100, Answer.UNSURE), (4, 400, Answer.UNSURE), (40, 400, Answer.NO)],
)
def test_family_ships_if_the_whole_interval_says_so(rejected, presses, expected):
    none = rate(0, presses)
    simulated = Simulated(rate(rejected, presses), none, none)
    assert answer(Predicted(0.5, 0.0, 0.0), simulated, 0.01) is expected


def test_a_prediction_alone_never_says_yes():
    assert answer(Predicted(0.009, 0.0, 0.0), None, 0.01) is Answer.UNSURE
    assert answer(Predicted(0.011, 0.0, 0.0), None, 0.01) is Answer.NO


@pytest.mark.slow
def test_rejections_of_a_poor_panel_are_those_predicted():
    found = capacity("raspberry-pi-7", ["p5-60k"], presses=150, seed=5).families[0]
    assert found.predicted.frr == pytest.approx(found.simulated.frr.estimate, abs=0.12)


def test_position_error_of_a_panel_grows_with_its_noise():
    quiet, loud = (position_error("nexus-5", noise, 20, seed=1) for noise in (0.0, 6.0))
    assert quiet.missed.k == 0
    assert 0.0 < quiet.sigma_mm < loud.sigma_mm
    assert position_error("nexus-5", 0.0, 20, seed=1) == quiet


def test_panel_that_shows_no_stamp_whole_has_no_position_error():
    with pytest.raises(InputError, match="not one of 3 presses of random codes showed 5 contacts"):
        _ = PositionError(5, rate(3, 3), ()).sigma_mm


@pytest.fixture(scope="module")
def small():
    return capacity("nexus-5", ["p5-60k"], presses=6, seed=2)


def test_small_capacity_simulates_what_it_predicts(small):
    (family,) = small.families
    assert family.simulated.frr.k == family.simulated.misread.k == family.simulated.far.k == 0
    assert (family.simulated.frr.n, family.simulated.far.n) == (6, 6)
    assert family.predicted.frr == pytest.approx(0.001, rel=0.01)
    assert family.ships is Answer.UNSURE
    assert small.largest is None
    assert small.design_sigma_mm == small.error.sigma_mm


def test_families_that_are_not_built_are_predicted_only(monkeypatch, tmp_path):
    monkeypatch.setenv("STAMPBENCH_CACHE", str(tmp_path))
    none = rate(0, 4)
    monkeypatch.setattr(
        "stampbench.bench.capacity.predicting.position_error", lambda *arguments: error_of(0.1)
    )
    monkeypatch.setattr(
        "stampbench.bench.capacity.predicting._simulate", lambda *arguments: Simulated(none, none, none)
    )
    found = capacity("nexus-5", presses=4, seed=2, largest_frr=1.0)
    assert [family.simulated is None for family in found.families] == [False, True, True]
    assert [family.ships for family in found.families] == [Answer.YES, Answer.UNSURE, Answer.UNSURE]
    assert found.largest.family == "p5-60k"


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_picture_is_drawn_as_its_suffix_says(small, tmp_path, suffix):
    for name in ("a", "b"):
        draw_capacity(small, tmp_path / f"{name}.{suffix}")
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(begins)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_picture_names_families_and_rates(small, tmp_path):
    draw_capacity(small, tmp_path / "a.svg")
    text = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    for words in ("p5-60k", "false rejection", "false acceptance", "nexus-5 at 1 times its noise"):
        assert words in text


def test_picture_of_an_unknown_kind_is_refused(small, tmp_path):
    with pytest.raises(InputError, match="expected a file name that ends in"):
        draw_capacity(small, tmp_path / "a.txt")
    with pytest.raises(InputError, match="cannot be written"):
        draw_capacity(small, tmp_path / "none" / "a.svg")
