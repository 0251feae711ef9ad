from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest
from stampbench.bench.judging.assessment import Result, Verdict, assess, judge
from stampbench.bench.judging.assessment import measure as measure_sample
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.judging.sequential import SequentialDecision, SequentialTest
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.tables import Limit
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.records.presses import Outcome


def measure(name, records, *, profile, case):
    return measure_sample(name, Tally(records).sample(name, profile, case), profile=profile, case=case)


def worst(name, records):
    return Tally(records).sample(name, "nexus-5", None).worst[1]


def value(name, records, case=None):
    measured = measure(name, records, profile="nexus-5", case=case)
    return measured.value, measured.n


def test_rates_count_what_their_names_say(make_press):
    records = [
        make_press(1),
        make_press(2, read=8),
        make_press(3, verdict="partial", decided_ms=None),
        make_press(4, verdict="ambiguous"),
        make_press(5, kind="foreign", read=3),
        make_press(6, kind="foreign", verdict="foreign"),
    ]
    assert value("frr", records) == (3 / 4, 4)
    assert value("misread", records) == (1 / 4, 4)
    assert value("fta", records) == (1 / 4, 4)
    assert value("far", records) == (1 / 2, 2)


def test_presses_lost_to_the_bench_do_not_count(make_press):
    records = [
        make_press(1),
        make_press(2, verdict="none", outcome=Outcome.ERROR),
        make_press(3, verdict="none", outcome=Outcome.TIMEOUT),
    ]
    assert value("frr", records) == (0.0, 1)


def test_times_are_those_of_right_readings(make_press):
    records = [make_press(n, decided_ms=10.0 * n) for n in range(1, 21)] + [
        make_press(21, read=8, decided_ms=900)
    ]
    assert value("time_to_decision_median", records) == (100.0, 20)
    assert value("time_to_decision_p95", records) == (190.0, 20)


def test_low_percentile_of_the_margin_and_high_of_the_distance(make_press):
    records = [make_press(n, margin_mm=n / 10, distance_mm=n / 20) for n in range(1, 21)]
    assert value("margin_p05", records) == (0.1, 20)
    assert value("distance_p95", records) == (0.95, 20)


def test_measurement_is_of_one_profile_and_case(make_press):
    records = [make_press(1, read=8), make_press(2, profile="elan-11"), make_press(3, case="loose")]
    assert value("frr", records) == (1 / 2, 2)
    assert value("frr", records, case="held") == (1.0, 1)


def test_nothing_measured_has_no_value(make_press):
    for name in MEASUREMENTS:
        assert value(name, []) == (None, 0)


@pytest.mark.parametrize(
    ("limit", "result"),
    [
        ({"max": 0.5}, Result.PASSED),
        ({"max": 0.25}, Result.PASSED),
        ({"max": 0.24}, Result.FAILED),
        ({"max": 0.5, "marginal_max": 0.2}, Result.MARGINAL),
        ({"max": 50, "unit": "%"}, Result.PASSED),
        ({"max": 24, "unit": "%"}, Result.FAILED),
        ({"min": 0.3}, Result.FAILED),
        ({"max": 0.8, "confident": True}, Result.FAILED),
        ({"max": 0.81, "confident": True}, Result.PASSED),
    ],
)
def test_judgement_of_one_failure_in_four(make_press, limit, result):
    records = [make_press(1, read=8), *(make_press(n) for n in (2, 3, 4))]
    measured = measure("frr", records, profile="nexus-5", case=None)
    assert judge(measured, Limit(measurement="frr", **limit)).result is result


def test_judged_numbers_stand_in_the_unit_of_the_limit(make_press):
    records = [make_press(n, decided_ms=50.0) for n in (1, 2, 3)]
    measured = measure("time_to_decision_p95", records, profile="nexus-5", case=None)
    judged = judge(measured, Limit(measurement="time_to_decision_p95", max=0.1, unit="s"))
    assert (judged.measured.value, judged.measured.unit) == (0.05, "s")


def test_limit_without_data_is_unset():
    measured = measure("frr", [], profile="nexus-5", case=None)
    assert judge(measured, Limit(measurement="frr", max=1.0)).result is Result.UNSET


def test_worst_press_is_named(make_press):
    records = [make_press(1), make_press(2, verdict="ambiguous"), make_press(3, read=9)]
    assert worst("frr", records) == 3
    slow = [make_press(1, decided_ms=20), make_press(2, decided_ms=90), make_press(3, decided_ms=40)]
    assert worst("time_to_decision_p95", slow) == 2
    narrow = [make_press(1, margin_mm=1.5), make_press(2, margin_mm=0.5)]
    assert worst("margin_p05", narrow) == 2


