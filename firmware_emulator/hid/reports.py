"""HID digitizer input reports to touch reports.

A scan travels as one packet (parallel), as several of which only the first says how many contacts there are
(hybrid), or as one contact per packet (serial): "Windows Precision Touchscreen Required HID Top-Level
Collections", Microsoft. What the standard leaves open is done as Linux does it (``hid-multitouch``), so that
both say the same of a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.firmware_emulator.hid.descriptor import (
    CONSTANT,
    VARIABLE,
    Collection,
    Field,
    Report,
    ReportDescriptor,
    ReportKind,
)
from stampbench.firmware_emulator.touch import Contact, TouchReport

TOUCH_SCREEN, TOUCH_PAD = 0x0D0004, 0x0D0005
FINGER = 0x0D0022
TIP_SWITCH, CONFIDENCE, IN_RANGE = 0x0D0042, 0x0D0047, 0x0D0032
CONTACT_ID, CONTACT_COUNT, CONTACT_COUNT_MAX = 0x0D0051, 0x0D0054, 0x0D0055
WIDTH, HEIGHT, SCAN_TIME = 0x0D0048, 0x0D0049, 0x0D0056
X, Y = 0x010030, 0x010031
CERTIFICATION, CERTIFICATION_STATUS = 0xFF0000C5, 0xFF0000C6
"""Vendor usages by which Windows knows a certified device; Linux takes one as proof of Windows 8's rules."""
CERTIFICATION_SIZES = {CERTIFICATION: (8, 256), CERTIFICATION_STATUS: (8, 1)}
"""Bits and count that the field must have (Linux, ``hid_scan_feature_usage``)."""
SILENCE_US = 100_000
"""After so long without a packet, Linux lifts what a Windows 8 device left down (``hid-multitouch``)."""
NOT_SEEN_MEANS_UP: Final = frozenset({(0x1FF7, 0x0013), (0x25B5, 0x0002)})
"""(vendor, product) of devices that say nothing of a lift: CVTouch and FlatFrog, by Linux's table."""
MAX_BITS = 32
"""Widest number that is read (HID 1.11, 6.2.2.7)."""
MAX_CONTACTS = 256
"""Most contacts that are kept at once; Linux allows 250 (MT_MAX_MAXCONTACT)."""
_CONTACT_USAGES = {TIP_SWITCH, CONFIDENCE, CONTACT_ID, WIDTH, HEIGHT, X, Y}


class BitField(NamedTuple):
    """One number in a packet, which is read as one little-endian integer.

    Its value is ``((packet >> shift & mask) ^ sign) - sign``; in mm, ``(value - low) * mm_per_unit``.
    """

    shift: int
    mask: int
    sign: int
    low: int
    mm_per_unit: float | None

    @classmethod
    def of(cls, field: Field, bit_offset: int) -> BitField:
        """Return the element of ``field`` at ``bit_offset``; signed where its logical minimum is negative."""
        size_mm = field.size_mm
        return cls(
            bit_offset,
            (1 << field.bit_size) - 1,
            1 << (field.bit_size - 1) if field.logical_min < 0 else 0,
            field.logical_min,
            size_mm / (field.logical_max - field.logical_min) if size_mm is not None else None,
        )

    def read(self, packet: int) -> int:
        """Return the value in a packet."""
        return ((packet >> self.shift & self.mask) ^ self.sign) - self.sign


