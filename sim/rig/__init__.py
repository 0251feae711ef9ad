"""A serial-attached rig in software: a panel and its firmware behind a pseudo-terminal or a TCP socket."""

from stampbench.sim.panels import PressedPanel, SimulatedPanel
from stampbench.sim.rig.channels import Listen, open_channel
from stampbench.sim.rig.faulty import RigFaults
from stampbench.sim.rig.virtual import VirtualRig, served, virtual_rig

__all__ = [
    "Listen",
    "PressedPanel",
    "RigFaults",
    "SimulatedPanel",
    "VirtualRig",
    "open_channel",
    "served",
    "virtual_rig",
]
