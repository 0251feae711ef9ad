"""Settings of a tag's file, as ChangeFileSettings and GetFileSettings carry them (NT4H2421Gx, 10.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stampbench.sim.credentials.nfc.messaging import Mode
from stampbench.sim.credentials.nfc.sdm import LARGEST_COUNTER

FREE, NEVER = 0xE, 0xF
"""Access rights that are no number of a key."""
_SDM = 0x40
_UID, _COUNTER, _LIMIT, _FILE_DATA, _ASCII = 0x80, 0x40, 0x20, 0x10, 0x01


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: number of a key, :data:`FREE` or :data:`NEVER`."""

    read: int = FREE
    write: int = FREE
    both: int = FREE
    change: int = 0

    @property
    def encoded(self) -> bytes:
        """Two bytes."""
        return bytes([self.both << 4 | self.change, self.read << 4 | self.write])


@dataclass(frozen=True, slots=True, kw_only=True)
class SdmSettings:
    """What a tag mirrors into the file while it is read; offsets in bytes from the start of the file.

    Attributes:
        meta_read: key that encrypts PICCData; :data:`FREE` mirrors UID and counter in plain text,
            :data:`NEVER` mirrors neither.
        file_read: key of the MAC and of file data; :data:`NEVER` for none.
        counter_read: key that may ask for the counter.
        uid, counter: True mirrors them.
        uid_offset, counter_offset: of the plain mirror.
        picc_offset: of encrypted PICCData.
        mac_input_offset, mac_offset: where what the MAC covers begins, and where the MAC stands.
        data_offset, data_length: of encrypted file data in the file, as text; None for none.
        counter_limit: the last counter at which the file can be read.
    """

    meta_read: int
    file_read: int
    counter_read: int = NEVER
    uid: bool = True
    counter: bool = True
    uid_offset: int | None = None
    counter_offset: int | None = None
    picc_offset: int | None = None
    mac_input_offset: int | None = None
    data_offset: int | None = None
    data_length: int | None = None
    mac_offset: int | None = None
    counter_limit: int | None = None

    @property
    def encoded(self) -> bytes:
        """Options, rights and offsets."""
        options = _ASCII
        for bit, wanted in (
            (_UID, self.uid),
            (_COUNTER, self.counter),
            (_LIMIT, self.counter_limit is not None),
            (_FILE_DATA, self.data_offset is not None),
        ):
            options |= bit * wanted
        rights = bytes([NEVER << 4 | self.counter_read, self.meta_read << 4 | self.file_read])
        names = _numbers(options, self.meta_read, self.file_read)
        numbers = b"".join(getattr(self, name).to_bytes(3, "little") for name in names)
        return bytes([options]) + rights + numbers


def _numbers(options: int, meta_read: int, file_read: int) -> Iterator[str]:
    """Yield names of the three-byte numbers that follow options and rights, in their order."""
    if options & _UID and meta_read == FREE:
        yield "uid_offset"
    if options & _COUNTER and meta_read == FREE:
        yield "counter_offset"
    if meta_read < FREE:
        yield "picc_offset"
    if file_read != NEVER:
        yield "mac_input_offset"
        if options & _FILE_DATA:
            yield "data_offset"
            yield "data_length"
        yield "mac_offset"
    if options & _LIMIT:
        yield "counter_limit"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Protection, rights and mirroring of one file."""

    mode: Mode = Mode.PLAIN
    rights: Rights = Rights()
    sdm: SdmSettings | None = None

    @property
    def encoded(self) -> bytes:
        """Body of ChangeFileSettings after the number of the file."""
        option = int(self.mode) | (_SDM if self.sdm else 0)
        return bytes([option]) + self.rights.encoded + (self.sdm.encoded if self.sdm else b"")


def parse_settings(text: bytes) -> FileSettings | None:
    """Return the settings in the body of ChangeFileSettings; None if they are none that this tag can have."""
    if len(text) < 3 or text[0] & ~(_SDM | 0x03) or text[0] & 0x03 == 0x02:
        return None
    mode = Mode(text[0] & 0x03) if text[0] & 0x03 else Mode.PLAIN
    rights = Rights(both=text[1] >> 4, change=text[1] & 0xF, read=text[2] >> 4, write=text[2] & 0xF)
    if not text[0] & _SDM:
        return FileSettings(mode, rights) if len(text) == 3 else None
    sdm = _parse_sdm(text[3:])
    return None if sdm is None else FileSettings(mode, rights, sdm)


def _parse_sdm(text: bytes) -> SdmSettings | None:
    if len(text) < 3 or not text[0] & _ASCII:
        return None
    options, meta_read, file_read = text[0], text[2] >> 4, text[2] & 0xF
    names = list(_numbers(options, meta_read, file_read))
    if len(text) != 3 + 3 * len(names):
        return None
    numbers = {
        name: int.from_bytes(text[3 + 3 * place : 6 + 3 * place], "little")
        for place, name in enumerate(names)
    }
    both = options & _UID and options & _COUNTER
    # File data need the counter for their keys; the chip asks for both mirrors then.
    if options & _FILE_DATA and (file_read == NEVER or not both):
        return None
    return SdmSettings(
        meta_read=meta_read,
        file_read=file_read,
        counter_read=text[1] & 0xF,
        uid=bool(options & _UID),
        counter=bool(options & _COUNTER),
        **numbers,
    )


def last_byte_mirrored(sdm: SdmSettings, picc_bytes: int) -> int:
    """End of what is mirrored, in bytes from the start of the file; it must lie in the file."""
    ends = (
        (sdm.uid_offset, 14),
        (sdm.counter_offset, 6),
        (sdm.picc_offset, 2 * picc_bytes),
        (sdm.data_offset, sdm.data_length or 0),
        (sdm.mac_offset, 16),
    )
    return max((offset + width for offset, width in ends if offset is not None), default=0)


def counter_limit(sdm: SdmSettings) -> int:
    """Return the last counter at which the file can be read."""
    return LARGEST_COUNTER if sdm.counter_limit is None else sdm.counter_limit
