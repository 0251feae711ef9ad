from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from stampbench.bench.validation.judging.judging import decide_lot, judge_lot
from stampbench.bench.validation.judging.stamps import Disposition

from ..conftest import NOMINAL


def judge(plan, units, presses, nominals=None):
    virtual = [appraiser.name for appraiser in plan.appraisers]
    return judge_lot(plan, units, nominals or {"nominal": NOMINAL}, presses, virtual=virtual)


@pytest.fixture
def judged(plan, units, press_lot):
    """Judges a lot made up as told."""

    def judged(**made):
        return judge(plan, units, press_lot(**made))

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
    assert min(one.overall.actual_low for one in result.capabilities.values()) > 2.0


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
    assert any("pad 3 has level 0.5" in reason for reason in of(result, "S1").reasons)
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


@pytest.mark.parametrize("scale", [0.98, 1.02, 1.04])
@pytest.mark.parametrize("rigs", [("rig C",), ("rig A", "rig B", "rig C")])
def test_a_rig_of_wrong_scale_is_named_and_condemns_nothing(judged, scale, rigs):
    result = judged(rigs={rig: lambda places, rng: scale * places for rig in rigs})
    assert result.disposition is Disposition.AGAIN
    assert result.count(Disposition.REJECT) == 0
    for rig in rigs:
        assert any(reason.startswith(f"{rig}: scale {100 * (scale - 1):+.0f}") for reason in result.reasons)


def test_stamps_too_small_are_not_hidden_by_rigs_that_read_too_large(judged):
    small = {f"S{n}": -0.02 * NOMINAL for n in range(10)}
    result = judged(stamps=small, rigs={f"rig {x}": lambda places, rng: 1.02 * places for x in "ABC"})
    assert result.disposition is Disposition.AGAIN
    assert judged(stamps=small).disposition is Disposition.REJECT


def test_a_small_error_of_scale_is_corrected(judged):
    crooked = judged(rigs={"rig B": lambda places, rng: 1.002 * places})
    straight = judged()
    assert crooked.disposition is Disposition.ACCEPT
    assert crooked.proofs[1].scale == pytest.approx(0.002, abs=0.001)
    assert of(crooked, "S0").worst_mm == pytest.approx(of(straight, "S0").worst_mm, abs=0.005)


def mirrored(places, rng):
    return places * (-1.0, 1.0) + (60.0, 0.0)


def skewed(places, rng):
    return places @ np.array([[1.0, 0.0], [0.02, 1.0]])


def bent(places, rng):
    return places + 0.6 * rng.standard_normal(places.shape)


@pytest.mark.parametrize(
    ("error", "named"),
    [(mirrored, "an axis is mirrored"), (skewed, "skew +2"), (bent, "restless"),
     (lambda places, rng: NOMINAL + 30.0, "stuck"), (lambda places, rng: places[:0], "dead"),
     (lambda places, rng: np.vstack([places, places[:1] + 9.0]), "contacts too many")],
)  # fmt: skip
def test_an_unproven_rig_is_named_and_rejects_nothing(judged, error, named):
    off = np.zeros((5, 2))
    off[2, 1] = 0.8
    result = judged(rigs={"rig A": error}, stamps={"S1": off, "S4": off, "S7": off})
    assert result.disposition is Disposition.AGAIN
    assert any(reason.startswith("rig A: ") and named in reason for reason in result.reasons)


def test_a_pad_missing_on_all_rigs_is_not_rejected_while_a_rig_is_unproven(judged):
    bad = {"S0": 1, "S9": 2}
    assert judged(missing=bad).disposition is Disposition.REJECT
    assert judged(rigs={"rig B": bent}, missing=bad).disposition is Disposition.AGAIN


def test_a_rig_that_drifts_over_the_lot_is_named(plan, units, press_lot):
    presses = press_lot()
    own = [press for press in presses if press.appraiser == "rig A"]
    grown = {}
    for place, press in enumerate(own):
        factor = 1.0 + 0.02 * place / len(own)
        contacts = [(factor * x, factor * y) for x, y in press.contacts_mm]
        grown[press.serial, press.repeat, press.press] = contacts
    presses = [
        msgspec.structs.replace(press, contacts_mm=grown[press.serial, press.repeat, press.press])
        if press.appraiser == "rig A"
        else press
        for press in presses
    ]
    result = judge(plan, units, presses)
    assert result.disposition is Disposition.AGAIN
    assert any(reason.startswith("rig A: drift") for reason in result.reasons)


def with_levels(presses, change):
    return [
        msgspec.structs.replace(press, levels=None if press.levels is None else change(press))
        for press in presses
    ]


