from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from stampbench.bench.judging.assessment import assess
from stampbench.bench.records.files import read_run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.report.junit import render_junit
from stampbench.bench.report.subject import plan_of


@pytest.fixture
def suite_of(write_run):
    def build(presses, **how):
        run = read_run(write_run(presses, **how))
        plan = plan_of(run)
        return ElementTree.fromstring(render_junit(plan, run, assess(plan, run))).find("testsuite")

    return build


@pytest.fixture
def presses(make_press):
    return [make_press(n) for n in range(1, 5)] + [
        make_press(n, kind="foreign", verdict="foreign") for n in range(5, 25)
    ]


def properties(element):
    return {entry.get("name"): entry.get("value") for entry in element.find("properties")}


def test_every_limit_is_a_test_case_beside_that_of_the_bench(suite_of, presses):
    suite = suite_of(presses)
    assert [case.get("name") for case in suite.findall("testcase")] == [
        "frr[x <= 0.5]",
        "far[x <= 0.5, whole interval]",
        "bench",
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "0", "0")


def test_figures_stand_in_the_properties_of_the_suite(suite_of, presses):
    found = properties(suite_of(presses))
    (place,) = {name.removesuffix(".frr.value") for name in found if name.endswith(".frr.value")}
    assert {name: found[f"{place}.frr.{name}"] for name in ("value", "unit", "lo", "hi", "k", "n")} == {
        "value": "0.0",
        "unit": "1",
        "lo": "",
        "hi": "0.5",
        "k": "0",
        "n": "4",
    }


def test_test_cases_hold_nothing_that_jenkins_xunit_plugin_refuses(suite_of, presses):
    # junit-10.xsd of xunit-plugin: a test case may hold these, and no properties.
    allowed = {"skipped", "error", "failure", "system-out", "system-err"}
    assert {child.tag for case in suite_of(presses).iter("testcase") for child in case} <= allowed


def test_missed_limit_is_a_failure_with_the_command_that_shows_it(suite_of, presses, make_press):
    suite = suite_of([*(make_press(n, read=9) for n in range(1, 5)), *presses[4:]])
    case = suite.find("testcase")
    assert case.find("failure").get("message").startswith("frr = 1 (4 of 4, 95% interval 0.3976 to 1)")
    assert re.search(r"stampbench replay \S+ --press 1", case.find("system-out").text)
    assert "[[ATTACHMENT|report.html]]" in case.find("system-out").text
    assert suite.get("failures") == "1"


def test_presses_lost_to_the_bench_are_its_error_and_no_failure(suite_of, presses, make_press):
    lost = make_press(4, verdict="none", outcome=Outcome.ERROR, message="3 lost")
    suite = suite_of([*presses[:3], lost, *presses[4:]])
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
    assert "press 4: error: 3 lost" in suite.findall("testcase")[-1].find("system-out").text


def test_presses_that_the_operator_passed_over_count_as_skipped(suite_of, presses, make_press):
    skipped = make_press(4, verdict="none", outcome=Outcome.SKIPPED, message="by the operator")
    suite = suite_of([*presses[:3], skipped, *presses[4:]])
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "1")
    (case,) = (case for case in suite.iter("testcase") if case.find("skipped") is not None)
    assert (case.get("classname"), case.get("name")) == ("made up.nexus-5.held", "press 4")


def test_limit_without_data_is_an_error(suite_of, presses):
    suite = suite_of(presses[:4])
    assert suite.findall("testcase")[1].find("error").get("message") == "nothing was measured"


def test_characters_that_xml_cannot_carry_are_replaced(suite_of, presses, make_press):
    lost = make_press(4, outcome=Outcome.ERROR, message="rig said \x00\x1b[31m\ud7ff\uffff")
    text = suite_of([lost]).findall("testcase")[-1].find("system-out").text
    assert "rig said \ufffd\ufffd[31m\ud7ff\ufffd" in text


def test_suite_tells_where_with_what_and_from_which_seed(suite_of, presses):
    suite = suite_of(presses)
    assert suite.get("hostname") == "bench-1"
    assert properties(suite)["seed"] == "4"
    assert properties(suite)["rig.nexus-5"] == "VR-1"
