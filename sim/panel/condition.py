"""The condition of a panel: which effects act on it, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stampbench.firmware_emulator.settings import setting, settings_from_mapping, settings_to_mapping


@dataclass(frozen=True, slots=True)
class Condition:
    """Scales of effects: 1 is the size measured on the profile's device, 0 switches off. Lines count from 0.

    >>> sb.Condition(noise=2.0, charger_v=1.5, dead_rx=(3,)).dead_rx
    (3,)

    Attributes:
        noise: node, line, frame and static noise of the untouched panel.
        loud_frames, uneven_nodes, noise_memory: tails, unevenness and memory of the noise, where the profile
            has figures of them; off unless asked for.
        stripe: display noise on RX lines under a touch.
        drift: slow common drift.
        memory: what a long touch leaves behind on its nodes.
        charger_v: common mode of a connected charger, volts peak to peak; 2 is the most permitted.
        protector_mm: thickness of a glass screen protector; attenuates and widens.
        water_drops: number of drops, anywhere on the panel.
        water_film: film of water over the whole panel, 0..1; 1 reads on every node as a drop does.
        palm: whether the ball of a thumb lies along the lower edge.
        resting_fingers: number of fingers that hold the device and rest on its long edges.
        dead_tx, dead_rx: lines that read 0.
        shorted_tx, shorted_rx: lines that are connected to the next one: both read the mean.
        stuck_nodes: number of nodes that read a fixed value.
        torn_rows: number of upper rows that are read one scan late (11 in the recordings of the Nexus 5).
    """

    noise: float = setting(1.0, low=0.0, high=100.0)
    loud_frames: float = setting(0.0, low=0.0, high=3.0)
    uneven_nodes: float = setting(0.0, low=0.0, high=3.0)
    noise_memory: float = setting(0.0, low=0.0, high=1.0)
    stripe: float = setting(1.0, low=0.0, high=100.0)
    drift: float = setting(1.0, low=-1e6, high=1e6)
    memory: float = setting(1.0, low=0.0, high=100.0)
    charger_v: float = setting(0.0, low=0.0, high=20.0)
    protector_mm: float = setting(0.0, low=0.0, high=2.0)
    water_drops: int = setting(0, low=0, high=200)
    water_film: float = setting(0.0, low=0.0, high=1.0)
    palm: bool = False
    resting_fingers: int = setting(0, low=0, high=10)
    dead_tx: tuple[int, ...] = setting((), low=0)
    dead_rx: tuple[int, ...] = setting((), low=0)
    shorted_tx: tuple[int, ...] = setting((), low=0)
    shorted_rx: tuple[int, ...] = setting((), low=0)
    stuck_nodes: int = setting(0, low=0, high=1000)
    torn_rows: int = setting(0, low=0, high=512)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str = "condition") -> Condition:
        """Read from a plan or a message.

        Raises:
            InputError: an unknown key, a wrong type, or a value outside its range.
        """
        return settings_from_mapping(cls, mapping, where)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_mapping` reads back."""
        return settings_to_mapping(self)
