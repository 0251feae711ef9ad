"""The session: a source, and what is read of it; the window shows it and passes on what a hand does.

From a mouse event to a contact and back: the window moves an object of the scene; the next scan of the
simulated source takes it to the panel, the controller and over the link; the observation reads the report;
the picture shows contact and reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from stampbench.bench.window.clocks import Clock, VirtualClock
from stampbench.bench.window.session.arrangement import Arrangement, Change
from stampbench.bench.window.session.autopress import AutoPress
from stampbench.bench.window.session.captures import Capture, Folder
from stampbench.bench.window.session.cases import plan_of_draw, plan_of_object
from stampbench.bench.window.session.messages import Messages
from stampbench.bench.window.session.observation import Observation
from stampbench.bench.window.session.plan_run import PlanRun
from stampbench.bench.window.session.second_factor import SecondFactors
from stampbench.bench.window.session.setup import Setup
from stampbench.bench.window.session.source_switch import SourceSwitch
from stampbench.bench.window.session.undoing import Undo
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.panel import Profile
from stampbench.sim.screen.explain import english
from stampbench.sim.screen.picture import Picture
from stampbench.sim.screen.scene import ObjectKind, Scene, SceneObject
from stampbench.sim.screen.sources import Item, PanelInfo, Source, SourceKind
from stampbench.sim.stamps import Catalogue, Family

USUAL_FOLDER: Final = Path("screen")
_WARM_STEP_US: Final = 20_000


class Session:
    """All that lives behind the window, in parts; what is wrong in a call raises a StampbenchError.

    Args:
        codebook: whose stamps are read.
        profile: of the simulated panel.
        clock: tells the session's time, us; real or virtual.
        sigma_mm: error per axis and pad that the decoder must survive; None: what the codebook allows.
        seed: of every draw.
        folder: where files are saved that nobody gave a name.
        plan: that a person presses here.
        frames: read stamps from raw frames, where the source sends them.

    Attributes:
        setup: panel, stamps, condition, hand and seed.
        scene: what is on and over the simulated glass.
        arrangement: changes both.
        sources: change from one to another.
        observation: what the reports say.
        picture: what is on the glass, as :meth:`look` saw it last.
        messages: what happened.
        autopress: presses that are made one after the other; None before the first.
        capture: is being written; None while nothing is recorded.
        undo: takes back what a hand changed.
        second_factor: what stamps present beside their pads.
        plan: that a person presses here; None: they do as they like.
        frozen: whether time stands still.
    """

    def __init__(
        self,
        codebook: Family | Catalogue,
        profile: Profile,
        *,
        clock: Clock,
        sigma_mm: float | None = None,
        seed: int = 0,
        folder: Folder | None = None,
        plan: PlanRun | None = None,
        frames: bool = False,
    ) -> None:
        self.setup = Setup(codebook, profile, sigma_mm=sigma_mm, seed=seed, frames=frames)
        self.scene = Scene()
        self.messages = Messages(clock)
        self.arrangement = Arrangement(self.setup, self.scene, self.messages, self._changed)
        self.sources = SourceSwitch(
            self.setup, self.scene, clock, self.messages, leave=self._leave_source, forget=self._forget
        )
        self.observation = Observation(self.setup, self.sources)
        self.autopress: AutoPress | None = None
        self.capture: Capture | None = None
        self.second_factor = SecondFactors(seed)
        self.undo = Undo(self.scene, self.setup)
        self.plan = plan
        if plan is not None:
            plan.lay_out = self.arrangement.lay_out
        self.frozen = False
        self._clock = clock
        self._folder = folder or Folder(USUAL_FOLDER)
        self.picture = self.look()

    @property
    def source(self) -> Source:
        """What reports come from."""
        return self.sources.current

    @property
    def panel(self) -> PanelInfo:
        """The glass that is shown."""
        return self.sources.panel

    @property
    def glass_is_empty(self) -> bool:
        """Whether nothing is on or over the simulated glass, and a person may put something there."""
        own = self.source.kind is SourceKind.SIMULATED and self.plan is None
        return own and not len(self.scene) and not self._things()

    # --- time

    def advance(self, to_us: int) -> None:
        """Let everything happen that is due at a time of the clock; once for each drawn frame."""
        if self.frozen:
            if self.source.kind in (SourceKind.RIG, SourceKind.TOUCH):
                self._record(self.source.advance(to_us))
            return
        autopress = self.autopress
        if autopress is not None and autopress.running:
            self._take(autopress.advance(to_us), autopress.voids)
            if autopress.failed is not None:
                self.frozen = True
                self.messages.say("warning", "autopress_failed", made=autopress.made)
            elif not autopress.running:
                self.stop_autopress()
        else:
            items, recording = self.source.advance(to_us), self.sources.recording
            self._take(items, 0 if recording is None else recording.jumps)
            if self.plan is not None:
                self.plan.advance(to_us, self.source, items)
                if self.plan.over:
                    self.scene.clear()
            simulated = self.source.kind is SourceKind.SIMULATED
            self.second_factor.follow(to_us, self.observation.reader, tuple(self.scene) if simulated else ())
        self.sources.watch()

    def look(self) -> Picture:
        """Return what is on the glass now; it stays at hand as ``picture``."""
        self.picture = picture = self.observation.picture(self._clock(), self._things(), self.scene.selected)
        if self.plan is not None:
            self.plan.look(picture.objects)
        return picture

    def close(self) -> None:
        """Let go of everything; what was recorded has been written already."""
        self.stop_capture()
        self.source.close()

    def freeze(self) -> None:
        """Let time stand still for inspection; what a rig sends meanwhile is recorded, and not shown."""
        if not self.frozen:
            self.frozen = True
            self.messages.say("info", "frozen")

    def resume(self) -> None:
        """Let time go on."""
        if not self.frozen:
            return
        self.frozen = False
        now_us = self._clock()
        self.sources.simulated.resume(now_us)
        self.source.resume(now_us)
        if self.autopress is not None:
            self.autopress.resume(now_us)
            if self.autopress.failed is not None:
                self._forget()
        self.messages.say("info", "resumed")

    def take_back(self) -> None:
        """Take back the last change of objects or conditions."""
        if self.undo.take_back():
            self._changed("condition")
        else:
            self.messages.say("info", "nothing_to_undo")

    # --- second factor

    @property
    def factor_code(self) -> int | None:
        """The stamp for which a second factor is chosen: the selected one, or the one that is read."""
        shown = self.source.kind is SourceKind.SIMULATED or self.source.can_press
        chosen = self.scene.chosen if shown else None
        if chosen is not None and chosen.code is not None:
            return chosen.code
        return self._read_code

    @property
    def _read_code(self) -> int | None:
        stamps = self.observation.reader.stamps
        return stamps[0].code if stamps else None

    def present_factor(self) -> None:
        """Let that stamp present its factor now, with a press or without one."""
        code = self.factor_code
        if code is None:
            self.messages.say("info", "no_stamp")
        else:
            read = self._read_code
            self.second_factor.present(self._clock(), code, touched=read is not None, read=read)

    # --- presses by themselves

    def start_autopress(
        self,
        presses: int,
        *,
        foreign: int = 0,
        codes: Sequence[int] = (),
        stop_at_failure: bool = False,
        live: bool = False,
    ) -> None:
        """Press stamps (and objects that are none) under the current condition, and count how they are read.

        Args:
            presses: of stamps.
            foreign: presses of objects that must not be read.
            codes: that are pressed in turn; any, if there are none.
            stop_at_failure: freeze the first one that is not read as it should be.
            live: play each press in its own time; otherwise one is made for each drawn frame.

        Raises:
            InputError: no press is asked for, or a code that does not exist.
        """
        autopress = AutoPress(
            self.setup, presses, foreign, codes=codes, stop_at_failure=stop_at_failure, live=live
        )
        self.sources.use_simulated()
        self.autopress = autopress
        self.frozen = False
        self._forget()

    def stop_autopress(self) -> None:
        """Press no further; the rates stay."""
        if self.autopress is not None:
            self.autopress.stop()
            self.sources.simulated.resume(self._clock())
            made, failures = self.autopress.made, self.autopress.failures
            self.messages.say("info", "autopress_done", made=made, failures=failures)
            self._forget()

    # --- recording and saving

    def start_capture(self, path: str | Path | None = None) -> None:
        """Record every report and raw frame from now on; without a path into a file of its own.

        Raises:
            InputError: the file is there already, or cannot be written.
        """
        self.stop_capture()
        target = self._folder.free_path("capture", ".jsonl") if path is None else Path(path)
        self.capture = Capture(target, self.panel)
        self.messages.say("info", "capture_started", path=str(target))

    def stop_capture(self) -> None:
        """Record no further."""
        capture, self.capture = self.capture, None
        if capture is not None:
            capture.close()
            self.messages.say("info", "capture_stopped", path=str(capture.path), reports=capture.reports)

    def save_case(self, path: str | Path | None = None) -> None:
        """Save the press that failed, or that of the selected object, as a plan for ``stampbench run``.

        Raises:
            InputError: there is no such press, or the file is there already or cannot be written.
        """
        plan = self._plan_of_moment(english(self.look().explanation))
        target = self._folder.free_path("case", ".toml") if path is None else Path(path)
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(plan)
        except OSError as error:
            raise InputError(f"{target}: cannot be written: {error.strerror}; expected a new file") from None
        self.messages.say("info", "case_saved", path=str(target))

    def picture_path(self, suffix: str = ".png") -> Path:
        """Return a path at which nothing is yet, for a picture of the window.

        Raises:
            InputError: its folder cannot be made.
        """
        return self._folder.free_path("screen", suffix)

    # --- within

    def _plan_of_moment(self, note: str) -> str:
        autopress = self.autopress
        if self.frozen and autopress is not None and autopress.failed is not None:
            return plan_of_draw(autopress.failed, self.setup, note)
        if self.source.kind is not SourceKind.SIMULATED:
            raise InputError(
                "test case: nobody knows what touched a real panel; expected the simulated one, or a capture"
            )
        chosen = self.scene.chosen
        if chosen is None:
            raise InputError("test case: nothing is selected; expected a stamp that was pressed")
        return plan_of_object(chosen, self.scene, self.sources.simulated.hand_log, self.setup, note)

    def _things(self) -> tuple[SceneObject, ...]:
        """Return what is on and over the simulated glass; nothing where the glass is real."""
        autopress = self.autopress
        if autopress is not None and (autopress.running or (self.frozen and autopress.failed is not None)):
            return () if autopress.thing is None else (autopress.thing,)
        if self.source.kind is SourceKind.SIMULATED:
            return tuple(self.scene)
        # Where a rig will press them: above the glass as far as anybody knows.
        waiting = self.scene if self.source.can_press else ()
        return tuple(thing.above_glass() for thing in waiting)

    def _changed(self, what: Change) -> None:
        if what == "condition":
            self.sources.simulated.set_condition(self.setup.condition)
            return
        self.autopress = None
        self.undo.forget()
        if what == "codebook":
            self.observation.forget()
            self.second_factor.forget()
        elif self.source.kind is SourceKind.SIMULATED:
            self.sources.use_simulated()

    def _leave_source(self) -> None:
        self.stop_capture()
        self.autopress = None
        self.frozen = False
        self.observation.begin()

    def _forget(self) -> None:
        """Forget what was known of the contacts."""
        self.observation.forget()

    def _take(self, items: Sequence[Item], voids: int) -> None:
        """Record what came, and read it."""
        self._record(items)
        setup, limit = self.setup, self.panel.cancel_limit
        for decision in self.observation.take(items, voids):
            self._write(partial(Capture.press, decision=decision, setup=setup, cancel_limit=limit))

    def _record(self, items: Sequence[Item]) -> None:
        self._write(lambda capture: capture.append(items))

    def _write(self, write: Callable[[Capture], None]) -> None:
        """Write to the capture, if there is one; one that cannot be written on is ended with a message."""
        if self.capture is None:
            return
        try:
            write(self.capture)
        except StampbenchError as error:
            self.messages.error(error)
            self.stop_capture()


def warm_up(codebook: Family | Catalogue, profile: Profile) -> Iterator[str]:
    """Compile kernels, or load them, by doing once all that a window does; yield what comes next."""
    yield "panel and controller"
    clock = VirtualClock()
    session = Session(codebook, profile, clock=clock)

    def run(steps: int) -> None:
        for _ in range(steps):
            session.advance(clock.advance(_WARM_STEP_US))

    finger = session.arrangement.add_object(ObjectKind.FINGER, 5.0, 5.0)
    session.scene.press(finger)
    run(4)
    session.scene.remove(finger)
    yield "decoder"
    session.scene.press(session.arrangement.add_stamp(0))
    run(16)
    yield "nearest codes"
    session.arrangement.neighbours(1, code=0)
    yield "missing pads"
    session.observation.reader.decoder.decode(codebook.pads(0)[:-1])
    session.look()
