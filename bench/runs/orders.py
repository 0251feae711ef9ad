"""What is to be run: plan, place, seed, which part of the presses, and who answers for it."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from stampbench.bench.judging.early_stops import EarlyStops
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FORMAT, RigIdentity, RunHeader
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.rig.opening import VIRTUAL
from stampbench.firmware_emulator.errors import InputError

_LIBRARIES = ("stampbench", "numpy", "numba", "scipy")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts that together are a run: the presses are dealt out to them in turn.

    Attributes:
        number: of the part, from 1.
        of: how many parts there are.
        block: presses that are dealt at once.
    """

    number: int = 1
    of: int = 1
    block: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read "2/3".

        Raises:
            InputError: it is none.
        """
        match = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text)
        if match is None or int(match[1]) > int(match[2]):
            raise InputError(f"shard {text}: expected I/N with 1 <= I <= N, such as 2/3")
        return cls(int(match[1]), int(match[2]))

    def takes(self, index: int) -> bool:
        """Return True if the press at this place in the run is of this part."""
        return (index - 1) // self.block % self.of == self.number - 1

    def size(self, presses: int) -> int:
        """Return how many of so many presses are of this part."""
        rounds, rest = divmod(presses, self.of * self.block)
        return rounds * self.block + min(max(rest - (self.number - 1) * self.block, 0), self.block)


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run.

    Attributes:
        plan: which presses.
        directory: where the records go.
        seed: of the run.
        port: of the rig; the rig in software if :data:`VIRTUAL`.
        workers: processes; a rig on a port takes one.
        presses_per_case: instead of the plan's own numbers, where the plan has been given them.
        shard: which part of the presses.
        after: place of the last press that is recorded already, in a run that is resumed; 0: none is.
        resumed_at: bytes of its records.
        stops: decides which cases need no further presses; None: all are made.
        station, operator, duts: who and what, for the records.
        replay_of: records whose presses are read again.
        sabotage: fault to plant while a scenario is tried; see :mod:`stampbench.bench.scenarios.sabotage`.
    """

    plan: Plan
    directory: Path
    seed: int
    port: str = VIRTUAL
    workers: int = 1
    presses_per_case: int | None = None
    shard: Shard = field(default_factory=Shard)
    after: int = 0
    resumed_at: int = 0
    stops: EarlyStops | None = None
    station: str = ""
    operator: str = ""
    duts: Mapping[str, str] = field(default_factory=dict)
    replay_of: str = ""
    sabotage: str = ""

    def presses(self) -> Iterator[PlannedPress]:
        """Yield the presses to be made, in order; whether a case needs more is asked as they are taken."""
        for planned in self.plan.presses():
            if planned.index <= self.after or not self.shard.takes(planned.index):
                continue
            if self.stops is None or not self.stops.enough(planned.profile, planned.case.name):
                yield planned

    def needs(self, line: PressRecord | PressChunk) -> bool:
        """Return True unless its case was decided while it was made, on another worker."""
        return self.stops is None or not self.stops.enough(line.profile, line.case)

    def see(self, line: PressRecord | PressChunk) -> None:
        """Take in what was recorded."""
        if self.stops is not None:
            self.stops.see([line] if isinstance(line, PressRecord) else line.results())

    @property
    def size(self) -> int:
        """How many presses these are, if no case is stopped early."""
        return self.shard.size(self.plan.size) - self.shard.size(self.after)

    def header(self, rigs: Mapping[str, RigIdentity], started_at: datetime, *, campaign: bool) -> RunHeader:
        """Return the first line of the records."""
        plan = self.plan
        return RunHeader(
            format=FORMAT,
            plan_path=str(plan.path),
            plan_text=plan.text,
            plan_sha256=plan.sha256,
            seed=self.seed,
            versions={name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
            station=self.station or platform.node(),
            profiles=list(plan.header.profiles),
            rigs=dict(rigs),
            workers=self.workers,
            started_at=started_at.isoformat(timespec="seconds"),
            campaign=campaign,
            presses_per_case=self.presses_per_case,
            operator=self.operator,
            duts={**plan.duts, **self.duts},
            settings=list(plan.settings),
            includes=[str(path) for path in plan.includes],
            codebook_sha256=codebook_sha256(plan),
            shard=(self.shard.number, self.shard.of),
            shard_block=self.shard.block,
            until_confident=None if self.stops is None else self.stops.confidence,
            replay_of=self.replay_of,
            sabotage=self.sabotage,
        )


def codebook_sha256(plan: Plan) -> str:
    """Return the fingerprint of the catalogue of a plan; "" for a family, whose name says it all.

    Raises:
        InputError: there is none.
    """
    path = plan.catalogue_path
    if path is None:
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a catalogue") from None
