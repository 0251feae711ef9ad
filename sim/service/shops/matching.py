"""Patterns are matched here, among one merchant's stamps; they leave the service only in its bundle."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from sim.decoder import Decoder, Reading, Verdict
from sim.service.presses.geometry import Points, farthest_pair_mm
from sim.service.tables.tenants import Merchant, Stamp
from sim.stamps import Catalogue


@dataclass(frozen=True)
class Matchable:
    """A merchant's stamps as they were at one version.

    Attributes:
        stamp_ids: by code, for each number of pads a decoder.
    """

    version: int
    decoders: dict[int, tuple[Decoder, Decoder]]
    stamp_ids: dict[int, tuple[int, ...]]


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
        return self._nearest(matchable, points, known_scale=True)

    def match_shape(self, connection: sa.Connection, merchant_id: int, version: int, points: Points) -> Match:
        """Find the stamp of contacts in any unit: their size says nothing, as in SnowShoe's decoder."""
        matchable = self._matchable(connection, merchant_id, version)
        found = matchable.decoders.get(len(points))
        if found is None:
            return Match(None, Reading(Verdict.NONE))
        codebook = found[0].codebook
        sizes = [farthest_pair_mm(codebook.pads(code)) for code in range(codebook.size)]
        size = farthest_pair_mm(points)
        if not size > 0.0:
            return Match(None, Reading(Verdict.NONE))
        return self._nearest(matchable, points * (float(np.median(sizes)) / size), known_scale=False)

    def _nearest(self, matchable: Matchable, points: Points, *, known_scale: bool) -> Match:
        readings = []
        for pads, decoders in matchable.decoders.items():
            reading = decoders[0 if known_scale else 1].decode(points)
            if reading.code is not None:
                stamp_id = matchable.stamp_ids[pads][reading.code]
                return Match(stamp_id, reading, decoders[0].codebook.pads(reading.code))
            readings.append(reading)
        return Match(None, readings[0] if readings else Reading(Verdict.NONE))

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
        decoders, stamp_ids = {}, {}
        for count, stamps in sorted(by_pads.items(), reverse=True):
            catalogue = Catalogue(
                [serial for _, serial, _ in stamps], np.stack([pads for *_, pads in stamps]), "stamps"
            )
            decoders[count] = (
                Decoder(catalogue, sigma_mm=self._sigma_mm),
                Decoder(catalogue, sigma_mm=self._sigma_mm, scale="unknown"),
            )
            stamp_ids[count] = tuple(stamp_id for stamp_id, *_ in stamps)
        return Matchable(version, decoders, stamp_ids)


def catalogue_version(connection: sa.Connection, merchant_id: int) -> int:
    """The version of a merchant's stamps now."""
    return connection.execute(
        sa.select(Merchant.catalogue_version).where(Merchant.id == merchant_id)
    ).scalar_one()
