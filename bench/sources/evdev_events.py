"""Linux input events to touch reports: multitouch protocols B and A, and single-touch devices.

After "Multi-touch (MT) Protocol", Linux kernel documentation. Events come one by one and are gathered up to
each SYN_REPORT, which ends a scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stampbench.bench.sources.recording import Recording, Ruler
from stampbench.firmware_emulator.touch import Contact, TouchReport

EV_SYN, EV_KEY, EV_ABS = 0x00, 0x01, 0x03
SYN_REPORT, SYN_MT_REPORT, SYN_DROPPED = 0, 2, 3
BTN_TOUCH = 0x14A
ABS_X, ABS_Y = 0x00, 0x01
ABS_MT_SLOT, ABS_MT_TOUCH_MAJOR, ABS_MT_TOUCH_MINOR = 0x2F, 0x30, 0x31
ABS_MT_POSITION_X, ABS_MT_POSITION_Y = 0x35, 0x36
ABS_MT_TOOL_TYPE, ABS_MT_TRACKING_ID, ABS_MT_DISTANCE = 0x37, 0x39, 0x3B
MT_TOOL_PALM = 2
EVENT_TYPES = {
    "EV_SYN": EV_SYN,
    "EV_KEY": EV_KEY,
    "EV_REL": 0x02,
    "EV_ABS": EV_ABS,
    "EV_MSC": 0x04,
    "EV_SW": 0x05,
    "EV_LED": 0x11,
    "EV_SND": 0x12,
    "EV_REP": 0x14,
    "EV_FF": 0x15,
    "EV_PWR": 0x16,
}
EVENT_CODES = {
    "EV_SYN": {"SYN_REPORT": SYN_REPORT, "SYN_MT_REPORT": SYN_MT_REPORT, "SYN_DROPPED": SYN_DROPPED},
    "EV_KEY": {"BTN_TOUCH": BTN_TOUCH},
    "EV_ABS": {
        "ABS_X": ABS_X,
        "ABS_Y": ABS_Y,
        "ABS_MT_SLOT": ABS_MT_SLOT,
        "ABS_MT_TOUCH_MAJOR": ABS_MT_TOUCH_MAJOR,
        "ABS_MT_TOUCH_MINOR": ABS_MT_TOUCH_MINOR,
        "ABS_MT_POSITION_X": ABS_MT_POSITION_X,
        "ABS_MT_POSITION_Y": ABS_MT_POSITION_Y,
        "ABS_MT_TOOL_TYPE": ABS_MT_TOOL_TYPE,
        "ABS_MT_TRACKING_ID": ABS_MT_TRACKING_ID,
        "ABS_MT_DISTANCE": ABS_MT_DISTANCE,
    },
}
"""Names of the events that matter here, as tools print them."""
MAX_SLOTS = 256
_UNSEEN_ID = 0x10000
"""Beyond the 16 bits of tracking ids: for slots already down when the recording began."""


@dataclass(frozen=True, slots=True)
class AxisRange:
    """Range of one axis in device units; ``resolution`` in units per mm, 0 where the device does not say."""

    minimum: int
    maximum: int
    resolution: int = 0

    @property
    def size_mm(self) -> float | None:
        """Length of the range in mm; None without resolution."""
        if self.resolution <= 0 or self.maximum <= self.minimum:
            return None
        return (self.maximum - self.minimum) / self.resolution

    def position_mm(self, value: int) -> float | None:
        """Return the distance from the minimum in mm; None without resolution."""
        return self.length_mm(value - self.minimum)

    def length_mm(self, extent: int) -> float | None:
        """Return the length of an extent in mm; None without resolution."""
        return extent / self.resolution if self.resolution > 0 else None


@dataclass(slots=True)
class _Slot:
    tracking_id: int | None = None
    x: int | None = None
    y: int | None = None
    distance: int = 0
    major: int | None = None
    tool: int = 0
    ended: bool = False
    """The touch is over although its tracking id stands; the next event about the slot begins one."""
    unsure: bool = False
    """Events were lost: whether it is still down, only the next event about the slot says."""


class EvdevAssembler:
    """Events of one device in, touch reports out.

    Args:
        axes: ranges by ABS code, as far as they are known.
        slot: the slot that the first events are about.

    Attributes:
        x, y: ranges of the coordinates; None where they are not known.
        dropped: how often the kernel said that events were lost (SYN_DROPPED).
        palms: touches that became, or were from the beginning, a palm by what the device says.
    """

    def __init__(self, axes: dict[int, AxisRange], slot: int = 0) -> None:
        self.x = axes.get(ABS_MT_POSITION_X, axes.get(ABS_X))
        self.y = axes.get(ABS_MT_POSITION_Y, axes.get(ABS_Y))
        self.dropped = 0
        self.palms = 0
        self._major = axes.get(ABS_MT_TOUCH_MAJOR)
        self._slot = slot
        self._slots: dict[int, _Slot] = {}
        self._single = _Slot()
        self._touch = False
        self._touch_ended = False
        self._down: dict[int, Contact] = {}
        self._multitouch = False
        self._packet = _Slot()
        self._packets: list[_Slot] | None = None
        self._skipping = False

    def feed(self, t_us: int, kind: int, code: int, value: int) -> TouchReport | None:
        """Take one event; return the scan that it ends."""
        if kind == EV_SYN:
            return self._sync(t_us, code)
        if self._skipping:
            return None
        if kind == EV_ABS:
            self._absolute(code, value)
        elif kind == EV_KEY and code == BTN_TOUCH:
            self._touch = value != 0
            self._touch_ended = not self._touch
        return None

    def _absolute(self, code: int, value: int) -> None:
        if code < ABS_MT_SLOT:
            if code == ABS_X:
                self._single.x = value
            elif code == ABS_Y:
                self._single.y = value
            return
        self._multitouch = True
        if code == ABS_MT_SLOT:
            self._slot = value
            return
        if len(self._slots) >= MAX_SLOTS and self._slot not in self._slots:
            return
        for slot in (self._slots.setdefault(self._slot, _Slot()), self._packet):
            slot.ended = slot.unsure = False
            if code == ABS_MT_TRACKING_ID:
                if value < 0:
                    slot.tracking_id = -1
                else:
                    slot.tracking_id = value
                    # A value equal to the last one of this slot is not sent again, and the first is zero.
                    slot.x, slot.y = slot.x or 0, slot.y or 0
            elif code == ABS_MT_POSITION_X:
                slot.x = value
            elif code == ABS_MT_POSITION_Y:
                slot.y = value
            elif code == ABS_MT_DISTANCE:
                slot.distance = value
            elif code == ABS_MT_TOUCH_MAJOR:
                slot.major = value
            elif code == ABS_MT_TOOL_TYPE:
                slot.tool = value

    def _sync(self, t_us: int, code: int) -> TouchReport | None:
        if code == SYN_DROPPED:
            self.dropped += 1
            self._skipping = True
            for slot in self._slots.values():
                slot.unsure = True
        elif code == SYN_MT_REPORT and not self._skipping:
            self._multitouch = True
            if self._packets is None:
                self._packets = []
            if self._packet.x is not None and self._packet.y is not None and len(self._packets) < MAX_SLOTS:
                self._packets.append(self._packet)
            self._packet = _Slot()
        elif code == SYN_REPORT:
            self._skipping = False
            return self._report(t_us)
        return None

    def _report(self, t_us: int) -> TouchReport:
        if self._touch_ended:
            # Some drivers end a touch by this key alone, without a word about its slot.
            for slot in self._slots.values():
                slot.ended = True
            self._touch_ended = False
        touching = {
            id_: slot
            for id_, slot in self._touches().items()
            if slot.distance <= 0 and slot.x is not None and slot.y is not None and not slot.ended
        }
        taken = {id_ for id_, slot in touching.items() if slot.tool == MT_TOOL_PALM or slot.unsure}
        contacts = [self._contact(id_, slot) for id_, slot in touching.items() if id_ not in taken]
        down = {contact.id: contact for contact in contacts}
        self.palms += sum(touching[id_].tool == MT_TOOL_PALM for id_ in taken & self._down.keys())
        contacts += [
            gone._replace(tip=False, cancelled=gone.id in taken)
            for gone in self._down.values()
            if gone.id not in down
        ]
        self._packet = _Slot()
        self._down = down
        return TouchReport(t_us, tuple(contacts))

    def _touches(self) -> dict[int, _Slot]:
        """Return the slots that hold a touch, or did until now, by its id."""
        if self._packets is not None:
            packets, self._packets = self._packets, []
            return {
                number if slot.tracking_id is None else slot.tracking_id: slot
                for number, slot in enumerate(packets)
            }
        if self._multitouch:
            return {
                _UNSEEN_ID + number if slot.tracking_id is None else slot.tracking_id: slot
                for number, slot in self._slots.items()
                if slot.tracking_id != -1
            }
        return {0: self._single} if self._touch else {}

    def _contact(self, id_: int, slot: _Slot) -> Contact:
        x, y, major = slot.x or 0, slot.y or 0, slot.major
        return Contact(
            id_,
            True,
            x,
            y,
            None if self.x is None else self.x.position_mm(x),
            None if self.y is None else self.y.position_mm(y),
            None if self._major is None or major is None else self._major.length_mm(major),
        )


def kernel_ruler(x: AxisRange, y: AxisRange) -> Ruler | None:
    """Return the size by the kernel's resolution, which it rounds to whole units per mm; None without one."""
    if x.size_mm is None or y.size_mm is None:
        return None
    errors = {"x_error": 0.5 / x.resolution, "y_error": 0.5 / y.resolution}
    return Ruler(x.size_mm, y.size_mm, "the kernel's resolution", **errors)


