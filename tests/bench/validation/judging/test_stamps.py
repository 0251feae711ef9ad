"""One stamp, decided: what was measured, the decision, and its reason; on both sides of each limit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.bench.validation.judging.budget import Budget, Part
from stampbench.bench.validation.judging.stamps import Disposition, Evidence, judge_stamp
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.pads import FittedPress
from stampbench.bench.validation.plans import Tolerances

SQUARE = np.array([[10.0, 10.0], [-10.0, 10.0], [-10.0, -10.0], [10.0, -10.0]])
ACCEPT, AGAIN, REJECT = Disposition.ACCEPT, Disposition.AGAIN, Disposition.REJECT
EVEN = (1.0, 1.0, 1.0, 1.0)


def press(pad=2, axis=0, off_mm=0.0, missing=()):
    deviations = np.zeros((4, 2))
    deviations[pad - 1, axis] = off_mm
    contacts = np.arange(4)
    for gone in missing:
        deviations[gone - 1], contacts[gone - 1] = math.nan, -1
    return FittedPress(deviations, contacts, 0.1, 0)


def decided(presses, *, levels=None, scatter=0.0, foreign=0, rigs=None, gauge_bad=False, **tolerances):
    """Judge a stamp; its levels scatter by so much to either side of their mean, over two presses."""
    pad_levels = [] if levels is None else [np.array(levels) + way * scatter for way in (-1.0, 1.0)]
    evidence = Evidence(
        unit=Unit("1", 1, "n", "n"),
        nominal_mm=SQUARE,
        by_rig=rigs or {"rig A": presses},
        pad_levels=pad_levels,
        foreign=foreign,
        budget=Budget((Part("all", 0.01),)),  # U = 0.0196 mm
    )
    return judge_stamp(evidence, Tolerances(**{"position_mm": 0.3} | tolerances), gauge_bad=gauge_bad)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(
    ("rule", "off_mm", "decision"),
    [
        ("iso-14253-1", 0.280, ACCEPT),
        ("iso-14253-1", 0.281, AGAIN),
        ("iso-14253-1", 0.319, AGAIN),
        ("iso-14253-1", 0.320, REJECT),
        ("ilac-g8-guarded", 0.280, ACCEPT),
        ("ilac-g8-guarded", 0.281, REJECT),
        ("ilac-g8-simple", 0.300, ACCEPT),
        ("ilac-g8-simple", 0.301, REJECT),
    ],
)
def test_position_by_each_rule(rule, off_mm, decision, axis, sign):
    found = decided([press(axis=axis, off_mm=sign * off_mm)] * 2, rule=rule)
    assert found.disposition is decision
    if decision is not ACCEPT:
        assert found.reasons[0].startswith(f"pad 2 is {sign * off_mm:+.3f} mm off in {'xy'[axis]}")


@pytest.mark.parametrize(
    ("level", "scatter", "decision"),
    [
        (0.600, 0.0, ACCEPT),
        (0.599, 0.0, REJECT),
        (1.400, 0.0, ACCEPT),
        (1.401, 0.0, REJECT),
        # Four pads in two presses at +-0.01: U = t(0.975, 4) * 0.01 = 0.0278.
        (0.600 - 0.0270, 0.01, AGAIN),
        (0.600 - 0.0285, 0.01, REJECT),
        (0.600 + 0.0270, 0.01, AGAIN),
        (0.600 + 0.0285, 0.01, ACCEPT),
    ],
)
def test_level(level, scatter, decision):
    found = decided([press()] * 2, levels=[level] * 4, scatter=scatter, level=(0.6, 1.4))
    assert found.disposition is decision
    assert decision is ACCEPT or found.reasons[0].startswith(f"pad 1 has level {level:.2f}")


@pytest.mark.parametrize(
    ("half", "scatter", "decision"),
    [
        (0.1999, 0.0, ACCEPT),
        (0.2001, 0.0, REJECT),
        # The range is a difference of two levels: U = sqrt(2) * 0.0278 = 0.0393.
        (0.2 + 0.0190, 0.01, AGAIN),
        (0.2 + 0.0200, 0.01, REJECT),
        (0.2 - 0.0190, 0.01, AGAIN),
        (0.2 - 0.0200, 0.01, ACCEPT),
    ],
)
def test_evenness(half, scatter, decision):
    levels = [1.0 + half, 1.0 + half, 1.0 - half, 1.0 - half]
    found = decided([press()] * 2, levels=levels, scatter=scatter, evenness=0.4)
    assert found.disposition is decision
    assert decision is ACCEPT or found.reasons[0].startswith("levels differ by")


@pytest.mark.parametrize(
    ("change", "scatter", "decision"),
    [
        # Opposite pads of a square stand off its plane by half a millimetre times their missing signal.
        (0.299, 0.0, ACCEPT),
        (0.301, 0.0, REJECT),
        (0.3 + 0.0270, 0.01, AGAIN),
        (0.3 + 0.0285, 0.01, REJECT),
        (0.3 - 0.0270, 0.01, AGAIN),
        (0.3 - 0.0285, 0.01, ACCEPT),
    ],
)
def test_flatness(change, scatter, decision):
    levels = [1.0 + change, 1.0 - change, 1.0 + change, 1.0 - change]
    found = decided([press()] * 2, levels=levels, scatter=scatter, flatness_mm=0.15)
    assert found.disposition is decision
    assert decision is ACCEPT or found.reasons[0].startswith("face is 0.1")


@pytest.mark.parametrize(
    ("gone", "of", "decision"), [(5, 10, ACCEPT), (6, 10, AGAIN), (9, 10, AGAIN), (10, 10, REJECT)]
)
def test_a_pad_is_missing_that_makes_no_contact_in_nearly_every_press(gone, of, decision):
    found = decided([press(missing=(3,))] * gone + [press()] * (of - gone))
    assert found.disposition is decision
    assert (found.missing == (3,)) is (decision is not ACCEPT)
    assert decision is ACCEPT or found.reasons == ("pad 3 missing",)


@pytest.mark.parametrize(
    ("rig_b", "decision"),
    [([press()] * 2, AGAIN), ([press(missing=(3,))], AGAIN), ([press(missing=(3,))] * 2, REJECT)],
)
def test_every_rig_must_miss_a_pad_in_presses_enough(rig_b, decision):
    rigs = {"rig A": [press(missing=(3,))] * 5, "rig B": rig_b}
    assert decided([], rigs=rigs).disposition is decision


@pytest.mark.parametrize(("whole", "decision"), [(0, AGAIN), (1, AGAIN), (2, ACCEPT)])
def test_a_stamp_needs_two_whole_presses(whole, decision):
    found = decided([press()] * whole)
    assert (found.disposition, found.unmeasured) == (decision, decision is AGAIN)
    assert decision is ACCEPT or found.reasons == (f"{whole} whole presses",)


@pytest.mark.parametrize(("foreign", "decision"), [(3, ACCEPT), (4, REJECT)])
def test_a_stamp_is_another_one_if_most_presses_say_so(foreign, decision):
    found = decided([press()] * 3, foreign=foreign)
    assert found.disposition is decision
    assert decision is ACCEPT or found.reasons == ("is another stamp",)


@pytest.mark.parametrize(
    ("presses", "foreign", "decision"),
    [
        ([press(off_mm=0.5)] * 2, 0, AGAIN),
        ([press(missing=(1,))] * 3, 0, REJECT),
        ([press()] * 2, 3, REJECT),
        ([press(off_mm=0.5)] * 2, 3, REJECT),
    ],
)
def test_a_bad_gauge_rejects_no_stamp_for_what_it_may_have_made_up(presses, foreign, decision):
    found = decided(presses, foreign=foreign, gauge_bad=True)
    assert found.disposition is decision
    assert ("the gauge is not good enough to reject it" in found.reasons) is (decision is AGAIN)


@pytest.mark.parametrize(
    ("tolerance", "name"),
    [({"level": (0.6, 1.4)}, "level"), ({"evenness": 0.4}, "evenness"), ({"flatness_mm": 0.15}, "flatness")],
)
@pytest.mark.parametrize("levels", [None, (1.0, 1.0, 1.0, math.nan)])
def test_what_is_to_be_judged_and_was_not_measured_is_measured_again(tolerance, name, levels):
    found = decided([press()] * 2, levels=levels, **tolerance)
    assert (found.disposition, found.unmeasured) == (AGAIN, True)
    assert found.reasons[-1] == f"{name} not measured"
    assert decided([press()] * 2, levels=EVEN, **tolerance).disposition is ACCEPT


def test_a_stamp_without_a_whole_press_has_no_uncertainty_and_no_worst_pad():
    found = decided([press(missing=(1,))] * 3)
    assert math.isnan(found.uncertainty_mm)
    assert math.isnan(found.worst_mm)
    sound = decided([press(off_mm=-0.1)] * 2)
    assert (sound.worst_mm, sound.uncertainty_mm) == (0.1, pytest.approx(0.0196, abs=1e-4))
