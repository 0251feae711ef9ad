from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from stampbench.bench.validation.judging.lot_gauge import GaugeResult, lot_gauge
from stampbench.bench.validation.measuring.pads import FittedPress


def result(high, worst, low=0.05, share=0.1):
    study = SimpleNamespace(of_tolerance_interval=(low, high), of_tolerance=share)
    return GaugeResult(study, ("pad 2 x", worst), ("rig B is odd",))


@pytest.mark.parametrize(
    ("high", "worst", "said"),
    [
        (0.300, 0.300, ""),
        (0.301, 0.299, ": at most 30 % is not proven"),
        (0.299, 0.301, "; pad 2 x alone takes 30.1 %, at most 30 % fit"),
        (0.000, 0.000, ": it does not scatter at all, which no gauge does"),
    ],
)
def test_a_gauge_is_proven_with_its_whole_interval_and_its_worst_dimension(plan, high, worst, said):
    found = result(high, worst)
    assert found.proven(plan) is not bool(said)
    expected = f"the gauge takes 10.0 % of the tolerance (5.0 to {100.0 * high:.1f} %){said}"
    assert found.reasons(plan) == ((expected, "rig B is odd") if said else ())


def test_without_a_study_no_gauge_is_proven(plan):
    found = GaugeResult(None, None, ())
    assert not found.proven(plan)
    assert found.reasons(plan)[0].startswith("the gauge study is missing")


def fitted(plan, units, of_rig):
    """Presses of a study; ``of_rig`` gives offset and scatter in mm of each rig."""
    rng = np.random.default_rng(2)
    return {
        (unit.serial, name, repeat): [
            FittedPress(offset + scatter * rng.standard_normal((5, 2)), np.arange(5), 0.1, 0)
        ]
        for unit in units[:5]
        for name, (offset, scatter) in of_rig.items()
        for repeat in (1, 2)
    }


def test_shares_are_of_the_whole_width_of_the_tolerance(plan, units):
    steady = {f"rig {letter}": (0.0, 0.01) for letter in "ABC"}
    found, _ = lot_gauge(plan, units, fitted(plan, units, steady))
    assert found.study.tolerance == 0.6  # 0.3 mm both ways
    assert found.study.of_tolerance == pytest.approx(6.0 * 0.01 / 0.6, rel=0.2)
    assert found.suspects == ()


@pytest.mark.parametrize(("times", "odd"), [(2.2, False), (4.5, True)])
def test_an_appraiser_who_scatters_three_times_as_much_is_odd(plan, units, times, odd):
    rigs = {"rig A": (0.0, 0.01), "rig B": (0.0, 0.01 * times), "rig C": (0.0, 0.01)}
    found, _ = lot_gauge(plan, units, fitted(plan, units, rigs))
    assert any(one.startswith("rig B scatters") for one in found.suspects) is odd


@pytest.mark.parametrize(("off_mm", "odd"), [(0.004, False), (0.05, True)])
def test_an_appraiser_who_lies_apart_from_those_who_agree_is_odd(plan, units, off_mm, odd):
    rigs = {"rig A": (0.0, 0.01), "rig B": (0.0, 0.01), "rig C": (off_mm, 0.01)}
    found, _ = lot_gauge(plan, units, fitted(plan, units, rigs))
    assert any(one.startswith("rig C lies 0.05") for one in found.suspects) is odd


@pytest.mark.parametrize(("times", "odd"), [(2.5, False), (4.0, True)])
def test_apart_is_three_times_as_far_as_the_others_are_from_each_other(plan, units, times, odd):
    rigs = {"rig A": (-0.01, 0.001), "rig B": (0.01, 0.001), "rig C": (0.01 * times, 0.001)}
    found, _ = lot_gauge(plan, units, fitted(plan, units, rigs))
    assert any(one.startswith("rig C lies 0.0") for one in found.suspects) is odd


def test_the_spread_between_appraisers_is_a_part_of_the_uncertainty(plan, units):
    rigs = {"rig A": (-0.05, 0.01), "rig B": (0.0, 0.01), "rig C": (0.05, 0.01)}
    _, between = lot_gauge(plan, units, fitted(plan, units, rigs))
    assert between.u_mm == pytest.approx(0.05, rel=0.1)
    assert between.freedom == 2 * 7  # of ten coordinates, a best fit takes three


def test_one_appraiser_says_nothing_of_others(plan, units):
    import dataclasses

    alone = dataclasses.replace(plan, appraisers=plan.appraisers[:1])
    found, between = lot_gauge(alone, units, fitted(plan, units, {"rig A": (0.0, 0.01)}))
    assert found.study.appraisers == 1
    assert np.isnan(between.u_mm)
