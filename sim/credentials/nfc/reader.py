"""The other end of the field: the phone that reads a stamp's URL, and the factory that makes the stamp."""

from __future__ import annotations

from collections.abc import Callable

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.sim.credentials.nfc.apdu import ISO, NATIVE, Command, Status
from stampbench.sim.credentials.nfc.authentication import LRP_CAPABILITY, answer_text, challenge_in, conclude
from stampbench.sim.credentials.nfc.diversification import APPLICATION
from stampbench.sim.credentials.nfc.file_settings import FREE, FileSettings, Rights
from stampbench.sim.credentials.nfc.files import NDEF
from stampbench.sim.credentials.nfc.messaging import Channel, Mode
from stampbench.sim.credentials.nfc.tag import KEYS, LRP_OPTION, Random, Tag, jam_crc
from stampbench.sim.credentials.nfc.url import UrlTemplate, url_in
from stampbench.sim.credentials.nfc.verifier import FILE_READ_KEY, META_READ_KEY, TagKeys
from stampbench.sim.credentials.secrets import AES_KEY_BYTES, Secret

_CHUNK = 128
"""Bytes written at once: with padding and MAC they fit into one command."""


class Reader:
    """A reader with one tag in its field.

    Args:
        transceive: sends a command and returns the answer.
        random: of the reader.
        lrp: mode of the tag.
    """

    def __init__(self, transceive: Callable[[bytes], bytes], random: Random, *, lrp: bool = False) -> None:
        self._transceive, self._random, self._lrp = transceive, random, lrp
        self._channel: Channel | None = None

    def read_url(self) -> str:
        """Return the URL, as a phone reads it: select the application and the file, read its length, read it.

        Raises:
            ProtocolError: the tag refuses.
            InputError: the file holds no URI record.
        """
        self._iso(Command(cla=ISO, ins=0xA4, p1=0x04, p2=0x00, data=APPLICATION))
        self._iso(Command(cla=ISO, ins=0xA4, p1=0x00, p2=0x0C, data=b"\xe1\x04", expected=None))
        length = self._iso(Command(cla=ISO, ins=0xB0, p1=0, p2=0, expected=2))
        rest = self._iso(
            Command(cla=ISO, ins=0xB0, p1=0, p2=2, expected=int.from_bytes(length, "big") & 0xFF)
        )
        return url_in(length + rest)

    def authenticate(self, number: int, key: Secret) -> None:
        """Open a session with one of the tag's keys.

        Raises:
            ProtocolError: reader and tag do not have the same key, or not the same mode.
        """
        capabilities = b"\x06" + LRP_CAPABILITY if self._lrp else b"\x00"
        text = self._plain(0x71, bytes([number]) + capabilities, Status.MORE)
        self._channel = self._agree(key, text, None)

    def carry(self, number: int, command_of: Callable[[bytes], bytes]) -> bytes:
        """Carry an authentication between the tag and a server, which alone has the key.

        Args:
            number: of the key.
            command_of: asks the server for its command, by the tag's first answer.

        Returns:
            The tag's proof, for the server.

        Raises:
            ProtocolError: the tag refuses.
        """
        first = self._plain(0x71, bytes([number, 0]), Status.MORE)
        return self._plain(0xAF, command_of(first), Status.OK)

    def authenticate_again(self, number: int, key: Secret) -> None:
        """Go on in the session with another key.

        Raises:
            ProtocolError: as :meth:`authenticate`, or there is no session.
        """
        text = self._plain(0x77, bytes([number]), Status.MORE)
        self._channel = self._agree(key, text, self._channel)

    def _agree(self, key: Secret, text: bytes, before: Channel | None) -> Channel:
        rnd_a = self._random.bytes(16)
        rnd_b = challenge_in(key, text, lrp=self._lrp)
        if rnd_b is None:
            raise ProtocolError(f"tag: challenge of {len(text)} bytes: expected {16 + self._lrp}")
        answer = self._plain(0xAF, answer_text(key, rnd_a, rnd_b, lrp=self._lrp), Status.OK)
        channel = conclude(key, rnd_a, rnd_b, answer, before, lrp=self._lrp)
        if channel is None:
            raise ProtocolError("tag: its proof is wrong: expected a tag that knows the key")
        return channel

    def uid(self) -> bytes:
        """Return the tag's UID."""
        return self.command(0x51, b"", b"", Mode.FULL)

    def counter(self, file: int = NDEF) -> int:
        """Return taps so far."""
        return int.from_bytes(self.command(0xF6, bytes([file]), b"", Mode.FULL)[:3], "little")

    def key_version(self, number: int) -> int:
        """Return the version of one of the keys."""
        return self.command(0x64, bytes([number]), b"", Mode.MAC)[0]

    def settings_text(self, file: int = NDEF) -> bytes:
        """Return settings of a file, as the tag says them."""
        return self.command(0xF5, bytes([file]), b"", Mode.MAC)

    def change_settings(self, settings: FileSettings, file: int = NDEF) -> None:
        """Give a file other settings."""
        self.command(0x5F, bytes([file]), settings.encoded, Mode.FULL)

    def change_key(self, number: int, new: Secret, old: Secret, version: int = 1) -> None:
        """Give the tag another key; changing key 0 ends the session."""
        if number == 0:
            data = new.reveal() + bytes([version])
        else:
            changed = bytes(a ^ b for a, b in zip(new.reveal(), old.reveal(), strict=True))
            data = changed + bytes([version]) + jam_crc(new.reveal())
        self.command(0xC4, bytes([number]), data, Mode.FULL)

    def write(self, content: bytes, file: int = NDEF, mode: Mode = Mode.PLAIN) -> None:
        """Write a file from its start."""
        for start in range(0, len(content), _CHUNK):
            part = content[start : start + _CHUNK]
            header = bytes([file]) + start.to_bytes(3, "little") + len(part).to_bytes(3, "little")
            self.command(0x8D, header, part, mode)

    def read(self, file: int, offset: int, length: int, mode: Mode) -> bytes:
        """Read a part of a file."""
        header = bytes([file]) + offset.to_bytes(3, "little") + length.to_bytes(3, "little")
        return self.command(0xAD, header, b"", mode)

    def set_lrp(self) -> None:
        """Turn the tag to LRP mode, for good; this ends the session in AES mode."""
        self.command(0x5C, bytes([LRP_OPTION]), bytes(4) + b"\x02" + bytes(5), Mode.FULL)
        self._lrp, self._channel = True, None

    def command(self, ins: int, header: bytes, data: bytes, mode: Mode) -> bytes:
        """Return one command of the chip's own, in the session if there is one.

        Raises:
            ProtocolError: the tag refuses, or its answer is not what it sent.
        """
        channel = self._channel
        if channel is None:
            return self._plain(ins, header + data, Status.OK)
        answer = self._plain(ins, channel.wrap(ins, header, data, mode), Status.OK)
        if ins == 0xC4 and header == b"\x00":
            self._channel = None
            return b""
        opened = channel.unwrap_answer(Status.OK.value[1], answer, mode)
        if opened is None:
            raise ProtocolError(f"tag: wrong MAC of the answer to {ins:02X}: expected that of this session")
        return opened

    def _plain(self, ins: int, data: bytes, expected: Status) -> bytes:
        return self._exchange(Command(cla=NATIVE, ins=ins, data=data), expected)

    def _iso(self, command: Command) -> bytes:
        return self._exchange(command, Status.ISO_OK)

    def _exchange(self, command: Command, expected: Status) -> bytes:
        answer = self._transceive(command.encoded)
        if answer[-2:] != expected.value:
            texts = {status.value: status.text for status in Status}
            said = texts.get(answer[-2:], answer[-2:].hex().upper())
            raise ProtocolError(f"tag: command {command.ins:02X} answered {said}: expected {expected.text}")
        return answer[:-2]


