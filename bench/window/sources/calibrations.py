"""Calibrations of this machine's displays, kept between sessions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final

DEFAULT_MM_PER_PX: Final = 25.4 / 96.0
"""Where nobody has calibrated: 96 pixels to the inch, the nominal size of a CSS pixel."""


class Calibrations:
    """Size of a pixel for each display.

    A display is known by its size in the pixels that events come in: another scale of the operating system
    gives it another size, and so another calibration.

    Args:
        path: of the file; None: they are forgotten at the end.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._unwritten: dict[str, object] = {}

    @classmethod
    def of_user(cls) -> Calibrations:
        """Those of the person who runs this."""
        import platformdirs

        return cls(platformdirs.user_config_path("stampbench") / "displays.json")

    def mm_per_px(self, display_px: tuple[int, int]) -> float | None:
        """Size of a pixel of a display, mm; None if it was never calibrated."""
        value = self._all().get(_key(display_px))
        if isinstance(value, int | float) and math.isfinite(value) and value > 0:
            return float(value)
        return None

    def keep(self, display_px: tuple[int, int], mm_per_px: float) -> bool:
        """Remember a calibration; whether it could be written."""
        if self._path is None:
            self._unwritten[_key(display_px)] = mm_per_px
            return True
        known = self._all()
        known[_key(display_px)] = mm_per_px
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        except OSError:
            return False
        return True

    def _all(self) -> dict[str, object]:
        if self._path is None:
            return self._unwritten
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file, or none of ours: calibrate again
            return {}
        return dict(known) if isinstance(known, dict) else {}


def _key(display_px: tuple[int, int]) -> str:
    return f"{display_px[0]}x{display_px[1]}"
