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

The hand. Contacts are followed from report to report by their ids and, where ids change, by their places. All
that are down are explained at once: every choice of as many as pads that fits a code is a hypothesis with a
mean shape of its own, kept while it fits, and the likeliest must outweigh any other code by ``PRESS_ODDS``.
Before the last pad is down, fingers and pads together can fit a code by chance. So a choice whose contacts
landed apart (fingers that rest on the glass, then pads) counts as ``APART_ODDS`` times less likely, and a
shape that fits no better than chance may waits: each report without a landing makes it less likely that a pad
is still to come, until that and the chance that so many choices fit so well
(:meth:`Acceptance.chance_within`) are together below ``misread``. Contacts that remain while others lift are
no new choice. A pad that lands at a resting finger makes one contact with it, or has its own contact drawn
aside: such a press is read at its end by the other pads, if the last one of just one code explains which way
a contact was drawn.

The rates, at the noise that the decoder is told. Misread: at most ``misread``; far less in truth, since the
nearest rival is assumed where usually none is. Lost: at most the decoder's ``frr``; less where jitter
matters, since it is averaged away. Read though foreign: as often as at one look, codes * ball / volume
(:meth:`Acceptance.far`), since a foreign shape stays what it is from report to report. Simulated
with p5-60k, its design noise and two reports in five frozen: 0 misread and 36 lost of 60,000 presses, read
after 2 reports in the median and 5 at 99 %; 11.5 % of 30,000 foreign objects read, 11.1 % at one look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder.acceptance import chi_quantile, degrees_of_freedom
from stampbench.sim.decoder.decoder import LARGEST_COORDINATE_MM, Decoder
from stampbench.sim.decoder.pad_at_finger import PRESS_ODDS, PadAtFinger, either
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.decoder.touches import PATIENCE_REPORTS, Place, Shape, Touch, Touches

