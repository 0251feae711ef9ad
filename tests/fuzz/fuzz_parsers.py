"""Feeds mutated inputs to every parser: ``python tests/fuzz/fuzz_parsers.py --count 1000000``.

Every input must be read, or refused with one of our errors in one line, within LONGEST_S of processor time
and MEMORY_MB of memory. The first that is not is kept in a file, and the script ends with status 1. Runs with
one seed are the same.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cobs import cobs
from stampbench.bench.plans.plan import Plan
from stampbench.bench.sources.recording import RecordingLines
from stampbench.bench.sources.recording_formats import known_formats
from stampbench.firmware_emulator.errors import StampbenchError
from stampbench.firmware_emulator.formats import microtouch_px, muca, penmount, printed
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
from stampbench.firmware_emulator.link.commands import (
    Configure,
    PressCommand,
    Stream,
    Streams,
    WireKeyframe,
    unpack_command,
)
from stampbench.firmware_emulator.link.faults import Faults
from stampbench.firmware_emulator.link.messages import (
    Answer,
    ContactReader,
    Heartbeat,
    Identity,
    PressDone,
    Status,
    pack_contacts,
    pack_frame,
    unpack_frame,
)
from stampbench.firmware_emulator.link.packets import Packet, PacketParser, PacketSender, PacketType
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

LONGEST_S = 1.0
MEMORY_MB = 256
PANEL = HidDigitizer(2, 10, 1079, 1919, 61.6, 109.6)
DESCRIPTOR = PANEL.descriptor()
SCREEN = touch_screen(parse_descriptor(DESCRIPTOR))
REPORTS = [
    TouchReport(scan * 10_000, tuple(Contact(n, True, 50 * n, 60 * n + scan) for n in range(scan + 1)))
    for scan in range(4)
]
PACKETS = [packet for report in REPORTS for packet in PANEL.encode(report)]
FRAME = Frame(0, np.arange(252, dtype=np.int16).reshape(21, 12))
IDENTITY = Identity("SN-1", "nexus-5", "fw", "1", 10, 1080, 1920, 61_600, 109_600, 10_000, 21, 12)
MESSAGES: list[tuple[int, bytes]] = [
    *(
        (message.kind, message.pack())
        for message in (
            IDENTITY,
            Heartbeat(1, 2, 0, 0, 7, pressing=True),
            Answer(1, PacketType.PRESS, Status.BAD_ARGUMENT, "no such object"),
            PressDone(1, aborted=False, reports=4),
            Configure('{"noise": 1.5}'),
            Stream(Streams.CONTACTS | Streams.RAW_FRAMES),
            PressCommand(
                7, "finger", tuple(WireKeyframe(t, 30_000, 40_000, 0, 500, 1000, 0, 0) for t in (0, 9))
            ),
        )
    ),
    *((int(PacketType.CONTACTS), pack_contacts(report)) for report in REPORTS),
    (int(PacketType.RAW_FRAME), pack_frame(FRAME)),
]
PLAN = """[plan]
name = "demo"
family = "p5-60k"
seed = 4
profiles = ["nexus-5", "elan-11"]
[condition]
noise = 1.0
[decoder]
sigma_mm = 0.2
[[cases]]
name = "held"
kind = "genuine"
presses = 3
handling = { grip = [0.9, 1.0] }
[[cases]]
name = "others"
kind = "foreign"
stamps = ["coin", "fingers/5"]
presses = 2
[[limits]]
measurement = "frr"
max = 0.02
confident = true
"""
FAULTS = "flip_byte = 0.01\nstall = 0.1\nstall_ms = 200.0\nclock_drift_ppm = -50.0\nhalf_rate = true\n"
RECORDINGS = {
    "hid-recorder": f"R: {len(DESCRIPTOR)} {DESCRIPTOR.hex(' ')}\nN: Panel\nI: 3 1234 5678\n# steps\n"
    + "".join(f"E: 0.0{n}0000 {len(packet)} {packet.hex(' ')}\n" for n, packet in enumerate(PACKETS)),
    "evemu": "# EVEMU 1.3\nN: Panel\nA: 2f 0 9 0 0 0\nA: 35 0 1000 0 0 10\nA: 36 0 500 0 0 10\n"
    + "".join(
        f"E: 0.{n}00001 0003 002f {n}\nE: 0.{n}00001 0003 0039 {n + 7}\nE: 0.{n}00001 0003 0035 30{n}\n"
        f"E: 0.{n}00001 0003 0036 20{n}\n"
        f"E: 0.{n}00001 0000 0000 0\t# ------------ SYN_REPORT (0) ----------\n"
        for n in range(4)
    ),
    "capture": '{"format":"stampbench-capture","version":1,"device":"rig","x_max":1079,"width_mm":61.6}\n'
    '{"t_us":1,"contacts":[{"id":1,"tip":true,"x":1,"y":2,"x_mm":1.5,"y_mm":2.5}]}\n'
    '{"t_us":2,"deltas":[[1,-2],[3,4]]}\n{"t_us":3,"contacts":[{"id":1,"tip":false,"x":1,"y":2}]}\n',
    "libinput": "# libinput record\nversion: 1\ndevices:\n- node: /dev/input/event9\n  evdev:\n"
    '    name: "Panel"\n    absinfo:\n      53: [0, 1000, 0, 0, 10]\n      54: [0, 500, 0, 0, 10]\n'
    "  events:\n"
    "  - evdev:\n    - [  0,      0,   3,  57,       4]\n    - [  0,      0,   3,  53,     300]\n"
    "    - [  0,      0,   0,   0,       0] # ------------ SYN_REPORT (0) ---------- +0ms\n",
    "evtest": 'Input device name: "Panel"\n  Event type 3 (EV_ABS)\n    Event code 53 (ABS_MT_POSITION_X)\n'
    "      Min        0\n      Max     1000\n      Resolution      10\n"
    "Event: time 1.000000, type 3 (EV_ABS), code 57 (ABS_MT_TRACKING_ID), value 7\n"
    "Event: time 1.000000, type 3 (EV_ABS), code 53 (ABS_MT_POSITION_X), value 300\n"
    "Event: time 1.000000, -------------- SYN_REPORT ------------\n",
    "getevent": 'add device 1: /dev/input/event7\n  name:     "touch_dev"\n'
    "    ABS (0003): ABS_MT_POSITION_X     : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 18\n"
    "[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_TRACKING_ID   0000002d\n"
    "[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_POSITION_X    000001d2\n"
    "[   34562.123456] /dev/input/event7: EV_SYN       SYN_REPORT           00000000\n",
}
FILES = Path(__file__).parents[2] / "fixtures" / "recordings"
FRAME_FILES = {
    "mxt-app": ("mxt-debug-dump.csv",),
    "iptsd": ("iptsd-dump.bin", "iptsd-dump-2.bin"),
    "v4l2-touch": ("v4l2-touch-td16.hdr", "v4l2-touch-tu08.raw"),
    "muca": ("frames-10x8.csv",),
    "printed-touches": ("muca-touchpoints.txt", "ft5x06-points.txt"),
}
"""Files of formats that are too long to stand here, by the format's name."""
TOKENS = [
    *(
        b"\n",
        b" ",
        b"\x00",
        b"\xff",
        b"-",
        b"0",
        b"ffffffff",
        b"9" * 30,
        b"1e999",
        b"[",
        b"]",
        b"{",
        b'"',
        b":",
    ),
    *(b"E: ", b"R: ", b"D: 1\n", b"27 ff ff ff 7f ", b"95 ff 75 20 ", b"a1 01 ", b"c0 ", b"\x95\xff\x75\x20"),
    *(b"\x2a\xff\xff", b"\xa1\x02", b"\xc0", b"\xa4", b"\x19\x00\x2a\xff\xff\x81\x02"),
    *(b"|", b",", b"\r\n", b" = ", b"true", b"nan", b"[[cases]]\n", b"\xf0", b"\x70\x70", b"\xff" * 255),
]


