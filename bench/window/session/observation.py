"""What the reports of a source say: the newest scan, what is read of it, gauges; all as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stampbench.bench.sources.frame_files import profile_with
from stampbench.bench.window.session.setup import Setup
from stampbench.bench.window.session.source_switch import SourceSwitch
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.decoder import PressDecision, Reading, TrackedStamp, Verdict
from stampbench.sim.decoder.frame_decoder import FrameDecoder
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Profile, load_profile, profile_names
from stampbench.sim.screen.explain import Circumstances, explain_reading, explain_stamp, seen_pads
from stampbench.sim.screen.gauges import Gauges, Trails
from stampbench.sim.screen.picture import ContactView, Explanation, ObjectView, Picture, ReadingView
from stampbench.sim.screen.reading import LiveReader, contact_points
from stampbench.sim.screen.scene import ObjectKind, SceneObject
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.screen.sources import Item, SourceKind, plausible


class Observation:
    """Takes in what comes, whatever it comes from.

    Args:
        setup: whose stamps are read.
        sources: tell which glass is looked at.

    Attributes:
        reader: what the contacts say.
        gauges: what is measured.
        frame, report: the newest; None before.
        scans: raw frames so far.
        contacts_most: most contacts at once that the source has shown.
    """

    def __init__(self, setup: Setup, sources: SourceSwitch) -> None:
        self.gauges = Gauges()
        self.scans = 0
        self._setup = setup
        self._sources = sources
        self._trails = Trails()
        self.begin()
        self.forget()

    def begin(self) -> None:
        """Forget how many contacts can be shown: another source comes."""
        self.contacts_most = self._voids = 0

    def forget(self) -> None:
        """Take what was known of the contacts as void; panel or codebook may be others now."""
        self.frame: Frame | None = None
        self.report: TouchReport | None = None
        self._frame_decoder: FrameDecoder | None = None
        self.reader = LiveReader(self._setup.decoder, self._sources.panel.cancel_limit)
        self._trails.reset()
        self.gauges.reset()

    def take(self, items: Sequence[Item], voids: int = 0) -> list[PressDecision]:
        """Take in what came, and return what presses that have ended with it were read as.

        Args:
            items: reports and raw frames.
            voids: how often what was known of the contacts before became void.
        """
        if voids != self._voids:
            self._voids = voids
            self.forget()
        ended = []
        for item in items:
            if isinstance(item, Frame):
                self._take_frame(item)
                self._frame_decoder = self._decoder_of(item)
                if self._frame_decoder is None:
                    continue
                report = self._frame_decoder.report(item)
            elif self._frame_decoder is None:
                report = plausible(item)
            else:
                continue  # of the scan whose frame has been read
            if (decision := self._take_report(report)) is not None:
                ended.append(decision)
        return ended

    def _decoder_of(self, frame: Frame) -> FrameDecoder | None:
        """Return what reads stamps from frames of this panel; None where only contacts are read."""
        setup, sources, decoder = self._setup, self._sources, self._frame_decoder
        rows, cols = frame.deltas.shape
        if not setup.frames or (decoder is not None and decoder.shape == (rows, cols)):
            return decoder
        profile: Profile | None = setup.profile
        if sources.current.kind is not SourceKind.SIMULATED:
            name = sources.panel.name
            profile = load_profile(name) if name in profile_names() else profile_with(rows, cols)
        return None if profile is None else FrameDecoder(setup.decoder, profile)

    def _take_frame(self, frame: Frame) -> None:
        if frame.deltas.size:
            self.frame = frame
            self.scans += 1
            self.gauges.frame(frame)

    def _take_report(self, report: TouchReport) -> PressDecision | None:
        self.report = report
        self.contacts_most = max(self.contacts_most, len(report.down))
        self._trails.feed(report)
        ended, panel = None, self._sources.panel
        if panel.sized:
            under_way = not self.reader.over
            self.reader.feed(report)
            if under_way and self.reader.over:
                ended = self.reader.decision
        if self.gauges.report(report):
            self.gauges.sample(panel, self._nearest_mm(report) if panel.sized else None)
        return ended

    def _nearest_mm(self, report: TouchReport) -> float | None:
        """Return the distance of the contacts to the nearest code."""
        if self.reader.stamps:
            return self.reader.stamps[0].distance_mm
        nearest = self._setup.codes.nearest(contact_points(report))
        return None if nearest is None else nearest[1]

    # --- the picture

    def picture(self, t_us: int, things: Sequence[SceneObject], selected: int | None) -> Picture:
        """Return what is to be seen on the glass.

        Args:
            t_us: time of the session's clock.
            things: on and over the glass in truth; none where nobody knows.
            selected: key of the object that keys act on.
        """
        report = self.report
        contacts = () if report is None else report.down
        objects = self._objects(things, selected)
        readings = self._readings(contacts)
        return Picture(
            t_us=t_us,
            device_us=0 if report is None else report.t_us,
            panel=self._sources.panel,
            scans=self.scans,
            deltas=None if self.frame is None else self.frame.deltas,
            contacts=self._contacts(contacts, readings),
            contacts_most=self.contacts_most,
            read_from="contacts" if self._frame_decoder is None else "frames",
            objects=objects,
            readings=readings,
            explanation=self._explanation(objects, readings, len(contacts)),
        )

    def _contacts(
        self, contacts: Sequence[Contact], readings: Sequence[ReadingView]
    ) -> tuple[ContactView, ...]:
        stamp_of = {
            contact: reading.number
            for reading in readings
            for contact in reading.contacts
            if contact is not None
        }
        return tuple(
            ContactView(
                id=contact.id,
                x_mm=contact.x_mm,
                y_mm=contact.y_mm,
                size_mm=contact.size_mm,
                trail_mm=self._trails.of(contact.id),
                stamp=stamp_of.get(contact.id),
            )
            for contact in contacts
            if contact.x_mm is not None and contact.y_mm is not None
        )

    def _objects(self, things: Sequence[SceneObject], selected: int | None) -> tuple[ObjectView, ...]:
        if not things:
            return ()
        source = self._sources.current
        simulated = source if isinstance(source, SimulatedSource) else None
        decision, report = self.reader.decision, self.report
        about = Circumstances(
            panel=self._sources.panel,
            condition=self._setup.condition,
            objects=things,
            condition_objects=() if simulated is None else simulated.condition_objects,
            contacts=() if report is None else report.down,
            stamps=self.reader.stamps,
            unread=self.reader.unread,
            cancelled=decision is not None and decision.cancelled,
        )
        views = []
        for thing in things:
            touched_us = None if simulated is None else simulated.hand_log.touched_us(thing.key)
            touched_for_us = None if touched_us is None or report is None else report.t_us - touched_us
            views.append(self._object(thing, thing.key == selected, touched_for_us, about))
        return tuple(views)

    def _object(
        self, thing: SceneObject, selected: bool, touched_for_us: int | None, about: Circumstances
    ) -> ObjectView:
        places, discs = thing.pads_mm, thing.body.discs
        touching = thing.hold.force > 0.0
        seen = seen_pads(places, about.contacts) if touching else (None,) * len(places)
        explanation = None
        if touching and thing.kind is ObjectKind.STAMP:
            pads = None if thing.code is None else self._setup.codebook.pads(thing.code)
            explanation = explain_stamp(thing, seen, pads, touched_for_us, about)
        return ObjectView(
            thing=thing,
            selected=selected,
            places_mm=places,
            diameters_mm=np.array(
                [discs[np.all(discs[:, :2] == pad, axis=1), 4].max() for pad in thing.body.pads]
            ),
            shares=thing.shares(),
            seen=seen,
            explanation=explanation,
        )

    def _readings(self, contacts: Sequence[Contact]) -> tuple[ReadingView, ...]:
        reader = self.reader
        views = [self._stamp(stamp) for stamp in reader.stamps]
        if reader.unread is not None and not (views and reader.unread.verdict is Verdict.NONE):
            views.append(self._unread(reader.unread, len(contacts)))
        return tuple(views)

    def _stamp(self, stamp: TrackedStamp) -> ReadingView:
        setup = self._setup
        return ReadingView(
            verdict=Verdict.READ,
            distance_mm=stamp.distance_mm,
            margin_mm=self.reader.margins.get(stamp.track),
            explanation=Explanation("read", {"code": stamp.code}),
            number=stamp.track,
            code=stamp.code,
            name=setup.codes.typed(stamp.code),
            pose=stamp.pose,
            pads_mm=Hold(*stamp.pose).place(setup.codebook.pads(stamp.code)),
            contacts=stamp.contacts,
        )

    def _unread(self, reading: Reading, contacts: int) -> ReadingView:
        return ReadingView(
            verdict=reading.verdict,
            distance_mm=reading.distance_mm,
            margin_mm=reading.margin_mm,
            explanation=explain_reading(reading, contacts, self._setup.codebook.pads_per_stamp),
            margin_is_bound=reading.margin_is_bound,
        )

    def _explanation(
        self, objects: Sequence[ObjectView], readings: Sequence[ReadingView], contacts: int
    ) -> Explanation:
        """Return the one sentence: of the selected stamp, of any other, or from the contacts alone."""
        if not self._sources.panel.sized:
            return Explanation("no_size", {})
        for drawn in sorted(objects, key=lambda drawn: not drawn.selected):
            if drawn.explanation is not None:
                return drawn.explanation
        if readings:
            return readings[0].explanation
        if not contacts and any(drawn.thing.kind is ObjectKind.STAMP for drawn in objects):
            return Explanation("above", {})
        return explain_reading(self.reader.unread, contacts, self._setup.codebook.pads_per_stamp)
