"""Reports of a run, rendered from its records alone, and as often as wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stampbench.bench.judging.assessment import Assessment, assess
from stampbench.bench.records.files import Run, read_run
from stampbench.bench.report.subject import Beside, beside_of, plan_of
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import write_beside


@dataclass(frozen=True, slots=True)
class Reported:
    """A run of which reports were written into a directory."""

    run: Run
    assessment: Assessment
    beside: Beside | None
    directory: Path


def report_run(source: Path, destination: Path | None = None, baseline: Path | None = None) -> Reported:
    """Render ``summary.json``, ``junit.xml`` and ``report.html`` of the run in ``source``.

    Args:
        source: directory of a run, or its records.
        destination: directory to write to; None: beside the records.
        baseline: a run to compare it with; None: the one whose presses it read again, if it did.

    Raises:
        InputError: no records, records that cannot be read, or a destination that cannot be written, or
            holds reports already.
    """
    from stampbench.bench.report.html import render_html
    from stampbench.bench.report.junit import render_junit
    from stampbench.bench.report.summary import render_summary

    run = read_run(source)
    plan = plan_of(run)
    assessment = assess(plan, run)
    beside = beside_of(run, baseline)
    directory = destination or run.path.parent
    if directory.resolve() != run.path.parent.resolve():
        expect_new(directory / "summary.json")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_beside(directory / "summary.json", render_summary(plan, run, assessment, beside))
        write_beside(directory / "junit.xml", render_junit(plan, run, assessment))
        page = render_html(plan, run, assessment, beside)
        write_beside(directory / "report.html", page.encode())
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be written: {error.strerror}: expected a writable directory"
        ) from None
    return Reported(run, assessment, beside, directory)
