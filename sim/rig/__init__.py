"""A serial-attached rig in software: a device behind a pseudo-terminal or a TCP socket."""

from stampbench.sim.rig.channels import Listen, open_channel
from stampbench.sim.rig.faulty import RigFaults
from stampbench.sim.rig.virtual import VirtualRig, served, virtual_rig, warmed_up

__all__ = [
    "Listen",
    "RigFaults",
    "VirtualRig",
    "open_channel",
    "served",
    "virtual_rig",
    "warmed_up",
]
