"""The plugin, in pytest sessions of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from stampbench.bench.records.files import read_run
from stampbench.bench.report.subject import plan_of

pytest_plugins = ["pytester"]

QUIET = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")

TESTS = """
import pytest

@pytest.mark.stamp("p5-60k", presses=3, condition={"noise": 1.0})
def test_stamps_are_read(press, station, rig):
    assert [record.read_right for record in press.all()] == [True] * 3
    assert press.records[0].condition == {"noise": 1.0}
    assert press.measure("frr", max=0.5).result == "passed"
    assert press.measure("time_to_decision_median").result == "passed"
    assert rig.identity.profile == "nexus-5"
    assert station.port == "virtual"

@pytest.mark.stamp(kind="foreign", stamps=["coin"])
def test_coin_is_not_read(press):
    assert press().verdict != "read"
    assert press.measure("far", max=0.1).result == "passed"
"""


@pytest.fixture(scope="module")
def imported():
    """Everything a press and its measurements import; inner sessions forget what they import themselves."""
    import stampbench.bench.pytest.presses  # noqa: F401
    from stampbench.bench.judging.assessment import measure
    from stampbench.bench.judging.tallies import Tally
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.rig.opening import open_rig
    from stampbench.bench.runs.pressing import Presser

    text = (
        '[plan]\nname = "all"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n'
        '[[cases]]\nname = "a"\nkind = "genuine"\npresses = 2\n'
        '[[cases]]\nname = "b"\nkind = "foreign"\npresses = 1\nstamps = ["coin"]'
    )
    plan = Plan.parse(text, Path("all.toml"))
    with open_rig("virtual", "nexus-5") as rig:
        presser = Presser(plan, 1)
        tally = Tally(presser.press(rig, planned) for planned in plan.presses())
    for name in ("frr", "time_to_decision_median"):
        measure(name, tally.sample(name, "nexus-5", None), profile="nexus-5", case=None)


@pytest.fixture
def run(pytester, monkeypatch, imported):
    """Runs tests with the plugin in this process."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    def run(tests, *arguments):
        pytester.makepyfile(tests)
        return pytester.runpytest_inprocess("-p", "no:xdist", *QUIET, *arguments)

    return run


def test_presses_of_a_marked_test_are_made_measured_and_recorded(run, pytester):
    run(TESTS, "--stamp-seed", "5", "--stamp-out", "out", "--junit-xml", "junit.xml").assert_outcomes(
        passed=2
    )
    suite = ElementTree.parse(pytester.path / "junit.xml").find("testsuite")
    assert suite.find("testcase/properties") is None
    properties = {
        test: {
            entry.get("name").split(f"::{test}.")[1]: entry.get("value")
            for entry in suite.find("properties")
            if f"::{test}." in entry.get("name")
        }
        for test in ("test_stamps_are_read", "test_coin_is_not_read")
    }
    found = properties["test_stamps_are_read"]
    assert (found["frr.value"], found["frr.unit"], found["frr.max"], found["frr.n"]) == (
        "0.0",
        "1",
        "0.5",
        "3",
    )
    assert (found["frr.result"], found["stamp.profile"]) == ("passed", "nexus-5")
    assert float(found["time_to_decision_median.value"]) > 0.0
    assert properties["test_coin_is_not_read"]["far.k"] == "0"
    directories = sorted((pytester.path / "out").iterdir())
    assert len(directories) == 2
    recorded = read_run(next(path for path in directories if "stamps_are_read" in path.name))
    assert [press.read_right for press in recorded.presses] == [True] * 3
    assert recorded.end.status == "complete"
    assert plan_of(recorded).cases[0].presses == 3
    first = [press.reading for press in recorded.presses]
    run(TESTS, "--stamp-seed", "5", "--stamp-out", "again")
    once_more = run(TESTS, "--stamp-seed", "6", "--stamp-out", "again")
    once_more.assert_outcomes(errors=2)
    once_more.stdout.fnmatch_lines(["*--stamp-out: *holds records already: expected another directory*"])
    again = read_run(next(path for path in (pytester.path / "again").iterdir() if "stamps" in path.name))
    assert [press.reading for press in again.presses] == first


