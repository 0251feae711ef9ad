"""Scenario ``city-day``: stores, members, staff and attackers of a city, over HTTP to the stamp service.

Honest people come first: their days are drawn beforehand, and ledger, attendance and invoices must agree with
what was drawn. Then the attackers, one part for each group of threats. Time is virtual: the service is handed
the clock that the city moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stampbench.bench.records.findings import Finding
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.city_day.amounts import Settings
from stampbench.bench.scenarios.tally import draws_of

__all__ = ["Settings", "run"]


def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
    """Play the city; see :class:`stampbench.bench.scenarios.Scenario`."""
    from stampbench.bench.scenarios.city_day import (
        bluetooth,
        books,
        capture,
        honest,
        kills,
        patterns,
        places,
        sounds,
        staff,
        tokens,
        value,
    )
    from stampbench.bench.scenarios.city_day.stage import Stage

    modules = {"honest": honest, "value": value, "kills": kills}
    attacks = {
        "patterns": patterns,
        "places": places,
        "tokens": tokens,
        "staff": staff,
        "books": books,
        "capture": capture,
        "bluetooth": bluetooth,
        "sounds": sounds,
    }
    with closing(Stage(settings, draws_of(seed), seed, directory, tell)) as stage:
        for transport, parts in ((settings.transport, modules), (settings.attack_transport, attacks)):
            stage.over(transport)
            for name, part in parts.items():
                if not settings.parts or name in settings.parts:
                    yield from part.trials(stage)
