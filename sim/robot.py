"""A machine in software with a stamp in its head, over a glass in software.

What the machine believes and where its head truly is differ by the faults it was given; the glass feels the
truth.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.gcode import Firmware, Grbl, MachineFaults, Marlin, Motion
from stampbench.sim.device import Device
from stampbench.sim.hold import Hold
from stampbench.sim.panel import PlacedObject, load_profile
from stampbench.sim.rig.channels import Channel, Listen, open_channel
from stampbench.sim.rig.hearing import HearingRig
from stampbench.sim.rig.virtual import warmed_up
from stampbench.sim.stamps.objects import resolve_object

STEP_S: Final = 0.004
"""How often a machine in software looks at its port."""
FIRMWARES: Final = {"grbl": Grbl, "marlin": Marlin}
TRAVEL: Final = {
    "grbl": {"x": (-300.0, 0.0), "y": (-200.0, 0.0), "z": (-60.0, 0.0), "a": (-360.0, 360.0)},
    "marlin": {"x": (0.0, 300.0), "y": (0.0, 200.0), "z": (0.0, 60.0), "a": (-360.0, 360.0)},
}
RATES: Final = {"x": 100.0, "y": 100.0, "z": 40.0, "a": 180.0}


@dataclass(kw_only=True)
class RobotWorld:
    """Where the phone truly lies under a machine, and what the head carries.

    Attributes:
        motion: of the machine.
        object: in the head.
        origin: machine x and y of the upper left corner of the glass, mm.
        rotation_deg: of the phone on the machine.
        touch_z: machine z at which the object just touches.
        depth_mm: way of its spring from the first touch to full contact.
        turned_deg: how it is mounted.
        slip_at_press, slip_mm: the phone is nudged by so much, in x of the machine, at this press; 0: never.
    """

    motion: Motion
    object: str
    origin: tuple[float, float]
    rotation_deg: float = 0.0
    touch_z: float = 0.0
    depth_mm: float = 1.0
    turned_deg: float = 0.0
    slip_at_press: int = 0
    slip_mm: float = 0.0
    presses: int = field(default=0, init=False)
    _touching: bool = field(default=False, init=False)

    def standing(self) -> tuple[PlacedObject, ...]:
        """Return what stands on the glass now; y of the glass runs against y of the machine."""
        head = self.motion.head()
        force = min(max((self.touch_z - head["z"]) / self.depth_mm, 0.0), 1.0)
        if force and not self._touching:
            self.presses += 1
        self._touching = force > 0.0
        if not force:
            return ()
        slipped = self.slip_mm if self.slip_at_press and self.presses >= self.slip_at_press else 0.0
        x, y = head["x"] - self.origin[0] - slipped, head["y"] - self.origin[1]
        turn = math.radians(self.rotation_deg)
        along = x * math.cos(turn) + y * math.sin(turn)
        across = -x * math.sin(turn) + y * math.cos(turn)
        theta = math.radians(self.turned_deg - head["a"])
        hold = Hold(along, -across, theta, force=force)
        return (PlacedObject(resolve_object(self.object), hold),)


class VirtualLine:
    """A port to a machine in this process, whose time passes while it is read.

    Args:
        firmware: of the machine.
        advance: lets so many seconds pass.
    """

    def __init__(self, firmware: Firmware, advance: Callable[[float], None]) -> None:
        self._firmware = firmware
        self._advance = advance

    def read(self) -> bytes:
        """Return what the machine says within a hundredth of a second."""
        if said := self.read_now():
            return said
        self._advance(0.01)
        return self.read_now()

    def read_now(self) -> bytes:
        """Return what the machine has said by now."""
        said = self._firmware.step()
        if self._firmware.cut:
            raise LinkError("the machine's port is gone")
        return said

    def write(self, data: bytes) -> None:
        """Send bytes to the machine."""
        self._firmware.feed(data)

    def close(self) -> None:
        """Do nothing: there is no port."""


def station_of(speaks: str, object_name: str) -> dict[str, Any]:
    """Return the keys of a station file that fits a machine in software."""
    travel = TRAVEL[speaks]
    middle_x, middle_y = (0.5 * sum(travel[axis]) for axis in ("x", "y"))
    touch_z = travel["z"][0] + 15.0
    return {
        "object": object_name,
        **{axis: list(limits) for axis, limits in travel.items()},
        "touch_z": touch_z,
        "depth_mm": 1.0,
        "origin": [middle_x - 40.0, middle_y + 60.0],
    }


def machine_in_software(
    speaks: str, faults: MachineFaults | None = None, clock: Callable[[], float] = time.monotonic
) -> Firmware:
    """Return a machine of 300 x 200 x 60 mm with a fourth axis that speaks ``grbl`` or ``marlin``."""
    motion = Motion(clock, TRAVEL[speaks], RATES, faults=faults or MachineFaults())
    return FIRMWARES[speaks](motion)


def serve_machine(firmware: Firmware, channel: Channel) -> None:
    """Let a machine answer on a channel until that is interrupted, or its port is cut."""
    while not channel.interrupted and not firmware.cut:
        if data := channel.read(STEP_S):
            firmware.feed(data)
        if said := firmware.step():
            channel.write_now(said)


@contextmanager
def emulated_robot(
    world: RobotWorld,
    firmware: Firmware,
    profile: str,
    *,
    listen: Listen | str = Listen.AUTO,
    tcp_ports: tuple[int, int] = (0, 0),
) -> Iterator[tuple[str, str]]:
    """Serve a machine, and the rig that hears its stamp, while the block runs; yields both ports.

    Raises:
        InputError: there is no such profile or object, or a channel cannot be had.
        LinkError: one of them died; raised when the block ends.
    """
    resolve_object(world.object)
    device = warmed_up(Device(load_profile(profile), serial_number="under the robot"))
    with (
        closing(open_channel(listen, tcp_ports[0])) as machine,
        closing(open_channel(listen, tcp_ports[1])) as glass,
    ):
        rig = HearingRig(device, glass, world.standing)
        with ThreadPoolExecutor(2, thread_name_prefix="robot") as executor:
            served = [executor.submit(serve_machine, firmware, machine), executor.submit(rig.serve)]
            try:
                yield machine.port, glass.port
            finally:
                machine.interrupt()
                glass.interrupt()
                for one in served:
                    if error := one.exception():
                        raise LinkError(
                            f"the robot in software died: {type(error).__name__}: {error}"
                        ) from error