def assessment(run):
    return assess(Plan.parse(run.header.plan_text, Path("made-up.toml")), run)


@pytest.fixture
def good(make_press):
    genuine = [make_press(n) for n in range(1, 5)]
    return genuine + [make_press(n, kind="foreign", verdict="foreign") for n in range(5, 25)]


def test_run_that_keeps_its_limits_passes(write_run, good):
    result = assessment(read_run(write_run(good)))
    assert (result.verdict, result.verdict.exit_status) == (Verdict.PASSED, 0)
    assert result.reason == "all 2 limits met"


def test_marginal_limits_pass_and_are_told(write_run, good, header):
    run = read_run(write_run(good))
    plan = Plan.parse(
        header.plan_text.replace("max = 0.5\n\n", "max = 0.5\nmarginal_max = 0.0\n\n"), Path("x")
    )
    missed = msgspec.structs.replace(good[0], reading=None, outcome=Outcome.FAILED)
    result = assess(plan, dataclasses.replace(run, presses=(missed, *run.presses[1:])))
    assert (result.verdict, result.reason) == (Verdict.MARGINAL, "all 2 limits met, 1 marginally")
    assert (result.verdict.passes, result.verdict.exit_status) == (True, 0)


def test_a_run_that_passes_says_what_was_skipped(write_run, good):
    skipped = msgspec.structs.replace(good[0], reading=None, outcome=Outcome.SKIPPED)
    result = assessment(read_run(write_run([skipped, *good[1:]])))
    assert (result.verdict, result.reason) == (
        Verdict.PASSED,
        "all 2 limits met; 1 of 24 presses skipped",
    )


def test_run_without_limits_passes_and_says_so(write_run, good, header):
    plan = Plan.parse(header.plan_text[: header.plan_text.index("[[limits]]")], Path("x"))
    result = assess(plan, read_run(write_run(good)))
    assert (result.verdict, result.reason) == (Verdict.PASSED, "24 presses made; the plan sets no limits")


def test_run_that_misses_a_limit_fails(write_run, good, make_press):
    result = assessment(
        read_run(write_run([*good[:1], *(make_press(n, read=9) for n in (2, 3, 4)), *good[4:]]))
    )
    assert (result.verdict, result.verdict.exit_status) == (Verdict.FAILED, 1)
    assert result.reason == "1 of 2 limits missed"


def test_killed_run_is_incomplete(write_run, good):
    result = assessment(read_run(write_run(good[:3], status=None)))
    assert (result.verdict, result.verdict.exit_status) == (Verdict.INTERRUPTED, 2)


def test_bench_fault_voids_the_run_and_is_no_failure_of_a_stamp(write_run, good, make_press):
    faulty = make_press(4, verdict="none", outcome=Outcome.ERROR, message="2 packets lost")
    result = assessment(read_run(write_run([*good[:3], faulty, *good[4:]])))
    assert (result.verdict, result.verdict.exit_status) == (Verdict.ERROR, 3)
    assert result.limits[0].measured.k == 0


def whole(run):
    """The assessment by a plan of as many presses as the good ones are."""
    text = run.header.plan_text.replace("presses = 2", "presses = 20")
    return assess(Plan.parse(text, Path("made-up.toml")), run)


def test_what_was_planned_and_not_made_is_an_error_and_never_passed(write_run, good):
    judged = whole(read_run(write_run([*good[:3], *good[4:]])))
    assert (judged.verdict, judged.reason) == (Verdict.ERROR, "1 of 24 planned presses were not made")
    assert judged.not_made == 1


def test_a_press_that_was_stopped_is_not_made(write_run, good):
    stopped = msgspec.structs.replace(good[-1], outcome=Outcome.ABORTED, reading=None)
    judged = whole(read_run(write_run([*good[:-1], stopped])))
    assert (judged.verdict, judged.not_made) == (Verdict.ERROR, 1)


def test_lines_that_are_missing_from_the_records_are_an_error(write_run, good):
    records = write_run(good) / FILE_NAME
    lines = records.read_text().splitlines(keepends=True)
    end = json.loads(lines[-1]) | {"lines": len(good) + 1}
    records.write_text("".join([*lines[:-1], json.dumps(end) + "\n"]))
    judged = assessment(read_run(records))
    assert (judged.verdict, judged.reason) == (Verdict.ERROR, "24 lines recorded where 25 were written")


