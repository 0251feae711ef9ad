"""A small city, played whole; its books; and that its trials can fail."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.findings import Trial
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios import city_day, load_scenario
from stampbench.bench.scenarios.city_day import (
    Settings,
    bluetooth,
    books,
    capture,
    honest,
    patterns,
    places,
    sounds,
)
from stampbench.bench.scenarios.city_day.driving import Ask
from stampbench.bench.scenarios.city_day.hands import random_pads
from stampbench.bench.scenarios.city_day.reconciling import CARD, PER_DAY, Books
from stampbench.bench.scenarios.city_day.stage import Stage, at
from stampbench.bench.service.postgres import find_postgres
from stampbench.sim.credentials.ble.belief import BeaconBelief
from stampbench.sim.service.loyalty import cards
from stampbench.sim.service.presses import authentication, beacons, decision
from stampbench.sim.service.presses import sounds as sounding
from stampbench.sim.service.presses.credentials import Checked

PLAN = Path(__file__).parents[4] / "fixtures/plans/city-day.toml"
SMALL = Settings(
    transport="asgi",
    panel_presses=6,
    panel_share=0.5,
    merchants=1,
    stores_each=2,
    members_each=12,
    days=5,
    clones=30,
    patterns=10,
    patterns_offline=1_000,
    enrolled=20,
    captures=2,
    replays=3,
    repeats=200,
    thefts=4,
    staff_days=6,
    tokens=2,
    races=1,
    racers=8,
    kills=1,
    usage_events=50,
    guesses=30,
    erasures=2,
    gestures=2,
    relay_s=2,
    beacon_days=1,
    recordings=4,
    battery_changes=2,
    sound_replay_s=2,
    at_once=4,
)


def draws(name: str) -> np.random.Generator:
    return np.random.default_rng([1, len(name), ord(name[0])])


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    directory = tmp_path_factory.mktemp("city")
    return list(city_day.run(SMALL, seed=3, directory=directory, tell=Progress()))


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    made = Stage(SMALL, draws, 1, tmp_path, Progress())
    yield made
    made.close()


def test_a_small_city_passes_but_for_what_so_few_tries_cannot_show(findings: list[Any]) -> None:
    failed = [finding for finding in findings if not finding.passed]
    assert [finding for finding in failed if not isinstance(finding, Trial) or not finding.surely] == [
        finding for finding in failed if "upper end" in getattr(finding, "name", "")
    ]
    assert {(finding.tries, finding.wrong) for finding in failed if isinstance(finding, Trial)} == {(4, 0)}


def test_a_server_on_loopback_answers_as_the_application_does(stage: Any) -> None:
    merchant = stage.merchant("Loopback")
    for transport in ("http", "asgi"):
        stage.over(transport)
        replies = stage.driver.together([Ask("GET", f"{merchant.path}/stamps", merchant.server_key)] * 8)
        assert {reply.body[0]["serial"] for reply in replies} == {merchant.stamp.serial}
        assert stage.ask("GET", f"{merchant.path}/stamps").reason == "key"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_fifty_clients_and_late_bills_on_either_database_over_http(database: Any, tmp_path: Path) -> None:
    if database == "postgresql" and find_postgres() is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    settings = msgspec.structs.replace(
        SMALL, database=database, parts=("value", "books"), transport="http", racers=50, panel_presses=2
    )
    found = list(city_day.run(settings, seed=3, directory=tmp_path, tell=Progress()))
    assert [finding for finding in found if not finding.passed] == []
    assert {finding.threat.split()[0] for finding in found} == {"12", "13", "16"}
    assert max(finding.tries for finding in found if finding.threat.startswith("12")) == 100


def test_a_directory_can_be_used_again(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SMALL, parts=("staff",), panel_presses=2)
    for _ in range(2):
        found = list(city_day.run(settings, seed=3, directory=tmp_path, tell=Progress()))
        assert all(finding.passed for finding in found)


def test_every_threat_has_a_line(findings: list[Any]) -> None:
    threats = {finding.threat.split()[0] for finding in findings if isinstance(finding, Trial)}
    assert threats == {*(str(n) for n in (1, 2, 3, *range(6, 18))), "12-13"}


def test_findings_name_no_member_key_or_place(findings: list[Any]) -> None:
    text = json.dumps([msgspec.to_builtins(finding) for finding in findings])
    for word in ("merchant_", "app_", "example.org", "lat_deg", "phone of"):
        assert word not in text


def test_the_plan_is_known_and_of_the_tables_scale() -> None:
    plan = Plan.read(PLAN)
    assert load_scenario(plan.header.scenario) is city_day
    settings = msgspec.convert(tomllib.loads(PLAN.read_text())["settings"], Settings)
    assert (settings.clones, settings.guesses, settings.usage_events) == (10_000, 10_000, 100_000)
    assert (settings.replays, settings.racers, settings.repeats) == (100, 50, 10_000)


class TestBooks:
    def test_ten_stamps_are_a_coupon_and_a_day_has_three(self) -> None:
        kept = Books()
        for day in "abcd":
            for _ in range(PER_DAY + 2):
                kept.stamped(1, "anna", day)
        account = kept.account(1, "anna")
        assert (account.stamps, account.coupons) == (4 * PER_DAY - CARD, 1)

    @pytest.mark.parametrize(
        ("hours", "expected"), [(8.0, (480, 80_000)), (10.0, (600, 110_000)), (0.5, (30, 5_000))]
    )
    def test_hours_beyond_eight_are_paid_half_as_much_again(
        self, hours: float, expected: tuple[int, int]
    ) -> None:
        kept, came = Books(), at(dt.date(2026, 10, 1), 540)
        kept.punch("anna", "check-in", came)
        kept.punch("anna", "check-out", came + round(hours * 3.6e9))
        assert kept.worked("anna", 10_000) == expected


def failed(trials: Any) -> set[str]:
    return {one.threat.split()[0] for one in trials if isinstance(one, Trial) and not one.passed}


class TestTrialsCanFail:
    """The service made worse in one place, and the trial that notices."""

    def test_redeeming_without_a_factor(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decision, "of_factor", lambda *args, **named: None)
        assert "1" in failed(patterns._copies(stage))

    def test_replays_accepted(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = iter(range(10**6))
        monkeypatch.setattr(authentication, "repeat_digest", lambda *_: next(numbers).to_bytes(32, "big"))
        assert failed(patterns._replays(stage)) == {"3"}

    def test_places_ignored(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(authentication, "suspicions", lambda *args: iter(()))
        found = list(places.trials(stage))
        assert failed(found) == {"8", "10"}
        assert {finding.wrong for finding in found if finding.surely} == {SMALL.thefts}

    def test_beacons_of_the_day_before_taken(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        original = BeaconBelief.judge

        def gullible(belief: BeaconBelief, window: int, time_s: float) -> Any:
            belief.back_until_s = time_s
            return original(belief, window, time_s)

        monkeypatch.setattr(BeaconBelief, "judge", gullible)
        assert failed(bluetooth._recorded(stage)) == {"6"}

    def test_a_credential_used_again(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (beacons, sounding):
            monkeypatch.setattr(module, "spend", lambda *args: Checked(True))
        assert failed(bluetooth._used_again(stage)) == {"6"}
        assert failed(sounds.trials(stage)) == {"7"}

    def test_challenges_that_last(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sounding, "is_in_time", lambda *args: True)
        stage.settings = msgspec.structs.replace(SMALL, sound_replay_s=32)
        merchant = stage.merchant("Sounding", factor="sound")
        sounder = sounds.Sounder(stage, merchant, merchant.stamp, draws("sound"), 0.0)
        assert failed([sounds._first_uses(stage, [sounder])]) == {"7"}

    def test_a_card_stamped_twice(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        original = cards.movement

        def doubled(account: Any, amount: int, **named: Any) -> Any:
            return original(account, 2 * amount if amount == 5 else amount, **named)

        monkeypatch.setattr(cards, "movement", doubled)
        assert "12-13" in failed(honest.trials(stage))

    def test_traces_left_by_an_erasure(self, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from stampbench.sim.service.api import customers

        monkeypatch.setattr(customers, "erase", lambda *args, **named: None)
        assert failed(books._erasures(stage)) == {"16"}


def test_capture_rules_as_the_sdks_have_them() -> None:
    rng = np.random.default_rng(0)
    points = random_pads(rng)[0]
    took = {
        name: [rule for rule, take in capture.RULES.items() if take(play(points, rng)) is not None]
        for name, play in capture.GESTURES.items()
    }
    assert took["five pads at once"] == ["Android", "iOS", "JavaScript", "Flutter"]
    assert took["late fifth pad"] == ["Android", "JavaScript", "Flutter"]
    assert took["palm first"] == ["JavaScript", "Flutter"]
    assert took["cancelled by a gesture"] == []
    assert took["pad missing"] == ["Flutter"]


def test_random_pads_keep_their_distance() -> None:
    pads = random_pads(np.random.default_rng(0), 200)
    gaps = np.linalg.norm(pads[:, :, None] - pads[:, None], axis=-1) + 100.0 * np.eye(5)
    assert gaps.min() >= 7.0
    assert np.linalg.norm(pads, axis=-1).max() <= 18.0
