from __future__ import annotations

import base64
import json
import sys
import tomllib
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from stampbench.bench.cli.main import main
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.findings import Figure, Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios import load_scenario
from stampbench.bench.scenarios.hardened import Settings
from stampbench.bench.scenarios.hardened import ble as hardened_ble
from stampbench.bench.scenarios.hardened import clocks as hardened_clocks
from stampbench.bench.scenarios.hardened import nfc as hardened_nfc
from stampbench.bench.scenarios.hardened import press as hardened_press
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.credentials.ble import clocks, resolver
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.nfc import verifier
from stampbench.sim.credentials.policy import DEFAULT_POLICY, Action, Requirement
from stampbench.sim.credentials.secrets import Secret

SMALL = """
[plan]
name = "hardened small"
scenario = "hardened"
seed = 2

[settings]
stamps = 2
taps = 5
altered_urls = 1
guesses = 300
threads = 4
rounds = 3
relay_s = 3
days = 2
battery_changes = 5
sound_receptions = 200
sound_recordings = 2
"""


SETTINGS = msgspec.convert(tomllib.loads(SMALL)["settings"], Settings)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The small plan, run as a user would: exit status, what was printed, the directory, and every key."""
    directory, keys = tmp_path_factory.mktemp("hardened"), set()
    (directory / "plan.toml").write_text(SMALL)
    original = Secret.__init__

    def noted(self, value, length=16):
        keys.add(bytes(value))
        original(self, value, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Secret, "__init__", noted)
        patch.setattr(
            sys, "argv", ["stampbench", "run", str(directory / "plan.toml"), "--out", str(directory / "out")]
        )
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), directory, keys - {bytes(16)}


def test_every_trial_passes(ran):
    status, directory, _ = ran
    assert status == 0
    summary = json.loads((directory / "out" / "summary.json").read_text())
    assert summary["verdict"] == "passed"
    assert {trial["wrong"] for trial in summary["trials"]} == {0}
    threats = {trial["threat"][0] for trial in summary["trials"]}
    assert threats == {"1", "4", "5", "6", "7"}


def test_no_key_is_in_any_record_or_report(ran):
    _, directory, keys = ran
    assert len(keys) > 100
    written = b"".join(path.read_bytes() for path in sorted((directory / "out").rglob("*")) if path.is_file())
    text = written.lower()
    assert b"sun url" in text
    for key in keys:
        forms = (key, key.hex().encode(), base64.b64encode(key), repr(key)[2:-1].encode())
        assert not any(form.lower() in text for form in forms)


def test_nothing_but_records_and_reports_is_left(ran):
    _, directory, _ = ran
    assert sorted(path.name for path in (directory / "out").iterdir()) == [
        "junit.xml", "records.jsonl", "report.html", "summary.json",
    ]  # fmt: skip


def test_plan_of_the_project_has_known_settings():
    plan = Plan.read("hardened")
    assert plan.scenario_settings == Settings()
    assert load_scenario("hardened").Settings is Settings


def found_by(part, tmp_path, *names):
    """Trials of one part, by their case; those of the names alone."""

    def draws(name):
        return np.random.default_rng([5, len(name)])

    found = {}
    for finding in part.trials(SETTINGS, draws, tmp_path, Progress()):
        if isinstance(finding, Trial):
            found[finding.case] = finding
            if names and all(any(name in case for case in found) for name in names):
                break
    return [next(trial for case, trial in found.items() if name in case) for name in names]


def test_guard_that_forgets_is_found_out(monkeypatch, tmp_path):
    monkeypatch.setattr(MemoryGuard, "advance", lambda *_: True)
    again, behind, together = found_by(
        hardened_nfc, tmp_path, "same URL again (plain)", "rolled back", "at once, guard in memory"
    )
    assert again.wrong == again.tries
    assert behind.wrong == behind.tries
    assert together.wrong == together.tries


def test_verifier_that_does_not_look_at_the_mac_is_found_out(monkeypatch, tmp_path):
    monkeypatch.setattr(verifier, "hmac", SimpleNamespace(compare_digest=lambda *_: True))
    bits, other = found_by(hardened_nfc, tmp_path, "every field changed (encrypted)", "another issuer")
    assert bits.wrong == bits.tries
    assert other.wrong == other.tries


def test_resolver_that_believes_yesterday_is_found_out(monkeypatch, tmp_path):
    original = resolver.Resolver._judged

    def believing(self, beacon, window, time_s):
        found = original(self, beacon, window, time_s)
        return None if found is None else resolver.Resolution(beacon, window, True, False)

    monkeypatch.setattr(resolver.Resolver, "_judged", believing)
    names = ("recorded 0 s to 26 h before, windows of 16 s", "older than")
    recorded, late = found_by(hardened_ble, tmp_path, *names)
    assert recorded.wrong > 100
    assert late.wrong > 100


def test_clock_that_is_not_allowed_to_err_is_found_out(monkeypatch, tmp_path):
    monkeypatch.setattr(clocks, "LARGEST_ERROR_PPM", 0.0)
    unheard = found_by(hardened_clocks, tmp_path, "heard by nobody")[0]
    assert unheard.wrong > 10


def test_policy_that_pays_for_a_pattern_is_found_out(monkeypatch, tmp_path):
    ways = (*DEFAULT_POLICY[Action.PAY], Requirement())
    monkeypatch.setitem(DEFAULT_POLICY, Action.PAY, ways)
    paying = found_by(hardened_press, tmp_path, "pay: accepted")[0]
    assert paying.wrong == 5


def test_tally_counts_both_kinds_of_wrong_decisions():
    tally = Tally("t", "c", allowed=0.5)
    assert [tally.expect(right, found) for right, found in [(True, False), (False, True), (True, True)]] == [
        False, True, True,
    ]  # fmt: skip
    assert tally.trial("n") == Trial("t", "c", 3, 2, 0.5, "n")


def test_figure_about_the_naive_guard_is_told_and_not_judged(ran):
    _, directory, _ = ran
    summary = json.loads((directory / "out" / "summary.json").read_text())
    figure = Figure(**{key: value for key, value in summary["figures"][0].items() if key != "result"})
    assert not figure.limited