@dataclass(frozen=True, slots=True)
class ContactSlot:
    """Where one contact stands in a packet.

    Attributes:
        number: its identity where the device sends no contact id.
        sizes: width and height, as far as the device gives them with a physical size.
    """

    number: int
    x: BitField
    y: BitField
    tip: BitField | None
    contact_id: BitField | None
    confidence: BitField | None
    sizes: tuple[BitField, ...]

    def read(self, packet: int) -> Contact:
        """Return the contact in a packet."""
        shift, mask, sign, x_low, x_scale = self.x
        x = ((packet >> shift & mask) ^ sign) - sign
        shift, mask, sign, y_low, y_scale = self.y
        y = ((packet >> shift & mask) ^ sign) - sign
        id_, tip = self.contact_id, self.tip
        return Contact(
            self.number if id_ is None else ((packet >> id_.shift & id_.mask) ^ id_.sign) - id_.sign,
            tip is None or bool(packet >> tip.shift & tip.mask),
            x,
            y,
            None if x_scale is None else (x - x_low) * x_scale,
            None if y_scale is None else (y - y_low) * y_scale,
            self._size_mm(packet) if self.sizes else None,
        )

    def is_palm(self, packet: int) -> bool:
        """Whether the device itself does not believe that the contact is meant."""
        return self.confidence is not None and not self.confidence.read(packet)

    def _size_mm(self, packet: int) -> float:
        return max(size.read(packet) * (size.mm_per_unit or 0.0) for size in self.sizes)


@dataclass(frozen=True, slots=True)
class TouchPacket:
    """Layout of one input report that carries contacts."""

    report_id: int
    byte_length: int
    slots: tuple[ContactSlot, ...]
    contact_count: BitField | None
    scan_time: BitField | None


@dataclass(frozen=True, slots=True)
class TouchScreen:
    """What a report descriptor says of its touchscreen (or touchpad).

    Attributes:
        packets: layouts by report id; id 0 where the device does not number its reports.
        x_min, x_max, y_min, y_max: logical range of the coordinates, inclusive.
        width_mm, height_mm: size of that range; None where the descriptor gives none.
        contact_count_max: the most contacts at once; None where the descriptor does not say.
        windows_8: it carries the certification of Windows 8, by whose rules it is read.
    """

    packets: dict[int, TouchPacket]
    x_min: int
    x_max: int
    y_min: int
    y_max: int
    width_mm: float | None
    height_mm: float | None
    contact_count_max: int | None
    numbered: bool
    windows_8: bool


def touch_screen(descriptor: ReportDescriptor) -> TouchScreen:
    """Find the touchscreen in a report descriptor; the touchpad where there is no screen.

    Raises:
        ProtocolError: there is neither.
    """
    for application in (TOUCH_SCREEN, TOUCH_PAD):
        packets: dict[int, TouchPacket] = {}
        axes: dict[int, Field] = {}
        for report in descriptor.of_kind(ReportKind.INPUT):
            packet = _touch_packet(report, application, axes)
            if packet is not None:
                packets[report.id] = packet
        if packets:
            x, y = axes[X], axes[Y]
            return TouchScreen(
                packets,
                x.logical_min,
                x.logical_max,
                y.logical_min,
                y.logical_max,
                x.size_mm,
                y.size_mm,
                _contact_count_max(descriptor, application),
                descriptor.numbered,
                _windows_8(descriptor),
            )
    raise ProtocolError(
        "report descriptor has no touchscreen; expected a Touch Screen collection (0d:04) with contacts"
    )


def _elements(report: Report, application: int) -> Iterator[tuple[Field, Collection, int, int]]:
    """Yield (field, collection, usage, bit offset) of every number of the report in that application."""
    for field in report.fields:
        collection = field.collection
        if not field.flags & VARIABLE or collection is None:
            continue
        if collection.application == application and 0 < field.bit_size <= MAX_BITS:
            for usage, bit_offset in field.elements():
                # A contact id is never padding, though some devices mark it so.
                if not field.flags & CONSTANT or usage == CONTACT_ID:
                    yield field, collection, usage, bit_offset


