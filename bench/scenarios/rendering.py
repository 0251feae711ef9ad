"""Reports of trials, rendered from their records alone, and as often as wanted."""

from __future__ import annotations

from pathlib import Path

from stampbench.bench.scenarios.assessment import TrialsAssessment, assess
from stampbench.bench.scenarios.records import TrialsRun, read_trials
from stampbench.bench.scenarios.summary import render_summary
from stampbench.firmware_emulator.errors import InputError


def write_reports(source: Path, destination: Path | None = None) -> tuple[TrialsRun, TrialsAssessment]:
    """Render ``summary.json``, ``junit.xml`` and ``report.html`` of the trials in ``source``.

    Args:
        source: directory of the run, or its records.
        destination: directory to write to; None: beside the records.

    Raises:
        InputError: no records, records that cannot be read, or a destination that cannot be written.
    """
    from stampbench.bench.scenarios.junit import render_junit
    from stampbench.bench.scenarios.report import render_html

    run = read_trials(source)
    assessment = assess(run)
    directory = destination or run.path.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "summary.json").write_bytes(render_summary(run, assessment))
        (directory / "junit.xml").write_bytes(render_junit(run, assessment))
        (directory / "report.html").write_text(render_html(run, assessment), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be written: {error.strerror}: expected a writable directory"
        ) from None
    return run, assessment
