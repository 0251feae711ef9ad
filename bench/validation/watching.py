"""Following a station: lots and runs as they appear in its directory, and what is alarming about them.

A lot is known by its ``certificate.jsonl``, a run by its ``records.jsonl``, anywhere below the directory. A
file is taken in when it is whole, read again when it changes, and once however often it was copied. What is
alarming is that of all files as they are now, in the order in which they were measured: whoever looked all
the time and whoever looks once find the same. The pads of each cavity are followed lot by lot on control
charts, so that a drift is heard long before stamps are rejected for it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stampbench.bench.judging.comparison import compare_counts
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.records.files import FILE_NAME as RECORDS_NAME
from stampbench.bench.records.files import RunEnd, RunHeader, read_run
from stampbench.bench.validation.certificate.certificate import Certificate, read_certificate
from stampbench.bench.validation.certificate.seal import SEAL_MARK
from stampbench.bench.validation.judging.charts import Chart, chart, innovations, lots_to
from stampbench.bench.validation.sampling.history import CERTIFICATE_NAME, LotKind, inspected_lots, kind_of
from stampbench.bench.validation.sampling.switching import Inspection, Switching, switching
from stampbench.firmware_emulator.errors import InputError

BASELINE_LOTS = 4
"""First lots of a part: they say how much lots differ."""
SURE = 0.75
"""Share of the stations whose lots scatter no more than the first ones are taken to say."""
WORSE_P = 0.001
"""A run is worse than those before it if chance makes it so less often."""
_END_BYTES = 16_384
"""The end of a run, with its message and counters, is shorter."""
PATIENCE = 5
"""Looks after which a file that is not whole, and does not grow, is an alarm."""
_RATES = ("frr", "misread", "far")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that somebody should look at.

    Attributes:
        kind: "lot", "inspection", "drift", "gauge", "run" or "seal".
        where: file it was seen in.
        subject: lot or run.
        text: what it is, one line.
    """

    kind: str
    where: str
    subject: str
    text: str

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One coordinate of one pad of one cavity, lot by lot.

    Attributes:
        name: such as "cavity 3, pad 2 x".
        lots: names of the lots that have it.
        values_mm: its offset from nominal in each.
        chart: of what each lot adds to those before it.
        limit_mm: tolerance less three times the scatter of single stamps: beyond, some of them are rejected.
    """

    name: str
    lots: tuple[str, ...]
    values_mm: npt.NDArray[np.float64]
    chart: Chart
    limit_mm: float


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What is kept of a run: not its presses."""

    header: RunHeader
    end: RunEnd
    tally: Tally


