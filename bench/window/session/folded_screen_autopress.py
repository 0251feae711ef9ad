"""Presses of the screen, drawn and judged as ``stampbench run`` draws and judges those of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stampbench.bench.judging.assessment import measure
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.draws import PressDrawer
from stampbench.bench.plans.plan import PlannedPress, parse_plan
from stampbench.bench.records.presses import Outcome
from stampbench.bench.records.readings import blank, judged, listen
from stampbench.bench.window.session.cases import plan_of_order
from stampbench.bench.window.session.view import AutoPressView, RateView
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder
from stampbench.sim.screen.workbench import AutoPressOrder, DrawnPress, Judgement


class RunPresser:
    """Makes the presses of the plan that an order stands for, stamps and other objects by turns.

    Args:
        order: what is pressed.

    Attributes:
        plan: the same as a plan.

    Raises:
        InputError: the order names something that does not exist.
    """

    def __init__(self, order: AutoPressOrder) -> None:
        self.plan = parse_plan(plan_of_order(order), Path("auto-press.toml").resolve())
        self._profile = order.profile
        self._drawer = PressDrawer(self.plan, order.seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=order.sigma_mm)
        self._tally = Tally()
        self._coming = _by_turns(list(self.plan.presses()), order.genuine, order.foreign)
        self._drawn = 0
        self._shown: AutoPressView | None = None

    def draw(self) -> DrawnPress | None:
        """The next press; None when all have been made."""
        if self._drawn == len(self._coming):
            return None
        planned = self._coming[self._drawn]
        self._drawn += 1
        draw = self._drawer.draw(planned)
        return DrawnPress(planned.index, draw.press, draw.code, draw.seed)

    def judge(self, drawn: DrawnPress, reports: Sequence[TouchReport], cancel_limit: int | None) -> Judgement:
        """Count a press by its reports."""
        planned = self.plan.press(drawn.index)
        heard = listen(self._decoder, reports, cancel_limit=cancel_limit)
        condition = self.plan.condition_of(planned.case)
        record = judged(blank(planned, self._drawer.draw(planned), condition, drawn.press), heard)
        self._tally.add(record)
        self._shown = None
        decisive_us = None if heard.decisive is None else heard.decisive.t_us
        return Judgement(record.outcome is Outcome.PASSED, decisive_us)

    def view(self, *, running: bool) -> AutoPressView:
        """The rates so far."""
        if self._shown is None or self._shown.running != running:
            self._shown = AutoPressView(
                running,
                self._tally.presses,
                len(self._coming),
                self._tally.outcomes[Outcome.FAILED],
                self._rate("frr"),
                self._rate("far"),
                self._rate("misread"),
                self._time("time_to_decision_median"),
                self._time("time_to_decision_p95"),
            )
        return self._shown

    def _rate(self, name: str) -> RateView:
        found = measure(name, self._tally.sample(name, self._profile, None), profile=self._profile, case=None)
        low, high = (
            (found.low, found.high) if found.low is not None and found.high is not None else (0.0, 1.0)
        )
        return RateView(found.k or 0, found.n, found.value, low, high)

    def _time(self, name: str) -> tuple[float, float | None, float | None] | None:
        found = measure(name, self._tally.sample(name, self._profile, None), profile=self._profile, case=None)
        return None if found.value is None else (found.value, found.low, found.high)


def _by_turns(planned: list[PlannedPress], genuine: int, foreign: int) -> list[PlannedPress]:
    """The presses of a plan with both kinds evenly mixed; each is the same in whatever order it is made."""
    first, second = planned[:genuine], planned[genuine:]
    places = [(place + 0.5) / genuine for place in range(genuine)]
    places += [(place + 0.5) / foreign for place in range(foreign)]
    mixed = sorted(zip(places, (*first, *second), strict=True), key=lambda pair: pair[0])
    return [press for _, press in mixed]