def mutate(sample: bytes, rng: random.Random) -> bytes:
    """A sample with one to twenty changes: bytes, bits, tokens, cuts and repetitions."""
    data = bytearray(sample)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes((rng.randrange(256),))
            case 1 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                data[at:at] = rng.choice(TOKENS)
            case 3:
                del data[at : at + rng.randrange(1, 30)]
            case 4:
                data[at:at] = data[at : at + rng.randrange(1, 200)]
            case 5 if rng.random() < 0.2:
                del data[at:]
    return bytes(data)


def npy() -> bytes:
    """A small array as NumPy writes it."""
    file = io.BytesIO()
    np.save(file, np.arange(240, dtype=np.int16).reshape(3, 10, 8))
    return file.getvalue()


def read_recording(format_name: str) -> Callable[[bytes, random.Random], None]:
    """Reads an input as one format, whatever its beginning says."""
    (recording_format,) = (known for known in known_formats()[0] if known.name == format_name)

    def read(data: bytes, rng: random.Random) -> None:
        recording_format.recognises(data)
        lines = RecordingLines("input", io.BufferedReader(io.BytesIO(data)), (10, 8))
        for _ in recording_format.read(lines):
            pass

    return read


def read_descriptor(data: bytes, rng: random.Random) -> None:
    """Reads a report descriptor, and packets by it."""
    decoder = HidTouchDecoder(touch_screen(parse_descriptor(data)))
    for packet in PACKETS:
        decoder.feed(0, packet)
    decoder.flush()