def measured_axes(recording: Recording, assembler: EvdevAssembler) -> Recording:
    """Return the recording with the ranges and the size that the kernel tells."""
    x, y = assembler.x, assembler.y
    if x is not None and y is not None:
        recording.x_min, recording.x_max = x.minimum, x.maximum
        recording.y_min, recording.y_max = y.minimum, y.maximum
        recording.ruler = kernel_ruler(x, y)
    return recording


def recording_of(
    device: str, format_name: str, assembler: EvdevAssembler, events: Iterator[tuple[int, int, int, int]]
) -> Recording:
    """Return the recording that a stream of (t_us, type, code, value) of one device makes."""
    recording = measured_axes(Recording(device, format_name, iter(())), assembler)
    recording.reports = _reports(assembler, events, recording.notes)
    return recording


def _reports(
    assembler: EvdevAssembler, events: Iterator[tuple[int, int, int, int]], notes: list[str]
) -> Iterator[TouchReport]:
    for event in events:
        report = assembler.feed(*event)
        if report is not None:
            yield report
    if assembler.dropped:
        notes.append(
            f"the kernel lost events {assembler.dropped} times (SYN_DROPPED): "
            "touches of which nothing came afterwards count as cancelled there"
        )
    if assembler.palms:
        notes.append(f"{assembler.palms} touches became a palm (MT_TOOL_PALM) and count as cancelled")
