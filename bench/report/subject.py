"""What a report is of: a run, its plan, the run beside it, and the commands that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run, read_run

if TYPE_CHECKING:
    from stampbench.bench.judging.comparison import Comparison
    from stampbench.bench.runs.changes import Changes


@dataclass(frozen=True, slots=True)
class Beside:
    """A run that another is compared with.

    Attributes:
        run: the earlier one.
        again: True if the later one read the same presses again.
        comparison: measurement by measurement.
        changes: press by press; None where they are not the same presses.
    """

    run: Run
    again: bool
    comparison: Comparison
    changes: Changes | None


def beside_of(run: Run, baseline: Path | None) -> Beside | None:
    """Return the run that a run is compared with, and the comparison; None: there is none.

    Raises:
        InputError: a baseline that cannot be read.
    """
    from stampbench.bench.judging.comparison import compare_runs
    from stampbench.bench.runs.changes import changes

    again = baseline is None and bool(run.header.replay_of)
    if baseline is None:
        if not again or not Path(run.header.replay_of).exists():
            return None
        baseline = Path(run.header.replay_of)
    earlier = read_run(baseline)
    compared = compare_runs(earlier, run)
    same = compared.paired and earlier.header.plan_sha256 == run.header.plan_sha256
    return Beside(earlier, again, compared, changes(earlier, run) if same or again else None)


def plan_of(run: Run, settings: Sequence[str] = ()) -> Plan:
    """Return the plan of a run, as far as the run followed it, with settings laid on top.

    Raises:
        InputError: the records hold a plan that this version cannot read, or a setting is none.
    """
    plan = Plan.parse(run.header.plan_text, Path(run.header.plan_path), settings)
    plan = plan.on_profiles(run.header.profiles)
    presses = run.header.presses_per_case
    return plan if presses is None else plan.with_presses(presses)


def run_command(run: Run) -> str:
    """Return the command that makes all presses of a run again."""
    header = run.header
    words = ["stampbench", "campaign" if header.campaign else "run", header.plan_path]
    words += [word for setting in header.settings for word in ("--set", setting)]
    words += ["--seed", str(header.seed)]
    if header.presses_per_case is not None:
        words += ["--presses", str(header.presses_per_case)]
    if header.shard != (1, 1):
        words += ["--shard", "/".join(map(str, header.shard))]
    if header.until_confident is not None:
        risks = header.until_confident
        words += ["--until-confident", "--alpha", f"{risks.alpha:g}", "--beta", f"{risks.beta:g}"]
        words += [] if risks.cap is None else ["--cap", str(risks.cap)]
    return shlex.join(words)


def replay_command(run: Run, press: int) -> str:
    """Return the command that repeats one press, as typed where the run was started."""
    return shlex.join(["stampbench", "replay", run.path.parent.as_posix(), "--press", str(press)])
