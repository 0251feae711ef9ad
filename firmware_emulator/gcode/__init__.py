"""Motion controllers in software: GRBL 1.1 and Marlin 2 as a host meets them, with faults of real ones."""

from stampbench.firmware_emulator.gcode.firmware import Firmware
from stampbench.firmware_emulator.gcode.grbl import Grbl
from stampbench.firmware_emulator.gcode.marlin import Marlin
from stampbench.firmware_emulator.gcode.motion import MachineFaults, Motion

__all__ = ["Firmware", "Grbl", "MachineFaults", "Marlin", "Motion"]
