"""Threat 12: a service that is killed while it works, as often as the plan says."""

from __future__ import annotations

from collections.abc import Iterator

from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.stage import Stage
from stampbench.bench.scenarios.city_day.value import THREAT
from stampbench.bench.service.kills import SENDERS, Victim, kill_and_recover


def trials(stage: Stage) -> Iterator[Finding]:
    """The service in a process of its own, on the same database, killed; then every press sent again."""
    rng, kills = stage.draws("kills"), stage.settings.kills
    stage.tell.say(f"killing the service {kills} times")
    stamps = SENDERS * kills
    merchant = stage.merchant("Killed", stamps=stamps, program={"card_stamps": 1000})
    victim = Victim(
        url=stage.service.settings.database_url,
        secret=stage.secret,
        merchant_id=merchant.number,
        app_key=merchant.app_key,
        server_key=merchant.server_key,
        stamps=stamps,
        press=lambda n: stage.hands.press(merchant.store.stamps[n].code, rng).first.tolist(),
    )
    found = kill_and_recover(
        victim, stage.directory, kills=kills, rng=rng, tell=lambda kill: stage.tell.tried(kill, kills)
    )
    note = (
        f"{found.kills} kills; {found.kept} of {found.presses - found.acknowledged} unanswered ones were kept"
    )
    yield Trial(
        THREAT, "answered presses that are gone after a kill", found.acknowledged, found.lost, note=note
    )
    yield Trial(
        THREAT,
        "presses counted twice or not at all, each sent again",
        found.presses,
        found.miscounted,
        note=f"{stage.settings.database}",
    )
