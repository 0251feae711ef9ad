from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, rigid_distance_mm
from stampbench.sim.stamps.enrolment import average_presses, enrol

PADS = np.array([[0, 0], [15, 0], [3, 14], [-12, 5], [-4, -13.0]])


def test_the_mean_of_many_presses_is_nearer_than_any_of_them(moved):
    rng = np.random.default_rng(0)
    presses = [moved(PADS, rng, 0.2) for _ in range(60)]
    mean = average_presses(presses)
    assert rigid_distance_mm(mean.pads_mm, PADS) < 0.5 * min(
        rigid_distance_mm(press, PADS) for press in presses
    )


def test_the_noise_of_the_presses_is_estimated(moved):
    rng = np.random.default_rng(1)
    assert average_presses([moved(PADS, rng, 0.2) for _ in range(200)]).sigma_mm == pytest.approx(
        0.2, rel=0.05
    )


def test_a_single_press_is_its_own_mean_with_unknown_noise():
    mean = average_presses([PADS])
    assert rigid_distance_mm(mean.pads_mm, PADS) < 1e-9
    assert math.isnan(mean.sigma_mm)


def test_enrolling_adds_an_entry(moved):
    rng = np.random.default_rng(2)
    first, _ = enrol(None, "a", [PADS], min_distance_mm=2.0)
    second, _ = enrol(first, "b", [moved(PADS * [1, -1], rng, 0.1) for _ in range(3)], min_distance_mm=2.0)
    assert second.names == ("a", "b")


def test_a_stamp_too_near_to_an_entry_is_refused_naming_it_and_the_distance(moved):
    catalogue = Catalogue(["bakery"], PADS[None])
    with pytest.raises(InputError, match=r"'b' is 0\.\d\d mm from 'bakery'"):
        enrol(catalogue, "b", [moved(PADS, np.random.default_rng(3), 0.1)], min_distance_mm=2.0)


@pytest.mark.parametrize(
    ("presses", "said"),
    [
        ([], "empty"),
        ([PADS, PADS[:4]], "press 1: 4 contacts; the first press has 5"),
        ([PADS * math.nan], "press 0: a contact is not finite"),
        ([PADS[:2]], r"press 0: contacts have shape \(2, 2\)"),
    ],
)
def test_presses_that_do_not_fit_together_are_refused(presses, said):
    with pytest.raises(InputError, match=said):
        average_presses(presses)


def test_a_name_that_is_taken_and_another_number_of_pads_are_refused():
    catalogue = Catalogue(["bakery"], PADS[None])
    with pytest.raises(InputError, match="'bakery' is there already"):
        enrol(catalogue, "bakery", [PADS * [1, -1]], min_distance_mm=1.0)
    with pytest.raises(InputError, match="4 pads; expected 5"):
        enrol(catalogue, "b", [PADS[:4]], min_distance_mm=1.0)
