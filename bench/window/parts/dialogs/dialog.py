"""What all dialogs are: a window over the rest that can be closed, with a form in it."""

from __future__ import annotations

from typing import Any

import pygame
from pygame import Rect
from pygame_gui.elements import UIWindow
from stampbench.bench.window.parts.desk import Desk, Form
from stampbench.bench.window.session.session import Session


class Dialog:
    """A dialog in the window, and no larger than it.

    Args:
        desk: what to make it with.
        title: in the language of the window.
        size: wished, at 100 % scale.
        at: pixel of its upper left corner, as far as there is room; None: in the middle.
    """

    def __init__(
        self, desk: Desk, title: str, size: tuple[float, float], at: tuple[int, int] | None = None
    ) -> None:
        self.desk = desk
        room = Rect((0, 0), desk.widgets.window_resolution)
        place = Rect(0, 0, min(desk.px(size[0]), room.width), min(desk.px(size[1]), room.height))
        place.center = room.center
        if at is not None:
            place.topleft = at
            place.clamp_ip(room)
        self.window: Any = UIWindow(place, desk.widgets, window_display_title=title, draggable=True)
        self.window.set_blocking(True)

    def form(self, area: Rect | None = None) -> Form:
        """Return rows in the dialog, or in a part of it."""
        inside = self.window.get_container().get_size()
        return Form(self.desk, area or Rect((0, 0), inside), self.window.get_container())

    @property
    def open(self) -> bool:
        """Whether it has not been closed."""
        return bool(self.window.alive())

    def close(self) -> None:
        """Close it; the window then calls :meth:`closed`."""
        if self.open:
            self.window.kill()

    def closed(self) -> None:
        """Note that it was closed, by itself or by hand."""

    def handle(self, event: pygame.event.Event) -> bool:
        """Take an event ahead of the widgets; whether it was one for what the dialog draws itself."""
        return False

    def refresh(self, session: Session) -> None:
        """Show the state of the session."""