class Station:
    """What is known of a station; takes lots and runs as they come and says what is alarming."""

    def __init__(self) -> None:
        self._lots: dict[tuple[str, str], list[Certificate]] = {}
        self._due: dict[LotKind, Switching] = {}
        self._runs: dict[str, list[Tally]] = {}
        self.lots = 0
        self.runs = 0

    def add_lot(self, certificate: Certificate, where: str) -> list[Alarm]:
        """Take in the next lot."""
        self.lots += 1
        lots = self._lots.setdefault((certificate.part, certificate.vendor), [])
        lots.append(certificate)
        found: list[tuple[str, str]] = []
        if certificate.decision != "accept":
            found.append(("lot", f"{certificate.decision}: {'; '.join(certificate.reasons)}"))
        found += [("inspection", text) for text in self._inspection(certificate, lots)]
        gauge = certificate.gauge
        allowed = certificate.tolerances["gauge"]
        if gauge is not None and isinstance(allowed, float) and gauge.of_tolerance > allowed:
            found.append(("gauge", f"measuring takes {100 * gauge.of_tolerance:.0f} % of the tolerance"))
        found += [("gauge", suspect) for suspect in certificate.suspects]
        found += [("drift", text) for text in self._drifts(certificate)]
        return [Alarm(kind, where, certificate.lot, text) for kind, text in found]

    def add_run(self, run: EndedRun, where: str) -> list[Alarm]:
        """Take in the next run that has ended."""
        self.runs += 1
        runs = self._runs.setdefault(run.header.plan_sha256, [])
        found = []
        if run.end.status == "error":
            found.append(f"the bench failed: {run.end.message}")
        found += _worse(run.tally, runs, run.header.profiles)
        runs.append(run.tally)
        return [Alarm("run", where, Path(where).parent.name, text) for text in found]

    def series(self) -> tuple[Series, ...]:
        """Return each coordinate followed, with part and vendor where there are several."""
        several = len(self._lots) > 1
        return tuple(
            series
            for kind, lots in self._lots.items()
            for series in _series(lots, ", ".join(filter(None, kind)) if several else "")
        )

    def _inspection(self, certificate: Certificate, lots: list[Certificate]) -> Iterator[str]:
        """Say what the switching rules tell of the next lot, where that is new, or broken by this one."""
        kind, sampling = kind_of(certificate), certificate.sampling
        before = self._due.get(kind)
        now = self._due[kind] = switching(
            inspected_lots(lot for lot in lots if kind_of(lot) == kind), reduced=sampling.reduced_agreed
        )
        if certificate.lot in now.lenient:
            due = before.inspection if before else Inspection.NORMAL
            yield f"it was inspected {sampling.severity}, but {due} inspection was due"
        if now.inspection is not (before.inspection if before else Inspection.NORMAL):
            yield f"inspection of the next lot is {now.inspection}: {now.ground}"

    def _drifts(self, certificate: Certificate) -> Iterator[str]:
        for series in _series(self._lots[certificate.part, certificate.vendor]):
            if series.lots[-1] != certificate.lot or not series.chart.alarms[-1]:
                continue
            values = series.values_mm
            first = values[: min(BASELINE_LOTS, len(values) // 2)]
            text = f"{series.name} moves: it is {values[-1] - first.mean():+.3f} mm from where it was"
            left = lots_to(values, -series.limit_mm, series.limit_mm)
            if abs(values[-1]) > series.limit_mm:
                text += ", and is beyond the limit"
            elif abs(values[-1]) < abs(first.mean()):
                text += ", nearer to nominal"
            elif math.isfinite(left):
                lots = max(1, round(left))
                text += f"; the limit is {lots} lot{'' if lots == 1 else 's'} away at this pace"
            yield text


def _series(lots: list[Certificate], of: str = "") -> Iterator[Series]:
    values: dict[tuple[int, int, int], list[tuple[str, float, float]]] = {}
    for lot in lots:
        for one in lot.corrections:
            for axis in range(2):
                key = one.cavity, one.pad, axis
                # The half width of a 95 % interval is about two standard errors.
                values.setdefault(key, []).append((lot.lot, one.offset_mm[axis], one.uncertainty_mm / 2.0))
    if not lots:
        return
    limit = float(lots[-1].tolerances["position_mm"])  # type: ignore[arg-type]
    limit = max(0.1 * limit, limit - 3.0 * (lots[-1].scatter_mm or 0.0))
    # All coordinates have as much of their own from lot to lot: what the first lots say of each is pooled.
    firsts = [np.array([value for _, value, _ in points[:BASELINE_LOTS]]) for points in values.values()]
    spread = [first.var(ddof=1) for first in firsts if len(first) > 1]
    errors = [error for points in values.values() for _, _, error in points]
    between = float(np.mean(spread)) if spread else 0.0
    if spread:
        # A few lots tell the scatter roughly; too small a one would alarm at nothing.
        from scipy.special import chdtri

        freedom = sum(len(first) - 1 for first in firsts if len(first) > 1)
        between *= freedom / float(chdtri(freedom, SURE))
    sigma = math.sqrt(max(between, float(np.mean(np.square(errors))))) if errors else 0.0
    for (cavity, pad, axis), points in sorted(values.items()):
        if len(points) <= 1 or sigma == 0.0:
            continue
        numbers = np.array([value for _, value, _ in points])
        followed = chart(innovations(numbers), target=0.0, sigma=sigma, series=len(values))
        name = f"{of}{': ' if of else ''}cavity {cavity}, pad {pad} {'xy'[axis]}"
        yield Series(name, tuple(lot for lot, _, _ in points), numbers, followed, limit)


def _worse(now: Tally, before: list[Tally], profiles: Iterable[str]) -> Iterator[str]:
    """Yield rates of a run that are worse than those of all runs of its plan before it, taken together."""
    if not before:
        return
    for profile in profiles:
        for name in _RATES:
            sample = now.sample(name, profile, None)
            earlier = [tally.sample(name, profile, None) for tally in before]
            k, n = sum(one.k for one in earlier), sum(one.n for one in earlier)
            if not n or not sample.n:
                continue
            difference = compare_counts(k, n, sample.k, sample.n)
            if difference.estimate > 0.0 and difference.p_value < WORSE_P:
                yield (
                    f"{profile}: {name} is {sample.k} of {sample.n:,}, before {k} of {n:,} "
                    f"(Fisher's exact test, p = {difference.p_value:.1g})"
                )


def _end_of(path: Path) -> bytes:
    """Return the end of a file: a run under way may be large."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        return file.read()


def _is_whole(path: Path) -> bool:
    """Return whether a file is there to its end: a certificate to its seal, a run to its last line."""
    try:
        end = _end_of(path)
    except OSError:
        return False
    if path.name == RECORDS_NAME:
        return b'"line":"end"' in end
    return end.endswith(b"\n") and SEAL_MARK in end.rstrip(b"\n").rpartition(b"\n")[2]


@dataclass(slots=True)
class _File:
    """A file as it was at the last look.

    Attributes:
        stamp: its times and size: while they stay, it is not read again.
        still: looks for which it has stayed so.
        digest: of what was taken in; empty where nothing was.
        content: what was taken in.
        problem: why nothing was.
    """

    stamp: tuple[int, int, int]
    still: int = 0
    digest: bytes = b""
    content: Certificate | EndedRun | None = None
    problem: str = ""


class Watcher:
    """Looks into a directory for what is new.

    Args:
        directory: of the station.
        keys: public keys, base64, one of which must have signed each certificate; empty: any, or none.

    Raises:
        InputError: no such directory.
    """

    def __init__(self, directory: Path, keys: Collection[str] = ()) -> None:
        if not directory.is_dir():
            raise InputError(f"{directory}: no such directory: expected that of a station")
        self._directory = directory
        self._keys = tuple(keys)
        self._files: dict[Path, _File] = {}
        self._taken: list[tuple[str, str, bytes]] = []
        self._found: list[Alarm] = []
        self._told: set[tuple[str, str, str]] = set()
        self.station = Station()

    def look(self, *, last: bool = False) -> list[Alarm]:
        """Take in what has appeared or changed since the last look, and return the alarms that are new.

        Args:
            last: nothing more will come: a file that is not whole is an alarm at once, not when it has stayed
                so for some looks.
        """
        self._read()
        whole: dict[bytes, tuple[str, str, Path, Certificate | EndedRun]] = {}
        for path, file in sorted(self._files.items()):
            if isinstance(file.content, Certificate):
                whole.setdefault(
                    file.digest, (file.content.measured_at, file.content.lot, path, file.content)
                )
            elif file.content is not None:
                started = file.content.header.started_at
                whole.setdefault(file.digest, (started, path.parent.name, path, file.content))
        order = sorted((when, name, digest) for digest, (when, name, _, _) in whole.items())
        if order[: len(self._taken)] != self._taken:
            self.station, self._found, self._taken = Station(), [], []
        for _, _, digest in order[len(self._taken) :]:
            _, _, path, new = whole[digest]
            if isinstance(new, Certificate):
                self._found += self.station.add_lot(new, str(path))
            else:
                self._found += self.station.add_run(new, str(path))
        self._taken = order
        standing = [*self._damaged(last), *self._found]
        names = {(alarm.kind, alarm.subject, alarm.text) for alarm in standing}
        fresh = [one for one in standing if (one.kind, one.subject, one.text) not in self._told]
        self._told = names
        return fresh

    def _read(self) -> None:
        there = {*self._directory.rglob(CERTIFICATE_NAME), *self._directory.rglob(RECORDS_NAME)}
        for path in self._files.keys() - there:
            del self._files[path]
        for path in sorted(there):
            try:
                status = path.stat()
            except OSError:  # it has just gone
                self._files.pop(path, None)
                continue
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            file = self._files.setdefault(path, _File(stamp, still=-1))
            file.still = file.still + 1 if file.stamp == stamp else 0
            if file.stamp == stamp and (file.content or file.problem) and file.still:
                continue
            file.stamp = stamp
            if _is_whole(path):
                self._take(path, file)
            elif not file.content or file.still >= PATIENCE:
                # What is written anew stands as it was until it is whole, or until nobody goes on with it.
                file.content, file.problem = None, ""

    def _take(self, path: Path, file: _File) -> None:
        file.content, file.problem = None, ""
        try:
            if path.name == RECORDS_NAME:
                run = read_run(path)
                if run.end is not None:
                    file.content = EndedRun(run.header, run.end, Tally(run.presses))
            else:
                file.content = read_certificate(path, self._keys)
            with path.open("rb") as opened:
                file.digest = hashlib.file_digest(opened, "sha256").digest()
        except InputError as error:
            file.problem = str(error)
        except OSError:  # it has just gone
            file.content = None

    def _damaged(self, last: bool) -> Iterator[Alarm]:
        """Yield what cannot be read, and what is not whole and does not become so."""
        for path, file in sorted(self._files.items()):
            run = path.name == RECORDS_NAME
            problem = file.problem
            if not problem and file.content is None and (last or (file.still >= PATIENCE and not run)):
                problem = f"{path}: is not whole: expected {'the end of the run' if run else 'its seal'}"
            if problem:
                yield Alarm("run" if run else "seal", str(path), path.parent.name, problem)
