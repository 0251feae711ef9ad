"""Contacts that come one by one, put together to scans where the format does not mark them."""

from __future__ import annotations

from stampbench.firmware_emulator.touch import Contact, TouchReport

SCAN_GAP_US = 3000
"""Silence that ends a scan: 26 bytes' time at 115200 baud."""


class ScanCollector:
    """Ends a scan when an id comes again, or after a silence.

    Args:
        gap_us: silence that ends a scan, microseconds.
    """

    def __init__(self, gap_us: int = SCAN_GAP_US) -> None:
        self._gap_us = gap_us
        self._contacts: dict[int, Contact] = {}
        self._begun_us = 0
        self._last_us = 0

    def add(self, contact: Contact, t_us: int) -> TouchReport | None:
        """Take a contact that arrived at ``t_us``; return the scan that this ends, if it does."""
        ended = self.at(t_us)
        if ended is None and contact.id in self._contacts:
            ended = self.end()
        if not self._contacts:
            self._begun_us = t_us
        self._contacts[contact.id] = contact
        self._last_us = t_us
        return ended

    def at(self, t_us: int) -> TouchReport | None:
        """Return the scan that has ended by ``t_us`` because nothing more came; None if there is none."""
        return self.end() if self._contacts and t_us - self._last_us > self._gap_us else None

    def end(self) -> TouchReport | None:
        """Return the scan under way, with the time of its first contact; None if there is none."""
        if not self._contacts:
            return None
        report = TouchReport(self._begun_us, tuple(self._contacts.values()))
        self._contacts = {}
        return report
