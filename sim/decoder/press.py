"""One press, report by report: evidence, a stopping rule, and the decision.

The model. The error of a contact has a part that stays for the whole press (centroid bias, pad placement) and
a part that changes from report to report (jitter); only the second is averaged away. Controllers filter
their output and repeat identical coordinates in up to 80 % of the frames (measured on 22 touchscreens with
hid-recorder), so a report that repeats the last one is no new evidence. After k distinct reports the variance
per axis is therefore bias^2 + jitter^2 / k, never less than bias^2.

The rule. Given the shape, the running log-likelihood of a code is -distance^2 / (2 variance) up to a constant
that all codes share, so the mean shape carries the evidence of all reports, and no list of codes needs to be
kept. The nearest code, at distance r, has a rival at d - r at the nearest (d = minimum distance of the
codebook): its log-likelihood ratio over every other code is at least d (d - 2 r) / (2 variance). That is the
sequential test: a press is read as soon as its shape has settled, lies within the acceptance radius, and
that ratio exceeds log((1 - misread) / misread), Wald's bound for the wanted misread rate; after
``PATIENCE_REPORTS`` the acceptance radius alone decides. Everything but ``read`` waits for the end of the
press: pads may still land.

The rates, at the noise that the decoder is told. Misread: at most ``misread``; far less in truth, since the
nearest rival is assumed where usually none is. Lost: at most the decoder's ``frr``; less where jitter
matters, since it is averaged away. Read though foreign: as often as at one look, codes * ball / volume
(:meth:`Acceptance.predicted_far`), since a foreign shape stays what it is from report to report. Simulated
with p5-60k, its design noise and two reports in five frozen: 0 misread and 36 lost of 60,000 presses, read
after 2 reports in the median and 5 at 99 %; 11.5 % of 30,000 foreign objects read, 11.1 % at one look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder.acceptance import chi_quantile, degrees_of_freedom
from stampbench.sim.decoder.decoder import LARGEST_COORDINATE_MM, Decoder
from stampbench.sim.decoder.reading import Reading, Verdict

JITTER_MM = 0.06
"""Jitter per report and axis. Measured: unfiltered position of an object lying still on a Nexus 5 panel."""
PATIENCE_REPORTS = 6
"""Complete reports after which a press is decided even if its shape has not settled."""
CANCELLED_WITHIN_US = 60_000
"""Contacts that vanish at once so soon after a landing were cancelled. Simulated with iphone-like: the sixth
contact cancelled 179 stamps beside a resting finger, 178 within 50 ms; 200 others lay 160 ms or more."""
CLEAR_MM = 0.5
"""Way that the mean shape of a foreign object may go before it is looked up again."""
SETTLED_REPORTS = 2
"""Complete reports that must agree: the first one after a landing may hold a pad that is not fully down."""


@dataclass(frozen=True, slots=True)
class PressDecision:
    """What a press was read as, and when that was known.

    >>> sb.PressDecoder(sb.Decoder(sb.load_family("p5-60k"))).finish().explanation
    'not enough contacts for a stamp, or too many'

    Attributes:
        reading: the verdict with its code; the pose is that at the report of the decision.
        decided_at_us: device time of the report that made it sure; None where only the end of the press did.
        reports_used: reports since the last pad landed, up to the decision.
        first_contact_us: device time of the first contact; None for a press without one.
        all_pads_us: device time at which the last contact of the stamp landed; None if that never happened.
        cancelled: the touches were taken away all at once by the phone (contact limit, palm, gesture):
            the stamp is not to blame.
        log_odds: least log-likelihood ratio, in nats, of the code read over any other code; inf for an only
            code, None where nothing was read, a pad was missing or the scale is unknown.
    """

    reading: Reading
    decided_at_us: int | None = None
    reports_used: int = 0
    first_contact_us: int | None = None
    all_pads_us: int | None = None
    cancelled: bool = False
    log_odds: float | None = None

    @property
    def explanation(self) -> str:
        """One line for the person who pressed."""
        reading = self.reading
        if self.cancelled:
            return (
                "the phone cancelled all touches; the stamp is not to blame: lift other fingers, press again"
            )
        match reading.verdict:
            case Verdict.READ:
                return f"read as code {reading.code}"
            case Verdict.PARTIAL:
                return f"a pad is missing; {reading.candidates_total} codes fit the others"
            case Verdict.AMBIGUOUS:
                return f"{reading.candidates_total} codes are possible"
            case Verdict.FOREIGN:
                return "no code is near enough"
            case Verdict.NONE:
                return "not enough contacts for a stamp, or too many"


@dataclass(slots=True)
class _Shape:
    """Mean shape of the same contacts over reports, each laid over the mean by the best rigid motion."""

    ids: tuple[int, ...]
    since_us: int
    reports: int = 0
    distinct: int = 0
    agreeing: int = 0
    """Newest reports that agree with each other."""
    points_mm: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    """The mean, in the position of the newest report."""
    newest_mm: list[tuple[float, float]] = field(default_factory=list)
    clear_mm: float = 0.0
    """Rigid distance that the mean can yet go without coming near to a code."""

    def add(self, positions_mm: list[tuple[float, float]], settle_mm: float) -> None:
        """Take in a report; one farther than ``settle_mm`` from the mean starts the mean anew."""
        self.reports += 1
        if positions_mm == self.newest_mm:
            self.agreeing += 1
            return
        self.newest_mm = positions_mm
        points_mm = np.array(positions_mm, np.float64)
        if self.distinct:
            laid, distance = _lay_over(self.points_mm, points_mm)
            if distance <= settle_mm or self.reports > PATIENCE_REPORTS:
                self.distinct += 1
                self.agreeing += 1
                self.points_mm = laid + (points_mm - laid) / self.distinct
                self.clear_mm -= distance / self.distinct
                return
        self.clear_mm = 0.0
        self.distinct = 1
        self.agreeing = 1
        self.points_mm = points_mm


def _lay_over(
    moving_mm: npt.NDArray[np.float64], fixed_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float]:
    """Move a shape rigidly onto another of the same order; the moved shape and the distance left."""
    a, b = moving_mm.view(np.complex128)[:, 0], fixed_mm.view(np.complex128)[:, 0]
    a, middle = a - np.add.reduce(a) / len(a), np.add.reduce(b) / len(b)
    z = complex(np.add.reduce(a.conj() * (b - middle)))
    laid = a * (z / abs(z) if z else 1.0) + middle
    left = laid - b
    return laid.view(np.float64).reshape(-1, 2), math.sqrt(np.vdot(left, left).real)


class PressDecoder:
    """Reads one press; make a new one for the next.

    >>> family = sb.load_family("p5-60k")
    >>> press = sb.PressDecoder(sb.Decoder(family))
    >>> for t_us in (0, 10_000, 20_000):
    ...     pads = enumerate(family.pads(777) + [30.0, 40.0])
    ...     report = sb.TouchReport(t_us, tuple(sb.Contact(i, True, 0, 0, x, y) for i, (x, y) in pads))
    ...     if decision := press.feed(report):
    ...         print(decision.reading.code, decision.decided_at_us)
    777 10000
    >>> press.finish().explanation
    'read as code 777'

    Args:
        decoder: reads the shapes.
        misread: wanted rate of genuine presses read as another code.
        jitter_mm: part of the noise that changes from report to report, per axis.
        contact_limit: contacts at which the phone gives up and cancels all touches without marking them;
            None if it never does.
    """

    def __init__(
        self,
        decoder: Decoder,
        *,
        misread: float = 1e-3,
        jitter_mm: float = JITTER_MM,
        contact_limit: int | None = None,
    ) -> None:
        self._decoder = decoder
        self._pads = decoder.pads_per_stamp
        self._jitter_mm = min(jitter_mm, decoder.sigma_mm)
        self._bias_mm = math.sqrt(decoder.sigma_mm**2 - self._jitter_mm**2)
        self._sure = math.log((1.0 - misread) / misread)
        # Two reports differ by the jitter of both.
        quantile = chi_quantile(0.999, degrees_of_freedom(self._pads))
        self._settle_mm = quantile * math.sqrt(2.0) * self._jitter_mm
        self._contact_limit = contact_limit
        self._shape: _Shape | None = None
        self._best: _Shape | None = None
        self._most: list[tuple[float, float]] = []
        self._first_contact_us: int | None = None
        self._down: frozenset[int] = frozenset()
        self._landed_us = 0
        self._cancelled = False
        self._decision: PressDecision | None = None

    def feed(self, report: TouchReport) -> PressDecision | None:
        """Take in the next report; the decision if this report makes it sure, the first time only."""
        if self._decision is not None:
            return None
        contacts = [contact for contact in report.down if self._has_position(contact)]
        if contacts and self._first_contact_us is None:
            self._first_contact_us = report.t_us
        self._cancelled |= any(contact.cancelled for contact in report.contacts)
        down = frozenset(contact.id for contact in contacts)
        if not down and self._taken_at_once(report.t_us):
            self._cancelled = True
        if down - self._down:
            self._landed_us = report.t_us
        self._down = down
        if not contacts:
            self._shape = None
            return None
        self._accumulate(report.t_us, contacts)
        self._decision = self._decide(report.t_us)
        return self._decision

    def cancel(self) -> None:
        """The source says that the touches were cancelled (touchcancel, palm, stolen gesture)."""
        self._cancelled = True
        self._shape = None
        self._down = frozenset()

    def finish(self) -> PressDecision:
        """End the press: the decision already made, or what all its reports say."""
        if self._decision is None:
            best = self._best
            if best is not None and len(best.ids) >= self._pads - 1:
                reading = self._decoder.decode(best.points_mm)
            else:
                reading = self._decoder.decode(np.array(self._most).reshape(-1, 2))
            complete = best is not None and len(best.ids) == self._pads and -1 not in reading.contacts
            self._decision = PressDecision(
                reading,
                reports_used=best.reports if best is not None else 0,
                first_contact_us=self._first_contact_us,
                all_pads_us=best.since_us if best is not None and complete else None,
                cancelled=self._cancelled and reading.verdict is not Verdict.READ,
                log_odds=self._log_odds(reading, best) if best is not None and complete else None,
            )
        return self._decision

    def _taken_at_once(self, t_us: int) -> bool:
        """Whether contacts that vanish in one report were cancelled by the phone, and did not lift."""
        if self._contact_limit is None or len(self._down) < 2:
            return False
        soon = t_us - self._landed_us <= CANCELLED_WITHIN_US
        return soon or len(self._down) >= self._contact_limit

    def _has_position(self, contact: Contact) -> bool:
        if self._decoder.scale_known and (contact.x_mm is None or contact.y_mm is None):
            return False
        x, y = self._position(contact)
        return abs(x) <= LARGEST_COORDINATE_MM and abs(y) <= LARGEST_COORDINATE_MM  # false for NaN

    def _position(self, contact: Contact) -> tuple[float, float]:
        if contact.x_mm is None or contact.y_mm is None:
            return float(contact.x), float(contact.y)
        return contact.x_mm, contact.y_mm

    def _accumulate(self, t_us: int, contacts: list[Contact]) -> None:
        """Add the report to the shape of the contacts taken for the stamp."""
        positions = {contact.id: self._position(contact) for contact in contacts}
        if len(positions) >= len(self._most):
            self._most = list(positions.values())
        ids = self._stamp_ids(positions)
        if self._shape is None or self._shape.ids != ids:
            self._shape = _Shape(ids, t_us) if ids else None
        if self._shape is not None:
            self._shape.add([positions[i] for i in ids], self._settle_mm)
            if self._best is None or self._weight(self._shape) >= self._weight(self._best):
                self._best = self._shape

    def _stamp_ids(self, positions: dict[int, tuple[float, float]]) -> tuple[int, ...]:
        """Contacts taken for the stamp: all, unless there are more than it has pads."""
        if len(positions) <= self._pads:
            return tuple(sorted(positions))
        if (
            self._shape is not None
            and len(self._shape.ids) == self._pads
            and positions.keys() >= {*self._shape.ids}
        ):
            return self._shape.ids
        reading = self._decoder.decode(np.array(list(positions.values())))
        ids = list(positions)
        return tuple(sorted(ids[i] for i in reading.contacts if i >= 0))

    @staticmethod
    def _weight(shape: _Shape) -> tuple[int, int]:
        return len(shape.ids), shape.reports

    def _decide(self, t_us: int) -> PressDecision | None:
        """Apply the stopping rule to the current shape."""
        shape = self._shape
        if shape is None or len(shape.ids) != self._pads:
            return None
        patient = shape.reports < PATIENCE_REPORTS
        if shape.clear_mm > 0.0 or (patient and shape.agreeing < SETTLED_REPORTS):
            return None
        reading = self._decoder.decode(shape.points_mm)
        if reading.verdict is Verdict.FOREIGN and self._decoder.is_clear(shape.points_mm, CLEAR_MM):
            shape.clear_mm = CLEAR_MM
        if reading.verdict is not Verdict.READ or -1 in reading.contacts:
            return None
        log_odds = self._log_odds(reading, shape)
        if patient and log_odds is not None and log_odds < self._sure:
            return None
        return PressDecision(
            reading,
            decided_at_us=t_us,
            reports_used=shape.reports,
            first_contact_us=self._first_contact_us,
            all_pads_us=shape.since_us,
            log_odds=log_odds,
        )

    def _log_odds(self, reading: Reading, shape: _Shape) -> float | None:
        """Least log-likelihood ratio of the code read over any other, with the evidence of the shape."""
        if reading.distance_mm is None or reading.code is None or not self._decoder.scale_known:
            return None
        variance = self._bias_mm**2 + self._jitter_mm**2 / shape.distinct
        apart = self._decoder.min_distance_mm
        return apart * (apart - 2.0 * reading.distance_mm) / (2.0 * variance)