def _touch_packet(report: Report, application: int, axes: dict[int, Field]) -> TouchPacket | None:
    """Lay out a report; None where it has no contacts. Notes in ``axes`` the first X and Y field met."""
    groups: list[dict[int, BitField]] = []
    axis_fields: dict[int, Field] = {}
    whole: dict[int, BitField] = {}
    current: Collection | None = None
    previous = 0
    for field, collection, usage, bit_offset in _elements(report, application):
        if usage in (CONTACT_COUNT, SCAN_TIME):
            whole.setdefault(usage, BitField.of(field, bit_offset))
        elif usage in _CONTACT_USAGES:
            finger = _finger(collection)
            # A second X or Y right after the first is the centre of the touch beside its tip.
            if not groups or finger is not current or (usage in groups[-1] and usage != previous):
                groups.append({})
                current = finger
            groups[-1].setdefault(usage, BitField.of(field, bit_offset))
            if usage in (X, Y):
                axis_fields.setdefault(usage, field)
        previous = usage
    slots = tuple(
        ContactSlot(
            number,
            group[X],
            group[Y],
            group.get(TIP_SWITCH),
            group.get(CONTACT_ID),
            group.get(CONFIDENCE),
            tuple(
                group[usage]
                for usage in (WIDTH, HEIGHT)
                if usage in group and group[usage].mm_per_unit is not None
            ),
        )
        for number, group in enumerate(
            group
            for group in groups
            if X in group and Y in group and (TIP_SWITCH in group or CONTACT_ID in group)
        )
    )
    if not slots:
        return None
    for usage, field in axis_fields.items():
        axes.setdefault(usage, field)
    return TouchPacket(report.id, report.byte_length, slots, whole.get(CONTACT_COUNT), whole.get(SCAN_TIME))


def _finger(collection: Collection) -> Collection:
    """Return the finger collection that holds this one, or this one where none around it is a finger."""
    around: Collection | None = collection
    while around is not None:
        if around.usage == FINGER and around.kind != 1:
            return around
        around = around.parent
    return collection


def _windows_8(descriptor: ReportDescriptor) -> bool:
    return any(
        CERTIFICATION_SIZES.get(usage) == (field.bit_size, field.count)
        for report in descriptor.of_kind(ReportKind.FEATURE)
        for field in report.fields
        for usage, _ in field.usages[:1]
    )


def _contact_count_max(descriptor: ReportDescriptor, application: int) -> int | None:
    for report in descriptor.of_kind(ReportKind.FEATURE):
        for field, _, usage, _ in _elements(report, application):
            if usage == CONTACT_COUNT_MAX:
                return field.logical_max
    return None


