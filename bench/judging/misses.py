"""What a device under test missed of what our decoder read, and what the missed presses have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stampbench.bench.records.presses import PressRecord, PressResult

LATE_PAD_MS: Final = 30
_FEWEST: Final = 2
_TIMES_AS_OFTEN: Final = 2.0
_MOST_TRAITS: Final = 3


@dataclass(frozen=True, slots=True)
class Trait:
    """What presses have in common.

    Attributes:
        words: what, as in "with a pad landing over 30 ms late".
        missed: readable presses of it that the device under test missed.
        readable: all readable presses of it.
    """

    words: str
    missed: int
    readable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Genuine presses by who read them right.

    Attributes:
        both, dut_only, ours_only, neither: how many.
        traits: whose readable presses are missed twice as often as all, most missed first.
    """

    both: int
    dut_only: int
    ours_only: int
    neither: int
    traits: tuple[Trait, ...]

    @property
    def words(self) -> str:
        """One sentence."""
        readable = self.both + self.ours_only
        sentence = f"the app missed {self.ours_only:,} of {readable:,} that our decoder read"
        if self.traits:
            shares = (f"{one.missed:,} {one.words} (of {one.readable:,} such)" for one in self.traits)
            sentence += f": {', '.join(shares)}"
        return f"{sentence}; {self.neither:,} more neither read, {self.dut_only:,} it alone"


def misses(presses: Iterable[PressResult]) -> Misses | None:
    """Return what a device under test missed; None where none was judged."""
    counts = {"both": 0, "dut_only": 0, "ours_only": 0, "neither": 0}
    names = {(True, True): "both", (True, False): "dut_only", (False, True): "ours_only"}
    readable: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for press in presses:
        if not isinstance(press, PressRecord):
            return None  # a campaign's: our decoder was judged
        if press.own_reading is None or press.kind != "genuine" or not press.outcome.judged:
            continue
        ours = press.own_reading.verdict == "read" and press.own_reading.code == press.code
        name = names.get((press.read_right, ours), "neither")
        counts[name] += 1
        if ours:
            traits = list(_traits(press))
            readable.update(traits)
            if name == "ours_only":
                missed.update(traits)
    if not any(counts.values()):
        return None
    share = counts["ours_only"] / max(1, counts["both"] + counts["ours_only"])
    told = [
        Trait(words, count, readable[words])
        for words, count in missed.most_common()
        if count >= _FEWEST and count / readable[words] >= _TIMES_AS_OFTEN * share
    ]
    return Misses(**counts, traits=tuple(told[:_MOST_TRAITS]))


def _traits(press: PressRecord) -> Iterator[str]:
    timing = press.timing
    first_us, all_us = (timing.first_contact_us, timing.all_pads_us) if timing else (None, None)
    if first_us is not None and all_us is not None and all_us - first_us > 1000 * LATE_PAD_MS:
        yield f"with a pad landing over {LATE_PAD_MS} ms late"
    yield f"with {len(press.contacts)} contacts"
    yield f"in the case {press.case}"
    yield f"on {press.profile}"