JITTER_MM = 0.06
"""Jitter per report and axis. Measured: unfiltered position of an object lying still on a Nexus 5 panel."""
CANCELLED_WITHIN_US = 60_000
"""Contacts that vanish at once so soon after a landing were cancelled. Simulated with iphone-like: the sixth
contact cancelled 179 stamps beside a resting finger, 178 within 50 ms; 200 others lay 160 ms or more."""
CLEAR_MM = 0.5
"""Way that the mean shape of a foreign object may go before it is looked up again."""
SETTLED_REPORTS = 2
"""Complete reports that must agree: the first one after a landing may hold a pad that is not fully down."""
APART_ODDS = 100.0
"""So much less likely is a choice for each time that its contacts landed apart: pads may, too."""
STILL_LANDING = 0.4
"""Chance that a pad not yet down is still to come after one more report without a landing."""
STILL_LANDING_SLOWLY = 0.8
"""The same where the contacts of the choice landed apart: some may well be fingers."""
MOST_HYPOTHESES = 8
"""Choices of contacts followed at a time, the nearest to their codes."""
LOOK_EVERY = 4
"""Reports from one look at a crowd to the next, once a few in a row showed nothing."""


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
        self._misread = misread
        self._sure = math.log((1.0 - misread) / misread)
        # Two reports differ by the jitter of both.
        quantile = chi_quantile(0.999, degrees_of_freedom(self._pads))
        self._settle_mm = quantile * math.sqrt(2.0) * self._jitter_mm
        self._contact_limit = contact_limit
        self._in_mm = decoder.scale_known
        self._touches = Touches(in_mm=self._in_mm)
        self._finger = PadAtFinger(decoder, self._settle_mm)
        self._looks = 0  # in a row that showed nothing
        self._choices = 1
        self._crowded = False
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._shape: Shape | None = None
        self._accumulated: dict[int, Touch] | None = None
        self._best: Shape | None = None
        self._most: list[tuple[float, float]] = []
        self._first_contact_us: int | None = None
        self._cancelled = False
        self._decision: PressDecision | None = None

    def feed(self, report: TouchReport) -> PressDecision | None:
        """Take in the next report; the decision if this report makes it sure, the first time only."""
        if self._decision is not None:
            return None
        contacts = self._places(report)
        if not contacts:
            self._cancelled |= self._taken_at_once(report.t_us)
            self._touches.follow(report.t_us, contacts)
            self._shape = None
            return None
        if self._first_contact_us is None:
            self._first_contact_us = report.t_us
        landed = self._touches.follow(report.t_us, contacts)
        if landed:
            self._looks = 0
            self._crowded |= len(contacts) > self._pads
        live = self._accumulate(report.t_us, landed)
        self._decision = self._decide(report.t_us, live)
        return self._decision

    def cancel(self) -> None:
        """Say that the touches were cancelled by their source (touchcancel, palm, stolen gesture)."""
        self._cancelled = True
        self._shape = None
        self._touches.clear()

    def finish(self) -> PressDecision:
        """End the press: the decision already made, or what all its reports say."""
        if self._decision is None:
            shape, reading = self._conclusion()
            complete = shape is not None and len(shape.touches) == self._pads and -1 not in reading.contacts
            self._decision = PressDecision(
                reading,
                reports_used=shape.reports if shape is not None else 0,
                first_contact_us=self._first_contact_us,
                all_pads_us=shape.since_us if shape is not None and complete else None,
                cancelled=self._cancelled and reading.verdict is not Verdict.READ,
                log_odds=self._log_odds(reading, shape) if shape is not None and complete else None,
            )
        return self._decision

    def _conclusion(self) -> tuple[Shape | None, Reading]:
        """Return the shape that the press comes down to, and what it reads as."""
        if self._hand:
            for shape in self._shapes.values():
                self._look_up(shape)
            likeliest, rivals = self._likeliest()
            if likeliest is not None and likeliest.reading is not None:
                readings = [shape.reading for shape in (likeliest, *rivals) if shape.reading is not None]
                return likeliest, readings[0] if not rivals else either(readings)
            hidden = self._finger.reading()
            if hidden is not None:
                return self._finger.shape, hidden
            if len(self._most) > self._pads:
                return None, self._decoder.decode(np.array(self._most))
        best = self._best
        if best is not None and len(best.touches) >= self._pads - 1:
            return best, self._decoder.decode(best.points_mm)
        return best, self._decoder.decode(np.array(self._most).reshape(-1, 2))

    def _taken_at_once(self, t_us: int) -> bool:
        """Return whether contacts that vanish in one report were cancelled by the phone, and did not lift."""
        if self._contact_limit is None or len(self._touches.down) < 2:
            return False
        soon = t_us - self._touches.landed_us <= CANCELLED_WITHIN_US
        return soon or len(self._touches.down) >= self._contact_limit

    @property
    def _hand(self) -> bool:
        """Whether there were other contacts than those of a stamp."""
        return self._crowded or self._touches.bout > 0

    def _places(self, report: TouchReport) -> list[tuple[int, Place]]:
        """Return ids and places of the contacts that are down, and note whether any was cancelled.

        Places are in device units where the scale is unknown.
        """
        places: list[tuple[int, Place]] = []
        for id_, tip, x, y, x_mm, y_mm, _, cancelled in report.contacts:
            self._cancelled |= cancelled
            if not tip:
                continue
            if x_mm is not None and y_mm is not None:
                place = (x_mm, y_mm)
            elif self._in_mm:
                continue
            else:
                place = (float(x), float(y))
            if abs(place[0]) <= LARGEST_COORDINATE_MM and abs(place[1]) <= LARGEST_COORDINATE_MM:  # not NaN
                places.append((id_, place))
        return places

    def _accumulate(self, t_us: int, landed: bool) -> list[Shape]:
        """Add the report to the shapes that its touches may be; return those with all pads."""
        touches = self._touches.down
        if len(touches) >= len(self._most):
            self._most = [touch.place for touch in touches.values()]
        if len(touches) > self._pads:
            self._shape = None
            live = self._hypotheses(landed)
        else:
            if self._shape is None or self._accumulated is not touches:  # others than in the last report
                self._shape = self._shape_of(touches, t_us)
            live = [self._shape]
        self._accumulated = touches
        if self._touches.bout and not self._touches.lifting:
            self._finger.add(t_us, self._touches)
        for shape in live:
            shape.add([touches[number].place for number in shape.touches], self._settle_mm)
            if self._best is None or self._weight(shape) >= self._weight(self._best):
                self._best = shape
        return [shape for shape in live if shape.kept]

    def _shape_of(self, touches: dict[int, Touch], t_us: int) -> Shape:
        """Return the shape of all touches, no more than a stamp has pads; a new one where they are others."""
        key = tuple(sorted(touches))
        if key in self._shapes:
            return self._shapes[key]
        numbers = tuple(sorted(touches, key=lambda number: touches[number].id))
        if self._shape is not None and self._shape.touches == numbers:
            return self._shape
        shape = Shape(numbers, t_us)
        if len(numbers) == self._pads and not (self._touches.lifting and self._hand):
            self._keep(shape)
        return shape

    def _keep(self, shape: Shape) -> None:
        """Count a shape with all pads among those that the press may be."""
        shape.kept = True
        self._shapes[tuple(sorted(shape.touches))] = shape

    def _hypotheses(self, landed: bool) -> list[Shape]:
        """Return the choices among more contacts than pads that fit a code."""
        touches = self._touches.down
        live = [shape for shape in self._shapes.values() if touches.keys() >= {*shape.touches}]
        fitting = [shape for shape in live if shape.reading is not None or shape.reports < SETTLED_REPORTS]
        idle = not fitting and not self._touches.lifting
        if landed or (idle and (self._looks <= PATIENCE_REPORTS or self._touches.quiet % LOOK_EVERY == 0)):
            ids = sorted(touches, key=lambda number: touches[number].id)
            hits, self._choices = self._decoder.hits(np.array([touches[number].place for number in ids]))
            self._looks = 0 if hits else self._looks + 1
            for hit in sorted(hits, key=lambda hit: hit.distance_mm)[:MOST_HYPOTHESES]:
                chosen = tuple(ids[contact] for contact in hit.contacts)
                key = tuple(sorted(chosen))
                if key not in self._shapes:
                    self._keep(Shape(chosen, max(touches[number].landed_us for number in chosen)))
                if self._shapes[key] not in fitting:
                    fitting.append(self._shapes[key])
        return fitting

    @staticmethod
    def _weight(shape: Shape) -> tuple[int, int]:
        return len(shape.touches), shape.reports

    def _look_up(self, shape: Shape) -> None:
        """Read the mean shape, unless it has not gone far from where no code is near."""
        if shape.clear_mm > 0.0:
            return
        reading = self._decoder.decode(shape.points_mm)
        if reading.verdict is Verdict.FOREIGN and self._decoder.is_clear(shape.points_mm, CLEAR_MM):
            shape.clear_mm = CLEAR_MM
        reads = reading.verdict is Verdict.READ and -1 not in reading.contacts
        shape.reading = reading if reads else None

    def _likeliest(self) -> tuple[Shape | None, list[Shape]]:
        """Return the likeliest of the shapes that read, and those of other codes that rival it."""
        read = [shape for shape in self._shapes.values() if shape.reading]
        if len(read) < 2:
            return (read[0] if read else None), []
        scored = sorted(
            ((self._log_likelihood(shape), -place, shape) for place, shape in enumerate(read)), reverse=True
        )
        most, _, best = scored[0]
        code = best.reading.code if best.reading else None
        rivals = [
            shape
            for likelihood, _, shape in scored[1:]
            if shape.reading and shape.reading.code != code and most - likelihood < math.log(PRESS_ODDS)
        ]
        return best, rivals

    def _log_likelihood(self, shape: Shape) -> float:
        """Return the log-likelihood of a shape that reads, up to a constant that all share."""
        distance = (shape.reading.distance_mm if shape.reading else None) or 0.0
        apart = self._times_apart(shape) * math.log(APART_ODDS)
        return -(distance**2) / (2.0 * self._decoder.sigma_mm**2) - apart

    def _times_apart(self, shape: Shape) -> int:
        """Return how many times touches of the shape landed apart from those before them."""
        return len({self._touches.bouts[number] for number in shape.touches}) - 1

    def _decide(self, t_us: int, live: list[Shape]) -> PressDecision | None:
        """Apply the stopping rule to the shapes that are down with all pads."""
        settled = [
            shape
            for shape in live
            if shape.clear_mm <= 0.0
            and (shape.agreeing >= SETTLED_REPORTS or shape.reports >= PATIENCE_REPORTS)
        ]
        for shape in settled:
            self._look_up(shape)
        # Also those that are up again: what they said still counts.
        best, rivals = self._likeliest()
        if best is None or best.reading is None or rivals or self._may_be_chance(best, best.reading):
            return None
        log_odds = self._log_odds(best.reading, best)
        if best.reports < PATIENCE_REPORTS and log_odds is not None and log_odds < self._sure:
            return None
        return PressDecision(
            best.reading,
            decided_at_us=t_us,
            reports_used=best.reports,
            first_contact_us=self._first_contact_us,
            all_pads_us=best.since_us,
            log_odds=log_odds,
        )

    def _may_be_chance(self, shape: Shape, reading: Reading) -> bool:
        """Return whether fingers and pads may fit a code by chance, since a pad may be still to come."""
        if not self._decoder.scale_known:
            return False
        fits = self._decoder.acceptance.chance_within(reading.distance_mm or 0.0) * self._choices
        slowly = self._times_apart(shape) > 0
        coming = (STILL_LANDING_SLOWLY if slowly else STILL_LANDING) ** self._touches.quiet
        return fits * coming > (self._misread / 10.0 if slowly else self._misread)

    def _log_odds(self, reading: Reading, shape: Shape) -> float | None:
        """Return the least log-likelihood ratio of the code read over any other, by the shape's evidence."""
        if reading.distance_mm is None or reading.code is None or not self._decoder.scale_known:
            return None
        variance = self._bias_mm**2 + self._jitter_mm**2 / shape.distinct
        apart = self._decoder.min_distance_mm
        least = apart * (apart - 2.0 * reading.distance_mm) / (2.0 * variance)
        if least >= self._sure or reading.margin_mm is None:
            return least
        # The closest pair of the codebook says too little: what counts is the second-best here.
        return max(
            least, reading.margin_mm * (reading.margin_mm + 2.0 * reading.distance_mm) / (2.0 * variance)
        )
