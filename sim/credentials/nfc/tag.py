"""An NTAG 424 DNA in software: bytes in, bytes out, as over the air (NXP NT4H2421Gx).

It speaks the commands that a stamp needs in its life: those of the phone that reads its URL, and those of the
factory that gives it keys and settings. Authentication, secure messaging and mirroring follow the data sheet
in AES and in LRP mode; GetVersion, the originality signature and the tamper loop are not there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.nfc.apdu import ISO, NATIVE, Command, Status, parse_command
from stampbench.sim.credentials.nfc.authentication import TRANSACTION_BYTES, Challenge, accept, challenge_text
from stampbench.sim.credentials.nfc.diversification import APPLICATION
from stampbench.sim.credentials.nfc.file_settings import FREE, parse_settings
from stampbench.sim.credentials.nfc.files import ISO_NAMES, NDEF, File, delivered_files, mirrored
from stampbench.sim.credentials.nfc.messaging import Channel, Mode
from stampbench.sim.credentials.nfc.sdm import UID_BYTES
from stampbench.sim.credentials.secrets import AES_KEY_BYTES, Secret

KEYS = 5
"""How many keys a tag has; 0 is that of the application's owner."""
LRP_OPTION = 0x05
"""Of SetConfiguration: from then on LRP, for good."""


class Random(Protocol):
    """Where a tag's random numbers come from; a ``numpy.random.Generator`` will do."""

    def bytes(self, length: int) -> bytes:
        """Return so many random bytes."""


@dataclass(slots=True)
class _Key:
    value: Secret
    version: int = 0


