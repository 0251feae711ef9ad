"""Whether a rig's reports keep R2 to R5 of PROTOCOL.md: whole as they arrived, something is wrong."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport

_BREACHES = {
    "R2": (
        ("dropped", "reports thrown away by the rig, which were read too slowly"),
        ("unlifted", "contacts still down when the press was done"),
    ),
    "R3": (
        ("split_scans", "scans in more than one contacts packet"),
        ("repeated_ids", "scans with an id twice"),
        ("too_many_contacts", "scans with more contacts than the identity says"),
    ),
    "R4": (("out_of_range", "contacts beyond the maxima of the identity"),),
    "R5": (
        ("lost_lifts", "contacts vanished without a report of their lift"),
        ("repeated_lifts", "lifts of contacts that were not down"),
    ),
}
"""By clause, what breaks it."""


@dataclass(slots=True)
class ReportCounters:
    """What was odd about the reports of a press.

    Attributes:
        missed_scans: scans that went unreported while something touched, by the rig's own interval.
        split_scans: packets of contacts with the time of the one before.
        repeated_ids: scans with two contacts of one id.
        too_many_contacts: scans with more contacts than the rig says it can tell apart.
        out_of_range: contacts beyond the rig's own maxima.
        lost_lifts: contacts that vanished without a report of their lift.
        repeated_lifts: lifts of contacts that were not down.
        dropped: reports that the rig threw away unsent, by its own count.
        unlifted: contacts that were down when the rig said that the press was done.
    """

    missed_scans: int = 0
    split_scans: int = 0
    repeated_ids: int = 0
    too_many_contacts: int = 0
    out_of_range: int = 0
    lost_lifts: int = 0
    repeated_lifts: int = 0
    dropped: int = 0
    unlifted: int = 0

    def to_mapping(self) -> dict[str, int]:
        """Return the counts by name."""
        return dataclasses.asdict(self)

    @property
    def breaches(self) -> dict[str, str]:
        """Clauses of the protocol that the rig broke, with what was seen; empty if it kept them.

        Where the link lost packets, they may be to blame.
        """
        counts = self.to_mapping()
        seen = {
            clause: [f"{counts[name]} {words}" for name, words in kinds if counts[name]]
            for clause, kinds in _BREACHES.items()
        }
        return {clause: ", ".join(found) for clause, found in seen.items() if found}


class ReportChecker:
    """Counts oddities, report by report.

    Args:
        identity: what the rig says of itself.
    """

    def __init__(self, identity: Identity) -> None:
        self.counters = ReportCounters()
        self._identity = identity
        self._last_us: int | None = None
        self._down: frozenset[int] = frozenset()

    def see(self, report: TouchReport) -> None:
        """Take the next report."""
        counters, identity = self.counters, self._identity
        contacts = report.contacts
        if not (contacts or self._down):
            return
        ids = {contact.id for contact in contacts}
        if self._last_us is not None:
            if self._down and identity.frame_interval_us:
                intervals = round((report.t_us - self._last_us) / identity.frame_interval_us)
                counters.missed_scans += max(0, intervals - 1)
            counters.split_scans += report.t_us == self._last_us
        counters.repeated_ids += len(ids) < len(contacts)
        counters.too_many_contacts += len(contacts) > identity.contact_limit
        counters.out_of_range += sum(
            contact.x > identity.x_max or contact.y > identity.y_max for contact in contacts
        )
        counters.lost_lifts += len(self._down - ids)
        counters.repeated_lifts += len({c.id for c in contacts if not c.tip} - self._down)
        self._down = frozenset(contact.id for contact in contacts if contact.tip)
        self._last_us = report.t_us

    def press_done(self) -> None:
        """Take it that the rig has said that the press is over: nothing may be down."""
        self.counters.unlifted += len(self._down)