def read_hid_reports(data: bytes, rng: random.Random) -> None:
    """Reads packets of a touchscreen."""
    decoder = HidTouchDecoder(SCREEN)
    for number, piece in enumerate(chunks(data, rng)):
        decoder.feed(number * 10_000, piece)
    decoder.flush()


def read_link(data: bytes, rng: random.Random) -> None:
    """Reads a stream of packets, and what they carry."""
    parser = PacketParser()
    for piece in chunks(data, rng):
        for packet in parser.feed(piece):
            read_payload(packet)


def read_messages(data: bytes, rng: random.Random) -> None:
    """Reads a packet that came whole, whatever it is: the first byte is its type."""
    body = b"\x01" + data + bytes(max(0, 9 - len(data)))
    body += zlib.crc32(body).to_bytes(4, "little")
    for packet in PacketParser().feed(b"\0" + cobs.encode(body) + b"\0"):  # type: ignore[no-untyped-call]
        read_payload(packet)


READERS: dict[int, Callable[[bytes], object]] = {
    PacketType.IDENTITY: Identity.unpack,
    PacketType.HEARTBEAT: Heartbeat.unpack,
    PacketType.ANSWER: Answer.unpack,
    PacketType.PRESS_DONE: PressDone.unpack,
    PacketType.CONTACTS: lambda payload: ContactReader(IDENTITY).report(0, payload),
    PacketType.RAW_FRAME: lambda payload: unpack_frame(0, payload),
}


def read_payload(packet: Packet) -> None:
    """Reads what one packet carries."""
    if packet.type in READERS:
        READERS[packet.type](packet.payload)
    else:
        unpack_command(packet.type, packet.payload)


def read_stream(new_parser: Callable[[], object]) -> Callable[[bytes, random.Random], None]:
    """Reads the bytes of other hardware as they come from a port, with pauses."""

    def read(data: bytes, rng: random.Random) -> None:
        parser, t_us = new_parser(), 0
        for piece in chunks(data, rng):
            t_us += rng.choice((0, 1000, 10_000))
            parser.feed(piece, t_us)  # type: ignore[attr-defined]

    return read


def read_plan(data: bytes, rng: random.Random) -> None:
    """Reads a plan."""
    with suppress(UnicodeDecodeError):  # what is no text is refused where the file is opened
        Plan.parse(data.decode(), Path("plan.toml"))


def read_faults(data: bytes, rng: random.Random) -> None:
    """Reads a file of faults."""
    with suppress(UnicodeDecodeError):
        Faults.parse(data.decode(), "faults.toml")


