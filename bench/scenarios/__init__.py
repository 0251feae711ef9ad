"""Scenarios: trials that need no panel, such as attacks on a credential or a day of a city.

A scenario is a module of this package with a ``Settings`` struct, all of whose fields have defaults, and a
function ``run`` that yields what it finds, as it finds it::

    class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
        rounds: Annotated[int, Meta(ge=1)] = 60

    def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
        wrong = sum(not refused(draw) for draw in range(settings.rounds))
        yield Trial("4 SUN URL replayed", "one URL twice", settings.rounds, wrong)

A plan names it: ``[plan] scenario = "hardened"``, and its settings stand in the table ``[settings]``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct
from stampbench.bench.plans.messages import choose
from stampbench.bench.records.findings import Finding
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError

SCENARIOS = {
    "city-day": "stampbench.bench.scenarios.city_day",
    "hardened": "stampbench.bench.scenarios.hardened",
    "rig-faults": "stampbench.bench.scenarios.rig_faults",
}
"""Module of each scenario, by its name in plans."""


class Scenario(Protocol):
    """A module of this package that plans may name."""

    @property
    def Settings(self) -> type[Struct]:  # noqa: N802 - it is a class
        """What plans may set; every field has a default."""

    def run(self, settings: Struct, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
        """Yield what is found, as it is found.

        Args:
            settings: an instance of ``Settings``.
            seed: of the run; every draw comes from it.
            directory: of the run's records; the scenario may leave its own files there.
            tell: is told how it goes.

        Raises:
            StampbenchError: the trials cannot go on: the run ends as an error, never as passed.
        """


def load_scenario(name: str) -> Scenario:
    """The scenario of this name.

    Raises:
        InputError: there is none, or an extra it needs is not installed.
    """
    if name not in SCENARIOS:
        raise InputError(f'scenario "{name}": {choose(name, SCENARIOS)}')
    try:
        return cast(Scenario, importlib.import_module(SCENARIOS[name]))
    except ModuleNotFoundError as error:
        raise InputError(
            f'scenario "{name}": Python package {error.name!r} is not installed: '
            "expected the extra that brings it, as in pip install 'stampbench[hardened,service]'"
        ) from None
