"""What the hand has done with each object since it touched the glass, so that it can be done again."""

from __future__ import annotations

from typing import Final

from stampbench.sim.press import Keyframe
from stampbench.sim.screen.scene import Scene

MOST_KEYFRAMES: Final = 4_000
"""Kept of one touch, the newest: forty seconds of unceasing movement."""
_SAME: Final = 1e-3
"""Difference (mm, rad, shares) that does not matter from a keyframe to the line through its neighbours."""


class HandLog:
    """Keeps a keyframe of every object on the glass for each scan; those on a straight line are left out."""

    def __init__(self) -> None:
        self._touches: dict[int, list[Keyframe]] = {}
        self._last: dict[int, tuple[Keyframe, ...]] = {}

    def note(self, t_us: int, scene: Scene) -> None:
        """Take in the scene at a scan."""
        down = {thing.key for thing in scene if thing.hold.force > 0.0}
        for key in self._touches.keys() - down:
            self._last[key] = tuple(self._touches.pop(key))
        for thing in scene:
            if thing.hold.force > 0.0:
                _append(self._touches.setdefault(thing.key, []), Keyframe(t_us, thing.hold))

    def touched_us(self, key: int) -> int | None:
        """Return since when an object has been on the glass; None if it is not."""
        keyframes = self._touches.get(key)
        return keyframes[0].t_us if keyframes else None

    def keyframes(self, key: int) -> tuple[Keyframe, ...]:
        """Return what the hand did with an object since it last touched, from 0 us on."""
        found = self._touches.get(key) or self._last.get(key, ())
        begin_us = found[0].t_us if found else 0
        return tuple(Keyframe(t_us - begin_us, hold) for t_us, hold in found)


def _append(keyframes: list[Keyframe], newest: Keyframe) -> None:
    if len(keyframes) > 1 and _on_line(keyframes[-2], keyframes[-1], newest):
        keyframes[-1] = newest
    else:
        keyframes.append(newest)
        if len(keyframes) > MOST_KEYFRAMES:
            del keyframes[0]


def _on_line(a: Keyframe, b: Keyframe, c: Keyframe) -> bool:
    """Return whether b lies on the straight line from a to c."""
    between = a.hold.towards(c.hold, (b.t_us - a.t_us) / (c.t_us - a.t_us))
    pairs = zip(between.values, b.hold.values, strict=True)
    return all(abs(drawn - true) <= _SAME for drawn, true in pairs)
