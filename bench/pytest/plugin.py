"""The pytest plugin: stamps pressed from tests, on a rig in software or on ports.

Fixtures ``station``, ``rig``, ``decoder``, ``press``; marker ``stamp``; options ``--stamp-rig``,
``--stamp-seed``, ``--stamp-out``. Nothing of the bench is imported before a test asks for a fixture::

    @pytest.mark.stamp("p5-60k", presses=20, condition={"noise": 2.0})
    def test_noisy_stamps_are_read(press):
        assert all(record.read_right for record in press.all())
        assert press.measure("time_to_decision_p95", max=100.0).result == "passed"

A press that the bench loses is an error of the test, not a failure: it says nothing of the stamp.
A rig that was asked for and is not there is an error of every test that needs it, and the exit status is 77.
What is measured goes into the JUnit report as properties of its suite, under the name of the test: not every
reader allows them in test cases. The presses of a test follow from the
seed and the test's name alone. Of several rigs each worker of pytest-xdist takes one, and no more
workers are started than there are rigs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from stampbench.bench.pytest.presses import MarkedPresses, Station
    from stampbench.bench.rig.opening import Rig
    from stampbench.sim.decoder import Decoder

VIRTUAL = "virtual"
PROPERTY = "stampbench:"
"""Begins the names of what the fixture ``press`` measured, on its way to the report."""
NO_HARDWARE = 77
"""Exit status of a command that lacks its hardware."""
_NO_RIG = f"{NO_HARDWARE}: no hardware: "
_MARKER = (
    'stamp(family="p5-60k", *, catalogue=None, profile=None, kind="genuine", stamps="random", presses=1, '
    "condition={}, handling={}, sigma_mm=None): what the fixtures press and decoder take"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("stampbench", "stamps on touch panels")
    group.addoption(
        "--stamp-rig",
        action="append",
        metavar="PORT",
        help='serial port of a rig; may be given several times (default: "virtual", the rig in software)',
    )
    group.addoption("--stamp-seed", type=int, default=0, metavar="N", help="seed of all presses (default: 0)")
    group.addoption(
        "--stamp-out",
        metavar="DIR",
        help="keep the records of every test in a directory of its own below this one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and see that there are no more workers than rigs: two cannot press on one."""
    ports = _ports(config)
    workers = getattr(config.option, "tx", None)  # of pytest-xdist
    if workers and VIRTUAL not in ports:
        config.option.tx = workers[: len(ports)]
    config.addinivalue_line("markers", _MARKER)
    if not hasattr(config, "workerinput"):  # workers of pytest-xdist send their reports on
        config.pluginmanager.register(_SuiteProperties(config))
    if config.getoption("--stamp-seed") < 0:
        raise pytest.UsageError(f"--stamp-seed {config.getoption('--stamp-seed')}: expected 0 or more")


class _SuiteProperties:
    """Hands what tests measured to the JUnit report, as properties of the suite."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what was measured out of a test's own properties, where it only travels between processes."""
        mine = [(name, value) for name, value in report.user_properties if name.startswith(PROPERTY)]
        report.user_properties = [pair for pair in report.user_properties if pair not in mine]
        from _pytest.junitxml import xml_key

        xml = self._config.stash.get(xml_key, None)
        if xml is not None and report.when == "teardown":
            for name, value in mine:
                xml.add_global_property(f"{report.nodeid}.{name.removeprefix(PROPERTY)}", value)


def pytest_report_header(config: pytest.Config) -> str:
    """Tell rigs and seed, so that a run can be repeated."""
    return f"stampbench: rig {', '.join(_ports(config))}, seed {config.getoption('--stamp-seed')}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a test that the bench lost as an error, as if its fixtures had failed: no stamp failed it."""
    report = yield
    if call.when == "call" and call.excinfo is not None and "press" in getattr(item, "fixturenames", ()):
        from stampbench.firmware_emulator.errors import LinkError

        if call.excinfo.errisinstance(LinkError):
            report.when = "setup"
            report.sections.append(("bench", "the bench failed, not the stamp: this is no result"))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with 77, no hardware, where nothing but a rig that is not there kept tests from passing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # it is with the process that was started, not with the workers of pytest-xdist
        bad = [report for kind in ("failed", "error") for report in reporter.stats.get(kind, ())]
        if bad and all(_NO_RIG in str(report.longrepr) for report in bad):
            session.exitstatus = NO_HARDWARE


@pytest.fixture(scope="session")
def station(request: pytest.FixtureRequest) -> Station:
    """Return where the tests run: ``name``, the ``port`` this worker presses on, ``seed``."""
    from stampbench.bench.pytest.presses import Station

    ports = _ports(request.config)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    port = ports[int(worker) % len(ports)] if worker.isdecimal() else ports[0]
    return Station.of(port, request.config.getoption("--stamp-seed"), request.config.getoption("--stamp-out"))


@pytest.fixture(scope="session")
def _stamp_rigs(station: Station) -> Iterator[Any]:
    """Yield the rigs opened so far, which stay open: on a port one, in software one for each profile."""
    from stampbench.bench.pytest.presses import OpenRigs

    with OpenRigs(station) as rigs:
        yield rigs


@pytest.fixture
def rig(request: pytest.FixtureRequest, _stamp_rigs: Any) -> Rig:
    """Return the opened rig: an error where its port does not exist, skipped if its panel is another one."""
    from stampbench.bench.pytest.presses import Marked, OtherPanelError
    from stampbench.firmware_emulator.errors import NoHardwareError

    try:
        return _stamp_rigs.rig(Marked.of(request.node).profile)
    except OtherPanelError as reason:
        pytest.skip(str(reason))
    except NoHardwareError as error:
        missing = str(error)
    pytest.fail(f"{_NO_RIG}{missing}", pytrace=False)


@pytest.fixture
def decoder(request: pytest.FixtureRequest) -> Decoder:
    """Return the decoder of the marked family or catalogue; the family p5-60k without a marker."""
    from stampbench.bench.pytest.presses import Marked

    return Marked.of(request.node).decoder()


@pytest.fixture
def press(request: pytest.FixtureRequest, rig: Rig, station: Station) -> Iterator[MarkedPresses]:
    """Press what the marker says: ``press()`` once, ``press.all()`` all; ``press.measure()`` measures."""
    from stampbench.bench.pytest.presses import Marked, MarkedPresses

    marked = Marked.of(request.node)
    measured: list[tuple[str, object]] = []
    try:
        with MarkedPresses(marked, rig, station, request.node.nodeid, measured) as presses:
            yield presses
    finally:
        request.node.user_properties += [(f"{PROPERTY}{name}", value) for name, value in measured]


def _ports(config: pytest.Config) -> list[str]:
    return config.getoption("--stamp-rig") or [VIRTUAL]
