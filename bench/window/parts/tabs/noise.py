"""The noise bench: presets, a slider for every effect on the panel, and the seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pygame import Rect
from stampbench.bench.window.parts.desk import ButtonPlan, Desk, Form, SliderPlan, with_unit
from stampbench.bench.window.parts.widgets import choose, enable
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.session.setup import PRESETS
from stampbench.sim.screen.fonts import DASH, TIMES
from stampbench.sim.screen.sources import SourceKind

_SCALES: Final = {"noise": 5.0, "stripe": 5.0, "drift": 500.0, "memory": 10.0}
_AMOUNTS: Final = {
    "loud_frames": (3.0, 0.1, TIMES, 1),
    "uneven_nodes": (3.0, 0.1, TIMES, 1),
    "noise_memory": (1.0, 0.1, TIMES, 1),
    "charger_v": (10.0, 0.5, "V", 1),
    "protector_mm": (1.0, 0.05, "mm", 2),
    "water_drops": (40.0, 1.0, "", 0),
    "water_film": (1.0, 0.05, "", 2),
    "resting_fingers": (8.0, 1.0, "", 0),
    "stuck_nodes": (20.0, 1.0, "", 0),
}
"""End of the slider, its step, unit and decimals; each begins at 0."""
_LINES: Final = ("dead_tx", "dead_rx", "shorted_tx", "shorted_rx")
_WHOLE: Final = frozenset({"water_drops", "resting_fingers", "stuck_nodes", "torn_rows"})


class NoiseTab:
    """Presets, sliders and seed."""

    def __init__(self, desk: Desk, area: Rect) -> None:
        self._desk = desk
        captions, session = desk.captions, desk.session
        form = Form(desk, area)
        self._presets = form.buttons(
            [
                ButtonPlan(
                    f"preset.{p.key}",
                    captions(f"preset.{p.key}"),
                    partial(session.arrangement.apply_preset, p.key),
                )
                for p in PRESETS
            ]
        )
        plans = [self._plan(field) for field in self._fields()]
        self._rows = dict(zip(self._fields(), form.sliders(plans), strict=True))
        self._seed, _ = form.entry(
            "seed",
            captions("button.seed"),
            str(session.setup.seed),
            110,
            self._set_seed,
            [desk.plan("button.new_seed", "new_seed", tip="tip.seed")],
        )
        self._seed_shown = session.setup.seed
        self.height = form.finish()
        self.container = form.container

    @staticmethod
    def _fields() -> tuple[str, ...]:
        return (*_SCALES, *_AMOUNTS, "palm", *_LINES, "torn_rows")

    def refresh(self, session: Session) -> None:
        """Show what is in force."""
        simulated = session.source.kind is SourceKind.SIMULATED
        for field, row in self._rows.items():
            enable(row.slider, simulated)
            row.show(_shown_value(field, getattr(session.setup.condition, field)))
        for button in self._presets:
            enable(button, simulated)
        choose(
            [
                (button, p.key == session.setup.preset)
                for button, p in zip(self._presets, PRESETS, strict=True)
            ]
        )
        if session.setup.seed != self._seed_shown:
            self._seed_shown = session.setup.seed
            self._seed.set_text(str(session.setup.seed))

    def _plan(self, field: str) -> SliderPlan:
        captions = self._desk.captions
        limits, step, written = self._range(field)
        value = _shown_value(field, getattr(self._desk.session.setup.condition, field))
        name, tip = captions(f"effect.{field}"), captions(f"effect_tip.{field}")
        return SliderPlan(field, name, tip, value, limits, step, written, partial(self._change, field))

    def _range(self, field: str) -> tuple[tuple[float, float], float, Callable[[float], str]]:
        if field in _SCALES:
            return (
                (0.0, _SCALES[field]),
                _SCALES[field] / 50.0,
                with_unit(TIMES, 0 if field == "drift" else 1),
            )
        if field in _AMOUNTS:
            high, step, unit, decimals = _AMOUNTS[field]
            return (0.0, high), step, with_unit(unit, decimals)
        if field == "palm":
            return (0.0, 1.0), 1.0, lambda value: "✓" if value else DASH
        if field == "torn_rows":
            return (0.0, float(max(1, self._desk.picture.panel.rows))), 1.0, with_unit("", 0)
        lines = self._desk.picture.panel.rows if field.endswith("tx") else self._desk.picture.panel.cols
        last = lines - 1 if field.startswith("dead") else lines - 2
        return (-1.0, float(max(0, last))), 1.0, lambda value: DASH if value < 0 else f"{value:.0f}"

    def _change(self, field: str, value: float) -> None:
        change: Any = value
        if field in _WHOLE:
            change = round(value)
        elif field == "palm":
            change = value >= 0.5
        elif field in _LINES:
            change = () if value < 0 else (round(value),)
        if change != getattr(self._desk.session.setup.condition, field):
            self._desk.session.arrangement.change_condition(**{field: change})

    def _set_seed(self, text: str) -> None:
        digits = text.strip()
        if digits.isascii() and digits.isdigit() and int(digits) <= 2**53:
            self._desk.session.arrangement.set_seed(int(digits))
        else:
            self._desk.session.messages.say("error", "no_number", text=repr(text), low=0, high=2**53)


def _shown_value(field: str, value: Any) -> float:
    if field in _LINES:
        return float(value[0]) if value else -1.0
    return float(value)
