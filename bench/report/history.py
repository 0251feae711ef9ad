"""The start page over many runs: what passed, what is missed most, and how limits were met over time.

Counts come from the summaries that lie beside the records, so a thousand runs open at once; a run whose
summary is older than its records, or that has none, is judged anew from its records.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from stampbench.bench.judging.statistics import Rate, rate
from stampbench.bench.records.files import FILE_NAME
from stampbench.firmware_emulator.errors import InputError

_MISSED_SHOWN: Final = 20
_SIZE: Final = (320.0, 64.0)
"""Of a chart of one limit, in px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run of the history.

    Attributes:
        directory: where it lies.
        summary: as ``summary.json`` has it.
    """

    directory: Path
    summary: dict[str, Any]

    @property
    def started(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.summary["started_at"])

    @property
    def plan(self) -> str:
        """Name of its plan."""
        return str(self.summary["plan"]["name"])

    @property
    def serials(self) -> list[str]:
        """Serial numbers of what was tested."""
        return sorted({str(serial) for serial in self.summary["duts"].values()})

    @property
    def rigs(self) -> list[str]:
        """Serial numbers of the rigs that pressed."""
        return sorted({str(rig["serial_number"]) for rig in self.summary["rigs"].values()})

    def rates(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Yield measurement, panel, case, k and n of each rate that was counted case by case."""
        for row in self.summary["measurements"]:
            if row["k"] is not None and row["case"] is not None:
                yield row["measurement"], row["profile"], row["case"], row["k"], row["n"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs, or the parts of runs, that have something in common.

    Attributes:
        name: what they have in common.
        read_right: genuine presses read as their code, of all: the first-pass rate; nothing is tried twice.
        accepted: foreign objects that were read, of all.
        runs: which count here.
        missed: of those, the runs in which one was not read right or a foreign object was read.
    """

    name: str
    read_right: Rate
    accepted: Rate
    runs: list[PastRun]
    missed: list[PastRun]


@dataclass(slots=True)
class _Count:
    rejected: int = 0
    genuine: int = 0
    accepted: int = 0
    foreign: int = 0
    runs: dict[Path, PastRun] = field(default_factory=dict)
    missed: dict[Path, PastRun] = field(default_factory=dict)

    def add(self, run: PastRun, measurement: str, k: int, n: int) -> None:
        if measurement == "frr":
            self.rejected, self.genuine = self.rejected + k, self.genuine + n
        else:
            self.accepted, self.foreign = self.accepted + k, self.foreign + n
        self.runs[run.directory] = run
        if k:
            self.missed[run.directory] = run


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A case on a panel, and how often it was missed in all runs."""

    plan: str
    profile: str
    case: str
    measurement: str
    rate: Rate
    runs: list[PastRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A limit in one run, placed on its chart, px."""

    run: PastRun
    x: float
    y: float
    low_y: float
    high_y: float
    result: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOverTime:
    """One limit of a plan in all runs of it, in their order; ``limit_y`` is where it stands, px."""

    plan: str
    title: str
    limit_y: list[float]
    points: list[Point]


@dataclass(frozen=True, slots=True)
class History:
    """All runs below a directory, the latest first, and those that could not be read, each with why."""

    runs: list[PastRun]
    unreadable: dict[Path, str]

    def groups(self, by: Callable[[PastRun], Iterable[str]] | None) -> list[Group]:
        """Count runs by what they have in common; None: by panel, on which runs count in parts."""
        counts: dict[str, _Count] = {}
        for run in self.runs:
            for measurement, profile, _, k, n in run.rates():
                if measurement in ("frr", "far"):
                    for name in [profile] if by is None else by(run):
                        counts.setdefault(name, _Count()).add(run, measurement, k, n)
        return [
            Group(
                name=name,
                read_right=rate(count.genuine - count.rejected, count.genuine),
                accepted=rate(count.accepted, count.foreign),
                runs=list(count.runs.values()),
                missed=list(count.missed.values()),
            )
            for name, count in sorted(counts.items())
        ]

    def missed_most(self) -> list[Missed]:
        """Return the cases that are surely missed most: by the lower end of the interval."""
        found: dict[tuple[str, str, str, str], _Count] = {}
        for run in self.runs:
            for measurement, profile, case, k, n in run.rates():
                if measurement in ("frr", "far"):
                    key = (run.plan, profile, case, measurement)
                    found.setdefault(key, _Count()).add(run, "frr", k, n)
        rows = [
            Missed(
                plan=plan,
                profile=profile,
                case=case,
                measurement=measurement,
                rate=rate(count.rejected, count.genuine),
                runs=list(count.missed.values()),
            )
            for (plan, profile, case, measurement), count in found.items()
            if count.rejected
        ]
        return sorted(rows, key=lambda row: (-row.rate.low, row.plan, row.profile, row.case))[:_MISSED_SHOWN]

    def limits_over_time(self) -> list[LimitOverTime]:
        """Return every limit that was judged in more than one run, its values placed on a chart."""
        found: dict[tuple[Any, ...], list[tuple[PastRun, dict[str, Any]]]] = {}
        for run in reversed(self.runs):
            for row in run.summary["limits"]:
                key = (run.plan, row["measurement"], row["profile"], row["case"] or "", row["unit"])
                if row["value"] is not None:
                    found.setdefault(key, []).append((run, row))
        return [_over_time(key, rows) for key, rows in found.items() if len(rows) > 1]


def _over_time(key: tuple[Any, ...], rows: list[tuple[PastRun, dict[str, Any]]]) -> LimitOverTime:
    plan, measurement, profile, case, unit = key
    last = rows[-1][1]
    limits = [last[end] for end in ("min", "max") if last[end] is not None]
    ends = [row[end] for _, row in rows for end in ("value", "low", "high")]
    shown = [value for value in (*ends, *limits) if value is not None and math.isfinite(value)]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    width, height = _SIZE

    def place(value: float | None, otherwise: float) -> float:
        value = otherwise if value is None or not math.isfinite(value) else value
        return height - 6.0 - (height - 12.0) * (value - low) / ((high - low) or 1.0)

    points = [
        Point(
            run=run,
            x=8.0 + (width - 16.0) * index / (len(rows) - 1),
            y=place(row["value"], low),
            low_y=place(row["low"], row["value"]),
            high_y=place(row["high"], row["value"]),
            result=row["result"],
            said=f"{run.started:%Y-%m-%d %H:%M}: {row['value']:.4g} {unit}, {row['result']}",
        )
        for index, (run, row) in enumerate(rows)
    ]
    where = ", ".join(word for word in (profile, case) if word)
    return LimitOverTime(
        plan=plan,
        title=f"{measurement}{f' on {where}' if where else ''}",
        limit_y=[place(limit, limit) for limit in limits],
        points=points,
    )


def read_history(directory: Path) -> History:
    """Read all runs below a directory.

    Raises:
        InputError: there is no such directory.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory: expected one with runs below it")
    runs, unreadable = [], {}
    for root, folders, files in os.walk(directory):
        folders.sort()
        if FILE_NAME in files:
            try:
                runs.append(PastRun(directory=Path(root), summary=_summary_of(Path(root))))
            except InputError as error:
                unreadable[Path(root)] = str(error)
    runs.sort(key=lambda run: (run.started, run.directory), reverse=True)
    return History(runs, unreadable)


def _summary_of(run: Path) -> dict[str, Any]:
    """Return the summary of a run: the one beside its records, or one made anew where that is not theirs."""
    written = run / "summary.json"
    try:
        if written.stat().st_mtime_ns >= (run / FILE_NAME).stat().st_mtime_ns:
            summary: dict[str, Any] = msgspec.json.decode(written.read_bytes(), type=dict[str, Any])
            if {"started_at", "plan", "measurements", "limits", "duts", "rigs", "presses"} <= summary.keys():
                return summary
    except (OSError, msgspec.DecodeError):
        pass
    from stampbench.bench.judging.assessment import assess
    from stampbench.bench.records.files import read_run
    from stampbench.bench.report.subject import plan_of
    from stampbench.bench.report.summary import summarize

    found = read_run(run)
    plan = plan_of(found)
    made: dict[str, Any] = msgspec.to_builtins(summarize(plan, found, assess(plan, found)), enc_hook=str)
    return made


def render_history(history: History, page: Path) -> str:
    """Return the page, whose links are relative to where it will lie."""
    from stampbench.bench.report.html import render

    links = {}
    for run in history.runs:
        report = run.directory / "report.html"
        links[run.directory] = os.path.relpath(
            report if report.exists() else run.directory / FILE_NAME, page.parent
        )

    return render(
        Path(__file__).parent / "history.html.j2",
        history=history,
        groups={
            "plan": history.groups(lambda run: [run.plan]),
            "panel": history.groups(None),
            "station": history.groups(lambda run: [run.summary["station"]]),
            "serial number": history.groups(lambda run: run.serials),
        },
        missed=history.missed_most(),
        limits=history.limits_over_time(),
        size=_SIZE,
        link=lambda run: links[run.directory],
    )
