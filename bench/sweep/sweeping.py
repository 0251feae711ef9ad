"""Sweeps: one plan pressed at every point of a grid of settings, in memory.

A sweep is a TOML file: a plan, or the name of one, and what is varied::

    [sweep]
    plan = "base.toml"                 # or the plan's own tables in this file
    title = "Which family reads on which panel, at which noise"
    measurements = ["frr", "misread"]
    draw = "frr"                       # in the heat map; the first measurement without it
    good = 0.05                        # marked: the whole 95 % interval is at most that

    [[sweep.axes]]                     # one to three: along x, along y, side by side
    key = "condition.noise"            # any key of a plan, as --set takes it
    values = [0.5, 1.0, 2.0]
    label = "noise, times measured"
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from stampbench.bench.judging.assessment import measure
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.messages import choose, explain
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.text import to_toml
from stampbench.bench.records.presses import combined
from stampbench.bench.runs.campaign import CHUNK, press_chunk
from stampbench.bench.runs.cluster import check_cluster, on_cluster
from stampbench.bench.runs.pressing import SimulatedPresser
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import chunked
from stampbench.bench.runs.workers import in_order
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml

Value = str | int | float | bool

MOST_POINTS = 10_000


class Axis(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[sweep.axes]]`` table.

    Attributes:
        key: of the plan; ``plan.profiles``, ``cases.NAME.conditions`` and ``.handlings`` take one a point.
        values: along the axis.
        label: in pictures; None: the key.
        names: of the values in pictures; empty: the values themselves.
    """

    key: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*\Z")]
    values: Annotated[list[Value], Meta(min_length=1, max_length=200)]
    label: str | None = None
    names: list[str] = []

    @property
    def shown(self) -> list[str]:
        """Name of every value."""
        return self.names or [f"{one:g}" if isinstance(one, float) else str(one) for one in self.values]

    def setting(self, value: Value) -> str:
        """Return the line that lays a value on top of a plan."""
        many = self.key == "plan.profiles" or self.key.endswith((".conditions", ".handlings"))
        laid: object = [value] if many else value
        return f"{self.key} = {json.dumps(laid)}"


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[sweep]`` table."""

    axes: Annotated[list[Axis], Meta(min_length=1, max_length=3)]
    plan: str | None = None
    title: str = ""
    measurements: Annotated[list[str], Meta(min_length=1)]
    draw: str | None = None
    good: Annotated[float, Meta(ge=0.0)] | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep whose every point is a plan that has been checked.

    Attributes:
        points: places on the axes, and the plan there.
    """

    path: Path
    header: Header
    points: tuple[tuple[tuple[int, ...], Plan], ...]

    @property
    def draw(self) -> str:
        """Measurement in the heat map."""
        return self.header.draw or self.header.measurements[0]

    @property
    def presses(self) -> int:
        """How many presses all points take."""
        return sum(plan.size for _, plan in self.points)


class Figure(Struct, frozen=True, kw_only=True):
    """One measurement at one point; see :class:`stampbench.bench.judging.assessment.Measured`."""

    value: float | None
    low: float | None
    high: float | None
    k: int | None
    n: int


class Cell(Struct, frozen=True, kw_only=True):
    """What one point of a sweep came to.

    Attributes:
        at: place on each axis, from 0.
        figures: by measurement; empty where nothing could be pressed, as ``note`` tells.
        digest: what was pressed and read, as one number in hexadecimal digits.
    """

    at: tuple[int, ...]
    figures: dict[str, Figure]
    presses: int
    digest: str = ""
    note: str = ""


class SweepResult(Struct, frozen=True, kw_only=True):
    """A sweep that was made.

    Attributes:
        title, axes, measurements, draw, good: as asked for.
        seed: of every point.
        cells: in the order of the grid, the last axis fastest.
    """

    title: str
    axes: list[Axis]
    measurements: list[str]
    draw: str
    good: float | None
    seed: int
    cells: list[Cell]

    def cell(self, *at: int) -> Cell:
        """Return the cell at a place."""
        return next(cell for cell in self.cells if cell.at == at)

    def is_good(self, cell: Cell) -> bool:
        """Return whether the whole interval of what is drawn is at most what is good."""
        figure = cell.figures.get(self.draw)
        return (
            self.good is not None
            and figure is not None
            and figure.high is not None
            and figure.high <= self.good
        )


def effects(result: SweepResult, key: str, measurement: str) -> dict[str, dict[str, Figure]]:
    """Return one measurement by value of an axis, then by the place on the others in words.

    Raises:
        InputError: the sweep has no such axis, or did not measure that.
    """
    places = [place for place, axis in enumerate(result.axes) if axis.key == key]
    if not places or measurement not in result.measurements:
        raise InputError(f"{result.title}: expected a sweep with an axis {key} that measures {measurement}")
    found: dict[str, dict[str, Figure]] = {}
    for cell in result.cells:
        if measurement not in cell.figures:
            continue
        shown = [axis.shown[at] for axis, at in zip(result.axes, cell.at, strict=True)]
        where = ", ".join(name for place, name in enumerate(shown) if place != places[0])
        by_place = found.setdefault(str(result.axes[places[0]].values[cell.at[places[0]]]), {})
        by_place[where] = cell.figures[measurement]
    return found


