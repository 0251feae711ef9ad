from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from stampbench.bench.judging.assessment import Result, assess
from stampbench.bench.judging.early_stops import EarlyStops
from stampbench.bench.judging.sequential import SequentialDecision
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Confidence, read_run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.report.subject import plan_of
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import made_press
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import record_run

TEXT = """
[plan]
name = "stops"
family = "p5-60k"
profiles = ["nexus-5", "elan-11"]

[[cases]]
name = "held"
kind = "genuine"
presses = 400

[[cases]]
name = "foreign"
kind = "foreign"
stamps = ["coin"]
presses = 30

[[limits]]
measurement = "frr"
max = 5.0
good = 1.0
unit = "%"

[[limits]]
measurement = "misread"
max = 0.0

[[limits]]
measurement = "time_to_decision_p95"
max = 100
"""
RISKS = Confidence(alpha=0.05, beta=0.05)


def plan(old: str = "", new: str = ""):
    assert old in TEXT
    return Plan.parse(TEXT.replace(old, new) if old else TEXT, Path("stops.toml"))


@pytest.fixture
def made_up(make_press):
    """The presses of an order, made up; those of the given numbers are not read."""

    def presses(order, missed=()):
        for planned in order.presses():
            genuine = planned.case.kind == "genuine"
            yield make_press(
                planned.index,
                kind=planned.case.kind,
                profile=planned.profile,
                verdict="read" if genuine and planned.number not in missed else "none",
            )

    return presses


def test_limit_is_tested_between_what_is_good_and_its_maximum():
    (first, second) = EarlyStops(plan(), RISKS).limits
    assert (first.profile, second.profile, first.case) == ("nexus-5", "elan-11", "held")
    assert (first.test.p0, first.test.p1, first.test.cap) == pytest.approx((0.01, 0.05, 400))
    (quarter, _) = EarlyStops(plan("good = 1.0\n", ""), RISKS).limits
    assert quarter.test.p0 == pytest.approx(0.0125)
    (marginal, _) = EarlyStops(plan("good = 1.0\n", "marginal_max = 2.0\n"), RISKS).limits
    assert marginal.test.p0 == pytest.approx(0.02)


def test_good_case_stops_long_before_its_end(made_up, tmp_path):
    demo = plan()
    stops = EarlyStops(demo, RISKS)
    taken = 0
    for press in made_up(RunOrder(demo, tmp_path, 1, stops=stops)):
        stops.see([press])
        taken += press.case == "held"
    test = stops.of_limit(0, "nexus-5")
    assert test is not None
    assert (test.decision, test.failures) == (SequentialDecision.ACCEPT, 0)
    assert taken == 2 * test.trials < 160


def test_case_without_a_limit_is_pressed_to_its_end(made_up, tmp_path):
    stops = EarlyStops(plan(), RISKS)
    assert not stops.enough("nexus-5", "foreign")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # One limit on two cases together is no sequence of like presses.
        ('name = "foreign"\nkind = "foreign"\nstamps = ["coin"]', 'name = "other"\nkind = "genuine"'),
        ("max = 5.0\ngood = 1.0\n", "min = 0.0\nmax = 5.0\n"),
        ('measurement = "misread"\nmax = 0.0', 'measurement = "misread"\nmin = 0.0'),
    ],
)
def test_case_with_a_limit_that_no_test_decides_is_pressed_to_its_end(old, new, make_press):
    stops = EarlyStops(plan(old, new), RISKS)
    stops.see(make_press(number) for number in range(1, 401))
    assert not stops.enough("nexus-5", "held")


def test_presses_lost_to_the_bench_decide_nothing(make_press):
    stops = EarlyStops(plan(), RISKS)
    stops.see(make_press(number, outcome=Outcome.ERROR) for number in range(1, 401))
    assert stops.limits[0].test.trials == 0


def test_cap_ends_a_case_undecided(make_press):
    stops = EarlyStops(plan(), Confidence(cap=10))
    stops.see(make_press(number) for number in range(1, 11))
    assert stops.limits[0].test.decision is SequentialDecision.UNDECIDED
    assert stops.enough("nexus-5", "held")


@pytest.mark.parametrize("ahead", [0, 37])
def test_records_and_result_do_not_depend_on_how_many_presses_are_made_ahead(made_up, tmp_path, ahead):
    """Workers make presses that are not needed any more; they are not recorded."""
    demo = plan('profiles = ["nexus-5", "elan-11"]', 'profiles = ["nexus-5"]')

    def run(directory, ahead):
        stops = EarlyStops(demo, RISKS)
        order = RunOrder(demo, directory, 1, stops=stops)
        coming = made_up(order, missed=(3,))

        def made():
            waiting = []
            for press in coming:
                waiting.append(press)
                if len(waiting) > ahead:
                    yield made_press(waiting.pop(0), {})
            yield from (made_press(press, {}) for press in waiting)

        record_run(order, {}, made(), Progress(), begun_s=0.0, clock=lambda: 0.0, now=_then)
        return read_run(directory)

    found = run(tmp_path / "found", ahead)
    alone = run(tmp_path / "alone", 0)
    assert found.presses == alone.presses
    result = assess(plan_of(found), found).limits[0]
    assert (result.result, result.test.decision) == (Result.PASSED, SequentialDecision.ACCEPT)
    assert result.test.trials == result.measured.n < 400


def test_decision_of_the_test_is_the_result_of_the_limit(write_run, make_press):
    demo = plan("max = 5.0\ngood = 1.0", "max = 60.0\ngood = 5.0")
    made = [make_press(number, verdict="none") for number in range(1, 3)]
    run = read_run(write_run([*made, *(make_press(number) for number in range(3, 30))]))
    header = msgspec.structs.replace(run.header, until_confident=RISKS, plan_text=demo.text)
    decided = assess(demo, dataclasses.replace(run, header=header)).limits[0]
    assert decided.test is not None
    assert decided.test.decision is SequentialDecision.REJECT
    assert (decided.result, decided.measured.k) == (Result.FAILED, 2)
    assert "2 of 2: the rate is above 5 %" in decided.test.claim


def _then():
    from datetime import UTC, datetime

    return datetime(2026, 1, 2, tzinfo=UTC)