class HidTouchDecoder:
    """Packets of one device in, touch reports out.

    A scan is complete when as many contacts have come as its contact count said; further slots are filler.
    Where the device sends no contact count, each packet is a scan. A contact that a scan does not mention is
    handed on as it was, the same object, as in Linux: some devices mention only what changed. By the rules of
    Windows 8 a contact id that comes again in a scan is passed over and not counted, a contact without
    confidence is a palm, and what is left down is lifted after ``SILENCE_US``.

    Args:
        screen: what the descriptor says.
        not_seen_means_up: a contact that a scan does not mention has lifted; see ``NOT_SEEN_MEANS_UP``.

    Attributes:
        screen: what the descriptor says.
        short_packets: packets with fewer bytes than their layout; what is missing is read as zero.
        incomplete_scans: scans ended by the next one before all their contacts had come.
        duplicates: contacts passed over because their id had come in the scan before.
        assumed_lifts: contacts lifted because the device fell silent, or mentioned them no more.
        palms: contacts that the device took back for want of confidence.
    """

    def __init__(self, screen: TouchScreen, *, not_seen_means_up: bool = False) -> None:
        self.screen = screen
        self.not_seen_means_up = not_seen_means_up
        self.short_packets = 0
        self.incomplete_scans = 0
        self.duplicates = 0
        self.assumed_lifts = 0
        self.palms = 0
        self._down: dict[int, Contact] = {}
        self._scan: dict[int, Contact] = {}
        self._expected = 0
        self._received = 0
        self._repeated = 0
        self._scan_time: int | None = None
        self._counted = False
        self._hybrid = False
        self._t_us = 0

    def feed(self, t_us: int, packet: bytes) -> list[TouchReport]:
        """Take one packet, its report id included; return the scans that it completes (mostly one)."""
        if not packet:
            return []
        layout = self.screen.packets.get(packet[0] if self.screen.numbered else 0)
        if layout is None:
            return []
        if len(packet) < layout.byte_length:
            self.short_packets += 1
        word = int.from_bytes(packet[: layout.byte_length], "little")
        done = self._after_silence(t_us)
        if layout.contact_count is None:
            self._expected = len(layout.slots)
        else:
            count = layout.contact_count.read(word)
            scan_time = layout.scan_time.read(word) if layout.scan_time is not None else None
            if self._received and self._starts_anew(count, scan_time):
                self.incomplete_scans += not self._repeated
                done.append(self._complete())
            if count:
                self._expected = min(count, MAX_CONTACTS)
                self._counted = True
            elif self._received:
                self._hybrid = self._hybrid or self._counted
            else:
                self._expected = 0
                if any(slot.read(word).tip for slot in layout.slots):
                    # Filler that says otherwise: the count is right, and nothing is down.
                    self._scan = {id_: contact._replace(tip=False) for id_, contact in self._down.items()}
            self._scan_time = scan_time
        self._t_us = t_us
        self._take(layout, word)
        parallel = len(layout.slots) >= (self.screen.contact_count_max or MAX_CONTACTS)
        if self._received + self._repeated * parallel >= self._expected:
            done.append(self._complete())
        return done

    def _starts_anew(self, count: int, scan_time: int | None) -> bool:
        """Return whether a packet begins a scan although the one before lacks contacts (they were lost)."""
        if scan_time != self._scan_time:
            return True
        # Without a scan time: a second count means a new scan only where packets that continue one have none.
        return count > 0 and (self._hybrid or self._received + self._repeated >= count)

    def _take(self, layout: TouchPacket, word: int) -> None:
        """Add the contacts of a packet to the scan."""
        scan = self._scan
        slots = layout.slots
        used = 0
        for slot in slots:
            if self._received >= self._expected:
                break
            used += 1
            contact = slot.read(word)
            earlier = scan.get(contact.id)
            if self.screen.windows_8:
                if earlier is not None and earlier.tip:
                    self._repeated += 1
                    continue
                if slot.is_palm(word):
                    contact = contact._replace(tip=False, cancelled=True)
            self._received += 1
            # Others with a scan time repeat contacts as filler, too: the first one is meant.
            if earlier is None or not earlier.tip or layout.scan_time is None:
                scan[contact.id] = contact
        if used == len(slots) or self._down.keys() <= scan.keys():
            return
        for slot in slots[used:]:
            # Filler, unless it lifts a contact where it was: some devices count only what is down.
            contact = slot.read(word)
            last = self._down.get(contact.id)
            if last is not None and not contact.tip and (last.x, last.y) == (contact.x, contact.y):
                scan.setdefault(contact.id, contact)

    def _after_silence(self, t_us: int) -> list[TouchReport]:
        """Return the lift of what a device left down that then fell silent."""
        if not (self.screen.windows_8 and self._down and t_us - self._t_us >= SILENCE_US):
            return []
        lifted = tuple(contact._replace(tip=False) for contact in self._down.values())
        self.assumed_lifts += len(lifted)
        self._down, self._scan, self._received, self._repeated = {}, {}, 0, 0
        return [TouchReport(self._t_us + SILENCE_US, lifted)]

    def flush(self) -> list[TouchReport]:
        """Return the scan that is still incomplete at the end of a recording, if any."""
        return [self._complete()] if self._scan else []

    def _complete(self) -> TouchReport:
        scan, down = self._scan, self._down
        contacts = [contact for contact in scan.values() if contact.tip or contact.id in down]
        self.palms += sum(contact.cancelled for contact in contacts)
        unseen = [contact for id_, contact in down.items() if id_ not in scan]
        if self.not_seen_means_up:
            self.assumed_lifts += len(unseen)
            unseen = [contact._replace(tip=False) for contact in unseen]
        contacts += unseen
        self._down = {contact.id: contact for contact in contacts[:MAX_CONTACTS] if contact.tip}
        self._scan = {}
        self.duplicates += self._repeated
        self._received = self._repeated = 0
        self._counted = False
        return TouchReport(self._t_us, tuple(contacts))