def test_a_rig_of_half_the_signal_is_named_and_a_small_difference_corrected(plan, units, press_lot):
    presses = press_lot()
    halved = judge(plan, units, with_levels(presses, lambda press: [0.5 * one for one in press.levels]))
    assert halved.disposition is Disposition.AGAIN
    assert "rig A: level 0.4" in halved.reasons[0]
    weaker = judge(plan, units, with_levels(presses, lambda press: [0.9 * one for one in press.levels]))
    assert weaker.disposition is Disposition.ACCEPT
    assert np.allclose(of(weaker, "S0").levels, of(judge(plan, units, presses), "S0").levels)


def test_levels_that_were_to_be_judged_and_were_not_measured_are_measured_again(plan, units, press_lot):
    worn = {f"S{n}": np.full(5, 0.5) for n in range(10)}
    presses = press_lot(levels=worn)
    assert judge(plan, units, presses).disposition is Disposition.REJECT
    blind = judge(plan, units, with_levels(presses, lambda press: None))
    assert blind.disposition is Disposition.AGAIN
    assert any("no level of the reference was measured" in reason for reason in blind.reasons)


def test_records_that_lack_presses_are_not_judged(plan, units, press_lot):
    off = np.zeros((5, 2))
    off[2, 1] = 0.8
    presses = press_lot(stamps={"S1": off, "S4": off})
    left = [press for press in presses if press.serial not in ("S1", "S4")]
    result = judge(plan, units, left)
    assert result.disposition is Disposition.AGAIN
    assert any("planned presses are not on record" in reason for reason in result.reasons)


def test_a_sample_that_was_never_drawn_is_not_judged(plan, units, press_lot):
    larger = dataclasses.replace(plan, sampling=msgspec.structs.replace(plan.sampling, sample=40, accept=9))
    result = judge(larger, units, press_lot())
    assert result.disposition is Disposition.AGAIN
    assert result.missing[0] == "10 stamps were drawn, the sampling plan calls for 40"


def test_a_gauge_study_that_was_planned_and_is_missing_is_measured_again(judged):
    result = judged(rigs={"rig B": lambda places, rng: places[:0]})
    assert result.disposition is Disposition.AGAIN
    assert "rig B: saw nothing in" in result.reasons[0]
    assert any("the gauge study is missing" in reason for reason in result.reasons)


def test_a_rig_that_is_not_in_software_needs_a_reference(plan, units, press_lot):
    presses = [press for press in press_lot() if press.kind == "stamp"]
    result = judge_lot(plan, units, {"nominal": NOMINAL}, presses, virtual=())
    assert result.disposition is Disposition.AGAIN
    assert result.reasons[0].startswith("rig A: not proven: the plan names no [reference]")


@pytest.mark.parametrize(
    ("rule", "at", "disposition"),
    [
        ("iso-14253-1", 0.30, Disposition.AGAIN),
        ("ilac-g8-guarded", 0.30, Disposition.REJECT),
        ("ilac-g8-simple", 0.29, Disposition.ACCEPT),
        ("ilac-g8-simple", 0.31, Disposition.REJECT),
    ],
)
def test_the_rule_decides_near_the_tolerance(judged, rule, at, disposition):
    from stampbench.bench.validation.judging.budget import Budget, Part
    from stampbench.bench.validation.judging.stamps import Evidence, judge_stamp
    from stampbench.bench.validation.measuring.lots import Unit
    from stampbench.bench.validation.measuring.pads import FittedPress
    from stampbench.bench.validation.plans import Tolerances

    off = np.zeros((5, 2))
    off[1, 0] = at
    press = FittedPress(off, np.arange(5), 0.3, 0)
    evidence = Evidence(
        unit=Unit("1", 1, "n", "n"),
        nominal_mm=NOMINAL,
        by_rig={"rig A": [press, press]},
        pad_levels=[],
        foreign=0,
        budget=Budget((Part("all", 0.01),)),
    )
    result = judge_stamp(evidence, Tolerances(position_mm=0.3, rule=rule), gauge_bad=False)
    assert result.disposition is disposition


def test_presses_lost_to_the_bench_are_measured_again(judged):
    result = judged(lost=("S3",))
    assert of(result, "S3").disposition is Disposition.AGAIN
    assert of(result, "S3").reasons == ("0 whole presses",)
    assert result.disposition is Disposition.AGAIN
    assert result.lost > 0


def test_a_process_that_is_not_capable_rejects_only_with_its_whole_interval(plan, units, press_lot):
    rng = np.random.default_rng(3)
    stamps = {f"S{n}": 0.12 * rng.standard_normal((5, 2)) for n in range(10)}
    presses = press_lot(stamps=stamps)
    for name, least, decision in (
        ("ppk", 0.3, Disposition.ACCEPT),
        ("cpk", 0.3, Disposition.ACCEPT),
        ("cpk", 3.0, Disposition.REJECT),
        ("ppk", 3.0, Disposition.REJECT),
    ):
        tolerances = msgspec.structs.replace(plan.tolerances, position_mm=0.5, **{name: least})
        result = judge(dataclasses.replace(plan, tolerances=tolerances), units, presses)
        assert result.disposition is decision
    assert "not capable: Ppk of pad" in result.reasons[0]


