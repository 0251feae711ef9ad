from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from stampbench.bench.validation.judging.judging import judge_lot
from stampbench.bench.validation.judging.stamps import Disposition

from ..conftest import NOMINAL


@pytest.fixture
def judged(plan, units, press_lot):
    """Judges a lot made up as told."""

    def judged(**made):
        return judge_lot(plan, units, {"nominal": NOMINAL}, press_lot(**made))

    return judged


def of(result, serial):
    return next(stamp for stamp in result.stamps if stamp.serial == serial)


def test_a_lot_as_it_should_be_is_accepted(judged):
    result = judged()
    assert (result.disposition, result.reasons) == (
        Disposition.ACCEPT,
        ("0 of 10 stamps rejected, at most 1 may be",),
    )
    assert result.count(Disposition.ACCEPT) == 10
    assert result.gauge.study.of_tolerance < 0.2
    assert len(result.capabilities) == 10
    assert min(one.cpk_low for one in result.capabilities.values()) > 2.0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_pad_far_off_rejects_its_stamp(judged, sign):
    off = np.zeros((5, 2))
    off[2, 1] = sign * 0.8
    result = judged(stamps={"S1": off})
    assert of(result, "S1").disposition is Disposition.REJECT
    assert "pad 3" in of(result, "S1").reasons[0]
    assert f"{sign * 0.5:+.1f}"[:2] in of(result, "S1").reasons[0]
    assert result.disposition is Disposition.ACCEPT  # one may be


def test_more_rejected_stamps_than_may_be_reject_the_lot(judged):
    off = np.zeros((5, 2))
    off[2, 1] = 0.8
    result = judged(stamps={"S1": off, "S4": off})
    assert result.disposition is Disposition.REJECT
    assert result.reasons[0] == "2 of 10 stamps rejected, at most 1 may be"


def test_a_stamp_within_its_uncertainty_of_the_tolerance_is_measured_again(judged):
    off = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    for size in np.linspace(0.3, 0.6, 31):
        off[1] = (size, 0.0)
        stamp = of(judged(stamps={"S3": off.copy()}), "S3")
        if abs(stamp.worst_mm - 0.3) < 0.5 * stamp.uncertainty_mm:
            break
    assert stamp.disposition is Disposition.AGAIN
    assert "within its uncertainty" in stamp.reasons[0]


def test_a_missing_pad_rejects_and_is_named(judged):
    stamp = of(judged(missing={"S5": 4}), "S5")
    assert (stamp.disposition, stamp.missing, stamp.reasons) == (Disposition.REJECT, (4,), ("pad 4 missing",))
    assert math.isnan(stamp.worst_mm)


def test_weak_and_uneven_pads_reject(judged):
    result = judged(levels={"S1": np.array([1, 1, 0.5, 1, 1]), "S2": np.array([1.3, 1, 1, 0.8, 1])})
    assert any("pad 3 has level 0.4" in reason for reason in of(result, "S1").reasons)
    assert any("levels differ by" in reason for reason in of(result, "S2").reasons)


def test_another_stamp_is_told_from_a_bad_one(judged):
    other = np.random.default_rng(1).normal(0, 4.0, (5, 2))
    assert of(judged(stamps={"S6": other}), "S6").reasons[0] == "is another stamp"


def test_a_restless_rig_is_not_taken_for_bad_stamps(judged):
    def restless(places, rng):
        return places + 0.6 * rng.standard_normal(places.shape)

    result = judged(rigs={"rig B": restless})
    assert result.disposition is Disposition.AGAIN
    assert result.count(Disposition.REJECT) == 0
    assert any(suspect.startswith("rig B scatters") for suspect in result.gauge.suspects)
    assert any("rig B" in reason for reason in result.reasons)


def test_a_rig_of_wrong_scale_is_not_taken_for_bad_stamps(judged):
    result = judged(rigs={"rig C": lambda places, rng: 1.04 * places})
    assert result.disposition is Disposition.AGAIN
    assert result.count(Disposition.REJECT) == 0
    assert any("rig C lies" in suspect for suspect in result.gauge.suspects)


def test_rejection_needs_no_good_gauge_where_a_pad_is_missing_on_all_rigs(judged):
    def restless(places, rng):
        return places + 0.6 * rng.standard_normal(places.shape)

    result = judged(rigs={"rig B": restless}, missing={"S0": 1, "S9": 2})
    assert result.disposition is Disposition.REJECT


def test_presses_lost_to_the_bench_are_measured_again(judged):
    result = judged(lost=("S3",))
    assert of(result, "S3").disposition is Disposition.AGAIN
    assert of(result, "S3").reasons == ("0 whole presses",)
    assert result.lost > 0


def test_a_process_that_is_not_capable_rejects_only_with_its_whole_interval(plan, units, press_lot):
    rng = np.random.default_rng(3)
    stamps = {f"S{n}": 0.12 * rng.standard_normal((5, 2)) for n in range(10)}
    presses = press_lot(stamps=stamps)
    for cpk, decision in ((0.3, Disposition.ACCEPT), (3.0, Disposition.REJECT)):
        tolerances = msgspec.structs.replace(plan.tolerances, cpk=cpk, position_mm=0.5)
        import dataclasses

        result = judge_lot(
            dataclasses.replace(plan, tolerances=tolerances), units, {"nominal": NOMINAL}, presses
        )
        assert result.disposition is decision
    assert "not capable" in result.reasons[0]


def test_stamps_of_different_kinds_have_no_common_process(plan, units, press_lot):
    import dataclasses

    mixed = [dataclasses.replace(unit, nominal=f"n{number}") for number, unit in enumerate(units)]
    nominals = {unit.nominal: NOMINAL for unit in mixed}
    result = judge_lot(plan, mixed, nominals, press_lot())
    assert (result.capabilities, result.mould) == ({}, None)
    assert result.disposition is Disposition.ACCEPT
