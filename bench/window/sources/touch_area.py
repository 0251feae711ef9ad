"""The touch area behind recordings and other hardware, whether or not they tell its size."""

from __future__ import annotations

from typing import Final

from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.recording import Recording, in_mm
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.screen.sources import PanelInfo

UNKNOWN_WIDTH_MM: Final = 100.0
"""Width at which touches are drawn whose device does not tell its size."""


class TouchArea:
    """What a device says of its touch area, and its reports in mm.

    Args:
        device: its name.
        x_range, y_range: smallest and largest coordinate; None where it is not known.
        size_mm: of that range; None where it is not known: a likely one is taken for drawing.

    Attributes:
        panel: as the screen shows it.
    """

    def __init__(
        self,
        device: str,
        x_range: tuple[int, int] | None,
        y_range: tuple[int, int] | None,
        size_mm: tuple[float, float] | None,
        *,
        cancel_limit: int | None = None,
    ) -> None:
        self._scale: tuple[float, float, int, int] | None = None
        sized = size_mm is not None
        if x_range is not None and y_range is not None:
            width, height = x_range[1] - x_range[0], y_range[1] - y_range[0]
            if size_mm is None:
                size_mm = UNKNOWN_WIDTH_MM, UNKNOWN_WIDTH_MM * height / max(1, width)
            self._scale = size_mm[0] / max(1, width), size_mm[1] / max(1, height), x_range[0], y_range[0]
        if size_mm is None:
            size_mm = UNKNOWN_WIDTH_MM, UNKNOWN_WIDTH_MM
        name = device or "unnamed device"
        self.panel = PanelInfo(name, name, *size_mm, cancel_limit=cancel_limit, sized=sized)

    @classmethod
    def of_header(cls, header: CaptureHeader | Recording, cancel_limit: int | None = None) -> TouchArea:
        """Return what the header of a capture, a recording or a device says."""
        known_x = header.x_min is not None and header.x_max is not None
        known_y = header.y_min is not None and header.y_max is not None
        sized = header.width_mm is not None and header.height_mm is not None
        return cls(
            header.device,
            (header.x_min or 0, header.x_max or 0) if known_x else None,
            (header.y_min or 0, header.y_max or 0) if known_y else None,
            (header.width_mm or 0.0, header.height_mm or 0.0) if sized else None,
            cancel_limit=cancel_limit,
        )

    def report(self, report: TouchReport) -> TouchReport:
        """Return the report with places in mm, where it has none."""
        if self._scale is None or all(contact.x_mm is not None for contact in report.contacts):
            return report
        x_scale, y_scale, x_min, y_min = self._scale
        return in_mm(report, x_scale, y_scale, x_min, y_min)
