"""Feeds mutated recordings and report descriptors to their parsers: ``python tests/fuzz/fuzz_recordings.py``.

Every input must be read, or refused with one of our errors in one line, within LONGEST_S of processor time.
The first that is not is kept in a file, and the script ends with status 1. Runs with one seed are the same.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.sources.recording import RecordingLines
from bench.sources.recording_formats import known_formats
from firmware_emulator.errors import StampbenchError
from firmware_emulator.hid import HidTouchDecoder, touch_screen
from firmware_emulator.hid_descriptor import parse_descriptor
from firmware_emulator.hid_digitizer import HidDigitizer
from firmware_emulator.touch import Contact, TouchReport

LONGEST_S = 1.0
PANEL = HidDigitizer(2, 10, 1079, 1919, 61.6, 109.6)
DESCRIPTOR = PANEL.descriptor()
PACKETS = [
    packet
    for scan in range(4)
    for packet in PANEL.encode(
        TouchReport(scan * 10_000, tuple(Contact(n, True, 50 * n, 60 * n + scan) for n in range(scan + 1)))
    )
]
SAMPLES = {
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
    "getevent": 'add device 1: /dev/input/event7\n  name:     "touch_dev"\n'
    "    ABS (0003): ABS_MT_POSITION_X     : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 18\n"
    "[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_TRACKING_ID   0000002d\n"
    "[   34562.123456] /dev/input/event7: EV_ABS       ABS_MT_POSITION_X    000001d2\n"
    "[   34562.123456] /dev/input/event7: EV_SYN       SYN_REPORT           00000000\n",
}
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


def read_recording(format_name: str) -> Callable[[bytes], None]:
    """Reads an input as one format, whatever its beginning says."""
    (recording_format,) = (known for known in known_formats()[0] if known.name == format_name)

    def read(data: bytes) -> None:
        recording_format.recognises(data)
        lines = RecordingLines("input", io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]
        for _ in recording_format.read(lines):
            pass

    return read


def read_descriptor(data: bytes) -> None:
    """Reads a report descriptor, and packets by it."""
    decoder = HidTouchDecoder(touch_screen(parse_descriptor(data)))
    for packet in PACKETS:
        decoder.feed(0, packet)
    decoder.flush()


def main() -> int:
    """Run as many inputs as asked for, spread over the parsers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    targets = [(name, sample.encode(), read_recording(name)) for name, sample in SAMPLES.items()]
    targets.append(("report descriptor", DESCRIPTOR, read_descriptor))
    refused = dict.fromkeys((name for name, _, _ in targets), 0)
    longest_s = 0.0
    for number in range(arguments.count):
        name, sample, read = targets[number % len(targets)]
        data = mutate(sample, rng)
        start = time.process_time()
        fault = None
        try:
            read(data)
        except StampbenchError as error:
            refused[name] += 1
            fault = "message of several lines" if "\n" in str(error) else None
        except Exception as error:  # what this script is there to find
            fault = f"{type(error).__name__}: {error}"
        spent_s = time.process_time() - start
        longest_s = max(longest_s, spent_s)
        if spent_s > LONGEST_S:
            fault = f"took {spent_s:.1f} s"
        if fault is not None:
            kept = Path(f"fuzz-{arguments.seed}-{number}.bin")
            kept.write_bytes(data)
            sys.stdout.write(f"{name}, input {number}, kept in {kept}: {fault}\n")
            return 1
    sys.stdout.write(f"{arguments.count} inputs, longest {longest_s * 1e3:.1f} ms; refused: {refused}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
