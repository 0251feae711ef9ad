"""Why a press is read or not, step by step from pad to verdict, each with its number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from stampbench.bench.capacity.losses import WEAK, LossCurve, least_gaps_mm
from stampbench.sim.decoder import Decoder
from stampbench.sim.screen.picture import ContactView, ObjectView, Picture, Value
from stampbench.sim.screen.scene import ObjectKind


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from a pad to the verdict.

    Attributes:
        key: of the captions' group ``why``, with its values.
        good: whether it speaks for a reading.
        decisive: whether it is the one that decided.
    """

    key: str
    values: Mapping[str, Value]
    good: bool
    decisive: bool = False


def steps_to_verdict(
    picture: Picture, decoder: Decoder, nearest_mm: float | None, curve: LossCurve | None = None
) -> list[Step]:
    """Return the steps in their order; none where nothing touches.

    Args:
        picture: what is on the glass.
        decoder: that reads it.
        nearest_mm: distance of the contacts to the nearest code; None where none is near.
        curve: what the panel loses of a stamp; None where that is not known.
    """
    stamps = [
        drawn
        for drawn in picture.objects
        if drawn.thing.kind is ObjectKind.STAMP and drawn.thing.hold.force > 0.0
    ]
    stamps.sort(key=lambda drawn: not drawn.selected)
    if not picture.contacts and not stamps:
        return []
    contacts, pads = {contact.id: contact for contact in picture.contacts}, decoder.pads_per_stamp
    steps = [step for drawn in stamps[:1] for step in _pad_steps(drawn, contacts)]
    seen = len(contacts)
    steps.append(Step("contacts", {"contacts": seen, "pads": pads}, seen >= pads))
    reading = next((reading for reading in picture.readings if reading.code is not None), None)
    radius_mm = decoder.acceptance.radius_mm
    if reading is not None and None in reading.contacts:
        radius_mm = decoder.acceptance.partial_radius_mm()
    distance_mm = nearest_mm if reading is None else reading.distance_mm
    if distance_mm is not None:
        values = {"distance_mm": distance_mm, "radius_mm": radius_mm}
        steps.append(Step("distance", values, reading is not None or distance_mm <= radius_mm))
    elif seen >= pads:
        steps.append(Step("far", {"radius_mm": radius_mm}, False))
    if reading is not None and reading.margin_mm is not None:
        steps.append(Step("margin", {"margin_mm": reading.margin_mm}, True))
    if curve is not None:
        steps += [step for drawn in stamps[:1] for step in _weak_steps(drawn, curve)]
    return _with_decisive(steps, read=reading is not None)


def _pad_steps(drawn: ObjectView, contacts: Mapping[int, ContactView]) -> list[Step]:
    """Return for each pad how much of it touches, and which contact it became."""
    steps = []
    why = {} if drawn.explanation is None else drawn.explanation.values
    for place, (share, seen) in enumerate(zip(drawn.shares, drawn.seen, strict=True)):
        values: dict[str, Value] = {"pad": place + 1, "share": round(100 * float(share))}
        contact = None if seen is None else contacts.get(seen)
        if contact is not None:
            x_mm, y_mm = drawn.places_mm[place]
            off_mm = math.hypot(contact.x_mm - float(x_mm), contact.y_mm - float(y_mm))
            steps.append(Step("pad_seen", {**values, "contact": contact.id, "off_mm": off_mm}, True))
        elif why.get("pad") == place + 1 and "cause" in why:
            steps.append(Step("pad_cause", {**values, "cause": why["cause"]}, False))
        else:
            steps.append(Step("pad_unseen", values, False))
    return steps


def _weak_steps(drawn: ObjectView, curve: LossCurve) -> list[Step]:
    """Return a step for a stamp of which the panel loses many presses, whatever happened to this one."""
    pads = drawn.places_mm[np.newaxis]
    loss = float(curve.losses(pads)[0])
    values: dict[str, Value] = {"loss": 100.0 * loss, "apart_mm": float(least_gaps_mm(pads)[0])}
    return [Step("weak", values, False)] if loss > WEAK else []


def _with_decisive(steps: list[Step], *, read: bool) -> list[Step]:
    """Mark the step that decided: how near the code is, or the first that speaks against a reading."""
    keys = [step.key for step in steps]
    if read and "distance" in keys:
        place = keys.index("distance")
    else:
        place = next((place for place, step in enumerate(steps) if not step.good), len(steps) - 1)
    return [replace(step, decisive=at == place) for at, step in enumerate(steps)]
