from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, Codebook, rigid_distance_mm

TOML = """
[[stamp]]
name = "bakery"
pads = [[0, 0], [20, 0], [0, 15.5]]

[[stamp]]
name = "florist"
pads = [[0, 0], [24, 0], [3, 17]]
"""
CSV = "name,x1_mm,y1_mm,x2_mm,y2_mm,x3_mm,y3_mm\nbakery,0,0,20,0,0,15.5\n\nflorist,0,0,24,0,3,17\n"


@pytest.mark.parametrize(("file", "text"), [("stamps.toml", TOML), ("stamps.csv", CSV)])
def test_reads_names_and_pads(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    catalogue = Catalogue.read(tmp_path / file)
    assert isinstance(catalogue, Codebook)
    assert catalogue.names == ("bakery", "florist")
    assert catalogue.pads(1).tolist() == [[0, 0], [24, 0], [3, 17]]
    distance = rigid_distance_mm(catalogue.pads(0), catalogue.pads(1))
    assert catalogue.min_distance_mm == pytest.approx(distance, abs=1e-9)


@pytest.mark.parametrize("file", ["again.toml", "again.csv"])
def test_what_is_written_is_read_back(tmp_path, file):
    names = ['say "hi", \\ ö', "plain"]
    catalogue = Catalogue(names, np.random.default_rng(0).uniform(-20, 20, (2, 5, 2)))
    catalogue.write(tmp_path / file)
    again = Catalogue.read(tmp_path / file)
    assert again.names == tuple(names)
    assert np.array_equal(again.pads_of([0, 1]), catalogue.pads_of([0, 1]))


def test_a_single_stamp_has_no_nearest_other():
    assert Catalogue(["only"], [[[0, 0], [20, 0], [0, 15]]]).min_distance_mm == math.inf


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.toml", "stamp = 3", "stamp = 3: expected"),
        ("a.toml", "[[stamp]]\nname = 'x'", r"stamp\[0\]: pads is missing"),
        (
            "a.toml",
            "[[stamp]]\nname = 'x'\npads = [[0, 0], [1]]",
            r"stamp\[0\].pads: \[1\]: expected pads as",
        ),
        ("a.toml", "[[stamp]]\nname = 'x'\npads = [[0, 0], [9, nan], [1, 1]]", "expected finite"),
        ("a.toml", "[[stamp]]\nname = ''\npads = []", "name = ''"),
        ("a.toml", "[[stamp]]\nname = 'x'\npads = [[0, 0], [0, 0], [1, 1]]", "two pads at one place"),
        ("a.toml", "[[stamp]]\nname = 'x'\npads = [[0, 0], [5, 0]]", "2 pads; expected 3 to 8"),
        ("a.toml", "[[stamp]]\ncolour = 1", r"stamp\[0\]: unknown key 'colour'"),
        ("a.toml", "[[stamp", "not TOML"),
        ("a.toml", "", "no stamps"),
        ("a.toml", TOML.replace("florist", "bakery"), "'bakery' is there twice"),
        ("a.csv", "", "line 1: header"),
        ("a.csv", CSV.replace("17", "far"), "line 4: y3_mm = 'far': expected a number"),
        ("a.csv", CSV.replace(",17", ""), "line 4: 6 fields; expected 7"),
    ],
)
def test_a_wrong_file_gets_one_line(tmp_path, file, text, said):
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        Catalogue.read(tmp_path / file)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.toml"):
        Catalogue.read(tmp_path / "gone.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="byte 0: not UTF-8"):
        Catalogue.read(tmp_path / "b.toml")


def test_an_unknown_name_or_code_is_refused():
    catalogue = Catalogue(["only"], [[[0, 0], [20, 0], [0, 15]]])
    with pytest.raises(InputError, match="no stamp 'other'; it has only"):
        catalogue.code_of("other")
    with pytest.raises(InputError, match="code 1: expected 0 to 0"):
        catalogue.pads(1)
