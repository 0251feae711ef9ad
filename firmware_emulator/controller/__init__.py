"""The touch controller: baseline, filters, segmentation, centroid, tracking and reporting policy."""

from __future__ import annotations

from stampbench.firmware_emulator.controller.controller import Controller
from stampbench.firmware_emulator.controller.settings import ControllerSettings, PanelGeometry

__all__ = ["Controller", "ControllerSettings", "PanelGeometry"]