def test_stamps_of_different_kinds_have_no_common_process(plan, units, press_lot):
    mixed = [dataclasses.replace(unit, nominal=f"n{number}") for number, unit in enumerate(units)]
    nominals = {unit.nominal: NOMINAL for unit in mixed}
    result = judge(plan, mixed, press_lot(), nominals)
    assert (result.capabilities, result.mould) == ({}, None)
    assert result.disposition is Disposition.ACCEPT


def test_a_level_within_its_uncertainty_of_the_limit_is_measured_again(judged):
    stamps = {}
    for level in (0.5, 0.597, 0.605, 0.75):
        result = judged(levels={"S1": np.full(5, level)}, seed=11)
        stamps[level] = of(result, "S1").disposition
    assert stamps[0.5] is Disposition.REJECT
    assert Disposition.AGAIN in (stamps[0.597], stamps[0.605])
    assert stamps[0.75] is Disposition.ACCEPT


@pytest.fixture
def by_variables(plan):
    """The plan by variables whose sample is of ten stamps, too: letter E at AQL 4."""
    sampling = msgspec.structs.replace(plan.sampling, method="variables", aql=4.0, sample=None, accept=0)
    lot = msgspec.structs.replace(plan.lot, size=90)
    return dataclasses.replace(plan, sampling=sampling, lot=lot)


@pytest.mark.parametrize(
    ("scatter_mm", "disposition"), [(0.03, Disposition.ACCEPT), (0.25, Disposition.REJECT)]
)
def test_by_variables_a_lot_is_judged_by_its_scatter(by_variables, units, press_lot, scatter_mm, disposition):
    rng = np.random.default_rng(3)
    stamps = {unit.serial: scatter_mm * rng.standard_normal((5, 2)) for unit in units}
    result = judge(by_variables, units, press_lot(stamps=stamps))
    assert (result.disposition, by_variables.sample.sample_size) == (disposition, 10)
    assert "of the lot estimated nonconforming, at most 10.6 % may be" in result.reasons[0]


def test_by_variables_every_stamp_must_have_its_values(by_variables, units, press_lot):
    result = judge(by_variables, units, press_lot(missing={"S2": 1}))
    assert result.disposition is Disposition.AGAIN
    assert "1 of 10 stamps lack a value" in result.reasons[0]


def test_by_variables_values_in_two_heaps_are_not_judged(by_variables, units, press_lot):
    off = np.zeros((5, 2))
    off[1, 0] = 0.2
    result = judge(
        by_variables, units, press_lot(stamps={f"S{n}": off * (n % 2) for n in range(10)}, noise_mm=0.002)
    )
    assert result.disposition is Disposition.AGAIN
    assert "not normally distributed: pad" in result.reasons[0]


def test_by_variables_a_faulty_rig_condemns_nothing(by_variables, units, press_lot):
    presses = press_lot(rigs={"rig A": lambda places, rng: 1.02 * places})
    result = judge(by_variables, units, presses)
    assert result.disposition is Disposition.AGAIN
    assert "rig A: scale +2" in result.reasons[0]


def test_each_part_of_the_uncertainty_is_that_of_a_mean(plan, units, press_lot):
    measurement = msgspec.structs.replace(plan.measurement, temperature_u_k=2.0)
    warm = dataclasses.replace(plan, measurement=measurement)
    virtual = [one.name for one in plan.appraisers]
    result = judge_lot(warm, units, {"nominal": NOMINAL}, press_lot(), virtual=virtual, resolution_mm=0.1)
    studied, once = (
        {part.name: part.u_mm for part in of(result, serial).budget.parts} for serial in ("S0", "S1")
    )
    # Six measurements of four presses on three rigs, and one on one rig.
    assert studied["repeatability"] * math.sqrt(24) == pytest.approx(once["repeatability"] * math.sqrt(4))
    assert once["repeatability"] == pytest.approx(0.02 / 2.0, rel=0.2)
    study = result.gauge.study
    between = math.hypot(study.reproducibility, study.interaction)
    assert between > 0.0
    assert once["reproducibility"] == pytest.approx(between)
    assert studied["reproducibility"] == pytest.approx(between / math.sqrt(3))
    assert studied["reference"] == plan.reference.uncertainty_mm == 0.005
    assert studied["calibration of the rig"] == max(proof.uncertainty_mm for proof in result.proofs)
    assert once["resolution"] == pytest.approx(0.1 / math.sqrt(12.0) / 2.0)
    radius = np.hypot(*(NOMINAL - NOMINAL.mean(axis=0)).T).max()
    assert once["temperature"] == pytest.approx(2.0 * 8e-5 * radius)


