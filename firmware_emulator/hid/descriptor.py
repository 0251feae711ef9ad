"""HID report descriptors: bytes to fields, as in "Device Class Definition for HID 1.11", section 6.2.2.

A descriptor comes from outside and may be hostile. It is refused beyond :data:`MAX_DESCRIPTOR_BYTES`,
:data:`MAX_REPORT_BYTES` per report, :data:`MAX_DEPTH` nested collections or pushes, and
:data:`MAX_USAGES` usages per field, so parsing takes bounded time and memory whatever the bytes say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from stampbench.firmware_emulator.errors import ProtocolError

MAX_DESCRIPTOR_BYTES = 4096
"""Longest descriptor read; Linux has the same limit (HID_MAX_DESCRIPTOR_SIZE)."""
MAX_REPORT_BYTES = 16384
"""Longest report a descriptor may describe; Linux has the same limit (HID_MAX_BUFFER_SIZE)."""
MAX_DEPTH = 64
MAX_USAGES = 1024

CONSTANT = 0x01
VARIABLE = 0x02
_MM_PER_LENGTH_UNIT = {0x11: 10.0, 0x13: 25.4}
"""Unit item to mm: centimetre (SI linear, length^1) and inch (English linear, length^1)."""


class ReportKind(IntEnum):
    """Direction of a report; the values are the main item tags."""

    INPUT = 8
    OUTPUT = 9
    FEATURE = 11


class Item(NamedTuple):
    """One short item at byte ``at``: ``kind`` 0 main, 1 global, 2 local; ``raw`` is unsigned."""

    at: int
    kind: int
    tag: int
    size: int
    raw: int

    @property
    def signed(self) -> int:
        """The data as a two's complement number."""
        return _signed(self.raw, 8 * self.size)


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """One collection; two of the same kind and usage are still different ones (compared by identity).

    Attributes:
        kind: 0 physical, 1 application, 2 logical.
        usage: usage page << 16 | usage id.
        parent: the enclosing collection, None for the outermost.
    """

    kind: int
    usage: int
    parent: Collection | None

    @property
    def application(self) -> int:
        """Usage of the nearest application collection around or equal to this one, 0 where there is none."""
        collection: Collection | None = self
        while collection is not None and collection.kind != 1:
            collection = collection.parent
        return collection.usage if collection is not None else 0


@dataclass(frozen=True, slots=True)
class Field:
    """One main item: ``count`` elements of ``bit_size`` bits each, from ``bit_offset`` of its report on.

    ``bit_offset`` counts from the first byte of the packet, the report id included. ``usages`` are inclusive
    (first, last) ranges of page << 16 | id. Physical extents are in the unit ``unit`` times ten to
    ``unit_exponent``.
    """

    kind: ReportKind
    report_id: int
    bit_offset: int
    bit_size: int
    count: int
    flags: int
    usages: tuple[tuple[int, int], ...]
    logical_min: int
    logical_max: int
    physical_min: int
    physical_max: int
    unit: int
    unit_exponent: int
    collection: Collection | None

    @property
    def size_mm(self) -> float | None:
        """Physical length of the whole logical range in mm; None where the descriptor gives no length.

        A range without extent or a unit other than centimetre and inch to the power of one gives none, as
        in Linux (``hidinput_calc_abs_res``).
        """
        extent = self.physical_max - self.physical_min
        mm_per_unit = _MM_PER_LENGTH_UNIT.get(self.unit)
        if mm_per_unit is None or extent <= 0 or self.logical_max <= self.logical_min:
            return None
        exponent = self.unit_exponent
        length = extent * mm_per_unit
        return length * 10.0**exponent if exponent > 0 else length / 10.0**-exponent

    def elements(self) -> Iterator[tuple[int, int]]:
        """Yield (usage, bit offset) of each element that a usage of its own is given to."""
        index = 0
        for first, last in self.usages:
            for usage in range(first, last + 1):
                if index == self.count:
                    return
                yield usage, self.bit_offset + index * self.bit_size
                index += 1


