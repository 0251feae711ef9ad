"""Figures of the documentation that the code can work out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stampbench.sim.decoder.acceptance import Acceptance
from stampbench.sim.decoder.unknown_scale import codes_at_unknown_scale
from stampbench.sim.stamps.specification import find_spec


@pytest.fixture(scope="module")
def families(project: Path) -> str:
    return " ".join((project / "docs/families.md").read_text(encoding="utf-8").split())


def test_codes_that_can_be_told_apart_without_a_scale(families: str) -> None:
    found = re.search(
        r"at 1 % ambiguous presses ([\d,]+) at the design noise of `(.+?)`, ([\d,]+) at that of `(.+?)`",
        families,
    )
    assert found is not None
    for number, name in (found.groups()[:2], found.groups()[2:]):
        spec = find_spec(name)
        acceptance = Acceptance.design(pads=spec.geometry.pads, min_distance_mm=spec.min_distance_mm)
        assert codes_at_unknown_scale(acceptance, spec.geometry, 0.01) == int(number.replace(",", ""))


def test_families_of_the_table(families: str) -> None:
    rows = re.findall(r"\| `(p5-\w+)` \| ([\d,]+) \| ([\d.]+) mm \| [\d.]+ \| ([\d.]+) mm \|", families)
    assert len(rows) == 3
    for name, size, distance_mm, noise_mm in rows:
        spec = find_spec(name)
        acceptance = Acceptance.design(pads=spec.geometry.pads, min_distance_mm=spec.min_distance_mm)
        assert (spec.size, spec.min_distance_mm) == (int(size.replace(",", "")), float(distance_mm))
        assert round(acceptance.sigma_mm, 2) == float(noise_mm)
