from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.window.session.codes import Codes
from stampbench.bench.window.session.editing import StampEditor
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, Family, rigid_distance_mm
from stampbench.sim.stamps.objects import FACE_RADIUS_MM


@pytest.fixture
def codes(family: Family) -> Codes:
    return Codes(family)


def test_the_distance_to_the_nearest_stamp_follows_the_drag(codes: Codes, family: Family) -> None:
    editor = StampEditor(codes, family.pads(123))
    code, distance_mm = editor.nearest
    assert (code, distance_mm) == (123, pytest.approx(0.0, abs=1e-6))
    inwards = -family.pads(123)[0] / np.hypot(*family.pads(123)[0])
    editor.move(0, *(family.pads(123)[0] + inwards))
    assert editor.nearest[1] == pytest.approx(rigid_distance_mm(editor.pads_mm, family.pads(123)))
    assert editor.problem.key == "stamp_near"


def test_pads_stay_on_the_face_and_apart(codes: Codes) -> None:
    editor = StampEditor(codes)
    assert editor.problem is None or editor.problem.key == "stamp_near"
    editor.move(0, 1000.0, 0.0)
    assert math.hypot(*editor.pads_mm[0]) == pytest.approx(FACE_RADIUS_MM)
    editor.move(1, *editor.pads_mm[0])
    assert editor.problem.key == "pads_near"


def test_pads_come_and_go_within_what_a_stamp_may_have(codes: Codes) -> None:
    editor = StampEditor(codes)
    for n in range(10):
        editor.add(float(n), 0.0)
    assert len(editor.pads_mm) == 8
    assert editor.nearest is None
    for _ in range(10):
        editor.remove(0)
    assert len(editor.pads_mm) == 3
    editor.move(7, 0.0, 0.0)
    editor.remove(7)
    assert len(editor.pads_mm) == 3


def test_stamps_are_added_to_a_catalogue_one_by_one(codes: Codes, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    editor = StampEditor(codes)
    editor.save(path, "first")
    editor.move(0, 3.0, -20.0)
    editor.save(path, "second")
    catalogue = Catalogue.read(path)
    assert catalogue.names == ("first", "second")
    np.testing.assert_allclose(catalogue.pads(1), editor.pads_mm)
    assert [file.name for file in tmp_path.iterdir()] == ["own.csv"]


def test_a_catalogue_keeps_its_number_of_pads_and_its_names_apart(codes: Codes, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    editor = StampEditor(codes)
    editor.save(path, "first")
    with pytest.raises(InputError, match="first"):
        editor.save(path, "first")
    editor.add(0.0, 0.0)
    with pytest.raises(InputError, match="5 pads"):
        editor.save(path, "second")
    with pytest.raises(InputError, match="written"):
        editor.save(tmp_path / "nowhere" / "own.toml", "x")
    assert Catalogue.read(path).names == ("first",)


def test_in_a_small_catalogue_neighbours_are_found_however_far(tmp_path: Path, family: Family) -> None:
    pads = family.pads_of([0, 30_000, 59_000])
    codes = Codes(Catalogue(["a", "b", "c"], pads))
    expected = sorted((rigid_distance_mm(pads[0], pads[n]), n) for n in (1, 2))
    within = [(code, distance) for distance, code in expected if distance <= 12.0]
    found = codes.neighbours(0, 5)
    assert [code for code, _ in found] == [code for code, _ in within]
    assert [distance for _, distance in found] == pytest.approx([distance for _, distance in within])
    assert codes.code_of("b") == codes.code_of("1") == 1
    for wrong in (3, -1):
        with pytest.raises(InputError):
            codes.body(wrong)