def read_sweep(path: Path, presses: int | None = None) -> Sweep:
    """Read a sweep and check the plan at each of its points.

    Args:
        path: of the file.
        presses: of each case at each point, instead of the plan's own numbers.

    Raises:
        InputError: the file cannot be read, is not TOML, or says something impossible.
    """
    try:
        raw = parse_toml(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a sweep in TOML") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    if "sweep" not in raw:
        raise InputError(f"{path}: sweep: missing: expected a table [sweep] with axes")
    try:
        header = msgspec.convert(raw["sweep"], Header)
    except msgspec.ValidationError as error:
        keys = {"": Header.__struct_fields__, "axes": Axis.__struct_fields__}
        raise InputError(f"{path}: sweep: {explain(str(error), raw['sweep'], keys)}") from None
    _check(header, path)
    text = to_toml({key: value for key, value in raw.items() if key != "sweep"})
    points = []
    for at in itertools.product(*(range(len(axis.values)) for axis in header.axes)):
        settings = [axis.setting(axis.values[k]) for axis, k in zip(header.axes, at, strict=True)]
        plan = (
            Plan.parse(text, path, settings)
            if header.plan is None
            else Plan.read(path.parent / header.plan, settings)
        )
        points.append((at, plan if presses is None else plan.with_presses(presses)))
    return Sweep(path, header, tuple(points))


def _check(header: Header, path: Path) -> None:
    for name in [*header.measurements, *([header.draw] if header.draw else [])]:
        if name not in MEASUREMENTS:
            raise InputError(f'{path}: sweep.measurements: "{name}": {choose(name, MEASUREMENTS)}')
    if header.draw is not None and header.draw not in header.measurements:
        raise InputError(f'{path}: sweep.draw = "{header.draw}": {choose(header.draw, header.measurements)}')
    size = 1
    for number, axis in enumerate(header.axes):
        size *= len(axis.values)
        if axis.names and len(axis.names) != len(axis.values):
            raise InputError(
                f"{path}: sweep.axes[{number}].names: {len(axis.names)}: "
                f"expected {len(axis.values)}, one a value"
            )
    if size > MOST_POINTS:
        raise InputError(f"{path}: sweep.axes: {size:,} points: expected at most {MOST_POINTS:,}")


def make_sweep(
    sweep: Sweep,
    *,
    seed: int | None = None,
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Press every point; what comes of it does not depend on the number of workers.

    Args:
        sweep: what to press.
        seed: of every point; None: the plan's.
        workers: processes.
        cluster: address of a Dask scheduler whose workers press instead.
        progress: is told how it goes.

    Raises:
        InputError: a plan names something that does not exist.
    """
    progress = progress or Progress()
    first = sweep.points[0][1]
    used = first.header.seed if seed is None else seed
    for _, plan in sweep.points:
        check_plan(plan)
    jobs = [SweepJob(at, plan, used, tuple(sweep.header.measurements)) for at, plan in sweep.points]
    cells = []
    for cell in _done(jobs, workers, cluster, progress):
        progress.pressed(cell.presses, 0)
        cells.append(cell)
    return SweepResult(
        title=sweep.header.title or first.header.name,
        axes=list(sweep.header.axes),
        measurements=list(sweep.header.measurements),
        draw=sweep.draw,
        good=sweep.header.good,
        seed=used,
        cells=cells,
    )


@dataclass(frozen=True, slots=True)
class SweepJob:
    """One point to be pressed."""

    at: tuple[int, ...]
    plan: Plan
    seed: int
    measurements: tuple[str, ...]


def press_point(job: SweepJob) -> Cell:
    """Press one point; an object that does not fit its panel leaves the cell empty.

    Raises:
        InputError: the plan names something that does not exist.
    """
    presser = SimulatedPresser(job.plan, job.seed)
    tally, digests = Tally(), []
    try:
        for chunk in chunked(job.plan.presses(), CHUNK, lambda press: (press.profile, press.case.name)):
            line = press_chunk(presser, chunk)
            digests.append(int(line.digest, 16))
            for result in line.results():
                tally.add(result)
    except InputError as error:
        if "does not fit" not in str(error):
            raise
        return Cell(at=job.at, figures={}, presses=job.plan.size, note="does not fit")
    figures = {}
    for name in job.measurements:
        # All profiles of the point together: most points have one.
        samples = [tally.sample(name, profile, None) for profile in job.plan.header.profiles]
        for other in samples[1:]:
            samples[0].join(other)
        found = measure(name, samples[0], profile="", case=None)
        figures[name] = Figure(value=found.value, low=found.low, high=found.high, k=found.k, n=found.n)
    return Cell(at=job.at, figures=figures, presses=job.plan.size, digest=f"{combined(digests):032x}")


def _done(jobs: Sequence[SweepJob], workers: int, cluster: str | None, progress: Progress) -> Iterator[Cell]:
    if cluster is not None:
        check_cluster(cluster)
        return on_cluster(cluster, press_point, jobs, say=progress.say)
    if workers == 1:
        return map(press_point, jobs)
    return in_order(press_point, jobs, workers=workers, start=_nothing, arguments=(), say=progress.say)


def _nothing() -> None:
    """Prepare nothing in a worker: each point is a plan of its own."""
