"""The tour: what the first window of a person shows them, in ten seconds that any key ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pygame
from stampbench.bench.window.captions import Captions
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import Lettering

STEPS: Final = ("glass", "verdict", "tabs", "sources")
STEP_S: Final = 2.5
_DIM: Final = 110
_PAD: Final = 12


class Tour:
    """Sentences one after the other, each beside what it is about."""

    def __init__(self) -> None:
        self._passed_s = STEP_S * len(STEPS)

    @property
    def step(self) -> str | None:
        """What is shown; None while there is no tour."""
        place = int(self._passed_s / STEP_S)
        return STEPS[place] if place < len(STEPS) else None

    def begin(self) -> None:
        """Show the first sentence."""
        self._passed_s = 0.0

    def advance(self, dt_s: float) -> None:
        """Let time pass."""
        self._passed_s += dt_s

    def handle(self, event: pygame.event.Event) -> bool:
        """End at any key, which then does nothing else, and at a click, which does what it does."""
        if self.step is None or event.type not in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            return False
        self._passed_s = STEP_S * len(STEPS)
        return event.type == pygame.KEYDOWN

    def draw(
        self,
        surface: pygame.Surface,
        places: Mapping[str, pygame.Rect],
        lettering: Lettering,
        captions: Captions,
    ) -> None:
        """Dim all but what the sentence is about, and write it there."""
        step = self.step
        if step is None:
            return
        lit = places[step].clip(surface.get_rect())
        shade = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
        shade.fill((0, 0, 0, _DIM))
        shade.fill((0, 0, 0, 0), lit)
        surface.blit(shade, (0, 0))
        pygame.draw.rect(surface, theme.ACCENT, lit, max(2, round(2 * lettering.scale)))
        pad, width = (
            round(_PAD * lettering.scale),
            min(surface.get_width() // 2, round(420 * lettering.scale)),
        )
        lines = lettering.wrapped(captions(f"tour.{step}"), 15, width - 2 * pad)
        lines.append(captions("tour.end"))
        box = pygame.Rect(0, 0, width, len(lines) * lettering.height(15) + 2 * pad)
        box.midbottom = lit.centerx, lit.bottom - pad  # below what it is about, as far as there is room
        box.clamp_ip(surface.get_rect())
        pygame.draw.rect(surface, theme.BEZEL, box, border_radius=pad // 2)
        for number, line in enumerate(lines):
            last = number == len(lines) - 1
            y = box.top + pad + number * lettering.height(15)
            size, ink = (12, theme.FAINT) if last else (15, "#ffffff")
            lettering.write(surface, line, (box.left + pad, y), size, ink, within=width - 2 * pad)


def first_time(folder: Path | None = None) -> bool:
    """Return whether this person opens a window for the first time, and remember that they did.

    Args:
        folder: where that is remembered; None: the person's configuration. Where it cannot be written to, no
            time counts as the first: a tour at every start would be worse than none.
    """
    if folder is None:
        import platformdirs

        folder = platformdirs.user_config_path("stampbench")
    mark = folder / "window-seen"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except OSError:
        return False
    return True
