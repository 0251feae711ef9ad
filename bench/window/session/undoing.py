"""Undo: what a hand changed, step by step, taken back."""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from stampbench.bench.window.session.setup import Setup
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling
from stampbench.sim.screen.scene import Scene, SceneObject

MOST_STEPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What can be taken back; two are the same whose objects stand alike, pressed or not."""

    places: tuple[tuple[int, str, int | None, Hold], ...]
    things: tuple[SceneObject, ...] = field(compare=False)
    grip: float
    condition: Condition
    handling: Handling
    wear: str
    preset: str = field(compare=False)


class Undo:
    """Remembers how things were before each change; what a hand still holds is one change with its end.

    Args:
        scene: what is on and over the glass.
        setup: condition, hand and wear.
    """

    def __init__(self, scene: Scene, setup: Setup) -> None:
        self._scene = scene
        self._setup = setup
        self._before: deque[_State] = deque(maxlen=MOST_STEPS)
        self._now = self._state()

    def note(self) -> None:
        """Remember how things were, if they have changed since the last time."""
        state = self._state()
        if state != self._now:
            self._before.append(self._now)
            self._now = state

    def take_back(self) -> bool:
        """Take back the last change; return whether there was one."""
        if not self._before:
            return False
        self._now = state = self._before.pop()
        self._scene.restore(state.things)
        self._scene.grip = state.grip
        setup = self._setup
        setup.condition, setup.handling = state.condition, state.handling
        setup.wear, setup.preset = state.wear, state.preset
        return True

    def forget(self) -> None:
        """Begin anew: the stamps are those of another codebook, or the panel is another."""
        self._before.clear()
        self._now = self._state()

    def _state(self) -> _State:
        setup, things = self._setup, tuple(self._scene)
        return _State(
            places=tuple(
                (t.key, t.body.name, t.code, dataclasses.replace(t.hold, force=0.0)) for t in things
            ),
            things=things,
            grip=self._scene.grip,
            condition=setup.condition,
            handling=setup.handling,
            wear=setup.wear,
            preset=setup.preset,
        )
