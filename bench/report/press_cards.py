"""One press as a page shows it: what it came to, a few facts, and its picture."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.report.limit_rows import number
from stampbench.bench.report.subject import replay_command
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class PressCard:
    """One press with its picture."""

    title: str
    finding: str
    bad: bool
    facts: tuple[tuple[str, str], ...]
    contacts: tuple[tuple[str, str, str], ...]
    picture: Markup | None
    command: str


def press_card(
    plan: Plan, run: Run, record: PressRecord, side_mm: float, side_inches: float = 2.8
) -> PressCard:
    """Show a press.

    Args:
        plan: of the run.
        run: whose press it is.
        record: the press, whole.
        side_mm: side of the square around the object that is shown.
        side_inches: how large that is drawn.
    """
    facts = [("object", record.object)]
    reading = record.reading
    if reading is not None and reading.code is not None:
        facts.append(("read as", str(reading.code)))
    if reading is not None and reading.distance_mm is not None:
        facts.append(("distance", number(reading.distance_mm, "mm")))
    if reading is not None and reading.margin_mm is not None:
        at_least = "≥ " if reading.margin_is_bound else ""
        facts.append(("margin", at_least + number(reading.margin_mm, "mm")))
    if record.time_to_decision_ms is not None:
        facts.append(("decided after", number(record.time_to_decision_ms, "ms")))
    return PressCard(
        title=f"Press {record.press} · {record.profile} · {record.case}",
        finding=_finding(record),
        bad=record.outcome is Outcome.FAILED,
        facts=tuple(facts),
        contacts=tuple(
            (str(contact.id), f"{contact.x_mm:.2f}", f"{contact.y_mm:.2f}") for contact in record.contacts
        ),
        picture=_picture(plan, run, record, side_mm, side_inches),
        command=replay_command(run, record.press),
    )


def whole_records(plan: Plan, run: Run) -> Callable[[int], PressRecord]:
    """Return the whole record of a press; one of a campaign is made again."""
    from stampbench.bench.runs.pressing import SimulatedPresser

    if not run.header.campaign:
        records = {record.press: record for record in run.presses if isinstance(record, PressRecord)}
        return records.__getitem__
    presser = functools.cache(lambda: SimulatedPresser(plan, run.header.seed))
    return lambda press: presser().press(plan.press(press))


def _finding(record: PressRecord) -> str:
    if record.misread:
        return "misread"
    if record.accepted:
        return "foreign object read"
    if record.read_right:
        return "read rightly"
    if record.kind == "foreign":
        return f"refused ({record.verdict})"
    why = f": {record.message}" if record.message else ""
    return f"not read ({record.verdict}){why}"


def _picture(plan: Plan, run: Run, record: PressRecord, side_mm: float, side_inches: float) -> Markup | None:
    """Draw the picture of a press; None where this version cannot, as for a profile that is gone."""
    from markupsafe import Markup
    from stampbench.bench.report.pictures import scene_picture
    from stampbench.bench.report.scenes import scene_of

    try:
        scene = scene_of(run, record, plan)
    except InputError:
        return None
    title = f"press {record.press} at its decisive scan"
    return Markup(scene_picture(scene, title, side_mm=side_mm, side_inches=side_inches))
