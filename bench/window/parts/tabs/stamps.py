"""Stamps and other things: which code, where it stands, how it is held, and what else lies on the glass."""

from __future__ import annotations

import math
from functools import partial

from pygame import Rect
from stampbench.bench.window.parts.desk import Desk, Form, SliderPlan, with_unit
from stampbench.bench.window.parts.widgets import choose, enable, say
from stampbench.bench.window.session.view import ObjectView, View
from stampbench.sim.screen.fonts import DASH
from stampbench.sim.screen.scene import LARGEST_TILT_RAD, ObjectKind


class StampsTab:
    """The selected object, and buttons that bring others."""

    def __init__(self, desk: Desk, area: Rect) -> None:
        self._desk = desk
        captions = desk.captions
        form = Form(desk, area)
        self._code, _ = form.entry(
            "code",
            captions("button.code"),
            "",
            120,
            self.set_code,
            [
                desk.plan(
                    "button.set", "set_code", tip="tip.set", do=lambda: self.set_code(self._code.get_text())
                ),
                desk.plan("button.random", "random_code", tip="tip.random"),
                desk.plan("button.neighbours", "neighbours", tip="tip.neighbours"),
                desk.plan("button.draw", "custom", tip="tip.draw"),
            ],
        )
        self._code_shown: int | None = None
        hand = form.buttons(
            [
                desk.plan(
                    "button.press", "press_toggle", tip="tip.press", look="#primary", other="button.lift"
                ),
                desk.plan("button.held", "grip", tip="hand_tip.grip", other="button.let_go"),
                desk.plan("button.level", "level", tip="hand_tip.tilt_x"),
                desk.plan("button.rig_press", "rig_press", tip="tip.rig_press"),
            ]
        )
        self._press, self._held, _, self._rig_press = hand
        tilt = math.degrees(LARGEST_TILT_RAD)
        degrees = with_unit("°", 1)
        sliders = [
            ("turn", (-180.0, 180.0), 1.0, degrees),
            ("tilt_x", (-tilt, tilt), 0.1, degrees),
            ("tilt_y", (-tilt, tilt), 0.1, degrees),
            ("grip", (0.0, 1.0), 0.01, with_unit("", 2)),
            ("wear", (0.0, 0.95), 0.05, with_unit("", 2)),
        ]
        rows = form.sliders(
            [
                SliderPlan(
                    f"hand.{name}",
                    captions(f"hand.{name}"),
                    captions(f"hand_tip.{name}"),
                    0.0,
                    limits,
                    step,
                    written,
                    partial(self._change, name),
                )
                for name, limits, step, written in sliders
            ]
        )
        self._rows = dict(zip((name for name, *_ in sliders), rows, strict=True))
        self._place = form.text("", look=None)
        self._pads = form.text("")
        self._width = form.width
        form.heading(captions("button.add"))
        form.buttons(
            [
                desk.plan("button.stamp", "add_stamp", tip="action.add_stamp"),
                desk.plan("button.finger", "add_finger", tip="action.add_finger"),
                desk.plan("button.palm", "add_palm", tip="action.add_palm"),
                desk.plan("button.water", "add_water", tip="action.add_water"),
                desk.plan("button.coin", "add_coin"),
                desk.plan("button.remove", "remove", tip="action.remove"),
                desk.plan("button.clear", "clear"),
            ]
        )
        self.height = form.finish()
        self.container = form.container

    def refresh(self, view: View) -> None:
        """Show the selected object."""
        captions = self._desk.captions
        chosen = selected(view)
        if chosen is not None:
            self._rows["turn"].show(math.degrees(chosen.theta_rad))
            self._rows["tilt_x"].show(math.degrees(chosen.tilt_x_rad))
            self._rows["tilt_y"].show(math.degrees(chosen.tilt_y_rad))
            self._rows["grip"].show(chosen.grip)
        self._rows["wear"].show(_worn_share(view.handling.wear))
        pressed = chosen is not None and chosen.pressed
        say(self._press, captions("button.lift" if pressed else "button.press"))
        let_go = chosen is not None and chosen.grip < 0.5
        say(self._held, captions("button.let_go" if let_go else "button.held"))
        choose([(self._held, let_go)])
        enable(self._press, chosen is not None and chosen.kind is not ObjectKind.WATER)
        enable(self._rig_press, view.source.can_press)
        lettering = self._desk.lettering
        say(self._place, lettering.fitted(self._where(chosen), 13, self._width))
        say(self._pads, lettering.fitted(self._seen(chosen), 13, self._width))
        code = None if chosen is None else chosen.code
        if code != self._code_shown and not self._desk.widgets.typing:
            self._code_shown = code
            self._code.set_text("" if code is None else self._typed(code))

    def _where(self, chosen: ObjectView | None) -> str:
        captions = self._desk.captions
        if chosen is None:
            return captions("hand.nothing")
        name = chosen.name if chosen.kind is ObjectKind.STAMP else captions(f"button.{chosen.kind}")
        return captions("hand.place", name=name, x_mm=chosen.x_mm, y_mm=chosen.y_mm)

    def _seen(self, chosen: ObjectView | None) -> str:
        """For each pad how much of it touches, and which contact it is."""
        if chosen is None or chosen.kind is not ObjectKind.STAMP:
            return ""
        pads = [
            f"{number}: {round(100 * float(share))} % " + (DASH if seen is None else f"#{seen}")
            for number, (share, seen) in enumerate(zip(chosen.shares, chosen.seen, strict=True), start=1)
        ]
        return f"{self._desk.captions('hand.pads')}   " + "    ".join(pads)

    def _typed(self, code: int) -> str:
        """What a person types for a code."""
        return str(code) if self._desk.view.codebook.is_family else self._desk.session.name_of(code)

    def set_code(self, text: str) -> None:
        """Make the selected stamp the one that was typed."""
        session = self._desk.session
        code = session.code_of(text.strip())
        if code is not None:
            session.set_code(code)

    def _change(self, name: str, value: float) -> None:
        if name == "wear":
            self._wear(value)
            return
        chosen, scene = selected(self._desk.view), self._desk.session.scene
        if chosen is None:
            return
        match name:
            case "turn":
                scene.turn(chosen.key, math.radians(value) - chosen.theta_rad)
            case "tilt_x":
                scene.tilt(chosen.key, math.radians(value), chosen.tilt_y_rad)
            case "tilt_y":
                scene.tilt(chosen.key, chosen.tilt_x_rad, math.radians(value))
            case _:
                scene.hold(value, chosen.key)

    def _wear(self, share: float) -> None:
        if share != _worn_share(self._desk.view.handling.wear):
            self._desk.session.set_wear(f"worn={share:.2f}" if share > 0.0 else "")


def _worn_share(wear: str) -> float:
    kind, _, share = wear.partition("=")
    return float(share) if kind == "worn" and "~" not in share else 0.0


def selected(view: View) -> ObjectView | None:
    """The object that keys and sliders act on."""
    return next((thing for thing in view.objects if thing.selected), None)
