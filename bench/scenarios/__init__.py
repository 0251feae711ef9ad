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
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import force_setattr
from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.judging.assessment import Result
    from stampbench.bench.judging.statistics import Rate

SCENARIOS = {
    "city-day": "stampbench.bench.scenarios.city_day",
    "hardened": "stampbench.bench.scenarios.hardened",
}
"""Module of each scenario, by its name in plans."""


class Trial(Struct, frozen=True, kw_only=False, tag_field="line", tag="trial"):
    """One way to attack or to use the system, tried many times.

    Attributes:
        threat: number and name of the threat, as in "4 SUN URL replayed".
        case: what was tried.
        tries: how often.
        wrong: wrong decisions: what had to be refused and was accepted, or the other way round.
        allowed: largest rate of wrong decisions that passes, 0..1.
        note: for the reader of the report.
        surely: whether the whole exact interval must keep the bar, and not the rate alone.

    Raises:
        InputError: numbers that contradict each other.
    """

    threat: str
    case: str
    tries: int
    wrong: int
    allowed: float = 0.0
    note: str = ""
    surely: bool = False

    def __post_init__(self) -> None:
        # Sums of decisions come as bool or NumPy's integers; records know int alone.
        for name in ("tries", "wrong"):
            force_setattr(self, name, int(getattr(self, name)))
        if not 0 <= self.wrong <= self.tries:
            raise InputError(f"{self}: wrong = {self.wrong}: expected 0 to tries = {self.tries}")
        if not 0.0 <= self.allowed <= 1.0:
            raise InputError(f"{self}: allowed = {self.allowed}: expected a rate from 0 to 1")

    @property
    def interval(self) -> Rate:
        """The rate of wrong decisions with its exact interval."""
        from stampbench.bench.judging.statistics import rate

        return rate(self.wrong, self.tries)

    @property
    def result(self) -> Result:
        """Passed, failed, or unset: without tries nothing is shown."""
        from stampbench.bench.judging.assessment import Result

        if self.tries == 0:
            return Result.UNSET
        if self.surely:
            return Result.PASSED if self.interval.high <= self.allowed else Result.FAILED
        # Rounding of the product must not fail the trial that keeps its bar exactly.
        return Result.PASSED if self.wrong <= self.allowed * self.tries + 1e-9 else Result.FAILED

    @property
    def passed(self) -> bool:
        """True if it was tried, and the rate of wrong decisions keeps its bar."""
        return self.result.value == "passed"

    def __str__(self) -> str:
        return f"trial {self.threat!r}, {self.case!r}"


class Figure(Struct, frozen=True, kw_only=False, tag_field="line", tag="figure"):
    """A measured number, with a limit or without.

    Attributes:
        name: what was measured.
        value: in ``unit``; "1" is a rate.
        min, max: the range it must keep, ends included; None: open.
        note: for the reader of the report.

    Raises:
        InputError: a value that is not finite.
    """

    name: str
    value: float
    unit: str
    min: float | None = None
    max: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "value", float(self.value))
        if not math.isfinite(self.value):
            raise InputError(f"figure {self.name!r}: value = {self.value}: expected a finite number")

    @property
    def result(self) -> Result:
        """Passed or failed; without a limit, passed."""
        from stampbench.bench.judging.assessment import Result

        kept = (self.min is None or self.value >= self.min) and (self.max is None or self.value <= self.max)
        return Result.PASSED if kept else Result.FAILED

    @property
    def passed(self) -> bool:
        """True if it keeps its limit."""
        return self.result.value == "passed"

    @property
    def limited(self) -> bool:
        """True if it has a limit."""
        return self.min is not None or self.max is not None


Finding: TypeAlias = Trial | Figure


class Progress:
    """What a scenario tells while it goes; by itself it says nothing."""

    def say(self, text: str) -> None:
        """Tell what is going on."""

    def step(self, done: int, of: int) -> None:
        """Tell how far the present trial is."""


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
