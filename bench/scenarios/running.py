"""Trials are run: every finding of a scenario is recorded as it comes."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from stampbench.bench.records.files import FILE_NAME, RecordWriter, set_aside
from stampbench.bench.scenarios import Finding, Progress
from stampbench.bench.scenarios.plans import TrialPlan
from stampbench.bench.scenarios.records import FORMAT, TrialsEnd, TrialsHeader

_LIBRARIES = ("stampbench", "numpy", "scipy")


def run_trials(
    plan: TrialPlan,
    directory: Path,
    *,
    seed: int,
    tell: Progress | None = None,
    found: Callable[[Finding], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> TrialsEnd:
    """Run a plan's scenario and record what it finds; an interrupt ends the run in order, its records kept.

    A scenario that raises ends the run as an error: the trials it had not made are never taken for passed.

    Args:
        plan: what to run.
        directory: where the records go.
        seed: of the run.
        tell: is told how it goes.
        found: is told each finding.
        clock: seconds, for the run's duration.
        now: wall clock, for the header and the end.

    Raises:
        InputError: the directory cannot be used; nothing has run then.
    """
    tell = tell or Progress()
    set_aside(directory / FILE_NAME)
    with RecordWriter(directory / FILE_NAME) as writer:
        writer.write(_header(plan, seed, now()))
        begun_s = clock()
        findings = 0
        status: Literal["complete", "interrupted", "error"] = "complete"
        message = ""
        try:
            for finding in _findings(plan, directory, seed, tell):
                writer.write(finding)
                findings += 1
                found(finding)
        except KeyboardInterrupt:
            status = "interrupted"
        except Exception as error:  # whatever breaks a scenario must end its records as an error
            status, message = "error", _one_line(error)
        end = TrialsEnd(
            status=status,
            findings=findings,
            seconds=round(clock() - begun_s, 3),
            finished_at=now().isoformat(timespec="seconds"),
            message=message,
        )
        writer.write(end)
    return end


def _findings(plan: TrialPlan, directory: Path, seed: int, tell: Progress) -> Iterator[Finding]:
    return plan.scenario.run(plan.settings, seed=seed, directory=directory, tell=tell)


def _one_line(error: Exception) -> str:
    """The error's own words, and, where it is a defect, its kind and its place too."""
    from stampbench.firmware_emulator.errors import StampbenchError

    if isinstance(error, StampbenchError):
        return str(error)
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})"
    return f"{type(error).__name__}: {error}{where}".replace("\n", " ")


def _header(plan: TrialPlan, seed: int, started_at: datetime) -> TrialsHeader:
    return TrialsHeader(
        format=FORMAT,
        plan_path=str(plan.path),
        plan_text=plan.text,
        plan_sha256=plan.sha256,
        seed=seed,
        versions={name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
        station=platform.node(),
        started_at=started_at.isoformat(timespec="seconds"),
    )
