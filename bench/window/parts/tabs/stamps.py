"""Stamps and other things: which code, where it stands, how it is held, and what else lies on the glass."""

from __future__ import annotations

import math
from functools import partial

from pygame import Rect
from stampbench.bench.window.parts.desk import Desk, Form, SliderPlan, with_unit
from stampbench.bench.window.parts.widgets import choose, enable, say
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen.fonts import DASH
from stampbench.sim.screen.picture import ObjectView
from stampbench.sim.screen.scene import LARGEST_TILT_RAD, ObjectKind, SceneObject


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

    def refresh(self, session: Session) -> None:
        """Show the selected object."""
        captions = self._desk.captions
        drawn = session.picture.selected
        thing = None if drawn is None else drawn.thing
        if thing is not None:
            self._rows["turn"].show(math.degrees(thing.hold.theta_rad))
            self._rows["tilt_x"].show(math.degrees(thing.hold.tilt_x_rad))
            self._rows["tilt_y"].show(math.degrees(thing.hold.tilt_y_rad))
            self._rows["grip"].show(thing.hold.grip)
        self._rows["wear"].show(_worn_share(session.setup.handling.wear))
        pressed = thing is not None and thing.pressed
        say(self._press, captions("button.lift" if pressed else "button.press"))
        let_go = thing is not None and thing.hold.grip < 0.5
        say(self._held, captions("button.let_go" if let_go else "button.held"))
        choose([(self._held, let_go)])
        enable(self._press, thing is not None and thing.kind is not ObjectKind.WATER)
        enable(self._rig_press, session.source.can_press)
        lettering = self._desk.lettering
        say(self._place, lettering.fitted(self._where(thing), 13, self._width))
        say(self._pads, lettering.fitted(self._seen(drawn), 13, self._width))
        code = None if thing is None else thing.code
        if code != self._code_shown and not self._desk.widgets.typing:
            self._code_shown = code
            self._code.set_text("" if code is None else session.setup.codes.typed(code))

    def _where(self, thing: SceneObject | None) -> str:
        captions = self._desk.captions
        if thing is None:
            return captions("hand.nothing")
        name = thing.body.name if thing.kind is ObjectKind.STAMP else captions(f"button.{thing.kind}")
        return captions("hand.place", name=name, x_mm=thing.hold.x_mm, y_mm=thing.hold.y_mm)

    def _seen(self, drawn: ObjectView | None) -> str:
        """Draw for each pad how much of it touches, and which contact it is."""
        if drawn is None or drawn.thing.kind is not ObjectKind.STAMP:
            return ""
        pads = [
            f"{number}: {round(100 * float(share))} % " + (DASH if seen is None else f"#{seen}")
            for number, (share, seen) in enumerate(zip(drawn.shares, drawn.seen, strict=True), start=1)
        ]
        return f"{self._desk.captions('hand.pads')}   " + "    ".join(pads)

    def set_code(self, text: str) -> None:
        """Make the selected stamp the one that was typed."""
        session = self._desk.session
        session.arrangement.set_code(session.setup.codes.code_of(text))

    def _change(self, name: str, value: float) -> None:
        if name == "wear":
            self._wear(value)
            return
        scene = self._desk.session.scene
        chosen = scene.chosen
        if chosen is None:
            return
        match name:
            case "turn":
                scene.turn(chosen.key, math.radians(value) - chosen.hold.theta_rad)
            case "tilt_x":
                scene.tilt(chosen.key, math.radians(value), chosen.hold.tilt_y_rad)
            case "tilt_y":
                scene.tilt(chosen.key, chosen.hold.tilt_x_rad, math.radians(value))
            case _:
                scene.hold(value, chosen.key)

    def _wear(self, share: float) -> None:
        if share != _worn_share(self._desk.session.setup.handling.wear):
            self._desk.session.arrangement.set_wear(f"worn={share:.2f}" if share > 0.0 else "")


def _worn_share(wear: str) -> float:
    kind, _, share = wear.partition("=")
    return float(share) if kind == "worn" and "~" not in share else 0.0
