"""What the fixtures of the pytest plugin give to tests; imported when a test first asks for one."""

from __future__ import annotations

import inspect
import platform
import re
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pytest
from stampbench.bench.judging.assessment import Judged, judge, measure
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.plans.tables import Limit
from stampbench.bench.records.files import FILE_NAME, RecordWriter, RunEnd
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.rig.opening import VIRTUAL, Rig, identity_of, open_rig
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import Presser
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError
from stampbench.sim.decoder import Decoder


class OtherPanelError(NoHardwareError):
    """The rig has another panel than a test is marked for; the message is the reason for skipping it."""


_MARKER: Final = Path("stamp")
"""Stands in messages for the file of a plan."""


@dataclass(frozen=True, slots=True)
class Station:
    """Where tests run.

    Attributes:
        name: of the machine.
        port: of this worker's rig, or "virtual".
        seed: of all presses.
        out: directory for records; None keeps none.
    """

    name: str
    port: str
    seed: int
    out: Path | None

    @classmethod
    def of(cls, port: str, seed: int, out: str | None) -> Station:
        """Return the station of this machine."""
        return cls(platform.node(), port, seed, None if out is None else Path(out))


@dataclass(frozen=True, slots=True)
class Marked:
    """What a test says in its ``stamp`` marker.

    Attributes:
        name: of the test, as a case is named.
        tables: of a plan of one case that says the same, but for its profile.
        profile: panel that is asked for; None takes any.
    """

    name: str
    tables: dict[str, Any]
    profile: str | None

    @classmethod
    def of(cls, node: pytest.Item) -> Marked:
        """Read the marker of a test.

        Raises:
            pytest.UsageError: arguments that the marker does not take.
        """
        marker = node.get_closest_marker("stamp")
        arguments = (marker.args, marker.kwargs) if marker is not None else ((), {})
        try:
            bound = inspect.signature(_tables).bind(*arguments[0], **arguments[1])
        except TypeError as error:
            raise pytest.UsageError(f"{node.nodeid}: marker stamp: {error}") from None
        name = re.sub(r"[^A-Za-z0-9 ._+-]", " ", node.name).strip(" ._+-")[:80] or "test"
        tables = _tables(*bound.args, **bound.kwargs)
        tables["plan"]["name"] = tables["cases"][0]["name"] = name
        return cls(name, tables, bound.arguments.get("profile"))

    def plan(self, profile: str) -> Plan:
        """Return the plan, on one panel.

        Raises:
            pytest.UsageError: the marker says something impossible.
        """
        try:
            plan = Plan.of({**self.tables, "plan": {**self.tables["plan"], "profiles": [profile]}}, _MARKER)
            check_plan(plan)
        except InputError as error:
            raise pytest.UsageError(f"{self.name}: marker {error}") from None
        return plan

    def decoder(self) -> Decoder:
        """Return the decoder of the stamps."""
        from stampbench.bench.plans.draws import load_codebook

        plan = self.plan(self.profile or _ANY_PROFILE)
        return _decoder(plan.codebook_name, lambda: load_codebook(plan), plan.decoder.sigma_mm)


_ANY_PROFILE = "nexus-5"
_decoders: dict[tuple[str, float | None], Decoder] = {}


def _decoder(name: str, codebook: Callable[[], Any], sigma_mm: float | None) -> Decoder:
    """Make each decoder once: its index takes time to make."""
    if (name, sigma_mm) not in _decoders:
        _decoders[name, sigma_mm] = Decoder(codebook(), sigma_mm=sigma_mm)
    return _decoders[name, sigma_mm]


def _tables(
    family: str | None = None,
    *,
    catalogue: str | None = None,
    profile: str | None = None,
    kind: str = "genuine",
    stamps: str | Sequence[int | str] = "random",
    presses: int = 1,
    condition: Mapping[str, Any] | None = None,
    handling: Mapping[str, Any] | None = None,
    prompt: str | Sequence[str] = (),
    sigma_mm: float | None = None,
) -> dict[str, Any]:
    """Return the marker's arguments as the tables of a plan."""
    codebook = {"catalogue": str(Path(catalogue).absolute())} if catalogue is not None else {}
    if family is not None or catalogue is None:
        codebook["family"] = family if family is not None else "p5-60k"
    case: dict[str, Any] = {
        "name": "",
        "kind": kind,
        "stamps": stamps if isinstance(stamps, str) else list(stamps),
        "presses": presses,
        "condition": dict(condition or {}),
        "handling": dict(handling or {}),
        "prompt": prompt if isinstance(prompt, str) else list(prompt),
    }
    tables: dict[str, Any] = {"plan": {"name": "", "profiles": [""], **codebook}, "cases": [case]}
    if sigma_mm is not None:
        tables["decoder"] = {"sigma_mm": sigma_mm}
    return tables