class Tag:
    """One tag.

    Args:
        uid: 7 bytes.
        random: of its random number generator.

    Attributes:
        lrp: True once it has been set to LRP mode.
        files: by number; what they hold can be looked at, as no reader could.

    Raises:
        InputError: a UID of another length.
    """

    def __init__(self, uid: bytes, random: Random) -> None:
        if len(uid) != UID_BYTES:
            raise InputError(f"UID of {len(uid)} bytes: expected {UID_BYTES}")
        self.uid = uid
        self.lrp = False
        self.files = delivered_files()
        self._random = random
        self._keys = [_Key(Secret(bytes(AES_KEY_BYTES))) for _ in range(KEYS)]
        self.power_up()

    def power_up(self) -> None:
        """Come into a reader's field: nothing is selected, nobody is authenticated."""
        self._selected: int | None = None
        self._challenge: Challenge | None = None
        self._channel: Channel | None = None
        self._authenticated = 0
        self._reading: int | None = None

    def transceive(self, text: bytes) -> bytes:
        """Return the answer to a command."""
        command = parse_command(text)
        if command is None:
            return Status.ISO_WRONG_LENGTH.value
        if command.cla == ISO:
            return self._iso(command)
        if command.cla != NATIVE:
            return Status.ISO_UNKNOWN_CLASS.value
        return self._native(command)

    # ISO commands, as phones send them

    def _iso(self, command: Command) -> bytes:
        if command.ins == 0xA4:
            return self._select(command)
        if self._selected is None:
            return Status.ISO_NO_FILE_SELECTED.value
        file = self.files[self._selected]
        offset = command.p1 << 8 | command.p2
        if command.p1 & 0x80:
            return Status.ISO_WRONG_PARAMETERS.value
        if command.ins == 0xB0:
            return self._read_binary(file, self._selected, offset, command.expected or 0)
        if command.ins == 0xD6:
            if file.settings.mode is not Mode.PLAIN or not self._may(file.settings.rights.write, file):
                return Status.ISO_SECURITY.value
            if offset + len(command.data) > len(file.content):
                return Status.ISO_WRONG_LENGTH.value
            file.content[offset : offset + len(command.data)] = command.data
            return Status.ISO_OK.value
        return Status.ISO_UNKNOWN_COMMAND.value

    def _select(self, command: Command) -> bytes:
        self._reading = None
        if command.p1 == 0x04:
            if command.data != APPLICATION:
                return Status.ISO_FILE_NOT_FOUND.value
            self.power_up()
            return Status.ISO_OK.value
        number = ISO_NAMES.get(int.from_bytes(command.data, "big"))
        if command.p1 not in (0x00, 0x02) or number is None or len(command.data) != 2:
            return Status.ISO_FILE_NOT_FOUND.value
        self._selected = number
        return Status.ISO_OK.value

    def _read_binary(self, file: File, number: int, offset: int, wanted: int) -> bytes:
        if file.settings.mode is not Mode.PLAIN or not self._may(file.settings.rights.read, file):
            return Status.ISO_SECURITY.value
        content = self._content(file, number)
        if content is None:
            return Status.ISO_SECURITY.value
        if offset >= len(content):
            return Status.ISO_WRONG_PARAMETERS.value
        return content[offset : offset + (wanted or 256)] + Status.ISO_OK.value

    def _content(self, file: File, number: int) -> bytes | None:
        """Return what a reader sees. The first read of a tap counts; those that follow see the same tap."""
        if self._channel is not None or file.settings.sdm is None:
            return bytes(file.content)
        if self._reading != number:
            if file.exhausted:
                return None
            file.counter += 1
            self._reading = number
            self._seen = mirrored(file, self.uid, self._key, self._random.bytes, lrp=self.lrp)
        return self._seen

    # The chip's own commands

    def _native(self, command: Command) -> bytes:
        reading, self._reading = self._reading, None
        challenge, self._challenge = self._challenge, None
        if command.ins == 0xAF and challenge is not None:
            return self._second_half(challenge, command.data)
        if command.ins in (0x71, 0x77):
            return self._first_half(command.data, first=command.ins == 0x71)
        if command.ins in (0xAD, 0x8D):
            self._reading = reading
            return self._file_command(command)
        if command.ins not in self._COMMANDS:
            return Status.ILLEGAL_COMMAND.value
        mode, header_bytes, handle = self._COMMANDS[command.ins]
        return self._protected(command, mode, header_bytes, lambda body: handle(self, body))

    def _first_half(self, data: bytes, *, first: bool) -> bytes:
        if not data or (first and len(data) < 2) or (first and len(data) != 2 + data[1]):
            return Status.LENGTH_ERROR.value
        if data[0] >= KEYS:
            return Status.NO_SUCH_KEY.value
        if not first and self._channel is None:
            return Status.PERMISSION_DENIED.value
        wants_lrp = first and len(data) > 2 and bool(data[2] & 0x02)
        if first and wants_lrp is not self.lrp:
            return Status.PERMISSION_DENIED.value
        self._challenge = Challenge(data[0], self._random.bytes(16), first)
        return challenge_text(self._key(data[0]), self._challenge.rnd_b, lrp=self.lrp) + Status.MORE.value

    def _second_half(self, challenge: Challenge, data: bytes) -> bytes:
        before = None if challenge.first else self._channel
        self._channel = None
        transaction = self._random.bytes(TRANSACTION_BYTES)
        accepted = accept(self._key(challenge.number), challenge, data, transaction, before, lrp=self.lrp)
        if accepted is None:
            return Status.AUTHENTICATION_ERROR.value
        self._channel, answer = accepted
        self._authenticated = challenge.number
        return answer + Status.OK.value

    def _protected(
        self, command: Command, mode: Mode, header_bytes: int, handle: Callable[[bytes], bytes | Status]
    ) -> bytes:
        """Unwrap a command, do it, and wrap the answer; any error ends the session."""
        channel = self._channel
        body: bytes | None = command.data
        if channel is None:
            if mode is Mode.FULL:
                return Status.PERMISSION_DENIED.value
        else:
            body = channel.unwrap(command.ins, command.data, header_bytes, mode)
        result = Status.INTEGRITY_ERROR if body is None else handle(body)
        if isinstance(result, Status):
            self._channel = None
            return result.value
        if channel is not None and self._channel is None:  # the key of this very session was changed
            return Status.OK.value
        if channel is None:
            return result + Status.OK.value
        return channel.wrap_answer(Status.OK.value[1], result, mode) + Status.OK.value

    def _file_command(self, command: Command) -> bytes:
        """Answer ReadData and WriteData: protected as the file is, or in plain where everybody may."""
        number = command.data[0] if command.data else 0
        file = self.files.get(number)
        if file is None:
            return Status.FILE_NOT_FOUND.value
        reads = command.ins == 0xAD
        right = file.settings.rights.read if reads else file.settings.rights.write
        by_key = self._channel is not None and self._authenticated in (right, file.settings.rights.both)
        mode = file.settings.mode if by_key else Mode.PLAIN
        if not self._may(right, file):
            return Status.PERMISSION_DENIED.value

        def handle(body: bytes) -> bytes | Status:
            if len(body) < 7:
                return Status.LENGTH_ERROR
            offset, length = int.from_bytes(body[1:4], "little"), int.from_bytes(body[4:7], "little")
            if offset + length > len(file.content):
                return Status.BOUNDARY_ERROR
            if reads:
                content = self._content(file, number)
                if content is None:
                    return Status.PERMISSION_DENIED
                return content[offset : offset + length] if length else content[offset:]
            if len(body) != 7 + length:
                return Status.LENGTH_ERROR
            file.content[offset : offset + length] = body[7:]
            return b""

        return self._protected(command, mode, 7, handle)

    def _may(self, right: int, file: File) -> bool:
        """Return whether everybody has the right, alone or with another, or the reader showed its key."""
        rights = (right, file.settings.rights.both)
        return FREE in rights or (self._channel is not None and self._authenticated in rights)

    def _get_uid(self, _: bytes) -> bytes | Status:
        return self.uid

    def _get_counter(self, body: bytes) -> bytes | Status:
        file = self.files.get(body[0]) if len(body) == 1 else None
        if file is None or file.settings.sdm is None:
            return Status.PERMISSION_DENIED
        if file.settings.sdm.counter_read not in (FREE, self._authenticated):
            return Status.PERMISSION_DENIED
        return file.counter.to_bytes(3, "little") + bytes(2)

    def _get_key_version(self, body: bytes) -> bytes | Status:
        if len(body) != 1 or body[0] >= KEYS:
            return Status.NO_SUCH_KEY
        return bytes([self._keys[body[0]].version])

    def _get_settings(self, body: bytes) -> bytes | Status:
        file = self.files.get(body[0]) if len(body) == 1 else None
        if file is None:
            return Status.FILE_NOT_FOUND
        text = file.settings.encoded
        return b"\x00" + text[:3] + len(file.content).to_bytes(3, "little") + text[3:]

    def _change_settings(self, body: bytes) -> bytes | Status:
        file = self.files.get(body[0]) if body else None
        if file is None:
            return Status.FILE_NOT_FOUND
        settings = parse_settings(body[1:])
        if settings is None or (settings.sdm is not None and body[0] != NDEF):
            return Status.PARAMETER_ERROR
        if not file.fits(settings, lrp=self.lrp):
            return Status.PARAMETER_ERROR
        if self._authenticated != file.settings.rights.change:
            return Status.PERMISSION_DENIED
        file.settings = settings
        file.counter = 0
        return b""

    def _change_key(self, body: bytes) -> bytes | Status:
        if not body or body[0] >= KEYS:
            return Status.NO_SUCH_KEY
        if self._authenticated != 0:
            return Status.PERMISSION_DENIED
        own = body[0] == 0
        if len(body) != 1 + AES_KEY_BYTES + 1 + (0 if own else 4):
            return Status.LENGTH_ERROR
        value, version = body[1 : 1 + AES_KEY_BYTES], body[1 + AES_KEY_BYTES]
        if not own:
            value = bytes(a ^ b for a, b in zip(value, self._key(body[0]).reveal(), strict=True))
            if jam_crc(value) != body[-4:]:
                return Status.INTEGRITY_ERROR
        self._keys[body[0]] = _Key(Secret(value), version)
        if own:
            self._channel = None
        return b""

    def _set_configuration(self, body: bytes) -> bytes | Status:
        if self._authenticated != 0:
            return Status.PERMISSION_DENIED
        if len(body) != 11 or body[0] != LRP_OPTION or body[5] != 0x02:
            return Status.PARAMETER_ERROR
        self.lrp = True
        return b""

    def _key(self, number: int) -> Secret:
        return self._keys[number].value

    _COMMANDS: ClassVar[dict[int, tuple[Mode, int, Callable[[Tag, bytes], bytes | Status]]]] = {
        0x51: (Mode.FULL, 0, _get_uid),
        0xF6: (Mode.FULL, 1, _get_counter),
        0x64: (Mode.MAC, 1, _get_key_version),
        0xF5: (Mode.MAC, 1, _get_settings),
        0x5F: (Mode.FULL, 1, _change_settings),
        0xC4: (Mode.FULL, 1, _change_key),
        0x5C: (Mode.FULL, 1, _set_configuration),
    }

    def __repr__(self) -> str:
        return f"Tag(uid={self.uid.hex().upper()}, lrp={self.lrp})"


def jam_crc(text: bytes) -> bytes:
    """Return CRC-32 without its last inversion, little-endian: what ChangeKey carries of the new key."""
    return (zlib.crc32(text) ^ 0xFFFFFFFF).to_bytes(4, "little")
