"""What a rig's packets carry: one value per packet type, packed to bytes and read back (see PROTOCOL.md).

Values that do not fit their field raise InputError when packed; payloads that do not follow the layout raise
ProtocolError when read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.firmware_emulator.link.packets import PROTOCOL_VERSION, PacketType
from stampbench.firmware_emulator.link.payload import (
    pack_fields,
    pack_text,
    split_fields,
    split_text,
    unpack_text,
)
from stampbench.firmware_emulator.outside import told
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

_IDENTITY = struct.Struct("<BBHHHIIIBB")
_HEARTBEAT = struct.Struct("<IIIIIB")
_CONTACT = struct.Struct("<BBHHH")
_FRAME = struct.Struct("<BB")
_ANSWER = struct.Struct("<IBB")
_PRESS_DONE = struct.Struct("<IBI")
_DROPPED = struct.Struct("<I")
_TIP = 0x01
_CANCELLED = 0x02
_SIZE_UNITS_PER_MM = 100


class Capability(IntFlag):
    """What a rig can do beyond sending contacts; the last two tell what its panel does beyond the limit."""

    PRESS = 0x01
    RAW_FRAMES = 0x02
    HID_REPORTS = 0x04
    CONFIGURE = 0x08
    CANCELS_ALL = 0x10
    MARKS_CANCELLED = 0x20


NO_CAPABILITY = Capability(0)


class Status(IntEnum):
    """How a rig answers a command."""

    OK = 0
    MANUAL = 1
    UNSUPPORTED = 2
    BAD_ARGUMENT = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the rig is.

    Attributes:
        serial_number, profile, firmware_name, firmware_version: text, at most 255 bytes of UTF-8 each; the
            profile names the panel.
        contact_limit: most contacts in one scan.
        x_max, y_max: largest coordinates of a contact, at the right and lower edge of the active area.
        width_um, height_um: size of the active area, micrometres.
        frame_interval_us: time between two scans.
        rows, columns: nodes of a raw frame; 0 where the rig sends none.
        capabilities: see :class:`Capability`.
        protocol_version: the version it speaks.
    """

    serial_number: str
    profile: str
    firmware_name: str
    firmware_version: str
    contact_limit: int
    x_max: int
    y_max: int
    width_um: int
    height_um: int
    frame_interval_us: int
    rows: int = 0
    columns: int = 0
    capabilities: Capability = NO_CAPABILITY
    protocol_version: int = PROTOCOL_VERSION

    kind = PacketType.IDENTITY

    @property
    def cancel_limit(self) -> int | None:
        """Contacts beyond which the panel cancels all touches without a mark.

        None where it only drops the new ones, or where it marks what it cancels: then nobody has to guess.
        """
        what = self.capabilities & (Capability.CANCELS_ALL | Capability.MARKS_CANCELLED)
        return self.contact_limit if what == Capability.CANCELS_ALL else None

    def as_told(self) -> Identity:
        """Return the same as it may be shown and kept: printable."""
        return replace(
            self,
            serial_number=told(self.serial_number),
            profile=told(self.profile),
            firmware_name=told(self.firmware_name),
            firmware_version=told(self.firmware_version),
        )

    def pack(self) -> bytes:
        """Return the payload."""
        fixed = pack_fields(
            _IDENTITY,
            "identity",
            self.protocol_version,
            self.contact_limit,
            self.capabilities,
            self.x_max,
            self.y_max,
            self.width_um,
            self.height_um,
            self.frame_interval_us,
            self.rows,
            self.columns,
        )
        texts = (self.serial_number, self.profile, self.firmware_name, self.firmware_version)
        return fixed + b"".join(pack_text("identity", text) for text in texts)

    @classmethod
    def unpack(cls, payload: bytes) -> Identity:
        """Read the payload; bytes after the last known field belong to later versions and are passed over."""
        fixed, rest = split_fields(_IDENTITY, "identity", payload)
        (
            version,
            contact_limit,
            capabilities,
            x_max,
            y_max,
            width_um,
            height_um,
            interval_us,
            rows,
            columns,
        ) = fixed
        if not (x_max and y_max and width_um and height_um and contact_limit):
            raise ProtocolError(
                f"identity: contact limit {contact_limit}, maxima {x_max} x {y_max} and size {width_um} x "
                f"{height_um} um must all be above 0"
            )
        serial_number, rest = split_text("identity", rest)
        profile, rest = split_text("identity", rest)
        firmware_name, rest = split_text("identity", rest)
        firmware_version, rest = split_text("identity", rest)
        return cls(
            serial_number,
            profile,
            firmware_name,
            firmware_version,
            contact_limit=contact_limit,
            x_max=x_max,
            y_max=y_max,
            width_um=width_um,
            height_um=height_um,
            frame_interval_us=interval_us,
            rows=rows,
            columns=columns,
            capabilities=Capability(capabilities),
            protocol_version=version,
        )


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sign of life, sent at least every 500 ms of device time and of real time.

    Attributes:
        scans: panel scans since the rig's start, modulo 2^32.
        reports: contact reports sent since then, modulo 2^32.
        dropped: reports the rig threw away unsent because the host read too slowly, modulo 2^32.
        host_errors: damaged packets received from the host, modulo 2^32.
        last_command: sequence number of the host's packet that was answered last; 2^32 - 1 before the first.
        pressing: True while a press command is under way.
    """

    scans: int
    reports: int
    dropped: int
    host_errors: int
    last_command: int
    pressing: bool

    kind = PacketType.HEARTBEAT

    def pack(self) -> bytes:
        """Return the payload."""
        counts = (self.scans, self.reports, self.dropped, self.host_errors, self.last_command)
        return _HEARTBEAT.pack(*(count % (1 << 32) for count in counts), self.pressing)

    @classmethod
    def unpack(cls, payload: bytes) -> Heartbeat:
        """Read the payload; bytes after the last known field are passed over."""
        fields, _ = split_fields(_HEARTBEAT, "heartbeat", payload)
        scans, reports, dropped, host_errors, last_command, state = fields
        return cls(scans, reports, dropped, host_errors, last_command, pressing=bool(state & 1))


NO_COMMAND = (1 << 32) - 1
"""``Heartbeat.last_command`` of a rig that has answered no command yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rig says to one command.

    Attributes:
        command_sequence, command_kind: sequence number and type of the packet that is answered.
        status: see :class:`Status`.
        text: for people; says what would be right where the status is not OK.
    """

    command_sequence: int
    command_kind: int
    status: Status
    text: str = ""

    kind = PacketType.ANSWER

    def pack(self) -> bytes:
        """Return the payload."""
        return (
            pack_fields(_ANSWER, "answer", self.command_sequence, self.command_kind, self.status)
            + self.text.encode()
        )

    @classmethod
    def unpack(cls, payload: bytes) -> Answer:
        """Read the payload."""
        (sequence, kind, status), rest = split_fields(_ANSWER, "answer", payload)
        if status not in list(Status):
            raise ProtocolError(f"answer: status {status}, known are 0 to {max(Status)}")
        return cls(sequence, kind, Status(status), unpack_text("answer", rest))


@dataclass(frozen=True, slots=True)
class PressDone:
    """End of a press.

    Attributes:
        command_sequence: sequence number of the press command.
        aborted: True if a reset ended the press early.
        reports: contact reports sent for this press.
        dropped: those thrown away unsent because the host read too slowly; None from a rig of revision 1.0,
            which tells it in its next heartbeat.
    """

    command_sequence: int
    aborted: bool
    reports: int
    dropped: int | None = None

    kind = PacketType.PRESS_DONE

    def pack(self) -> bytes:
        """Return the payload."""
        fixed = pack_fields(_PRESS_DONE, "press done", self.command_sequence, self.aborted, self.reports)
        return fixed if self.dropped is None else fixed + pack_fields(_DROPPED, "press done", self.dropped)

    @classmethod
    def unpack(cls, payload: bytes) -> PressDone:
        """Read the payload; bytes after the last known field are passed over."""
        (sequence, aborted, reports), rest = split_fields(_PRESS_DONE, "press done", payload)
        dropped = _DROPPED.unpack_from(rest)[0] if len(rest) >= _DROPPED.size else None
        return cls(sequence, bool(aborted), reports, dropped)


def pack_contacts(report: TouchReport) -> bytes:
    """Return the payload of a contacts packet: 8 bytes per contact, none for a scan without touch.

    A size is sent in 1/100 mm; 0 says that it is not reported.
    """
    try:
        return b"".join(
            [
                _CONTACT.pack(
                    contact.id,
                    (_TIP if contact.tip else 0) | (_CANCELLED if contact.cancelled else 0),
                    contact.x,
                    contact.y,
                    0 if contact.size_mm is None else max(1, round(contact.size_mm * _SIZE_UNITS_PER_MM)),
                )
                for contact in report.contacts
            ]
        )
    except struct.error as error:
        raise InputError(f"contacts: id 0 to 255, x, y and size 0 to 65535: {error}") from None


class ContactReader:
    """Reads contacts packets of one rig, whose identity says what its coordinates mean in mm."""

    def __init__(self, identity: Identity) -> None:
        self._x_scale_mm = identity.width_um / 1000 / identity.x_max
        self._y_scale_mm = identity.height_um / 1000 / identity.y_max

    def report(self, t_us: int, payload: bytes) -> TouchReport:
        """Return the report in a contacts payload received with device time ``t_us``.

        Raises:
            ProtocolError: the payload is no multiple of 8 bytes.
        """
        if len(payload) % _CONTACT.size:
            raise ProtocolError(f"contacts: {len(payload)} bytes, must be a multiple of {_CONTACT.size}")
        x_scale_mm, y_scale_mm = self._x_scale_mm, self._y_scale_mm
        return TouchReport(
            t_us,
            tuple(
                [
                    Contact(
                        number,
                        flags & _TIP != 0,
                        x,
                        y,
                        x * x_scale_mm,
                        y * y_scale_mm,
                        size / _SIZE_UNITS_PER_MM if size else None,
                        flags & _CANCELLED != 0,
                    )
                    for number, flags, x, y, size in _CONTACT.iter_unpack(payload)
                ]
            ),
        )


def pack_frame(frame: Frame) -> bytes:
    """Return the payload of a raw frame: rows u8, columns u8, then int16 deltas row by row."""
    rows, columns = frame.deltas.shape
    return pack_fields(_FRAME, "raw frame", rows, columns) + frame.deltas.astype("<i2", copy=False).tobytes()


def unpack_frame(t_us: int, payload: bytes) -> Frame:
    """Return the frame in a raw frame payload received with device time ``t_us``."""
    (rows, columns), rest = split_fields(_FRAME, "raw frame", payload)
    if len(rest) != 2 * rows * columns:
        raise ProtocolError(
            f"raw frame: {rows} x {columns} nodes take {2 * rows * columns} bytes, got {len(rest)}"
        )
    deltas: npt.NDArray[np.int16] = np.frombuffer(rest, "<i2").astype(np.int16).reshape(rows, columns)
    return Frame(t_us, deltas)