def chunks(data: bytes, rng: random.Random) -> list[bytes]:
    """The data in up to five pieces, one after the other."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))
    return [data[first:last] for first, last in zip((0, *cuts), (*cuts, len(data)), strict=True)]


@dataclass(slots=True)
class Target:
    """One parser: valid inputs, and what reads them."""

    name: str
    samples: list[bytes]
    read: Callable[[bytes, random.Random], None]
    refused: int = 0
    longest_s: float = 0.0


def targets() -> list[Target]:
    """All parsers."""
    sender = PacketSender()
    stream = b"".join(sender.encode(kind, 1000 * n, payload) for n, (kind, payload) in enumerate(MESSAGES))
    whole = [bytes((kind,)) + bytes(8) + payload for kind, payload in MESSAGES]
    touches = b"".join(muca.encode_touches(report) for report in REPORTS)
    return [
        *(Target(name, [text.encode()], read_recording(name)) for name, text in RECORDINGS.items()),
        *(
            Target(f"{name} file", [(FILES / file).read_bytes() for file in files], read_recording(name))
            for name, files in FRAME_FILES.items()
        ),
        Target("npy file", [npy()], read_recording("npy")),
        Target("hid-descriptor", [DESCRIPTOR], read_descriptor),
        Target("hid-report", [b"".join(PACKETS), PACKETS[0]], read_hid_reports),
        Target("link", [stream], read_link),
        Target("messages", whole, read_messages),
        Target("muca", [2 * muca.encode_text(FRAME)], read_stream(muca.MucaTextParser)),
        Target("muca-bytes", [2 * muca.encode_bytes(FRAME)], read_stream(muca.MucaByteParser)),
        Target("muca-touches", [touches], read_stream(muca.MucaTouchParser)),
        Target("3m-px", [b"".join(map(microtouch_px.encode, REPORTS))], read_stream(microtouch_px.PxParser)),
        Target("penmount", [b"".join(map(penmount.encode, REPORTS))], read_stream(penmount.PenMountParser)),
        Target(
            "penmount-3000",
            [b"".join(penmount.encode(report, penmount.PM_3000) for report in REPORTS[:2])],
            read_stream(lambda: penmount.PenMountParser(penmount.PM_3000)),
        ),
        Target(
            "printed-touches", [b"".join(map(printed.encode, REPORTS))], read_stream(printed.PrintedParser)
        ),
        Target("plan", [PLAN.encode()], read_plan),
        Target("faults", [FAULTS.encode()], read_faults),
    ]


class FuzzError(Exception):
    """A parser did what it must not; the message says where the input is kept."""


def fuzz(target: Target, count: int, seed: int, keep_in: Path) -> None:
    """Feed one parser so many inputs.

    Raises:
        FuzzError: one of them was neither read nor refused as it should.
    """
    rng = random.Random(f"{seed} {target.name}")
    with contextlib.suppress(Exception):  # what it raises is found below, if a sample is one that it refuses
        target.read(target.samples[0], rng)  # compiles what is compiled at first use
    for number in range(count):
        data = mutate(rng.choice(target.samples), rng)
        fault = None
        start_s = time.process_time()
        try:
            target.read(data, rng)
        except StampbenchError as error:
            target.refused += 1
            fault = "message of several lines" if "\n" in str(error) else None
        except Exception as error:  # what this script is there to find
            fault = f"{type(error).__name__}: {error}"
        spent_s = time.process_time() - start_s
        target.longest_s = max(target.longest_s, spent_s)
        if spent_s > LONGEST_S:
            fault = f"took {spent_s:.1f} s"
        if fault is not None:
            kept = keep_in / f"fuzz-{target.name}-{seed}-{number}.bin"
            kept.write_bytes(data)
            raise FuzzError(f"{target.name}, input {number}, kept in {kept}: {fault}")


def limit_memory() -> None:
    """Let this process take only MEMORY_MB more than it holds; what asks for more gets a MemoryError."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY_MB * 1_000_000, resource.RLIM_INFINITY))


def main(arguments: Sequence[str]) -> int:
    """Run as many inputs as asked for through each parser."""
    known = {target.name: target for target in targets()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"parsers, of {', '.join(known)}; all")
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs for each parser; 1000000")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - known.keys():
        parser.error(f"unknown parser {', '.join(sorted(unknown))}")
    limit_memory()
    for name in options.names or known:
        target, begun_s = known[name], time.monotonic()
        try:
            fuzz(target, options.count, options.seed, Path())
        except FuzzError as error:
            sys.stdout.write(f"{error}\n")
            return 1
        sys.stdout.write(
            f"{name}: {options.count} inputs, {target.refused} refused, "
            f"longest {target.longest_s * 1e3:.1f} ms, {time.monotonic() - begun_s:.0f} s\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
