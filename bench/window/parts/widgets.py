"""Widgets: pygame_gui's, with names, callbacks, and a focus that goes from one to the next by the Tab key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pygame
import pygame_gui
from pygame_gui.elements import UIButton, UIHorizontalSlider, UILabel, UITextEntryLine
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import Typeface

Container: TypeAlias = Any
"""Whatever of pygame_gui holds widgets; None for the window itself."""
Element: TypeAlias = Any
"""Any widget of pygame_gui, whose methods are not all typed."""


class Widgets(pygame_gui.UIManager):
    """All widgets of the window.

    Callbacks run in :meth:`run_due`, after the events of a frame: they may build the window anew.

    Args:
        size: of the window, pixels.
        typeface: of all captions.
        scale: 1 for 100 %.
        language: of the few words that pygame_gui has itself.
    """

    def __init__(self, size: tuple[int, int], typeface: Typeface, scale: float, language: str) -> None:
        self.pointer = (-1, -1)
        self._named: dict[str, Element] = {}
        self._callbacks: dict[Element, Callable[[Any], object]] = {}
        self._steps: dict[Element, float] = {}
        self._due: list[Callable[[], object]] = []
        self._ringed: Element | None = None
        super().__init__(
            size,
            theme.widget_theme(typeface, scale),
            enable_live_theme_updates=False,
            starting_language=language,
        )

    # The pointer is where the last event saw it: posted events then do what a hand does.
    def _update_mouse_position(self) -> None:
        self.mouse_position = self.pointer

    def button(
        self,
        name: str,
        place: pygame.Rect,
        caption: str,
        do: Callable[[], object],
        *,
        tip: str | None = None,
        look: str | None = None,
        container: Container = None,
    ) -> UIButton:
        """Return a button that does something when it is clicked."""
        button = UIButton(
            place,
            caption,
            self,
            container,
            tool_tip_text=tip,
            object_id=look,
            command=lambda: self._due.append(do),
        )
        self._callbacks[button] = lambda _: do()
        self._name(name, button)
        return button

    def slider(
        self,
        name: str,
        place: pygame.Rect,
        value: float,
        limits: tuple[float, float],
        step: float,
        do: Callable[[float], object],
        *,
        container: Container = None,
    ) -> UIHorizontalSlider:
        """Return a slider that tells its value, in whole steps, while it moves."""
        low, high = limits
        slider = UIHorizontalSlider(
            place, min(max(float(value), low), high), (float(low), float(high)), self, container
        )

        def moved(raw: float) -> None:
            do(min(max(low + round((raw - low) / step) * step, low), high))

        self._callbacks[slider] = moved
        self._steps[slider] = step
        self._name(name, slider)
        return slider

    def entry(
        self,
        name: str,
        place: pygame.Rect,
        text: str,
        do: Callable[[str], object],
        *,
        container: Container = None,
        hint: str = "",
    ) -> UITextEntryLine:
        """Return a line of text that is told when Enter is pressed."""
        entry = UITextEntryLine(place, self, container, initial_text=text, placeholder_text=hint or None)
        self._callbacks[entry] = do
        self._name(name, entry)
        return entry

    def label(
        self, place: pygame.Rect, text: str, *, look: str | None = None, container: Container = None
    ) -> UILabel:
        """Return a line of text; see :func:`say` to change it."""
        return UILabel(place, text, self, container, object_id=look)

    def _name(self, name: str, element: Element) -> None:
        self._named[name] = element

    def named(self, name: str) -> Element | None:
        """Return the widget of a name, if it is there and can be seen."""
        element = self._named.get(name)
        return element if element is not None and _there(element) else None

    def names(self) -> list[str]:
        """Return names of the widgets that can be seen, in the order of the focus."""
        return [name for name in self._named if self.named(name) is not None]

    def handle(self, event: pygame.event.Event) -> bool:
        """Let the widgets have an event; whether one of them took it."""
        if event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
            self.pointer = event.pos
        if event.type == pygame.MOUSEBUTTONDOWN:
            self._ringed = None
            if event.button == 1 and self._jump(event.pos):
                return True
        if event.type in (pygame_gui.UI_HORIZONTAL_SLIDER_MOVED, pygame_gui.UI_TEXT_ENTRY_FINISHED):
            value = event.value if event.type == pygame_gui.UI_HORIZONTAL_SLIDER_MOVED else event.text
            callback = self._callbacks.get(event.ui_element)
            if event.type == pygame_gui.UI_TEXT_ENTRY_FINISHED:  # keys are actions again
                self.drop_focus()
            if callback is not None:
                self._due.append(lambda: callback(value))
                return True
        if event.type == pygame.KEYDOWN and self._key(event):
            return True
        return bool(self.process_events(event))

    def run_due(self) -> None:
        """Do what was clicked."""
        due, self._due = self._due, []
        for do in due:
            do()

    @property
    def typing(self) -> bool:
        """Whether keys are letters for a line of text."""
        return any(isinstance(element, UITextEntryLine) for element in self.focused_set or ())

    def move_focus(self, by: int) -> None:
        """Give the focus to the next widget (1) or the one before (-1)."""
        order = [self._named[name] for name in self.names() if self._named[name].is_enabled]
        top = self.get_window_stack().get_full_stack()
        if top:  # a dialog keeps the focus
            order = [element for element in order if _inside(element, top[-1])] or order
        if not order:
            return
        if self._ringed in order:
            ringed = order[(order.index(self._ringed) + by) % len(order)]
        else:
            ringed = order[0 if by > 0 else -1]
        self._ringed = ringed
        self.set_focus_set(ringed.get_focus_set() if isinstance(ringed, UITextEntryLine) else None)

    def focus(self, name: str) -> None:
        """Give the focus to a widget."""
        element = self.named(name)
        if element is not None:
            self._ringed = element
            self.set_focus_set(element.get_focus_set() if isinstance(element, UITextEntryLine) else None)

    def drop_focus(self) -> bool:
        """Take the focus away; whether there was any."""
        had = self._ringed is not None or self.typing
        self._ringed = None
        self.set_focus_set(None)
        return had

    @property
    def focused_name(self) -> str | None:
        """Name of the widget with the focus."""
        return next((name for name, element in self._named.items() if element is self._ringed), None)

    def draw_focus(self, surface: pygame.Surface, scale: float) -> None:
        """Draw a ring around the widget that has the focus."""
        if self._ringed is not None and _there(self._ringed):
            wide = max(2, round(2 * scale))
            ring = self._ringed.rect.inflate(2 * wide + 2, 2 * wide + 2)
            pygame.draw.rect(surface, theme.WARNING, ring, wide, border_radius=round(6 * scale))

    def _jump(self, place: tuple[int, int]) -> bool:
        """Take the knob of a slider to where its groove is clicked."""
        for element in self._callbacks:
            if not isinstance(element, UIHorizontalSlider) or not _there(element):
                continue
            knob = element.sliding_button
            if not element.is_enabled or knob is None or not element.rect.collidepoint(place):
                continue
            if knob.rect.collidepoint(place) or self.get_window_stack().get_full_stack():
                return False
            low, high = element.value_range
            room = max(1, element.rect.width - knob.rect.width)
            share = (place[0] - element.rect.left - knob.rect.width / 2) / room
            self._set_slider(element, low + min(max(share, 0.0), 1.0) * (high - low))
            return True
        return False

    def _set_slider(self, slider: UIHorizontalSlider, value: float) -> None:
        slider.set_current_value(value, warn=False)
        now = slider.get_current_value()
        self._due.append(lambda: self._callbacks[slider](now))

    def _key(self, event: pygame.event.Event) -> bool:
        """Return what keys do to the widget with the focus."""
        ringed = self._ringed
        if ringed is None or not _there(ringed):
            return False
        if isinstance(ringed, UIButton) and event.key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            callback = self._callbacks[ringed]
            self._due.append(lambda: callback(None))
            return True
        if isinstance(ringed, UIHorizontalSlider) and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
            by = self._steps[ringed] * (1 if event.key == pygame.K_RIGHT else -1)
            self._set_slider(ringed, ringed.get_current_value() + by)
            return True
        return False


def set_slider(slider: UIHorizontalSlider, value: float) -> None:
    """Show a value that came from elsewhere; a slider in the hand stays where it is."""
    knob = slider.sliding_button
    if knob is not None and knob.held:
        return
    low, high = slider.value_range
    value = min(max(float(value), low), high)
    if abs(slider.get_current_value() - value) > 1e-9:
        slider.set_current_value(value, warn=False)


def say(label: UILabel | UIButton, text: str) -> None:
    """Change a caption; one that stays is not drawn again."""
    if label.text != text:
        label.set_text(text)


def choose(buttons: Sequence[tuple[Element, bool]]) -> None:
    """Show which buttons are on."""
    for button, on in buttons:
        if on and not button.is_selected:
            button.select()
        elif not on and button.is_selected:
            button.unselect()


def enable(element: Element, wanted: bool) -> None:
    """Let a widget be used, or not."""
    if wanted and not element.is_enabled:
        element.enable()
    elif not wanted and element.is_enabled:
        element.disable()


def show(element: Element, wanted: bool) -> None:
    """Let a widget be seen, or not."""
    if wanted and not element.visible:
        element.show()
    elif not wanted and element.visible:
        element.hide()


def _there(element: Element) -> bool:
    return bool(element.alive() and element.visible)


def _inside(element: Element, window: Element) -> bool:
    container = element.ui_container
    while container is not None and container is not window:
        parent = getattr(container, "parent_element", None)
        if parent is window:
            return True
        following = getattr(container, "ui_container", None)
        container = None if following is container else following
    return bool(container is window)