@dataclass(frozen=True, slots=True)
class Report:
    """All fields of one report; ``bits`` includes the report id byte where there is one."""

    kind: ReportKind
    id: int
    bits: int
    fields: tuple[Field, ...]

    @property
    def byte_length(self) -> int:
        """Length of its packet in bytes, the report id included."""
        return (self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class ReportDescriptor:
    """A parsed descriptor: its reports by (kind, id); id 0 where the device does not number its reports."""

    reports: dict[tuple[ReportKind, int], Report]
    numbered: bool

    def of_kind(self, kind: ReportKind) -> list[Report]:
        """Return the reports of one direction, in the order of their first field."""
        return [report for report in self.reports.values() if report.kind is kind]


@dataclass(slots=True)
class _Globals:
    usage_page: int = 0
    logical_min: Item | None = None
    logical_max: Item | None = None
    physical_min: Item | None = None
    physical_max: Item | None = None
    unit_exponent: int = 0
    unit: int = 0
    report_size: int = 0
    report_id: int = 0
    report_count: int = 0


def parse_descriptor(descriptor: bytes) -> ReportDescriptor:
    """Parse a report descriptor.

    Raises:
        ProtocolError: cut short, unbalanced, or beyond the limits of this module; names the byte.
    """
    if not descriptor:
        raise ProtocolError("report descriptor is empty; expected a collection with fields")
    if len(descriptor) > MAX_DESCRIPTOR_BYTES:
        raise ProtocolError(
            f"report descriptor has {len(descriptor)} bytes; expected at most {MAX_DESCRIPTOR_BYTES}"
        )
    return _Parser().run(descriptor)


def items(descriptor: bytes) -> Iterator[Item]:
    """Split a descriptor into its short items; long items are skipped (HID 1.11, 6.2.2.3).

    Raises:
        ProtocolError: the last item is cut short.
    """
    at, end = 0, len(descriptor)
    while at < end:
        prefix = descriptor[at]
        if prefix == 0xFE:
            size = descriptor[at + 1] if at + 1 < end else 0
            following = at + 3 + size
        else:
            size = (0, 1, 2, 4)[prefix & 3]
            following = at + 1 + size
        if following > end:
            raise ProtocolError(
                f"report descriptor byte {at}: item 0x{prefix:02x} is cut short, "
                f"{following - at} bytes needed, {end - at} left"
            )
        if prefix != 0xFE:
            raw = int.from_bytes(descriptor[at + 1 : following], "little")
            yield Item(at, prefix >> 2 & 3, prefix >> 4, size, raw)
        at = following


class _Parser:
    """The item state machine of HID 1.11, 5.4."""

    def __init__(self) -> None:
        self.globals = _Globals()
        self.stack: list[_Globals] = []
        self.collection: Collection | None = None
        self.depth = 0
        self.fields: dict[tuple[ReportKind, int], list[Field]] = {}
        self.bits: dict[tuple[ReportKind, int], int] = {}
        self.numbered = False
        self.clear_locals()

    def clear_locals(self) -> None:
        self.usages: list[tuple[int, int]] = []
        self.extended: list[bool] = []
        """Of each usage, whether it named its page itself."""
        self.usage_count = 0
        self.usage_min: int | None = None
        self.alternative = -1

    def run(self, descriptor: bytes) -> ReportDescriptor:
        for item in items(descriptor):
            (self.on_main, self.on_global, self.on_local, self.on_reserved)[item.kind](item)
        if self.collection is not None:
            raise ProtocolError(
                f"report descriptor ends with {self.depth} collections open; close each (0xc0)"
            )
        reports = {
            key: Report(key[0], key[1], self.bits[key], tuple(fields)) for key, fields in self.fields.items()
        }
        return ReportDescriptor(reports, self.numbered)

    def on_main(self, item: Item) -> None:
        self.add_usage_page()
        if item.tag == 10:
            if self.depth == MAX_DEPTH:
                raise _wrong(item, f"collection {MAX_DEPTH + 1} deep", f"at most {MAX_DEPTH}")
            usage = self.usages[0][0] if self.usages else 0
            self.collection = Collection(item.raw, usage, self.collection)
            self.depth += 1
        elif item.tag == 12:
            if self.collection is None:
                raise _wrong(item, "end of a collection", "a collection open")
            self.collection = self.collection.parent
            self.depth -= 1
        elif item.tag in (ReportKind.INPUT, ReportKind.OUTPUT, ReportKind.FEATURE):
            self.add_field(ReportKind(item.tag), item)
        self.clear_locals()

    def add_usage_page(self) -> None:
        """Give the last short usages the page declared after them (HID 1.11, 6.2.2.8), as Linux does."""
        page = self.globals.usage_page
        for at in range(len(self.usages) - 1, -1, -1):
            first, last = self.usages[at]
            if self.extended[at]:
                continue
            if first >> 16 == page:
                break
            self.usages[at] = page << 16 | first & 0xFFFF, page << 16 | last & 0xFFFF

    def add_field(self, kind: ReportKind, item: Item) -> None:
        state = self.globals
        key = (kind, state.report_id)
        offset = self.bits.setdefault(key, 8 if state.report_id else 0)
        fields = self.fields.setdefault(key, [])
        bits = offset + state.report_size * state.report_count
        if bits > 8 * MAX_REPORT_BYTES:
            raise _wrong(item, f"report {state.report_id} of {bits} bits", f"at most {8 * MAX_REPORT_BYTES}")
        self.bits[key] = bits
        logical_min, logical_max = _range(state.logical_min, state.logical_max)
        physical_min, physical_max = _range(state.physical_min, state.physical_max)
        fields.append(
            Field(
                kind,
                state.report_id,
                offset,
                state.report_size,
                state.report_count,
                item.raw,
                tuple(self.usages),
                logical_min,
                logical_max,
                physical_min,
                physical_max,
                state.unit,
                state.unit_exponent,
                self.collection,
            )
        )

    def on_global(self, item: Item) -> None:
        state = self.globals
        match item.tag:
            case 0:
                state.usage_page = item.raw & 0xFFFF
            case 1:
                state.logical_min = item
            case 2:
                state.logical_max = item
            case 3:
                state.physical_min = item
            case 4:
                state.physical_max = item
            case 5:
                # Written as a nibble by the standard, as a signed byte by many devices; both occur.
                exponent = _signed(item.raw, 4) if item.raw < 16 else item.signed
                if not -8 <= exponent <= 7:
                    raise _wrong(item, f"unit exponent {exponent}", "-8 to 7")
                state.unit_exponent = exponent
            case 6:
                state.unit = item.raw
            case 7:
                if item.raw > 8 * MAX_REPORT_BYTES:
                    raise _wrong(item, f"report size {item.raw}", f"at most {8 * MAX_REPORT_BYTES} bits")
                state.report_size = item.raw
            case 8:
                if not 1 <= item.raw <= 255:
                    raise _wrong(item, f"report id {item.raw}", "1 to 255")
                state.report_id = item.raw
                self.numbered = True
            case 9:
                if item.raw > 8 * MAX_REPORT_BYTES:
                    raise _wrong(item, f"report count {item.raw}", f"at most {8 * MAX_REPORT_BYTES}")
                state.report_count = item.raw
            case 10:
                if len(self.stack) == MAX_DEPTH:
                    raise _wrong(item, f"push {MAX_DEPTH + 1} deep", f"at most {MAX_DEPTH}")
                self.stack.append(replace(state))
            case 11:
                if not self.stack:
                    raise _wrong(item, "pop", "a push before it")
                self.globals = self.stack.pop()
            case _:
                raise _wrong(item, f"global item of tag {item.tag}", "0 to 11")

    def on_local(self, item: Item) -> None:
        usage = item.raw if item.size == 4 else self.globals.usage_page << 16 | item.raw
        match item.tag:
            case 0:
                self.add_usages(item, usage, usage)
            case 1:
                self.usage_min = usage
            case 2:
                if self.usage_min is not None:
                    self.add_usages(item, self.usage_min, usage)
                self.usage_min = None
            case 10:
                self.alternative = 0 if item.raw else -1

    def add_usages(self, item: Item, first: int, last: int) -> None:
        if self.alternative >= 0:
            # Of a delimited set of alternatives the first is the preferred one (HID 1.11, 6.2.2.8).
            self.alternative += 1
            if self.alternative > 1:
                return
        if last < first:
            raise _wrong(item, f"usage maximum 0x{last:x}", f"at least the usage minimum 0x{first:x}")
        last = min(last, first + MAX_USAGES - self.usage_count - 1)
        if last < first:
            return
        self.usages.append((first, last))
        self.extended.append(item.size == 4)
        self.usage_count += last - first + 1

    def on_reserved(self, item: Item) -> None:
        raise _wrong(item, "item of the reserved type", "a main, global or local item")


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if bits and raw >> (bits - 1) & 1 else raw


def _range(low: Item | None, high: Item | None) -> tuple[int, int]:
    """Return the limits; the maximum is unsigned unless the minimum is negative, as devices mean it."""
    minimum = low.signed if low is not None else 0
    if high is None:
        return minimum, 0
    return minimum, high.signed if minimum < 0 else high.raw


def _wrong(item: Item, what: str, right: str) -> ProtocolError:
    return ProtocolError(f"report descriptor byte {item.at}: {what}; expected {right}")
