"""The firmware reference in C against the Python that the host runs: the same bytes for every message."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.link.commands import PressCommand, Stream, WireKeyframe, unpack_command
from stampbench.firmware_emulator.link.messages import (
    Answer,
    Capability,
    Heartbeat,
    Identity,
    PressDone,
    Status,
    pack_contacts,
    pack_frame,
)
from stampbench.firmware_emulator.link.packets import (
    MAX_BODY_BYTES,
    Packet,
    PacketParser,
    PacketType,
    encode_packet,
)
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

from stampbench import firmware_emulator

SOURCES = Path(firmware_emulator.__file__).parent / "reference_c"
DRIVER = Path(__file__).parent / "driver.c"
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
WARNINGS_OF_DRIVER = ("-Wall", "-Wextra", "-Werror", "-pedantic")
WARNINGS = (*WARNINGS_OF_DRIVER, "-Wconversion", "-Wshadow")
ROOMY = 1 << 20

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler: cc, gcc or clang")

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


class Case(NamedTuple):
    """A line for the driver, and what it must answer."""

    line: str
    wire: bytes


def case(kind: str, sequence: int, t_us: int, packet: bytes, *fields: object) -> Case:
    return Case(" ".join(map(str, (kind, ROOMY, sequence, t_us, *fields))), packet)


def spelled(data: bytes) -> str:
    return f"{len(data)} {data.hex()}"


def contact_fields(contacts: Iterable[Contact]) -> list[int]:
    contacts = tuple(contacts)
    fields = [
        (c.id, int(c.tip), c.x, c.y, 0 if c.size_mm is None else round(100 * c.size_mm), int(c.cancelled))
        for c in contacts
    ]
    return [len(contacts), *(value for contact in fields for value in contact)]


@st.composite
def identity_cases(draw: st.DrawFn) -> Case:
    sequence, t_us = draw(U32), draw(U32)
    texts = [draw(TEXT) for _ in range(4)]
    numbers = [draw(numbers) for numbers in (U8, U16, U16, U32, U32, U32, U8, U8)]
    capabilities = draw(st.integers(0, 63).map(Capability))
    identity = Identity(*texts, *numbers, capabilities)  # type: ignore[arg-type]
    limit, *others = numbers
    spelled_texts = [spelled(text.encode()) for text in texts]
    packet = encode_packet(PacketType.IDENTITY, sequence, t_us, identity.pack())
    return case("i", sequence, t_us, packet, limit, int(capabilities), *others, *spelled_texts)


@st.composite
def message_cases(draw: st.DrawFn) -> Case:
    sequence, t_us, a, b, c, d, e = (draw(U32) for _ in range(7))
    flag, kind, status, text = draw(st.booleans()), draw(U8), draw(st.sampled_from(Status)), draw(TEXT)
    letter, fields, message = draw(
        st.sampled_from(
            [
                ("h", (a, b, c, d, e, int(flag)), Heartbeat(a, b, c, d, e, flag)),
                ("a", (a, kind, int(status), spelled(text.encode())), Answer(a, kind, status, text)),
                ("d", (a, int(flag), b, c), PressDone(a, flag, b, c)),
            ]
        )
    )
    return case(letter, sequence, t_us, encode_packet(message.kind, sequence, t_us, message.pack()), *fields)


SIZES = st.none() | st.integers(1, 65535).map(lambda size: size / 100)
CONTACTS = st.builds(Contact, U8, st.booleans(), U16, U16, st.none(), st.none(), SIZES, st.booleans()).map(
    lambda contact: contact._replace(cancelled=contact.cancelled and not contact.tip)
)


@st.composite
def contacts_cases(draw: st.DrawFn) -> Case:
    sequence, t_us = draw(U32), draw(U32)
    contacts = draw(st.lists(CONTACTS, max_size=12, unique_by=lambda contact: contact.id))
    payload = pack_contacts(TouchReport(0, tuple(contacts)))
    packet = encode_packet(PacketType.CONTACTS, sequence, t_us, payload)
    return case("c", sequence, t_us, packet, *contact_fields(contacts))


@st.composite
def hid_cases(draw: st.DrawFn) -> Case:
    t_us = draw(U32)
    per_packet = draw(st.integers(1, 6))
    digitizer = HidDigitizer(per_packet, 12, 0x7FFF, 0x4000, 100.0, 50.0)
    contact = st.builds(
        Contact, U8, st.booleans(), st.integers(0, 0x7FFF), st.integers(0, 0x4000), *[st.none()] * 3
    )
    contacts = draw(st.lists(contact, max_size=12))
    reports = b"".join(digitizer.encode(TouchReport(t_us, tuple(contacts))))
    return case("r", 0, t_us, reports, per_packet, 0x7FFF, 0x4000, *contact_fields(contacts))


@st.composite
def frame_cases(draw: st.DrawFn) -> Case:
    sequence, t_us, rows, columns = draw(U32), draw(U32), draw(st.integers(0, 30)), draw(st.integers(0, 20))
    rng = np.random.default_rng(draw(U32))
    deltas = rng.integers(-32768, 32768, (rows, columns)) * rng.integers(0, 2, (rows, columns))
    packet = encode_packet(
        PacketType.RAW_FRAME, sequence, t_us, pack_frame(Frame(0, deltas.astype(np.int16)))
    )
    return case("f", sequence, t_us, packet, rows, columns, *(deltas.ravel() + 32768))


@st.composite
def payload_cases(draw: st.DrawFn) -> Case:
    """Payloads whose zeros lie where COBS groups end, and such that hold none."""
    sequence = draw(U32)
    runs = draw(st.lists(st.integers(0, 2) | st.integers(230, 260) | st.integers(500, 515), max_size=4))
    payload = b"\0".join(b"\x07" * run for run in runs)
    packet = encode_packet(PacketType.HID_REPORT, sequence, 0, payload)
    return case("p", sequence, 0, packet, int(PacketType.HID_REPORT), spelled(payload))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert COMPILER is not None
    program = tmp_path_factory.mktemp("reference_c") / "driver"
    objects = []
    for source in (*SOURCES.glob("*.c"), DRIVER):
        objects.append(program.with_name(source.stem + ".o"))
        strict = WARNINGS if source != DRIVER else WARNINGS_OF_DRIVER
        subprocess.run(
            [COMPILER, "-std=c99", *strict, f"-I{SOURCES}", "-c", source, "-o", objects[-1]], check=True
        )
    subprocess.run([COMPILER, *objects, "-o", program], check=True)
    return program


def answers(driver: Path, lines: Iterable[str]) -> list[bytes]:
    done = subprocess.run([driver], input="\n".join(lines), capture_output=True, text=True, check=True)
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


@settings(max_examples=30, deadline=None)
@given(
    cases=st.lists(
        identity_cases() | message_cases() | contacts_cases() | hid_cases() | frame_cases() | payload_cases(),
        max_size=40,
    )
)
def test_bytes_are_those_that_the_host_makes(driver: Path, cases: list[Case]) -> None:
    assert answers(driver, [case.line for case in cases]) == [case.wire for case in cases]


def test_packet_that_does_not_fit_is_not_made(driver: Path) -> None:
    wire = encode_packet(PacketType.HID_REPORT, 1, 2, bytes(range(200)))
    payload = spelled(bytes(range(200)))
    rooms = range(len(wire) + 2)
    lines = [f"p {room} 1 2 {int(PacketType.HID_REPORT)} {payload}" for room in rooms]
    assert answers(driver, lines) == [wire if room >= len(wire) else b"" for room in rooms]


def test_longest_packet_fits_and_a_longer_one_is_refused(driver: Path) -> None:
    longest = b"\x01" * (MAX_BODY_BYTES - 14)
    lines = [
        f"p {ROOMY} 1 2 {int(PacketType.HID_REPORT)} {spelled(data)}" for data in (longest, longest + b"\1")
    ]
    assert answers(driver, lines) == [encode_packet(PacketType.HID_REPORT, 1, 2, longest), b""]


def test_values_beyond_their_field_are_refused(driver: Path) -> None:
    long_text = spelled(b"x" * 256)
    coordinate_too_large = "2 100 100 1 0 1 101 50 0 0"
    lines = [
        f"i {ROOMY} 0 0 1 0 1 1 1 1 1 0 0 {long_text} 0 0 0",
        f"r {ROOMY} 0 0 {coordinate_too_large}",
        f"r {ROOMY} 0 0 0 100 100 0",
        f"c {ROOMY} 0 0 1 1 1 5 5 0 1",
        f"c {ROOMY} 0 0 2 1 1 5 5 0 0 1 1 6 6 0 0",
    ]
    assert answers(driver, lines) == [b""] * 5


def test_hid_descriptor_is_that_of_the_emulated_digitizer(driver: Path) -> None:
    for per_packet, limit in ((1, 1), (5, 10), (10, 64)):
        right = HidDigitizer(per_packet, limit, 1079, 1919, 61.6, 109.6).descriptor()
        lines = [
            f"D {room} 0 0 {per_packet} {limit} 1079 1919 6160 10960 0"
            for room in (len(right), len(right) - 1)
        ]
        assert answers(driver, lines) == [right, b""]


def test_scan_time_goes_on_where_the_clock_wraps(driver: Path) -> None:
    moments = [(1 << 32) - 150, 50, 150]  # modulo 2^32, 200 and 100 us later
    (line,) = answers(driver, [f"D 0 0 0 1 1 1 1 1 1 3 {' '.join(map(str, moments))}"])
    ticks = [int.from_bytes(line[i : i + 2], "big") for i in (0, 2, 4)]
    assert ticks[0] == (((1 << 32) - 150) // 100) & 0xFFFF
    assert [later - ticks[0] & 0xFFFF for later in ticks] == [0, 2, 3]


KEYFRAMES = st.builds(
    WireKeyframe,
    U32,
    *[st.integers(-(1 << 31), (1 << 31) - 1)] * 3,
    *[st.integers(0, 1000)] * 2,
    *[st.integers(-(1 << 31), (1 << 31) - 1)] * 2,
)
PRESSES = st.builds(
    PressCommand,
    st.integers(0, (1 << 64) - 1),
    TEXT,
    st.lists(KEYFRAMES, min_size=1, max_size=4, unique_by=lambda keyframe: keyframe.t_us).map(
        lambda keyframes: tuple(sorted(keyframes, key=lambda keyframe: keyframe.t_us))
    ),
)
PAYLOADS = (
    st.tuples(st.sampled_from([PacketType.IDENTIFY, PacketType.RESET, 0x5A]), st.binary(max_size=1))
    | st.tuples(st.just(PacketType.STREAM), st.binary(max_size=2))
    | PRESSES.map(lambda press: (PacketType.PRESS, press.pack()))
    | st.tuples(st.just(PacketType.PRESS), st.binary(max_size=60))
    | st.tuples(st.just(PacketType.CONFIGURE), st.binary(min_size=240, max_size=270))
)
DAMAGE = st.sampled_from(["none"] * 4 + ["flip", "cut", "insert", "twice", "zeros"])


def damaged(draw: st.DrawFn, packet: bytes, damage: str) -> bytes:
    place = draw(st.integers(0, len(packet) - 2))
    return {
        "none": packet,
        "flip": packet[:place] + bytes([packet[place] ^ draw(st.integers(1, 255))]) + packet[place + 1 :],
        "cut": packet[:place] + b"\0",
        "insert": packet[:place] + bytes([draw(U8)]) + packet[place:],
        "twice": packet + packet,
        "zeros": b"\0\0" + packet + b"\0",
    }[damage]


@st.composite
def streams_of_commands(draw: st.DrawFn) -> bytes:
    stream = b"\0"
    for sequence, (kind, payload) in enumerate(draw(st.lists(PAYLOADS, max_size=8))):
        packet = encode_packet(kind, sequence, 0, payload)
        stream += damaged(draw, packet, draw(DAMAGE))
    return stream


def as_driver_says(packet: Packet) -> str:
    said = f"{packet.type} {packet.sequence} {packet.payload.hex()}"
    if packet.type not in set(PacketType) - {PacketType.CONFIGURE}:
        return said
    try:
        command = unpack_command(packet.type, packet.payload)
    except ProtocolError as error:
        return said if "UTF-8" in str(error) else f"{said} bad"
    match command:
        case Stream(streams):
            return f"{said} {int(streams)}"
        case PressCommand(seed, name, keyframes):
            values = [value for keyframe in keyframes for value in keyframe.values()]
            return " ".join(
                [said, str(seed >> 32), str(seed & 0xFFFFFFFF), name.encode().hex(), *map(str, values)]
            )
    return f"{said} ok"


@settings(max_examples=60, deadline=None)
@given(stream=streams_of_commands())
def test_commands_are_those_that_the_host_sent(driver: Path, stream: bytes) -> None:
    parser = PacketParser()
    expected = [as_driver_says(packet) for packet in parser.feed(stream)]
    line = f"H {ROOMY} 0 0 {spelled(stream)}"
    done = subprocess.run([driver], input=line, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*expected, f"errors {parser.counters.damaged}"]


def heard(driver: Path, stream: bytes, room: int = ROOMY) -> list[str]:
    line = f"H {room} 0 0 {spelled(stream)}"
    done = subprocess.run([driver], input=line, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_command_that_does_not_fit_the_receiver_can_be_answered_and_the_next_one_is_heard(
    driver: Path,
) -> None:
    long, short = (encode_packet(PacketType.CONFIGURE, i, 0, b"{}" * n) for i, n in enumerate((60, 1)))
    kind = int(PacketType.CONFIGURE)
    said = heard(driver, b"\0" + long + short, 16)
    assert said == [f"long {kind} 0 ", f"{kind} 1 {b'{}'.hex()}", "errors 0"]


def test_a_duplicate_is_known_among_the_last_64_packets(driver: Path) -> None:
    packets = [encode_packet(PacketType.RESET, sequence, 0, b"") for sequence in range(70)]
    again = b"".join(packets[:64]) + packets[0] + packets[63] + b"".join(packets[64:]) + packets[0]
    numbers = [line.split()[1] for line in heard(driver, b"\0" + again)[:-1]]
    assert numbers == [*map(str, range(70)), "0"]


def test_files_name_their_licence_and_version() -> None:
    for source in SOURCES.rglob("*.[ch]"):
        assert source.read_text(encoding="ascii").startswith("/* SPDX-License-Identifier: Apache-2.0 */")
    assert '#define SB_LIBRARY_VERSION "1.1.' in (SOURCES / "stampbench.h").read_text(encoding="ascii")


def test_header_names_the_sizes_and_types_of_the_protocol() -> None:
    header = (SOURCES / "stampbench.h").read_text(encoding="ascii")
    assert f"#define SB_MAX_BODY {MAX_BODY_BYTES}u" in header
    for kind in PacketType:
        assert f"SB_{kind.name} = 0x{kind:02X}" in header


def test_crc_table_is_that_of_crc_32() -> None:
    source = (SOURCES / "stampbench_link.c").read_text(encoding="ascii")
    for nibble in range(16):
        assert f"0x{_crc_of_nibble(nibble):08X}u" in source
    assert zlib.crc32(b"123456789") == 0xCBF43926


def _crc_of_nibble(nibble: int) -> int:
    for _ in range(4):
        nibble = nibble >> 1 ^ (0xEDB88320 if nibble & 1 else 0)
    return nibble
