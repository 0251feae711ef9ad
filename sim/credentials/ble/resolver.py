"""The resolver of rotating identifiers: which beacon was heard, and was it in its time.

Nobody can decrypt an identifier. The resolver computes those of every beacon it knows, from a day before to
somewhat ahead, and looks up what was heard. One that belongs to the present is in time. One of the day before
is either a recording or a beacon whose battery was changed; nothing on the air tells the two apart, and so
the resolver does not take it until somebody who is there has said that the battery was changed. From then on,
and until the beacon has caught up, it shows windows that it had shown before: they are marked as repeated.
"""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S
from stampbench.sim.credentials.ble.belief import BeaconBelief
from stampbench.sim.credentials.ble.clocks import ClockBounds
from stampbench.sim.credentials.ble.eid import LARGEST_EXPONENT, identifiers, window_of
from stampbench.sim.credentials.secrets import Secret

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_AHEAD_S, _BEHIND_S = 3600.0, 60.0
"""How far ahead identifiers are computed at once, and how far time may go back without that."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A beacon that was heard.

    Attributes:
        beacon: its name.
        window: number of the window of its clock.
        in_time: False: of the day before; recorded, or the battery was changed and nobody said so.
        repeated: True: the beacon had shown this window before its battery was changed.
    """

    beacon: str
    window: int
    in_time: bool
    repeated: bool


class _Registered:
    """One registered beacon."""

    def __init__(self, identity_key: Secret, belief: BeaconBelief) -> None:
        self.identity_key, self.belief = identity_key, belief
        self.table: list[bytes] = []


class Resolver:
    """Knows beacons by their keys; for any number of threads.

    Args:
        tolerance: windows before and after those that may be on the air that are taken as well, 0 to 2.

    Raises:
        InputError: another tolerance.
    """

    def __init__(self, tolerance: int = 1) -> None:
        if not 0 <= tolerance <= 2:
            raise InputError(f"tolerance = {tolerance}: expected 0 to 2 windows")
        self._tolerance = tolerance
        self._lock = threading.Lock()
        self._registered: dict[str, _Registered] = {}
        self._table: dict[bytes, tuple[str, int]] = {}
        self._prepared_s = (math.inf, -math.inf)

    def register(
        self,
        beacon: str,
        identity_key: Secret,
        exponent: int,
        time_s: float,
        clock_s: float = FIRST_CLOCK_S,
        shown: bytes | None = None,
    ) -> None:
        """Get to know a beacon; one that is known already and shows itself is known anew.

        Args:
            beacon: its name: letters, digits and ._- alone, for it becomes part of other names.
            identity_key: agreed with it.
            exponent: it rotates every 2**exponent seconds.
            time_s: now.
            clock_s: what its clock stands at.
            shown: the identifier it shows now, which proves that key and clock are right.

        Raises:
            InputError: an exponent outside 0..15, a key that chips are delivered with, a name that is taken,
                or an identifier that does not fit.
        """
        if not 0 <= exponent <= LARGEST_EXPONENT:
            raise InputError(f"beacon {beacon}: exponent = {exponent}: expected 0 to {LARGEST_EXPONENT}")
        if not _NAME.fullmatch(beacon):
            raise InputError(f"beacon {beacon!r}: expected a name of letters, digits and ._-")
        if identity_key.is_factory:
            raise InputError(f"beacon {beacon}: key of zeros: expected an agreed one")
        belief = BeaconBelief(exponent, ClockBounds(time_s, clock_s, 1 << exponent, self._tolerance, late=1))
        if shown is not None and window_of(shown, identity_key, exponent, *belief.present(time_s)) is None:
            raise InputError(f"beacon {beacon}: identifier {shown.hex()}: expected that of its key and clock")
        with self._lock:
            before = self._registered.get(beacon)
            if before is not None and (shown is None or before.identity_key != identity_key):
                raise InputError(f"beacon {beacon}: known already: expected another name")
            if before is not None:
                belief.repeats_to = before.belief.repeats_to
                for text in before.table:
                    self._table.pop(text, None)
            self._registered[beacon] = _Registered(identity_key, belief)
            if self._prepared_s[1] > -math.inf:
                self._prepare(beacon, self._registered[beacon])

    def battery_changed(self, beacon: str, time_s: float) -> None:
        """Take the next identifier of the day before as the beacon's own, once and within the hour.

        From now on, and until the beacon has passed what it may have shown already, its windows are repeated:
        what it may have shown counts, not what was heard here, for others may have recorded it.

        Args:
            beacon: its name.
            time_s: now.

        Raises:
            InputError: no such beacon.
        """
        with self._lock:
            if beacon not in self._registered:
                raise InputError(f"beacon {beacon}: not known: expected one that was registered")
            self._registered[beacon].belief.battery_changed(time_s)

    def resolve(self, heard: bytes, time_s: float) -> Resolution | None:
        """Return whose identifier this is, at this time; None if it is nobody's that could be on the air."""
        with self._lock:
            begin_s, end_s = self._prepared_s
            if not begin_s <= time_s < end_s:
                self._prepared_s = (time_s - _BEHIND_S, time_s + _AHEAD_S)
                for name, registered in self._registered.items():
                    self._prepare(name, registered)
            found = self._table.get(heard)
            return None if found is None else self._judged(*found, time_s)

    def _judged(self, beacon: str, window: int, time_s: float) -> Resolution | None:
        registered = self._registered[beacon]
        judged = registered.belief.judge(window, time_s)
        if judged is None:
            return None
        if judged.set_back:
            self._prepare(beacon, registered)
        return Resolution(beacon, window, judged.in_time, judged.repeated)

    def _prepare(self, beacon: str, registered: _Registered) -> None:
        """Compute a beacon's identifiers for the time that is prepared."""
        for text in registered.table:
            self._table.pop(text, None)
        begin_s, end_s = self._prepared_s
        first, last = registered.belief.since_yesterday(begin_s)[0], registered.belief.present(end_s)[1]
        registered.table = identifiers(registered.identity_key, registered.belief.exponent, first, last)
        for place, text in enumerate(registered.table):
            self._table[text] = (beacon, first + place)

    def __repr__(self) -> str:
        return f"Resolver({len(self._registered)} beacons, tolerance={self._tolerance})"
