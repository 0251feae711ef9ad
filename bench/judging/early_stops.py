"""Cases that need no further presses: their limits are decided by sequential tests with stated risks.

A limit is decided early if it bounds a rate from above, on one case: Wald's test tells a rate of ``max`` from
that of a good stamp, which is the limit's ``good``, else its ``marginal_max``, else a quarter of ``max``. At
``max`` the limit is kept with a probability of at most ``beta``; with a good stamp it is missed with one of
at most ``alpha``. A limit of 0 is missed by the first press that counts, and no number of presses proves it;
nor do limits on percentiles keep a case going: they are held against the presses that are made. A case is
pressed to its end if it has any other limit, such as one on several cases together, or none at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stampbench.bench.judging.measurements import MEASUREMENTS, UNITS
from stampbench.bench.judging.sequential import SequentialDecision, SequentialTest

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.plans.tables import Limit
    from stampbench.bench.records.files import Confidence
    from stampbench.bench.records.presses import PressResult

GOOD_SHARE: Final = 0.25
"""Rate of a good stamp beside the limit, where the plan does not say."""


@dataclass(slots=True)
class DecidedLimit:
    """The test of one limit on one profile.

    Attributes:
        place: of the limit in the plan.
        test: fed with the presses of its case, in order.
    """

    place: int
    profile: str
    case: str
    measurement: str
    test: SequentialTest

    @property
    def decided(self) -> bool:
        """True if no further press changes it."""
        return self.test.decision is not SequentialDecision.GO_ON


class EarlyStops:
    """Feeds presses to the tests of their limits, and says which cases need no more.

    Args:
        plan: whose limits are decided.
        confidence: the risks.

    Raises:
        InputError: risks that are none.
    """

    def __init__(self, plan: Plan, confidence: Confidence) -> None:
        self.confidence = confidence
        self.limits: list[DecidedLimit] = []
        self._by_case: dict[tuple[str, str], list[DecidedLimit]] = {}
        endless: set[tuple[str, str]] = set()
        for place, limit in enumerate(plan.limits):
            measurement = MEASUREMENTS[limit.measurement]
            if not measurement.is_rate or limit.max == 0.0:
                continue
            cases = [
                case
                for case in (plan.cases if limit.case is None else plan.members(limit.case))
                if measurement.applies_to(case.kind)
            ]
            for profile in [limit.profile] if limit.profile is not None else plan.header.profiles:
                if limit.max is None or limit.min is not None or len(cases) > 1 or limit.max >= _top(limit):
                    endless.update((profile, case.name) for case in cases)
                    continue
                (case,) = cases
                test = _test(limit, confidence, case.presses)
                one = DecidedLimit(place, profile, case.name, limit.measurement, test)
                self.limits.append(one)
                self._by_case.setdefault((profile, case.name), []).append(one)
        self._stoppable = self._by_case.keys() - endless

    def enough(self, profile: str, case: str) -> bool:
        """Return True if the case needs no further presses on this profile."""
        key = profile, case
        return key in self._stoppable and all(limit.decided for limit in self._by_case[key])

    def see(self, presses: Iterable[PressResult]) -> None:
        """Take in presses, in order; those lost to the bench say nothing."""
        for press in presses:
            if press.outcome.judged:
                for limit in self._by_case.get((press.profile, press.case), ()):
                    counts = MEASUREMENTS[limit.measurement].counts
                    limit.test.add(counts is not None and counts(press))

    def of_limit(self, place: int, profile: str) -> SequentialTest | None:
        """Return the test of a limit on a profile; None if it is not decided early."""
        for limit in self.limits:
            if (limit.place, limit.profile) == (place, profile):
                return limit.test
        return None


def _top(limit: Limit) -> float:
    """Return all presses, in the limit's unit."""
    return 1.0 / UNITS["rate"][limit.unit or "1"]


def _test(limit: Limit, confidence: Confidence, presses: int) -> SequentialTest:
    unit = UNITS["rate"][limit.unit or "1"]
    bad = (limit.max or 0.0) * unit
    good = limit.good if limit.good is not None else limit.marginal_max
    usable = good is not None and limit.max is not None and 0.0 < good < limit.max
    return SequentialTest(
        good * unit if usable and good is not None else GOOD_SHARE * bad,
        bad,
        confidence.alpha,
        confidence.beta,
        presses if confidence.cap is None else min(presses, confidence.cap),
    )
