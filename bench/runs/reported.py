"""A plan run from Python as ``stampbench run`` does it: pressed, recorded, judged and reported."""

from __future__ import annotations

from pathlib import Path

from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run
from stampbench.bench.report import report_run
from stampbench.bench.rig.opening import VIRTUAL
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.running import run as run_order


def run(plan: Plan, out: str | Path, *, seed: int | None = None, rig: str = VIRTUAL, workers: int = 1) -> Run:
    """Make all presses of a plan, or its trials, and leave records, summary, JUnit and HTML in a directory.

    >>> case = {"name": "held", "kind": "genuine", "presses": 2}
    >>> plan = sb.Plan.of({
    ...     "plan": {"name": "two", "family": "p5-60k", "seed": 1, "profiles": ["nexus-5"]},
    ...     "cases": [case],
    ... })
    >>> run = sb.run(plan, out="runs/two")
    >>> [press.reading.verdict for press in run.presses]
    ['read', 'read']

    Args:
        plan: what to do.
        out: a new directory.
        seed: of the run; None: the plan's.
        rig: serial port of the rig, as pyserial takes it; the rig in software by default.
        workers: processes; a rig on a port takes one.

    Raises:
        InputError: the plan or the port cannot be used, or the directory holds a run already.
        NoHardwareError: there is no such port.
    """
    directory = Path(out)
    used = plan.header.seed if seed is None else seed
    run_order(RunOrder(plan=plan, directory=directory, seed=used, port=rig, workers=workers))
    return report_run(directory).run
