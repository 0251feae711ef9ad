"""The key table."""

from __future__ import annotations

import pygame
from pygame_gui.elements import UIImage
from stampbench.bench.window.keys import BINDINGS, GROUPS, IN_A_PLAN
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.dialogs.dialog import Dialog
from stampbench.sim.screen import theme

_MOUSE = ("drag", "wheel", "rim", "right", "drop")
_KEY_WIDTH = 92


class Help(Dialog):
    """All keys by what they are for, and what the mouse does."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, desk.captions("dialog.help"), (1000, 640))
        form = self.form()
        picture = self._drawn(form.width)
        place = form.space(picture.get_height() / desk.scale)
        UIImage(
            pygame.Rect(place.topleft, picture.get_size()), picture, desk.widgets, container=form.container
        )
        form.finish()

    def _drawn(self, width: int) -> pygame.Surface:
        desk = self.desk
        lettering, captions, px = desk.lettering, desk.captions, desk.px
        operated = desk.session.plan is not None
        groups = [
            (
                captions(f"group.{group}"),
                [
                    (binding.label, captions(f"action.{binding.action}"))
                    for binding in BINDINGS
                    if binding.group == group and _is_for(binding.action, operated=operated)
                ],
            )
            for group in GROUPS
        ]
        groups = [(heading, rows) for heading, rows in groups if rows]
        mouse = _MOUSE[:3] if operated else _MOUSE
        groups.append((captions("group.mouse"), [("", captions(f"mouse.{name}")) for name in mouse]))
        columns = max(1, min(3, width // px(290)))
        column_width = width // columns
        row = lettering.height(12) + px(2)
        blocks = [(len(rows) + 1) * row + px(12) for _, rows in groups]
        # Whole blocks from column to column; the lowest height at which they fit.
        height = max(max(blocks), sum(blocks) // columns)
        while _columns_needed(blocks, height) > columns:
            height += px(6)
        picture = pygame.Surface((width, height))
        picture.fill(theme.CARD)
        x = y = 0
        for (heading, rows), block in zip(groups, blocks, strict=True):
            if y + block > height:
                x, y = x + column_width, 0
            lettering.write(picture, heading, (x, y), 13, theme.ACCENT, bold=True)
            top = y + row + px(2)
            for keys, what in rows:
                left = x + (px(_KEY_WIDTH) if keys else 0)
                lettering.write(picture, keys, (x, top), 12, theme.INK, bold=True, within=px(_KEY_WIDTH - 4))
                lettering.write(
                    picture, what, (left, top), 12, theme.INK, within=x + column_width - left - px(8)
                )
                top += row
            y += block
        return picture


def _is_for(action: str, *, operated: bool) -> bool:
    """Return whether a key does something where a plan is pressed, or where none is."""
    return IN_A_PLAN.get(action) == action if operated else not action.startswith("plan_")


def _columns_needed(blocks: list[int], height: int) -> int:
    columns, y = 1, 0
    for block in blocks:
        if y + block > height:
            columns, y = columns + 1, 0
        y += block
    return columns
