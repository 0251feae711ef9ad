"""HID packets to touch reports beside reading them bit by bit, five contacts each."""

from __future__ import annotations

import pytest
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
from stampbench.firmware_emulator.touch import Contact, TouchReport

PANEL = HidDigitizer(
    contacts_per_packet=5, contact_count_max=10, x_max=1079, y_max=1919, width_mm=61.6, height_mm=109.6
)
REPORT = TouchReport(10_000, tuple(Contact(n, True, 100 + 150 * n, 900 - 100 * n) for n in range(5)))
(PACKET,) = PANEL.encode(REPORT)


def bit_by_bit(packet: bytes) -> list[list[int]]:
    """The four numbers of each contact, one bit after the other."""
    bits = [byte >> at & 1 for byte in packet for at in range(8)]
    contacts, at = [], 8
    for _ in range(5):
        numbers = []
        for size in (8, 8, 16, 16):
            numbers.append(sum(bit << weight for weight, bit in enumerate(bits[at : at + size])))
            at += size
        contacts.append(numbers)
    return contacts


@pytest.mark.benchmark(group="HID packet of five contacts")
def test_decoder(benchmark):
    decoder = HidTouchDecoder(touch_screen(parse_descriptor(PANEL.descriptor())))
    (report,) = benchmark(decoder.feed, 0, PACKET)
    assert [(c.x, c.y) for c in report.down] == [(c.x, c.y) for c in REPORT.contacts]


@pytest.mark.benchmark(group="HID packet of five contacts")
def test_bit_by_bit(benchmark):
    contacts = benchmark(bit_by_bit, PACKET)
    assert [(x, y) for _, _, x, y in contacts] == [(c.x, c.y) for c in REPORT.contacts]


@pytest.mark.benchmark(group="HID packet of five contacts")
def test_encoder(benchmark):
    assert benchmark(PANEL.encode, REPORT) == [PACKET]


@pytest.mark.benchmark(group="HID report descriptor")
def test_descriptor(benchmark):
    assert benchmark(parse_descriptor, PANEL.descriptor()).numbered
