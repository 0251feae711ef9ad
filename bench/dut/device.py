"""A device under test: presses go in by its sink, its answers come back, each one press's or nobody's."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stampbench.bench.dut.answers import Answer, Heard, Said, code_of
from stampbench.bench.dut.sink import Delivery, Sink, deliver
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.touch import TouchReport

TWICE_WITHIN_S: Final = 0.02
"""So long after an answer another one still belongs to the same press; later, it counts as unasked."""


def _nothing() -> None:
    """Leave an app that comes back by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUnderTest:
    """A way in, and what is heard of it.

    Attributes:
        sink: where the reports go.
        heard: what the device says, by whatever hears it.
        codes: by the names that the device gives the stamps; empty: it says codes.
        timeout_s: time for an answer after the last report.
        late_ms: a report that goes out later than this spoils its press.
        bring_back: brings the app back to where it waits for a stamp, ahead of each press.
    """

    sink: Sink
    heard: Heard
    codes: Mapping[str, int]
    timeout_s: float
    late_ms: float
    bring_back: Callable[[], None] = _nothing

    def press(self, number: int, reports: Sequence[TouchReport]) -> Answer:
        """Make one press, and return the answer.

        Raises:
            LinkError: the device or the way to it failed, or it said what is no answer: nothing can be said
                of the stamp.
            InputError, NoHardwareError: it cannot be opened.
        """
        try:
            return self._press(number, reports)
        except LinkError:
            self.sink.renew()
            raise

    def _press(self, number: int, reports: Sequence[TouchReport]) -> Answer:
        self.bring_back()
        odd = {"unasked_answers": self._unasked(time.monotonic())}
        delivery = deliver(self.sink, number, reports)
        if delivery.late_us > 1000 * self.late_ms:
            raise LinkError(
                f"{self.sink.name}: a report went out {delivery.late_us / 1000:.1f} ms late: "
                f"expected at most dut.late_ms = {self.late_ms:g}"
            )
        over_s = time.monotonic()
        # An app may answer while it is pressed; who gets all reports at once has not seen the press before.
        odd["unasked_answers"] += self._unasked(_touched_s(reports, delivery) if self.sink.paced else over_s)
        said = self._next(over_s + self.timeout_s)
        if said is None:
            self.sink.renew()
            why = f"no answer within {self.timeout_s:g} s"
            return Answer(
                code=None,
                why=why,
                answered=False,
                odd=_counted(odd),
                due_us=delivery.due_us,
                sent_us=delivery.sent_us,
            )
        code = code_of(said, self.codes)
        while (further := self._next(time.monotonic() + TWICE_WITHIN_S)) is not None:
            if further.fault:
                self.sink.renew()  # the next press finds it ended, where it is
                break
            odd["unasked_answers"] += 1
            if code_of(further, self.codes) != code:
                raise LinkError(
                    f"the device under test gave two answers to one press, {said.value} and {further.value}: "
                    "expected one"
                )
        after_us = round(1e6 * (said.at_s - delivery.begun_s)) if self.sink.paced else None
        return Answer(
            code=code,
            why=said.why,
            after_us=after_us,
            odd=_counted(odd),
            due_us=delivery.due_us,
            sent_us=delivery.sent_us,
        )

    def _next(self, until_s: float) -> Said | None:
        """Return what is said next; None if nothing is."""
        try:
            return self.heard.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            return None

    def _unasked(self, before_s: float) -> int:
        """Take what was said before a time; return how much."""
        count, later = 0, []
        while not self.heard.empty():
            said = self.heard.get()
            if said.fault:
                raise LinkError(said.fault)
            if said.at_s < before_s:
                count += 1
            else:
                later.append(said)
        for said in later:
            self.heard.put(said)
        return count


def _touched_s(reports: Sequence[TouchReport], delivery: Delivery) -> float:
    """Return when the first contact went out."""
    first = next((n for n, report in enumerate(reports) if report.down), 0)
    return delivery.begun_s + delivery.sent_us[first] / 1e6


def _counted(odd: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in odd.items() if count}
