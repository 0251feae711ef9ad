"""The verdict in plain words: which pad was not seen and why, from the truth where it is known.

Everything is said as a key and values (``Explanation``); the window has the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.firmware_emulator.touch import Contact
from stampbench.sim.decoder import Reading, TrackedStamp, Verdict
from stampbench.sim.panel import Condition, PlacedObject
from stampbench.sim.screen.picture import Explanation, Points, Value
from stampbench.sim.screen.scene import ObjectKind, SceneObject
from stampbench.sim.screen.sources import PanelInfo
from stampbench.sim.stamps.objects import Conductor

KEYS: Final = {
    "no_touch": "nothing on the glass",
    "above": "the stamp is above the glass; hold to press",
    "landing": "the pads are landing: {seen} of {pads} so far",
    "read": "code {code}",
    "read_without": "code {code}; pad {pad} not seen: {cause}",
    "misread": "read as {read}, but it is {code}",
    "foreign_read": "read as {code}, but {name} is no stamp that should be read",
    "pad_missing": "pad {pad} not seen: {cause}",
    "pads_missing": "{count} of {pads} pads not seen; pad {pad}: {cause}",
    "displaced": "pad {pad} is seen {off_mm:.1f} mm from its place: {cause}",
    "too_few": "{contacts} contacts; a stamp has {pads} pads",
    "too_many": "{contacts} contacts are too many to tell the stamp among them",
    "partial": "one pad is missing; {count} codes fit the others",
    "ambiguous": "{count} codes are possible",
    "foreign": "no code is near enough",
    "cancelled": "the phone cancelled all touches; lift other fingers, press again",
    "no_size": "the source gives no size in mm; no stamp can be read",
    "pads_near": "two pads are {gap_mm:.1f} mm apart; at least {least_mm:.0f} mm keep them apart on a panel",
    "stamp_near": "only {distance_mm:.2f} mm from code {code}; at least {least_mm:.2f} mm tell stamps apart",
}
"""Every explanation with an English pattern of its sentence."""

CAUSES: Final = {
    "tilted": "tilted",
    "light": "pressed too lightly",
    "off_panel": "beyond the edge of the glass",
    "let_go": "nobody holds the stamp",
    "worn": "worn or missing",
    "merged": "merged with a neighbour",
    "dead_line": "a line of the panel is dead",
    "limit": "the phone takes no more contacts",
    "palm": "the phone took it for a palm",
    "water": "water beside it",
    "charger": "the charger disturbs it",
    "protector": "the screen protector weakens it",
    "noise": "lost in the noise",
}
"""Every cause of an unseen or displaced pad, in English."""

SEEN_MM: Final = 4.0
"""A contact this near to a pad's true place is taken for that pad: nearer than to any other, 12 mm away."""
MERGED_MM: Final = 11.0
"""Pads of 6 mm nearer than this are not surely told apart (measured response, 4.1 mm pitch)."""
LIGHT_SHARE: Final = 0.5
"""A pad that touches with less of its area may stay below the controller's threshold."""
BARE_SHARE: Final = 0.1
"""One that touches with less is not seen even of a stamp that is firmly held."""
LOOSE_GRIP: Final = 0.7
"""Below this, joined pads lose so much to each other that one may vanish (measured: released k = 0.99)."""
WATER_MM: Final = 10.0
LANDING_US: Final = 150_000
"""So long after its first touch a stamp may still be landing: force grows, and landings are debounced."""
DISPLACED_MM: Final = 0.3
"""Twice the error that a pad has in ordinary noise."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Circumstances:
    """What else is the case when a stamp is read or not.

    Attributes:
        objects: all on the glass.
        condition_objects: what the condition itself put there: water, a palm, resting fingers.
        contacts: that are down.
        stamps, unread: what was read.
    """

    panel: PanelInfo
    condition: Condition
    objects: Sequence[SceneObject]
    condition_objects: Sequence[PlacedObject]
    contacts: Sequence[Contact]
    stamps: Sequence[TrackedStamp]
    unread: Reading | None
    cancelled: bool


def seen_pads(places_mm: Points, contacts: Sequence[Contact]) -> tuple[int | None, ...]:
    """Return for each pad (n, 2) the id of its contact; nearest pairs first, within ``SEEN_MM``."""
    seen: list[int | None] = [None] * len(places_mm)
    points = [(c.id, c.x_mm, c.y_mm) for c in contacts if c.x_mm is not None and c.y_mm is not None]
    pairs = sorted(
        (float(np.hypot(x - place[0], y - place[1])), pad, i)
        for pad, place in enumerate(places_mm)
        for i, x, y in points
    )
    used: set[int] = set()
    for distance, pad, i in pairs:
        if distance <= SEEN_MM and seen[pad] is None and i not in used:
            seen[pad] = i
            used.add(i)
    return tuple(seen)


def explain_stamp(
    thing: SceneObject,
    seen: Sequence[int | None],
    pads: Points | None,
    touched_for_us: int | None,
    about: Circumstances,
) -> Explanation:
    """Return why a stamp on the glass is read or not, from the truth.

    Args:
        thing: the stamp.
        seen: see :func:`seen_pads`.
        pads: of its code in its own frame, shape (n, 2), whole; None for a stamp that is in no codebook.
        touched_for_us: time since its first touch; None where it is not known.
        about: what else is the case.
    """
    if thing.hold.force <= 0.0:
        return Explanation("above", {})
    if about.cancelled:
        return Explanation("cancelled", {})
    own = {contact for contact in seen if contact is not None}
    missing = [pad for pad, contact in enumerate(seen) if contact is None]
    worst = min(missing, key=lambda pad: float(thing.shares()[pad]), default=-1)
    landing = touched_for_us is not None and touched_for_us < LANDING_US
    for stamp in about.stamps:
        if own & set(stamp.contacts):
            if stamp.code == thing.code:
                if missing and not landing and thing.pressed:
                    cause = _cause(thing, worst, about)
                    return Explanation("read_without", {"code": stamp.code, "pad": worst + 1, "cause": cause})
                return Explanation("read", {"code": stamp.code})
            if thing.code is None:
                return Explanation("foreign_read", {"code": stamp.code, "name": thing.body.name})
            return Explanation("misread", {"read": stamp.code, "code": thing.code})
    if landing and (missing or thing.hold.force < 1.0):
        return Explanation("landing", {"seen": len(seen) - len(missing), "pads": len(seen)})
    gone = None if pads is None else _gone_pad(thing, pads)
    if gone is not None:
        return Explanation("pad_missing", {"pad": gone + 1, "cause": "worn"})
    if missing:
        values: dict[str, Value] = {"pad": worst + 1, "cause": _cause(thing, worst, about)}
        if len(missing) == 1:
            return Explanation("pad_missing", values)
        return Explanation("pads_missing", {**values, "count": len(missing), "pads": len(seen)})
    if pads is None:
        return Explanation("foreign", {})
    pad, off_mm = _most_displaced(thing, seen, about.contacts)
    if off_mm > DISPLACED_MM:
        return Explanation(
            "displaced", {"pad": pad + 1, "off_mm": off_mm, "cause": _cause(thing, pad, about)}
        )
    return explain_reading(about.unread, len(about.contacts), len(pads))


def explain_reading(reading: Reading | None, contacts: int, pads: int) -> Explanation:
    """Return what the contacts alone say."""
    if reading is None or reading.verdict is Verdict.NONE:
        if not contacts:
            return Explanation("no_touch", {})
        return Explanation("too_few" if contacts < pads else "too_many", {"contacts": contacts, "pads": pads})
    match reading.verdict:
        case Verdict.READ:
            return Explanation("read", {"code": -1 if reading.code is None else reading.code})
        case Verdict.PARTIAL:
            return Explanation("partial", {"count": reading.candidates_total})
        case Verdict.AMBIGUOUS:
            return Explanation("ambiguous", {"count": reading.candidates_total})
    return Explanation("foreign", {})


def english(explanation: Explanation) -> str:
    """Return the sentence, for logs and files."""
    return _filled(KEYS[explanation.key], explanation.values)


def _filled(pattern: str, values: Mapping[str, Value]) -> str:
    cause = values.get("cause")
    return pattern.format(**({**values, "cause": CAUSES[str(cause)]} if cause is not None else values))


def _gone_pad(thing: SceneObject, pads: Points) -> int | None:
    """Return a pad of the code that the stamp has no more."""
    left = thing.body.pads
    if len(left) >= len(pads):
        return None
    gaps = np.hypot(*(pads[:, None] - left[None]).transpose(2, 0, 1)).min(axis=1)
    return int(gaps.argmax())


def _most_displaced(
    thing: SceneObject, seen: Sequence[int | None], contacts: Sequence[Contact]
) -> tuple[int, float]:
    """Return the pad whose contact is farthest off, and how far, once the mean error is taken off."""
    places = {contact.id: (contact.x_mm, contact.y_mm) for contact in contacts}
    off = np.array([places[i] for i in seen if i is not None], np.float64) - thing.pads_mm
    lengths = np.hypot(*(off - off.mean(axis=0)).T)
    pad = int(lengths.argmax())
    return pad, float(lengths[pad])


def _cause(thing: SceneObject, pad: int, about: Circumstances) -> str:
    """Return the likeliest cause, of ``CAUSES``, why a pad is not seen, or not in its place."""
    x_mm, y_mm = (float(axis) for axis in thing.pads_mm[pad])
    panel, condition = about.panel, about.condition
    if not (0.0 <= x_mm <= panel.width_mm and 0.0 <= y_mm <= panel.height_mm):
        return "off_panel"
    share = float(thing.shares()[pad])
    pushed = thing.hold.force >= LIGHT_SHARE
    if share < (LIGHT_SHARE if thing.hold.grip >= LOOSE_GRIP else BARE_SHARE):
        return "tilted" if pushed else "light"
    if _pad_area(thing, pad) < LIGHT_SHARE * _largest_pad_area(thing) or "~" in thing.body.name:
        return "worn"
    if thing.hold.grip < LOOSE_GRIP:
        return "let_go"
    if panel.contact_limit is not None and len(about.contacts) >= panel.contact_limit:
        return "limit"
    if _on_bad_line(x_mm, y_mm, panel, condition):
        return "dead_line"
    if condition.palm or any(
        _within(o, x_mm, y_mm, 30.0) for o in about.objects if o.kind is ObjectKind.PALM
    ):
        return "palm"
    others = [
        place for other in about.objects if other.hold.force > 0.0 for place in _pads_of(other, thing, pad)
    ]
    if any(np.hypot(x_mm - x, y_mm - y) < MERGED_MM for x, y in others):
        return "merged"
    if condition.water_film > 0.0 or _wet(x_mm, y_mm, about):
        return "water"
    if condition.charger_v > 0.0:
        return "charger"
    return "protector" if condition.protector_mm > 0.0 else "noise"


def _pads_of(other: SceneObject, thing: SceneObject, pad: int) -> list[tuple[float, float]]:
    """Return pads of an object on the panel that may merge with a pad; of the same stamp, the others."""
    if other.kind is ObjectKind.WATER:
        return []
    places = other.pads_mm
    return [(float(x), float(y)) for i, (x, y) in enumerate(places) if other is not thing or i != pad]


def _pad_area(thing: SceneObject, pad: int) -> float:
    """Return weighted area of a pad's discs, mm2 but for pi / 4."""
    own = np.all(thing.body.discs[:, :2] == thing.body.pads[pad], axis=1)
    return float((thing.body.discs[own, 4] ** 2 * thing.body.discs[own, 5]).sum())


