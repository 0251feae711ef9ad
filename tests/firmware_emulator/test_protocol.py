"""The examples and tables of PROTOCOL.md against the code."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from cobs import cobs
from stampbench.firmware_emulator.link.commands import Reset
from stampbench.firmware_emulator.link.messages import (
    NO_COMMAND,
    Answer,
    Capability,
    Status,
    pack_contacts,
)
from stampbench.firmware_emulator.link.packets import PacketType, encode_packet
from stampbench.firmware_emulator.touch import Contact, TouchReport

from stampbench import firmware_emulator

TEXT = (Path(firmware_emulator.__file__).parent / "PROTOCOL.md").read_text(encoding="utf-8")
PLAIN, CODED = (
    [bytes.fromhex(line) for line in re.findall(rf"^{label} +([0-9a-f ]+)$", TEXT, re.MULTILINE)]
    for label in ("before coding", "on the wire")
)


def test_example_packets_are_what_the_code_sends() -> None:
    scan = TouchReport(0, (Contact(3, True, 512, 1024, size_mm=7.25), Contact(4, False, 0, 1919)))
    assert [
        encode_packet(PacketType.CONTACTS, 258, 1_000_000, pack_contacts(scan)),
        encode_packet(PacketType.RESET, 1, 0, Reset().pack()),
        encode_packet(PacketType.ANSWER, 259, 1_000_000, Answer(1, PacketType.RESET, Status.OK).pack()),
    ] == CODED


def test_example_packets_before_coding_belong_to_those_on_the_wire() -> None:
    assert [cobs.encode(plain) + b"\0" for plain in PLAIN] == CODED


def test_example_of_the_crc_is_right() -> None:
    digits, value = re.search(r"CRC of the nine bytes `([0-9 ]+)` is\s+([0-9A-F]{8})", TEXT).groups()  # type: ignore[union-attr]
    assert zlib.crc32(bytes.fromhex(digits)) == int(value, 16)


def test_every_packet_type_has_its_section() -> None:
    sections = {
        int(number, 16): name for number, name in re.findall(r"^### ([0-9a-f]{2}) (.+)$", TEXT, re.MULTILINE)
    }
    assert {number: name.replace(" ", "_").upper() for number, name in sections.items()} == {
        int(kind): kind.name for kind in PacketType
    }


def test_capabilities_are_the_bits_of_the_table() -> None:
    (row,) = re.findall(r"^\| u16 \| capabilities \| (.+) \|$", TEXT, re.MULTILINE)
    bits = [int(item.split()[0], 16) for item in row.split("; ")]
    assert bits == [int(capability) for capability in Capability]


def test_statuses_are_the_numbers_of_the_table() -> None:
    (row,) = re.findall(r"^\| u8 \| status \| (.+) \|$", TEXT, re.MULTILINE)
    told = [item.split(maxsplit=1) for item in row.split(", ")]
    assert {int(number): name.replace(" ", "_").upper() for number, name in told} == {
        int(status): status.name for status in Status
    }


def test_heartbeat_before_the_first_command_says_ffffffff() -> None:
    assert "FFFFFFFF before the first" in TEXT
    assert NO_COMMAND == 0xFFFFFFFF


def test_clauses_are_numbered_without_gap() -> None:
    clauses = re.findall(r"\*\*([A-Z])(\d+)\*\*", TEXT)
    assert {letter for letter, _ in clauses} == set("PSTRC")
    for letter in "PSTRC":
        assert [int(number) for found, number in clauses if found == letter] == list(
            range(1, 1 + sum(found == letter for found, _ in clauses))
        )
