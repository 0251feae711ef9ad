"""The desk: what every part of the window works with, and how parts are made of rows of widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pygame import Rect
from pygame_gui.elements import UIButton, UIHorizontalSlider, UILabel, UIScrollingContainer, UITextEntryLine
from stampbench.bench.window.captions import Captions
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.widgets import Container, Widgets, say, set_slider
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen.fonts import Lettering, signed
from stampbench.sim.screen.picture import Explanation, Picture


@dataclass(frozen=True, slots=True)
class ButtonPlan:
    """A button to be made: name, caption, what it does, tip, look in the theme, caption that it may get."""

    name: str
    caption: str
    do: Callable[[], object]
    tip: str | None = None
    look: str | None = None
    other: str = ""


@dataclass(slots=True)
class Desk:
    """What every part of the window works with.

    Attributes:
        do: carries out an action by its name, see :mod:`stampbench.bench.window.actions`.
    """

    session: Session
    widgets: Widgets
    lettering: Lettering
    captions: Captions
    do: Callable[[str], object]

    @property
    def picture(self) -> Picture:
        """What is on the glass in this frame."""
        return self.session.picture

    @property
    def scale(self) -> float:
        """1 for 100 %."""
        return self.lettering.scale

    def px(self, length: float) -> int:
        """Return pixels of a length at 100 % scale."""
        return round(length * self.scale)

    def button_width(self, plan: ButtonPlan) -> int:
        """Return pixels that a button takes, whichever caption it has."""
        return max(self.lettering.width(text, 13) for text in (plan.caption, plan.other)) + self.px(22)

    def plan(
        self,
        caption: str,
        action: str,
        *,
        tip: str | None = None,
        look: str | None = None,
        do: Callable[[], object] | None = None,
        other: str | None = None,
    ) -> ButtonPlan:
        """Return a button that carries out an action; caption, tip and other caption are keys of captions."""
        tip_text = None if tip is None else self.captions(tip)
        other_text = "" if other is None else self.captions(other)
        do = do or partial(self.do, action)
        return ButtonPlan(action, self.captions(caption), do, tip_text, look, other_text)

    def button(self, plan: ButtonPlan, place: Rect, *, container: Container = None) -> UIButton:
        """Make a button."""
        return self.widgets.button(
            plan.name, place, plan.caption, plan.do, tip=plan.tip, look=plan.look, container=container
        )

    def explained(self, explanation: Explanation) -> str:
        """Return an explanation as a sentence, with its first letter large."""
        values: dict[str, Any] = dict(explanation.values)
        if "cause" in values:
            values["cause"] = self.captions.get(f"cause.{values['cause']}", {}, str(values["cause"]))
        text = self.captions.get(f"explain.{explanation.key}", values, explanation.key)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class SliderRow:
    """A slider with its caption and its value."""

    slider: UIHorizontalSlider
    number: UILabel
    written: Callable[[float], str]

    def show(self, value: float) -> None:
        """Show a value of the session."""
        set_slider(self.slider, value)
        say(self.number, self.written(value))


class Form:
    """Rows of widgets, one below the other, in an area that scrolls where it is too small.

    Args:
        desk: what to make them with.
        area: pixels.
        container: a dialog that the area is part of; the window itself if None.
    """

    def __init__(self, desk: Desk, area: Rect, container: Container = None) -> None:
        self.desk = desk
        self._gap = desk.px(6)
        self._row = desk.px(layout.ROW)
        self.area = area
        self.container = UIScrollingContainer(
            area, desk.widgets, container=container, allow_scroll_x=False, should_grow_automatically=False
        )
        pad = desk.px(10)
        self._left = pad
        self.width = area.width - 2 * pad - desk.px(18)
        self._y = desk.px(8)

    def finish(self) -> int:
        """Return all rows are there; the height that they take."""
        height = self._y
        self.container.set_scrollable_area_dimensions((self.area.width - self.desk.px(18), height))
        if height <= self.area.height:
            self.container.set_scrollable_area_dimensions((self.area.width, height))
        return height

    def space(self, height: float) -> Rect:
        """Leave room of a height (100 % scale); where it is."""
        place = Rect(self._left, self._y, self.width, self.desk.px(height))
        self._y = place.bottom + self._gap
        return place

    def heading(self, text: str) -> UILabel:
        """Return a line in bold."""
        return self.desk.widgets.label(self.space(20), text, look="#title", container=self.container)

    def text(self, text: str, *, look: str | None = "#muted") -> UILabel:
        """Return a line of text."""
        return self.desk.widgets.label(self.space(20), text, look=look, container=self.container)

    def buttons(self, given: Sequence[ButtonPlan]) -> list[UIButton]:
        """Return buttons side by side."""
        widths = [self.desk.button_width(plan) for plan in given]
        places, height = layout.flow(widths, self.width, self._row, self._gap)
        made = self._made(given, places)
        self._y += height + self._gap
        return made

    def wide_button(self, plan: ButtonPlan) -> UIButton:
        """Return a button as wide as the form."""
        return self.desk.button(plan, self.space(layout.ROW - 2), container=self.container)

    def entry(
        self,
        name: str,
        caption: str,
        text: str,
        width: float,
        do: Callable[[str], object],
        after: Sequence[ButtonPlan] = (),
    ) -> tuple[UITextEntryLine, list[UIButton]]:
        """Return a caption, a line to type in, and buttons behind it."""
        desk = self.desk
        label_width = desk.lettering.width(caption, 13) + desk.px(8)
        widths = [label_width + desk.px(width), *(desk.button_width(plan) for plan in after)]
        places, height = layout.flow(widths, self.width, self._row, self._gap)
        first = places[0].move(self._left, self._y)
        desk.widgets.label(
            Rect(first.left, first.top, label_width, self._row), caption, container=self.container
        )
        entry = desk.widgets.entry(
            name,
            Rect(first.left + label_width, first.top, first.width - label_width, self._row),
            text,
            do,
            container=self.container,
        )
        made = self._made(after, places[1:])
        self._y += height + self._gap
        return entry, made

    def _made(self, given: Sequence[ButtonPlan], places: Sequence[Rect]) -> list[UIButton]:
        return [
            self.desk.button(plan, place.move(self._left, self._y), container=self.container)
            for plan, place in zip(given, places, strict=True)
        ]

    def sliders(self, given: Sequence[SliderPlan]) -> list[SliderRow]:
        """Return sliders in as many columns as there is room for, each with its caption and its number."""
        desk = self.desk
        columns = max(1, min(3, self.width // desk.px(250)))
        gap, row = desk.px(16), desk.px(24)
        cell = (self.width - (columns - 1) * gap) // columns
        rows = -(-len(given) // columns)
        made: list[SliderRow] = []
        name_width = min(desk.px(112), round(0.38 * cell))
        number_width = desk.px(58)
        for place, plan in enumerate(given):
            left = self._left + (place // rows) * (cell + gap)
            top = self._y + (place % rows) * (row + desk.px(2))
            name = desk.lettering.fitted(plan.caption, 13, name_width)
            label = desk.widgets.label(Rect(left, top, name_width, row), name, container=self.container)
            if plan.tip:
                label.set_tooltip(plan.tip)
            middle = Rect(left + name_width + desk.px(4), top + desk.px(4), 0, row - desk.px(8))
            middle.width = max(desk.px(30), cell - name_width - number_width - desk.px(10))
            slider = desk.widgets.slider(
                plan.name, middle, plan.value, plan.limits, plan.step, plan.do, container=self.container
            )
            number = desk.widgets.label(
                Rect(left + cell - number_width, top, number_width, row),
                plan.written(plan.value),
                look="#number",
                container=self.container,
            )
            made.append(SliderRow(slider, number, plan.written))
        self._y += rows * (row + desk.px(2)) + self._gap
        return made


@dataclass(frozen=True, slots=True)
class SliderPlan:
    """A slider to be made; ``written`` gives the value with its unit."""

    name: str
    caption: str
    tip: str
    value: float
    limits: tuple[float, float]
    step: float
    written: Callable[[float], str]
    do: Callable[[float], object]


def with_unit(unit: str, decimals: int) -> Callable[[float], str]:
    """Write values with a unit."""

    def written(value: float) -> str:
        gap = "" if unit in ("", "°") else " "
        return signed(f"{value + 0.0:.{decimals}f}{gap}{unit}")

    return written
