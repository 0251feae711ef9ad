"""A long run of rig and reader with faults on the line: do the books of the link balance?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stampbench.bench.rig.serial_rig import SerialRig
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.link.faults import BYTE_FAULTS, Faults, Injected
from stampbench.firmware_emulator.link.packets import LinkCounters
from stampbench.sim.rig import Listen, RigFaults, open_channel, served
from stampbench.sim.rig.pattern import PatternDevice, pattern_press, pattern_report

SCANS = 250
"""Scans of one press."""
SHARE = 0.0002
"""Of the packets that each kind of fault befalls."""
SOAK_FAULTS = Faults.from_mapping(
    dict.fromkeys((*BYTE_FAULTS, "join_packets", "drop_packet", "repeat_packet", "swap_packets"), SHARE)
    | {
        "stall": SHARE / 10,
        "stall_ms": 20.0,
        "first_sequence": (1 << 32) - 10_000,
        "first_t_us": (1 << 32) - 30_000_000,
    }
)
"""Every fault of a line, and numbers and clock that wrap within the first minute."""
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = 4096


@dataclass(slots=True)
class SoakResult:
    """What a soak found.

    Attributes:
        presses, whole: presses begun, and those of which every report arrived.
        link_errors: presses that ended in a LinkError.
        altered: reports that the rig never sent.
        injected: what was done to the line.
        counters: what the reader counted.
        round_trips_ms: times from a command to its answer.
        memory_mb: of this process, at the start and at the end.
    """

    presses: int = 0
    whole: int = 0
    link_errors: int = 0
    altered: int = 0
    injected: Injected = field(default_factory=Injected)
    counters: LinkCounters = field(default_factory=LinkCounters)
    round_trips_ms: list[float] = field(default_factory=list)
    memory_mb: tuple[float, float] = (0.0, 0.0)

    @property
    def lost_uncounted(self) -> int:
        """Packets sent that were neither delivered nor counted as lost; must be 0."""
        return self.injected.packets - self.counters.packets - self.counters.lost

    @property
    def passed(self) -> bool:
        """True if nothing was lost uncounted, and nothing altered."""
        return self.lost_uncounted == 0 and self.altered == 0


def soak(
    seconds: float,
    *,
    seed: int = 0,
    listen: Listen = Listen.AUTO,
    faults: Faults = SOAK_FAULTS,
    clock: Callable[[], float] = time.monotonic,
    progress: Callable[[float], None] = lambda seconds: None,
) -> SoakResult:
    """Let a rig press and read it for some time, with faults on the line.

    Args:
        seconds: how long, at least one press.
        seed: of the faults.
        listen: what the rig is reached through.
        faults: what befalls the line; reboots make losses that nobody can count.
        clock: seconds; real time unless a test says otherwise.
        progress: told the seconds that have passed, after each press.

    Raises:
        LinkError: the rig does not answer any more.
    """
    result = SoakResult()
    befalls = RigFaults(faults, seed)
    result.injected = befalls.injected
    befalls.active = False
    begun_s = clock()
    start_mb = _memory_mb()
    with served(*befalls.befall(PatternDevice(), open_channel(listen))) as port, SerialRig(port) as rig:
        # The handshake may have joined the stream behind its first packets, which then count for nobody.
        joined_at = result.injected.packets - rig.counters.packets - rig.counters.lost
        befalls.active = True
        while result.presses == 0 or clock() - begun_s < seconds:
            _press_once(rig, result, clock)
            progress(clock() - begun_s)
        befalls.active = False
        rig.settle()
        result.counters = rig.counters
        result.injected.packets -= joined_at
    result.memory_mb = (start_mb, _memory_mb())
    return result


def _press_once(rig: SerialRig, result: SoakResult, clock: Callable[[], float]) -> None:
    seed = result.presses
    result.presses += 1
    press = pattern_press(SCANS)
    sent = [_places(seed, scan) for scan in range(SCANS)]
    possible = set(sent)
    try:
        for report in rig.press(press, seed):
            found = tuple((contact.id, contact.x, contact.y) for contact in report.contacts)
            result.altered += found not in possible
    except LinkError:
        result.link_errors += 1
    result.whole += rig.press_whole
    asked_s = clock()
    rig.reset()
    result.round_trips_ms.append(1000 * (clock() - asked_s))


def _places(seed: int, scan: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((contact.id, contact.x, contact.y) for contact in pattern_report(seed, scan).contacts)


def _memory_mb() -> float:
    """Return the memory that this process holds; where the system does not say, the most it ever held."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
