"""The session: a source, and what is read of it; the window shows it and passes on what a hand does.

From a mouse event to a contact and back: the window moves an object of the scene; the next scan of the
simulated source takes it to the panel, the controller and over the link; the reader reads the report; the
view shows contact and reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from stampbench.bench.sources.frames import profile_with
from stampbench.bench.window.session.autopress import Repetition
from stampbench.bench.window.session.captures import Recorder
from stampbench.bench.window.session.moments import moment_of_press, moment_of_thing
from stampbench.bench.window.session.second_factor import SecondFactors
from stampbench.bench.window.session.switchboard import Switchboard
from stampbench.bench.window.session.view import View
from stampbench.bench.window.session.viewing import build_view, can_press
from stampbench.bench.window.sources.timeline import RecordedSource
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.decoder.frame_decoder import FrameDecoder
from stampbench.sim.panel import Profile, load_profile, profile_names
from stampbench.sim.screen.explain import english
from stampbench.sim.screen.gauges import Gauges
from stampbench.sim.screen.operating import Decision, OperatedRun
from stampbench.sim.screen.reading import LiveReader, contact_points
from stampbench.sim.screen.sources import Item, SourceKind, plausible
from stampbench.sim.screen.trails import Trails
from stampbench.sim.screen.workbench import AutoPressOrder, Clock, DrawnPress, Moment, Workbench
from stampbench.sim.stamps import Catalogue, Family


class Session(Switchboard):
    """All that lives behind the window.

    What can be arranged is told in ``Tabletop``, sources and time line in
    :class:`~stampbench.bench.window.session.switchboard.Switchboard`.

    Args:
        codebook: whose stamps are read.
        profile: of the simulated panel.
        clock: tells the session's time, us; real or virtual.
        sigma_mm: error per axis and pad that the decoder must survive; None: what the codebook allows.
        seed: of every draw.
        workbench: the bench above; without one there are no ports, recordings, captures and judged presses.
        plan: that a person presses here.
        frames: read stamps from raw frames, where the source sends them.

    Attributes:
        frame_decoder: makes contacts of raw frames; None while the contacts of the source are read.
        reader: what the reports say.
        frame, report: the newest.
        scans: raw frames so far.
        contacts_most: most contacts at once that the source has shown.
        repetition: presses that are made one after the other; None before the first.
        recorder: writes a capture; None while nothing is recorded.
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
        workbench: Workbench | None = None,
        plan: OperatedRun | None = None,
        frames: bool = False,
    ) -> None:
        super().__init__(codebook, profile, clock=clock, sigma_mm=sigma_mm, seed=seed, workbench=workbench)
        self.plan = plan
        if plan is not None:
            plan.lay_out = self.lay
        self.gauges = Gauges()
        self.trails = Trails()
        self.frame: Frame | None = None
        self.report: TouchReport | None = None
        self.scans = 0
        self.contacts_most = 0
        self.repetition: Repetition | None = None
        self.recorder: Recorder | None = None
        self.second_factor = SecondFactors(seed)
        self.frozen = False
        self._frames = frames
        self.frame_decoder: FrameDecoder | None = None
        self.reader = self._new_reader()
        self._voids = 0

    # --- time

    def advance(self, to_us: int) -> None:
        """Let everything happen that is due at a time of the clock; once for each drawn frame."""
        if self.frozen:
            if self.source.kind in (SourceKind.RIG, SourceKind.TOUCH):
                self._record(self.source.advance(to_us))
            return
        repetition = self.repetition
        if repetition is not None and repetition.running:
            items = repetition.advance(to_us)
            self._take(items, repetition.voids)
            if repetition.failed is not None:
                self.frozen = True
                self.say("warning", "autopress_failed", made=repetition.view.made)
            elif not repetition.running:
                self.stop_autopress()
        else:
            items = self.source.advance(to_us)
            jumps = self.source.jumps if isinstance(self.source, RecordedSource) else 0
            self._take(items, jumps)
            self._operate(to_us, items)
            simulated = self.source.kind is SourceKind.SIMULATED
            self.second_factor.follow(to_us, self.reader, tuple(self.scene) if simulated else ())
        self._watch_source()

    def view(self) -> View:
        """All that is drawn, as it is now."""
        view = build_view(self, self._clock())
        if self.plan is not None:
            self.plan.look(view)
        return view

    def decide(self, decision: Decision) -> None:
        """What the operator of a plan decided."""
        if self.plan is not None:
            self.plan.decide(decision)

    def close(self) -> None:
        """Let go of everything; what was recorded has been written already."""
        self.stop_capture()
        self.source.close()

    def freeze(self) -> None:
        """Let time stand still for inspection; what a rig sends meanwhile is recorded, and not shown."""
        if not self.frozen:
            self.frozen = True
            self.say("info", "frozen")

    def resume(self) -> None:
        """Let time go on."""
        if not self.frozen:
            return
        self.frozen = False
        now_us = self._clock()
        self._simulated.resume(now_us)
        self.source.resume(now_us)
        if self.repetition is not None:
            self.repetition.resume(now_us)
            if self.repetition.failed is not None:
                self._forget()
        self.say("info", "resumed")

    # --- second factor

    @property
    def factor_code(self) -> int | None:
        """The stamp for which a second factor is chosen: the selected one, or the one that is read."""
        shown = self.source.kind is SourceKind.SIMULATED or can_press(self.source)
        chosen = self.scene.chosen if shown else None
        if chosen is not None and chosen.code is not None:
            return chosen.code
        return self.reader.stamps[0].code if self.reader.stamps else None

    def choose_factor(self, way: str) -> bool:
        """Give that stamp a second factor; without one, every stamp for which none was chosen."""
        try:
            self.second_factor.choose(self.factor_code, way)
        except InputError as error:
            return self._refused(error)
        return True

    def present_factor(self) -> bool:
        """Let that stamp present its factor now, with a press or without one."""
        code = self.factor_code
        if code is None:
            self.say("info", "no_stamp")
            return False
        read = next((stamp.code for stamp in self.reader.stamps), None)
        return self.second_factor.present(self._clock(), code, touched=read is not None, read=read)

    # --- presses by themselves

    def autopress(
        self,
        presses: int,
        *,
        foreign: int = 0,
        codes: Sequence[int] = (),
        stop_at_failure: bool = False,
        live: bool = False,
    ) -> bool:
        """Press stamps (and objects that are none) under the current condition, and count how they are read.

        Args:
            presses: of stamps.
            foreign: presses of objects that must not be read.
            codes: that are pressed in turn; any, if there are none.
            stop_at_failure: freeze the first one that is not read as it should be.
            live: play each press in its own time; otherwise one is made for each drawn frame.
        """
        setup = self.setup
        order = AutoPressOrder(
            setup.profile_name,
            setup.family,
            setup.catalogue,
            setup.sigma_mm,
            presses,
            foreign,
            tuple(codes),
            setup.condition,
            setup.handling,
            setup.seed,
        )
        try:
            presser = self._bench("judged presses").autopress(order)
        except StampbenchError as error:
            return self._refused(error)
        self.use_simulated()
        self.repetition = Repetition(
            presser, setup.profile, setup.condition, stop_at_failure=stop_at_failure, live=live
        )
        self.frozen = False
        self._forget()
        return True

    def stop_autopress(self) -> None:
        """Press no further; the rates stay."""
        if self.repetition is not None:
            self.repetition.stop()
            self._simulated.resume(self._clock())
            rates = self.repetition.view
            self.say("info", "autopress_done", made=rates.made, failures=rates.failures)
            self._forget()

    # --- recording and saving

    def start_capture(self, path: str | Path | None = None) -> bool:
        """Record every report and raw frame from now on; without a path into a file of its own."""
        self.stop_capture()
        try:
            bench = self._bench("captures")
            target = bench.free_path("capture", ".jsonl") if path is None else Path(path)
            self.recorder = Recorder(bench.capture(target, self.panel), target)
        except StampbenchError as error:
            return self._refused(error)
        self.say("info", "capture_started", path=str(target))
        return True

    def stop_capture(self) -> None:
        """Record no further."""
        if self.recorder is not None:
            self.recorder.close()
            written = self.recorder.view
            self.say("info", "capture_stopped", path=written.path, reports=written.reports)
        self.recorder = None

    def save_case(self, path: str | Path | None = None) -> bool:
        """Save the press that failed, or that of the selected object, as a plan for ``stampbench run``."""
        try:
            moment = self._moment()
            bench = self._bench("test cases")
            target = bench.free_path("case", ".toml") if path is None else Path(path)
            bench.save_case(target, moment)
        except StampbenchError as error:
            return self._refused(error)
        self.say("info", "case_saved", path=str(target))
        return True

    def picture_path(self, suffix: str = ".png") -> Path:
        """A path at which nothing is yet, for a picture of the window."""
        if self._workbench is not None:
            try:
                return self._workbench.free_path("screen", suffix)
            except StampbenchError as error:
                self._refused(error)
        return Path(f"screen{suffix}")

    @property
    def failed_press(self) -> DrawnPress | None:
        """The press that is frozen because it was not read as it should be."""
        return self.repetition.failed if self.frozen and self.repetition is not None else None

    # --- within

    def _operate(self, to_us: int, items: Sequence[Item]) -> None:
        """Let the plan have what came, and lay out what it asks for."""
        if self.plan is not None:
            self.plan.advance(to_us, self.source, items)
            if self.plan.view().over:
                self.scene.clear()

    def _new_reader(self) -> LiveReader:
        self.frame_decoder = None
        return LiveReader(self.setup.decoder, self.panel.cancel_limit)

    def _reader_of(self, frame: Frame) -> FrameDecoder | None:
        """Return what reads stamps from frames of this panel; None where only contacts are read."""
        rows, cols = frame.deltas.shape
        if not self._frames or (self.frame_decoder and self.frame_decoder.shape == (rows, cols)):
            return self.frame_decoder
        profile: Profile | None = self.setup.profile
        if self.source.kind is not SourceKind.SIMULATED:
            name = self.panel.name
            profile = load_profile(name) if name in profile_names() else profile_with(rows, cols)
        return None if profile is None else FrameDecoder(self.setup.decoder, profile)

    def _changed(self, what: Literal["condition", "codebook", "panel"]) -> None:
        if what == "condition":
            self._simulated.set_condition(self.setup.condition)
        elif what == "codebook":
            self.reader = self._new_reader()
            self.second_factor.forget()
        elif self.source.kind is SourceKind.SIMULATED:
            self.use_simulated()
        self.repetition = self.repetition if what == "condition" else None

    def _leave_source(self) -> None:
        self.stop_capture()
        self.repetition = None
        self.frozen = False
        self.contacts_most = self._voids = 0

    def _forget(self) -> None:
        """What was known of the contacts is void."""
        self.frame = self.report = None
        self.reader = self._new_reader()
        self.trails.reset()
        self.gauges.reset()

    def _take(self, items: Sequence[Item], voids: int) -> None:
        """Take in what came; ``voids`` counts how often what was known before became void."""
        self._record(items)
        if voids != self._voids:
            self._voids = voids
            self.reader = self._new_reader()
            self.trails.reset()
            self.gauges.reset()
            self.frame = self.report = None
        for item in items:
            if isinstance(item, Frame):
                self._take_frame(item)
                self.frame_decoder = self._reader_of(item)
                if self.frame_decoder is not None:
                    self._take_report(self.frame_decoder.report(item))
            elif self.frame_decoder is None:
                self._take_report(plausible(item))

    def _take_frame(self, frame: Frame) -> None:
        if frame.deltas.size:
            self.frame = frame
            self.scans += 1
            self.gauges.frame(frame)

    def _take_report(self, report: TouchReport) -> None:
        self.report = report
        self.contacts_most = max(self.contacts_most, len(report.down))
        self.trails.feed(report)
        sized = self.panel.sized
        if sized:
            under_way = not self.reader.over
            self.reader.feed(report)
            if under_way and self.reader.over:
                self._record_press()
        if self.gauges.report(report):
            self.gauges.sample(self.panel, self._nearest_mm(report) if sized else None)

    def _nearest_mm(self, report: TouchReport) -> float | None:
        """Distance of the contacts to the nearest code."""
        if self.reader.stamps:
            return self.reader.stamps[0].distance_mm
        nearest = self.setup.codes.nearest(contact_points(report))
        return None if nearest is None else nearest[1]

    def _record(self, items: Sequence[Item]) -> None:
        """Append to the capture; one that cannot be written further is ended with a message."""
        if self.recorder is None or not items:
            return
        try:
            self.recorder.append(items)
        except StampbenchError as error:
            self._refused(error)
            self.stop_capture()

    def _record_press(self) -> None:
        """Append what the press that has just ended was read as."""
        if self.recorder is None or self.reader.decision is None:
            return
        try:
            self.recorder.press(self.reader.decision, self.setup, self.panel.cancel_limit)
        except StampbenchError as error:
            self._refused(error)
            self.stop_capture()

    def _moment(self) -> Moment:
        note = english(self.view().explanation)
        if self.failed_press is not None:
            return moment_of_press(self.failed_press, self.setup, note)
        if self.source.kind is not SourceKind.SIMULATED:
            raise InputError(
                "test case: nobody knows what touched a real panel; expected the simulated one, or a capture"
            )
        chosen = self.scene.chosen
        if chosen is None:
            raise InputError("test case: nothing is selected; expected a stamp that was pressed")
        return moment_of_thing(chosen, self.scene, self._simulated.hand_log, self.setup, note)
