"""A stamp of one's own: pads dragged about on its face, with the distance to the nearest other stamp."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import pygame
from pygame import Rect
from pygame_gui.elements import UIImage
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.dialogs.dialog import Dialog
from stampbench.bench.window.parts.widgets import say
from stampbench.bench.window.session.editing import Points, StampEditor
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.stamps.objects import FACE_RADIUS_MM, PAD_DIAMETER_MM

_BORDER_MM: Final = 5.0
_MESSAGE_LINES: Final = 4


class Drawing(Dialog):
    """The face on the left, what can be done with it on the right.

    Args:
        desk: what to make it with.
        file: catalogue to save in, unless another is typed.
    """

    def __init__(self, desk: Desk, file: str) -> None:
        super().__init__(desk, desk.captions("dialog.custom"), (760, 480))
        if desk.session.arrangement.editor is None:  # a window of another size goes on with the same stamp
            desk.session.arrangement.begin_stamp()
        captions = desk.captions
        inside = Rect((0, 0), self.window.get_container().get_size())
        side = min(inside.height, round(0.56 * inside.width)) - desk.px(16)
        self._place = Rect(desk.px(8), (inside.height - side) // 2, side, side)
        self._canvas = UIImage(
            self._place, pygame.Surface((side, side)), desk.widgets, container=self.window.get_container()
        )
        self._px_per_mm = side / 2 / (FACE_RADIUS_MM + _BORDER_MM)
        self._held: int | None = None
        self._last = 0
        self._drawn_of: Points | None = None
        left = self._place.right + desk.px(4)
        form = self.form(Rect(left, 0, inside.width - left, inside.height))
        self._width = form.width
        form.text(captions("dialog.custom_hint"))
        self._lines = [form.text("", look=None) for _ in range(_MESSAGE_LINES)]
        form.buttons(
            [
                desk.plan("button.add_pad", "add_pad", do=self._add),
                desk.plan("button.remove_pad", "remove_pad", do=self._remove),
            ]
        )
        form.buttons([desk.plan("button.place", "place_stamp", look="#primary", do=self._put)])
        self._name, _ = form.entry("stamp_name", captions("dialog.name"), "custom-1", 150, lambda _: None)
        self._file, _ = form.entry("stamp_file", captions("dialog.file"), file, 200, lambda _: None)
        form.buttons([desk.plan("button.save", "save_stamp", do=self._save)])
        form.finish()

    def closed(self) -> None:
        """Forget the stamp."""
        self.desk.session.arrangement.end_stamp()

    def handle(self, event: pygame.event.Event) -> bool:
        """Drag pads on the face."""
        editor = self.desk.session.arrangement.editor
        if editor is None:
            return False
        if (
            event.type == pygame.MOUSEBUTTONDOWN
            and event.button == 1
            and self._canvas.rect.collidepoint(event.pos)
        ):
            x, y = self._mm(event.pos)
            reach = np.hypot(*(editor.pads_mm - (x, y)).T)
            nearest = int(reach.argmin())
            if reach[nearest] <= PAD_DIAMETER_MM:
                self._held = self._last = nearest
            return True
        if event.type == pygame.MOUSEMOTION and self._held is not None:
            editor.move(self._held, *self._mm(event.pos))
            return True
        if event.type == pygame.MOUSEBUTTONUP and self._held is not None:
            self._held = None
            return True
        return False

    def refresh(self, session: Session) -> None:
        """Draw the face and say what is nearest."""
        editor = session.arrangement.editor
        if editor is None:
            return
        pads_mm = editor.pads_mm
        if self._drawn_of is not None and np.array_equal(pads_mm, self._drawn_of):
            return
        self._drawn_of = pads_mm
        captions, lettering = self.desk.captions, self.desk.lettering
        text, problem = captions("dialog.nearest_none"), editor.problem
        if editor.nearest is not None:
            code, distance_mm = editor.nearest
            text = captions("dialog.nearest", name=session.setup.codes.name_of(code), distance_mm=distance_mm)
        lines = lettering.wrapped(text, 13, self._width)
        if problem is not None:
            lines += lettering.wrapped(self.desk.explained(problem), 13, self._width)
        for number, label in enumerate(self._lines):
            say(label, lines[number] if number < len(lines) else "")
        self._canvas.set_image(self._drawn(editor))

    def _drawn(self, editor: StampEditor) -> pygame.Surface:
        lettering = self.desk.lettering
        side = self._place.width
        picture = pygame.Surface((side, side))
        picture.fill("#f4f6f8")
        middle = side / 2, side / 2
        pygame.draw.aacircle(picture, theme.CARD, middle, (FACE_RADIUS_MM + _BORDER_MM - 1) * self._px_per_mm)
        pygame.draw.aacircle(picture, theme.LINE, middle, FACE_RADIUS_MM * self._px_per_mm, 1)
        good = editor.problem is None
        for number, (x_mm, y_mm) in enumerate(editor.pads_mm, start=1):
            place = middle[0] + float(x_mm) * self._px_per_mm, middle[1] + float(y_mm) * self._px_per_mm
            radius = 0.5 * PAD_DIAMETER_MM * self._px_per_mm
            pygame.draw.aacircle(picture, theme.PAD if good else theme.WRONG, place, radius)
            if number - 1 == self._last:
                pygame.draw.aacircle(picture, theme.ACCENT, place, radius + 4, max(2, self.desk.px(2)))
            text = place[0], place[1] - lettering.height(13) / 2
            lettering.write(picture, str(number), text, 13, "#ffffff", bold=True, align="centre")
        return picture

    def _mm(self, place: tuple[int, int]) -> tuple[float, float]:
        middle = self._canvas.rect.center
        return (place[0] - middle[0]) / self._px_per_mm, (place[1] - middle[1]) / self._px_per_mm

    def _add(self) -> None:
        """Return the place of a pad where the others are farthest."""
        editor = self.desk.session.arrangement.editor
        if editor is None:
            return
        angles = np.arange(24) * math.tau / 24
        ring = np.column_stack([np.cos(angles), np.sin(angles)])
        spots = np.concatenate([[(0.0, 0.0)], 11.0 * ring[::2], 19.0 * ring])
        gaps = np.hypot(*(spots[:, None] - editor.pads_mm[None]).transpose(2, 0, 1)).min(axis=1)
        x_mm, y_mm = spots[int(gaps.argmax())]
        editor.add(float(x_mm), float(y_mm))
        self._last = len(editor.pads_mm) - 1

    def _remove(self) -> None:
        editor = self.desk.session.arrangement.editor
        if editor is not None:
            editor.remove(min(self._last, len(editor.pads_mm) - 1))
            self._last = min(self._last, len(editor.pads_mm) - 1)

    def _put(self) -> None:
        self.desk.session.arrangement.place_stamp()
        self.close()

    def _save(self) -> None:
        path, name = self._file.get_text().strip(), self._name.get_text().strip()
        self.desk.session.arrangement.save_stamp(Path(path).expanduser(), name)
