"""Mouse and fingers on the glass: drag, hold to press, rim to tilt, wheel or twist to turn, real touch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import pygame
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen.phone import INVITATION_MM, Glass
from stampbench.sim.screen.scene import ObjectKind, Picked
from stampbench.sim.screen.sources import Source, SourceKind

HOLD_S: Final = 0.25
"""A pointer that rests this long with its button down presses."""
MENU_S: Final = 0.6
"""On bare glass one that rests this long opens the menu."""
_STILL_PX: Final = 3.0
_WHEEL_RAD: Final = math.radians(5.0)
_LIFT_PER_MM: Final = 0.15
"""How far the rim rises for each mm that it is pulled outwards."""
_QUICK: Final = frozenset({ObjectKind.FINGER, ObjectKind.COIN, ObjectKind.PALM})
MOUSE_FINGER: Final = -1
"""Where real touch is read, the mouse is a finger too."""


@dataclass(slots=True)
class _Drag:
    """What the mouse has hold of."""

    key: int
    part: Literal["face", "rim"]
    offset_mm: tuple[float, float]
    begun_mm: tuple[float, float]
    still_at: tuple[int, int]
    still_s: float = 0.0
    pressing: bool = False


class Pointer:
    """Turns events on the glass into calls of the session, one each.

    Args:
        session: that is called.
        open_menu: opens the menu of a place, mm, at a pixel: the right button, or a long press on bare glass.
    """

    def __init__(self, session: Session, open_menu: Callable[[float, float, tuple[int, int]], None]) -> None:
        self._session = session
        self._open_menu = open_menu
        self._bare: tuple[float, float, tuple[int, int]] | None = None
        self._bare_s = 0.0
        self._drag: _Drag | None = None
        self._fingers: dict[int, tuple[float, float]] = {}
        self._mouse_down = False
        self._by_rig = False

    def handle(self, event: pygame.event.Event, glass: Glass, size: tuple[int, int], source: Source) -> bool:
        """Take an event; whether it was one of the glass.

        Args:
            event: of mouse or fingers.
            glass: where it stands.
            size: of the window, pixels.
            source: what is read: things are moved on a simulated panel, and where a rig is to press.
        """
        if event.type in (pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP):
            return self._finger(event, glass, size)
        if source.kind is SourceKind.TOUCH:
            return self._mouse_as_finger(event, glass)
        self._by_rig = source.kind is SourceKind.RIG
        if source.kind is not SourceKind.SIMULATED and not (self._by_rig and source.can_press):
            return False
        match event.type:
            case pygame.MOUSEBUTTONDOWN if glass.body.collidepoint(event.pos) or self._picked(
                event.pos, glass
            ):
                return self._down(event, glass)
            case pygame.MOUSEMOTION if self._bare is not None:
                if math.dist(event.pos, self._bare[2]) > _STILL_PX:
                    self._bare = None
            case pygame.MOUSEBUTTONUP if self._bare is not None:
                self._bare = None
            case pygame.MOUSEMOTION if self._drag is not None:
                self._move(self._drag, event.pos, glass)
                return True
            case pygame.MOUSEBUTTONUP if self._drag is not None and event.button == 1:
                self._release(self._drag)
                return True
            case pygame.MOUSEWHEEL:
                return self._wheel(event)
        return False

    def advance(self, dt_s: float) -> None:
        """Let time pass: a pointer that rests presses what it holds, or opens the menu of bare glass."""
        if self._bare is not None:
            self._bare_s += dt_s
            if self._bare_s >= MENU_S:
                bare, self._bare = self._bare, None
                self._open_menu(*bare)
        drag = self._drag
        if drag is None or drag.pressing or drag.part == "rim":
            return
        drag.still_s += dt_s
        if drag.still_s >= HOLD_S:
            drag.pressing = True
            self._press(drag.key)

    def release(self) -> None:
        """Let go of everything: the window lost the mouse."""
        self._bare = None
        if self._drag is not None:
            self._release(self._drag)

    def _picked(self, place: tuple[int, int], glass: Glass) -> bool:
        return self._session.scene.pick(*glass.to_mm(place)) is not None

    def _down(self, event: pygame.event.Event, glass: Glass) -> bool:
        scene = self._session.scene
        x_mm, y_mm = glass.to_mm(event.pos)
        picked = scene.pick(x_mm, y_mm)
        if event.button == 3 and self._session.plan is not None:
            return True
        if event.button == 3:
            self._open_menu(x_mm, y_mm, event.pos)
            return True
        if event.button != 1:
            return False
        if picked is None and self._session.glass_is_empty:
            picked = self._taken_ghost(x_mm, y_mm)
        if picked is None:
            if self._session.plan is None:
                scene.selected = None
                self._bare, self._bare_s = (x_mm, y_mm, event.pos), 0.0
            return True
        scene.selected = picked.key
        thing = scene.get(picked.key)
        if thing is None:
            return True
        offset = thing.hold.x_mm - x_mm, thing.hold.y_mm - y_mm
        self._drag = _Drag(picked.key, picked.part, offset, (x_mm, y_mm), event.pos)
        if thing.kind in _QUICK:
            self._drag.pressing = True
            self._press(picked.key)
        return True

    def _taken_ghost(self, x_mm: float, y_mm: float) -> Picked | None:
        """Put a stamp down where the ghost stood; beside it, say how to get one, and return None."""
        panel = self._session.panel
        middle = panel.width_mm / 2, panel.height_mm / 2
        if math.dist(middle, (x_mm, y_mm)) > INVITATION_MM:
            self._session.messages.say("info", "empty_place")
            return None
        return Picked(self._session.arrangement.add_stamp(None, *middle), "face")

    def _press(self, key: int) -> None:
        if self._by_rig:
            self._session.sources.press_by_rig()
        else:
            self._session.scene.press(key)

    def _move(self, drag: _Drag, place: tuple[int, int], glass: Glass) -> None:
        scene = self._session.scene
        x_mm, y_mm = glass.to_mm(place)
        if math.dist(place, drag.still_at) > _STILL_PX:
            drag.still_at, drag.still_s = place, 0.0
        if drag.part == "rim":
            thing = scene.get(drag.key)
            if thing is not None:
                middle = thing.hold.x_mm, thing.hold.y_mm
                pulled = math.dist((x_mm, y_mm), middle) - math.dist(drag.begun_mm, middle)
                scene.tilt_by_rim(drag.key, *drag.begun_mm, _LIFT_PER_MM * pulled)
        else:
            scene.move(drag.key, x_mm + drag.offset_mm[0], y_mm + drag.offset_mm[1])

    def _release(self, drag: _Drag) -> None:
        if drag.pressing:
            self._session.scene.lift(drag.key)
        self._drag = None

    def _wheel(self, event: pygame.event.Event) -> bool:
        scene = self._session.scene
        if scene.selected is None:
            return False
        fine = 0.2 if pygame.key.get_mods() & pygame.KMOD_SHIFT else 1.0
        scene.turn(scene.selected, -event.y * fine * _WHEEL_RAD)
        return True

    def _finger(self, event: pygame.event.Event, glass: Glass, size: tuple[int, int]) -> bool:
        place = event.x * size[0], event.y * size[1]
        finger = int(event.finger_id)
        if event.type == pygame.FINGERDOWN:
            if not glass.body.collidepoint(place):
                return False
            self._fingers[finger] = place
        elif finger not in self._fingers:
            return False
        if self._session.source.kind is SourceKind.TOUCH:
            phase: Literal["down", "move", "up"] = "move"
            if event.type != pygame.FINGERMOTION:
                phase = "down" if event.type == pygame.FINGERDOWN else "up"
            self._session.sources.finger(finger, place[0] - glass.rect.left, place[1] - glass.rect.top, phase)
        elif event.type == pygame.FINGERMOTION:
            self._twist(finger, place)
        if event.type == pygame.FINGERUP:
            del self._fingers[finger]
        else:
            self._fingers[finger] = place
        return True

    def _twist(self, finger: int, place: tuple[float, float]) -> None:
        """Turn what is selected by as much as the line between two fingers turns."""
        if len(self._fingers) != 2 or self._session.scene.selected is None:
            return
        other = next(at for number, at in self._fingers.items() if number != finger)
        before = self._fingers[finger]
        turned = math.atan2(place[1] - other[1], place[0] - other[0]) - math.atan2(
            before[1] - other[1], before[0] - other[0]
        )
        self._session.scene.turn(self._session.scene.selected, math.remainder(turned, math.tau))

    def _mouse_as_finger(self, event: pygame.event.Event, glass: Glass) -> bool:
        if event.type not in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP):
            return False
        if getattr(event, "touch", False):
            return glass.body.collidepoint(event.pos)  # the finger event says it already
        x, y = event.pos[0] - glass.rect.left, event.pos[1] - glass.rect.top
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1 and glass.rect.collidepoint(event.pos):
            self._mouse_down = True
            self._session.sources.finger(MOUSE_FINGER, x, y, "down")
            return True
        if not self._mouse_down:
            return False
        if event.type == pygame.MOUSEMOTION:
            self._session.sources.finger(MOUSE_FINGER, x, y, "move")
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
            self._mouse_down = False
            self._session.sources.finger(MOUSE_FINGER, x, y, "up")
        return True
