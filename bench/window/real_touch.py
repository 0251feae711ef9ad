"""Real touch in the phone's card: which pixels are touched, and how large a pixel is."""

from __future__ import annotations

from typing import Final

import pygame
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.sources.touch import DEFAULT_MM_PER_PX, Calibrations

_RIM: Final = 16
"""Of the card, around what is touched; at 100 % scale."""


class RealTouch:
    """Begins to read real touch and keeps its calibration.

    Args:
        session: that reads it.
        calibrations: of this machine's displays.
    """

    def __init__(self, session: Session, calibrations: Calibrations) -> None:
        self._session = session
        self._calibrations = calibrations
        self._display = 0

    @property
    def mm_per_px(self) -> float:
        """Size of a pixel: as in use, or as calibrated once, or the nominal one."""
        if self._session.sources.touch is not None:
            return self._session.sources.touch.mm_per_px
        return self._calibrations.mm_per_px(self._display_px()) or DEFAULT_MM_PER_PX

    def use(self, card: pygame.Rect, scale: float) -> bool:
        """Read real touch in a card; whether its display has yet to be calibrated."""
        calibrated = self._calibrations.mm_per_px(self._display_px()) is not None
        self._session.sources.use_touch(*_area(card, scale), self.mm_per_px)
        return not calibrated

    def fit(self, card: pygame.Rect, scale: float) -> float | None:
        """Take in the card's size: pixels per mm at which it is drawn, None if it is not read."""
        touch = self._session.sources.touch
        if touch is None:
            return None
        touch.resize(*_area(card, scale))
        return 1.0 / touch.mm_per_px

    def calibrate(self, mm_per_px: float) -> None:
        """Set the size of a pixel of this display, and remember it."""
        self._calibrations.keep(self._display_px(), mm_per_px)
        self._session.sources.calibrate(mm_per_px)

    def display_changed(self, display: int) -> None:
        """Take in that the window moved to another display, whose pixels may have another size."""
        self._display = display
        mm_per_px = self._calibrations.mm_per_px(self._display_px())
        if mm_per_px is not None:
            self._session.sources.calibrate(mm_per_px)

    def _display_px(self) -> tuple[int, int]:
        """Return the size of the display that the window is on, in the pixels that events come in."""
        sizes = pygame.display.get_desktop_sizes()
        return sizes[self._display] if self._display < len(sizes) else (0, 0)


def _area(card: pygame.Rect, scale: float) -> tuple[int, int]:
    """Return pixels of the card that are touched: all but a rim."""
    rim = 2 * round(_RIM * scale)
    return max(1, card.width - rim), max(1, card.height - rim)