def test_a_botched_press_that_was_made_again_is_no_press_of_the_plan(write_run, good, make_press):
    botched = msgspec.structs.replace(make_press(1, verdict="none"), outcome=Outcome.ABORTED, again=True)
    judged = assessment(read_run(write_run([botched, *good])))
    assert (judged.verdict, judged.outcomes["aborted"], judged.repeated) == (Verdict.PASSED, 1, 1)
    stopped = assessment(read_run(write_run([botched, good[0]], status=None)))
    assert stopped.reason.startswith("stopped after 1 of ")
    assert assessment(read_run(write_run([botched]))).verdict is Verdict.NOTHING_RAN


def test_broken_bench_is_an_error(write_run, good):
    result = assessment(read_run(write_run(good, status="error", message="the rig is gone")))
    assert (result.verdict, result.reason) == (Verdict.ERROR, "the rig is gone")


def test_run_without_presses_is_nothing(write_run):
    assert assessment(read_run(write_run([]))).verdict.exit_status == 5


@pytest.mark.parametrize(
    ("k", "n", "limit"), [(7, 100, 7.0), (14, 50, 28.0), (3, 1000, 0.3), (29, 100, 29.0)]
)
def test_a_rate_exactly_at_its_limit_keeps_it_and_one_more_does_not(make_press, k, n, limit):
    for failures, result in ((k, Result.PASSED), (k + 1, Result.FAILED)):
        records = [make_press(number, read=8 if number <= failures else 7) for number in range(1, n + 1)]
        measured = measure("frr", records, profile="nexus-5", case=None)
        assert judge(measured, Limit(measurement="frr", max=limit, unit="%")).result is result


def test_a_whole_interval_of_a_percentile_needs_enough_presses(make_press):
    limit = Limit(measurement="time_to_decision_p95", max=100.0, unit="ms", confident=True)
    results = {}
    for n in (2, 71, 72):
        records = [make_press(number, decided_ms=50.0) for number in range(1, n + 1)]
        judged = judge(measure("time_to_decision_p95", records, profile="nexus-5", case=None), limit)
        results[n] = judged.result, judged.why
    assert results[2] == (Result.UNSET, "too few: 2 values do not give the interval its end")
    assert results[71][0] is Result.UNSET
    assert results[72] == (Result.PASSED, "")


def test_a_percentile_that_misses_its_limit_fails_however_few_the_presses(make_press):
    limit = Limit(measurement="time_to_decision_p95", max=100.0, unit="ms", confident=True)
    records = [make_press(number, decided_ms=150.0) for number in (1, 2)]
    judged = judge(measure("time_to_decision_p95", records, profile="nexus-5", case=None), limit)
    assert judged.result is Result.FAILED


def test_what_a_sequential_test_leaves_undecided_is_not_met(make_press):
    test = SequentialTest(0.005, 0.02, cap=100)
    for _ in range(100):
        test.add(False)
    records = [make_press(number) for number in range(1, 101)]
    judged = judge(
        measure("frr", records, profile="nexus-5", case=None), Limit(measurement="frr", max=0.02), test=test
    )
    assert (judged.result, judged.why) == (Result.UNSET, "not decided after 100 presses")


@pytest.mark.parametrize(
    ("failures", "result"), [(59, Result.FAILED), (25, Result.UNSET), (15, Result.PASSED)]
)
def test_an_early_accept_stands_only_while_later_presses_bear_it_out(make_press, failures, result):
    test = SequentialTest(0.005, 0.02)
    while test.add(False) is SequentialDecision.GO_ON:
        pass
    assert test.trials == 198
    records = [make_press(n, read=8 if n > 1000 - failures else 7) for n in range(1, 1001)]
    measured = measure("frr", records, profile="nexus-5", case=None)
    assert judge(measured, Limit(measurement="frr", max=0.02), test=test).result is result


def test_a_rate_of_repeated_stamps_says_that_it_allows_for_them(make_press):
    records = [
        make_press(number, code=number % 5, read=8 if number % 5 == 0 and number <= 150 else number % 5)
        for number in range(1, 301)
    ]
    measured = measure("frr", records, profile="nexus-5", case=None)
    assert (measured.k, measured.n) == (30, 300)
    assert "5 stamps were pressed 60 times each" in measured.method
    assert measured.high > 0.5


