"""The session as values to be drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.window.session.view import (
    ContactView,
    Explanation,
    ObjectView,
    PressView,
    ReadingView,
    SourceView,
    View,
)
from stampbench.bench.window.sources.timeline import RecordedSource
from stampbench.firmware_emulator.touch import Contact
from stampbench.sim.decoder import Reading, TrackedStamp, Verdict
from stampbench.sim.screen.explain import Circumstances, explain_reading, explain_stamp, seen_pads
from stampbench.sim.screen.scene import ObjectKind, SceneObject, placed_points
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.screen.sources import Source

if TYPE_CHECKING:
    from stampbench.bench.window.session.session import Session

_NO_TOUCH = Explanation("no_touch", {})


def build_view(session: Session, t_us: int) -> View:
    """All that is drawn."""
    setup, report = session.setup, session.report
    contacts = () if report is None else report.down
    objects = _objects(session, contacts)
    readings = _readings(session, contacts)
    repetition = session.repetition
    return View(
        t_us=t_us,
        device_us=0 if report is None else report.t_us,
        panel=session.panel,
        scans=session.scans,
        deltas=None if session.frame is None else session.frame.deltas,
        contacts=_contacts(session, contacts, readings),
        contacts_most=session.contacts_most,
        read_from="contacts" if session.frame_decoder is None else "frames",
        objects=objects,
        readings=readings,
        press=_press(session, len(contacts)),
        explanation=_explanation(session, objects, readings),
        gauges=session.gauges.views(),
        source=_source(session),
        codebook=setup.codebook_view,
        condition=setup.condition,
        handling=setup.handling,
        preset=setup.preset,
        seed=setup.seed,
        autopress=None if repetition is None else repetition.view,
        capture=None if session.recorder is None else session.recorder.view,
        editor=None if session.editor is None else session.editor.view,
        second_factor=session.second_factor.view(session.factor_code),
        plan=None if session.plan is None else session.plan.view(),
        frozen=session.frozen,
        messages=tuple(session.messages),
    )


def _contacts(
    session: Session, contacts: Sequence[Contact], readings: Sequence[ReadingView]
) -> tuple[ContactView, ...]:
    stamp_of = {
        contact: reading.number for reading in readings for contact in reading.contacts if contact is not None
    }
    return tuple(
        ContactView(c.id, c.x_mm, c.y_mm, c.size_mm, session.trails.of(c.id), stamp_of.get(c.id))
        for c in contacts
        if c.x_mm is not None and c.y_mm is not None
    )


def can_press(source: Source) -> bool:
    """Whether a source is a rig that presses by itself."""
    return bool(getattr(source, "can_press", False))


def _things(session: Session) -> tuple[SceneObject, ...]:
    """What is on and over the simulated glass; nothing where the glass is real."""
    repetition = session.repetition
    if repetition is not None and (repetition.running or session.failed_press is not None):
        return () if repetition.thing is None else (repetition.thing,)
    if isinstance(session.source, SimulatedSource):
        return tuple(session.scene)
    # Where a rig will press them: above the glass as far as anybody knows.
    waiting = session.scene if can_press(session.source) else ()
    return tuple(dataclasses.replace(thing, force=0.0, pressed=False) for thing in waiting)


def _objects(session: Session, contacts: Sequence[Contact]) -> tuple[ObjectView, ...]:
    things = _things(session)
    if not things:
        return ()
    decision = session.reader.decision
    company = session.source.company if isinstance(session.source, SimulatedSource) else ()
    about = Circumstances(
        session.panel,
        session.setup.condition,
        things,
        company,
        contacts,
        session.reader.stamps,
        session.reader.unread,
        decision is not None and decision.cancelled,
    )
    return tuple(_object(session, thing, about) for thing in things)


def _object(session: Session, thing: SceneObject, about: Circumstances) -> ObjectView:
    places = thing.pads_mm
    touching = thing.force > 0.0
    seen = seen_pads(places, about.contacts) if touching else (None,) * len(places)
    explanation = None
    if touching and thing.kind is ObjectKind.STAMP:
        pads = None if thing.code is None else session.setup.codebook.pads(thing.code)
        explanation = explain_stamp(thing, seen, pads, _touched_for_us(session, thing), about)
    diameters = np.array(
        [thing.body.discs[np.all(thing.body.discs[:, :2] == pad, axis=1), 4].max() for pad in thing.body.pads]
    )
    return ObjectView(
        thing.key,
        thing.kind,
        thing.body.name,
        thing.code,
        thing.x_mm,
        thing.y_mm,
        thing.theta_rad,
        thing.force,
        thing.grip,
        thing.tilt_x_rad,
        thing.tilt_y_rad,
        thing.pressed,
        thing.key == session.scene.selected,
        thing.body.pads,
        places,
        diameters,
        thing.shares(),
        seen,
        thing.face_radius_mm,
        explanation,
    )


def _touched_for_us(session: Session, thing: SceneObject) -> int | None:
    """Since when an object is on the glass."""
    if not isinstance(session.source, SimulatedSource) or session.report is None:
        return None
    touched_us = session.source.hand_log.touched_us(thing.key)
    return None if touched_us is None else session.report.t_us - touched_us


def _readings(session: Session, contacts: Sequence[Contact]) -> tuple[ReadingView, ...]:
    reader = session.reader
    views = [_stamp(session, stamp) for stamp in reader.stamps]
    if reader.unread is not None and not (views and reader.unread.verdict is Verdict.NONE):
        views.append(_unread(session, reader.unread, len(contacts)))
    return tuple(views)


def _stamp(session: Session, stamp: TrackedStamp) -> ReadingView:
    setup = session.setup
    return ReadingView(
        stamp.track,
        Verdict.READ,
        stamp.code,
        setup.codes.name_of(stamp.code),
        stamp.pose,
        placed_points(setup.codebook.pads(stamp.code), *stamp.pose),
        stamp.contacts,
        stamp.distance_mm,
        session.reader.margins.get(stamp.track),
        False,
        (stamp.code,),
        Explanation("read", {"code": stamp.code}),
    )


def _unread(session: Session, reading: Reading, contacts: int) -> ReadingView:
    return ReadingView(
        0,
        reading.verdict,
        None,
        "",
        None,
        None,
        (),
        reading.distance_mm,
        reading.margin_mm,
        reading.margin_is_bound,
        reading.candidates,
        explain_reading(reading, contacts, session.setup.codebook.pads_per_stamp),
    )


def _press(session: Session, contacts: int) -> PressView | None:
    decision, over = session.reader.decision, session.reader.over
    if decision is None:
        return None
    reading = decision.reading
    decision_ms = None
    if decision.decided_at_us is not None and decision.first_contact_us is not None:
        decision_ms = (decision.decided_at_us - decision.first_contact_us) / 1000.0
    explanation = explain_reading(reading, contacts, session.setup.codebook.pads_per_stamp)
    return PressView(
        over,
        reading.verdict,
        reading.code,
        decision.cancelled,
        decision_ms,
        decision.reports_used,
        decision.log_odds,
        Explanation("cancelled", {}) if decision.cancelled else explanation,
    )


def _explanation(
    session: Session, objects: Sequence[ObjectView], readings: Sequence[ReadingView]
) -> Explanation:
    """The one sentence: of the selected stamp, of any other, or from the contacts alone."""
    if not session.panel.sized:
        return Explanation("no_size", {})
    told = [thing for thing in objects if thing.explanation is not None]
    told.sort(key=lambda thing: not thing.selected)
    if told and told[0].explanation is not None:
        return told[0].explanation
    if readings:
        return readings[0].explanation
    contacts = 0 if session.report is None else len(session.report.down)
    if not contacts and any(thing.kind is ObjectKind.STAMP for thing in objects):
        return Explanation("above", {})
    if not contacts:
        return _NO_TOUCH
    return explain_reading(session.reader.unread, contacts, session.setup.codebook.pads_per_stamp)


def _source(session: Session) -> SourceView:
    source = session.source
    return SourceView(
        source.kind,
        source.name,
        source.state,
        source.message,
        source.counters,
        can_press(source),
        source.view if isinstance(source, RecordedSource) else None,
    )
