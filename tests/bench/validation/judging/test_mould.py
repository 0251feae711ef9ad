from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.bench.validation.judging.mould import mould_feedback
from stampbench.bench.validation.measuring.pads import fit_press
from stampbench.firmware_emulator.errors import InputError

NOMINAL = np.array([[0.0, 18.0], [-15.0, 5.0], [-10.0, -14.0], [4.0, -9.0], [16.0, 8.0]])
FAULTS = {3: (2, (0.12, -0.05)), 1: (5, (0.0, 0.14))}


def lot(rng, stamps=80, *, cavities=4, scatter_mm=0.05, faults=FAULTS):
    """Deviations and cavities of stamps with known faults."""
    of_stamp = 1 + np.arange(stamps) % cavities
    deviations = []
    for cavity in of_stamp:
        pads = NOMINAL + scatter_mm * rng.standard_normal(NOMINAL.shape)
        if cavity in faults:
            pad, offset = faults[cavity]
            pads[pad - 1] += offset
        deviations.append(fit_press(pads, NOMINAL).deviations_mm)
    return np.array(deviations), of_stamp


def test_systematic_offsets_are_told_from_scatter_and_given_as_corrections():
    feedback = mould_feedback(*lot(np.random.default_rng(1)), NOMINAL)
    found = {(one.cavity, one.pad): one for one in feedback.to_apply}
    assert found.keys() == {(3, 2), (1, 5)}
    for (cavity, _), one in found.items():
        truth = np.array(FAULTS[cavity][1])
        assert np.abs(one.offset_mm - truth).max() <= 1.3 * one.uncertainty_mm
        assert one.correction_mm == (-one.offset_mm[0], -one.offset_mm[1])
    assert feedback.scatter_mm == pytest.approx(0.05, rel=0.1)


def test_correction_is_a_sentence_for_the_toolmaker():
    feedback = mould_feedback(*lot(np.random.default_rng(1), stamps=800), NOMINAL)
    sentences = [one.sentence for one in feedback.to_apply]
    assert any(one.startswith("cavity 3: pad 2 by -0.12, +0.05 mm") for one in sentences), sentences


def test_scatter_alone_gives_no_correction_more_often_than_stated():
    rng = np.random.default_rng(2)
    alarms = sum(bool(mould_feedback(*lot(rng, 40, faults={}), NOMINAL).to_apply) for _ in range(120))
    assert alarms <= 13  # 5 % of 120, and three standard deviations


@pytest.mark.parametrize("sign", [1, -1])
def test_uncertainty_covers_the_truth(sign):
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(60):
        feedback = mould_feedback(*lot(rng, 40, faults={2: (4, (sign * 0.2, 0.0))}), NOMINAL)
        one = next(one for one in feedback.corrections if (one.cavity, one.pad) == (2, 4))
        inside.append(abs(one.offset_mm[0] - sign * 0.2) <= one.uncertainty_mm)
    assert np.mean(inside) >= 0.88


def test_cavities_with_few_stamps_are_left_open():
    deviations, cavities = lot(np.random.default_rng(4), stamps=10)
    feedback = mould_feedback(deviations, cavities, NOMINAL)
    assert feedback.unknown == (3, 4)
    assert {one.cavity for one in feedback.corrections} == {1, 2}


def test_stamps_alike_leave_no_scatter_and_no_division_by_it():
    deviations = np.zeros((6, 5, 2))
    assert mould_feedback(deviations, [1] * 6, NOMINAL).to_apply == ()


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_what_does_not_fit_is_refused(value):
    with pytest.raises(InputError, match="mould feedback"):
        mould_feedback(np.full((4, 5, 2), value), [1] * (4 if math.isnan(value) else 3), NOMINAL)


@pytest.mark.parametrize("pair", [(1, 2), (2, 5), (3, 4)])
def test_two_pads_of_five_that_are_off_are_blamed_and_no_other(pair):
    rng = np.random.default_rng(9)
    right = 0
    for _ in range(40):
        deviations, cavities = lot(rng, 80, faults={})
        for number in np.flatnonzero(cavities == 2):
            pads = NOMINAL + 0.05 * rng.standard_normal(NOMINAL.shape)
            pads[pair[0] - 1] += (0.16, 0.02)
            pads[pair[1] - 1] += (-0.05, 0.15)
            deviations[number] = fit_press(pads, NOMINAL).deviations_mm
        blamed = {(one.cavity, one.pad) for one in mould_feedback(deviations, cavities, NOMINAL).to_apply}
        right += blamed == {(2, pad) for pad in pair}
    assert right >= 36


def test_no_pad_is_blamed_where_no_three_agree():
    rng = np.random.default_rng(10)
    deviations, cavities = lot(rng, 80, faults={})
    crooked = NOMINAL + np.array([[0.3, 0.0], [0.0, -0.35], [-0.3, 0.2], [0.25, 0.3], [-0.2, -0.3]])
    for number in np.flatnonzero(cavities == 2):
        pads = crooked + 0.02 * rng.standard_normal(NOMINAL.shape)
        deviations[number] = fit_press(pads, NOMINAL).deviations_mm
    assert mould_feedback(deviations, cavities, NOMINAL).to_apply == ()
