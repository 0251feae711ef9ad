"""The sequential probability ratio test: stop pressing as soon as enough is known.

A. Wald, Sequential Tests of Statistical Hypotheses, Annals of Mathematical Statistics 16 (1945), 117-186.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from stampbench.firmware_emulator.errors import InputError

_WITHOUT_CAP = 1_000_000
"""Where :meth:`SequentialTest.outcome_at` gives up a test without a cap."""
_NEGLIGIBLE = 1e-12


class Decision(StrEnum):
    """What a sequential test says after the trials so far."""

    GO_ON = "go on"
    ACCEPT = "accept"
    REJECT = "reject"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class SequentialOutcome:
    """What a sequential test does at one failure rate.

    Attributes:
        accept, reject, undecided: probabilities; their sum is 1.
        trials: expected number.
    """

    accept: float
    reject: float
    undecided: float
    trials: float


@dataclass(eq=False)
class SequentialTest:
    """Wald's test of a failure rate: ``p0`` is good, ``p1`` is bad; in between either answer is right.

    Trials are taken one by one, so that the decision does not depend on how they come in chunks. Those after
    the decision do not count.

    Args:
        p0: failure rate that is rejected with a probability of at most about ``alpha``.
        p1: failure rate, above p0, that is accepted with a probability of at most about ``beta``.
        alpha, beta: risks, 0..1, below 1 together.
        cap: trials after which the test ends undecided: neither claim is made then, and both risks only
            become smaller; None: no cap.

    Attributes:
        failures, trials: that counted.
        decision: so far.

    Raises:
        InputError: an argument outside its range.
    """

    p0: float
    p1: float
    alpha: float = 0.05
    beta: float = 0.05
    cap: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.p0 < self.p1 < 1.0:
            raise InputError(f"p0 = {self.p0:g}, p1 = {self.p1:g}: expected 0 < p0 < p1 < 1")
        for name, risk in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0.0 < risk < 1.0:
                raise InputError(f"{name} = {risk:g}: expected a risk above 0 and below 1")
        if self.alpha + self.beta >= 1.0:
            raise InputError(
                f"alpha + beta = {self.alpha + self.beta:g}: expected less than 1; a coin does as well"
            )
        if self.cap is not None and self.cap < 1:
            raise InputError(f"cap = {self.cap}: expected at least 1 trial")
        self.failures = 0
        self.trials = 0
        self.decision = Decision.GO_ON

    @cached_property
    def _steps(self) -> tuple[float, float]:
        """By how much a failure and a success move the logarithm of the likelihood ratio."""
        return math.log(self.p1 / self.p0), math.log1p(-self.p1) - math.log1p(-self.p0)

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        """Logarithms of the likelihood ratio at which the rate is accepted and rejected."""
        return math.log(self.beta / (1.0 - self.alpha)), math.log((1.0 - self.beta) / self.alpha)

    @property
    def log_likelihood_ratio(self) -> float:
        """Of p1 against p0, after the trials so far."""
        failure, success = self._steps
        return self.failures * failure + (self.trials - self.failures) * success

    @property
    def claim(self) -> str:
        """What the decision says, in words."""
        counted = f"{self.failures} of {self.trials:,}"
        good, bad = f"{100.0 * self.p0:g} %", f"{100.0 * self.p1:g} %"
        match self.decision:
            case Decision.ACCEPT:
                return (
                    f"{counted}: the rate is below {bad}; a rate of {bad} would be accepted "
                    f"with a probability of at most {self.beta:g}"
                )
            case Decision.REJECT:
                return (
                    f"{counted}: the rate is above {good}; a rate of {good} would be rejected "
                    f"with a probability of at most {self.alpha:g}"
                )
            case Decision.UNDECIDED:
                return f"{counted}: undecided between {good} and {bad} at the cap"
        return f"{counted}: not yet decided between {good} and {bad}"

    def add(self, failed: bool) -> Decision:
        """Take in one trial and decide."""
        if self.decision is Decision.GO_ON:
            self.trials += 1
            self.failures += bool(failed)
            self.decision = self.decide(self.failures, self.trials)
        return self.decision

    def decide(self, failures: int, trials: int) -> Decision:
        """Decide on counts, as if no earlier ones had decided."""
        if failures <= self.accept_at(trials):
            return Decision.ACCEPT
        if failures >= self.reject_at(trials):
            return Decision.REJECT
        if self.cap is not None and trials >= self.cap:
            return Decision.UNDECIDED
        return Decision.GO_ON

    def accept_at(self, trials: int) -> int:
        """Most failures with which so many trials accept; below 0: they cannot yet."""
        failure, success = self._steps
        return math.floor((self._bounds[0] - trials * success) / (failure - success) + 1e-9)

    def reject_at(self, trials: int) -> int:
        """Fewest failures with which so many trials reject; above ``trials``: they cannot yet."""
        failure, success = self._steps
        return math.ceil((self._bounds[1] - trials * success) / (failure - success) - 1e-9)

    def acceptance(self, p: float) -> float:
        """Probability to accept at failure rate ``p`` by Wald's formula, which knows no cap."""
        low, high = self._bounds
        h = self._exponent(p)
        if abs(h) < 1e-9:
            return high / (high - low)
        # (A^h - 1) / (A^h - B^h), with the larger power divided out.
        if h > 0.0:
            return (1.0 - math.exp(-h * high)) / (1.0 - math.exp(h * (low - high)))
        return (math.exp(h * high) - 1.0) / (math.exp(h * high) - math.exp(h * low))

    def expected_trials(self, p: float) -> float:
        """Expected number of trials at failure rate ``p`` by Wald's formula, which knows no cap.

        It leaves out by how much the last trial oversteps the boundary, and so is a little low.
        """
        low, high = self._bounds
        failure, success = self._steps
        drift = p * failure + (1.0 - p) * success
        accept = self.acceptance(p)
        if abs(drift) < 1e-9 * failure:
            return -low * high / (p * failure**2 + (1.0 - p) * success**2)
        return (accept * low + (1.0 - accept) * high) / drift

    def outcome_at(self, p: float) -> SequentialOutcome:
        """What the test does at failure rate ``p``: exact, with its cap, by carrying all counts along.

        Raises:
            InputError: p outside 0..1.
        """
        if not 0.0 <= p <= 1.0:
            raise InputError(f"p = {p:g}: expected a rate from 0 to 1")
        cap = _WITHOUT_CAP if self.cap is None else self.cap
        alive = np.ones(1)  # probability of each number of failures, from ``first`` on
        first, trials, accept, reject, expected = 0, 0, 0.0, 0.0, 0.0
        while trials < cap and (left := float(alive.sum())) > _NEGLIGIBLE:
            trials += 1
            expected += left
            after = np.zeros(len(alive) + 1)
            after[:-1] = alive * (1.0 - p)
            after[1:] += alive * p
            below = min(max(self.accept_at(trials) - first + 1, 0), len(after))
            above = max(min(self.reject_at(trials) - first, len(after)), below)
            accept += float(after[:below].sum())
            reject += float(after[above:].sum())
            alive, first = after[below:above], first + below
        return SequentialOutcome(accept, reject, float(alive.sum()), expected)

    def _exponent(self, p: float) -> float:
        """Wald's h: the root, other than 0, of p (p1/p0)^h + (1 - p) ((1-p1)/(1-p0))^h = 1; 0 between."""
        if not 0.0 < p < 1.0:
            raise InputError(f"p = {p:g}: expected a rate above 0 and below 1")
        failure, success = self._steps
        drift = p * failure + (1.0 - p) * success
        if abs(drift) < 1e-12 * failure:
            return 0.0
        # The moment generating function is convex with value 1 at 0: the other root lies against the drift.
        sign = -math.copysign(1.0, drift)
        far = 1.0

        def above_one(h: float) -> bool:
            up, down = math.log(p) + h * failure, math.log1p(-p) + h * success
            top = max(up, down)
            return top + math.log(math.exp(up - top) + math.exp(down - top)) > 0.0

        while not above_one(sign * far):
            far *= 2.0
        near = 0.0
        while far - near > 1e-13 * far:
            middle = 0.5 * (near + far)
            if middle in (near, far):
                break
            if above_one(sign * middle):
                far = middle
            else:
                near = middle
        return sign * 0.5 * (near + far)
