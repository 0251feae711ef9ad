"""One rig, proven: what it reads of the reference, and the fault that is named; both sides of each limit."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from stampbench.bench.validation.judging.reference import prove_rig
from stampbench.bench.validation.measuring.records import MeasuredPress

from ..conftest import NOMINAL

RADIUS_MM = float(np.sqrt(((NOMINAL - NOMINAL.mean(axis=0)) ** 2).sum(axis=1).mean()))
LARGEST = 0.2 * 0.3 / RADIUS_MM
"""Share of lengths that moves a pad by a fifth of the tolerance."""


def pressed(count=20, matrix=None, drift=0.0, noise_mm=0.002, offset_mm=(0.0, 0.0), levels=(1.0, 1.0)):
    """Presses of the reference in two looks, the first half and the second; pad 2 is off by an offset."""
    rng = np.random.default_rng(8)
    presses = []
    for number in range(count):
        angle = 2.0 * math.pi * number / count
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        look = 1 if number < count / 2 else 2
        pads = NOMINAL.copy()
        pads[1] += offset_mm
        places = pads @ turn @ (np.eye(2) if matrix is None else matrix)
        places = places * (1.0 + drift * (look - 1.5)) + 30.0 + noise_mm * rng.standard_normal((5, 2))
        presses.append(
            MeasuredPress(
                serial="reference",
                appraiser="rig A",
                repeat=look,
                press=number + 1,
                kind="reference",
                contacts_mm=[(float(x), float(y)) for x, y in places],
                levels=[levels[look - 1]] * 5,
            )
        )
    return presses


def faults(plan, presses, planned=None):
    return prove_rig(plan, "rig A", len(presses) if planned is None else planned, presses, NOMINAL).faults


def scaled(share):
    return (1.0 + share) * np.eye(2)


def stretched(share):
    return np.diag([1.0 + share, 1.0 - share])


def skewed(share):
    return np.array([[1.0, share], [share, 1.0]])


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("error", "named"), [(scaled, "scale"), (stretched, "stretch of x"), (skewed, "skew")]
)
def test_lengths_are_corrected_up_to_a_fifth_of_the_tolerance(plan, error, named, sign):
    assert not faults(plan, pressed(matrix=error(sign * 0.95 * LARGEST)))
    found = faults(plan, pressed(matrix=error(sign * 1.05 * LARGEST)))
    assert [one.split()[0] for one in found] == [named.split()[0]]
    factor = 2.0 if named == "skew" else 1.0
    assert found[0] == f"{named} {100.0 * factor * sign * 1.05 * LARGEST:+.1f} %"


def test_what_is_known_of_a_ruler_is_corrected(plan):
    matrix = np.array([[1.003, 0.001], [0.001, 0.999]])
    presses = pressed(matrix=matrix)
    proof = prove_rig(plan, "rig A", len(presses), presses, NOMINAL)
    assert proof.proven
    assert proof.corrected(NOMINAL @ matrix) == pytest.approx(NOMINAL, abs=0.002)
    assert proof.scale == pytest.approx(0.001, abs=2e-4)
    assert (proof.planned, proof.presses, proof.whole) == (20, 20, 20)


def test_half_of_the_drift_goes_into_the_uncertainty(plan):
    steady, drifting = (
        prove_rig(plan, "rig A", 20, pressed(drift=drift), NOMINAL) for drift in (0.0, 0.9 * LARGEST)
    )
    assert drifting.proven
    assert drifting.drift == pytest.approx(0.9 * LARGEST, rel=0.1)
    assert steady.uncertainty_mm == pytest.approx(RADIUS_MM * steady.distortion_u, rel=0.2)
    assert drifting.uncertainty_mm == pytest.approx(0.9 * 0.06 / math.sqrt(12.0), rel=0.1)
    assert faults(plan, pressed(drift=1.1 * LARGEST))[0].startswith("drift: lengths change by +")


def changed(presses, places, **fields):
    return [
        msgspec.structs.replace(one, **fields) if number in places else one
        for number, one in enumerate(presses)
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": "lost"}, "lost 3 of 20 presses of the reference"),
        ({"contacts_mm": []}, "saw nothing in 3 of 20 presses of the reference: dead"),
        ({"contacts_mm": [tuple(pad) for pad in NOMINAL[:4].tolist()]}, "misses pads in 3 of 20"),
        ({"contacts_mm": [*map(tuple, NOMINAL.tolist()), (70.0, 70.0)]}, "has contacts too many in 3 of 20"),
    ],
)
def test_one_press_in_ten_may_fail(plan, fields, said):
    assert not faults(plan, changed(pressed(), range(2), **fields))
    assert faults(plan, changed(pressed(), range(3), **fields))[0].startswith(said)


def test_a_ruler_needs_four_whole_presses(plan):
    assert not faults(plan, pressed(4))
    assert faults(plan, pressed(3)) == ("only 3 whole presses of the reference, fewer than 4",)


def test_what_was_planned_is_made(plan):
    assert faults(plan, pressed(19), planned=20) == ("1 of 20 presses of the reference are not on record",)
    assert faults(plan, [], planned=0)[0].startswith("not proven: the plan names no [reference]")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (0.81, 0.81, ""),
        (0.79, 0.79, "level 0.79 of the reference's"),
        (1.24, 1.24, ""),
        (1.26, 1.26, "level 1.26 of the reference's"),
        (1.0, 1.09, ""),
        (1.0, 1.11, "drift: levels change by +11 %"),
        (1.0, 0.91, ""),
        (1.0, 0.89, "drift: levels change by -11 %"),
    ],
)
def test_signals_are_corrected_within_limits(plan, first, second, said):
    found = faults(plan, pressed(levels=(first, second)))
    assert found == ((said,) if said else ())


def test_levels_are_taken_over_those_of_the_reference(plan):
    proof = prove_rig(plan, "rig A", 20, pressed(levels=(0.9, 0.9)), NOMINAL)
    assert proof.corrected_level(np.array([0.45])) == pytest.approx([0.5])
    blind = prove_rig(plan, "rig A", 20, changed(pressed(), range(20), levels=None), NOMINAL)
    assert blind.faults == ("no level of the reference was measured, and the plan asks for levels",)
    assert blind.corrected_level(np.array([0.45])) == [0.45]


def test_a_rig_that_scatters_beyond_the_tolerance_is_restless(plan):
    assert not any("restless" in one for one in faults(plan, pressed(noise_mm=0.25)))
    assert any("restless" in one for one in faults(plan, pressed(noise_mm=0.45)))


def test_a_single_place_that_is_wrong_is_named(plan):
    assert not faults(plan, pressed(offset_mm=(0.05, 0.0)))
    assert any(
        "pad 2 of the reference reads 0.2" in one for one in faults(plan, pressed(offset_mm=(0.35, 0.0)))
    )


def test_a_rig_that_reads_every_press_alike_is_stuck(plan):
    presses = pressed()
    assert faults(plan, changed(presses, range(20), contacts_mm=presses[0].contacts_mm))[0].startswith(
        "stuck"
    )
