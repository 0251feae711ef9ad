"""The parts of a run, made apart, joined into one."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FILE_NAME, RecordWriter, Run, RunEnd, read_run
from stampbench.bench.records.presses import PressRecord
from stampbench.firmware_emulator.errors import InputError


def merge_records(parts: Sequence[Path], directory: Path) -> Path:
    """Join the records of several parts (``--shard``) of one run, in the order of its presses.

    Whether parts are missing shows in the end: the whole is complete if all parts are there and complete.

    Args:
        parts: directories of runs, or their records.
        directory: where the joined records go.

    Returns:
        Where the records are.

    Raises:
        InputError: records that cannot be read, parts of different runs, or one that is there twice.
    """
    runs = [read_run(part) for part in parts]
    _check(runs)
    path = directory / FILE_NAME
    if any(run.path.resolve() == path.resolve() for run in runs):
        raise InputError(f"{path}: one of the parts lies there: expected another directory for the whole")
    first = runs[0].header
    whole = len(runs) == first.shard[1]
    with RecordWriter(path) as writer:
        writer.write(
            msgspec.structs.replace(
                first,
                shard=(1, 1),
                shard_block=1,
                workers=sum(run.header.workers for run in runs),
                started_at=min(run.header.started_at for run in runs),
            )
        )
        for line in heapq.merge(*map(_lines, runs), key=_place):
            writer.write(line)
        writer.write(_end(runs, whole=whole))
    return path


def _check(runs: Sequence[Run]) -> None:
    first = runs[0]
    seen: dict[int, Run] = {}
    for run in runs:
        for what in (
            "plan_sha256",
            "seed",
            "profiles",
            "presses_per_case",
            "campaign",
            "codebook_sha256",
            "shard_block",
        ):
            here, there = getattr(run.header, what), getattr(first.header, what)
            if here != there:
                raise InputError(
                    f"{run.path}: {what.replace('_', ' ')} {here}, in {first.path} {there}: "
                    "expected parts of one run"
                )
        number, of = run.header.shard
        if of != first.header.shard[1]:
            raise InputError(
                f"{run.path}: part {number} of {of}, but {first.path} is one of {first.header.shard[1]}: "
                "expected parts of one run"
            )
        if number in seen:
            raise InputError(f"{run.path}: part {number} of {of}, as {seen[number].path}: expected each once")
        seen[number] = run


def _lines(run: Run) -> Iterator[PressRecord | PressChunk]:
    if run.header.campaign:
        yield from run.chunks()
    else:
        yield from (press for press in run.presses if isinstance(press, PressRecord))


def _place(line: PressRecord | PressChunk) -> int:
    return line.press if isinstance(line, PressRecord) else line.first


def _end(runs: Sequence[Run], *, whole: bool) -> RunEnd:
    """Return the ends of all parts as one; presses per second are those of all parts together."""
    ends = [run.end for run in runs if run.end is not None]
    if not ends:
        return RunEnd(status="interrupted", presses=0, seconds=0.0, prepare_seconds=0.0, finished_at="")
    joined = ends[0]
    for end in ends[1:]:
        joined = end.after(joined)
    worst = next(
        (end for status in ("error", "timeout", "interrupted") for end in ends if end.status == status), None
    )
    missing = not whole or len(ends) < len(runs)
    status = worst.status if worst is not None else ("interrupted" if missing else "complete")
    return msgspec.structs.replace(
        joined,
        status=status,
        message=worst.message if worst is not None else "",
        finished_at=max(end.finished_at for end in ends),
    )