def test_presses_that_nobody_planned_are_said(plan, units, press_lot):
    presses = press_lot()
    result = judge(plan, units, [*presses, presses[-1]])
    assert result.disposition is Disposition.AGAIN
    assert result.missing == ("1 presses on record were not planned",)


def test_a_press_beside_which_a_finger_lay_says_nothing_of_the_stamp(plan, units, press_lot):
    presses = press_lot()
    place = next(number for number, press in enumerate(presses) if press.serial == "S1")
    contacts = [*presses[place].contacts_mm, (80.0, 80.0)]
    beside = msgspec.structs.replace(presses[place], contacts_mm=contacts, levels=[1.0] * 6)
    found = of(judge(plan, units, [*presses[:place], beside, *presses[place + 1 :]]), "S1")
    assert (found.presses, found.disposition) == (3, Disposition.ACCEPT)


def verdicts(rejected=0, again=0, unmeasured=0):
    """Ten stamps, of which so many are rejected, to be measured again, or were not measured as planned."""
    ends = ["reject"] * rejected + ["measure again"] * again + ["accept"] * (10 - rejected - again)
    return [
        SimpleNamespace(
            disposition=Disposition(end),
            unmeasured=number >= 10 - unmeasured,
            reasons=("level not measured",),
        )
        for number, end in enumerate(ends)
    ]


GOOD_RIG = SimpleNamespace(appraiser="rig A", faults=())
BAD_RIG = SimpleNamespace(appraiser="rig A", faults=("scale +2.0 %",))
GOOD_GAUGE = SimpleNamespace(proven=lambda plan: True, reasons=lambda plan: ())
BAD_GAUGE = SimpleNamespace(proven=lambda plan: False, reasons=lambda plan: ("the gauge takes 40 %",))


def index(low, high):
    one = SimpleNamespace(actual_low=low, actual_high=high)
    return {"pad 1 x": SimpleNamespace(overall=one, within=one)}


@pytest.mark.parametrize(
    ("case", "disposition", "reason"),
    [
        ({}, "accept", "0 of 10 stamps rejected, at most 1 may be"),
        ({"stamps": verdicts(1)}, "accept", "1 of 10 stamps rejected"),
        ({"stamps": verdicts(2)}, "reject", "2 of 10 stamps rejected"),
        ({"stamps": verdicts(0, 1)}, "accept", "0 of 10"),
        ({"stamps": verdicts(0, 2)}, "measure again", "0 of 10 stamps rejected, at most 1 may be; 2 must be"),
        ({"stamps": verdicts(1, 1)}, "measure again", "1 of 10 stamps rejected, at most 1 may be; 1 must be"),
        ({"proofs": [BAD_RIG]}, "measure again", "rig A: scale +2.0 %"),
        ({"proofs": [GOOD_RIG, BAD_RIG], "stamps": verdicts(9)}, "measure again", "rig A: scale +2.0 %"),
        ({"gauge": BAD_GAUGE}, "measure again", "the gauge takes 40 %"),
        ({"gauge": BAD_GAUGE, "stamps": verdicts(2)}, "reject", "2 of 10"),  # beyond what a gauge makes up
        ({"missing": ["3 presses"]}, "measure again", "3 presses"),
        ({"missing": ["3 presses"], "stamps": verdicts(2)}, "reject", "2 of 10"),
        ({"stamps": verdicts(unmeasured=1)}, "measure again", "1 of 10 stamps were not measured as planned"),
        ({"capabilities": index(1.0, 1.32)}, "reject", "not capable: Ppk of pad 1 x is below 1.33"),
        ({"capabilities": index(1.0, 1.33)}, "accept", "0 of 10"),
        ({"capabilities": {}}, "measure again", "Ppk of at least 1.33 asked for and not measured"),
        ({"capabilities": index(1.0, 1.32), "gauge": BAD_GAUGE}, "measure again", "the gauge takes 40 %"),
    ],
)
def test_what_becomes_of_a_lot(plan, case, disposition, reason):
    if "capabilities" in case:
        tolerances = msgspec.structs.replace(plan.tolerances, ppk=1.33)
        plan = dataclasses.replace(plan, tolerances=tolerances)
    known = {
        "stamps": verdicts(),
        "proofs": [GOOD_RIG],
        "gauge": GOOD_GAUGE,
        "capabilities": {},
        "missing": [],
    }
    found, reasons = decide_lot(plan, **(known | case))
    assert found.value == disposition
    assert reasons[0].startswith(reason)
