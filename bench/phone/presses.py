"""What one phone's page sends, put in order, and cut into presses that are read at the phone's own scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.decoder.scale import PhoneScale

PER_PX: Final = 1000
"""Whole units of a contact in one CSS px."""
MOST_CONTACTS: Final = 64
EARLY_REPORTS: Final = 3
"""Reports with all pads from which a press is read while it still goes on."""
MOST_KEPT: Final = 2_000
"""Reports of a press with all pads that its shape is taken from."""
_NUMBER: Final = 1 << 53

NOTES: Final = {
    "hidden": "the page was hidden",
    "left": "the page was left or loaded anew",
    "resized": "the page changed its size",
    "rotated": "the phone was turned to another orientation",
    "zoomed": "the page was zoomed",
    "disconnected": "the connection was lost",
}
"""What a page may say beside touches, and how a press is told that it befell."""


class Hello(msgspec.Struct, frozen=True):
    """What a page says of its phone: size in CSS px, device px in one, touches, browser and clock (ms)."""

    page: str
    width: float
    height: float
    ratio: float
    touches: int
    agent: str
    coalesced: bool
    platform: str
    brand: str
    t: float

    @property
    def title(self) -> str:
        """The phone in a few words."""
        agent = self.agent.partition("(")[2].partition(")")[0].split("; ")
        model = agent[-1] if len(agent) > 1 else self.platform
        return f"{model or 'phone'} {self.width:g}x{self.height:g}"[:80]


_Point: TypeAlias = tuple[int, float, float, float, float]
"""Pointer, x and y in CSS px, radius, force."""


class Message(msgspec.Struct, frozen=True):
    """One message of a page: a hello, or reports (number, time in ms, kind, contacts or name of a note)."""

    hello: Hello | None = None
    reports: list[tuple[int, float, str, list[_Point] | str]] = []


decode_message = msgspec.json.Decoder(Message).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePress:
    """One press on a phone, ended.

    Attributes:
        reading: what it was read as; of a press with a fault, ``none``.
        reports: how many it had, and how many of them never came.
        cancelled: the phone took all touches away.
        faults: what befell phone, page or connection; such a press says nothing of the stamp.
        contacts_most: most contacts at once.
    """

    reading: Reading
    reports: int
    lost: int
    cancelled: bool
    faults: tuple[str, ...]
    contacts_most: int

    @property
    def verdict(self) -> str:
        """The verdict of the reading, or "error" if there is a fault."""
        return "error" if self.faults else self.reading.verdict.value

    def why(self, pads: int) -> str:
        """Return one line for who pressed; empty where a stamp was read."""
        if self.faults:
            return "; ".join(self.faults)
        if self.cancelled:
            return "the phone cancelled all touches; lift other fingers, press again"
        match self.reading.verdict:
            case Verdict.READ:
                return ""
            case Verdict.AMBIGUOUS if not self.reading.distance_mm:
                return "no code fits at the scale of this phone: is it another one?"
            case Verdict.AMBIGUOUS:
                return f"{self.reading.candidates_total} codes are possible; another press tells more"
            case Verdict.FOREIGN:
                return "no code is near enough"
        return f"{self.contacts_most} contacts at most: expected {pads}"


@dataclass(slots=True)
class _Press:
    """A press under way."""

    reports: int = 0
    lost: int = 0
    cancelled: bool = False
    contacts_most: int = 0
    faults: list[str] = field(default_factory=list)
    ids: tuple[int, ...] = ()
    shapes: list[npt.NDArray[np.complex128]] = field(default_factory=list)
    best: npt.NDArray[np.complex128] | None = None
    early: Reading | None = None


class PhonePresses:
    """One page's reports in order, and the presses in them.

    Args:
        scale: reads presses, and learns from each how large a CSS px is; None: nothing is read.
        on_report: is told every report, in order, contacts in 1/1000 CSS px.
        on_early: is told what a press is read as while it goes on.
        on_press: is told every press when it has ended.
    """

    def __init__(
        self,
        scale: PhoneScale | None,
        pads: int,
        *,
        on_report: Callable[[TouchReport], object] = lambda _: None,
        on_early: Callable[[Reading], object] = lambda _: None,
        on_press: Callable[[PhonePress], object] = lambda _: None,
    ) -> None:
        self.scale = scale
        self.last = 0
        """Number of the last report that has come."""
        self.lost = 0
        self.touching = False
        self._pads = pads
        self._on_report, self._on_early, self._on_press = on_report, on_early, on_press
        self._press: _Press | None = None
        self._down: dict[int, Contact] = {}

    @property
    def pressing(self) -> bool:
        """Whether a press is under way, or has been lifted and not ended yet."""
        return self._press is not None

    def take(self, number: int, t_ms: float, kind: str, said: list[_Point] | str) -> None:
        """Take in one report; one that came before is passed over, one that is left out is counted.

        Raises:
            InputError: numbers or coordinates that no page sends.
        """
        if not (0 < number < _NUMBER and math.isfinite(t_ms)):
            raise InputError(f"phone: report {number} at {t_ms!r} ms: expected numbers of a page")
        if number <= self.last:
            return
        missing, self.last = number - self.last - 1, number
        self.lost += missing
        if missing and self._press is not None:
            self._press.lost += missing
        if isinstance(said, str):
            if said not in NOTES:
                raise InputError(f"phone: note {said[:40]!r}: expected one of {', '.join(NOTES)}")
            self.fault(said)
            return
        if len(said) > MOST_CONTACTS or not all(map(_is_place, said)):
            raise InputError(f"phone: report {number}: expected at most {MOST_CONTACTS} contacts on the page")
        self._touch(t_ms, kind, said)

    def fault(self, name: str) -> None:
        """Note what befell the page; it counts against a press under way."""
        if self._press is not None and NOTES[name] not in self._press.faults:
            self._press.faults.append(NOTES[name])

    def quiet(self) -> None:
        """End the press: nothing has touched for long enough, or nothing more will come."""
        press, self._press = self._press, None
        if press is None:
            return
        if press.lost:
            press.faults.append(f"{press.lost} reports never came")
        if self.touching:
            press.faults.append("the touches never ended")
            self.touching = False
        reading = Reading(Verdict.NONE)
        spoiled = bool(press.faults or press.cancelled)
        if not spoiled and self.scale is not None and (points := _shape(press)) is not None:
            reading = self.scale.add(points)
        self._on_press(
            PhonePress(
                reading=reading,
                reports=press.reports,
                lost=press.lost,
                cancelled=press.cancelled and not press.faults,
                faults=tuple(press.faults),
                contacts_most=press.contacts_most,
            )
        )

    def _touch(self, t_ms: float, kind: str, said: list[_Point]) -> None:
        t_us = round(1000.0 * t_ms)
        cancelled = kind == "cancel"
        down = {
            pointer: Contact(pointer, True, round(PER_PX * x), round(PER_PX * y))
            for pointer, x, y, _, _ in said
        }
        lifted = (
            contact._replace(tip=False, cancelled=cancelled)
            for pointer, contact in self._down.items()
            if pointer not in down
        )
        self._on_report(TouchReport(t_us, (*down.values(), *lifted)))
        self._down = down
        if self._press is None:
            if not said:
                return
            self._press = _Press()
        press, self.touching = self._press, bool(said)
        press.reports += 1
        press.cancelled |= cancelled
        press.contacts_most = max(press.contacts_most, len(said))
        if len(said) != self._pads or cancelled:
            return
        points = sorted(said)
        ids = tuple(pointer for pointer, *_ in points)
        if ids != press.ids:
            press.ids, press.shapes, press.early = ids, [], None
        if len(press.shapes) < MOST_KEPT:
            press.shapes.append(np.array([complex(x, y) for _, x, y, _, _ in points]))
        if len(press.shapes) == EARLY_REPORTS and self.scale is not None and press.early is None:
            shape = _shape(press)
            press.early = Reading(Verdict.NONE) if shape is None else self.scale.read(shape)
            self._on_early(press.early)


def _shape(press: _Press) -> npt.NDArray[np.float64] | None:
    """Return the mean shape of a press in the position of its last whole report, (n, 2) in px.

    Each report is laid over the last by the best rigid motion. The first, in which a pad may not be fully
    down, is left out of three or more.
    """
    shapes = press.shapes[1:] if len(press.shapes) > 2 else press.shapes
    if not shapes:
        return None
    last = shapes[-1]
    middle = last.mean()
    mean = np.zeros(len(last), np.complex128)
    for shape in shapes:
        centred = shape - shape.mean()
        turn = np.vdot(centred, last - middle)
        mean += centred * (turn / abs(turn) if turn else 1.0) / len(shapes)
    return (mean + middle).view(np.float64).reshape(-1, 2)


def _is_place(point: _Point) -> bool:
    pointer, x, y, *_ = point
    return abs(pointer) < 1 << 31 and abs(x) <= 1e5 and abs(y) <= 1e5  # false for NaN


def press_fields(press: PhonePress, number: int, scale: PhoneScale, pads: int) -> dict[str, Any]:
    """Return the fields of a press as ``stampbench phone --json`` prints them."""
    low_mm, high_mm = scale.interval_mm
    fields: dict[str, Any] = {
        "press": number,
        "verdict": press.verdict,
        "code": press.reading.code,
        "reports": press.reports,
        "lost": press.lost,
        "cancelled": press.cancelled,
        "px_per_mm": round(1.0 / scale.mm_per_unit, 4),
        "px_per_mm_interval": [round(1.0 / high_mm, 4), round(1.0 / low_mm, 4)],
    }
    if why := press.why(pads):
        fields["why"] = why
    return fields
