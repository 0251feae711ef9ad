"""Presses made one after the other: drawn and judged by the bench, performed here to be watched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from stampbench.bench.window.session.view import AutoPressView
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import Condition, Profile
from stampbench.sim.press import REST_FRAMES, Keyframe
from stampbench.sim.screen.scene import ObjectKind, SceneObject
from stampbench.sim.screen.simulated import PressStage
from stampbench.sim.screen.sources import Item
from stampbench.sim.screen.workbench import AutoPresser, DrawnPress
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object

PAUSE_US: Final = 200_000
"""Between two presses, longer than the gap by which presses are told apart."""
AUTOMATIC_KEY: Final = -1
"""Key of the object that is pressed automatically: none of the scene's."""


class Repetition:
    """Performs presses until all are made, one failed, or it is stopped.

    Args:
        presser: draws and judges.
        profile, condition: of the panel they are made on.
        stop_at_failure: whether the first press that is not read as it should be ends them.
        live: play each press in its own time; otherwise one press is made at each advance, and what is handed
            out of it ends with the report that decided.

    Attributes:
        failed: the press that ended it; None if none did.
        voids: how often what was known of the contacts before became void.
    """

    def __init__(
        self,
        presser: AutoPresser,
        profile: Profile,
        condition: Condition,
        *,
        stop_at_failure: bool,
        live: bool,
    ) -> None:
        self.failed: DrawnPress | None = None
        self.voids = 0
        self._presser = presser
        self._stage = PressStage(profile, condition)
        self._interval_us = profile.frame_interval_us
        self._stop_at_failure = stop_at_failure
        self._live = live
        self._running = True
        self._drawn: DrawnPress | None = None
        self._scans: Iterator[tuple[Frame, TouchReport]] = iter(())
        self._coming: tuple[Frame, TouchReport] | None = None
        self._made: list[tuple[Frame, TouchReport]] = []
        self._judged = True
        self._base_us = 0
        self._shown_us = 0
        self._begun_us: int | None = None

    @property
    def running(self) -> bool:
        """Whether more presses are to come."""
        return self._running

    @property
    def view(self) -> AutoPressView:
        """The rates so far."""
        return dataclasses.replace(self._presser.view(running=self._running), failed=self.failed is not None)

    @property
    def thing(self) -> SceneObject | None:
        """What is pressed, as it stood at the newest scan handed out."""
        if self._drawn is None:
            return None
        now = self._drawn.press.at(self._shown_us - REST_FRAMES * self._interval_us)
        return _object_of(resolve_object(self._drawn.press.object), self._drawn.code, now)

    def stop(self) -> None:
        """Make no more presses."""
        self._running = False

    def advance(self, to_us: int) -> Sequence[Item]:
        """What the presses report up to a time of the session's clock."""
        if not self._running:
            return ()
        return self._play(to_us) if self._live else self._make_one()

    def resume(self, now_us: int) -> None:
        """Go on after a pause as if no time had passed."""
        if self._begun_us is not None:
            self._begun_us = now_us - self._shown_us

    def _begin(self) -> bool:
        """Draw the next press; False when all have been made."""
        drawn = self._presser.draw()
        if drawn is None:
            self._running = False
            return False
        if self._made:
            self._base_us += self._made[-1][0].t_us + PAUSE_US
        self._drawn, self._scans, self._made = drawn, self._stage.perform(drawn.press, drawn.seed), []
        self._shown_us = 0
        self._judged = False
        return True

    def _make_one(self) -> Sequence[Item]:
        """One press at once; what is to be seen of it ends with the report that decided."""
        if not self._begin():
            return ()
        self._made = list(self._scans)
        return self._judge()

    def _play(self, to_us: int) -> Sequence[Item]:
        """The scans that are due."""
        items: list[Item] = []
        if self._begun_us is None:
            self._begun_us = to_us
            self._advance_to_next()
        while self._running:
            while self._coming is not None and self._begun_us + self._coming[0].t_us <= to_us:
                self._made.append(self._coming)
                items += self._shown(self._coming)
                self._coming = next(self._scans, None)
            if self._coming is not None:
                break
            if not self._judged:
                decisive = self._judge()
                if self.failed is not None:
                    return decisive
            end_us = self._begun_us + self._made[-1][0].t_us + PAUSE_US
            if end_us > to_us:
                break
            self._begun_us = end_us
            self._advance_to_next()
        return items

    def _advance_to_next(self) -> None:
        if self._begin():
            self._coming = next(self._scans, None)

    def _judge(self) -> Sequence[Item]:
        """Count the press; what led to its decision, to be seen alone."""
        drawn = self._drawn
        if drawn is None:
            return ()
        self._judged = True
        reports = [report for _, report in self._made]
        judgement = self._presser.judge(drawn, reports, self._stage.identity.cancel_limit)
        if not judgement.right and self._stop_at_failure:
            self.failed = drawn
            self._running = False
        if self._live and self.failed is None:
            return ()
        self.voids += 1
        until_us = judgement.decisive_us
        seen = self._made if until_us is None else [s for s in self._made if s[0].t_us <= until_us]
        return [item for scan in seen for item in self._shown(scan)]

    def _shown(self, scan: tuple[Frame, TouchReport]) -> tuple[Frame, TouchReport]:
        """A scan in device time that runs on from press to press."""
        frame, report = scan
        self._shown_us = frame.t_us
        return (
            Frame(self._base_us + frame.t_us, frame.deltas),
            report._replace(t_us=self._base_us + report.t_us),
        )


def _object_of(body: TouchObject, code: int | None, now: Keyframe) -> SceneObject:
    kind = ObjectKind.FINGER if body.conductor is Conductor.SKIN else ObjectKind.STAMP
    return SceneObject(
        AUTOMATIC_KEY,
        kind,
        body,
        now.x_mm,
        now.y_mm,
        now.theta_rad,
        code,
        pressed=now.force > 0.0,
        force=now.force,
        grip=now.grip,
        tilt_x_rad=now.tilt_x_rad,
        tilt_y_rad=now.tilt_y_rad,
    )