def personalise(
    tag: Tag,
    keys: TagKeys,
    template: UrlTemplate,
    random: Random,
    data: bytes = b"",
    counter_read: int = FREE,
) -> None:
    """Make a stamp's tag of a new one: mode, URL, mirroring, and five keys of its own.

    Args:
        tag: as delivered.
        keys: of the issuer.
        template: of the URL.
        random: of the factory's reader.
        data: what the field ``data`` of the URL encrypts.
        counter_read: who may ask for the counter.

    Raises:
        ProtocolError: the tag is not new.
    """
    factory = Secret(bytes(AES_KEY_BYTES))
    reader = Reader(tag.transceive, random)
    reader.authenticate(0, factory)
    if template.lrp:
        reader.set_lrp()
        reader.authenticate(0, factory)
    reader.write(template.file(data))
    settings = template.settings(
        meta_read=META_READ_KEY,
        file_read=FILE_READ_KEY,
        rights=Rights(read=FREE, write=0, both=0, change=0),
        counter_read=counter_read,
    )
    reader.change_settings(settings)
    reader.change_key(META_READ_KEY, keys.meta_read, factory)
    for number in range(FILE_READ_KEY, KEYS):
        reader.change_key(number, keys.of(tag.uid, number), factory)
    reader.change_key(0, keys.of(tag.uid, 0), factory)
