"""The three files of a tag, and what reading the second one does (NT4H2421Gx, sections 8.2 and 9.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stampbench.sim.credentials.nfc.file_settings import (
    FREE,
    NEVER,
    FileSettings,
    Rights,
    SdmSettings,
    counter_limit,
    last_byte_mirrored,
)
from stampbench.sim.credentials.nfc.messaging import Mode
from stampbench.sim.credentials.nfc.sdm import (
    FILLING_BYTES,
    LRP_RANDOM_BYTES,
    Tap,
    encrypt_picc_data,
    picc_data_bytes,
    session,
)
from stampbench.sim.credentials.secrets import Secret

CAPABILITIES, NDEF, PROPRIETARY = 1, 2, 3
"""Numbers of the files."""
ISO_NAMES = {0xE103: CAPABILITIES, 0xE104: NDEF, 0xE105: PROPRIETARY}
_CAPABILITY_CONTAINER = bytes.fromhex("001720010000FF0406E104010000000506E10500808283") + bytes(9)
"""As delivered: NDEF file of 256 bytes, proprietary file of 128 (NT4H2421Gx, section 8.2.3.1)."""


@dataclass(slots=True)
class File:
    """One file: its content, its settings, and, if it mirrors, the count of its taps."""

    content: bytearray
    settings: FileSettings = field(default_factory=FileSettings)
    counter: int = 0

    def fits(self, settings: FileSettings, *, lrp: bool) -> bool:
        """Return True if all that would be mirrored lies in the file, and the MAC's input before the MAC."""
        sdm = settings.sdm
        if sdm is None:
            return True
        if sdm.mac_offset is not None and (sdm.mac_input_offset or 0) > sdm.mac_offset:
            return False
        length = sdm.data_length or 0
        return length % 32 == 0 and last_byte_mirrored(sdm, picc_data_bytes(lrp=lrp)) <= len(self.content)

    @property
    def exhausted(self) -> bool:
        """True if the counter may not grow any more: the file cannot be read then."""
        sdm = self.settings.sdm
        return sdm is not None and self.counter >= counter_limit(sdm)


def delivered_files() -> dict[int, File]:
    """Return the files of a new tag."""
    return {
        CAPABILITIES: File(bytearray(_CAPABILITY_CONTAINER), FileSettings(rights=Rights(FREE, 0, 0, 0))),
        NDEF: File(bytearray(256)),
        PROPRIETARY: File(bytearray(128), FileSettings(Mode.FULL, Rights(2, 3, 3, 0))),
    }


def mirrored(
    file: File,
    uid: bytes,
    key: Callable[[int], Secret],
    random: Callable[[int], bytes],
    *,
    lrp: bool,
) -> bytes:
    """Return the file as it is read: UID, counter, file data and MAC of this tap over the placeholders.

    Args:
        file: whose counter has been counted up already.
        uid: of the tag.
        key: gives a key by its number.
        random: draws so many bytes.
        lrp: mode of the tag.
    """
    sdm = file.settings.sdm
    if sdm is None:
        return bytes(file.content)
    content = bytearray(file.content)
    tap = Tap(uid, file.counter)

    def write(offset: int | None, value: bytes) -> None:
        if offset is not None:
            text = value.hex().upper().encode()
            content[offset : offset + len(text)] = text

    write(sdm.uid_offset, uid)
    write(sdm.counter_offset, file.counter.to_bytes(3, "big"))
    if sdm.meta_read < FREE:
        fresh = random(FILLING_BYTES + (LRP_RANDOM_BYTES if lrp else 0))
        write(sdm.picc_offset, encrypt_picc_data(key(sdm.meta_read), tap, fresh, lrp=lrp))
    if sdm.file_read != NEVER:
        _write_proofs(sdm, content, tap, key(sdm.file_read), write, lrp=lrp)
    return bytes(content)


def _write_proofs(
    sdm: SdmSettings,
    content: bytearray,
    tap: Tap,
    key: Secret,
    write: Callable[[int | None, bytes], None],
    *,
    lrp: bool,
) -> None:
    keys = session(key, tap, lrp=lrp)
    if sdm.data_offset is not None and sdm.data_length:
        half = sdm.data_length // 2
        write(sdm.data_offset, keys.encrypt(bytes(content[sdm.data_offset : sdm.data_offset + half])))
    if sdm.mac_offset is not None:
        write(sdm.mac_offset, keys.mac(bytes(content[sdm.mac_input_offset : sdm.mac_offset])))
