"""The URL that a stamp's tag shows: written as a template, turned into the tag's file, and taken apart again.

A template is the URL with fields in braces::

    https://stamp.example/s?e={picc}&c={mac}                   encrypted UID and counter, MAC of nothing else
    https://stamp.example/s?e={picc}&d={data:16}&c={mac}       and 16 bytes of encrypted file data, covered
    https://stamp.example/s?u={uid}&n={counter}&c={mac}        in plain text

``covered_from`` names the field at which the MAC's input begins, or ``url`` for all after ``https://`` or
``https://www.``, which the tag holds as one byte. Where nothing is named it covers the file data, and nothing
else: encrypted UID and counter prove themselves; data that is not covered could be turned into other data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.nfc.file_settings import FREE, NEVER, FileSettings, Rights, SdmSettings
from stampbench.sim.credentials.nfc.messaging import Mode
from stampbench.sim.credentials.nfc.sdm import COUNTER_BYTES, MAC_BYTES, UID_BYTES, Tap, picc_data_bytes

_FIELD = re.compile(r"\{(uid|counter|picc|data|mac)(?::(\d+))?\}")
_PREFIX = "https://"
_LARGEST_FILE = 256
_CHOICES = ({"picc", "mac"}, {"picc", "data", "mac"}, {"uid", "counter", "mac"})


@dataclass(frozen=True, slots=True)
class SunMessage:
    """What a URL says, as bytes; nothing of it is believed yet.

    Attributes:
        mac: as it stands in the URL.
        covered: the part of the URL that the MAC covers.
        picc: encrypted PICCData, or None if there is a plain ``tap``.
        tap: from the plain mirror.
        data: encrypted file data.
    """

    mac: bytes
    covered: bytes
    picc: bytes | None = None
    tap: Tap | None = None
    data: bytes = b""


class UrlTemplate:
    """A URL with fields.

    Args:
        text: the template.
        covered_from: where the MAC's input begins; None: at the file data, or the MAC where there are none.
        lrp: mode of the tags.

    Raises:
        InputError: the template has not the fields that make a stamp's URL, or file data that no MAC covers.
    """

    def __init__(self, text: str, *, covered_from: str | None = None, lrp: bool = False) -> None:
        names = [match[1] for match in _FIELD.finditer(text)]
        rest = _FIELD.sub("", text)
        if set(names) not in _CHOICES or len(set(names)) != len(names) or {"{", "}"} & set(rest):
            raise InputError(
                f'URL template "{text}": expected {{mac}} with {{picc}}, {{picc}} and {{data:BYTES}}, '
                "or {uid} and {counter}, each once"
            )
        if not text.startswith(_PREFIX) or not rest.isascii():
            raise InputError(f'URL template "{text}": expected ASCII that begins with {_PREFIX}')
        if covered_from is None:
            covered_from = "data" if "data" in names else "mac"
        if covered_from not in (*names, "url"):
            raise InputError(f'covered_from = "{covered_from}": expected one of url, {", ".join(names)}')
        self.text = text
        self.lrp = lrp
        self._widths = {match[1]: self._width(match) for match in _FIELD.finditer(text)}
        pattern = "".join(
            re.escape(part)
            if place % 3 == 0
            else ""
            if place % 3 == 2
            else f"(?P<{part}>[0-9A-F]{{{self._widths[part]}}})"
            for place, part in enumerate(_FIELD.split(text))
        )
        self._pattern = re.compile(pattern)
        blank = cast("re.Match[str]", self._pattern.fullmatch(self.placeholder))
        self._starts = {name: blank.start(name) for name in names} | {"url": len(_abbreviated(text))}
        self._covered_start = self._starts[covered_from]
        if self._covered_start > self._starts["mac"]:
            raise InputError(f'covered_from = "{covered_from}": expected what stands before {{mac}}')
        if self._covered_start > self._starts.get("data", self._covered_start):
            raise InputError(
                f'covered_from = "{covered_from}": expected "data", or what stands before {{data}}'
            )
        self._covered_from = covered_from

    def _width(self, field: re.Match[str]) -> int:
        sizes = {
            "uid": UID_BYTES,
            "counter": COUNTER_BYTES,
            "picc": picc_data_bytes(lrp=self.lrp),
            "mac": MAC_BYTES,
        }
        size = int(field[2]) if field[2] else sizes.get(field[1], 0)
        if (field[1] == "data") is not bool(field[2]) or (field[1] == "data" and (size % 16 or not size)):
            raise InputError(
                f'URL template, field "{field[0]}": expected {{data:BYTES}} with a multiple of 16, '
                "and no number elsewhere"
            )
        return 2 * size

    @property
    def placeholder(self) -> str:
        """The URL as it stands in the file, before the tag writes over it."""
        return _FIELD.sub(lambda match: "0" * self._widths[match[1]], self.text)

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """Where in the URL each field stands: its first character, and the one after its last."""
        return {
            name: (self._starts[name], self._starts[name] + width) for name, width in self._widths.items()
        }

    def file(self, data: bytes = b"") -> bytes:
        """Return the content of the tag's NDEF file: two bytes of length, and one URI record.

        Args:
            data: what the field ``data`` encrypts.

        Raises:
            InputError: data of another length than the field has, or a URL too long for the file.
        """
        import ndef

        wanted = self._widths.get("data", 0) // 2
        if len(data) != wanted:
            raise InputError(f"file data of {len(data)} bytes: expected {wanted}")
        records = [ndef.UriRecord(self.placeholder)]  # type: ignore[no-untyped-call]
        if len(self.placeholder) > _LARGEST_FILE - 8:
            raise InputError(
                f"URL of {len(self.placeholder)} characters: expected at most {_LARGEST_FILE - 8}, "
                "for the tag's file to hold it"
            )
        message = bytearray().join(ndef.message_encoder(records))  # type: ignore[no-untyped-call]
        if data:
            start = len(message) - len(self.placeholder) + self._starts["data"]
            message[start : start + len(data)] = data
        return len(message).to_bytes(2, "big") + bytes(message)

    def settings(
        self, *, meta_read: int, file_read: int, rights: Rights, counter_read: int = NEVER
    ) -> FileSettings:
        """Return settings of the file that make the tag fill in the fields.

        Args:
            meta_read: number of the key for ``picc``.
            file_read: number of the key for ``data`` and ``mac``.
            rights: of the file.
            counter_read: number of the key that may ask for the counter.
        """
        shift = len(self.file(bytes(self._widths.get("data", 0) // 2))) - len(self.placeholder)
        places = {name: start + shift for name, start in self._starts.items()}
        return FileSettings(
            Mode.PLAIN,
            rights,
            SdmSettings(
                meta_read=meta_read if "picc" in places else FREE,
                file_read=file_read,
                counter_read=counter_read,
                uid_offset=places.get("uid"),
                counter_offset=places.get("counter"),
                picc_offset=places.get("picc"),
                mac_input_offset=places[self._covered_from],
                data_offset=places.get("data"),
                data_length=self._widths.get("data"),
                mac_offset=places["mac"],
            ),
        )

    def match(self, url: str) -> SunMessage | None:
        """Take a URL apart; None if it is not one of this template, to the letter."""
        found = self._pattern.fullmatch(url)
        if found is None:
            return None
        values = {name: bytes.fromhex(text) for name, text in found.groupdict().items()}
        tap = None
        if "uid" in values:
            # In plain text the counter's first byte is its highest; in PICCData it is its lowest.
            tap = Tap(values["uid"], int.from_bytes(values["counter"], "big"))
        return SunMessage(
            mac=values["mac"],
            covered=url[self._covered_start : self._starts["mac"]].encode(),
            picc=values.get("picc"),
            tap=tap,
            data=values.get("data", b""),
        )

    def __repr__(self) -> str:
        return f"UrlTemplate({self.text!r}, covered_from={self._covered_from!r}, lrp={self.lrp})"


def _abbreviated(text: str) -> str:
    """Return what a URI record replaces by one byte; the MAC cannot cover it."""
    return next(prefix for prefix in (_PREFIX + "www.", _PREFIX) if text.startswith(prefix))


def url_in(file: bytes) -> str:
    """Return the URL in an NDEF file, as a phone finds it.

    Raises:
        InputError: the file holds no URI record.
    """
    import ndef

    length = int.from_bytes(file[:2], "big")
    try:
        records = list(ndef.message_decoder(file[2 : 2 + length]))  # type: ignore[no-untyped-call]
    except ndef.DecodeError as error:
        raise InputError(f"NDEF file: {error}: expected one URI record") from None
    if len(records) != 1 or not isinstance(records[0], ndef.UriRecord):
        raise InputError(f"NDEF file with {len(records)} records: expected one URI record")
    return str(records[0].iri)
