"""Reports of a run, rendered from its records alone, and as often as wanted."""

from __future__ import annotations

from pathlib import Path

from bench.metrics import Assessment, assess
from bench.plans import Plan, parse_plan
from bench.records import Run, read_run
from firmware_emulator.errors import InputError


def write_reports(source: Path, destination: Path | None = None) -> tuple[Run, Assessment]:
    """Render ``summary.json``, ``junit.xml`` and ``report.html`` of the run in ``source``.

    Args:
        source: directory of a run, or its records.
        destination: directory to write to; None: beside the records.

    Raises:
        InputError: no records, records that cannot be read, or a destination that cannot be written.
    """
    from bench.report.html import render_html
    from bench.report.junit import render_junit
    from bench.report.summary import render_summary

    run = read_run(source)
    plan = plan_of(run)
    assessment = assess(plan, run)
    directory = destination or run.path.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "summary.json").write_bytes(render_summary(plan, run, assessment))
        (directory / "junit.xml").write_bytes(render_junit(plan, run, assessment))
        (directory / "report.html").write_text(render_html(plan, run, assessment), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be written: {error.strerror}: expected a writable directory"
        ) from None
    return run, assessment


def plan_of(run: Run) -> Plan:
    """The plan of a run, as far as the run followed it.

    Raises:
        InputError: the records hold a plan that this version cannot read.
    """
    plan = parse_plan(run.header.plan_text, Path(run.header.plan_path)).on_profiles(run.header.profiles)
    presses = run.header.presses_per_case
    return plan if presses is None else plan.with_presses(presses)


def run_command(run: Run) -> str:
    """The command that makes all presses of a run again."""
    header = run.header
    command = f"stampbench {'campaign' if header.campaign else 'run'} {header.plan_path} --seed {header.seed}"
    return command if header.presses_per_case is None else f"{command} --presses {header.presses_per_case}"


def replay_command(run: Run, press: int) -> str:
    """The command that repeats one press, as typed in the directory of the run."""
    return f"stampbench replay {run.path.name} --press {press}"
