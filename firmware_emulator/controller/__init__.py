"""The touch controller: baseline, filters, segmentation, centroid, tracking and reporting policy."""

from __future__ import annotations

from stampbench.firmware_emulator.controller.configuration import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.controller import Controller

__all__ = ["Controller", "ControllerSettings", "PanelGeometry"]
