"""A recogniser as a Python function: an entry point of the group ``stampbench.recognisers``.

It takes the reports of one press, and returns the code, the name of the stamp, or None::

    def read(reports: Sequence[sb.TouchReport]) -> int | str | None: ...

It runs in a thread: one that may hang for ever, or bring the interpreter down, belongs in a process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final, TypeAlias

from stampbench.bench.dut.answers import Heard, Said
from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.touch import TouchReport

Recogniser: TypeAlias = Callable[[Sequence[TouchReport]], int | str | None]

ENTRY_POINT_GROUP: Final = "stampbench.recognisers"
_MANY_CONTACTS: Final = 1 << 16


def installed_recognisers() -> dict[str, EntryPoint]:
    """Return the recognisers that packages installed here bring along, by name."""
    return {entry_point.name: entry_point for entry_point in entry_points(group=ENTRY_POINT_GROUP)}


def load_recogniser(name: str) -> Recogniser:
    """Return the recogniser of an entry point.

    Raises:
        InputError: there is none of that name, or it cannot be loaded.
    """
    found = installed_recognisers()
    if name not in found:
        known = choose(name, list(found)) if found else "expected a package here that brings one"
        raise InputError(f"recogniser {name!r}: no entry point of {ENTRY_POINT_GROUP}: {known}")
    try:
        loaded: Recogniser = found[name].load()
    except Exception as error:  # somebody else's code
        raise InputError(
            f"recogniser {name!r} ({found[name].value}): {type(error).__name__}: {error}"
        ) from error
    if not callable(loaded):
        raise InputError(
            f"recogniser {name!r} is a {type(loaded).__name__}: expected a function of the reports"
        )
    return loaded


class PythonSink:
    """A recogniser that is called with the reports of each press, in a thread of its own.

    Args:
        recogniser: takes the reports of a press, returns what it read.
        heard: where its answers go.
    """

    name: Final = "python"
    contact_limit: Final = _MANY_CONTACTS
    paced: Final = False

    def __init__(self, recogniser: Recogniser, heard: Heard) -> None:
        self._recogniser = recogniser
        self._heard = heard
        self._reports: list[TouchReport] = []
        self._presses: queue.SimpleQueue[list[TouchReport] | None] | None = None
        self._thread: threading.Thread | None = None

    def begin(self, press: int) -> None:
        """Start the thread where none runs, and forget what was sent.

        Raises:
            LinkError: the recogniser failed.
        """
        if self._presses is None:
            self._presses = queue.SimpleQueue()
            self._thread = threading.Thread(
                target=self._read, args=(self._presses,), daemon=True, name="recogniser"
            )
            self._thread.start()
        self._reports = []

    def send(self, report: TouchReport) -> None:
        """Keep one report.

        Raises:
            LinkError: the recogniser failed.
        """
        if self._thread is None or not self._thread.is_alive():
            raise LinkError("the recogniser failed in an earlier press: expected it to be begun anew")
        self._reports.append(report)

    def end(self) -> None:
        """Hand the press to the recogniser."""
        if self._presses is not None:
            self._presses.put(self._reports)

    def renew(self) -> None:
        """Leave the recogniser to itself: whatever it still says is heard by nobody."""
        self.close()

    def close(self) -> None:
        """Let the thread end once it has read what it was given."""
        presses, self._presses, self._thread = self._presses, None, None
        if presses is not None:
            presses.put(None)

    def _read(self, presses: queue.SimpleQueue[list[TouchReport] | None]) -> None:
        while (reports := presses.get()) is not None:
            try:
                said = said_of(self._recogniser(reports))
            except BaseException as error:  # somebody else's code may raise anything
                said = Said(time.monotonic(), fault=f"the recogniser raised {type(error).__name__}: {error}")
            if presses is self._presses:
                self._heard.put(said)
            if said.fault:
                return


def said_of(value: object) -> Said:
    """Return what a recogniser returned: a code, a name or None, and a fault where it is none of them."""
    at_s = time.monotonic()
    if value is None or isinstance(value, str):
        return Said(at_s, value)
    try:
        code = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        code = -1
    if isinstance(value, bool) or code != value or code < 0:
        return Said(at_s, fault=f"the recogniser returned {value!r}: expected a code, a name or None")
    return Said(at_s, code)
