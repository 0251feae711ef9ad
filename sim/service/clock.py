"""The service's clock, and calendar days where its shops are."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Final, Protocol
from zoneinfo import ZoneInfo

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Clock(Protocol):
    """What tells the time."""

    def now_us(self) -> int:
        """Return microseconds since 1970 (UTC)."""


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Return microseconds since 1970 (UTC)."""
        return time.time_ns() // 1000


@dataclass
class VirtualClock:
    """Stands still until it is moved.

    Attributes:
        at_us: what it shows, microseconds since 1970 (UTC).
    """

    at_us: int

    def now_us(self) -> int:
        """Return microseconds since 1970 (UTC)."""
        return self.at_us

    def advance(self, **amount: float) -> None:
        """Move on by a ``timedelta``'s arguments: ``advance(minutes=5)``."""
        self.at_us += dt.timedelta(**amount) // dt.timedelta(microseconds=1)


def to_us(moment: dt.datetime) -> int:
    """Return microseconds since 1970 of a moment with a time zone."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def to_datetime(at_us: int) -> dt.datetime:
    """Return the moment, in UTC."""
    return _EPOCH + dt.timedelta(microseconds=at_us)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and hours of one time zone."""

    zone: ZoneInfo

    def local(self, at_us: int) -> dt.datetime:
        """Return local time."""
        return to_datetime(at_us).astimezone(self.zone)

    def day(self, at_us: int) -> str:
        """Return local date, ``2026-11-21``: sorts as text."""
        return self.local(at_us).date().isoformat()

    def start_of(self, day: dt.date) -> int:
        """Return the first microsecond of a local day."""
        return to_us(dt.datetime.combine(day, dt.time(), self.zone))

    def end_of_day(self, at_us: int, days: int) -> int:
        """Return the end of the local day so many days later: until then it is good for so many days."""
        return self.start_of(self.local(at_us).date() + dt.timedelta(days=days + 1))

    def month_of(self, at_us: int) -> str:
        """Return local month, ``2026-11``."""
        return self.day(at_us)[:7]

    def week_of(self, day: str) -> tuple[int, int]:
        """Return year and number of the week (ISO 8601: it begins on Monday) of a local date."""
        return dt.date.fromisoformat(day).isocalendar()[:2]

    def month_us(self, month: str) -> tuple[int, int]:
        """Return the first microsecond of a month ``2026-11`` and of the one after it.

        Raises:
            ValueError: no such month.
        """
        first = dt.date.fromisoformat(f"{month}-01")
        following = (first + dt.timedelta(days=32)).replace(day=1)
        return self.start_of(first), self.start_of(following)
