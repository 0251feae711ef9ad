"""Many presses in one line of the records: their results; all else follows from plan, seed and number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from stampbench.bench.records.presses import (
    Outcome,
    PressRecord,
    PressResult,
    ReadingRecord,
    Timing,
    combined,
)


class PressRow(Struct, frozen=True, array_like=True):
    """One press of a chunk; an array in JSON."""

    code: int | None
    verdict: str
    read_code: int | None
    distance_mm: float | None
    margin_mm: float | None
    margin_is_bound: bool
    first_contact_us: int | None
    all_pads_us: int | None
    decided_us: int | None
    reports: int


class PressChunk(Struct, frozen=True, kw_only=True, tag_field="line", tag="chunk"):
    """Presses of one case on one profile, in order, as one line.

    Attributes:
        first, number: place of the first one in the run, and among the presses of its case; both from 1.
        digest: combined fingerprint of the presses, in hexadecimal digits.
    """

    first: int
    profile: str
    case: str
    kind: Literal["genuine", "foreign"]
    number: int
    rows: Annotated[list[PressRow], Meta(min_length=1)]
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]

    @classmethod
    def of(cls, records: Sequence[PressRecord]) -> PressChunk:
        """Return the chunk of presses that all were read."""
        first = records[0]
        return cls(
            first=first.press,
            profile=first.profile,
            case=first.case,
            kind=first.kind,
            number=first.number,
            rows=[_row(record) for record in records],
            digest=f"{combined(record.fingerprint for record in records):032x}",
        )

    def results(self) -> Iterator[PressResult]:
        """Yield the results, one by one; the pose is not kept."""
        for place, row in enumerate(self.rows):
            result = PressResult(
                press=self.first + place,
                profile=self.profile,
                case=self.case,
                kind=self.kind,
                number=self.number + place,
                code=row.code,
                outcome=Outcome.PASSED,
                reading=ReadingRecord(
                    code=row.read_code,
                    verdict=row.verdict,
                    distance_mm=row.distance_mm,
                    margin_mm=row.margin_mm,
                    margin_is_bound=row.margin_is_bound,
                    pose=None,
                ),
                timing=Timing(
                    first_contact_us=row.first_contact_us,
                    all_pads_us=row.all_pads_us,
                    decided_us=row.decided_us,
                    reports=row.reports,
                ),
            )
            if not result.as_it_should:
                result = msgspec.structs.replace(result, outcome=Outcome.FAILED)
            yield result


def _row(record: PressRecord) -> PressRow:
    reading, timing = record.reading, record.timing
    return PressRow(
        code=record.code,
        verdict=record.verdict,
        read_code=reading.code if reading else None,
        distance_mm=reading.distance_mm if reading else None,
        margin_mm=reading.margin_mm if reading else None,
        margin_is_bound=reading.margin_is_bound if reading else False,
        first_contact_us=timing.first_contact_us if timing else None,
        all_pads_us=timing.all_pads_us if timing else None,
        decided_us=timing.decided_us if timing else None,
        reports=timing.reports if timing else 0,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a chunk lies in the file, and what is in it."""

    offset: int
    length: int
    presses: int
    digest: int


class ChunkedPresses(Collection[PressResult]):
    """The presses in the chunks of a file, read anew each time they are gone through: memory stays small."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: list[_Place] = []
        self._presses = 0

    def add(self, chunk: PressChunk, offset: int, length: int) -> None:
        """Take in the next chunk, whose line has ``length`` bytes from ``offset`` on."""
        self._places.append(_Place(offset, length, len(chunk.rows), int(chunk.digest, 16)))
        self._presses += len(chunk.rows)

    @property
    def digest(self) -> int:
        """Combined fingerprint of all presses."""
        return combined(place.digest for place in self._places)

    def __len__(self) -> int:
        return self._presses

    def __iter__(self) -> Iterator[PressResult]:
        for chunk in self.chunks():
            yield from chunk.results()

    def chunks(self) -> Iterator[PressChunk]:
        """Return the chunks, one by one."""
        return self._read(self._places)

    def _read(self, places: Iterable[_Place]) -> Iterator[PressChunk]:
        decoder = msgspec.json.Decoder(PressChunk)
        with self._path.open("rb") as file:
            for place in places:
                file.seek(place.offset)
                yield decoder.decode(file.read(place.length))

    def __getitem__(self, place: int) -> PressResult:
        if place < 0:
            place += self._presses
        for chunk in self._places:
            if 0 <= place < chunk.presses:
                return list(next(self._read([chunk])).results())[place]
            place -= chunk.presses
        raise IndexError(place)

    def __contains__(self, press: object) -> bool:
        return any(own == press for own in self)