def _largest_pad_area(thing: SceneObject) -> float:
    return max(_pad_area(thing, pad) for pad in range(len(thing.body.pads)))


def _on_bad_line(x_mm: float, y_mm: float, panel: PanelInfo, condition: Condition) -> bool:
    """Return whether a line that answers for the place is dead or shorted."""
    if not panel.rows or not panel.cols:
        return False
    row = y_mm / panel.height_mm * panel.rows - 0.5
    col = x_mm / panel.width_mm * panel.cols - 0.5
    shorted_tx = {line + 1 for line in condition.shorted_tx} | {*condition.shorted_tx}
    shorted_rx = {line + 1 for line in condition.shorted_rx} | {*condition.shorted_rx}
    return any(abs(row - line) < 1.0 for line in {*condition.dead_tx} | shorted_tx) or any(
        abs(col - line) < 1.0 for line in {*condition.dead_rx} | shorted_rx
    )


def _within(thing: SceneObject, x_mm: float, y_mm: float, reach_mm: float) -> bool:
    return bool((np.hypot(*(thing.pads_mm - (x_mm, y_mm)).T) < reach_mm).any())


def _wet(x_mm: float, y_mm: float, about: Circumstances) -> bool:
    """Return whether a drop lies beside the place."""
    drops = [o for o in about.objects if o.kind is ObjectKind.WATER]
    if any(_within(drop, x_mm, y_mm, WATER_MM) for drop in drops):
        return True
    placed = [o for o in about.condition_objects if o.object.conductor is Conductor.WATER]
    return any(
        np.hypot(*(o.object.pads - (x_mm - o.hold.x_mm, y_mm - o.hold.y_mm)).T).min() < WATER_MM
        for o in placed
    )
