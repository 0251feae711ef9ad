"""The operator's card: what to do now in big words, what each press came to, and what can be decided."""

from __future__ import annotations

from typing import Any, Final

import pygame
from pygame import Rect
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.widgets import enable, say, show
from stampbench.bench.window.session.plan_run import PlanRun, PressResult, Stage
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.screen.sources import SourceKind

_SIZES: Final = (40, 34, 28, 23, 19, 16, 13)
"""Of the big words: the largest that fits."""
_QUIET: Final = "#46505c"
_WHITE: Final = "#ffffff"
_NEWEST: Final = 20
"""Size of the newest result."""
_BY_LIMITS: Final = frozenset({"passed", "marginal", "failed"})
_RUN_COLOURS: Final = {"passed": theme.READ, "marginal": theme.WARNING, "interrupted": _QUIET}


class PlanCard:
    """Takes the place of the instruments while a plan is pressed.

    Args:
        desk: what to make widgets with.
        places: of the window.
    """

    chosen = "plan"
    tab = None

    def __init__(self, desk: Desk, places: layout.Layout) -> None:
        self._desk = desk
        px = desk.px
        top = (places.plots or places.tabs).top
        content = places.content
        self._area = Rect(content.left, top, content.width, content.bottom - top)
        inside = self._area.inflate(-2 * px(14), -2 * px(10))
        self._head = Rect(inside.left, inside.top, inside.width, px(52))
        plans = [
            desk.plan("button.plan_count", "plan_count", tip="tip.plan_count", look="#primary"),
            desk.plan("button.plan_again", "plan_again", tip="tip.plan_again"),
            desk.plan("button.plan_skip", "plan_skip", tip="tip.plan_skip"),
            desk.plan("button.plan_stop", "plan_stop", tip="tip.plan_stop", other="button.plan_close"),
        ]
        widths = [desk.button_width(plan) for plan in plans]
        flowing, height = layout.flow(widths, inside.width, px(layout.ROW + 4), px(6))
        room = inside.height - self._head.height - height
        big = min(max(round(0.36 * inside.height), min(px(150), room - px(40))), room)
        self._big = Rect(inside.left, self._head.bottom, inside.width, max(1, big - px(10)))
        row_top = self._big.bottom + px(8)
        self._count, self._again, self._skip, self._stop = (
            desk.button(plan, place.move(inside.left, row_top))
            for plan, place in zip(plans, flowing, strict=True)
        )
        below = row_top + height + px(10)
        self._list = Rect(inside.left, below, inside.width, max(0, inside.bottom - below))

    def open(self, name: str) -> None:
        """Do nothing: there are no tabs."""

    def open_next(self) -> None:
        """Do nothing: there are no tabs."""

    def refresh(self, session: Session) -> None:
        """Let only that be decided which can be."""
        plan = session.plan
        if plan is None:
            return
        asked = plan.stage is Stage.ASK
        waiting = plan.stage in (Stage.PRESS, Stage.LIFT)
        for button in (self._count, self._again, self._skip):
            show(button, wanted=not plan.over)
        enable(self._count, asked)
        enable(self._again, asked or (plan.stage is Stage.PRESS and plan.touched))
        enable(self._skip, waiting)
        say(self._stop, self._desk.captions("button.plan_close" if plan.over else "button.plan_stop"))

    def draw(self, surface: pygame.Surface) -> None:
        """Draw what lies below the buttons."""
        plan = self._desk.session.plan
        pygame.draw.rect(surface, theme.CARD, self._area)
        if plan is None:
            return
        self._draw_head(surface, plan)
        self._draw_big(surface, plan)
        self._draw_list(surface, plan)

    def _draw_head(self, surface: pygame.Surface, plan: PlanRun) -> None:
        lettering, px, captions = self._desk.lettering, self._desk.px, self._desk.captions
        head = self._head
        of = captions("plan.of", press=plan.press, presses=plan.presses)
        box = lettering.write(surface, of, (head.right, head.top), 16, theme.INK, bold=True, align="right")
        room = box.left - head.left - px(12)
        lettering.write(surface, plan.name, (head.left, head.top), 16, theme.INK, bold=True, within=room)
        bar = Rect(head.left, head.top + lettering.height(16) + px(6), head.width, px(8))
        pygame.draw.rect(surface, theme.LINE, bar, border_radius=px(4))
        if plan.made and plan.presses:
            bar.width = max(px(8), round(bar.width * plan.made / plan.presses))
            pygame.draw.rect(surface, theme.ACCENT, bar, border_radius=px(4))

    def _draw_big(self, surface: pygame.Surface, plan: PlanRun) -> None:
        lettering, px = self._desk.lettering, self._desk.px
        words, below, colour = self._words(plan)
        ink = theme.INK if colour == theme.WARNING else _WHITE
        pygame.draw.rect(surface, colour, self._big, border_radius=px(8))
        inside = self._big.inflate(-2 * px(18), -2 * px(8))
        small = 15 if lettering.width(below, 15) <= inside.width else 12
        foot = lettering.wrapped(below, small, inside.width, lines=2) if below else []
        room = inside.height - len(foot) * lettering.height(small)
        size, lines = self._fitting(words, inside.width, room)
        y = inside.top + max(0, room - len(lines) * lettering.height(size)) // 2
        for line in lines:
            lettering.write(surface, line, (inside.left, y), size, ink, bold=True)
            y += lettering.height(size)
        y = inside.bottom - len(foot) * lettering.height(small)
        for line in foot:
            lettering.write(surface, line, (inside.left, y), small, ink)
            y += lettering.height(small)

    def _fitting(self, words: str, width: int, height: int) -> tuple[int, list[str]]:
        """Return the largest size in which the words fit, and their lines."""
        lettering = self._desk.lettering
        for size in _SIZES:
            lines = lettering.wrapped(words, size, width, bold=True)
            whole = all(lettering.width(word, size, bold=True) <= width for word in words.split())
            if whole and len(lines) * lettering.height(size) <= height:
                return size, lines
        most = max(1, height // lettering.height(_SIZES[-1]))
        return _SIZES[-1], lettering.wrapped(words, _SIZES[-1], width, lines=most, bold=True)

    def _words(self, plan: PlanRun) -> tuple[str, str, str]:
        """Return what is said big, what stands below it, and on which colour."""
        captions = self._desk.captions
        match plan.stage:
            case Stage.PREPARING | Stage.REPORTING:
                return captions(f"plan.{plan.stage}"), "", _QUIET
            case Stage.CONNECTING:
                return captions("plan.connecting"), plan.message, theme.WARNING
            case Stage.LIFT:
                return captions("plan.lift"), captions("plan.lift_hint"), theme.WARNING
            case Stage.PRESS:
                return self._step(plan), self._below_step(plan), theme.ACCENT
            case Stage.ASK if plan.asked is not None:
                return self._said(plan.asked), captions("plan.ask"), theme.WRONG
            case Stage.DONE:
                # The limits, listed below, say why it passed or failed, in every language.
                reason = "" if plan.limits and plan.verdict in _BY_LIMITS else plan.reason
                return captions(f"run.{plan.verdict}"), reason, _RUN_COLOURS.get(plan.verdict, theme.WRONG)
        return captions("plan.broken"), plan.message, theme.WRONG

    def _step(self, plan: PlanRun) -> str:
        captions, reader = self._desk.captions, self._desk.session.observation.reader
        values: dict[str, Any] = dict(plan.values)
        if plan.do == "own":
            return str(values.get("text", ""))
        decided = not reader.over and reader.decision_ms is not None
        if plan.do == "press_and_let_go" and plan.touched and decided:
            return captions("do.let_go")
        kind, name = plan.thing
        values["thing"] = captions.get(f"thing.{kind}", {"name": name}, name or kind)
        return captions(f"do.{plan.do}", **values)

    def _below_step(self, plan: PlanRun) -> str:
        captions = self._desk.captions
        parts = [captions("plan.step", step=plan.step_number, steps=plan.steps)] if plan.steps > 1 else []
        if self._desk.session.source.kind is SourceKind.SIMULATED and plan.do.startswith("press"):
            parts.append(captions("plan.hint"))
        return " · ".join(parts)

    def _said(self, result: PressResult) -> str:
        text = self._desk.captions(f"result.{result.key}", **result.values)
        return text if result.why is None else f"{text}. {self._desk.explained(result.why)}"

    def _draw_list(self, surface: pygame.Surface, plan: PlanRun) -> None:
        """Draw the judged limits, and results, the newest first; counts and folder at the foot."""
        desk = self._desk
        lettering, px, captions, area = desk.lettering, desk.px, desk.captions, self._list
        row = lettering.height(14) + px(4)
        foot = area.bottom - lettering.height(12)
        lettering.write(surface, self._foot(plan), (area.left, foot), 12, theme.MUTED, within=area.width)
        y = area.top
        for limit in plan.limits:
            if y + row > foot:
                return
            self._draw_row(surface, y, limit.kept, "", limit.text, 14)
            y += row
        y += px(6) if plan.limits else 0
        if not plan.results and not plan.limits:
            text = captions("plan.idle")
            lettering.write(surface, text, (area.left, y), 14, theme.MUTED, within=area.width)
        size = 14 if plan.over else _NEWEST
        for result in plan.results:
            height = lettering.height(size) + px(4)
            if y + height > foot:
                return
            self._draw_row(surface, y, result.good, str(result.press), self._said(result), size)
            y, size = y + height, 14

    def _draw_row(
        self, surface: pygame.Surface, y: int, good: bool | None, number: str, text: str, size: int
    ) -> None:
        lettering, px, area = self._desk.lettering, self._desk.px, self._list
        colour = theme.FAINT if good is None else theme.READ if good else theme.WRONG
        middle = y + lettering.height(size) // 2
        pygame.draw.aacircle(surface, colour, (area.left + px(9), middle), round(0.4 * px(size)))
        x = area.left + px(26)
        if number:
            x = lettering.write(surface, number, (x, y), size, theme.INK, bold=True).right + px(10)
        ink = theme.MUTED if good is None else theme.INK
        lettering.write(surface, text, (x, y), size, ink, within=area.right - x)

    def _foot(self, plan: PlanRun) -> str:
        captions = self._desk.captions
        if plan.stage is Stage.DONE:
            key = "resume" if plan.verdict == "interrupted" else "report"
            return captions(f"plan.{key}", folder=plan.folder)
        said = [captions("plan.good", count=plan.good), captions("plan.bad", count=plan.bad)]
        if plan.neither:
            said.append(captions("plan.neither", count=plan.neither))
        return " · ".join(said)
