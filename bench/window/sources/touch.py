"""Real touch on this machine's own screen: finger events as reports in mm, and how large a pixel is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.screen.sources import Item, PanelInfo, SourceKind, SourceState

Phase: TypeAlias = Literal["down", "move", "up"]

CARD_MM: Final = (85.60, 53.98)
"""A bank card (ISO/IEC 7810 ID-1): what a person lays on the glass to tell mm from pixels."""
DEFAULT_MM_PER_PX: Final = 25.4 / 96.0
"""Where nobody has calibrated: 96 pixels to the inch, the nominal size of a CSS pixel."""
_UNITS_PER_MM: Final = 100


class TouchInput:
    """Collects finger events; each advance makes one report of them if anything changed.

    Args:
        width_px, height_px: of the area that is touched.
        mm_per_px: size of a pixel, of the same unit in which events come.

    Attributes:
        contacts_most: most simultaneous contacts that this machine has shown.
    """

    kind = SourceKind.TOUCH
    can_press = False
    name = "this screen"
    message = ""
    state = SourceState.LIVE

    def __init__(self, width_px: float, height_px: float, mm_per_px: float) -> None:
        self.contacts_most = 0
        self._size_px = width_px, height_px
        self._down: dict[int, tuple[int, float, float]] = {}
        self._lifted: list[tuple[int, float, float]] = []
        self._changed = False
        self._reports = 0
        self._start_us: int | None = None
        self._last_us = -1
        self.calibrate(mm_per_px)

    @property
    def counters(self) -> Mapping[str, int]:
        """Reports made, and most contacts at once."""
        return {"reports": self._reports, "contacts_max": self.contacts_most}

    @property
    def mm_per_px(self) -> float:
        """Size of a pixel."""
        return self._mm_per_px

    def calibrate(self, mm_per_px: float) -> None:
        """Set the size of a pixel."""
        self._mm_per_px = mm_per_px
        width_px, height_px = self._size_px
        self.panel = PanelInfo(
            "touch", "touchscreen of this machine", width_px * mm_per_px, height_px * mm_per_px
        )

    def resize(self, width_px: float, height_px: float) -> None:
        """Take in that the area that is touched has another size."""
        self._size_px = width_px, height_px
        self.calibrate(self._mm_per_px)

    def touch(self, finger: int, x_px: float, y_px: float, phase: Phase) -> None:
        """Take in one event, positions from the top left corner of the area."""
        before = self._down.get(finger)
        number = before[0] if before else self._free_number()
        if phase == "up":
            if before:
                del self._down[finger]
                self._lifted.append((number, x_px, y_px))
        else:
            self._down[finger] = number, x_px, y_px
            self.contacts_most = max(self.contacts_most, len(self._down))
        self._changed = True

    def advance(self, to_us: int) -> Sequence[Item]:
        """Return one report if anything changed."""
        if self._start_us is None:
            self._start_us = to_us
        t_us = to_us - self._start_us
        if not self._changed or t_us <= self._last_us:
            return ()
        contacts = [self._contact(place, True) for place in self._down.values()]
        contacts += [self._contact(place, False) for place in self._lifted]
        self._lifted.clear()
        self._changed = False
        self._reports += 1
        self._last_us = t_us
        return (TouchReport(t_us, tuple(sorted(contacts))),)

    def resume(self, now_us: int) -> None:
        """Do nothing: events come in real time."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _free_number(self) -> int:
        used = {number for number, _, _ in self._down.values()}
        return next(number for number in range(len(used) + 1) if number not in used)

    def _contact(self, place: tuple[int, float, float], tip: bool) -> Contact:
        number, x_px, y_px = place
        x_mm, y_mm = x_px * self._mm_per_px, y_px * self._mm_per_px
        return Contact(number, tip, round(x_mm * _UNITS_PER_MM), round(y_mm * _UNITS_PER_MM), x_mm, y_mm)


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
        """Return those of the person who runs this."""
        import platformdirs

        return cls(platformdirs.user_config_path("stampbench") / "displays.json")

    def mm_per_px(self, display_px: tuple[int, int]) -> float | None:
        """Return the size of a pixel of a display, mm; None if it was never calibrated."""
        value = self._all().get(_key(display_px))
        if isinstance(value, int | float) and math.isfinite(value) and value > 0:
            return float(value)
        return None

    def keep(self, display_px: tuple[int, int], mm_per_px: float) -> bool:
        """Remember a calibration; whether it could be written."""
        if self._path is None:
            self._unwritten[_key(display_px)] = mm_per_px
            return True
        kept = self._all()
        kept[_key(display_px)] = mm_per_px
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        except OSError:
            return False
        return True

    def _all(self) -> dict[str, object]:
        if self._path is None:
            return self._unwritten
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file, or none of ours: calibrate again
            return {}
        return dict(kept) if isinstance(kept, dict) else {}


def _key(display_px: tuple[int, int]) -> str:
    return f"{display_px[0]}x{display_px[1]}"
