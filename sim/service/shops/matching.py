"""Patterns are matched here, among one merchant's stamps; they leave the service only in its bundle."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sqlalchemy as sa
from stampbench.sim.decoder import Decoder, Reading, Verdict
from stampbench.sim.service.presses.geometry import Points, farthest_pair_mm
from stampbench.sim.service.tables.tenants import Stamp
from stampbench.sim.stamps import Catalogue


@dataclass(frozen=True)
class Patterns:
    """Stamps with one number of pads, and decoders for them, made when first asked for.

    Attributes:
        stamp_ids: by code.
    """

    catalogue: Catalogue
    stamp_ids: tuple[int, ...]
    sigma_mm: float

    @cached_property
    def in_mm(self) -> Decoder:
        """For contacts in mm."""
        return Decoder(self.catalogue, sigma_mm=self.sigma_mm)

    @cached_property
    def of_any_size(self) -> Decoder:
        """For contacts in a unit that nobody knows."""
        return Decoder(self.catalogue, sigma_mm=self.sigma_mm, scale="unknown")

    @cached_property
    def size_mm(self) -> float:
        """Median distance of the two pads that are farthest apart."""
        sizes = [farthest_pair_mm(self.catalogue.pads(code)) for code in range(self.catalogue.size)]
        return float(np.median(sizes))


@dataclass(frozen=True)
class Matchable:
    """A merchant's stamps as they were at one version.

    Attributes:
        patterns: for each number of pads, most first.
    """

    version: int
    patterns: dict[int, Patterns]


@dataclass(frozen=True, slots=True)
class Match:
    """What the contacts of a press said.

    Attributes:
        stamp_id: which stamp; None where none was read.
        reading: as the decoder gave it.
        pads: of the stamp, (n, 2) mm.
    """

    stamp_id: int | None
    reading: Reading
    pads: Points | None = None


class Matcher:
    """Decoders by merchant, kept while the merchant's stamps stay as they are.

    Revoked stamps are not matched; disabled and suspended ones are, so that their use is noticed.

    Args:
        sigma_mm: error per axis and pad that is allowed for.
    """

    def __init__(self, sigma_mm: float) -> None:
        self._sigma_mm = sigma_mm
        self._kept: dict[int, Matchable] = {}
        self._lock = threading.Lock()

    def match(self, connection: sa.Connection, merchant_id: int, version: int, points: Points) -> Match:
        """Find the stamp of contacts in mm, (n, 2).

        Args:
            connection: from which stamps are read if they changed.
            merchant_id: among whose stamps.
            version: the merchant's ``catalogue_version`` now.
            points: any number of contacts, in any order.
        """
        matchable = self._matchable(connection, merchant_id, version)
        return _nearest((stamps, stamps.in_mm.decode(points)) for stamps in matchable.patterns.values())

    def match_shape(self, connection: sa.Connection, merchant_id: int, version: int, points: Points) -> Match:
        """Find the stamp of contacts in any unit: their size says nothing, as in SnowShoe's decoder."""
        matchable = self._matchable(connection, merchant_id, version)
        alike = matchable.patterns.get(len(points))
        size = farthest_pair_mm(points)
        if alike is None or not size > 0.0:
            return Match(None, Reading(Verdict.NONE))
        scaled = points * (alike.size_mm / size)
        return _nearest((stamps, stamps.of_any_size.decode(scaled)) for stamps in matchable.patterns.values())

    def _matchable(self, connection: sa.Connection, merchant_id: int, version: int) -> Matchable:
        kept = self._kept.get(merchant_id)
        if kept is None or kept.version != version:
            with self._lock:
                kept = self._kept.get(merchant_id)
                if kept is None or kept.version != version:
                    kept = self._kept[merchant_id] = self._read(connection, merchant_id, version)
        return kept

    def _read(self, connection: sa.Connection, merchant_id: int, version: int) -> Matchable:
        rows = connection.execute(
            sa.select(Stamp.id, Stamp.serial, Stamp.pads)
            .where(Stamp.merchant_id == merchant_id, Stamp.state != "revoked")
            .order_by(Stamp.id)
        ).all()
        by_pads: dict[int, list[tuple[int, str, Points]]] = {}
        for row in rows:
            pads = np.array(json.loads(row.pads))
            by_pads.setdefault(len(pads), []).append((row.id, row.serial, pads))
        patterns = {}
        for count, stamps in sorted(by_pads.items(), reverse=True):
            catalogue = Catalogue(
                [serial for _, serial, _ in stamps], np.stack([pads for *_, pads in stamps]), "stamps"
            )
            stamp_ids = tuple(stamp_id for stamp_id, *_ in stamps)
            patterns[count] = Patterns(catalogue, stamp_ids, self._sigma_mm)
        return Matchable(version, patterns)


def _nearest(readings: Iterable[tuple[Patterns, Reading]]) -> Match:
    """Return the first stamp read; where none was, what those with the most pads said."""
    first = None
    for stamps, reading in readings:
        if reading.code is not None:
            return Match(stamps.stamp_ids[reading.code], reading, stamps.catalogue.pads(reading.code))
        first = first or reading
    return Match(None, first or Reading(Verdict.NONE))
