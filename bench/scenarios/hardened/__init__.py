"""Scenario ``hardened``: attacks on stamps that prove themselves, and honest use of them.

The parts, one module each, try the threats of NFC, of Bluetooth LE, of sound, and of the press that bundles
them.
Every draw comes from the run's seed and the name of the trial, so that a trial does not depend on the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stampbench.bench.records.findings import Finding
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened.amounts import Settings
from stampbench.bench.scenarios.tally import draws_of

__all__ = ["Settings", "run"]


def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
    """Try every threat; see :class:`stampbench.bench.scenarios.Scenario`."""
    from stampbench.bench.scenarios.hardened import ble, clocks, nfc, press, sound

    draws = draws_of(seed)
    for part in (press, nfc, ble, clocks, sound):
        yield from part.trials(settings, draws, directory, tell)
