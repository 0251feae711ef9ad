"""What a device under test says: heard with its time, and understood as a code."""

from __future__ import annotations

import queue
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from stampbench.bench.plans.tables import DutAnswer
from stampbench.bench.sources.recording import shown
from stampbench.firmware_emulator.errors import LinkError


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a device under test said.

    Attributes:
        at_s: when it was heard, by ``time.monotonic``.
        value: a code, or a stamp's name; None: no stamp.
        why: in its own words.
        fault: why nothing can be said of the stamp any more; "" where it answered.
    """

    at_s: float
    value: int | str | None = None
    why: str = ""
    fault: str = ""


Heard: TypeAlias = "queue.SimpleQueue[Said]"
"""Whatever hears a device under test puts it here, from a thread of its own if it must wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a device under test said of one press.

    Attributes:
        code: that it read; None: none.
        why: in its own words.
        answered: False where it said nothing in time.
        after_us: from the first report of the press to the answer; None where that time says nothing.
        odd: lines that were no answer to this press, by kind.
        due_us, sent_us: of the reports, as in :class:`~stampbench.bench.dut.sink.Delivery`.
    """

    code: int | None
    why: str = ""
    answered: bool = True
    after_us: int | None = None
    odd: Mapping[str, int] = field(default_factory=dict)
    due_us: tuple[int, ...] = ()
    sent_us: tuple[int, ...] = ()


def code_of(said: Said, codes: Mapping[str, int]) -> int | None:
    """Return the code that was said.

    Args:
        said: by the device under test.
        codes: by the names that it gives the stamps; a name that is a number needs none.

    Raises:
        LinkError: nothing can be said of the stamp: a fault, or a name that nobody explained.
    """
    if said.fault:
        raise LinkError(said.fault)
    if isinstance(said.value, str):
        if said.value in codes:
            return codes[said.value]
        if not codes and said.value.isascii() and said.value.isdecimal():
            return int(said.value)
        raise LinkError(
            f"the device under test read {shown(said.value)}, which dut.codes does not know: "
            f"expected one of {', '.join(sorted(codes)[:5]) or 'its codes'}"
        )
    return said.value


def understood(value: Any, answer: DutAnswer, at_s: float) -> Said | None:
    """Return what a value says that an app gave; None where it is no answer yet.

    Args:
        value: a code, a name, None for no stamp, or an object with ``code`` and, if it likes, ``why``.
        answer: how the plan reads it.
        at_s: when it was heard.
    """
    why = ""
    if isinstance(value, dict) and "code" in value:
        value, why = value["code"], str(value.get("why") or "")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        found = re.search(answer.pattern, value)
        if found is None:
            return None
        if answer.pattern:
            value = found[1] if found.re.groups else found[0]
        if value in answer.none:
            return Said(at_s, None, why or value)
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value is None or isinstance(value, str) or whole:
        return Said(at_s, value, why)
    return Said(
        at_s, fault=f"the device under test said {shown(str(value))}: expected a code, a name or null"
    )