def test_decoder_is_that_of_the_marked_codebook_and_needs_no_rig(run):
    tests = """
        import pytest

        @pytest.mark.stamp("p5-60k")
        def test_decoder(decoder):
            from stampbench.sim.stamps import load_family
            assert decoder.decode(load_family("p5-60k").pads(777)).code == 777
    """
    run(tests, "--stamp-rig", "/dev/no-such-port").assert_outcomes(passed=1)


def test_a_rig_that_is_not_there_is_an_error_with_its_own_status(run):
    result = run(TESTS, "--stamp-rig", "/dev/no-such-port")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["77: no hardware: *no-such-port*"])
    assert result.ret == 77


def test_a_test_that_fails_beside_a_missing_rig_is_a_failure(run):
    result = run(TESTS + "\n\ndef test_wrong():\n    assert False\n", "--stamp-rig", "/dev/no-such-port")
    result.assert_outcomes(errors=2, failed=1)
    assert result.ret == 1


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("famly='p5'", "*marker stamp: got an unexpected keyword argument 'famly'*"),
        ("'p5-60'", "*marker stamp: plan.family: *"),
        ("presses=0", "*marker stamp: cases?0?.presses = 0: expected int >= 1*"),
        ("condition={'nois': 1}", "*marker stamp: cases?0?.condition: *nois*"),
    ],
)
def test_bad_marker_is_told(run, marker, expected):
    result = run(f"import pytest\n@pytest.mark.stamp({marker})\ndef test_it(press): press()")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([expected])


def test_press_lost_to_the_bench_is_told_as_such(run):
    tests = """
        import pytest
        from stampbench.firmware_emulator.errors import LinkError

        def test_it(press, rig, monkeypatch):
            whole = rig.press
            def cut(press, seed):
                yield from whole(press, seed)
                rig.press_whole = False
            monkeypatch.setattr(rig, "press", cut)
            with pytest.raises(LinkError, match="press 1, lost to the bench"):
                press()
            with pytest.raises(pytest.UsageError, match="expected at least 2"):
                press()
            with pytest.raises(pytest.UsageError, match='measurement "fr": expected one of frr'):
                press.measure("fr")
    """
    run(tests).assert_outcomes(passed=1)


def test_a_test_that_the_bench_lost_is_an_error_and_no_failure(run, pytester):
    tests = """
        def test_lost(press, rig, monkeypatch):
            whole = rig.press
            def cut(press, seed):
                yield from whole(press, seed)
                rig.press_whole = False
            monkeypatch.setattr(rig, "press", cut)
            press.all()

        def test_failed(press):
            assert press().code == -1
    """
    result = run(tests, "--junit-xml", "junit.xml")
    result.assert_outcomes(errors=1, failed=1)
    result.stdout.fnmatch_lines(["*the bench failed, not the stamp*"])
    suite = ElementTree.parse(pytester.path / "junit.xml").find("testsuite")
    assert (suite.get("errors"), suite.get("failures"), suite.get("tests")) == ("1", "1", "2")
    lost, failed = suite.findall("testcase")
    assert "lost to the bench" in lost.find("error").get("message")
    assert failed.find("failure") is not None
    properties = {entry.get("name") for entry in suite.find("properties")}
    assert any(name.endswith("test_lost.stamp.presses") for name in properties)  # teardown ran


def test_each_worker_presses_on_its_own_rig(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_port(station, worker_id, number):
            assert station.port == {"gw0": "/dev/a", "gw1": "/dev/b"}[worker_id]
        """
    )
    ports = ("--stamp-rig", "/dev/a", "--stamp-rig", "/dev/b")
    plugins = ("-p", "xdist", "-p", "stampbench.bench.pytest.plugin")
    result = pytester.runpytest_subprocess(*plugins, "-n", "3", *ports, timeout=60)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*2 workers*"])


def test_plugin_imports_nothing_of_the_bench():
    code = (
        "import pytest, sys; before = set(sys.modules); import stampbench.bench.pytest.plugin; "
        "print(*sys.modules.keys() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == [
        "stampbench",
        "stampbench.bench",
        "stampbench.bench.pytest",
        "stampbench.bench.pytest.plugin",
    ]
