from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.sources.recording import Recording, Ruler
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.ruler import GivenRuler, press_decoder
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.stamps import Family, load_family


@pytest.fixture(scope="module")
def family() -> Family:
    return load_family("p5-60k")


def recording(ruler: Ruler | None = None) -> Recording:
    """One contact at (100, 40) of 0..1000 x 0..500 units."""
    x_mm, y_mm = (None, None) if ruler is None else (100 * ruler.width_mm / 1000, 40 * ruler.height_mm / 500)
    report = TouchReport(0, (Contact(1, True, 100, 40, x_mm, y_mm),))
    return Recording("panel", "made up", iter([report]), 0, 1000, 0, 500, ruler)


def place(measured: Recording) -> tuple[float | None, float | None]:
    (report,) = measured
    (contact,) = report.contacts
    return contact.x_mm, contact.y_mm


def test_the_kernel_tells_a_size_to_half_a_unit_per_mm(project: Path) -> None:
    with open_recording(project / "fixtures/recordings/resolution_misread.evemu") as opened:
        ruler = opened.ruler
    assert ruler is not None
    assert (ruler.width_mm, ruler.source) == (3984 / 12, "the kernel's resolution")
    low, high = ruler.x_scales
    assert low < 344 / ruler.width_mm < high
    assert ruler.coarse


def test_a_descriptor_tells_a_size_that_is_not_coarse(project: Path) -> None:
    with open_recording(project / "fixtures/recordings/resolution_misread_same_press.hid") as opened:
        assert opened.ruler == Ruler(344.0, 194.0, "the HID descriptor")


@pytest.mark.parametrize("known", [None, Ruler(80.0, 40.0, "the kernel's resolution", 0.05, 0.05)])
def test_a_given_size_always_wins(known: Ruler | None) -> None:
    measured = GivenRuler(size_mm=(100.0, 50.0)).apply(recording(known))
    assert place(measured) == (10.0, 4.0)
    assert measured.ruler == Ruler(100.0, 50.0, "--size-mm")


def test_units_per_mm_stand_for_a_size() -> None:
    measured = GivenRuler(units_per_mm=5.0).apply(recording())
    assert place(measured) == (20.0, 8.0)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (GivenRuler(flip_x=True), (90.0, 4.0)),
        (GivenRuler(flip_y=True), (10.0, 46.0)),
        (GivenRuler(swap_xy=True), (4.0, 10.0)),
        (GivenRuler(swap_xy=True, flip_x=True), (46.0, 10.0)),
        (GivenRuler(flip_y=True, size_mm=(200.0, 100.0)), (20.0, 92.0)),
    ],
)
def test_axes_are_turned_as_told(given: GivenRuler, where: tuple[float, float]) -> None:
    assert place(given.apply(recording(Ruler(100.0, 50.0, "the device")))) == pytest.approx(where)


def test_what_a_message_asks_for_can_be_given() -> None:
    unknown = replace(recording(), x_max=None, y_max=None)
    with pytest.raises(InputError, match="expected --range WxH with it"):
        GivenRuler(size_mm=(100.0, 50.0)).apply(unknown)
    assert place(GivenRuler(size_mm=(100.0, 50.0), range_units=(1000, 500)).apply(unknown)) == (10.0, 4.0)


def test_two_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="expected one of them"):
        GivenRuler(size_mm=(1.0, 1.0), units_per_mm=1.0)


def pressed(family: Family, code: int, x_scale: float, y_scale: float) -> list[TouchReport]:
    """A stamp's pads as a panel tells them whose millimetres are off by these factors."""
    places = (family.pads(code) + np.array([60.0, 50.0])) / [x_scale, y_scale]
    contacts = tuple(Contact(n, True, 0, 0, float(x), float(y)) for n, (x, y) in enumerate(places))
    return [TouchReport(t_us, contacts) for t_us in range(0, 100_000, 10_000)]


def test_a_coarse_ruler_still_reads_a_stamp_that_it_cannot_confuse(family: Family) -> None:
    panel = recording(Ruler(100.0, 50.0, "the kernel's resolution", x_error=0.05, y_error=0.05))
    press = press_decoder(Decoder(family, sigma_mm=0.15), panel)
    for report in pressed(family, 20406, 1.04, 0.97):
        press.feed(report)
    reading = press.finish().reading
    assert (reading.verdict, reading.code) == (Verdict.READ, 20406)


def test_a_scale_beyond_the_rulers_error_is_not_assumed(family: Family) -> None:
    panel = recording(Ruler(100.0, 50.0, "the kernel's resolution", x_error=0.02, y_error=0.02))
    press = press_decoder(Decoder(family, sigma_mm=0.15), panel)
    for report in pressed(family, 20406, 1.08, 0.95):
        press.feed(report)
    assert press.finish().reading.code != 20406