class OpenRigs:
    """Rigs of a worker, opened when first asked for and open to the end; a context manager.

    Args:
        station: on whose port.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._stack = ExitStack()
        self._rigs: dict[str, Rig] = {}
        self._missing: NoHardwareError | None = None

    def rig(self, profile: str | None) -> Rig:
        """Return the rig with a panel; None: any.

        Raises:
            NoHardwareError: there is none.
            OtherPanelError: it has another panel.
        """
        port = self._station.port
        key = (profile or _ANY_PROFILE) if port == VIRTUAL else port
        if self._missing is not None:
            raise self._missing
        if key not in self._rigs:
            try:
                self._rigs[key] = self._stack.enter_context(open_rig(port, key))
            except NoHardwareError as error:
                self._missing = error
                raise
        rig = self._rigs[key]
        if profile not in (None, rig.identity.profile):
            raise OtherPanelError(f"the rig on {port} has the panel {rig.identity.profile}, not {profile}")
        return rig

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


class MarkedPresses:
    """Makes the presses of a test, one by one or all, records and measures them; a context manager.

    Args:
        marked: what to press.
        rig: that presses.
        station: for seed and records.
        nodeid: of the test; its presses are drawn from it and the seed.
        properties: take what is measured.

    Attributes:
        records: of the presses made so far.
    """

    def __init__(
        self,
        marked: Marked,
        rig: Rig,
        station: Station,
        nodeid: str,
        properties: list[tuple[str, object]],
    ) -> None:
        self.records: list[PressRecord] = []
        self._rig = rig
        self._station = station
        self._plan = marked.plan(rig.identity.profile)
        # Tests of one name in two files press differently.
        self._seed = (station.seed * 2**32 + zlib.crc32(nodeid.encode())) % 2**53
        self._presser = Presser(self._plan, self._seed, station.port)
        self._coming: Iterator[PlannedPress] = self._plan.presses()
        self._properties = properties
        self._writer: RecordWriter | None = None
        self._directory = None if station.out is None else station.out / re.sub(r"[^\w.+-]+", "_", nodeid)

    def __call__(self) -> PressRecord:
        """Make the next press.

        Raises:
            pytest.UsageError: the marker asks for no more.
            LinkError: the press was lost to the bench, which says nothing of the stamp.
        """
        planned = next(self._coming, None)
        if planned is None:
            raise pytest.UsageError(
                f"marker stamp: presses = {self._plan.size}: expected at least {self._plan.size + 1}"
            )
        record = self._presser.press(self._rig, planned)
        self.records.append(record)
        if self._writer is not None:
            self._writer.write(record)
        if not record.outcome.judged:
            raise LinkError(f"press {record.press}, lost to the bench: {record.message}")
        return record

    def all(self) -> list[PressRecord]:
        """Make all presses that are left, and return all that were made."""
        while len(self.records) < self._plan.size:
            self()
        return self.records

    def measure(self, name: str, **limit: Any) -> Judged:
        """Measure the presses made so far; what is found goes into the properties of the test.

        Args:
            name: of the measurement, as in plans.
            limit: ``min``, ``max``, ``marginal_min``, ``marginal_max``, ``unit``, ``confident``, as in plans.

        Raises:
            pytest.UsageError: no such measurement, or a limit that is none.
        """
        try:
            if limit.keys() & {"min", "max"}:
                limits = {"limits": [{"measurement": name, **limit}]}
                (wanted,) = Plan.of({**tomllib.loads(self._plan.text), **limits}, _MARKER).limits
            elif name in MEASUREMENTS:
                wanted = Limit(measurement=name, **limit)
            else:
                raise InputError(f'measurement "{name}": expected one of {", ".join(MEASUREMENTS)}')
        except InputError as error:
            raise pytest.UsageError(f"press.measure: {error}") from None
        profile = self._plan.header.profiles[0]
        sample = Tally(self.records).sample(name, profile, None)
        measured = measure(name, sample, profile=profile, case=None)
        judged = judge(measured, wanted, None if sample.worst is None else sample.worst[1])
        found = judged.measured
        self._property(f"{name}.value", found.value)
        for key in ("unit", "low", "high", "k", "n", "confidence", "method"):
            self._property(f"{name}.{key}", getattr(found, key))
        for key in ("min", "max", "result"):
            self._property(f"{name}.{key}", getattr(judged, key))
        return judged

    def _property(self, name: str, value: object) -> None:
        self._properties.append((name, value))

    def __enter__(self) -> Self:
        self._property("stamp.seed", self._seed)
        self._property("stamp.rig", self._rig.identity.serial_number)
        self._property("stamp.profile", self._rig.identity.profile)
        if self._directory is not None:
            if (self._directory / FILE_NAME).exists():
                raise pytest.UsageError(
                    f"--stamp-out: {self._directory} holds records already: expected another directory"
                )
            order = RunOrder(self._plan, self._directory, self._seed, self._station.port)
            rigs = {self._rig.identity.profile: identity_of(self._rig, self._station.port)}
            self._writer = RecordWriter(self._directory / FILE_NAME)
            self._writer.write(order.header(rigs, datetime.now(UTC), campaign=False))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._property("stamp.presses", len(self.records))
        if self._writer is not None:
            end = RunEnd(
                status="complete" if len(self.records) == self._plan.size else "interrupted",
                presses=len(self.records),
                seconds=0.0,
                prepare_seconds=0.0,
                finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._writer.write(end)
            self._writer.close()
