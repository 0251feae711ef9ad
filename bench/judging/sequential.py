"""The sequential probability ratio test: stop pressing as soon as enough is known.

A. Wald, Sequential Tests of Statistical Hypotheses, Annals of Mathematical Statistics 16 (1945), 117-186.
Wald's usual boundaries, beta / (1 - alpha) and (1 - beta) / alpha, keep the risks only together and nearly:
one alone may be beta / (1 - alpha). These are beta and 1 / alpha, which the likelihood ratio crosses under
the wrong hypothesis with at most these probabilities, however long the test and whatever ends it (J. Ville,
Etude critique de la notion de collectif, 1939).
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


class SequentialDecision(StrEnum):
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
    """Test a failure rate as Wald does: ``p0`` is good, ``p1`` is bad; in between either answer is right.

    Trials are taken one by one, so that the decision does not depend on how they come in chunks. Those after
    the decision do not count.

    Args:
        p0: failure rate that is rejected with a probability of at most ``alpha``.
        p1: failure rate, above p0, that is accepted with a probability of at most ``beta``.
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
        self.decision = SequentialDecision.GO_ON

    @cached_property
    def _steps(self) -> tuple[float, float]:
        """By how much a failure and a success move the logarithm of the likelihood ratio."""
        return math.log(self.p1 / self.p0), math.log1p(-self.p1) - math.log1p(-self.p0)

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        """Logarithms of the likelihood ratio at which the rate is accepted and rejected."""
        return math.log(self.beta), -math.log(self.alpha)

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
            case SequentialDecision.ACCEPT:
                return (
                    f"{counted}: the rate is below {bad}; a rate of {bad} would be accepted "
                    f"with a probability of at most {self.beta:g}"
                )
            case SequentialDecision.REJECT:
                return (
                    f"{counted}: the rate is above {good}; a rate of {good} would be rejected "
                    f"with a probability of at most {self.alpha:g}"
                )
            case SequentialDecision.UNDECIDED:
                return f"{counted}: undecided between {good} and {bad} at the cap"
        return f"{counted}: not yet decided between {good} and {bad}"

    def add(self, failed: bool) -> SequentialDecision:
        """Take in one trial and decide."""
        if self.decision is SequentialDecision.GO_ON:
            self.trials += 1
            self.failures += bool(failed)
            self.decision = self.decide(self.failures, self.trials)
        return self.decision

    def decide(self, failures: int, trials: int) -> SequentialDecision:
        """Decide on counts, as if no earlier ones had decided."""
        if failures <= self.accept_at(trials):
            return SequentialDecision.ACCEPT
        if failures >= self.reject_at(trials):
            return SequentialDecision.REJECT
        if self.cap is not None and trials >= self.cap:
            return SequentialDecision.UNDECIDED
        return SequentialDecision.GO_ON

    def accept_at(self, trials: int) -> int:
        """Return most failures with which so many trials accept; below 0: they cannot yet."""
        failure, success = self._steps
        return math.floor((self._bounds[0] - trials * success) / (failure - success) + 1e-9)

    def reject_at(self, trials: int) -> int:
        """Return fewest failures with which so many trials reject; above ``trials``: they cannot yet."""
        failure, success = self._steps
        return math.ceil((self._bounds[1] - trials * success) / (failure - success) - 1e-9)

    def outcome_at(self, p: float) -> SequentialOutcome:
        """Return what the test does at failure rate ``p``: exact, with its cap, by carrying all counts along.

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