@pytest.mark.parametrize("fault", [Outcome.ERROR, Outcome.TIMEOUT])
@pytest.mark.parametrize(
    ("faults", "verdict"), [(0, Verdict.PASSED), (3, Verdict.PASSED), (4, Verdict.ERROR)]
)
def test_a_plan_says_which_share_of_presses_may_be_lost_to_the_bench(
    write_run, good, header, fault, faults, verdict
):
    plan = Plan.parse(header.plan_text.replace("seed = 4", "seed = 4\nbench_faults = 0.125"), Path("x"))
    lost = [msgspec.structs.replace(press, reading=None, outcome=fault) for press in good[4 : 4 + faults]]
    result = assess(plan, read_run(write_run([*good[:4], *lost, *good[4 + faults :]])))
    assert result.verdict is verdict
    if verdict is Verdict.ERROR:
        assert result.reason == "4 of 24 presses lost to faults of the bench"


@pytest.mark.parametrize(
    ("missing", "verdict", "reason"),
    [
        (0, Verdict.PASSED, "all 2 limits met"),
        (1, Verdict.ERROR, "1 of 24 planned presses were not made"),
    ],
)
def test_every_planned_press_is_made_before_a_run_passes(write_run, good, header, missing, verdict, reason):
    plan = Plan.parse(header.plan_text.replace("presses = 2", "presses = 20"), Path("x"))
    result = assess(plan, read_run(write_run(good[: len(good) - missing])))
    assert (result.verdict, result.reason) == (verdict, reason)


@pytest.mark.parametrize("held", [3, 1])
def test_presses_of_one_case_do_not_make_up_for_those_of_another(write_run, make_press, held):
    records = [make_press(number) for number in range(1, held + 1)]
    records += [make_press(number, kind="foreign", verdict="foreign") for number in range(held + 1, 25)]
    judged = whole(read_run(write_run(records)))
    assert (judged.verdict, judged.not_made) == (Verdict.ERROR, 4 - held)


def test_a_press_that_stands_in_the_records_twice_is_one(write_run, good):
    judged = whole(read_run(write_run([*good[:3], good[0], *good[4:]])))
    assert (judged.verdict, judged.not_made) == (Verdict.ERROR, 1)


def test_each_part_of_a_run_answers_for_its_own_presses_of_each_case(write_run, good):
    run = read_run(write_run(good[1:6:2]))  # 2, 4 and 6 of four held and two foreign ones
    part = dataclasses.replace(run, header=msgspec.structs.replace(run.header, shard=(2, 2)))
    assert (assessment(part).planned, assessment(part).not_made) == (3, 0)
    other = dataclasses.replace(run, header=msgspec.structs.replace(run.header, shard=(1, 2)))
    assert assessment(dataclasses.replace(other, presses=run.presses[1:])).not_made == 1


def test_a_limit_that_was_not_measured_is_an_error_of_the_bench(write_run, good):
    lost = [msgspec.structs.replace(press, reading=None, outcome=Outcome.SKIPPED) for press in good[:4]]
    result = assessment(read_run(write_run([*lost, *good[4:]])))
    assert (result.verdict, result.verdict.exit_status) == (Verdict.ERROR, 3)
    assert result.reason == "1 of 2 limits can be neither met nor missed: nothing was measured"


def test_a_missed_limit_goes_before_presses_that_were_not_made(write_run, good, make_press):
    wrong = [make_press(number, read=9) for number in range(1, 5)]
    result = assessment(read_run(write_run([*wrong, *good[4:10]])))
    assert (result.verdict, result.reason) == (Verdict.FAILED, "1 of 2 limits missed")


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.PASSED, 0),
        (Verdict.MARGINAL, 0),
        (Verdict.FAILED, 1),
        (Verdict.INTERRUPTED, 2),
        (Verdict.TIMEOUT, 3),
        (Verdict.ERROR, 3),
        (Verdict.NOTHING_RAN, 5),
    ],
)
def test_exit_status_of_each_verdict(verdict, status):
    assert verdict.exit_status == status


@pytest.mark.parametrize(
    ("name", "changes", "counts"),
    [
        ("frr", {}, 0),
        ("frr", {"read": 8}, 1),
        ("frr", {"verdict": "foreign"}, 1),
        ("misread", {"read": 8}, 1),
        ("misread", {"verdict": "foreign"}, 0),
        ("fta", {"verdict": "none"}, 1),
        ("fta", {"verdict": "partial"}, 1),
        ("fta", {"verdict": "ambiguous"}, 0),
        ("fta", {"verdict": "foreign"}, 0),
        ("far", {"kind": "foreign"}, 1),
        ("far", {"kind": "foreign", "verdict": "ambiguous"}, 0),
    ],
)
def test_what_a_rate_counts(make_press, name, changes, counts):
    measured = measure(name, [make_press(1, **changes)], profile="nexus-5", case=None)
    assert (measured.k, measured.n) == (counts, 1)
