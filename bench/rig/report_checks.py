"""Oddities of a rig's reports that the link cannot know of: whole as they arrived, something is missing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport


@dataclass(slots=True)
class ReportCounters:
    """What was odd about the reports of a press.

    Attributes:
        missed_scans: scans that went unreported while something touched, by the rig's own interval.
        lost_lifts: contacts that vanished without a report of their lift.
        too_many_contacts: scans with more contacts than the rig says it can tell apart.
        out_of_range: contacts beyond the rig's own maxima.
    """

    missed_scans: int = 0
    lost_lifts: int = 0
    too_many_contacts: int = 0
    out_of_range: int = 0

    def to_mapping(self) -> dict[str, int]:
        """Return the counts by name."""
        return dataclasses.asdict(self)


class ReportChecker:
    """Counts oddities, report by report.

    Args:
        identity: what the rig says of itself.
    """

    def __init__(self, identity: Identity) -> None:
        self.counters = ReportCounters()
        self._identity = identity
        self._last_us = 0
        self._down: frozenset[int] = frozenset()

    def see(self, report: TouchReport) -> None:
        """Take the next report."""
        counters, identity = self.counters, self._identity
        contacts = report.contacts
        if not (contacts or self._down):
            return
        if self._down and identity.frame_interval_us:
            intervals = round((report.t_us - self._last_us) / identity.frame_interval_us)
            counters.missed_scans += max(0, intervals - 1)
        counters.lost_lifts += len(self._down - {contact.id for contact in contacts})
        counters.too_many_contacts += len(contacts) > identity.contact_limit
        counters.out_of_range += sum(
            contact.x > identity.x_max or contact.y > identity.y_max for contact in contacts
        )
        self._down = frozenset(contact.id for contact in contacts if contact.tip)
        self._last_us = report.t_us
