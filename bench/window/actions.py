"""Actions: what keys, buttons and scripts ask for, by name; each is one call of the session or its window."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from stampbench.bench.window.keys import IN_A_PLAN
from stampbench.bench.window.session.plan_run import OperatorChoice
from stampbench.bench.window.session.second_factor import SPOILS, WAYS
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.session.setup import PRESETS
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import SourceKind

Action: TypeAlias = Callable[[], object]

_STEP_MM: Final = 1.0
_TURN_RAD: Final = math.radians(5.0)
_TILT_RAD: Final = math.radians(0.5)
_SCRUB_US: Final = 1_000_000
_SPEEDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_OF_AN_OBJECT: Final = {"press", "press_toggle", "left", "right", "up", "down", "level", "remove"} | {
    *("turn_left", "turn_right", "tilt_left", "tilt_right", "tilt_up", "tilt_down")
}
_OF_A_RECORDING: Final = {"step", "step_back", "play", "slower", "faster", "scrub_back", "scrub_on"} | {
    *("to_start", "to_end")
}


class Actions:
    """Every action by its name.

    Args:
        session: that is acted on.
        of_window: actions of the window that shows it.
        show_tab: shows a tab of that window.
    """

    def __init__(
        self, session: Session, of_window: Mapping[str, Action], show_tab: Callable[[str], object]
    ) -> None:
        self._session = session
        self._show_tab = show_tab
        arrangement = session.arrangement
        self._actions: dict[str, Action] = {
            "press": self._press,
            "press_toggle": self._press_toggle,
            "rig_press": session.sources.press_by_rig,
            "left": partial(self._move, -_STEP_MM, 0.0),
            "right": partial(self._move, _STEP_MM, 0.0),
            "up": partial(self._move, 0.0, -_STEP_MM),
            "down": partial(self._move, 0.0, _STEP_MM),
            "turn_left": partial(self._turn, -_TURN_RAD),
            "turn_right": partial(self._turn, _TURN_RAD),
            "tilt_left": partial(self._tilt, -_TILT_RAD, 0.0),
            "tilt_right": partial(self._tilt, _TILT_RAD, 0.0),
            "tilt_up": partial(self._tilt, 0.0, -_TILT_RAD),
            "tilt_down": partial(self._tilt, 0.0, _TILT_RAD),
            "level": self._level,
            "grip": self._grip,
            "add_stamp": self._add_stamp,
            "add_finger": partial(self._add, ObjectKind.FINGER),
            "add_palm": partial(self._add, ObjectKind.PALM),
            "add_water": partial(self._add, ObjectKind.WATER),
            "add_coin": partial(self._add, ObjectKind.COIN),
            "next_object": self._next_object,
            "remove": self._remove,
            "clear": session.scene.clear,
            "random_code": arrangement.random_code,
            "new_seed": self._new_seed,
            **{
                f"preset_{place}": partial(arrangement.apply_preset, preset.key)
                for place, preset in enumerate(PRESETS, start=1)
            },
            "next_factor": self._next_factor,
            "next_spoil": self._next_spoil,
            "present_factor": self._present_factor,
            "freeze": self._freeze,
            "source_simulated": session.sources.use_simulated,
            "step": partial(self._step, 1),
            "step_back": partial(self._step, -1),
            "play": self._play,
            "slower": partial(self._speed, -1),
            "faster": partial(self._speed, 1),
            "scrub_back": partial(self._scrub, -_SCRUB_US),
            "scrub_on": partial(self._scrub, _SCRUB_US),
            "to_start": partial(self._seek_end, last=False),
            "to_end": partial(self._seek_end, last=True),
            "record": self._record,
            "save_case": session.save_case,
            "undo": session.take_back,
            "plan_count": partial(self._choose, "count"),
            "plan_again": partial(self._choose, "again"),
            "plan_skip": partial(self._choose, "skip"),
            **of_window,
        }

    def __contains__(self, name: str) -> bool:
        return name in self._actions

    def names(self) -> frozenset[str]:
        """Return all actions there are."""
        return frozenset(self._actions)

    def do(self, name: str) -> None:
        """Carry out an action; where a plan is pressed, one that is the operator's."""
        if self._session.plan is not None:
            if name not in IN_A_PLAN:
                self._session.messages.say("info", "plan_only")
                return
            name = IN_A_PLAN[name]
        elif (unmet := self._unmet(name)) is not None:
            self._session.messages.say("info", unmet)
            return
        self._actions[name]()

    def _unmet(self, name: str) -> str | None:
        """Return what an action would need to do anything, as the key of a message; None if it has it."""
        kind = self._session.source.kind
        if name in _OF_A_RECORDING and kind is not SourceKind.RECORDING:
            return "no_recording"
        if name not in _OF_AN_OBJECT or (name == "press" and kind is SourceKind.RECORDING):
            return None
        if kind in (SourceKind.RECORDING, SourceKind.TOUCH):
            return "simulated_only"
        return "no_stamp" if self._session.scene.chosen is None else None

    def end(self, name: str) -> None:
        """End an action that lasts as long as its key is down."""
        chosen = self._session.scene.chosen
        if name == "press" and chosen is not None and chosen.kind is not ObjectKind.WATER:
            self._session.scene.lift(chosen.key)

    def _press(self) -> None:
        if self._session.source.kind is SourceKind.RECORDING:
            self._play()
            return
        if self._session.source.kind is SourceKind.RIG:
            self._session.sources.press_by_rig()
        elif self._session.scene.selected is not None:
            self._session.scene.press(self._session.scene.selected)

    def _press_toggle(self) -> None:
        chosen = self._session.scene.chosen
        if chosen is not None and chosen.pressed:
            self._session.scene.lift(chosen.key)
        else:
            self._press()

    def _move(self, x_mm: float, y_mm: float) -> None:
        if chosen := self._session.scene.chosen:
            self._session.scene.move(chosen.key, chosen.hold.x_mm + x_mm, chosen.hold.y_mm + y_mm)

    def _turn(self, by_rad: float) -> None:
        if chosen := self._session.scene.chosen:
            self._session.scene.turn(chosen.key, by_rad)

    def _tilt(self, x_rad: float, y_rad: float) -> None:
        if chosen := self._session.scene.chosen:
            self._session.scene.tilt(
                chosen.key, chosen.hold.tilt_x_rad + x_rad, chosen.hold.tilt_y_rad + y_rad
            )

    def _level(self) -> None:
        if chosen := self._session.scene.chosen:
            self._session.scene.tilt(chosen.key, 0.0, 0.0)

    def _grip(self) -> None:
        scene = self._session.scene
        chosen = scene.chosen
        held = scene.grip if chosen is None else chosen.hold.grip
        scene.hold(0.0 if held >= 0.5 else 1.0, None if chosen is None else chosen.key)

    def _add_stamp(self) -> None:
        self._session.arrangement.add_stamp(None, *self._free_place())

    def _add(self, kind: ObjectKind) -> None:
        x_mm, y_mm = self._free_place()
        panel = self._session.panel
        if kind is ObjectKind.PALM:
            x_mm, y_mm = panel.width_mm / 2, panel.height_mm - 8.0
        self._session.arrangement.add_object(kind, x_mm, y_mm)

    def _free_place(self) -> tuple[float, float]:
        """Return a place with as much room around it as can be had."""
        panel = self._session.panel
        taken = [(thing.hold.x_mm, thing.hold.y_mm, thing.face_radius_mm) for thing in self._session.scene]
        best, best_gap = (panel.width_mm / 2, panel.height_mm / 2), -math.inf
        for row in range(1, 10):
            for col in (5, 4, 6, 3, 7, 2, 8):
                place = panel.width_mm * col / 10, panel.height_mm * row / 10
                gaps = [math.hypot(place[0] - x, place[1] - y) - radius for x, y, radius in taken]
                walls = min(place[0], panel.width_mm - place[0], place[1], panel.height_mm - place[1])
                gap = min([*gaps, walls])
                if gap > best_gap + 1e-6:
                    best, best_gap = place, gap
        return best

    def _new_seed(self) -> None:
        self._session.arrangement.set_seed(self._session.setup.seed + 1)

    def _next_object(self) -> None:
        scene = self._session.scene
        keys = [thing.key for thing in scene]
        if keys:
            after = keys.index(scene.selected) + 1 if scene.selected in keys else 0
            scene.selected = keys[after % len(keys)]

    def _remove(self) -> None:
        if self._session.scene.selected is not None:
            self._session.scene.remove(self._session.scene.selected)

    def _next_factor(self) -> None:
        self._show_tab("factor")
        now = self._session.second_factor.way_of(self._session.factor_code)
        way = WAYS[(WAYS.index(now) + 1) % len(WAYS)]
        self._session.second_factor.choose(self._session.factor_code, way)

    def _next_spoil(self) -> None:
        self._show_tab("factor")
        factors = self._session.second_factor
        factors.spoil = SPOILS[(SPOILS.index(factors.spoil) + 1) % len(SPOILS)]

    def _present_factor(self) -> None:
        self._show_tab("factor")
        self._session.present_factor()

    def _freeze(self) -> None:
        if self._session.frozen:
            self._session.resume()
        else:
            self._session.freeze()

    def _play(self) -> None:
        recording = self._session.sources.recording
        if recording is not None:
            if recording.playing:
                recording.pause()
            else:
                recording.play()

    def _step(self, reports: int) -> None:
        if (recording := self._session.sources.recording) is not None:
            recording.step(reports)

    def _speed(self, by: int) -> None:
        recording = self._session.sources.recording
        if recording is not None:
            speed = recording.speed
            nearest = min(range(len(_SPEEDS)), key=lambda i: abs(math.log(_SPEEDS[i] / speed)))
            recording.set_speed(_SPEEDS[min(max(nearest + by, 0), len(_SPEEDS) - 1)])

    def _scrub(self, by_us: int) -> None:
        if (recording := self._session.sources.recording) is not None:
            recording.seek(recording.position_us + by_us)

    def _seek_end(self, *, last: bool) -> None:
        if (recording := self._session.sources.recording) is not None:
            recording.seek(recording.end_us if last else recording.begin_us)

    def _choose(self, choice: OperatorChoice) -> None:
        if self._session.plan is not None:
            self._session.plan.choose(choice)

    def _record(self) -> None:
        if self._session.capture is None:
            self._session.start_capture()
        else:
            self._session.stop_capture()
