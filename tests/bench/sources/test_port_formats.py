from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np
import pytest
from stampbench.bench.sources.port_formats import STREAM_FORMATS, Recogniser
from stampbench.firmware_emulator.formats import WireFormat, microtouch_px, muca, penmount, printed
from stampbench.firmware_emulator.link.messages import pack_contacts
from stampbench.firmware_emulator.link.packets import PacketSender, PacketType
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

SCANS = [
    TouchReport(10_000 * scan, tuple(Contact(n, True, 100 * n + scan, 50 * n + 2 * scan) for n in range(3)))
    for scan in range(12)
]
FRAMES = [Frame(t, np.random.default_rng(t).integers(0, 200, (21, 12)).astype(np.int16)) for t in range(12)]
SENDER = PacketSender()
STREAMS: dict[WireFormat, list[bytes]] = {
    WireFormat.LINK: [SENDER.encode(PacketType.CONTACTS, scan.t_us, pack_contacts(scan)) for scan in SCANS],
    WireFormat.PX: [microtouch_px.encode(scan) for scan in SCANS],
    WireFormat.PENMOUNT: [penmount.encode(scan) for scan in SCANS],
    WireFormat.PENMOUNT_3000: [
        penmount.encode(
            TouchReport(scan.t_us, tuple(c._replace(tip=scan.t_us % 50_000 != 0) for c in scan.contacts[:2])),
            penmount.PM_3000,
        )
        for scan in SCANS
    ],
    WireFormat.PRINTED: [printed.encode(scan) for scan in SCANS],
    WireFormat.MUCA: [muca.encode_text(frame) for frame in FRAMES],
    WireFormat.MUCA_BYTES: [muca.encode_bytes(frame) for frame in FRAMES],
    WireFormat.MUCA_TOUCHES: [muca.encode_touches(scan) for scan in SCANS],
}


def recognised(scans: Iterable[bytes], nodes: tuple[int, int] = (21, 12)) -> WireFormat | None:
    recogniser = Recogniser(nodes)
    for number, scan in enumerate((*scans, b"")):
        if wire_format := recogniser.feed(scan, 10_000 * number):
            return wire_format
    return None


def test_every_format_but_the_link_has_a_parser() -> None:
    assert STREAM_FORMATS.keys() | {WireFormat.LINK} == set(WireFormat)


@pytest.mark.parametrize("wire_format", WireFormat)
def test_format_is_recognised(wire_format: WireFormat) -> None:
    assert recognised(STREAMS[wire_format]) is wire_format


@pytest.mark.parametrize("wire_format", WireFormat)
@pytest.mark.parametrize("missing", [1, 3, 5])
def test_format_is_recognised_by_who_joins_in_the_middle_of_a_scan(
    wire_format: WireFormat, missing: int
) -> None:
    first, *others = STREAMS[wire_format]
    assert recognised([first[missing:], *others]) is wire_format


@pytest.mark.parametrize("nodes", [(12, 21), (27, 15)])
def test_frames_of_other_sizes_need_their_size(nodes: tuple[int, int]) -> None:
    frames = [muca.encode_text(Frame(0, np.ones(nodes, np.int16))) for _ in range(6)]
    assert recognised(frames, nodes) is WireFormat.MUCA
    assert (recognised(frames) is None) == (nodes[0] * nodes[1] != 252)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_not_recognised(seed: int) -> None:
    rng = random.Random(seed)
    assert recognised([rng.randbytes(rng.randrange(1, 400)) for _ in range(50)]) is None


@pytest.mark.parametrize("wire_format", [WireFormat.PX, WireFormat.PENMOUNT])
def test_few_contacts_are_not_enough(wire_format: WireFormat) -> None:
    assert recognised(STREAMS[wire_format][:1]) is None
